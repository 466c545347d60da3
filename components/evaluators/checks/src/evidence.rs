//! Which changed files are evidence: tests, what steers their runners, the tests' data. What decides about the work is not
//! the work's to change, so the checks run once more with these files as they were.
//!
//! A file is told by its path, from the tables in [`names`]. In doubt it is evidence and product, and the checks run both
//! ways. Two kinds of files are both in parts: manifests ([`manifest`]) and sources with tests in them ([`inline`]).

mod commands;
mod inline;
mod manifest;
pub(crate) mod names;

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::{Before, Change, ChangeKind, EvidenceFile, Subject};

use crate::world::{Entry, Invocation, Run, World};
use inline::Language;
use names::Role;
use openkoi_sdk::Result;

/// Returns those of the changed files that are evidence.
pub(crate) fn of(subject: &Subject, world: &dyn World) -> Vec<EvidenceFile> {
    let before: BTreeMap<&str, &Before> =
        subject.before.iter().map(|before| (before.path.as_str(), before)).collect();
    let named = commands::named(subject, world);
    let runners = names::runners(&subject.baseline);
    let is_collected = |language: &Language, now: &str| {
        let word = language.collected;
        word.is_empty() || now.contains(word) || commands::has_word(subject, world, word)
    };
    let look = |change: &Change| {
        let before = before.get(change.path.as_str()).and_then(|before| before.text.as_deref());
        let role = names::role(&change.path, change.kind == ChangeKind::Added, &runners);
        evidence(change, before, (role, named.contains(&change.path)), world, &is_collected)
    };
    subject.changes.iter().filter_map(look).collect()
}

/// Returns whether these files decide about tests alone.
pub(crate) fn are_tests(subject: &Subject, world: &dyn World) -> bool {
    let runners = names::runners(&subject.baseline);
    let named = commands::named(subject, world);
    let is_source = |path: &str| {
        let is_product = names::role(path, false, &runners) == Role::Product;
        is_product && !named.contains(path) && inline::language(path).is_some()
    };
    subject.frozen.iter().all(|path| names::is_test(path, &runners) || is_source(path))
}

/// Returns whether some of these files were not there.
pub(crate) fn is_some_new(subject: &Subject) -> bool {
    let is_new = |path: &String| subject.before.iter().all(|before| before.path != *path);
    subject.frozen.iter().any(is_new)
}

fn evidence(
    change: &Change,
    before: Option<&str>,
    (role, is_named): (Role, bool),
    world: &dyn World,
    is_collected: &dyn Fn(&Language, &str) -> bool,
) -> Option<EvidenceFile> {
    let file = |shown: Option<String>, product| {
        Some(EvidenceFile { path: change.path.clone(), shown, product })
    };
    match role {
        Role::Evidence => file(None, false),
        Role::Both => file(None, true),
        Role::Product if is_named => file(None, true),
        Role::Product if inline::is_included(&change.path, world) => file(None, true),
        Role::Manifest(parts) => match (before, now(change, world)) {
            (Some(before), Some(now)) => match manifest::frozen(before, &now, parts) {
                Some(shown) if shown == now => None,
                Some(shown) => file(Some(shown), false),
                None => file(None, true),
            },
            _ => file(None, true),
        },
        Role::Product => {
            let language = inline::language(&change.path)?;
            let (before, now) = (before?, now(change, world)?);
            if !language.is_marked([before, &now]) || !is_collected(language, &now) {
                return None;
            }
            match language.split(before, &now) {
                inline::Split::Same => None,
                inline::Split::Shown(shown) => file(Some(shown), false),
                inline::Split::Unclear => file(None, true),
            }
        }
    }
}

fn now(change: &Change, world: &dyn World) -> Option<String> {
    match change.kind {
        ChangeKind::Removed => None,
        _ => world.read(&change.path),
    }
}

/// A workspace in which some files are as they were.
pub(crate) struct Frozen<'a> {
    world: &'a dyn World,
    /// Texts by path; none where there was no such file, or it is too long to be known.
    files: BTreeMap<&'a str, Option<String>>,
    /// Paths of files that were not there.
    absent: Vec<&'a str>,
}

impl<'a> Frozen<'a> {
    pub(crate) fn new(subject: &'a Subject, world: &'a dyn World) -> Self {
        let mut frozen = Self { world, files: BTreeMap::new(), absent: Vec::new() };
        let evidence = of(subject, world);
        for path in &subject.frozen {
            let shown = evidence.iter().find(|file| file.path == *path);
            let before = subject.before.iter().find(|before| before.path == *path);
            match (shown.and_then(|file| file.shown.clone()), before) {
                (Some(text), _) => drop(frozen.files.insert(path, Some(text))),
                (None, Some(before)) => drop(frozen.files.insert(path, before.text.clone())),
                (None, None) => frozen.absent.push(path),
            }
        }
        frozen
    }
}

