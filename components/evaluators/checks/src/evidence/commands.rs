//! The files that the commands of checks name.

use std::collections::BTreeSet;

use openkoi_sdk::evaluator::Subject;
use openkoi_sdk::serde_json::{self, Value};

use crate::world::World;

/// Programs whose first argument is what they run.
const INTERPRETERS: [&str; 14] = [
    "sh", "bash", "dash", "zsh", "python", "python3", "node", "deno", "bun", "ruby", "perl", "php",
    "tsx", "env",
];

/// Returns the files that the commands of the untouched tree name: `check.js` of `node check.js`. What tests are given is
/// theirs; what is given to a linter or a compiler is the product, unless it is run or stands behind a flag.
pub(super) fn named(subject: &Subject, world: &dyn World) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for check in &subject.baseline {
        let folder = check.id.split_once('@').map_or("", |(_, folder)| folder).replace("%20", " ");
        let place = |word: &str| match folder.is_empty() {
            true => word.trim_start_matches("./").to_owned(),
            false => format!("{folder}/{}", word.trim_start_matches("./")),
        };
        let mut lines = vec![(check.category == "test", check.command.clone())];
        if check.id.starts_with("node:") {
            lines.extend(scripts(subject, world, &place("package.json"), &check.command));
        }
        let is_file = |word: &&str| word.contains('.');
        for (tests, line) in &lines {
            let named_there = match tests {
                true => words(line).collect(),
                false => run_or_flagged(line),
            };
            named.extend(named_there.into_iter().filter(is_file).map(place));
        }
    }
    named
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || "'\"`;&|()=".contains(c))
        .filter(|word| !word.is_empty())
}

/// Returns what a line runs, and what stands behind flags.
fn run_or_flagged(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for command in line.split([';', '&', '|', '(', '\n']) {
        let mut before = None;
        for word in words(command) {
            let is_behind = before.is_none_or(|before: &str| {
                before.starts_with('-') || INTERPRETERS.contains(&before)
            });
            if is_behind {
                found.push(word);
            }
            before = Some(word);
        }
    }
    found
}

/// Returns the scripts of a package that a command runs, and those that they run, as they were, each with whether it runs
/// tests. A script to serve or to publish says nothing of what tests are given.
fn scripts(subject: &Subject, world: &dyn World, path: &str, command: &str) -> Vec<(bool, String)> {
    let before = subject.before.iter().find(|before| before.path == path);
    let text = match before {
        Some(before) => before.text.clone(),
        None => world.read(path),
    };
    let package: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
    let mut lines = Vec::new();
    let mut waiting = vec![command.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(line) = waiting.pop() {
        for name in words(&line)
            .flat_map(|word| [word.to_owned(), format!("pre{word}"), format!("post{word}")])
        {
            let Some(line) = package["scripts"][&name].as_str() else { continue };
            if seen.insert(name.clone()) {
                lines.push((name.contains("test"), line.to_owned()));
                waiting.push(line.to_owned());
            }
        }
    }
    lines
}

/// The most files that are read for a word.
const MOST_READ: usize = 200;

/// Returns whether a word stands in a command of the untouched tree, or, as they were, in settings and files of tests.
pub(super) fn has_word(subject: &Subject, world: &dyn World, word: &str) -> bool {
    if subject.baseline.iter().any(|check| check.command.contains(word)) {
        return true;
    }
    let folders = subject.baseline.iter().filter_map(|check| check.id.split_once('@'));
    let folders: BTreeSet<String> = folders
        .map(|(_, folder)| folder.replace("%20", " "))
        .chain(std::iter::once(String::new()))
        .flat_map(|folder| ["", "test", "tests"].map(|inner| joined(&folder, inner)))
        .collect();
    let is_told = |before: &&str| before.contains(word);
    if subject.before.iter().filter_map(|before| before.text.as_deref()).any(|text| is_told(&text))
    {
        return true;
    }
    let files = folders.iter().flat_map(|folder| {
        let files = world.list(folder).into_iter().filter(|entry| !entry.directory);
        files.map(|entry| joined(folder, &entry.name)).collect::<Vec<_>>()
    });
    let settings = files.filter(|path| !path.ends_with(".md") && !path.ends_with(".lock"));
    settings.take(MOST_READ).any(|path| world.read(&path).is_some_and(|text| text.contains(word)))
}

fn joined(folder: &str, name: &str) -> String {
    match (folder.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::subject;
    use crate::world::tests::Fake;
    use openkoi_sdk::evaluator::{Check, Outcome};

    fn check(category: &str, command: &str) -> Check {
        Check {
            id: "configured:x".to_owned(),
            category: category.to_owned(),
            command: command.to_owned(),
            outcome: Outcome::Passed,
            exit_code: Some(0),
            tests: Vec::new(),
            test_count: None,
            excerpt: String::new(),
            receipts: Vec::new(),
            duration_ms: 1,
            runner: String::new(),
        }
    }

    fn named_by(category: &str, command: &str) -> Vec<String> {
        let check = check(category, command);
        named(&Subject { baseline: vec![check], ..subject() }, &Fake::default())
            .into_iter()
            .collect()
    }

    #[test]
    fn what_tests_are_given_is_named() {
        assert_eq!(named_by("test", "node --test ./a.js b.js"), ["a.js", "b.js"]);
        assert_eq!(named_by("test", "sh -c 'sh ci/own.sh && ./x.sh'"), ["ci/own.sh", "x.sh"]);
    }

    #[test]
    fn what_a_packages_scripts_are_given_is_named_where_tests_run_them() {
        let package = r#"{ "scripts": {
            "start": "node src/server.js", "test": "npm run -s build && npm run test:unit",
            "pretest": "node before.js", "build": "esbuild src/index.js --config=own.json && cp src/a.js dist",
            "test:unit": "node --test unit.mjs" } }"#;
        let world = Fake::default().file("package.json", package);
        let mut check = check("test", "npm run test");
        check.id = "node:test".to_owned();
        let named = named(&Subject { baseline: vec![check], ..subject() }, &world);
        assert_eq!(Vec::from_iter(named), ["before.js", "own.json", "unit.mjs"]);
    }

    #[test]
    fn what_a_linter_is_given_is_product_unless_it_is_run_or_behind_a_flag() {
        assert_eq!(named_by("lint", "test -e percent.sh"), ["percent.sh"]);
        assert_eq!(named_by("lint", "shellcheck percent.sh"), [""; 0]);
        assert_eq!(
            named_by("lint", "sh -c 'cat a.sh | ./lint.sh; bash b.sh c.sh'"),
            ["b.sh", "lint.sh"]
        );
        assert_eq!(named_by("types", "tsc -p conf.json src/a.ts"), ["conf.json"]);
        assert_eq!(named_by("build", "env A=b.c sh build.sh"), ["build.sh"]);
    }
}
