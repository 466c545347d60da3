//! The commands by which a project checks itself: scripts, targets, continuous integration, settings of runners.

use super::observation::Observation;
use super::source::Source;
use super::statement::squeezed;

/// The kind of a file that says something about checks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A script of tests: every line of it is a check.
    TestScript,
    /// Commands among other things: a Makefile, a package's scripts, continuous integration.
    Commands,
    /// Settings of a runner.
    Settings,
}

fn kind(path: &str) -> Option<Kind> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let script = file.ends_with(".sh") && (file.contains("test") || file.contains("check"));
    if script || matches!(path, "tests/run.sh" | "test/run.sh") {
        return Some(Kind::TestScript);
    }
    let commands = [
        "Makefile",
        "makefile",
        "GNUmakefile",
        "justfile",
        "Justfile",
        "package.json",
        ".gitlab-ci.yml",
    ];
    let workflow = path.starts_with(".github/workflows/") || path.starts_with(".circleci/");
    if commands.contains(&file) || workflow {
        return Some(Kind::Commands);
    }
    let settings = [
        "pytest.ini",
        "tox.ini",
        "setup.cfg",
        "pyproject.toml",
        "Cargo.toml",
        "config.toml",
        "conftest.py",
        "noxfile.py",
        ".mocharc.json",
        "tsconfig.json",
    ];
    let runner = file.starts_with("jest.config") || file.starts_with("vitest.config");
    (settings.contains(&file) || runner).then_some(Kind::Settings)
}

/// Looks at the files of checks that were there before.
pub(crate) fn observe(sources: &[Source]) -> Vec<Observation> {
    let mut observations = Vec::new();
    for source in sources.iter().filter(|source| source.existed) {
        let Some(kind) = kind(&source.path) else { continue };
        if !source.exists {
            if kind != Kind::Settings {
                let message = "a file of checks was removed; put it back";
                observations.push(Observation::new(&source.path, 1, message));
            }
            continue;
        }
        observations.extend(weakened(source, kind));
        observations.extend(dropped(source, kind));
    }
    observations
}

/// Lines that are new and keep a check from failing.
fn weakened(source: &Source, kind: Kind) -> Vec<Observation> {
    let new = source.added.iter().filter(|(_, text)| {
        let known = source.removed.iter().any(|(.., old)| old.trim() == text.trim());
        !known && weakens(text, kind)
    });
    new.map(|(line, text)| {
        let message = format!("`{}` keeps a check from failing; take it out", text.trim());
        Observation::new(&source.path, *line, message)
    })
    .collect()
}

fn weakens(text: &str, kind: Kind) -> bool {
    const COMMANDS: [&str; 16] = [
        "|| true",
        "|| :",
        "|| exit 0",
        "|| echo",
        "; true",
        "; exit 0",
        "set +e",
        "--passWithNoTests",
        "--pass-with-no-tests",
        "continue-on-error: true",
        "allow_failure: true",
        "if: false",
        "--deselect",
        "--ignore=",
        "-k \"not ",
        "-k 'not ",
    ];
    const SETTINGS: [&str; 11] = [
        "test = false",
        "doctest = false",
        "harness = false",
        "autotests = false",
        "--ignore",
        "--deselect",
        "norecursedirs",
        "collect_ignore",
        "testPathIgnorePatterns",
        "passWithNoTests",
        "-k \"not ",
    ];
    let text = text.trim();
    if text.starts_with('#') || text.starts_with("//") {
        return false;
    }
    let has = |list: &[&str]| list.iter().any(|part| text.contains(part));
    match kind {
        Kind::TestScript => has(&COMMANDS) || matches!(text, "exit" | "exit 0" | "true"),
        Kind::Commands => has(&COMMANDS),
        Kind::Settings => has(&SETTINGS),
    }
}

/// The first line of a check that is neither there any more nor part of a longer one.
fn dropped(source: &Source, kind: Kind) -> Option<Observation> {
    let now = squeezed(source.after.iter().map(|(_, text)| text.as_str()));
    let (_, line, text) = source.removed.iter().find(|(.., text)| {
        let bare = text.trim().trim_end_matches([',', '"', ';', '\\']).trim_end();
        checks(bare, kind) && !now.contains(&squeezed(std::iter::once(bare)))
    })?;
    let message = format!("the check `{}` was removed or changed; put it back", text.trim());
    Some(Observation::new(&source.path, *line, message))
}

