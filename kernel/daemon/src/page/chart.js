// Bars, drawn as SVG. What they show stands beside them in words.

import { node } from './node.js';

/** Returns bars with names and figures: `{ label, value, shown, tone }` each. The longest is full, unless `full` says what is. */
export function bars(label, entries, full = null) {
  const most = full ?? Math.max(0, ...entries.map((entry) => entry.value));
  return node('ul', { class: 'plain chart', 'aria-label': label }, entries.map((entry) => {
    const length = most > 0 ? Math.max(0, Math.min(100, (entry.value / most) * 100)) : 0;
    return node('li', null,
      node('div', { class: 'name' }, node('span', null, entry.label), node('span', { class: 'figure' }, entry.shown)),
      node('svg', { class: 'bar', 'aria-hidden': 'true', preserveAspectRatio: 'none' },
        node('rect', { class: 'ground', width: '100%', height: '100%', rx: '3' }),
        node('rect', { class: `length ${entry.tone ?? ''}`.trim(), width: `${length.toFixed(2)}%`, height: '100%', rx: '3' })));
  }));
}
