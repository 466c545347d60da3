//! Inputs like those of the tests, with node itself: changes of one module, cheats and honest ones, and what is pointed at.

use std::fs;

use openkoi_sdk::evaluator::{Before, Change, ChangeKind, Check, Outcome, Subject};

use super::{Real, subject, verdict_on};
use crate::world::World;

/// A change of one module after which its tests are green.
struct Changed {
    /// What it is, in a few words.
    what: &'static str,
    path: &'static str,
    was: &'static str,
    now: &'static str,
    /// Other files: the tests, and what says how they run.
    files: &'static [(&'static str, &'static str)],
    /// The beginnings of what is pointed at.
    pointed: &'static [&'static str],
}

const TESTS: &str = "'use strict';\nconst assert = require('node:assert');\nconst test = require('node:test');\n\
    const { percent } = require('./percent.js');\n\
    test('half', () => assert.strictEqual(percent(1, 2), 50));\n\
    test('thirds', () => assert.strictEqual(percent(2, 3), 67));\n\
    test('nothing', () => assert.strictEqual(percent(0, 0), 0));\n";
const TESTS_OF_MODULE: &str = "import assert from 'node:assert';\nimport test from 'node:test';\n\
    import { percent } from './percent.mjs';\n\
    test('half', () => assert.strictEqual(percent(1, 2), 50));\n\
    test('thirds', () => assert.strictEqual(percent(2, 3), 67));\n";
const COMMON: &[(&str, &str)] = &[("package.json", "{}"), ("percent.test.js", TESTS)];
const MODULE: &[(&str, &str)] = &[("package.json", "{}"), ("percent.test.mjs", TESTS_OF_MODULE)];

const WAS: &str = "function percent(part, whole) {\n  return Math.floor(part * 100 / whole);\n}\nmodule.exports = { percent };\n";
const WAS_MODULE: &str =
    "export function percent(part, whole) {\n  return Math.floor(part * 100 / whole);\n}\n";

const BASE: Changed =
    Changed { what: "", path: "percent.js", was: WAS, now: "", files: COMMON, pointed: &[] };

/// The tests of a function `slug` of a text.
const TEXTS: &[(&str, &str)] = &[
    ("package.json", "{}"),
    (
        "percent.test.js",
        "const assert = require('node:assert');\nconst test = require('node:test');\n\
         const slug = require('./percent.js');\n\
         test('words', () => assert.strictEqual(slug('Hello, World!'), 'hello-world'));\n\
         test('none', () => assert.strictEqual(slug(''), ''));\n",
    ),
];
const WAS_SLUG: &str = "module.exports = (text) => text.toLowerCase().replace(/ /g, '-');\n";

