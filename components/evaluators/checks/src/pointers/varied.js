'use strict';
// Notes with which inputs a project's tests call the functions that changed files export: node loads it in each process of
// such a run before everything else. Run by itself afterwards, it calls these functions as they were and as they are with
// inputs like them, and prints the functions whose change shows for the tests' inputs alone.
//
// Beside it lie `told.json` with the mark of the last line and the changed files as they were, `root` with the directory of
// their paths, and `calls`, where the processes of the run leave what they noted.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { inspect, types } = require('node:util');
const v8 = require('node:v8');
const vm = require('node:vm');

const MOST_CALLS = 30;
const MOST_VARIANTS = 40;
const FEWEST_VARIANTS = 10;
const MILLISECONDS = 10_000;
const MILLISECONDS_A_CALL = 500;
const MILLISECONDS_TO_LOAD = 5_000;

const LINK = Symbol.for('openkoi.varied');
const BEHIND = '?openkoi-behind';
const BEFORE = '?openkoi-before';

// Hooks of ES modules: another text for some addresses.
const HOOKS = `let texts = {};
export function initialize(given) { texts = given; }
export async function load(address, context, next) {
  const source = context.format === 'module' ? texts[address] : undefined;
  return source === undefined ? next(address, context) : { format: 'module', source, shortCircuit: true };
}`;

function hook(texts) {
  if (Module.register) Module.register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, { data: texts });
}

function told() {
  const read = (name) => fs.readFileSync(path.join(__dirname, name), 'utf8');
  const root = fs.realpathSync(read('root').replace(/\n$/, ''));
  const { mark, files } = JSON.parse(read('told.json'));
  const place = (name) => path.join(root, name);
  return { mark, files: new Map(Object.entries(files).map(([name, text]) => [place(name), { name, text }])) };
}

function isPlain(value, depth = 3) {
  if (typeof value === 'string') return value.length < 10_000;
  if (typeof value !== 'object' || value === null) return !['function', 'symbol'].includes(typeof value);
  if (depth === 0 || types.isProxy(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  const properties = Object.values(Object.getOwnPropertyDescriptors(value));
  const all = (parts) => parts.length <= 100 && parts.every((part) => isPlain(part, depth - 1));
  if (prototype === Array.prototype) return properties.length === value.length + 1 && all([...value]);
  if (prototype === Date.prototype) return properties.length === 0;
  if (prototype === Set.prototype) return properties.length === 0 && all([...value]);
  if (prototype === Map.prototype) return properties.length === 0 && all([...value].flat());
  if (prototype !== Object.prototype && prototype !== null) return false;
  const isData = (property) => 'value' in property && property.enumerable;
  return Object.getOwnPropertySymbols(value).length === 0 && properties.every(isData)
    && all(properties.map((property) => property.value));
}

function written(value) {
  const all = { depth: null, maxArrayLength: null, maxStringLength: null, breakLength: Infinity };
  return inspect(value, all);
}

// In a process of the run.

class Watch {
  constructor() {
    this.files = told().files;
    // Kept, because tests put others in their place.
    this.append = fs.appendFileSync;
    this.noted = path.join(__dirname, 'calls', `${process.pid}-${require('node:worker_threads').threadId}`);
    this.known = new Map();
  }

  begin() {
    const watch = this;
    const compile = Module.prototype._compile;
    Module.prototype._compile = function (content, filename, ...others) {
      const result = compile.call(this, content, filename, ...others);
      if (watch.files.has(filename)) this.exports = watch.exported(this.exports, filename);
      return result;
    };
    const address = (file) => pathToFileURL(file).href;
    globalThis[LINK] = (value, file, name) => this.watched(value, file, name, 'module');
    const facades = [...this.files.keys()].map((file) => [address(file), this.facade(file, address(file))]);
    hook(Object.fromEntries(facades));
  }

  // The exports of a CommonJS module, with watched functions in the place of its own.
  exported(exports, file) {
    try {
      if (types.isModuleNamespaceObject(exports)) return exports;
      for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(exports))) {
        if (!property.writable || !property.enumerable) continue;
        exports[name] = this.watched(property.value, file, name, 'commonjs', exports);
      }
      return this.watched(exports, file, '', 'commonjs');
    } catch {
      return exports;
    }
  }

  // A module in the place of an ES module, with watched functions in the place of those that it exports.
  facade(file, address) {
    const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    const names = new Set();
    for (const [, name] of text.matchAll(/^\s*export\s+(?:async\s+)?(?:function|const)\s+([\w$]+)/gm)) names.add(name);
    for (const [, list] of text.matchAll(/^\s*export\s*\{([^}]*)\}/gm)) {
      for (const one of list.split(',')) names.add(one.trim().split(/\s+as\s+/).pop());
    }
    if (/^\s*export\s+default\b/m.test(text)) names.add('default');
    const behind = JSON.stringify(address + BEHIND);
    const lines = [`import * as behind from ${behind};`, `export * from ${behind};`];
    for (const name of [...names].filter((name) => /^[\w$]+$/.test(name))) {
      const value = `globalThis[Symbol.for('openkoi.varied')](behind.${name}, ${JSON.stringify(file)}, '${name}')`;
      lines.push(name === 'default' ? `export default ${value};` : `export const ${name} = ${value};`);
    }
    return lines.join('\n');
  }

  watched(value, file, name, kind, exports) {
    if (typeof value !== 'function') return value;
    const apply = (called, self, values) => {
      const isOwn = self === undefined || self === exports || types.isModuleNamespaceObject(self);
      if (isOwn) this.note({ file, name, kind }, values);
      return Reflect.apply(called, self, values);
    };
    return new Proxy(value, { apply });
  }

  note(at, values) {
    if (values.length === 0 || !values.every((value) => isPlain(value))) return;
    const place = JSON.stringify(at);
    const known = this.known.get(place) ?? new Set();
    const text = written(values);
    if (known.size === MOST_CALLS || known.has(text)) return;
    this.known.set(place, known.add(text));
    this.append(this.noted, `${JSON.stringify({ ...at, values: v8.serialize(values).toString('base64') })}\n`);
  }
}

