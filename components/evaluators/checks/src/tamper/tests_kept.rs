//! Tests that were there before: are they still there, do they still say the same, do they still run?

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::Severity;

use super::language::Language;
use super::observation::Observation;
use super::renaming::Renaming;
use super::source::{Numbered, Source};
use super::statement::{end_of_block, end_of_statement, squeezed};
use super::syntax::{self, Region};

/// Looks at all changed files together: a test may have moved from one to another.
pub(crate) fn observe(sources: &[Source]) -> Vec<Observation> {
    let files: Vec<File> = sources.iter().map(File::new).collect();
    let renaming = Renaming::new(
        files.iter().flat_map(File::code_removed),
        files.iter().flat_map(File::code_added),
    );
    let mut observations = Vec::new();
    for file in files.iter().filter(|file| file.source.existed) {
        observations.extend(file.tests_observed(&files, &renaming));
        observations.extend(file.helpers_observed());
        observations.extend(file.left_out());
        observations.extend(file.recording());
    }
    observations
}

/// A file with the tests in it.
struct File<'a> {
    source: &'a Source,
    /// True if all of it is there for tests.
    whole: bool,
    before: Vec<Region>,
    after: Vec<Region>,
}

/// A test as it is now, wherever it is.
struct Now {
    name: String,
    body: String,
}

impl<'a> File<'a> {
    fn new(source: &'a Source) -> Self {
        let whole = syntax::is_test_file(&source.path, source.language);
        // Only Rust keeps tests beside the code; elsewhere a runner looks for its files by name.
        let may_hold_tests = whole || source.language == Language::Rust;
        let tests = |lines: &[Numbered]| match may_hold_tests {
            true => syntax::tests(source.language, lines),
            false => Vec::new(),
        };
        Self { source, whole, before: tests(&source.before), after: tests(&source.after) }
    }

