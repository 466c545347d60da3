//! Which files a search looks at.

use openkoi_sdk::{
    Failure, Result,
    files::{FileSystem, Stat},
    glob::Glob,
    walk::{Found, Walk, normal},
};

/// Where to look.
pub(crate) struct Scope<'a> {
    /// The directory or file.
    pub path: &'a str,
    /// The pattern that paths have to match.
    pub glob: Option<Pattern>,
    /// True if ignore files are respected.
    pub ignore_files: bool,
}

/// A glob as people write it: without a slash it is about names, wherever they are.
pub(crate) struct Pattern {
    glob: Glob,
    name_only: bool,
    negated: bool,
}

impl Pattern {
    /// Reads `text`, the argument at `field`.
    pub(crate) fn parse(text: &str, field: &str) -> Result<Self> {
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let text = text.strip_prefix("./").unwrap_or(text);
        let glob =
            Glob::new(text.strip_prefix('/').unwrap_or(text)).map_err(|failure| match failure {
                Failure::Invalid(input) => Failure::invalid(field, input.message),
                other => other,
            })?;
        Ok(Self { glob, name_only: !text.contains('/'), negated })
    }

    /// Returns whether `path`, relative to where the search began, matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.glob.matches(if self.name_only { name } else { path }) != self.negated
    }
}

/// What became of a search that did not see everything.
#[derive(Default)]
pub(crate) struct Missed {
    /// Why it stopped before its end.
    pub stopped: Option<String>,
    /// Directories and files that could not be read.
    pub unreadable: usize,
}

impl Missed {
    /// Says it in lines of their own.
    pub(crate) fn notes(&self) -> String {
        let mut notes = String::new();
        if let Some(why) = &self.stopped {
            notes.push_str(&format!("[stopped: {why}; narrow the search by `path` or a glob]\n"));
        }
        if self.unreadable > 0 {
            notes.push_str(&format!(
                "[{} that could not be read]\n",
                count(self.unreadable, "place")
            ));
        }
        notes
    }
}

/// Calls `visit` with every file until it says stop.
///
/// # Errors
///
/// If the place is not there. A limit of the host ends the search with what was found.
pub(crate) fn each_file<F: FileSystem>(
    files: &F,
    scope: &Scope<'_>,
    mut visit: impl FnMut(&str, &str, &Stat) -> Result<bool>,
) -> Result<Missed> {
    let mut missed = Missed::default();
    let root = files.stat(scope.path)?;
    if root.is_file() {
        let path = normal(scope.path);
        visit(&path, &path, &root)?;
        return Ok(missed);
    }
    let mut walk = Walk::new(files, scope.path).ignore_files(scope.ignore_files);
    for found in walk.by_ref() {
        match found.and_then(|found| visit_found(scope, &found, &mut visit)) {
            Ok(true) => {}
            Ok(false) => break,
            Err(Failure::Limited(limit)) => {
                missed.stopped = Some(format!("the limit {} is reached", limit.name));
                break;
            }
            Err(Failure::Cancelled) => return Err(Failure::Cancelled),
            Err(_) => missed.unreadable += 1,
        }
    }
    missed.unreadable += walk.unreadable().len();
    Ok(missed)
}

fn visit_found(
    scope: &Scope<'_>,
    found: &Found,
    visit: &mut impl FnMut(&str, &str, &Stat) -> Result<bool>,
) -> Result<bool> {
    let wanted = scope.glob.as_ref().is_none_or(|glob| glob.matches(&found.relative));
    if found.stat.is_file() && wanted {
        visit(&found.path, &found.relative, &found.stat)
    } else {
        Ok(true)
    }
}

/// Writes a count with its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match (number, noun.ends_with("ch")) {
        (1, _) => format!("1 {noun}"),
        (_, true) => format!("{number} {noun}es"),
        (_, false) => format!("{number} {noun}s"),
    }
}
