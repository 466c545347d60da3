//! Runs on a scripted world.

use super::*;
use crate::detect;
use crate::world::tests::Fake;
use openkoi_sdk::failure::Denial;

fn results(world: &Fake) -> Results {
    all(world, &detect::plans(world, &[]), &[]).unwrap()
}

fn script(world: Fake) -> Fake {
    world.file("test.sh", "")
}

fn shown(check: &Check) -> String {
    let tests: Vec<String> =
        check.tests.iter().map(|test| format!("{:?} {}", test.outcome, test.name)).collect();
    format!("{} {:?} [{}]", check.id, check.outcome, tests.join(", ")).replace("Outcome::", "")
}

#[test]
fn a_green_run_has_its_tests_its_receipt_and_no_excerpt() {
    let world = script(Fake::default()).answers("sh test.sh", 0, "ok 1 - a\nok 2 - b\n");

    let results = results(&world);

    let check = &results.checks[0];
    assert_eq!(shown(check), "script:test Passed [Passed a, Passed b]");
    assert_eq!((check.test_count, check.exit_code), (Some(2), Some(0)));
    assert_eq!((check.excerpt.as_str(), check.duration_ms), ("", 10));
    assert_eq!(check.receipts, ["r-sh test.sh"]);
    assert_eq!(results.findings, []);
}

#[test]
fn a_failed_test_outweighs_a_kind_exit_code() {
    let world = script(Fake::default())
        .answers("sh test.sh", 0, "ok 1 - a\nnot ok 2 - b\n")
        .answers("sh test.sh", 0, "ok 1 - a\nnot ok 2 - b\n");

    let results = results(&world);

    assert_eq!(shown(&results.checks[0]), "script:test Failed [Passed a, Failed b]");
    assert_eq!(results.checks[0].receipts.len(), 2);
    assert!(results.checks[0].excerpt.contains("not ok 2 - b"));
}

#[test]
fn what_passes_the_second_time_is_flaky() {
    let world = script(Fake::default()).answers("sh test.sh", 1, "not ok a\nnot ok b\n").answers(
        "sh test.sh",
        1,
        "ok a\nnot ok b\n",
    );

    let results = results(&world);

    assert_eq!(shown(&results.checks[0]), "script:test Failed [Flaky a, Failed b]");
    assert_eq!(results.findings[0].message, "failed and passed on the same tree: `a`");
}

#[test]
fn a_check_of_which_everything_passes_the_second_time_is_flaky_itself() {
    let world = script(Fake::default()).answers("sh test.sh", 1, "not ok a\n").answers(
        "sh test.sh",
        0,
        "ok a\n",
    );

    assert_eq!(shown(&results(&world).checks[0]), "script:test Flaky [Flaky a]");
}

#[test]
fn what_failed_twice_before_is_not_run_twice_again() {
    let world = script(Fake::default()).answers("sh test.sh", 1, "not ok a\n");
    let plans = detect::plans(&world, &[]);
    let red = Test { name: "a".to_owned(), outcome: Outcome::Failed };
    let before = Check { tests: vec![red], ..blank(&plans[0]) };

    let results = all(&world, &plans, &[before]).unwrap();

    assert_eq!(shown(&results.checks[0]), "script:test Failed [Failed a]");
    assert_eq!(world.asked.borrow().len(), 1);
}

#[test]
fn only_failing_tests_run_again_where_the_runner_can() {
    let output = "running 2 tests\ntest a ... ok\ntest b ... FAILED\n\nfailures:\n\n\
                  test result: FAILED. 1 passed; 1 failed; 0 ignored;\n";
    let again = "running 1 test\ntest b ... ok\n\ntest result: ok. 1 passed; 0 failed;\n";
    let world = Fake::default()
        .file("Cargo.toml", "")
        .answers("cargo test --no-run --offline", 0, "")
        .answers("cargo test --no-fail-fast --offline", 101, output)
        .answers("cargo test --no-fail-fast --offline -- --exact b", 0, again);

    let results = results(&world);

    assert_eq!(shown(&results.checks[1]), "cargo:test Flaky [Passed a, Flaky b]");
}

