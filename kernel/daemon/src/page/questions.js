// Questions that wait for a person, each with what it is about and every answer that there is.

import { diff, isDiff } from './diff.js';
import * as format from './format.js';
import { field, node, pairs, scrolling } from './node.js';

/** Returns the answers of a question about an effect: what is sent, and what stands on the button. */
export function answers(request) {
  const alike = request.alike ? [['allow_alike', `Allow all that begin with “${format.line(request.alike.target, 60)}”`]] : [];
  return [
    ['allow_once', 'Allow once'], ['allow_session', 'Allow in this session'], ['allow_always', 'Allow always here'], ...alike,
    ['reject_once', 'Reject'], ['reject_always', 'Reject always here'],
  ];
}

function content(label, text) {
  if (!text) return null;
  return isDiff(text) ? diff(text, label) : scrolling(label, text, 'wraps');
}

function effect(question, answer) {
  const { request } = question;
  const shown = request.shown && request.shown !== request.target ? request.shown : '';
  const details = !shown && request.details !== request.target ? request.details : '';
  return [
    pairs([
      ['Wants', `${request.action} (${request.effect})`],
      ['Asked by', request.origin],
      ['Because', request.why],
    ]),
    content('On what', request.target),
    content(request.effect === 'execute' ? 'What it would change' : 'Content', shown),
    content('Details', details),
    node('div', { class: 'actions', role: 'group', 'aria-label': 'Answers' }, answers(request).map(([word, label]) => node('button', {
      type: 'button', class: word === 'allow_once' ? 'main' : word.startsWith('reject') ? 'danger' : null,
      onclick: () => answer(question, { answer: word }),
    }, label))),
  ];
}

function words(question, answer) {
  const { request } = question;
  const send = (event) => {
    event.preventDefault();
    const text = event.target.elements.text.value.trim();
    if (text) answer(question, { text });
  };
  return [
    node('p', { class: 'said strong' }, request.text),
    request.why ? node('p', { class: 'faint' }, request.why) : null,
    request.choices?.length ? node('div', { class: 'actions', role: 'group', 'aria-label': 'Answers' }, request.choices.map((choice) =>
      node('button', { type: 'button', onclick: () => answer(question, { text: choice }) }, choice))) : null,
    node('form', { onsubmit: send }, field('Your answer', 'text', { required: true, autocomplete: 'off' }),
      node('div', { class: 'actions' }, node('button', { type: 'submit', class: 'main' }, 'Answer'))),
    request.assumed ? node('p', { class: 'faint' }, `Without an answer it is assumed: ${request.assumed}`) : null,
  ];
}

/** Returns a question with its answers. */
export function card(question, answer, level = 'h2') {
  const isEffect = question.kind === 'approval';
  return node('section', { class: 'card asks', key: question.id, 'aria-label': isEffect ? 'May this be done?' : 'A question' },
    node(level, null, isEffect ? 'May this be done?' : 'A question'),
    isEffect ? effect(question, answer) : words(question, answer),
    node('p', { class: 'faint' }, `${format.instant(question.asked_ms)} · `, node('a', { href: `#/tasks/${question.task_id}` }, 'its task')));
}

/** Sends an answer, and says what became of it. */
export function answering(app) {
  return async (question, given) => {
    await app.done(() => app.post(`/approvals/${question.id}`, given), 'The answer is given.');
    await app.reload();
  };
}

/** Returns the page with all questions. */
export function page(app) {
  let open = null;
  const answer = answering(app);
  return {
    title: 'Questions',
    async load() { open = (await app.get('/approvals')).approvals; },
    view() {
      if (open === null) return node('p', { class: 'faint' }, 'Loading…');
      return open.length ? open.map((question) => card(question, answer)) : node('p', { class: 'faint' }, 'Nothing waits for you.');
    },
  };
}
