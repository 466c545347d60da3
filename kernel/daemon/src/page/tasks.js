// The list of tasks.

import * as format from './format.js';
import { node } from './node.js';

export const STATUSES = ['queued', 'running', 'interrupted', 'paused', 'accepted', 'stopped', 'cancelled', 'failed'];
const TONES = { accepted: 'good', stopped: 'warning', paused: 'warning', interrupted: 'warning', failed: 'bad' };

/** Returns the status of a task. */
export function status(word) {
  return node('span', { class: `status ${TONES[word] ?? ''}`.trim() }, word);
}

/** Returns a task as a line of a list. */
export function line(task) {
  const facts = [
    task.iterations ? format.count(task.iterations, 'iteration') : '',
    task.score === null ? '' : `score ${(task.score * 10).toFixed(1)}`,
    task.tokens ? `${format.short(task.tokens)} tokens` : '',
    task.cost_usd ? format.money(task.cost_usd, task.is_upper_limit) : '',
    format.instant(task.started_ms),
  ];
  return node('li', { key: task.id },
    node('a', { class: 'title', href: `#/tasks/${task.id}` }, format.line(task.description) || task.id),
    node('div', null, status(task.status), node('span', { class: 'faint' }, facts.filter(Boolean).join(' · '))),
    node('div', { class: 'faint mono' }, task.workspace),
    task.queue?.state === 'waiting' && task.queue.why ? node('div', { class: 'faint' }, task.queue.why) : null);
}

/** Returns the page with all tasks. */
export function page(app) {
  let [tasks, next, sought, only, size] = [null, null, '', '', 50];
  const wanted = () => tasks.filter((task) => `${task.description}\n${task.workspace}\n${task.id}\n${task.model}`.toLowerCase().includes(sought.toLowerCase()));
  const self = {
    title: 'Tasks',
    async load() {
      const asked = new URLSearchParams({ limit: String(size), ...(only ? { status: only } : {}) });
      ({ tasks, next } = await app.get(`/tasks?${asked}`));
    },
    view() {
      const shown = tasks ? wanted() : [];
      return [
        node('div', { class: 'row' },
          node('label', null, 'Filter', node('input', { id: 'filter', type: 'search', autocomplete: 'off', 'aria-keyshortcuts': '/',
            oninput: (event) => { sought = event.target.value; app.render(); } })),
          node('label', null, 'Status', node('select', { onchange: (event) => { only = event.target.value; app.reload(); } },
            node('option', { value: '' }, 'all'), STATUSES.map((word) => node('option', { value: word }, word)))),
          node('a', { class: 'button main', href: '#/new', 'aria-keyshortcuts': 'n' }, 'Start a task')),
        tasks === null ? node('p', { class: 'faint' }, 'Loading…') : null,
        tasks && shown.length === 0 ? node('p', { class: 'faint' }, tasks.length ? 'No task fits.' : 'There are no tasks yet.') : null,
        node('ul', { class: 'plain list', 'aria-label': 'Tasks' }, shown.map(line)),
        next && size < 500 ? node('div', { class: 'actions' },
          node('button', { type: 'button', onclick: () => { size = Math.min(500, size * 2); app.reload(); } }, 'Show more')) : null,
      ];
    },
  };
  return self;
}