#[test]
fn a_run_without_tests_has_not_passed() {
    let world = script(Fake::default()).answers("sh test.sh", 0, "1..0\n");

    let results = results(&world);

    assert_eq!(shown(&results.checks[0]), "script:test Errored []");
    assert_eq!(
        results.findings[0].message,
        "`sh test.sh` ran no test, so it shows nothing: there is none"
    );
    assert_eq!(results.findings[0].evidence, "script:test");
}

#[test]
fn a_run_that_left_out_all_tests_has_not_passed() {
    let world = script(Fake::default()).answers("sh test.sh", 0, "ok 1 - a # SKIP slow\n");

    assert_eq!(shown(&results(&world).checks[0]), "script:test Errored [Skipped a]");
}

#[test]
fn a_script_without_a_report_is_taken_at_its_exit_code() {
    let world = script(Fake::default()).answers("sh test.sh", 0, "all good\n");

    let results = results(&world);

    assert_eq!(shown(&results.checks[0]), "script:test Passed []");
    assert_eq!(results.checks[0].test_count, None);
}

#[test]
fn a_run_that_was_cut_short_is_not_known() {
    let run = Run {
        output: "ok a\n".to_owned(),
        timed_out: true,
        duration_ms: 240_000,
        ..Run::default()
    };
    let world = script(Fake::default()).answers_run("sh test.sh", run);

    let check = &results(&world).checks[0];

    assert_eq!(shown(check), "script:test Errored [Passed a]");
    assert_eq!(check.excerpt, "killed after 240 s; what it had written:\nok a");
}

#[test]
fn what_follows_when_the_time_is_used_up_is_not_run() {
    let long = Run { code: Some(0), duration_ms: TOTAL_MS, ..Run::default() };
    let world = Fake::default().file("go.mod", "").answers_run("go build -o /dev/null ./...", long);

    let results = results(&world);

    let ends: Vec<String> = results.checks.iter().map(shown).collect();
    assert_eq!(ends, ["go:build Passed []", "go:vet Errored []", "go:test Errored []"]);
    assert_eq!(results.checks[1].excerpt, "not run: the time for checks was used up");
}

#[test]
fn tests_of_what_does_not_build_fail_with_the_build() {
    let world = Fake::default().file("Cargo.toml", "").answers(
        "cargo test --no-run --offline",
        101,
        "error[E0425]: cannot find value `x`\n",
    );

    let results = results(&world);

    let ends: Vec<String> = results.checks.iter().map(shown).collect();
    assert_eq!(ends, ["cargo:build Failed []", "cargo:test Failed []"]);
    assert_eq!(results.checks[1].excerpt, "not run: `cargo:build` did not pass");
    assert_eq!(results.checks[1].receipts, results.checks[0].receipts);
}

#[test]
fn a_machine_that_lacks_something_makes_an_error_with_what_to_do() {
    let offline = "error: no matching package named `serde` found\nAs a reminder, you're using \
                   offline mode (--offline) … you may wish to retry without the `--offline` flag.";
    let remedy = "run `cargo fetch`, or install Rust from https://rustup.rs";
    for (code, output, what) in [
        (127, "sh: 1: exec: cargo: not found", "`cargo` is not installed"),
        (126, "sh: 1: exec: cargo: Permission denied", "`cargo` may not be executed"),
        (101, offline, "a dependency is not on this machine"),
    ] {
        let world = Fake::default().file("Cargo.toml", "").answers(
            "cargo test --no-run --offline",
            code,
            output,
        );
        let check = results(&world).checks[0].clone();
        assert_eq!(check.outcome, Outcome::Errored, "{output}");
        let told = format!("could not be run: {what}; {remedy}\n{output}");
        assert_eq!(check.excerpt, told);
    }
}

