// One task: its plan, what it does, what it came to, and what can be done with it.

import { follow } from './api.js';
import { diff } from './diff.js';
import { begun, fold } from './fold.js';
import * as format from './format.js';
import { node, pairs, scrolling } from './node.js';
import { answering, card } from './questions.js';
import { status } from './tasks.js';

const GOES_ON = new Set(['queued', 'running']);
const CAN_RESUME = new Set(['paused', 'interrupted', 'stopped']);
/** What is shown of what happened, until all is asked for. */
const LAST = 100;

/** Returns on what a claim rests. */
export function basis(claim) {
  if (claim.basis === 'verified') return `verified by ${claim.command || claim.check}${claim.exit_code === null || claim.exit_code === undefined ? '' : `, exit code ${claim.exit_code}`}`;
  if (claim.basis === 'judged') return `judged by ${claim.by}, ${(claim.score * 10).toFixed(1)} of 10`;
  return 'not verified';
}

function plan({ steps, criteria, repairs }) {
  const list = (label, all) => (all.length ? [node('h3', null, label), node('ol', null, all.map((one) => node('li', null, one)))] : null);
  return steps.length + criteria.length + repairs.length ? node('section', { key: 'plan', 'aria-label': 'Plan' },
    node('h2', null, 'Plan'), list('Steps', steps), list('Criteria', criteria.map((one) => one.text ?? one.id)),
    list('What evaluations found', repairs.map((one) => `${one.text}${one.resolved ? ' — fixed' : ''}`))) : null;
}

function claims(all) {
  return all.length ? node('section', { key: 'claims', 'aria-label': 'Claims' }, node('h2', null, 'Claims and their evidence'),
    node('ul', { class: 'plain list' }, all.map((claim) => node('li', null,
      node('span', { class: claim.holds ? 'good' : 'bad' }, claim.holds ? '✓ holds: ' : '✗ does not hold: '), claim.criterion.text ?? claim.criterion.id,
      node('div', { class: 'faint' }, basis(claim)))))) : null;
}

function moment(one) {
  const head = [one.text, one.target ? [' ', node('code', null, format.line(one.target, 200))] : null,
    one.state === 'runs' ? ' …' : null, one.ms === undefined ? null : node('span', { class: 'faint' }, ` ${format.duration(one.ms)}`)];
  const more = [one.arguments ? scrolling('Arguments', one.arguments, 'wraps') : null, one.output ? scrolling('Output', one.output, 'wraps') : null];
  return node('li', { key: one.key },
    node('span', { class: 'faint' }, format.clock(one.at)),
    node('div', { class: [one.tone, one.isHead && 'strong'].filter(Boolean).join(' ') || null },
      one.state ? node('details', null, node('summary', null, head), more) : head,
      one.detail ? node('p', { class: 'said faint' }, one.detail) : null));
}

/** Returns the changes of a task, each with what became of it. */
export function changed(changes) {
  return node('ul', { class: 'plain' }, changes.map((change) => node('li', null, node('span', { class: 'status' }, change.kind ?? ''), node('code', null, change.path))));
}

