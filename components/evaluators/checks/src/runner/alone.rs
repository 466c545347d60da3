//! The ways in which runners run single tests.

use crate::report::Case;

/// The way to run single tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    /// There is none: everything runs.
    Whole,
    /// Their handles behind the command.
    Handles,
    /// The same without `discover` and its start, which becomes a place to import from.
    Modules,
    /// Behind `-- --exact`. The names of doc tests hold spaces, at which rustdoc cuts what it is given.
    Exact,
    /// Top-level names of tests and their packages, as `go test` has them.
    Packages,
    /// One argument that begins with this: an expression of which each handle is an alternative.
    Either(&'static str),
    /// The same between `^(` and `)$`.
    Precisely(&'static str),
    /// One argument a handle, each behind this one.
    Each(&'static str),
    /// One argument that begins with the first, handles joined by the second.
    Joined(&'static str, &'static str),
}

/// Past this many the whole run is no longer.
const MOST: usize = 50;

impl Alone {
    /// Returns `arguments` changed so that only `failing` run, or as they are where that cannot be said.
    pub(crate) fn narrow(self, arguments: &[String], failing: &[&Case]) -> Vec<String> {
        let mut narrowed = arguments.to_vec();
        let named = failing.iter().all(|case| !case.handle.is_empty());
        if failing.is_empty() || failing.len() > MOST || !named {
            return narrowed;
        }
        let handles = || failing.iter().map(|case| case.handle.clone());
        match self {
            Self::Whole => {}
            Self::Handles => narrowed.extend(handles()),
            Self::Modules => {
                narrowed = modules(&narrowed);
                narrowed.extend(handles());
            }
            Self::Exact if failing.iter().all(|case| !case.handle.contains(' ')) => {
                narrowed.extend(["--", "--exact"].map(str::to_owned));
                narrowed.extend(handles());
            }
            Self::Exact => {}
            Self::Packages => packages(&mut narrowed, failing),
            Self::Either(flag) => push(&mut narrowed, flag, &either(failing)),
            Self::Precisely(flag) => push(&mut narrowed, flag, &format!("^({})$", either(failing))),
            Self::Each(flag) => {
                for handle in handles() {
                    push(&mut narrowed, flag, &handle);
                }
            }
            Self::Joined(flag, by) => {
                push(&mut narrowed, flag, &handles().collect::<Vec<_>>().join(by));
            }
        }
        narrowed
    }
}

/// Adds a flag and its value: one argument where the flag ends with `=`, else two.
fn push(arguments: &mut Vec<String>, flag: &str, value: &str) {
    if flag.ends_with('=') {
        arguments.push(format!("{flag}{value}"));
    } else {
        arguments.extend([flag.to_owned(), value.to_owned()]);
    }
}

fn either(failing: &[&Case]) -> String {
    let escaped = failing.iter().map(|case| escaped(&case.handle));
    escaped.collect::<Vec<_>>().join("|")
}

/// Returns `text` so that an expression means these very characters.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r"\^$.|?*+()[]{}/".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `discover` takes no names: what it would have put on the path is put there by hand.
fn modules(arguments: &[String]) -> Vec<String> {
    let mut start = None;
    let mut kept = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "discover" => {}
            "-s" => start = words.next(),
            "-t" => {
                words.next();
                start = None;
            }
            _ => kept.push(word.clone()),
        }
    }
    let Some(start) = start else { return kept };
    match kept.iter_mut().find(|word| word.starts_with("PYTHONPATH=")) {
        Some(path) => *path = format!("{path}:{start}"),
        None => {
            kept.splice(0..0, ["env".to_owned(), format!("PYTHONPATH={start}")]);
        }
    }
    kept
}

fn packages(arguments: &mut Vec<String>, failing: &[&Case]) {
    let mut packages = Vec::new();
    let mut names = Vec::new();
    for case in failing {
        let Some((package, test)) = case.handle.split_once(' ') else { return };
        packages.push(package.to_owned());
        names.push(test.split('/').next().unwrap_or(test).to_owned());
    }
    for list in [&mut packages, &mut names] {
        list.sort_unstable();
        list.dedup();
    }
    arguments.retain(|argument| argument != "./...");
    // Without a count a failed run is never taken from the cache, but a passed package may be.
    let pattern = format!("^({})$", names.join("|"));
    arguments.extend(["-count=1".to_owned(), "-run".to_owned(), pattern]);
    arguments.extend(packages);
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::evaluator::Outcome;

    use super::*;

    fn narrowed(alone: Alone, command: &str, handles: &[&str]) -> String {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let cases: Vec<Case> =
            handles.iter().map(|handle| Case::handled("x", *handle, Outcome::Failed)).collect();
        alone.narrow(&words, &cases.iter().collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn a_run_is_narrowed_in_the_way_of_its_runner() {
        use Alone::{Each, Either, Exact, Handles, Joined, Modules, Packages, Precisely};
        for (alone, command, handles, expected) in [
            (Exact, "cargo test", &["tests::a"][..], "cargo test -- --exact tests::a"),
            (Exact, "cargo test", &["src/lib.rs - add (line 4)"], "cargo test"),
            (Handles, "py -m pytest", &["a.py::b"], "py -m pytest a.py::b"),
            (Modules, "py -m unittest discover -v", &["m.A.t"], "py -m unittest -v m.A.t"),
            (
                Modules,
                "py -m unittest discover -v -s tests",
                &["m.A.t"],
                "env PYTHONPATH=tests py -m unittest -v m.A.t",
            ),
            (
                Modules,
                "env PYTHONPATH=src py -m unittest discover -v -s tests",
                &["m.A.t"],
                "env PYTHONPATH=src:tests py -m unittest -v m.A.t",
            ),
            (
                Packages,
                "go test -json ./...",
                &["m/a TestT/zero", "m/a TestT"],
                "go test -json -count=1 -run ^(TestT)$ m/a",
            ),
            (Either("-t"), "jest", &["a (b)", "c"], r"jest -t a \(b\)|c"),
            (Precisely("-R"), "ctest", &["a", "b"], "ctest -R ^(a|b)$"),
            (
                Each("--tests"),
                "gradle test",
                &["A.b", "A.c"],
                "gradle test --tests A.b --tests A.c",
            ),
            (Joined("-Dtest=", ","), "mvn test", &["A#b", "A#c"], "mvn test -Dtest=A#b,A#c"),
            (Handles, "pytest", &[""], "pytest"),
        ] {
            assert_eq!(narrowed(alone, command, handles), expected);
        }
    }
}