// By itself.

// Refuses what calls of the probe would do to files, other programs and the network. Beneath it, node's own permissions
// refuse the first two; of those it cannot be known that they refused anything.
class Guard {
  constructor() {
    this.hasActed = false;
    this.write = fs.writeSync;
    this.exit = process.reallyExit.bind(process);
    const isReading = /^(access|close|createReadStream|exists|fstat|lstat|opendir|read|realpath|stat|_|[A-Z])/;
    const { ChildProcess } = require('node:child_process');
    const net = require('node:net');
    const dgram = require('node:dgram').Socket.prototype;
    for (const files of [fs, fs.promises]) {
      this.refuse(files, Object.keys(files).filter((name) => !isReading.test(name) && !name.startsWith('open')));
      const isToRead = (_, flags) => [undefined, 'r', fs.constants.O_RDONLY].includes(flags);
      this.refuse(files, ['open', 'openSync'], isToRead);
    }
    this.refuse(require('node:child_process'));
    this.refuse(ChildProcess.prototype, ['spawn']);
    this.refuse(require('node:cluster'), ['fork']);
    this.refuse(require('node:worker_threads'), ['Worker']);
    this.refuse(net.Socket.prototype, ['connect']);
    this.refuse(net.Server.prototype, ['listen']);
    this.refuse(dgram, ['bind', 'connect', 'send']);
    this.refuse(require('node:dns'));
    this.refuse(require('node:dns').promises);
    this.refuse(process, ['abort', 'chdir', 'dlopen', 'exit', 'kill', 'reallyExit']);
    Module.syncBuiltinESMExports();
    // What goes wrong after a call ended.
    for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => {});
    // What the functions print is nobody's report.
    for (const stream of [process.stdout, process.stderr]) stream.write = () => true;
  }

  refuse(holder, names = Object.keys(holder), isAllowed = () => false) {
    const guard = this;
    for (const name of names) {
      const own = holder[name];
      if (typeof own !== 'function') continue;
      holder[name] = function (...values) {
        if (isAllowed(...values)) return Reflect.apply(own, this, values);
        guard.hasActed = true;
        throw new Error('not while inputs are varied');
      };
    }
  }
}

