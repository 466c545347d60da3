use std::collections::BTreeSet;

use super::*;
use crate::verdict::tests::subject;
use crate::world::tests::Fake;

fn looked(world: &Fake, paths: &[&str], without: &[&str]) -> Vec<(String, Outcome, String)> {
    let change = |path: &&str| Change { path: (*path).to_owned(), kind: ChangeKind::Modified };
    let without = without.iter().map(|id| (*id).to_owned()).collect();
    let subject = Subject {
        changes: paths.iter().map(change).collect(),
        quick: Some(QuickLook { milliseconds: 25, without }),
        ..subject()
    };
    let verdict = crate::verdict::evaluate(&subject, world).unwrap();
    verdict.checks.into_iter().map(|check| (check.id, check.outcome, check.excerpt)).collect()
}

#[test]
fn every_row_can_be_used() {
    let manifest = include_str!("../../component.toml");
    let granted: BTreeSet<&str> = manifest.split('"').collect();
    let names: BTreeSet<&str> = LOOKS.iter().map(|look| look.name).collect();

    assert_eq!(names.len(), LOOKS.len());
    for look in LOOKS {
        assert!(!look.at.is_empty() && !look.of.is_empty(), "{}", look.name);
        let first = look.run.split([' ', '}']).next().unwrap();
        let program = match first.strip_prefix('{') {
            Some("bundle") => "bundle",
            Some(_) => look.run.split([' ', '}']).nth(1).unwrap(),
            None => first,
        };
        assert!(granted.contains(program), "`{program}` of {}", look.name);
    }
}

#[test]
fn a_file_is_looked_at_by_what_the_nearest_project_is_set_up_for() {
    let world = Fake::default()
        .file("ruff.toml", "")
        .file("web/package.json", "{}")
        .file("web/tsconfig.json", "{}")
        .file("web/src/a.ts", "")
        .file("tool/a b.py", "")
        .answers(
            "ruff check --no-cache --quiet --output-format=concise 'tool/a b.py'",
            1,
            "tool/a b.py:1:8: F401 `os`\nFound 1 error.\n",
        )
        .answers("web$ npx --no-install tsc --noEmit --pretty false", 0, "");

    assert_eq!(
        looked(&world, &["tool/a b.py", "web/src/a.ts", "README.md"], &[]),
        [
            ("ruff".to_owned(), Outcome::Failed, "tool/a b.py:1:8: F401 `os`".to_owned()),
            ("tsc@web".to_owned(), Outcome::Passed, String::new()),
        ]
    );
}

#[test]
fn one_that_says_nothing_of_a_place_could_not_look() {
    let cargo = "cargo check --quiet --all-targets --offline --message-format=short";
    let of = |code, output| {
        let world = Fake::default()
            .file("Cargo.toml", "")
            .file("src/a.rs", "")
            .answers(cargo, code, output);
        looked(&world, &["src/a.rs"], &[])[0].clone()
    };

    assert_eq!(of(101, "error: no matching package named `x` found\n").1, Outcome::Errored);
    assert_eq!(of(127, "sh: cargo: not found\n").1, Outcome::Errored);
    let (_, outcome, told) =
        of(101, "src/a.rs:1:1: warning: unused\nsrc/a.rs:2:5: error[E0308]: mismatched\n");
    assert_eq!(
        (outcome, told.as_str()),
        (Outcome::Failed, "src/a.rs:2:5: error[E0308]: mismatched")
    );
}

#[test]
fn a_formatter_says_how_it_is_mended() {
    let world = Fake::default()
        .file("go.mod", "")
        .file("a/x.go", "")
        .answers("gofmt -l a/x.go", 0, "a/x.go\n")
        .answers("go vet ./a", 0, "");

    let told = &looked(&world, &["a/x.go"], &[])[0];

    assert_eq!(told.1, Outcome::Failed);
    assert_eq!(told.2, "a/x.go: not formatted as the project's files are: gofmt -w a/x.go");
}

#[test]
fn what_had_no_answer_before_is_left_out_and_the_time_is_shared() {
    let slow = |world: Fake, command: &str| {
        let run = Run { timed_out: true, duration_ms: 25, ..Run::default() };
        world.answers_run(command, run)
    };
    let world = || Fake::default().file("go.mod", "").file("x.go", "");

    let first = looked(&slow(world(), "gofmt -l x.go"), &["x.go"], &[]);
    let then = looked(&world().answers("go vet .", 0, ""), &["x.go"], &["gofmt"]);

    assert_eq!(first, [("gofmt".to_owned(), Outcome::Errored, String::new())]);
    assert_eq!(then, [("go-vet".to_owned(), Outcome::Passed, String::new())]);
}

#[test]
fn a_place_is_two_numbers_side_by_side() {
    for (line, expected) in [
        ("src/a.rs:3:5: error", true),
        ("a.ts(3,5): error TS2304", true),
        ("  3:5  error  no-undef", true),
        ("a.php:12:message", true),
        ("a.py:3: error: x", true),
        ("error: no such file: /a/b", false),
        ("Found 1 error.", false),
        ("http://localhost/", false),
        ("", false),
    ] {
        assert_eq!(names_a_place(line), expected, "{line}");
    }
}
