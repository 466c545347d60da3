// The page as a whole: which part of it is shown, and what keeps it up to date.

import { follow, get, post, signIn } from './api.js';
import * as costs from './costs.js';
import { show } from './dom.js';
import * as knowledge from './knowledge.js';
import { node } from './node.js';
import * as questions from './questions.js';
import * as sessions from './sessions.js';
import * as start from './start.js';
import * as task from './task.js';
import * as tasks from './tasks.js';

const place = (id) => document.getElementById(id);

/** The parts: a pattern of the address, and what is made of it. */
const PARTS = [
  [/^#\/tasks$/, tasks.page], [/^#\/tasks\/([^/]+)$/, task.page], [/^#\/new$/, start.page],
  [/^#\/questions$/, questions.page], [/^#\/sessions$/, sessions.page], [/^#\/sessions\/([^/]+)$/, sessions.one],
  [/^#\/costs$/, costs.page], [/^#\/learnings$/, knowledge.learnings], [/^#\/views$/, knowledge.views],
  [/^#\/views\/([^/]+)\/([^/]+)$/, knowledge.view], [/^#\/settings$/, knowledge.settings],
];
/** The addresses of the navigation, with the key that leads there after `g`. */
const PLACES = [
  ['tasks', 'Tasks', 't'], ['questions', 'Questions', 'q'], ['sessions', 'Sessions', 's'], ['costs', 'Costs', 'c'],
  ['learnings', 'Learnings', 'l'], ['views', 'Reports', 'r'], ['settings', 'Settings', 'e'],
];
const KEYS = [['?', 'show this list'], ['n', 'start a task'], ['/', 'filter'], ['Esc', 'close this list'], ...PLACES.map(([, name, key]) => [`g ${key}`, name])];

let [part, waiting, version, lastRefusal, listening] = [null, 0, '', null, null];
let [isLoading, isStale] = [false, false];
/** How the page stands with the daemon. */
let state = 'Connecting';
/** What went wrong with what the person did, and with what the page asks by itself: each is said until it goes right. */
const wrong = { deed: '', look: '' };

const OUT = 'You are not signed in: run `openkoi daemon open`, which opens this page with a link that holds once.';

function alarm(of, text) {
  wrong[of] = text;
  place('alarm').textContent = wrong.deed || wrong.look;
}

const app = {
  get, post,
  go(address) { location.hash = address; },
  say(text) { place('said').textContent = text; },
  /** Says what went wrong. */
  fail(error, of = 'deed') {
    lastRefusal = error;
    alarm(of, error.status === 401 ? OUT : error.message);
  },
  /** Returns true if the last thing that went wrong was refused, and so surely not done. */
  refused: () => (lastRefusal?.status ?? 0) >= 400 && lastRefusal.status < 500,
  /** Does something and says so. Returns what came of it, or nothing if it went wrong. */
  async done(what, said = '') {
    try {
      const result = await what();
      alarm('deed', '');
      if (said) app.say(said);
      return result ?? true;
    } catch (error) {
      app.fail(error);
      return null;
    }
  },
  render() {
    if (!part) return;
    document.title = `${waiting ? `(${waiting}) ` : ''}${part.title} – OpenKoi`;
    const shown = part.isMissing ? node('p', { class: 'faint' }, 'This cannot be shown now.') : part.view();
    show(place('main'), [node('h1', { tabindex: '-1', key: 'title' }, part.title), node('div', { key: 'part' }, shown)]);
  },
  /** Asks for the part's facts again and shows them. What is asked meanwhile is asked once more at its end. */
  async reload() {
    if (isLoading) { isStale = true; return; }
    isLoading = true;
    do {
      isStale = false;
      const of = part;
      try {
        await of.load();
        of.isMissing = false;
        of.isLoaded = true;
        if (of === part) alarm('look', '');
      } catch (error) {
        of.isMissing = !of.isLoaded;
        if (of === part) app.fail(error, 'look');
      }
      if (of === part) app.render();
    } while (isStale);
    isLoading = false;
  },
};

function navigation() {
  const here = location.hash.split('/')[1];
  const current = here === 'new' ? 'tasks' : here;
  show(place('nav'), node('ul', null, PLACES.map(([address, name]) => node('li', { key: address },
    node('a', { href: `#/${address}`, 'aria-current': address === current ? 'page' : null }, name,
      address === 'questions' && waiting ? node('span', { class: 'badge' }, String(waiting), node('span', { class: 'unseen' }, ' waiting')) : null)))));
  show(place('footer'), node('p', null, `${state}${version ? ` · OpenKoi ${version}` : ''}`));
}

async function overview() {
  try {
    const status = await get('/status');
    if (status.approvals > waiting) app.say(status.approvals === 1 ? 'A question waits for you.' : `${status.approvals} questions wait for you.`);
    [waiting, version] = [status.approvals, status.version];
  } catch (error) {
    app.fail(error, 'look');
  }
  navigation();
}

/** Returns the parameters in an address and the part that it names; nothing if it names none. */
function meant(address) {
  for (const [pattern, make] of PARTS) {
    const match = pattern.exec(address);
    try {
      if (match) return [match.slice(1).map(decodeURIComponent), make];
    } catch {
      return [];
    }
  }
  return [];
}

async function turn() {
  const address = location.hash || '#/tasks';
  // A link that is opened in a tab that has the page already changes its fragment alone.
  if (address.startsWith('#code=')) return opened();
  const [found, make] = meant(address);
  if (!found) return location.replace('#/tasks');
  part?.close?.();
  alarm('deed', '');
  alarm('look', '');
  // The elements of another part are not to be taken for this one's.
  show(place('main'), []);
  part = make(app, ...found);
  navigation();
  app.render();
  await app.reload();
  const first = document.querySelector('[data-first]') ?? document.querySelector('h1');
  if (document.activeElement === document.body || place('nav').contains(document.activeElement)) first?.focus({ preventScroll: true });
}

/** Follows what changes in the home as long as somebody looks: a browser has few connections for all its tabs. */
async function listen() {
  listening?.abort();
  const mine = listening = new AbortController();
  try {
    await follow('/changes?looking=true', {
      signal: mine.signal,
      state: (word) => { state = word === 'live' ? 'Live' : 'Not connected; trying again'; navigation(); },
      event: () => { overview(); if (!part?.isStill) app.reload(); },
    });
  } catch (error) {
    state = 'Not connected';
    navigation();
    app.fail(error, 'look');
  }
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) { listening?.abort(); part?.pause?.(); } else listen();
});

let afterG = false;
function keyed(event) {
  const isTyping = /^(input|textarea|select)$/.test(event.target.localName ?? '');
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || place('help').open) return;
  const to = afterG && PLACES.find(([, , key]) => key === event.key);
  afterG = event.key === 'g';
  if (to) app.go(`#/${to[0]}`);
  else if (event.key === '?') help();
  else if (event.key === 'n') app.go('#/new');
  else if (event.key === '/' && place('filter')) place('filter').focus();
  else return;
  event.preventDefault();
}

function help() {
  show(place('help'), [node('h2', { id: 'help-title' }, 'Keyboard shortcuts'),
    node('dl', { class: 'pairs' }, KEYS.map(([key, text]) => [node('dt', null, key.split(' ').map((one) => [node('kbd', null, one), ' '])), node('dd', null, text)])),
    node('div', { class: 'actions' }, node('button', { type: 'button', onclick: () => place('help').close() }, 'Close'))]);
  place('help').showModal();
}

document.addEventListener('keydown', keyed);
place('help-button').addEventListener('click', help);
window.addEventListener('hashchange', turn);
document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); place('main').focus(); });

/** Opens the page: with the code of a link, if there is one. */
async function opened() {
  let refusal = null;
  await signIn().catch((error) => { refusal = error; });
  if (!location.hash) history.replaceState(null, '', '#/tasks');
  await turn();
  if (refusal) app.fail(refusal);
  await listen();
}

opened();
