// What needs no browser: taking streams apart, folding events, rendering documents and differences. `node --test` runs it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const here = process.env.OPENKOI_PAGE;
const page = here ? pathToFileURL(here) : new URL('../../kernel/daemon/src/page/', import.meta.url);
const [{ Parser, backOff }, { begun, fold, failure, MOST }, { rendered }, { words }, { isDiff, kindOf }, format, { answers }] =
  await Promise.all(['sse', 'fold', 'document', 'node', 'diff', 'format', 'questions'].map((name) => import(new URL(`${name}.js`, page))));

const STREAM = '\uFEFF: hello\r\nid: 7\r\nevent: call.started\r\ndata: {"a":1}\r\n\r\ndata:one\rdata: two\r\rid\nevent: end\ndata\n\n: nothing new\n\nid: 9\n\ndata: cut';
const EVENTS = [
  { id: '7', event: 'call.started', data: '{"a":1}' },
  { id: '7', event: 'message', data: 'one\ntwo' },
  { id: '', event: 'end', data: '' },
];

test('a stream says the same wherever it is cut', () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const parser = new Parser();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)));
    assert.deepEqual(events, EVENTS, `pieces of ${size}`);
  }
});

test('tries become rarer, and never rarer than every half minute', () => {
  assert.deepEqual([0, 1, 2, 20].map((tries) => backOff(tries, 1)), [500, 1000, 2000, 30_000]);
  assert.equal(backOff(20, 0), 15_000);
});

const entry = (seq, event, key = '') => ({ seq, key, at_ms: seq * 1000, elapsed_ms: 0, event });
const started = (seq, key, name) => entry(seq, { event: 'call.started', call: { id: '1', name, arguments: '{}' }, effect: 'read', origin: 'files', idempotent: true, target: 'a' }, key);
const ended = (seq, key, result) => entry(seq, { event: 'call.finished', tool: 'x', result, duration_ms: 5 }, key);

test('calls end where they began, whatever the order', () => {
  const state = [
    started(1, 'i1/t1/c0', 'read_file'), started(2, 'i1/t1/c1', 'shell'),
    ended(3, 'i1/t1/c1', { Err: { denied: { what: 'no', hint: '' } } }), ended(4, 'i1/t1/c0', { Ok: { text: 'text', summary: 'read' } }),
  ].reduce(fold, begun());

  assert.deepEqual(state.happened.map((one) => [one.text, one.state, one.detail]), [['read_file', 'done', 'read'], ['shell', 'failed', 'no']]);
});

test('an entry that comes again changes nothing', () => {
  const turn = (seq) => entry(seq, { event: 'turn.finished', role: 'executor', model: 'm', result: { Ok: { parts: [{ text: 'hi' }] } }, spent: { tokens: 5, cost_micros: 100 } });
  const state = [turn(1), turn(2), turn(1), turn(2)].reduce(fold, begun());

  assert.deepEqual([state.tokens, state.costMicros, state.happened.length, state.seq], [10, 200, 2, 2]);
});

test('events of a later version and odd ones break nothing', () => {
  const odd = [entry(1, { event: '__proto__' }), entry(2, { event: 'pond.drained', x: 1 }), { seq: 3 }, entry(4, {})];
  assert.deepEqual(odd.reduce(fold, begun()), { ...begun(), seq: 4 });
});

test('what happened is kept within its bound', () => {
  let state = begun();
  for (let seq = 1; seq <= MOST + 10; seq += 1) state = fold(state, started(seq, `c${seq}`, 'x'));
  assert.deepEqual([state.happened.length, state.dropped], [MOST, 10]);
});

test('a failure of any form is words', () => {
  assert.equal(failure({ invalid: { field: '', message: 'too long' } }), 'too long');
  assert.equal(failure('plain'), 'plain');
  assert.equal(typeof failure(undefined), 'string');
});

const text = (words, more = {}) => [{ text: words, style: 'plain', tone: 'neutral', link: null, ...more }];
const find = (nodes, tag) => nodes.flatMap((one) => (typeof one === 'string' ? [] : [...(one.tag === tag ? [one] : []), ...find(one.children, tag)]));