impl World for Frozen<'_> {
    fn read(&self, path: &str) -> Option<String> {
        match self.files.get(path) {
            Some(text) => text.clone(),
            None if self.absent.contains(&path) => None,
            None => self.world.read(path),
        }
    }

    fn list(&self, directory: &str) -> Vec<Entry> {
        let inside = |path: &str| match directory {
            "" => Some(path.to_owned()),
            _ => path.strip_prefix(directory)?.strip_prefix('/').map(str::to_owned),
        };
        let absent: Vec<String> = self.absent.iter().filter_map(|path| inside(path)).collect();
        let mut entries = self.world.list(directory);
        entries.retain(|entry| entry.directory || !absent.contains(&entry.name));
        for path in self.files.keys().filter_map(|path| inside(path)) {
            let (name, directory) = match path.split_once('/') {
                Some((name, _)) => (name.to_owned(), true),
                None => (path, false),
            };
            if entries.iter().all(|entry| entry.name != name) {
                entries.push(Entry { name, directory });
            }
        }
        entries
    }

    fn installed(&self, program: &str) -> bool {
        self.world.installed(program)
    }

    fn run(&self, invocation: &Invocation) -> Result<Run> {
        self.world.run(invocation)
    }

    fn say(&self, message: &str) {
        self.world.say(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::subject;
    use crate::world::tests::Fake;

    fn changed(path: &str, before: Option<&str>, now: Option<&str>) -> (Subject, Fake) {
        let kind = match (before, now) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Modified,
        };
        let before =
            before.map(|text| Before { path: path.to_owned(), text: Some(text.to_owned()) });
        let change = Change { path: path.to_owned(), kind };
        let subject =
            Subject { changes: vec![change], before: before.into_iter().collect(), ..subject() };
        let world = Fake::default();
        let world = match now {
            Some(text) => world.file(path, text),
            None => world,
        };
        (subject, world)
    }

    fn one(path: &str, before: Option<&str>, now: Option<&str>) -> Option<EvidenceFile> {
        let (subject, world) = changed(path, before, now);
        of(&subject, &world).pop()
    }

    #[test]
    fn a_manifest_is_evidence_in_what_steers_the_checks() {
        let before = "[package]\nname = \"a\"\n\n[lib]\ntest = true\n";
        let more =
            "[package]\nname = \"a\"\n\n[lib]\ntest = true\n\n[dependencies]\nserde = \"1\"\n";
        let less =
            "[package]\nname = \"a\"\n\n[lib]\ntest = false\n\n[dependencies]\nserde = \"1\"\n";

        assert_eq!(one("Cargo.toml", Some(before), Some(more)), None);
        let shown = one("Cargo.toml", Some(before), Some(less)).unwrap().shown.unwrap();
        assert!(shown.contains("test = true") && shown.contains("serde"), "{shown}");
    }

    #[test]
    fn the_tests_of_a_source_stay_while_its_product_changes() {
        let test = |value: u8| format!("#[cfg(test)]\nmod tests {{\n    // {value}\n}}\n");
        let before = format!("fn a() {{}}\n{}", test(1));
        let now = format!("fn a() {{ b() }}\n{}", test(2));

        let shown = one("src/lib.rs", Some(&before), Some(&now)).unwrap().shown.unwrap();

        assert_eq!(shown, format!("fn a() {{ b() }}\n{}", test(1)));
        assert_eq!(one("src/lib.rs", Some(&before), Some(&before.replace("fn a", "fn c"))), None);
    }

    #[test]
    fn a_page_with_a_crates_examples_is_evidence_and_another_is_not() {
        let of = |path: &str, root: &str| {
            let (subject, world) = changed(path, Some("old"), Some("new"));
            of(&subject, &world.file("web/src/lib.rs", root)).pop().map(|file| file.product)
        };
        let root = "#![doc = include_str!(\"../docs/use.md\")]\n";

        assert_eq!(of("web/docs/use.md", root), Some(true));
        assert_eq!(of("web/docs/more.md", root), None);
        assert_eq!(of("docs/use.md", root), None);
        assert_eq!(of("web/docs/use.md", "// use.md\n"), None);
    }

    #[test]
    fn a_frozen_workspace_has_the_files_that_were_there_and_no_others() {
        let (mut subject, world) = changed("test_new.py", None, Some("new"));
        subject.before.push(Before { path: "tests/test_a.py".into(), text: Some("old".into()) });
        subject.frozen = vec!["test_new.py".into(), "tests/test_a.py".into()];
        let world = world.file("a.py", "");
        let frozen = Frozen::new(&subject, &world);

        let mut names: Vec<String> = frozen.list("").into_iter().map(|one| one.name).collect();
        names.sort();
        assert_eq!(names, ["a.py", "tests"]);
        assert_eq!(frozen.read("tests/test_a.py").as_deref(), Some("old"));
        assert_eq!(frozen.read("test_new.py"), None);
    }
}
