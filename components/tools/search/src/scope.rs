//! Which files a search looks at.

use openkoi_sdk::{
    Failure, Result,
    files::{FileSystem, Stat},
    glob::Glob,
    walk::{Found, Walk, normal},
};

/// The number of places that are named.
const NAMED: usize = 5;

/// Where to look.
pub(crate) struct Scope<'a> {
    /// The directory or file.
    pub path: &'a str,
    /// The pattern that paths have to match.
    pub glob: Option<Pattern>,
    /// True if ignore files are respected.
    pub ignore_files: bool,
}

/// A glob as people write it: without a slash it is about names, wherever they are. A path that is spelled the same
/// matches too, so that the brackets of `app/[slug]/page.tsx` are no set of letters.
pub(crate) struct Pattern {
    glob: Option<Glob>,
    literal: String,
    name_only: bool,
    negated: bool,
}

impl Pattern {
    /// Reads `text`, the argument at `field`. What is no glob may still be a path: `exists` says so.
    pub(crate) fn parse(text: &str, field: &str, exists: impl Fn(&str) -> bool) -> Result<Self> {
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let text = text.strip_prefix("./").unwrap_or(text);
        let text = text.strip_prefix('/').unwrap_or(text);
        let glob = match Glob::new(text) {
            Ok(glob) => Some(glob),
            Err(_) if exists(text) => None,
            Err(Failure::Invalid(input)) => return Err(Failure::invalid(field, input.message)),
            Err(other) => return Err(other),
        };
        Ok(Self { glob, literal: text.to_owned(), name_only: !text.contains('/'), negated })
    }

    /// Returns whether `path`, relative to where the search began, matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let subject = if self.name_only { name } else { path };
        let globbed = || self.glob.as_ref().is_some_and(|glob| glob.matches(subject));
        (subject == self.literal || globbed()) != self.negated
    }
}

/// What a search did not look at.
#[derive(Default)]
pub(crate) struct Missed {
    /// Why it stopped before its end.
    pub stopped: Option<String>,
    /// Directories and files that could not be read.
    pub unreadable: usize,
    /// Directories with more entries than are listed.
    pub cut: Vec<String>,
    /// What ignore files left out and may match: files, and directories with a slash at their end.
    pub ignored: Vec<String>,
    /// The number of files among and below the ignored places that match, where it was counted.
    pub ignored_files: Option<usize>,
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
        for path in &self.cut {
            notes.push_str(&format!("[`{path}/` has more entries than can be listed]\n"));
        }
        let what = self.ignored_files.map(|number| count(number, "matching file"));
        let what = what.unwrap_or_else(|| count(self.ignored.len(), "place"));
        if !self.ignored.is_empty() {
            let are = if what.starts_with("1 ") { "is" } else { "are" };
            notes.push_str(&format!(
                "[{what} {are} ignored by `.gitignore` or `.ignore` ({}); `all` or their `path` shows them]\n",
                named(&self.ignored)
            ));
        }
        notes
    }
}

/// Names the first few of `paths`.
pub(crate) fn named(paths: &[String]) -> String {
    let names: Vec<String> = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
    let more = if paths.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
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
    missed.cut = walk.cut().to_vec();
    missed.ignored = ignored(scope, walk.ignored());
    Ok(missed)
}

/// Returns the ignored places in which something may match.
fn ignored(scope: &Scope<'_>, left_out: &[Found]) -> Vec<String> {
    let mut places: Vec<String> = left_out
        .iter()
        .filter_map(|found| match &scope.glob {
            _ if found.stat.is_directory() => Some(format!("{}/", found.path)),
            Some(glob) if !glob.matches(&found.relative) => None,
            _ => Some(found.path.clone()),
        })
        .collect();
    places.sort();
    places
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