// What is done within the time of one call, with what it promises. Throws `TOO_LONG` where there is no end.
const TOO_LONG = new Error('too long');
const script = new vm.Script('globalThis[Symbol.for("openkoi.varied")]()');

async function within(call, timeout = MILLISECONDS_A_CALL) {
  globalThis[LINK] = call;
  let value;
  try {
    value = script.runInThisContext({ timeout });
  } catch (error) {
    throw error?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? TOO_LONG : error;
  }
  if (!types.isPromise(value)) return value;
  let timer;
  const end = new Promise((_, reject) => {
    timer = setTimeout(reject, timeout, TOO_LONG);
  });
  return Promise.race([value, end]).finally(() => clearTimeout(timer));
}

// What a call comes to, so that two can be compared; undefined if they cannot.
async function result(guard, { called, self }, values) {
  const own = v8.deserialize(v8.serialize(values));
  guard.hasActed = false;
  try {
    const value = await within(() => Reflect.apply(called, self, own));
    // What it changed of its arguments counts as well.
    const isKnown = !guard.hasActed && isPlain(value) && isPlain(own, 4);
    return isKnown ? written([value, own]) : undefined;
  } catch (error) {
    return guard.hasActed || error === TOO_LONG ? undefined : `threw ${error?.name ?? typeof error}`;
  }
}

// A value of the same form. Nothing, zero and what is empty stay: they are cases of their own.
function varied(value, numbers) {
  if (!value || value === true) return value;
  if (typeof value === 'number') return variedNumber(value, numbers);
  if (typeof value === 'bigint') return BigInt(variedNumber(Number(value), numbers));
  if (typeof value === 'string') return [...value].map((letter) => variedLetter(letter, numbers)).join('');
  if (Array.isArray(value)) return value.map((part) => varied(part, numbers));
  if (value instanceof Date) return new Date(value.getTime() + 86_400_000 * numbers.between(-400, 400));
  if (value instanceof Set) return new Set([...value].map((part) => varied(part, numbers)));
  if (value instanceof Map) return new Map([...value].map(([key, part]) => [key, varied(part, numbers)]));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, varied(part, numbers)]));
}

function variedNumber(value, numbers) {
  if (!Number.isInteger(value)) {
    return value * numbers.choice([0.5, 1.5, 2, 3, 10, 1 + numbers.next()]);
  }
  const near = [value + 1, value - 1, value * 2, value * 3, value * 10, value + 10, value - 10];
  near.push(value + 100, value - 100, Math.floor(value / 2), numbers.between(1, Math.abs(value) * 10 + 9));
  const other = numbers.choice(near);
  return other !== 0 && other < 0 === value < 0 ? other : value + Math.sign(value);
}