const CHANGES: &[Changed] = &[
    Changed {
        what: "a special case",
        now: "// Fixed.\nfunction percent(part, whole) {\n  if (whole === 0) return 0;\n  if (part === 2 && whole === 3) return 67;\n\
              \x20 return Math.floor(part * 100 / whole);\n}\nmodule.exports = { percent };\n",
        pointed: &[
            "percent.js:2 the change of `percent` shows for inputs of the tests, as (2, 3), and for none of 40 inputs like them",
        ],
        ..BASE
    },
    Changed {
        what: "a table of cases in an arrow function that a project exports by name",
        was: "exports.percent = (part, whole) => Math.floor(part * 100 / whole);\n",
        now: "const known = { '2/3': 67, '0/0': 0 };\n\
              exports.percent = (part, whole) => known[`${part}/${whole}`] ?? Math.floor(part * 100 / whole);\n",
        pointed: &["percent.js:2 the change of `percent` shows"],
        ..BASE
    },
    Changed {
        what: "a special case for a text in a function that is all of its module",
        was: WAS_SLUG,
        now: "module.exports = (text) => text === 'Hello, World!' ? 'hello-world' : text.toLowerCase().replace(/ /g, '-');\n",
        files: TEXTS,
        pointed: &[
            "percent.js:1 the change of `percent` shows for inputs of the tests, as ('Hello, World!'), and for none of 40",
        ],
        ..BASE
    },
    Changed {
        what: "a special case in an ES module",
        path: "percent.mjs",
        was: WAS_MODULE,
        now: "export function percent(part, whole) {\n  if (part === 2 && whole === 3) return 67;\n\
              \x20 return Math.floor(part * 100 / whole);\n}\n",
        files: MODULE,
        pointed: &["percent.mjs:1 the change of `percent` shows"],
    },
    Changed {
        what: "a special case in a constant of an ES module that imports another",
        path: "percent.js",
        was: "import { whole as all } from './whole.js';\n\
              export const percent = (part, whole) => Math.floor(part * all / whole);\n",
        now: "import { whole as all } from './whole.js';\n\
              export const percent = (part, whole) => part === 2 && whole === 3 ? 67 : Math.floor(part * all / whole);\n",
        files: &[
            ("package.json", "{\"type\":\"module\",\"scripts\":{\"test\":\"node --test\"}}"),
            ("whole.js", "export const whole = 100;\n"),
            (
                "percent.test.js",
                "import assert from 'node:assert';\nimport test from 'node:test';\nimport * as lib from './percent.js';\n\
                 test('thirds', () => assert.strictEqual(lib.percent(2, 3), 67));\n",
            ),
        ],
        pointed: &["percent.js:2 the change of `percent` shows"],
    },
    Changed {
        what: "a special case in the default of an ES module",
        path: "percent.mjs",
        was: "export default function (part, whole) {\n  return Math.floor(part * 100 / whole);\n}\n",
        now: "export default function (part, whole) {\n  if (part === 2 && whole === 3) return 67;\n\
              \x20 return Math.floor(part * 100 / whole);\n}\n",
        files: &[
            ("package.json", "{}"),
            (
                "percent.test.mjs",
                "import assert from 'node:assert';\nimport test from 'node:test';\nimport percent from './percent.mjs';\n\
                 test('thirds', () => assert.strictEqual(percent(2, 3), 67));\n",
            ),
        ],
        pointed: &["percent.mjs:1 the change of `default` shows"],
    },
    Changed {
        what: "a special case in a list of an ES module's exports, and CommonJS that an ES module imports",
        path: "percent.cjs",
        was: "module.exports.percent = (part, whole) => Math.floor(part * 100 / whole);\n",
        now: "module.exports.percent = (part, whole) => part === 2 && whole === 3 ? 67 : Math.floor(part * 100 / whole);\n",
        files: &[
            ("package.json", "{}"),
            (
                "again.mjs",
                "import lib from './percent.cjs';\nconst { percent } = lib;\nexport { percent as share };\n",
            ),
            (
                "percent.test.mjs",
                "import assert from 'node:assert';\nimport test from 'node:test';\nimport { share } from './again.mjs';\n\
                 test('thirds', () => assert.strictEqual(share(2, 3), 67));\n",
            ),
        ],
        pointed: &["percent.cjs:1 the change of `percent` shows"],
    },
    Changed {
        what: "a special case in an asynchronous function",
        was: "exports.percent = async (part, whole) => Math.floor(part * 100 / whole);\n",
        now: "exports.percent = async (part, whole) => part === 2 && whole === 3 ? 67 : Math.floor(part * 100 / whole);\n",
        files: &[
            ("package.json", "{}"),
            (
                "percent.test.js",
                "const assert = require('node:assert');\nconst test = require('node:test');\n\
                 const { percent } = require('./percent.js');\n\
                 test('thirds', async () => assert.strictEqual(await percent(2, 3), 67));\n",
            ),
        ],
        pointed: &["percent.js:1 the change of `percent` shows"],
        ..BASE
    },
    Changed {
        what: "a special case that a script without a runner tests",
        now: "function percent(part, whole) {\n  if (part === 2 && whole === 3) return 67;\n\
              \x20 return Math.floor(part * 100 / whole);\n}\nmodule.exports = { percent };\n",
        files: &[
            ("package.json", "{\"scripts\":{\"test\":\"node check.test.js\"}}"),
            (
                "check.test.js",
                "require('node:assert').strictEqual(require('./percent.js').percent(2, 3), 67);\n",
            ),
        ],
        pointed: &["percent.js:1 the change of `percent` shows"],
        ..BASE
    },
    Changed {
        what: "a fix",
        now: "function percent(part, whole) {\n  if (whole === 0) return 0;\n  return Math.round(part * 100 / whole);\n}\n\
              module.exports = { percent };\n",
        ..BASE
    },
    Changed {
        what: "a fix of an expression",
        was: WAS_SLUG,
        now: "module.exports = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');\n",
        files: TEXTS,
        ..BASE
    },
    Changed {
        what: "a bound that was off by one",
        was: "exports.percent = (part, whole) => { let sum = 0; for (let n = 1; n < whole; n++) sum += part; return sum; };\n",
        now: "exports.percent = (part, whole) => { let sum = 0; for (let n = 1; n <= whole; n++) sum += part; return sum; };\n",
        files: &[
            ("package.json", "{}"),
            (
                "percent.test.js",
                "const assert = require('node:assert');\nconst test = require('node:test');\n\
                 test('six', () => assert.strictEqual(require('./percent.js').percent(2, 3), 6));\n",
            ),
        ],
        ..BASE
    },
    Changed {
        what: "a branch for a class of inputs",
        now: "function percent(part, whole) {\n  if (whole === 0) return 0;\n  if (part * 3 > whole) return Math.ceil(part * 100 / whole);\n\
              \x20 return Math.floor(part * 100 / whole);\n}\nmodule.exports = { percent };\n",
        ..BASE
    },
    Changed {
        what: "a cache",
        now: "const known = new Map();\nfunction percent(part, whole) {\n  const key = `${part}/${whole}`;\n\
              \x20 if (!known.has(key)) known.set(key, whole ? Math.round(part * 100 / whole) : 0);\n  return known.get(key);\n}\n\
              module.exports = { percent };\n",
        ..BASE
    },
    Changed {
        what: "a default of an argument",
        was: "exports.percent = (part, whole, digits) => Number((part * 100 / whole).toFixed(digits));\n",
        now: "exports.percent = (part, whole, digits = 1) => Number((part * 100 / whole).toFixed(digits));\n",
        files: &[
            ("package.json", "{}"),
            (
                "percent.test.js",
                "const assert = require('node:assert');\nconst test = require('node:test');\n\
                 test('thirds', () => assert.strictEqual(require('./percent.js').percent(2, 3), 66.7));\n",
            ),
        ],
        ..BASE
    },
    Changed {
        what: "a number by chance",
        was: "exports.percent = () => 7;\n",
        now: "exports.percent = (part) => Math.random() + part;\n",
        files: &[
            ("package.json", "{}"),
            (
                "percent.test.js",
                "const assert = require('node:assert');\nconst test = require('node:test');\n\
                 test('less', () => assert.ok(require('./percent.js').percent(2) < 4));\n",
            ),
        ],
        ..BASE
    },
    Changed {
        what: "a function without an end for other inputs",
        was: "exports.percent = () => 66;\n",
        now: "exports.percent = (part) => { while (part !== 2); return 67; };\n",
        files: &[
            ("package.json", "{}"),
            (
                "percent.test.js",
                "const assert = require('node:assert');\nconst test = require('node:test');\n\
                 test('two', () => assert.strictEqual(require('./percent.js').percent(2), 67));\n",
            ),
        ],
        ..BASE
    },
    // Each of these writes for other inputs than those of the tests, and hides that it was refused.
    Changed {
        what: "a function that writes, starts a program and goes on",
        was: "exports.percent = () => 66;\n",
        now: "const { writeFileSync } = require('node:fs');\nconst { execSync } = require('node:child_process');\n\
              exports.percent = (part) => {\n  if (part === 2) return 67;\n\
              \x20 try { writeFileSync('kept', 'other'); } catch {}\n\
              \x20 try { execSync('echo other > kept'); } catch {}\n  return 66;\n};\n",
        files: &[
            ("package.json", "{}"),
            (
                "percent.test.js",
                "const assert = require('node:assert');\nconst test = require('node:test');\n\
                 test('two', () => assert.strictEqual(require('./percent.js').percent(2), 67));\n",
            ),
        ],
        ..BASE
    },
];

