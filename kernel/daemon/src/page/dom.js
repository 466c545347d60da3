// From nodes to elements. What is there already stays, so that focus, selection and what was typed stay with it. Foreign
// text only ever becomes text.

const SVG = 'http://www.w3.org/2000/svg';
const DRAWN = new Set(['svg', 'rect', 'title']);
/** What a person may have changed since: it is set once. */
const INITIAL = new Set(['value', 'checked', 'open']);
/** Attributes that could run something, or load from elsewhere. `node` is called by our own code alone; this holds it to that. */
const REFUSED = /^(on|style$|srcdoc$|formaction$)/i;

const known = new WeakMap();

/** Makes the children of an element those that are wanted. */
export function show(parent, wanted) {
  const list = [wanted].flat(Infinity).filter(Boolean);
  const keys = new Set(list.map((want) => want.props?.key).filter((key) => key !== undefined));
  const kept = new Map();
  for (const child of [...parent.childNodes]) {
    const key = known.get(child)?.key;
    if (key === undefined) continue;
    if (keys.has(key)) kept.set(key, child);
    else child.remove();
  }
  let next = parent.firstChild;
  for (const want of list) {
    const child = same(want, kept, next) ?? made(want, parent);
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(child, next);
    if (typeof want === 'string') {
      if (child.data !== want) child.data = want;
    } else {
      update(child, want);
    }
  }
  while (next) {
    const over = next;
    next = next.nextSibling;
    over.remove();
  }
}

/** Returns what is there of a node: what has its key, or what stands in its place. */
function same(want, kept, next) {
  if (typeof want === 'string') return next?.nodeType === Node.TEXT_NODE ? next : null;
  const { key } = want.props;
  const there = key === undefined ? next : kept.get(key);
  const fits = there && there.localName === want.tag && known.get(there)?.key === key;
  return fits ? there : null;
}

function made(want, parent) {
  if (typeof want === 'string') return document.createTextNode(want);
  const isDrawn = want.tag === 'svg' || (parent.namespaceURI === SVG && DRAWN.has(want.tag));
  const element = isDrawn ? document.createElementNS(SVG, want.tag) : document.createElement(want.tag);
  known.set(element, { key: want.props.key, props: {} });
  return element;
}

function update(element, want) {
  const before = known.get(element) ?? { props: {} };
  const isNew = Object.keys(before.props).length === 0;
  show(element, want.children);
  for (const [name, value] of Object.entries(want.props)) {
    if (name === 'key') continue;
    if (typeof value === 'function') element[name] = value;
    else if (INITIAL.has(name)) { if (isNew) element[name] = value; }
    else if (!REFUSED.test(name) && before.props[name] !== value) attribute(element, name, value);
  }
  for (const name of Object.keys(before.props)) {
    if (name in want.props || INITIAL.has(name)) continue;
    if (typeof before.props[name] === 'function') element[name] = null;
    else element.removeAttribute(name);
  }
  known.set(element, { key: want.props.key, props: want.props });
}

function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}
