// What is remembered, the reports, and the settings.

import { rendered } from './document.js';
import * as format from './format.js';
import { node } from './node.js';

/** Returns where a learning comes from, in a word. */
function source(of) {
  return typeof of === 'string' ? of : of?.kind ?? Object.keys(of ?? {})[0] ?? '';
}

/** Returns the page with what is remembered. */
export function learnings(app) {
  let all = null;
  return {
    title: 'Learnings',
    async load() { all = (await app.get('/learnings?limit=500')).learnings; },
    view() {
      if (!all) return node('p', { class: 'faint' }, 'Loading…');
      if (!all.length) return node('p', { class: 'faint' }, 'Nothing is remembered yet.');
      return node('ul', { class: 'plain list', 'aria-label': 'Learnings' }, all.map((one) => node('li', { key: one.id },
        node('p', { class: 'said' }, one.text),
        node('div', { class: 'faint' }, [source(one.source), (one.categories ?? []).join(', '), format.share(one.confidence), one.learnt_ms ? format.instant(one.learnt_ms) : '', one.workspace ?? 'everywhere'].filter(Boolean).join(' · ')))));
    },
  };
}

/** Returns the page with the list of reports. */
export function views(app) {
  let all = null;
  return {
    title: 'Reports',
    isStill: true,
    async load() { all = (await app.get('/views')).views; },
    view() {
      if (!all) return node('p', { class: 'faint' }, 'Loading…');
      if (!all.length) return node('p', { class: 'faint' }, 'There are no reports.');
      return node('ul', { class: 'plain list', 'aria-label': 'Reports' }, all.map((one) => node('li', { key: `${one.view}/${one.report}` },
        node('a', { class: 'title', href: `#/views/${encodeURIComponent(one.view)}/${encodeURIComponent(one.report)}` }, `${one.view} ${one.report}`))));
    },
  };
}

/** Returns the page of a report. */
export function view(app, name, report) {
  let document = null;
  return {
    get title() { return document?.title || `${name} ${report}`; },
    isStill: true,
    async load() { document = await app.get(`/views/${encodeURIComponent(name)}/${encodeURIComponent(report)}`); },
    view: () => [
      document ? rendered(document) : node('p', { class: 'faint' }, 'Loading…'),
      node('div', { class: 'actions' }, node('button', { type: 'button', onclick: () => app.reload() }, 'Make it again'), node('a', { class: 'button', href: '#/views' }, 'All reports')),
    ],
  };
}

/** Returns the page with the settings. */
export function settings(app) {
  let [all, sought] = [null, ''];
  return {
    title: 'Settings',
    isStill: true,
    async load() { all = (await app.get('/settings')).settings; },
    view() {
      if (!all) return node('p', { class: 'faint' }, 'Loading…');
      const shown = all.filter((one) => one.key.includes(sought.trim()));
      return [
        node('p', { class: 'faint' }, 'The settings of the daemon, each with where it comes from. They are changed in their file; ', node('code', null, 'openkoi daemon restart'), ' takes them up.'),
        node('div', { class: 'row' }, node('label', null, 'Filter', node('input', { id: 'filter', type: 'search', autocomplete: 'off', oninput: (event) => { sought = event.target.value; app.render(); } }))),
        node('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': 'Settings' }, node('table', null,
          node('thead', null, node('tr', null, ['Key', 'Value', 'Origin'].map((head) => node('th', { scope: 'col' }, head)))),
          node('tbody', null, shown.map((one) => node('tr', { key: one.key },
            node('td', { class: 'mono' }, one.key), node('td', { class: 'mono' }, JSON.stringify(one.value)),
            node('td', { class: 'faint' }, one.origin, one.used ? null : '; not used yet')))))),
      ];
    },
  };
}
