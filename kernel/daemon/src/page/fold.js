// From the events of a task to what it has done so far.

/** The most things that are kept of what happened; what came before is left out. */
export const MOST = 2000;

/** Returns the state of a task of which nothing is known. */
export function begun() {
  return {
    seq: 0, steps: [], criteria: [], repairs: [], iteration: 0, most: null, happened: [], dropped: 0,
    now: '', costMicros: 0, isLimit: false, tokens: 0, score: null, answer: null, claims: [], changes: [], beside: [],
    uncovered: [], ending: null, pause: null,
  };
}

/** Takes an entry of the journal into the state. One that is there already changes nothing. */
export function fold(state, entry) {
  if (entry.seq && entry.seq <= state.seq) return state;
  state.seq = entry.seq || state.seq;
  const event = entry.event ?? {};
  if (Object.hasOwn(TAKEN, event.event)) TAKEN[event.event](state, event, entry);
  return state;
}

function happens(state, entry, text, more = {}) {
  state.happened.push({ key: String(entry.seq), of: entry.key, at: entry.at_ms, text, ...more });
  if (state.happened.length > MOST) {
    state.happened.shift();
    state.dropped += 1;
  }
}

function spends(state, spent) {
  if (!spent) return;
  state.costMicros += spent.cost_micros ?? 0;
  state.tokens += spent.tokens ?? 0;
  state.isLimit ||= Boolean(spent.at_most);
}

/** Returns what a failure says. */
export function failure(error) {
  if (typeof error === 'string') return error;
  const inner = error?.message ?? error?.what ?? error?.reason ?? error?.detail;
  if (typeof inner === 'string') return inner;
  const [first] = Object.values(error ?? {});
  return first && typeof first === 'object' ? failure(first) : String(first ?? 'failed');
}

/** Returns the text parts of a model's turn. */
function textOf(turn) {
  return (turn?.parts ?? []).map((part) => part.text ?? '').filter(Boolean).join('\n\n');
}

function ends(state, outcome) {
  state.answer = outcome.text;
  state.claims = outcome.claims ?? [];
  state.changes = outcome.changes ?? [];
  state.beside = outcome.beside ?? [];
  state.uncovered = outcome.uncovered ?? [];
  state.repairs = outcome.repairs ?? state.repairs;
}

const TAKEN = {
  'task.resumed': (state, _, entry) => {
    Object.assign(state, { pause: null, ending: null });
    happens(state, entry, 'taken up again');
  },
  'task.steered': (state, { text }, entry) => happens(state, entry, 'you said', { detail: text }),
  'plan.made': (state, { contract }, entry) => {
    state.steps = contract.steps;
    state.criteria = contract.criteria;
    happens(state, entry, 'made a plan', { detail: contract.steps.length ? `${contract.steps.length} steps` : '' });
  },
  'plan.refined': (state, { repairs }) => { state.repairs = repairs; },
  'agency.heard': (state, { agency, result }, entry) => {
    const said = result.Ok ? `${result.Ok.vote}: ${result.Ok.reason}` : failure(result.Err);
    happens(state, entry, `${agency} was heard`, { detail: said });
  },
  'deliberation.held': (state, _, entry) => happens(state, entry, 'the chamber came to a conclusion'),
  'iteration.started': (state, { number }, entry) => {
    state.iteration = number;
    happens(state, entry, `iteration ${number}`, { isHead: true });
  },
  'turn.started': (state, { role, model }) => { state.now = `${role} asks ${model}`; },
  'turn.finished': (state, { role, result, spent }, entry) => {
    state.now = '';
    spends(state, spent);
    const said = role === 'executor' && textOf(result.Ok);
    if (said) happens(state, entry, 'the model says', { detail: said });
    if (result.Err) happens(state, entry, 'the model could not answer', { detail: failure(result.Err), tone: 'bad' });
  },
  'turn.lost': (state, { reserved }) => spends(state, reserved),
  'turn.failed': (state, { model, error, spent }, entry) => {
    state.now = '';
    spends(state, spent);
    happens(state, entry, `${model} could not answer`, { detail: failure(error), tone: 'bad' });
  },
  'gate.decided': (state, event, entry) => {
    const denied = event.decision?.Deny ?? event.decision?.deny ?? (event.decision?.decision === 'deny' ? event.decision : null);
    if (denied) happens(state, entry, `${event.action} was refused`, { detail: denied.what ?? event.target, tone: 'bad' });
    else if (event.answer) happens(state, entry, `${event.action}: ${String(event.answer).replaceAll('_', ' ')}`, { detail: event.target });
  },
  'call.started': (state, { call, effect, target }, entry) => {
    state.now = `runs ${call.name}`;
    happens(state, entry, call.name, { target, effect, state: 'runs', arguments: call.arguments });
  },
  'call.finished': (state, { tool, result, duration_ms: ms }, entry) => {
    state.now = '';
    const call = state.happened.findLast((one) => one.of === entry.key && one.state === 'runs');
    const end = result.Ok
      ? { state: 'done', detail: result.Ok.summary, output: result.Ok.text }
      : { state: 'failed', detail: failure(result.Err), tone: 'bad' };
    if (call) Object.assign(call, end, { ms });
    else happens(state, entry, tool, { ...end, ms });
  },
  'evaluation.started': (state, { evaluator }) => { state.now = `${evaluator} evaluates`; },
  'evaluation.finished': (state, { evaluator, result }, entry) => {
    state.now = '';
    const detail = result.Ok ? result.Ok.summary : `not evaluated: ${failure(result.Err)}`;
    happens(state, entry, `${evaluator} evaluated`, { detail, tone: result.Ok ? '' : 'warning' });
  },
  'iteration.decided': (state, { decision, reason, standing }, entry) => {
    state.score = standing?.score ?? state.score;
    happens(state, entry, decision, { detail: reason, tone: decision === 'accept' ? 'good' : '' });
  },
  'progress.reported': (state, { message }) => { state.now = message; },
  'budget.warned': (state, _, entry) => happens(state, entry, 'four fifths of the budget are spent', { tone: 'warning' }),
  'breaker.tripped': (state, { trip }, entry) => happens(state, entry, `stopped by the ${trip.breaker} breaker`, { tone: 'bad' }),
  'task.paused': (state, { reason, outcome }, entry) => {
    Object.assign(state, { pause: reason, now: '' });
    if (outcome) ends(state, outcome);
    happens(state, entry, 'paused', { detail: reason, tone: 'warning' });
  },
  'task.finished': (state, { outcome }, entry) => {
    Object.assign(state, { ending: outcome.ending, now: '' });
    ends(state, outcome);
    happens(state, entry, outcome.ending, { tone: outcome.ending === 'accepted' ? 'good' : 'warning' });
  },
};
