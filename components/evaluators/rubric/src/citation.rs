//! Evidence: whether the place that a finding names exists.

use openkoi_sdk::evaluator::Subject;

use crate::diff::{self, FileDiff, Line};
use crate::world::World;

/// What can be cited.
pub(crate) struct Places<'a> {
    subject: &'a Subject,
    files: Vec<FileDiff>,
    world: &'a dyn World,
}

impl<'a> Places<'a> {
    /// Gathers what can be cited for `subject`.
    pub(crate) fn new(subject: &'a Subject, world: &'a dyn World) -> Self {
        Self { subject, files: diff::parse(&subject.diff), world }
    }

    /// Returns the first place in `evidence` that exists, in its plain form.
    pub(crate) fn first(&self, evidence: &str) -> Option<String> {
        let separators = |c: char| c == ',' || c == ';' || c.is_whitespace();
        let whole = std::iter::once(evidence.trim());
        whole.chain(evidence.split(separators)).find_map(|place| self.place(place))
    }

    fn place(&self, text: &str) -> Option<String> {
        let text = text.trim_matches(['`', '"', '\'', '(', ')', '[', ']', '<', '>', ' ']);
        let text = text.trim_end_matches('.').trim_start_matches("./");
        if self.is_check(text) || self.subject.criteria.iter().any(|criterion| criterion.id == text)
        {
            return Some(text.to_owned());
        }
        let (path, line) = split(text)?;
        if path == "answer" {
            let lines = self.subject.answer.as_deref().map_or(0, |answer| answer.lines().count());
            return (1..=lines).contains(&line).then(|| format!("answer:{line}"));
        }
        (self.in_diff(path, line) || self.in_workspace(path, line))
            .then(|| format!("{path}:{line}"))
    }

    /// `cargo:test`, or `cargo:test tests::name`
    fn is_check(&self, text: &str) -> bool {
        let checks = self.subject.checks.iter();
        checks.into_iter().any(|check| match text.strip_prefix(check.id.as_str()) {
            Some("") => true,
            Some(rest) => check.tests.iter().any(|test| rest.strip_prefix(' ') == Some(&test.name)),
            None => false,
        })
    }

    fn in_workspace(&self, path: &str, line: usize) -> bool {
        let Ok(bytes) = self.world.read(path) else { return false };
        (1..=String::from_utf8_lossy(&bytes).lines().count()).contains(&line)
    }

    /// Lines of both sides count: what was removed can be what is wrong.
    fn in_diff(&self, path: &str, line: usize) -> bool {
        let is = |side: &Option<String>| side.as_deref() == Some(path);
        let mut files = self.files.iter().filter(|file| is(&file.old) || is(&file.new));
        files.any(|file| {
            file.hunks.iter().any(|hunk| {
                let count =
                    |left: fn(&Line) -> bool| hunk.lines.iter().filter(|line| left(line)).count();
                let old = count(|line| !matches!(line, Line::Added(_)));
                let new = count(|line| !matches!(line, Line::Removed(_)));
                let (old_start, new_start) = (hunk.old_start as usize, hunk.new_start as usize);
                (old_start..old_start + old).contains(&line)
                    || (new_start..new_start + new).contains(&line)
            })
        })
    }
}

/// `src/a.rs:12`, `src/a.rs:12-20`, `src/a.rs:12:5`, `src/a.rs#L12`
fn split(text: &str) -> Option<(&str, usize)> {
    let (path, rest) = text.split_once("#L").or_else(|| text.split_once(':'))?;
    let digits = rest.trim_start_matches(['L', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let line = digits[..end].parse().ok()?;
    (!path.is_empty()).then_some((path, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::tests::subject;
    use crate::world::tests::Fake;

    fn first(evidence: &str) -> Option<String> {
        let world = Fake::default().file("src/other.rs", "a\nb\nc\n");
        let subject = Subject { answer: Some("one\ntwo".to_owned()), ..subject() };
        Places::new(&subject, &world).first(evidence)
    }

    #[test]
    fn places_that_exist_are_taken_in_their_plain_form() {
        for (evidence, place) in [
            ("src/other.rs:3", "src/other.rs:3"),
            ("`./src/other.rs:1-3`", "src/other.rs:1"),
            ("src/other.rs:2:7", "src/other.rs:2"),
            ("src/other.rs#L2", "src/other.rs:2"),
            ("src/lib.rs:2", "src/lib.rs:2"),
            ("nowhere.rs:1, src/other.rs:1", "src/other.rs:1"),
            ("cargo:test", "cargo:test"),
            ("cargo:test a::b", "cargo:test a::b"),
            ("cargo:test no::such", "cargo:test"),
            ("c1", "c1"),
            ("answer:2", "answer:2"),
        ] {
            assert_eq!(first(evidence).as_deref(), Some(place), "{evidence}");
        }
    }

    #[test]
    fn a_citation_of_a_place_that_does_not_exist_is_refused() {
        for evidence in [
            "",
            "src/other.rs",
            "src/other.rs:4",
            "src/other.rs:0",
            "src/lib.rs:9",
            "nowhere.rs:1",
            "cargo:lint",
            "c2",
            "answer:3",
            "the whole file",
        ] {
            assert_eq!(first(evidence), None, "{evidence}");
        }
    }
}
