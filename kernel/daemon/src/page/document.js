// The one renderer of documents: what a report says, as nodes.

import { bars } from './chart.js';
import { diff } from './diff.js';
import * as format from './format.js';
import { node, scrolling } from './node.js';

const TONES = new Set(['good', 'warning', 'bad']);
const tone = (name) => (TONES.has(name) ? name : '');
const classes = (...names) => names.filter(Boolean).join(' ') || null;
/** Kinds of values that are figures, which stand below each other. */
const FIGURES = new Set(['figures', 'count', 'tokens', 'bytes', 'number', 'share', 'score', 'money', 'duration']);

/** Returns a piece of text. A link leads out only if it is one of the web. */
export function span({ text, style, tone: of, link }) {
  const kind = classes(style === 'strong' && 'strong', style === 'muted' && 'faint', tone(of));
  if (link && /^https?:\/\//i.test(link)) {
    return node('a', { href: link, rel: 'noreferrer noopener', target: '_blank', class: kind }, text);
  }
  return style === 'code' ? node('code', { class: kind }, text) : kind ? node('span', { class: kind }, text) : text;
}

/** Returns a value as people read it. */
export function value({ kind, content }) {
  switch (kind) {
    case 'nothing': return '';
    case 'text': return content.map(span);
    case 'id': return node('span', { class: 'mono' }, content);
    case 'tokens': return format.short(content);
    case 'bytes': return format.bytes(content);
    case 'number': return String(Math.round(content * 1000) / 1000);
    case 'share': return format.share(content);
    case 'score': return (content * 10).toFixed(1);
    case 'money': return format.money(content.micros / 1e6, content.at_most);
    case 'duration': return format.duration(content);
    case 'instant': return format.instant(content);
    case 'flag': return content ? 'yes' : 'no';
    case 'list': return content.map((one, index) => [index ? ', ' : '', value(one)]);
    case 'record': return content.map(([name, one], index) => [index ? ', ' : '', `${name}: `, value(one)]);
    case 'data': return typeof content === 'string' ? content : JSON.stringify(content);
    default: return String(content);
  }
}

function table({ columns, rows, empty }) {
  const shown = columns.map((column, index) => ({ ...column, index })).filter((column) => column.title !== '' || column.key === '');
  if (shown.length === 0) return null;
  if (rows.length === 0) return empty ? node('p', { class: 'faint' }, empty) : null;
  const kind = (column) => (FIGURES.has(column.kind) ? 'figure' : null);
  const head = shown.map((column) => (column.title
    ? node('th', { scope: 'col', class: kind(column) }, column.title)
    : node('td', null)));
  const body = rows.map((row) => node('tr', null,
    shown.map((column) => node('td', { class: kind(column) }, value(row[column.index] ?? { kind: 'nothing' })))));
  return node('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': 'Table' },
    node('table', null, node('thead', null, node('tr', null, head)), node('tbody', null, body)));
}

function pairsOf({ entries }) {
  const shown = entries.filter((entry) => entry.name !== '');
  return shown.length ? node('dl', { class: 'pairs' }, shown.map((entry) => [
    node('dt', null, entry.name), node('dd', { class: classes(tone(entry.tone)) }, value(entry.value)),
  ])) : null;
}

/** Returns items as lists in lists. */
function items(all, depth = 0) {
  const made = [];
  for (let index = 0; index < all.length;) {
    let end = index + 1;
    while (end < all.length && all[end].depth > depth) end += 1;
    const below = all.slice(index + 1, end);
    made.push(node('li', null, all[index].text.map(span), below.length ? items(below, depth + 1) : null));
    index = end;
  }
  return node('ul', null, made);
}

function timeline({ moments }) {
  return node('ol', { class: 'plain happened' }, moments.map((moment) => node('li', null,
    node('span', { class: 'faint' }, format.instant(moment.at_ms)),
    node('div', { class: classes(tone(moment.tone)) }, moment.text.map(span),
      moment.detail ? node('div', { class: 'faint' }, moment.detail) : null))));
}

function notice({ tone: of, about, text, hints }) {
  return node('div', { class: 'card', role: 'note' },
    node('p', { class: classes(tone(of)) }, about ? node('strong', null, `${about}: `) : null, text.map(span)),
    hints.map((hint) => node('p', null, node('code', null, hint))));
}

/** Returns a document as nodes, for a place below a heading of the first level. */
export function rendered({ blocks }) {
  let level = 1;
  return blocks.map(({ kind, content }) => {
    switch (kind) {
      case 'heading':
        if (!content.text) return null;
        // A level that is left out would be missed by those who go from heading to heading.
        level = Math.min(content.level + 1, level + 1, 5);
        return node(`h${level}`, null, content.text);
      case 'paragraph': return node('p', null, content.map(span));
      case 'items': return items(content);
      case 'table': return table(content);
      case 'pairs': return pairsOf(content);
      case 'bars': return bars('Bars', content.entries.map((bar) => ({ ...bar, shown: value(bar.shown), tone: tone(bar.tone) })), content.full);
      case 'timeline': return timeline(content);
      case 'notice': return notice(content);
      case 'verbatim': return content.language === 'diff' ? diff(content.text) : scrolling('Text', content.text);
      case 'footnote': return node('p', { class: 'faint' }, content.map(span));
      default: return null;
    }
  }).filter(Boolean);
}
