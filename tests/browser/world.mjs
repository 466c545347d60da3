// A home with a daemon of its own, whose model is a script, and a browser that is led through it.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const PLAN = { tool: 'submit_plan', arguments: {
  effort: 'change', kind: 'general', steps: ['do it', 'look at it'], criteria: [{ text: 'it is <b>done</b>', check: null }] } };
const VERDICT = { tool: 'submit_verdict', arguments: {
  scores: [{ $each: '(?m)^- `?([a-z][a-z_-]*)`? \\(', give: { dimension: '{{1}}', score: 9 } }], findings: [] } };

/** Returns a port that nobody listens at. */
function freePort() {
  return new Promise((done, fail) => {
    const server = createServer().on('error', fail).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** A world for one test. */
export class World {
  static async new({ executor, config = '' }) {
    const world = new World();
    world.directory = mkdtempSync(join(tmpdir(), 'openkoi-page-'));
    world.workspace = join(world.directory, 'work');
    world.port = await freePort();
    world.url = `http://127.0.0.1:${world.port}`;
    const [home, script] = [join(world.directory, 'home'), join(world.directory, 'script.jsonl')];
    for (const path of [home, world.workspace, join(world.directory, 'user')]) mkdirSync(path);
    const turns = [...executor.map(({ when, ...then }) => ({ when: { role: 'executor', ...when }, ...then })),
      { when: { role: 'planner' }, call: [PLAN] }, { when: { role: 'evaluator' }, call: [VERDICT] }];
    writeFileSync(script, turns.map((turn) => `${JSON.stringify(turn)}\n`).join(''));
    writeFileSync(join(world.workspace, 'notes.txt'), 'one\n');
    writeFileSync(join(home, 'config.toml'), `model = "scripted/file"\n[providers.scripted]\nscript = ${JSON.stringify(script)}\n`
      + `[providers.planning]\ncomponent = "scripted"\nscript = ${JSON.stringify(script)}\n[roles]\nplanner = "planning/file"\n`
      + `[api]\nport = ${world.port}\n${config}`);
    world.environment = { PATH: process.env.PATH, HOME: join(world.directory, 'user'), OPENKOI_HOME: home, LANG: 'C.UTF-8' };
    world.log = '';
    await world.begin();
    return world;
  }

  /** Starts the daemon and waits until it answers. */
  async begin() {
    this.daemon = spawn(process.env.OPENKOI, ['daemon', 'run'], { cwd: this.workspace, env: this.environment });
    for (const stream of [this.daemon.stdout, this.daemon.stderr]) stream.on('data', (data) => { this.log += data; });
    await this.until('the daemon answers', async () => (await fetch(`${this.url}/api/v1/health`).catch(() => null))?.ok);
  }

  /** Ends the daemon and waits until it is gone. */
  async stop() {
    this.daemon.kill('SIGTERM');
    if (this.daemon.exitCode === null) await new Promise((done) => { this.daemon.once('exit', done); });
  }

  /** Ends the daemon, does something, and starts another one. */
  async restart(meanwhile) {
    await this.stop();
    await meanwhile();
    await this.begin();
  }

  /** Runs the program and returns what it printed. */
  openkoi(...args) {
    const run = spawnSync(process.env.OPENKOI, args, { cwd: this.workspace, env: this.environment, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`openkoi ${args.join(' ')}: ${run.status}\n${run.stdout}${run.stderr}`);
    return run.stdout;
  }

  /** Waits for what is named, for half a minute. */
  async until(name, met) {
    for (const end = Date.now() + 30_000; Date.now() < end;) {
      if (await met()) return;
      await new Promise((done) => { setTimeout(done, 50); });
    }
    throw new Error(`not in time: ${name}\n${this.log}`);
  }

  /** Opens a browser window. What the page complains about is kept in `complaints`. */
  async browse(options = {}) {
    this.browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
    const context = await this.browser.newContext({ viewport: { width: 1000, height: 800 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.complaints = [];
    page.requests = [];
    page.on('pageerror', (error) => page.complaints.push(error.stack));
    page.on('console', (message) => { if (message.type() === 'error') page.complaints.push(message.text()); });
    page.on('request', (request) => page.requests.push(request.url()));
    return page;
  }

  async end() {
    await this.browser?.close();
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
