// Sessions, and a conversation in one.

import { onceName } from './api.js';
import * as format from './format.js';
import { field, node, scrolling } from './node.js';
import { answering, card } from './questions.js';
import { line } from './tasks.js';

/** Returns a part of a message: its text, or what stands for the rest. */
export function part(one) {
  if (one.text !== undefined) return node('p', { class: 'said' }, one.text);
  const call = one.tool_call;
  if (call) return node('details', null, node('summary', null, `calls ${call.name}`), scrolling('Arguments', call.arguments, 'wraps'));
  const result = one.tool_result;
  if (result) return node('details', null, node('summary', null, `${result.name} ${result.is_error ? 'failed' : 'answered'}`), scrolling('Result', result.content, 'wraps'));
  return one.attachment ?? one.image ? node('p', { class: 'faint' }, 'an attachment') : null;
}

/** Returns a message. */
export function turn(message, index) {
  const who = message.speaker === 'user' ? 'You' : 'OpenKoi';
  return node('li', { key: String(index), class: `turn ${message.speaker}` }, node('h3', null, who), message.parts.map(part));
}

/** Returns the page with all sessions. */
export function page(app) {
  let all = null;
  const begin = async (event) => {
    event.preventDefault();
    const { title, workspace } = event.target.elements;
    const body = { ...(title.value.trim() ? { title: title.value.trim() } : {}), ...(workspace.value.trim() ? { workspace: workspace.value.trim() } : {}) };
    const session = await app.done(() => app.post('/sessions', body), 'The conversation has begun.');
    if (session) app.go(`#/sessions/${session.id}`);
  };
  return {
    title: 'Sessions',
    async load() { all = (await app.get('/sessions')).sessions; },
    view() {
      if (!all) return node('p', { class: 'faint' }, 'Loading…');
      const places = [...new Set(all.map((session) => session.workspace))];
      return [
        node('form', { class: 'row', onsubmit: begin, key: 'begin', autocomplete: 'off' },
          field('About', 'title', { placeholder: 'chat' }),
          field('Workspace (absolute path)', 'workspace', { list: 'places', placeholder: 'the daemon’s default' }),
          node('datalist', { id: 'places', key: 'places' }, places.map((value) => node('option', { value }))),
          node('button', { type: 'submit', class: 'button main', key: 'begin' }, 'Begin a conversation')),
        all.length ? null : node('p', { class: 'faint', key: 'none' }, 'There are no sessions yet.'),
        node('ul', { class: 'plain list', key: 'list', 'aria-label': 'Sessions' }, all.map((session) => node('li', { key: session.id },
          node('a', { class: 'title', href: `#/sessions/${session.id}` }, format.line(session.title) || session.id),
          node('div', { class: 'faint' }, [session.kind, session.status, format.count(session.tasks, 'task'), session.cost_usd ? format.money(session.cost_usd) : '', format.instant(session.updated_ms)].filter(Boolean).join(' · ')),
          node('div', { class: 'faint mono' }, session.workspace)))),
      ];
    },
  };
}

/** Returns the page of a session. */
export function one(app, id) {
  const at = `/sessions/${encodeURIComponent(id)}`;
  let [session, messages, tasks, open, isBusy, name] = [null, [], [], [], false, onceName()];
  const ask = answering(app);
  const say = async (event) => {
    event.preventDefault();
    const box = event.target.elements.message;
    if (isBusy || !box.value.trim()) return;
    isBusy = true;
    app.render();
    const taken = await app.done(() => app.post(`${at}/turns`, { message: box.value }, name), 'Sent.');
    isBusy = false;
    if (taken) box.value = '';
    if (taken || app.refused()) name = onceName();
    await app.reload();
  };
  return {
    get title() { return session ? format.line(session.title, 80) || 'Session' : 'Session'; },
    async load() {
      const before = messages.length;
      const [about, said, list, asked] = await Promise.all([app.get(at), app.get(`${at}/turns`), app.get(`/tasks?session=${encodeURIComponent(id)}`), app.get('/approvals')]);
      [session, messages, tasks] = [about, said.messages, list.tasks];
      open = asked.approvals.filter((question) => tasks.some((task) => task.id === question.task_id));
      if (before && messages.length > before && messages.at(-1).speaker === 'assistant') app.say('OpenKoi has answered.');
    },
    view() {
      if (!session) return node('p', { class: 'faint' }, 'Loading…');
      const goesOn = tasks.some((task) => task.status === 'running' || task.status === 'queued');
      return [
        node('p', { class: 'faint mono', key: 'place' }, session.workspace),
        node('h2', { key: 'talk' }, 'Conversation'),
        messages.length ? null : node('p', { class: 'faint', key: 'none' }, 'Nothing was said yet.'),
        node('ol', { class: 'plain', key: 'turns' }, messages.map(turn)),
        open.map((question) => card(question, ask)),
        goesOn ? node('p', { class: 'faint', key: 'works' }, 'OpenKoi is at work …') : null,
        node('form', { onsubmit: say, key: 'say' },
          field('Message', 'message', { required: true, rows: '3' }, 'textarea'),
          node('div', { class: 'actions' }, node('button', { type: 'submit', class: 'main', disabled: isBusy }, 'Send'))),
        node('h2', { key: 'tasks' }, 'Tasks'),
        node('ul', { class: 'plain list', key: 'list', 'aria-label': 'Tasks' }, tasks.map(line)),
      ];
    },
  };
}
