// What is shown, as data: `dom.js` makes elements of it, and a test can read it without a browser.

/** Returns an element with its attributes and children. What is absent is left out; lists are taken apart. */
export function node(tag, props, ...children) {
  const kept = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== '');
  return { tag, props: props ?? {}, children: kept.map((child) => (typeof child === 'object' ? child : String(child))) };
}

/** Returns the text of nodes, as it is read aloud. */
export function words(what) {
  if (Array.isArray(what)) return what.map(words).join('');
  return typeof what === 'string' ? what : what.children.map(words).join('');
}

/** Returns text that scrolls, which the keyboard has to reach. */
export function scrolling(label, text, kind = '') {
  return node('pre', { class: `text ${kind}`.trim(), tabindex: '0', role: 'region', 'aria-label': label }, text);
}

/** Returns names with values; those without a value are left out. */
export function pairs(entries) {
  const known = entries.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return node('dl', { class: 'pairs' }, known.map(([name, value]) => [node('dt', null, name), node('dd', null, value)]));
}

/** Returns a field of a form with its label. */
export function field(label, name, props = {}, tag = 'input', ...children) {
  return node('label', { key: name }, label, node(tag, { name, ...props }, ...children));
}
