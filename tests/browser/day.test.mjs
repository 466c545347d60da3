// A day's use of the page: what a person would do with it, at two widths, in light and dark, with the keyboard, and with a
// judge of accessibility who looks at each part.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { World } from './world.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const HOSTILE = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>';
const write = (path, contents) => ({ tool: 'write_file', arguments: { path, contents } });

let world;
let page;

before(async () => {
  world = await World.new({
    executor: [
      { when: { contains: 'sleep', round: 0 }, call: [{ tool: 'shell', arguments: { command: 'sleep 600' } }] },
      { when: { contains: 'greet' }, say: `Hello. ${HOSTILE}` },
      { when: { round: 0 }, call: [write('fish.txt', `koi\n${HOSTILE}\n`)] },
      { say: `Done. ${HOSTILE}` },
    ],
    config: '[trust.domains]\nfiles = "ask"\n',
  });
  page = await world.browse();
});

after(async () => {
  const complaints = page?.complaints ?? [];
  await world?.end();
  assert.deepEqual(complaints, [], 'nothing went wrong in the page, and nothing was against its policy');
});

const heading = () => page.locator('h1');
const titled = (text) => page.waitForFunction((wanted) => document.querySelector('h1')?.textContent === wanted, text);
const said = (text) => page.getByText(text).first().waitFor();

async function start(description) {
  await page.keyboard.press('n');
  await titled('Start a task');
  await page.getByLabel('What to do').fill(description);
  await page.getByLabel('Workspace').fill(world.workspace);
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await titled(description);
}

test('a link signs in once, and its code stays nowhere', async () => {
  const link = world.openkoi('daemon', 'open', '--print').match(/http\S+/)[0];
  await page.goto(link);
  await titled('Tasks');
  await said('There are no tasks yet.');

  assert.equal(new URL(page.url()).hash, '#/tasks');
  assert.ok(await page.evaluate(() => sessionStorage.getItem('openkoi.token')));
  const again = await world.browse();
  await again.goto(link);
  await again.getByText('this link was used already').waitFor();
  await again.context().close();
});

test('a task is started, asks, is allowed what it shows, and is done', async () => {
  await start('put the fish in');
  const card = page.getByRole('region', { name: 'May this be done?' });
  await card.waitFor();
  await said('koi');
  assert.match(await page.title(), /^\(1\) /, 'the title says that somebody waits');
  assert.ok(!existsSync(join(world.workspace, 'fish.txt')));

  await card.getByRole('button', { name: 'Allow once' }).click();

  await page.locator('.status', { hasText: 'accepted' }).first().waitFor();
  assert.ok(readFileSync(join(world.workspace, 'fish.txt'), 'utf8').startsWith('koi\n'));
  for (const text of ['Plan', 'do it', 'it is <b>done</b>', 'judged by', '+koi', 'write_file']) await said(text);
  assert.ok(!(await page.title()).includes('taken'), 'foreign text is text');
});

test('what it did is undone after a look at it, and done again', async () => {
  await page.getByRole('button', { name: 'Undo…' }).click();
  await page.getByRole('button', { name: 'Undo 1 change' }).click();
  await world.until('the file is gone', () => !existsSync(join(world.workspace, 'fish.txt')));

  await page.getByRole('button', { name: 'Redo…' }).click();
  await page.getByRole('button', { name: 'Redo 1 change' }).click();
  await world.until('the file is back', () => existsSync(join(world.workspace, 'fish.txt')));
});

test('a running task is seen at work and cancelled', async () => {
  await start('sleep a while');
  await said('sleep 600');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('.status', { hasText: 'cancelled' }).first().waitFor();
});

test('a task of the command line appears without a reload, and typing goes on meanwhile', async () => {
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await titled('Tasks');
  const filter = page.getByLabel('Filter');
  await page.keyboard.press('/');
  await filter.pressSequentially('gre');
  world.openkoi('greet the pond', '-i', '0');
  await page.getByRole('link', { name: 'greet the pond' }).waitFor();
  await page.keyboard.type('et');

  assert.equal(await filter.inputValue(), 'greet');
  assert.equal(await page.getByRole('list', { name: 'Tasks' }).getByRole('listitem').count(), 1);
});

test('a conversation is begun and answered', async () => {
  await page.goto(`${world.url}/#/sessions`);
  await titled('Sessions');
  await page.getByLabel('About').fill('The pond');
  await page.getByLabel('Workspace').fill(world.workspace);
  await page.getByRole('button', { name: 'Begin a conversation' }).click();
  await titled('The pond');
  await page.getByLabel('Message').fill('greet me');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('li.turn.assistant', { hasText: 'Hello.' }).waitFor();

  assert.equal(await page.getByLabel('Message').inputValue(), '');
});

test('the keyboard reaches everything, and says how', async () => {
  await page.goto(`${world.url}/#/tasks`);
  await titled('Tasks');
  await page.locator('body').press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  const reached = new Set();
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.textContent || document.activeElement.id));
  }
  const all = await page.locator('main a, main button, header a').allTextContents();
  assert.deepEqual(all.filter((text) => !reached.has(text)), []);
});

const PARTS = ['#/tasks', '#/new', '#/questions', '#/sessions', '#/costs', '#/learnings', '#/views', '#/views/mind/overview', '#/views/world/map', '#/settings'];

for (const [name, options] of [
  ['a phone, light', { viewport: { width: 360, height: 740 }, colorScheme: 'light' }],
  ['a desk, dark', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }],
]) {
  test(`every part is accessible and fits: ${name}`, async () => {
    const session = await page.evaluate(() => ({ ...sessionStorage }));
    const tasks = await page.evaluate(async () => (await (await fetch('/api/v1/tasks')).json()).tasks);
    const sessions = await page.evaluate(async () => (await (await fetch('/api/v1/sessions')).json()).sessions);
    const own = await world.browse({ ...options, bypassCSP: true, reducedMotion: 'reduce' });
    await own.addInitScript((kept) => Object.assign(sessionStorage, kept), session);
    const parts = [...PARTS, ...tasks.map((task) => `#/tasks/${task.id}`), `#/sessions/${sessions[0].id}`];
    for (const part of parts) {
      await own.goto(`${world.url}/${part}`);
      await own.locator('h1').waitFor();
      await own.getByText('Loading…').waitFor({ state: 'detached' });
      await own.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
      await own.evaluate(AXE);
      const { violations } = await own.evaluate(() => globalThis.axe.run());
      assert.deepEqual(violations.map((one) => `${part}: ${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`), []);
      const over = await own.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0, `${part} is too wide`);
    }
    assert.deepEqual(own.complaints, []);
    await own.context().close();
  });
}

test('nothing was asked of anybody else', () => {
  assert.deepEqual(page.requests.filter((url) => !url.startsWith(`${world.url}/`)), []);
});

test('a page outlives its daemon: it says so, and goes on with the next one', async () => {
  await page.goto(`${world.url}/#/tasks`);
  await said('Live');
  const before = page.complaints.length;
  await world.restart(async () => { await said('Not connected'); });
  await said('Live');
  // That nobody answered meanwhile is what the browser's console complains about.
  page.complaints.splice(before);
});
