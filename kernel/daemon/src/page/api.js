// Calls of the API. The token, if there is one, is kept as long as the tab is open.

import { Parser, backOff } from './sse.js';

const ROOT = '/api/v1';
const TOKEN = 'openkoi.token';

/** What the daemon refused, in its words. Status 0: it cannot be reached. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function answered(path, options) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { ...options.headers, Authorization: `Bearer ${token}` } : options.headers;
  let response;
  try {
    response = await fetch(ROOT + path, { ...options, headers });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, 'the daemon cannot be reached: `openkoi daemon start`');
  }
  if (response.ok) return response;
  if (response.status === 401 && token) {
    // It was that of an earlier daemon. Where no token is set, a program of the user needs none.
    if (sessionStorage.getItem(TOKEN) === token) sessionStorage.removeItem(TOKEN);
    return answered(path, options);
  }
  const told = await response.json().catch(() => ({}));
  throw new Problem(response.status, told.detail ?? `the daemon answered ${response.status}`);
}

/** Returns what is at a path. */
export async function get(path) {
  return (await answered(path, {})).json();
}

/** Sends something to a path. A name makes a second try the same as the first. */
export async function post(path, body = {}, name = null) {
  const more = { 'Content-Type': 'application/json', ...(name ? { 'Idempotency-Key': name } : {}) };
  return (await answered(path, { method: 'POST', headers: more, body: JSON.stringify(body) })).json();
}

/** Returns a name for something that is to be done once. */
export function onceName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Takes the code of a link out of the address and exchanges it for a token. */
export async function signIn() {
  const code = /^#code=(.+)$/.exec(location.hash)?.[1];
  if (!code) return;
  history.replaceState(null, '', '/');
  sessionStorage.removeItem(TOKEN);
  const { token } = await post('/login', { code: decodeURIComponent(code) });
  sessionStorage.setItem(TOKEN, token);
}

/**
 * Follows a stream of events, and takes it up again where it broke off. Ends with the event `end`, a refusal, or `signal`.
 */
export async function follow(path, { signal, event, state = () => {}, last = '' }) {
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      const more = { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) };
      const response = await answered(path, { headers: more, signal, cache: 'no-store' });
      state('live');
      const parser = new Parser();
      const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await text.read(); !piece.done; piece = await text.read()) {
        for (const one of parser.push(piece.value)) {
          tries = 0;
          last = one.id || last;
          event(one);
          if (one.event === 'end') return;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
    }
    state('broken');
    await waited(backOff(tries), signal);
  }
}

function waited(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); done(); }, { once: true });
  });
}