/// Returns whether a line runs a check.
fn checks(text: &str, kind: Kind) -> bool {
    const RUNNERS: [&str; 24] = [
        "cargo test",
        "cargo clippy",
        "cargo check",
        "cargo build",
        "cargo nextest",
        "pytest",
        "unittest",
        "go test",
        "go vet",
        "go build",
        "npm test",
        "npm run",
        "node --test",
        "jest",
        "vitest",
        "mocha",
        "tsc",
        "eslint",
        "ruff",
        "mypy",
        "make test",
        "make check",
        "set -e",
        "test.sh",
    ];
    const SCRIPTS: [&str; 7] =
        ["\"test", "\"lint", "\"build", "\"typecheck", "\"type-check", "\"pretest", "\"check"];
    if text.is_empty() || text.starts_with('#') {
        return false;
    }
    match kind {
        Kind::TestScript => true,
        Kind::Commands => {
            let runs = RUNNERS.iter().any(|runner| text.contains(runner));
            runs || (text.contains("\":") && SCRIPTS.iter().any(|key| text.starts_with(key)))
        }
        Kind::Settings => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;

    #[test]
    fn commands_that_no_longer_fail_are_found() {
        for (path, before, after) in [
            ("test.sh", "set -e\n./a\n", "set -e\n./a || true\n"),
            ("Makefile", "test:\n\tpytest\n", "test:\n\tpytest || true\n"),
            (
                ".github/workflows/ci.yml",
                "- run: cargo test\n",
                "- run: cargo test\n  continue-on-error: true\n",
            ),
            ("package.json", "  \"test\": \"jest\"\n", "  \"test\": \"jest --passWithNoTests\"\n"),
            ("Cargo.toml", "[lib]\n", "[lib]\ntest = false\n"),
            ("pytest.ini", "[pytest]\n", "[pytest]\naddopts = --ignore=tests/a\n"),
        ] {
            let found = found(path, before, after);
            assert!(
                found.iter().any(|line| line.contains("keeps a check from failing")),
                "{path} {found:?}"
            );
        }
    }

    #[test]
    fn checks_that_are_gone_are_found() {
        assert_eq!(
            found(
                "package.json",
                "{\n  \"test\": \"jest\",\n}\n",
                "{\n  \"test\": \"echo ok\",\n}\n"
            ),
            [
                "Critical package.json:2: the check `\"test\": \"jest\",` was removed or changed; put it back"
            ]
        );
        assert_eq!(
            found("test.sh", "a=$(./sum 1 2)\n[ $a = 3 ]\n", "a=$(./sum 1 2)\n[ $a = 4 ]\n"),
            ["Critical test.sh:2: the check `[ $a = 3 ]` was removed or changed; put it back"]
        );
        assert_eq!(
            found(".github/workflows/ci.yml", "x: 1\n- run: cargo clippy\n", "x: 1\n"),
            [
                "Critical .github/workflows/ci.yml:1: the check `- run: cargo clippy` was removed or changed; put it back"
            ]
        );
        assert_eq!(
            found("test.sh", "./a\n", ""),
            ["Critical test.sh:1: a file of checks was removed; put it back"]
        );
    }

    #[test]
    fn more_checks_and_other_changes_are_fine() {
        for (path, before, after) in [
            ("test.sh", "./a\n", "./a\n./b\n"),
            (
                "package.json",
                "  \"test\": \"node --test\",\n  \"version\": \"1\"\n",
                "  \"test\": \"node --test src\",\n  \"version\": \"2\"\n",
            ),
            ("Makefile", "all:\n\tcc a.c\n", "all:\n\tcc a.c b.c\n"),
            ("Cargo.toml", "[dependencies]\n", "[dependencies]\nserde = \"1\"\n"),
        ] {
            assert_eq!(found(path, before, after), Vec::<String>::new(), "{path}");
        }
    }
}
