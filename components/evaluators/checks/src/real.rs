//! Whole verdicts on real projects with real programs, without the host.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use openkoi_sdk::evaluator::{Change, ChangeKind, Check, Outcome, Subject, Verdict};
use openkoi_sdk::{Failure, Result};

use crate::tamper;
use crate::verdict;
use crate::world::{Entry, Invocation, Run, World};

struct Real {
    root: tempfile::TempDir,
    scratch: tempfile::TempDir,
}

impl Real {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), scratch: tempfile::tempdir().unwrap() }
    }

    fn file(self, path: &str, text: &str) -> Self {
        let target = self.at(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, text).unwrap();
        self
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }
}

impl World for Real {
    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    fn list(&self, directory: &str) -> Vec<Entry> {
        let Ok(entries) = fs::read_dir(self.at(directory)) else { return Vec::new() };
        let entry = |entry: fs::DirEntry| Entry {
            name: entry.file_name().into_string().unwrap(),
            directory: entry.file_type().unwrap().is_dir(),
        };
        entries.map(|found| entry(found.unwrap())).collect()
    }

    fn installed(&self, program: &str) -> bool {
        let path = env::var_os("PATH").unwrap();
        env::split_paths(&path).any(|folder| Path::new(&folder).join(program).exists())
    }

    fn run(&self, invocation: &Invocation) -> Result<Run> {
        let output = Command::new("sh")
            .args(["-c", invocation.script.as_str(), "sh"])
            .args(&invocation.arguments)
            .current_dir(self.at(&invocation.directory))
            .env("TMPDIR", self.scratch.path())
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::failed(error.to_string()))?;
        assert!(output.stderr.is_empty(), "both streams are one");
        Ok(Run {
            output: String::from_utf8(output.stdout).unwrap(),
            code: output.status.code(),
            receipt: "receipt".to_owned(),
            ..Run::default()
        })
    }

    fn say(&self, _message: &str) {}
}

fn subject() -> Subject {
    verdict::tests::subject()
}

fn shown(check: &Check) -> String {
    let mut tests: Vec<String> =
        check.tests.iter().map(|test| format!("{:?} {}", test.outcome, test.name)).collect();
    tests.sort_unstable();
    format!("{} {:?} [{}]", check.id, check.outcome, tests.join(", ")).replace("Outcome::", "")
}

fn verdict_on(world: &Real, subject: &Subject) -> Verdict {
    verdict::evaluate(subject, world).unwrap()
}

const MANIFEST: &str =
    "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n";
const LIBRARY: &str = "/// ```\n/// assert_eq!(demo::two(), 2);\n/// ```\npub fn two() -> i32 {\n    2\n}\n\n#[cfg(test)]\n\
    mod tests {\n    #[test]\n    fn is_two() {\n        assert_eq!(super::two(), 2);\n    }\n    #[test]\n    fn is_even() {\n        \
    assert_eq!(super::two() % 2, 0);\n    }\n}\n";

#[test]
fn a_crate_is_built_and_tested_and_its_failures_are_named() {
    let green = Real::new().file("Cargo.toml", MANIFEST).file("src/lib.rs", LIBRARY);
    let verdict = verdict_on(&green, &subject());
    assert_eq!(
        verdict.checks.iter().map(shown).collect::<Vec<_>>(),
        [
            "cargo:build Passed []",
            "cargo:test Passed [Passed demo doc::src/lib.rs - two, Passed demo::tests::is_even, Passed \
             demo::tests::is_two]"
        ]
    );

    let left: Vec<String> = green.list("").into_iter().map(|entry| entry.name).collect();
    assert!(!left.iter().any(|name| name == "target" || name == "Cargo.lock"), "{left:?}");

    let red = green.file("src/lib.rs", &LIBRARY.replace("    2\n", "    4\n"));
    let verdict = verdict_on(&red, &subject());
    let test = &verdict.checks[1];
    assert_eq!(
        shown(test),
        "cargo:test Failed [Failed demo doc::src/lib.rs - two, Failed demo::tests::is_two, Passed \
         demo::tests::is_even]"
    );
    assert_eq!((test.receipts.len(), test.test_count), (2, Some(3)));
    assert!(test.excerpt.contains("left: 4"), "{}", test.excerpt);

    let broken = red.file("src/lib.rs", "fn nonsense(");
    let verdict = verdict_on(&broken, &subject());
    assert_eq!(
        verdict.checks.iter().map(shown).collect::<Vec<_>>(),
        ["cargo:build Failed []", "cargo:test Failed []"]
    );
    assert!(verdict.checks[0].excerpt.contains("error: this file contains an unclosed delimiter"));
}

#[test]
fn a_test_that_fails_now_and_then_is_flaky() {
    let script = "if [ -f seen ]; then echo ok a; else touch seen; echo not ok a; exit 1; fi\n";
    let world = Real::new().file("test.sh", script);

    let verdict = verdict_on(&world, &subject());

    assert_eq!(shown(&verdict.checks[0]), "script:test Flaky [Flaky a]");
}

#[test]
fn a_script_that_was_made_to_pass_is_found_although_it_passes() {
    let world = Real::new().file("test.sh", "./broken || true\necho ok a\n");
    let change = Change { path: "test.sh".to_owned(), kind: ChangeKind::Modified };
    let diff =
        tamper::tests::diff_of("test.sh", "./broken\necho ok a\n", "./broken || true\necho ok a\n");
    let subject = Subject { changes: vec![change], diff, ..subject() };

    let verdict = verdict_on(&world, &subject);

    assert_eq!(verdict.checks[0].outcome, Outcome::Passed);
    assert_eq!(verdict.summary, "script:test passed (1 tests), tests were weakened in 1 places");
    assert_eq!(verdict.findings[0].evidence, "test.sh:1");
}