#[test]
fn a_program_that_is_not_there_is_asked_for_once() {
    let world = Fake::default().file("a/go.mod", "").file("b/go.mod", "").answers(
        "a$ go build -o /dev/null ./...",
        127,
        "sh: 1: exec: go: not found",
    );

    let results = results(&world);

    let excerpts: Vec<&str> =
        results.checks.iter().map(|check| check.excerpt.lines().next().unwrap()).collect();
    let same = "could not be run: `go` is not installed, as `go:build@a` says";
    let below = "not run: `go:build@a` did not pass";
    assert_eq!(
        excerpts[0],
        "could not be run: `go` is not installed; run `go mod download`, or install Go from https://go.dev/dl"
    );
    assert_eq!(excerpts[1..3], [below, same]);
    assert_eq!(excerpts[3], same);
    assert_eq!(world.asked.borrow().len(), 1);
}

#[test]
fn what_a_test_says_late_is_not_what_a_runner_lacks() {
    let late = format!("{}No module named pytest\n", "compiling\n".repeat(60));
    let world = |output: &str| {
        let command = "python --check-hash-based-pycs always -m pytest -rA -p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1";
        let other =
            "pytest -rA -p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1";
        Fake::default().file("pytest.ini", "").answers(command, 1, output).answers(
            other,
            127,
            "sh: 1: pytest: not found",
        )
    };

    assert_eq!(results(&world(&late)).checks[0].outcome, Outcome::Failed);
    let check = results(&world("python: No module named pytest")).checks[0].clone();
    assert_eq!(check.outcome, Outcome::Errored);
    assert!(
        check.excerpt.starts_with("could not be run: pytest is not installed; install pytest into"),
        "{}",
        check.excerpt
    );
    let fatal = "Fatal Python error: init_import_site: Failed to import the site module";
    assert_eq!(results(&world(fatal)).checks[0].outcome, Outcome::Errored);
}

#[test]
fn a_runner_that_was_asked_for_a_report_and_gives_none_has_not_passed() {
    let command = "python --check-hash-based-pycs always -m pytest -rA -p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1";
    for output in ["", "PASSED test_a.py::test_a\n1 passed in 0.01s\n\n<<<openkoi-report\n"] {
        let world = Fake::default().file("pytest.ini", "").answers(command, 0, output);

        let check = results(&world).checks[0].clone();

        assert_eq!(shown(&check), "python:pytest Errored []");
        assert!(
            check.excerpt.starts_with("it ended without a report of its tests"),
            "{}",
            check.excerpt
        );
    }
}

#[test]
fn a_check_that_named_its_tests_before_does_not_pass_without_them() {
    let world = script(Fake::default()).answers("sh test.sh", 0, "all good\n");
    let plans = detect::plans(&world, &[]);
    let green = Test { name: "a".to_owned(), outcome: Outcome::Passed };
    let before = Check { tests: vec![green], ..blank(&plans[0]) };

    let results = all(&world, &plans, &[before]).unwrap();

    assert_eq!(shown(&results.checks[0]), "script:test Errored []");
}

#[test]
fn a_version_manager_in_place_of_a_program_makes_an_error_and_its_words_stay() {
    const REMEDY: &str = "run `cargo fetch`, or install Rust from https://rustup.rs";
    let build = |output: &str| {
        let world = Fake::default().file("Cargo.toml", "");
        let world = world.answers("cargo test --no-run --offline", 1, output);
        results(&world).checks[0].clone()
    };
    for said in [
        "no toolchain\n",
        "error: rustup could not choose a version of cargo to run, because one wasn't specified explicitly, and no \
         default is configured.\nhelp: run 'rustup default stable'\n",
        "pyenv: version `3.9.1' is not installed (set by /pond/.python-version)\n",
        "No version is set for command cargo\n",
    ] {
        let check = build(said);
        assert_eq!(check.outcome, Outcome::Errored, "{said}");
        let told = format!(
            "could not be run: its version manager has no version of it; {REMEDY}\n{}",
            said.trim()
        );
        assert_eq!(check.excerpt, told);
    }
    let long = format!("{}test said: no toolchain\n", "   Compiling pond\n".repeat(9));
    assert_eq!(build(&long).outcome, Outcome::Failed, "a project's own words");
    let other = build("segmentation fault in the shim\n");
    assert_eq!(
        (other.outcome, other.excerpt.as_str()),
        (Outcome::Failed, "segmentation fault in the shim")
    );
}