/** Returns the page of a task. */
export function page(app, id) {
  const at = `/tasks/${encodeURIComponent(id)}`;
  const path = (more) => `${at}/${more}`;
  let [task, state, open, made, answer, preview, isWhole, isBusy] = [null, begun(), [], null, null, null, false, false];
  let [stopping, following, pending] = [null, false, false];
  const ask = answering(app);

  function draw() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => { pending = false; app.render(); });
  }
  async function listen() {
    if (following) return;
    following = true;
    stopping = new AbortController();
    try {
      await follow(path('events'), {
        signal: stopping.signal, last: state.seq ? String(state.seq) : '',
        event: (one) => {
          if (one.event !== 'end') fold(state, JSON.parse(one.data));
          draw();
        },
      });
    } catch (error) {
      app.fail(error);
    }
    following = false;
  }
  async function results() {
    const known = await Promise.allSettled([app.get(path('diff')), app.get(path('output'))]);
    made = known[0].value ?? null;
    answer = known[1].value?.text ?? null;
  }
  async function act(what, said) {
    isBusy = true;
    app.render();
    const done = await app.done(what, said);
    isBusy = false;
    await app.reload();
    return done;
  }
  const look = async (redo) => {
    const plan = await app.done(() => app.get(path(`undo?redo=${redo}`)));
    preview = plan ? { ...plan, redo } : null;
    app.render();
  };
  const undo = async () => {
    const { redo } = preview;
    const done = await act(() => app.post(path('undo'), { redo }), redo ? 'The changes are back.' : 'The changes are undone.');
    if (done) preview = null;
    app.render();
  };
  const resume = (event) => {
    event.preventDefault();
    const { max_iterations: most, budget, override } = event.target.elements;
    const body = {
      ...(most.value ? { max_iterations: Number(most.value) } : {}), ...(budget.value ? { budget: Number(budget.value) } : {}),
      ...(override.value.trim() ? { override: override.value.trim() } : {}),
    };
    act(() => app.post(path('resume'), body), 'The task goes on.');
  };

  function undoing() {
    if (!preview) return null;
    const word = preview.redo ? 'Redo' : 'Undo';
    return node('section', { class: 'card', key: 'undo', 'aria-label': word },
      node('h2', null, preview.redo ? 'This would be brought back' : 'This would be taken back'),
      preview.changes.length ? changed(preview.changes) : node('p', null, 'There is nothing to do.'),
      preview.conflicts.length ? [node('p', { class: 'warning' }, 'These stay, because somebody else changed them since:'),
        node('ul', null, preview.conflicts.map((one) => node('li', null, node('code', null, one))))] : null,
      node('div', { class: 'actions' },
        preview.changes.length ? node('button', { type: 'button', class: 'danger', key: 'do', disabled: isBusy, onclick: undo }, `${word} ${format.count(preview.changes.length, 'change')}`) : null,
        node('button', { type: 'button', key: 'leave', onclick: () => { preview = null; app.render(); } }, 'Leave it')));
  }
  function goingOn() {
    if (!CAN_RESUME.has(task.status) || task.queue?.state === 'waiting') return null;
    const few = (label, name, props) => node('label', null, label, node('input', { name, ...props }));
    return node('details', { key: 'resume' }, node('summary', null, 'Go on with it'),
      node('form', { onsubmit: resume, class: 'card', autocomplete: 'off' },
        node('div', { class: 'fields' },
          few('Most iterations', 'max_iterations', { type: 'number', min: '0', max: '1000', placeholder: `more than ${task.iterations}` }),
          few('Budget in $', 'budget', { type: 'number', min: '0', step: 'any' }),
          few('Why, if the chamber stopped it', 'override', {})),
        node('div', { class: 'actions' }, node('button', { type: 'submit', class: 'main', disabled: isBusy }, 'Resume'))));
  }
  function happened() {
    const all = isWhole ? state.happened : state.happened.slice(-LAST);
    const left = state.happened.length - all.length;
    return node('section', { key: 'happened', 'aria-label': 'What happened' }, node('h2', null, 'What happened'),
      left ? node('button', { type: 'button', key: 'all', onclick: () => { isWhole = true; app.render(); } }, `Show ${format.count(left, 'earlier entry', 'earlier entries')}`) : null,
      state.dropped ? node('p', { class: 'faint', key: 'dropped' }, `${state.dropped} earlier ones are left out; the journal has them.`) : null,
      node('ol', { class: 'plain happened', key: 'list' }, all.map(moment)),
      state.now && GOES_ON.has(task.status) ? node('p', { class: 'faint', key: 'now' }, `${state.now} …`) : null);
  }

  return {
    get title() { return task ? format.line(task.description, 80) : 'Task'; },
    async load() {
      const before = task?.status;
      const [now, all] = await Promise.all([app.get(at), app.get('/approvals')]);
      task = now;
      open = all.approvals.filter((one) => one.task_id === task.id);
      if (before && before !== task.status) app.say(`The task is ${task.status}.`);
      if (!GOES_ON.has(task.status) || made === null) await results();
      if (!stopping || (GOES_ON.has(task.status) && !following)) listen();
    },
    pause() { stopping?.abort(); stopping = null; following = false; },
    close() { stopping?.abort(); },
    view() {
      if (!task) return node('p', { class: 'faint' }, 'Loading…');
      const text = answer ?? state.answer;
      const changes = made?.changes ?? state.changes;
      const isMoving = GOES_ON.has(task.status);
      // Its worker may have last things to do, and holds the workspace until then.
      const isOver = !isMoving && task.queue?.state !== 'running';
      return [
        node('div', { class: 'actions', key: 'actions' }, status(task.status),
          isMoving ? node('button', { type: 'button', class: 'danger', key: 'cancel', disabled: isBusy || task.queue?.is_cancelled, onclick: () => act(() => app.post(path('cancel')), 'The task is being cancelled.') }, 'Cancel') : null,
          isOver ? node('button', { type: 'button', key: 'undo', disabled: isBusy, onclick: () => look(false) }, 'Undo…') : null,
          isOver ? node('button', { type: 'button', key: 'redo', disabled: isBusy, onclick: () => look(true) }, 'Redo…') : null),
        undoing(),
        open.map((question) => card(question, ask)),
        node('div', { key: 'facts' }, pairs([
          ['Task', task.description.includes('\n') ? scrolling('Task', task.description, 'wraps') : null],
          ['Workspace', node('span', { class: 'mono' }, task.workspace)],
          ['Model', task.model],
          ['Iterations', task.iterations || state.iteration || ''],
          ['Score', task.score === null ? '' : `${(task.score * 10).toFixed(1)} of 10`],
          ['Cost', format.money(Math.max(task.cost_usd, state.costMicros / 1e6), task.is_upper_limit)],
          ['Tokens', format.short(Math.max(task.tokens, state.tokens))],
          ['Began', format.instant(task.started_ms)],
          ['Took', task.ended_ms ? format.duration(task.ended_ms - task.started_ms) : ''],
          ['Stopped', task.status === 'paused' ? state.pause : ''],
          ['Waits', task.queue?.state === 'waiting' ? task.queue.why : ''],
          ['Session', node('a', { href: `#/sessions/${task.session_id}` }, task.session_id)],
          ['Id', node('span', { class: 'mono' }, task.id)],
        ])),
        goingOn(),
        text ? node('section', { key: 'answer', 'aria-label': 'Answer' }, node('h2', null, 'Answer'), node('p', { class: 'said' }, text)) : null,
        claims(state.claims),
        plan(state),
        changes?.length || made?.diff ? node('section', { key: 'diff', 'aria-label': 'Changes' }, node('h2', null, 'Changes'), changed(changes ?? []),
          (made?.uncovered ?? state.uncovered).map((one) => node('p', { class: 'warning' }, one)),
          made?.diff ? diff(made.diff) : null) : null,
        happened(),
      ];
    },
  };
}