    fn tests_observed(&self, files: &[File<'_>], renaming: &Renaming) -> Vec<Observation> {
        let mut gone = Vec::new();
        let mut observations = Vec::new();
        for (at, region) in self.before.iter().enumerate() {
            let nth = self.before[..at].iter().filter(|other| other.name == region.name).count();
            let same = self.after.iter().filter(|other| other.name == region.name).nth(nth);
            match same {
                Some(now) => observations.extend(self.test_observed(region, now, renaming)),
                None if self.kept_elsewhere(region, files) => {}
                None => gone.push(region),
            }
        }
        observations.splice(0..0, self.gone(&gone));
        observations
    }

    fn gone(&self, gone: &[&Region]) -> Vec<Observation> {
        let names =
            gone.iter().take(5).map(|region| format!("`{}`", region.name)).collect::<Vec<_>>();
        if !self.source.exists && self.whole && (!gone.is_empty() || self.before.is_empty()) {
            let tests = if names.is_empty() {
                String::new()
            } else {
                format!(" with {}", names.join(", "))
            };
            let message = format!("a file of tests was removed{tests}; put it back");
            return vec![Observation::new(&self.source.path, 1, message)];
        }
        gone.iter()
            .map(|region| {
                let line = self.source.place(region.first, region.last);
                let message = format!("the test `{}` was removed; put it back", region.name);
                Observation::new(&self.source.path, line, message)
            })
            .collect()
    }

    /// Returns whether another test, new under its name, says all that `region` said.
    fn kept_elsewhere(&self, region: &Region, files: &[File<'_>]) -> bool {
        let assertions = self.assertions(region);
        let mut new = files.iter().flat_map(File::new_tests);
        new.any(|now| match assertions.is_empty() {
            true => now.name == region.name,
            false => lost(&assertions, &now.body).is_empty(),
        })
    }

    /// The tests of this file that were not in it before.
    fn new_tests(&self) -> Vec<Now> {
        let known = |name: &str| self.before.iter().any(|region| region.name == name);
        let new = self.after.iter().filter(|region| !known(&region.name));
        new.map(|region| Now {
            name: region.name.clone(),
            body: squeezed(texts(&self.source.after, region)),
        })
        .collect()
    }

    fn assertions(&self, region: &Region) -> Vec<Assertion> {
        let lines = part(&self.source.before, region.first, region.last);
        assertions(self.source.language, lines)
    }

    fn test_observed(
        &self,
        before: &Region,
        now: &Region,
        renaming: &Renaming,
    ) -> Vec<Observation> {
        let (path, name) = (&self.source.path, &before.name);
        let mut observations = Vec::new();
        observations.extend(self.said_less(before, now, renaming));
        for (line, text) in self.new_lines(before, now, syntax::is_skip) {
            let message =
                format!("the test `{name}` is left out by `{}`; let it run", short(&text));
            observations.push(Observation::new(path, line, message));
        }
        for (line, _) in self.new_lines(before, now, |_, text| is_bare_return(text)) {
            let message = format!("the test `{name}` returns early; let it run to its end");
            observations.push(Observation::new(path, line, message));
        }
        let lines = |lines, region| squeezed(texts(lines, region));
        let same = lines(&self.source.before, before) == lines(&self.source.after, now);
        if observations.is_empty() && !same {
            let message = format!("the test `{name}` changed, its assertions are all still there");
            observations.push(Observation::new(path, now.first, message).graded(Severity::Note));
        }
        observations
    }

    /// Assertions of a test that are not there any more, those aside that follow a renaming.
    fn said_less(&self, before: &Region, now: &Region, renaming: &Renaming) -> Option<Observation> {
        let body = squeezed(texts(&self.source.after, now));
        let lines = part(&self.source.after, now.first, now.last);
        let today = assertions(self.source.language, lines);
        let follows = |gone: &&Assertion| {
            today.iter().any(|new| renaming.leads_to(&gone.squeezed, &new.squeezed))
        };
        let old = self.assertions(before);
        let (followed, gone): (Vec<&Assertion>, Vec<&Assertion>) =
            lost(&old, &body).into_iter().partition(follows);
        let (path, name) = (&self.source.path, &before.name);
        if let Some(first) = gone.first() {
            let more = match gone.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            let said = &first.shown;
            let message = format!("the test `{name}` no longer says `{said}`{more}; say it again");
            return Some(Observation::new(path, now.first, message));
        }
        followed.first().map(|_| {
            let message = format!("the test `{name}` follows a renaming");
            Observation::new(path, now.first, message).graded(Severity::Note)
        })
    }

    /// Removed lines outside of tests.
    fn code_removed(&self) -> impl Iterator<Item = &str> {
        let lines = self.source.removed.iter().map(|(line, _, text)| (*line, text.as_str()));
        self.code(lines, &self.before)
    }

    /// Added lines outside of tests.
    fn code_added(&self) -> impl Iterator<Item = &str> {
        let lines = self.source.added.iter().map(|(line, text)| (*line, text.as_str()));
        self.code(lines, &self.after)
    }

    fn code<'l>(
        &self,
        lines: impl Iterator<Item = (u32, &'l str)>,
        tests: &'l [Region],
    ) -> impl Iterator<Item = &'l str> {
        let whole = self.whole;
        let test = |line: u32| tests.iter().any(|test| (test.first..=test.last).contains(&line));
        lines.filter(move |(line, _)| !whole && !test(*line)).map(|(_, text)| text)
    }

    /// Lines of a test that `matches` and that there are more of than before.
    fn new_lines(
        &self,
        before: &Region,
        now: &Region,
        matches: impl Fn(Language, &str) -> bool,
    ) -> Vec<Numbered> {
        let language = self.source.language;
        let mut known: Vec<String> = texts(&self.source.before, before)
            .filter(|text| matches(language, text))
            .map(|text| text.trim().to_owned())
            .collect();
        let now = part(&self.source.after, now.first, now.last);
        let mut new = Vec::new();
        for (line, text) in now.iter().filter(|(_, text)| matches(language, text)) {
            match known.iter().position(|other| other == text.trim()) {
                Some(at) => drop(known.swap_remove(at)),
                None => new.push((*line, text.clone())),
            }
        }
        new
    }

    /// Assertions that tests share: in a file of tests, or in a module of tests, outside of every test.
    fn helpers_observed(&self) -> Option<Observation> {
        if !self.source.exists {
            return None;
        }
        let areas = self.areas();
        let inside = |line: u32| {
            areas.iter().any(|area| (area.0..=area.1).contains(&line))
                && !self.before.iter().any(|test| (test.first..=test.last).contains(&line))
        };
        let now = squeezed(self.source.after.iter().map(|(_, text)| text.as_str()));
        let (_, line, text) = self.source.removed.iter().find(|(before, _, text)| {
            let gone =
                !now.contains(squeezed(std::iter::once(text.as_str())).trim_end_matches(','));
            inside(*before) && syntax::is_assertion(self.source.language, text) && gone
        })?;
        let message =
            format!("a helper of the tests no longer says `{}`; say it again", short(text));
        Some(Observation::new(&self.source.path, *line, message))
    }

    /// The parts of the old file that are there for tests, as first and last line.
    fn areas(&self) -> Vec<(u32, u32)> {
        if self.whole {
            return vec![(0, u32::MAX)];
        }
        if self.source.language != Language::Rust {
            return Vec::new();
        }
        let lines = &self.source.before;
        let modules = (1..lines.len()).filter(|at| {
            lines[*at].1.contains("mod ")
                && lines[at - 1].1.trim_start().starts_with("#[cfg(test)]")
        });
        modules.map(|at| (lines[at].0, lines[end_of_block(Language::Rust, lines, at)].0)).collect()
    }

    /// New lines outside of every test that leave tests out: of a group, of the module, or all but one.
    fn left_out(&self) -> Vec<Observation> {
        let relevant = self.whole || !self.before.is_empty();
        let known =
            |text: &str| self.source.removed.iter().any(|(.., old)| old.trim() == text.trim());
        let new_test =
            |line: u32| self.after.iter().any(|test| (test.first..=test.last).contains(&line));
        let lines = self.source.added.iter().filter(|(line, text)| {
            // `.only` in a new test leaves out all the old ones.
            let only = self.source.language == Language::Script && text.contains(".only(");
            relevant
                && syntax::is_skip(self.source.language, text)
                && !known(text)
                && (only || !new_test(*line))
        });
        let already = |line: u32| {
            let region = self.after.iter().find(|test| (test.first..=test.last).contains(&line));
            region.is_some_and(|region| self.before.iter().any(|old| old.name == region.name))
        };
        lines
            .filter(|(line, _)| !already(*line))
            .map(|(line, text)| {
                let message = format!("tests are left out by `{}`; let them run", short(text));
                Observation::new(&self.source.path, *line, message)
            })
            .collect()
    }

    /// Recorded output that tests are compared with.
    fn recording(&self) -> Option<Observation> {
        let path = &self.source.path;
        let recorded = path.ends_with(".snap")
            || path.ends_with(".golden")
            || path.contains(".approved.")
            || path
                .split('/')
                .any(|part| matches!(part, "__snapshots__" | "testdata" | "golden" | "snapshots"));
        let (_, line, _) = self.source.removed.first().filter(|_| recorded)?;
        let message = "what tests are compared with was changed; only the code should change";
        Some(Observation::new(path, *line, message).graded(Severity::Major))
    }
}

/// An assertion as it stood, and without what a formatter changes.
struct Assertion {
    shown: String,
    squeezed: String,
}

fn assertions(language: Language, lines: &[Numbered]) -> Vec<Assertion> {
    let mut found = Vec::new();
    let mut next = 0;
    for at in 0..lines.len() {
        if at < next || !syntax::is_assertion(language, &lines[at].1) {
            continue;
        }
        let last = end_of_statement(language, lines, at);
        next = last + 1;
        let texts = || lines[at..=last].iter().map(|(_, text)| text.as_str());
        let shown = texts().map(str::trim).collect::<Vec<_>>().join(" ");
        found.push(Assertion { shown: short(&shown), squeezed: squeezed(texts()) });
    }
    found
}

/// The assertions of which `body` has fewer than there were.
fn lost<'l>(assertions: &'l [Assertion], body: &str) -> Vec<&'l Assertion> {
    let mut counts: BTreeMap<&str, (usize, &Assertion)> = BTreeMap::new();
    for assertion in assertions {
        counts.entry(&assertion.squeezed).or_insert((0, assertion)).0 += 1;
    }
    let fewer =
        counts.into_iter().filter(|(text, (count, _))| body.matches(*text).count() < *count);
    fewer.map(|(_, (_, assertion))| assertion).collect()
}

fn part(lines: &[Numbered], first: u32, last: u32) -> &[Numbered] {
    let from = lines.partition_point(|(line, _)| *line < first);
    let to = lines.partition_point(|(line, _)| *line <= last);
    &lines[from..to]
}

fn texts<'l>(lines: &'l [Numbered], region: &Region) -> impl Iterator<Item = &'l str> {
    part(lines, region.first, region.last).iter().map(|(_, text)| text.as_str())
}

fn is_bare_return(text: &str) -> bool {
    matches!(text.trim(), "return" | "return;" | "return Ok(());" | "return None")
}

fn short(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
