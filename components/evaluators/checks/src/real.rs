//! Whole verdicts on real projects with real programs, without the host.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

use openkoi_sdk::evaluator::{Before, Change, ChangeKind, Check, Outcome, Subject, Verdict};
use openkoi_sdk::{Failure, Result};

use crate::verdict;
use crate::world::{Entry, Invocation, Run, World};

mod javascript;
mod rows;

struct Real {
    root: tempfile::TempDir,
    scratch: tempfile::TempDir,
    /// A program that is not to be found, installed or not.
    without: &'static str,
}

impl Real {
    fn new() -> Self {
        let (root, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self { root, scratch, without: "" }
    }

    fn without(program: &'static str) -> Self {
        Self { without: program, ..Self::new() }
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
        let is_there = |folder: PathBuf| folder.join(program).exists();
        program != self.without && env::split_paths(&path).any(is_there)
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

fn checks_of(world: &Real) -> Vec<Check> {
    verdict_on(world, &subject()).checks
}

/// A program of the project in a runner's place.
fn executable(world: Real, path: &str, text: &str) -> Real {
    use std::os::unix::fs::PermissionsExt as _;
    let world = world.file(path, text);
    fs::set_permissions(world.at(path), fs::Permissions::from_mode(0o755)).unwrap();
    world
}

const UNITTEST: &str = "import unittest\nimport a\n\n\nclass A(unittest.TestCase):\n    def test_two(self):\n        \
    self.assertEqual(a.two(), 2)\n";

#[test]
fn unittest_runs_in_every_layout_and_its_failures_run_alone() {
    let layouts: [(&str, &[&str], &str, &str); 4] = [
        ("a.py", &["test_a.py"], "python:unittest", "test_a.A.test_two"),
        ("a.py", &["tests/test_a.py"], "python:unittest:tests", "test_a.A.test_two"),
        (
            "src/a.py",
            &["tests/__init__.py", "tests/test_a.py"],
            "python:unittest",
            "tests.test_a.A.test_two",
        ),
        (
            "a.py",
            &["tests/unit/__init__.py", "tests/unit/test_a.py"],
            "python:unittest:tests",
            "unit.test_a.A.test_two",
        ),
    ];
    for (code, tests, id, name) in layouts {
        let text = |path: &str| if path.ends_with("__init__.py") { "" } else { UNITTEST };
        let empty = Real::without("pytest");
        let world = tests.iter().fold(empty, |world, path| world.file(path, text(path)));
        let green = world.file(code, "def two():\n    return 2\n");
        assert_eq!(
            checks_of(&green).iter().map(shown).collect::<Vec<_>>(),
            [format!("{id} Passed [Passed {name}]")]
        );

        let red = green.file(code, "def two():\n    return 22\n");
        let check = &checks_of(&red)[0];
        assert_eq!(shown(check), format!("{id} Failed [Failed {name}]"));
        assert_eq!(check.receipts.len(), 2, "it ran alone, too");
        let early = red.file(code, "import os\n\n\ndef two():\n    os._exit(0)\n");
        assert_eq!(shown(&checks_of(&early)[0]), format!("{id} Errored []"));
    }
}

#[test]
fn a_planted_byte_code_does_not_stand_in_for_a_test() {
    let world = Real::without("pytest")
        .file("a.py", "def two():\n    return 2\n")
        .file("test_a.py", UNITTEST)
        .file(
            "plant.py",
            "import py_compile as p\np.compile('test_a.py', invalidation_mode=p.PycInvalidationMode.UNCHECKED_HASH)\n",
        );
    let planted =
        Command::new("python3").arg("plant.py").current_dir(world.at("")).status().unwrap();
    assert!(planted.success());

    let world = world.file("test_a.py", &UNITTEST.replace("2)", "3)"));

    assert_eq!(shown(&checks_of(&world)[0]), "python:unittest Failed [Failed test_a.A.test_two]");
}

#[test]
fn a_runner_that_is_missing_is_named_with_what_to_do() {
    let told = |world: Real| checks_of(&world)[0].excerpt.lines().next().unwrap().to_owned();

    let installed = Real::new().installed("pytest");
    if !installed {
        assert_eq!(
            told(Real::new().file("pytest.ini", "").file("test_a.py", "")),
            "could not be run: pytest is not installed; install pytest into the project's environment"
        );
    }
    let package = r#"{"scripts":{"test":"jest"}}"#;
    assert_eq!(
        told(Real::new().file("package.json", package)),
        "could not be run: `jest` is not installed; install the packages with the project's package manager"
    );
    assert_eq!(
        told(Real::new().file("foundry.toml", "")),
        "could not be run: `forge` is not installed; install Foundry"
    );
}

#[test]
fn a_file_of_tests_that_ends_early_has_not_passed() {
    let test = "import test from 'node:test';\nimport './a.mjs';\ntest('adds', () => {});\n";
    let world = Real::new().file("package.json", "{}").file("a.test.mjs", test).file("a.mjs", "");
    assert_eq!(shown(&checks_of(&world)[0]), "node:test Passed [Passed adds]");

    let early = world.file("a.mjs", "process.exit(0);\n");

    let check = &checks_of(&early)[0];
    assert_eq!(check.outcome, Outcome::Failed);
    assert!(
        check.excerpt.contains("a.test.mjs` ended before it named a test"),
        "{}",
        check.excerpt
    );
}

#[test]
fn perl_is_tested_file_by_file() {
    let test = "use Test::More tests => 2;\nok(1, 'adds');\nok(0, 'divides');\n";
    let early = "use Test::More tests => 2;\nok(1, 'first');\nexit 0;\n";
    let world = Real::new().file("lib/A.pm", "1;\n").file("t/a.t", test);
    assert_eq!(
        checks_of(&world).iter().map(shown).collect::<Vec<_>>(),
        ["perl:test Failed [Failed t/a.t > divides, Passed t/a.t > adds]"]
    );

    let world = world.file("t/a.t", early);
    assert_eq!(shown(&checks_of(&world)[0]), "perl:test Failed [Passed t/a.t > first]");
}

#[test]
fn a_report_in_a_file_is_read_and_goes_again() {
    let report = "<testsuite><testcase classname=\"ATest\" name=\"testAdds\"/></testsuite>";
    let asked =
        format!("#!/bin/sh\nfor word; do :; done\necho '{report}' > \"${{word#--log-junit=}}\"\n");
    let php = executable(Real::new().file("phpunit.xml", ""), "vendor/bin/phpunit", &asked);
    assert_eq!(shown(&checks_of(&php)[0]), "php:test Passed [Passed ATest.testAdds]");
    assert_eq!(fs::read_dir(php.scratch.path()).unwrap().count(), 0, "nothing stays");

    let silent =
        executable(php, "vendor/bin/phpunit", "#!/bin/sh\necho 'OK (1 test, 1 assertion)'\n");
    assert_eq!(shown(&checks_of(&silent)[0]), "php:test Errored []");
}

#[test]
fn reports_that_a_runner_writes_by_itself_are_read_unless_they_are_old() {
    let report = |name: &str| {
        format!("<testsuite><testcase classname=\"ATest\" name=\"{name}\"/></testsuite>")
    };
    let wrapper = format!(
        "mkdir -p build/test-results/test\necho '{}' > build/test-results/test/TEST-a.xml\n",
        report("adds")
    );
    let world = Real::new()
        .file("build.gradle", "")
        .file("build/test-results/test/TEST-old.xml", &report("old"))
        .file("gradlew", &wrapper);
    assert_eq!(shown(&checks_of(&world)[0]), "gradle:test Passed [Passed ATest.adds]");
    assert_eq!(fs::read_dir(world.scratch.path()).unwrap().count(), 0, "nothing stays");

    let silent = world.file("gradlew", "echo BUILD SUCCESSFUL\n");
    assert_eq!(shown(&checks_of(&silent)[0]), "gradle:test Errored []");
}

#[test]
fn a_dependency_that_is_not_here_makes_an_error_and_no_failure() {
    if !Real::new().installed("mvn") {
        return;
    }
    let pom = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
        <groupId>a</groupId><artifactId>b</artifactId><version>1</version><dependencies><dependency>\
        <groupId>no.such</groupId><artifactId>thing</artifactId><version>1</version></dependency></dependencies></project>";

    let check = &checks_of(&Real::new().file("pom.xml", pom))[0];

    assert_eq!(shown(check), "maven:test Errored []");
    assert!(
        check
            .excerpt
            .starts_with("could not be run: a dependency is not on this machine; build it once")
    );
}

const PERCENT: &str =
    "def percent(part, whole):\n    return part * 100 // whole\n\ndef save(name):\n    pass\n";

/// The places that are pointed at after `percent.py` became `now`.
fn pointed_at(now: &str) -> Vec<String> {
    let tests = "import unittest\nfrom lib.percent import percent, save\n\n\
        class T(unittest.TestCase):\n\
        \x20   def test_half(self):\n        self.assertEqual(percent(1, 2), 50)\n\
        \x20   def test_thirds(self):\n        self.assertEqual(percent(2, 3), 67)\n\
        \x20   def test_nothing(self):\n        self.assertEqual(percent(0, 0), 0)\n\
        \x20   def test_save(self):\n        save('kept')\n";
    let world = Real::new()
        .file("lib/__init__.py", "")
        .file("lib/percent.py", PERCENT)
        .file("kept", "text")
        .file("tests/test_percent.py", tests);
    let baseline = verdict_on(&world, &subject()).checks;
    let world = world.file("lib/percent.py", now);
    let change = Change { path: "lib/percent.py".to_owned(), kind: ChangeKind::Modified };
    let before = Before { path: change.path.clone(), text: Some(PERCENT.to_owned()) };
    let subject = Subject { baseline, changes: vec![change], before: vec![before], ..subject() };
    let verdict = verdict_on(&world, &subject);
    assert_eq!(verdict.checks[0].outcome, Outcome::Passed, "{:?}", verdict.checks);
    assert_eq!(fs::read_to_string(world.at("kept")).unwrap(), "text");
    verdict.findings.into_iter().map(|one| format!("{} {}", one.evidence, one.message)).collect()
}

#[test]
fn a_function_that_changed_for_the_inputs_of_its_tests_alone_is_pointed_at() {
    let cheat = "def percent(part, whole):\n    if whole == 0:\n        return 0\n    if (part, whole) == (2, 3):\n\
        \x20       return 67\n    return part * 100 // whole\n\ndef save(name):\n    pass\n";

    assert_eq!(
        pointed_at(cheat),
        [
            "lib/percent.py:1 the change of `percent` shows for inputs of the tests, as (2, 3), and for none of 40 inputs \
             like them"
        ]
    );
}

#[test]
fn a_function_that_is_right_for_other_inputs_too_is_not_and_nothing_is_written_while_they_are_tried()
 {
    let fix = "def percent(part, whole):\n    if whole == 0:\n        return 0\n\
        \x20   return (part * 100 + whole // 2) // whole\n\ndef save(name):\n    if name[0] != 'k':\n\
        \x20       open('ke' + 'pt', 'w').write(name)\n";

    assert_eq!(pointed_at(fix), [""; 0]);
}
