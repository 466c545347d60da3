// A unified diff, line by line.

import { node } from './node.js';

/** Returns what a line of a unified diff is. */
export function kindOf(line) {
  if (/^(diff |index |--- |\+\+\+ |new file|deleted file|rename |old mode|new mode)/.test(line)) return 'file';
  if (line.startsWith('@@')) return 'place';
  if (line.startsWith('+')) return 'added';
  if (line.startsWith('-')) return 'removed';
  return 'same';
}

/** Returns true if a text is a unified diff, or holds one. */
export function isDiff(text) {
  return /^@@ .*@@/m.test(text) || (/^--- /m.test(text) && /^\+\+\+ /m.test(text));
}

/** Returns the lines, each marked as what it is. Signs stand at their beginning, so colour says nothing alone. */
export function diff(text, label = 'Difference') {
  const lines = text.replace(/\n$/, '').split('\n');
  const shown = lines.map((line) => node('span', { class: `line ${kindOf(line)}` }, `${line}\n`));
  return node('pre', { class: 'text diff', tabindex: '0', role: 'region', 'aria-label': label }, shown);
}