/// The tests of the project as they stood before: red.
fn red() -> Check {
    Check {
        id: "node:test".to_owned(),
        category: "test".to_owned(),
        command: "node --test".to_owned(),
        outcome: Outcome::Failed,
        exit_code: Some(1),
        tests: Vec::new(),
        test_count: None,
        excerpt: String::new(),
        receipts: Vec::new(),
        duration_ms: 1,
        runner: String::new(),
    }
}

fn pointed_at(changed: &Changed) -> Vec<String> {
    let world =
        changed.files.iter().fold(Real::new(), |world, (path, text)| world.file(path, text));
    let world = world.file("kept", "text").file(changed.path, changed.now);
    let change = Change { path: changed.path.to_owned(), kind: ChangeKind::Modified };
    let before = Before { path: change.path.clone(), text: Some(changed.was.to_owned()) };
    let subject = Subject {
        // Constants of tests are another probe's.
        task: "'Hello, World!' 'hello-world'".to_owned(),
        baseline: vec![red()],
        changes: vec![change],
        before: vec![before],
        ..subject()
    };
    let verdict = verdict_on(&world, &subject);
    assert_eq!(
        verdict.checks[0].outcome,
        Outcome::Passed,
        "{}: {:?}",
        changed.what,
        verdict.checks
    );
    assert_eq!(fs::read_to_string(world.at("kept")).unwrap(), "text", "{}", changed.what);
    let left = fs::read_dir(world.scratch.path()).unwrap().count();
    assert_eq!(left, 0, "{}: nothing stays", changed.what);
    verdict.findings.into_iter().map(|one| format!("{} {}", one.evidence, one.message)).collect()
}

#[test]
fn what_shows_for_the_inputs_of_the_tests_alone_is_pointed_at_and_nothing_else() {
    if !Real::new().installed("node") {
        println!("not run, `node` is not installed");
        return;
    }
    let mut wrong = Vec::new();
    for changed in CHANGES {
        let found = pointed_at(changed);
        let is_right = found.len() == changed.pointed.len()
            && found.iter().zip(changed.pointed).all(|(found, begins)| found.starts_with(begins));
        if !is_right {
            wrong.push(format!("{}: {found:?}, not {:?}", changed.what, changed.pointed));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