#[test]
fn another_way_to_run_the_same_is_tried() {
    let xml = "<testsuite><testcase classname=\"test_a\" name=\"test_a\" file=\"test_a.py\"/></testsuite>";
    let world = Fake::default()
        .file("pytest.ini", "")
        .answers(
            "python --check-hash-based-pycs always -m pytest -rA -p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1",
            1,
            "python: No module named pytest",
        )
        .answers(
            "pytest -rA -p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1",
            0,
            &format!("1 passed in 0.01s\n\n<<<openkoi-report\n{xml}"),
        );

    let check = &results(&world).checks[0];

    assert_eq!(shown(check), "python:pytest Passed [Passed test_a.py::test_a]");
    assert!(check.command.starts_with("pytest "), "{}", check.command);
}

#[test]
fn no_test_is_named_where_a_part_of_the_output_is_missing() {
    let run = Run { output: "ok a\nok c\n".to_owned(), cut: true, code: Some(0), ..Run::default() };
    let world = script(Fake::default()).answers_run("sh test.sh", run);

    assert_eq!(shown(&results(&world).checks[0]), "script:test Passed []");
}

struct Refusing(Failure);

impl World for Refusing {
    fn read(&self, path: &str) -> Option<String> {
        (path == "test.sh").then(String::new)
    }
    fn list(&self, directory: &str) -> Vec<crate::world::Entry> {
        let name = "test.sh".to_owned();
        directory
            .is_empty()
            .then_some(crate::world::Entry { name, directory: false })
            .into_iter()
            .collect()
    }
    fn installed(&self, _program: &str) -> bool {
        true
    }
    fn run(&self, _invocation: &Invocation) -> Result<Run> {
        Err(self.0.clone())
    }
    fn say(&self, _message: &str) {}
}

#[test]
fn a_refusal_is_told_with_what_helps_and_a_cancelled_run_gives_no_verdict() {
    let denial = Denial { what: "running sh".to_owned(), hint: "openkoi doctor".to_owned() };
    let run = |failure| {
        let world = Refusing(failure);
        all(&world, &detect::plans(&world, &[]), &[])
    };

    let refused = run(Failure::Denied(denial)).unwrap();

    assert_eq!(
        refused.checks[0].excerpt,
        "could not be run: running sh is not allowed; openkoi doctor"
    );
    assert_eq!(run(Failure::Cancelled), Err(Failure::Cancelled));
}

#[test]
fn what_runs_a_check_says_its_version_where_that_was_known_before() {
    let world = |version: &str| {
        let world = Fake::default().file("go.mod", "");
        world.answers("go build -o /dev/null ./...", 0, "").version(version)
    };
    let ran = |version: &str, baseline: &[Check]| {
        let mut plans = crate::detect::plans(&world(version), &[]);
        plans.truncate(1);
        all(&world(version), &plans, baseline).unwrap().checks
    };

    let before = ran("go version go1.22\n", &[]);
    let silent = ran("", &[]);

    assert_eq!(before[0].runner, "go version go1.22");
    assert_eq!(ran("go version go1.23\n", &before)[0].runner, "go version go1.23");
    assert_eq!(ran("go version go1.23\n", &silent)[0].runner, "");
}

#[test]
fn what_go_wrote_is_told_without_the_events_around_it() {
    let events = "# a\n{\"Action\":\"run\",\"Package\":\"a\",\"Test\":\"TestTwo\"}\n\
                  {\"Action\":\"output\",\"Package\":\"a\",\"Test\":\"TestTwo\",\"Output\":\"a_test.go:13: 2\\n\"}\n\
                  {\"Action\":\"fail\",\"Package\":\"a\",\"Test\":\"TestTwo\"}\n";
    let world = Fake::default()
        .file("go.mod", "")
        .answers("go build -o /dev/null ./...", 0, "")
        .answers("go vet ./...", 0, "")
        .answers("go test -json ./...", 1, events)
        .answers("go test -json -count=1 -run '^(TestTwo)$' a", 1, events);

    let check = &results(&world).checks[2];

    assert_eq!(check.excerpt, "# a\na_test.go:13: 2");
}