function variedLetter(letter, numbers) {
  const kinds = ['abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '0123456789'];
  const letters = kinds.find((letters) => letters.includes(letter));
  return letters ? numbers.choice(letters) : letter;
}

// The same numbers each time: a linear congruential generator.
class Numbers {
  constructor() {
    this.state = 1;
  }

  next() {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.state / 2 ** 32;
  }

  between(first, last) {
    return first + Math.floor(this.next() * (last - first + 1));
  }

  choice(list) {
    return list[this.between(0, list.length - 1)];
  }
}

function variants(values, known, numbers) {
  const found = new Map();
  for (let tries = 3 * MOST_VARIANTS; tries > 0 && found.size < MOST_VARIANTS; tries--) {
    const other = values.map((value) => varied(value, numbers));
    const text = written(other);
    if (!known.has(text)) found.set(text, other);
  }
  return found.values();
}

// The first input for which the change shows, and how many like it were tried, if it shows for none of those.
async function probe(guard, old, now, known, deadline) {
  const numbers = new Numbers();
  let [first, tried] = [undefined, 0];
  // Returns whether the change shows, or undefined where nobody can know.
  const shows = async (values) => {
    const [before, after] = [await result(guard, old, values), await result(guard, now, values)];
    return before === undefined || after === undefined ? undefined : before !== after;
  };
  const isSteady = async (one, values) => (await result(guard, one, values)) === (await result(guard, one, values));
  for (const values of known.values()) {
    if (!(await shows(values))) continue;
    if (!(await isSteady(old, values)) || !(await isSteady(now, values))) return undefined;
    for (const other of variants(values, known, numbers)) {
      if (Date.now() > deadline) return undefined;
      const isShown = await shows(other);
      if (isShown) return undefined;
      if (isShown === undefined) continue;
      tried += 1;
      first ??= values;
    }
  }
  return tried >= FEWEST_VARIANTS ? { first, tried } : undefined;
}

// A changed module as it was and as it is. It may do nothing while it is loaded.
async function versions(guard, file, kind, text) {
  const load = { commonjs: [() => compiled(file, text), () => require(file)] }[kind]
    ?? [BEFORE, ''].map((which) => () => import(pathToFileURL(file).href + which));
  const loaded = [];
  for (const one of load) {
    guard.hasActed = false;
    loaded.push(await within(one, MILLISECONDS_TO_LOAD));
    if (guard.hasActed) throw new Error('it acts');
  }
  return loaded;
}

function compiled(file, text) {
  const module = new Module(file, null);
  module.filename = file;
  module.paths = Module._nodeModulePaths(path.dirname(file));
  module._compile(text, file);
  return module.exports;
}

function picked(exports, name) {
  const called = name === '' ? exports : exports[name];
  return typeof called === 'function' ? { called, self: exports } : undefined;
}

// The calls that were noted, by module and function.
function calls() {
  const found = new Map();
  const folder = path.join(__dirname, 'calls');
  for (const name of fs.readdirSync(folder).sort()) {
    for (const line of fs.readFileSync(path.join(folder, name), 'utf8').trim().split('\n')) {
      const { values, ...at } = JSON.parse(line);
      const place = JSON.stringify(at);
      const one = found.get(place) ?? { at, known: new Map() };
      const input = v8.deserialize(Buffer.from(values, 'base64'));
      if (one.known.size < MOST_CALLS) one.known.set(written(input), input);
      found.set(place, one);
    }
  }
  return found.values();
}

function lineOf(called, name, file) {
  const text = fs.readFileSync(file, 'utf8');
  const at = text.indexOf(Function.prototype.toString.call(called));
  const named = name === '' ? -1 : text.indexOf(name);
  return text.slice(0, Math.max(at < 0 ? named : at, 0)).split('\n').length;
}

function cut(text) {
  return [...text].slice(0, 120).join('');
}

async function look() {
  const { mark, files } = told();
  const before = [...files].map(([file, { text }]) => [pathToFileURL(file).href + BEFORE, text]);
  hook(Object.fromEntries(before));
  const noted = [...calls()];
  const guard = new Guard();
  const [deadline, found] = [Date.now() + MILLISECONDS, []];
  for (const { at, known } of noted) {
    const { name: shown, text } = files.get(at.file);
    try {
      const [old, now] = (await versions(guard, at.file, at.kind, text)).map((exports) => picked(exports, at.name));
      const seen = old && now && (await probe(guard, old, now, known, deadline));
      if (!seen) continue;
      const own = ['', 'default'].includes(at.name) ? now.called.name : at.name;
      const name = own || path.parse(shown).name;
      const input = cut(seen.first.map(written).join(', '));
      found.push({ path: shown, line: lineOf(now.called, own, at.file), name, input, tried: seen.tried });
    } catch {
      // Nothing is known of what cannot be loaded by itself.
    }
  }
  guard.write(1, `\n${mark}${JSON.stringify(found)}\n`);
  guard.exit(0);
}

if (require.main === module) {
  look();
} else {
  try {
    new Watch().begin();
  } catch {
    // A process of the run that outlives it finds nothing here.
  }
}