const DOCUMENT = { title: 'Pond', blocks: [
  { kind: 'heading', content: { level: 3, text: 'Fish', key: 'fish' } },
  { kind: 'paragraph', content: text('<img src=x onerror=alert(1)>') },
  { kind: 'table', content: { key: 't', empty: '', columns: [
    { title: 'ID', key: 'id', kind: 'id' }, { title: '', key: 'hidden', kind: 'text' }, { title: 'COST', key: 'cost', kind: 'money' }],
    rows: [[{ kind: 'id', content: '01k' }, { kind: 'text', content: text('secret') }, { kind: 'money', content: { micros: 1_230_000, at_most: true } }]] } },
  { kind: 'pairs', content: { key: '', entries: [{ name: 'share', key: 's', value: { kind: 'share', content: 0.5 }, tone: 'good' }, { name: '', key: 'p', value: { kind: 'count', content: 3 }, tone: 'neutral' }] } },
  { kind: 'items', content: [{ depth: 0, text: text('one') }, { depth: 1, text: text('below') }, { depth: 0, text: text('two') }] },
  { kind: 'bars', content: { key: '', full: null, entries: [{ label: 'a', value: 2, shown: { kind: 'count', content: 2 }, tone: 'bad' }, { label: 'b', value: 1, shown: { kind: 'count', content: 1 }, tone: 'neutral' }] } },
  { kind: 'timeline', content: { key: '', moments: [{ at_ms: 0, text: text('began'), detail: 'more', tone: 'neutral' }] } },
  { kind: 'notice', content: { tone: 'warning', about: 'cost', text: text('high'), hints: ['openkoi config'] } },
  { kind: 'verbatim', content: { key: '', language: 'diff', text: '@@ -1 +1 @@\n-a\n+b\n' } },
  { kind: 'footnote', content: text('mark') },
  { kind: 'of a later version', content: {} },
] };

test('a document is rendered whole, and what is for programs is left out', () => {
  const nodes = rendered(DOCUMENT);
  const all = words(nodes);

  for (const said of ['Fish', '<img src=x onerror=alert(1)>', '01k', '≤ $1.23', '50 %', 'below', 'began', 'more', 'cost: high', 'openkoi config', '+b', 'mark']) {
    assert.ok(all.includes(said), said);
  }
  assert.ok(!all.includes('secret') && !find(nodes, 'img').length);
  assert.equal(find(nodes, 'h2').length, 1, 'levels are not left out');
  assert.deepEqual(find(nodes, 'ul')[0].children.map((item) => find([item], 'li').length), [2, 1], 'a list lies in a list');
  assert.deepEqual(find(nodes, 'rect').filter((bar) => bar.props.class.startsWith('length')).map((bar) => bar.props.width), ['100.00%', '50.00%']);
});

test('a link leads out only if it is one of the web', () => {
  const links = (link) => find(rendered({ blocks: [{ kind: 'paragraph', content: text('x', { link }) }] }), 'a').length;
  assert.deepEqual(['https://example.org/', 'javascript:alert(1)', ' javascript:alert(1)', 'data:text/html,x', '#/new'].map(links), [1, 0, 0, 0, 0]);
});

test('lines of a difference', () => {
  const kinds = ['diff --git a b', '--- a/x', '+++ b/x', '@@ -1 +1 @@', '-a', '+b', ' c'].map(kindOf);
  assert.deepEqual(kinds, ['file', 'file', 'file', 'place', 'removed', 'added', 'same']);
  assert.deepEqual(['--- a\n+++ b\n@@ -1 +1 @@\n', 'rm -rf x'].map(isDiff), [true, false]);
});

test('figures', () => {
  assert.deepEqual([0, 0.0012, 1.5].map((usd) => format.money(usd)), ['$0.00', '$0.0012', '$1.50']);
  assert.deepEqual([999, 1234, 45_600, 7_800_000].map(format.short), ['999', '1.2k', '46k', '7.8M']);
  assert.deepEqual([5, 2048, 5 << 20].map(format.bytes), ['5 B', '2.0 KiB', '5.0 MiB']);
  assert.deepEqual([12, 4_200, 95_000, 3_700_000, 200_000_000].map(format.duration), ['12 ms', '4.2 s', '1 min 35 s', '1 h 1 min', '2 d 7 h']);
});

test('every answer is offered, and the one for commands that begin alike only where there are any', () => {
  const all = (request) => answers(request).map(([word]) => word);
  assert.equal(all({}).length, 5);
  assert.deepEqual(all({ alike: { target: 'git push' } }).length, 6);
});
