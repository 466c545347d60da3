//! Which files a search looks at.

use openkoi_sdk::{
    Failure, Result,
    files::{FileSystem, Kind, Stat},
    glob::Glob,
    walk::{Found, Walk, join, normal},
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
    pub unreadable: Vec<String>,
    /// Links, which are not followed, and may lead to what was looked for.
    pub links: Vec<String>,
    /// Pipes, sockets and devices that have a name that was looked for.
    pub special: Vec<String>,
    /// Directories that lie too deep.
    pub deep: Vec<String>,
    /// The places of `.git`, where everything was asked for or they were named.
    pub git: Vec<String>,
    /// Directories with more entries than are listed.
    pub cut: Vec<String>,
    /// What ignore files left out and may match: files, and directories with a slash at their end.
    pub ignored: Vec<String>,
    /// A file that is ignored and was looked at, because it was named.
    ignored_file: Option<String>,
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
        let passed_over = [
            (&self.unreadable, "place", "that could not be read"),
            (&self.links, "link", "not followed"),
            (&self.special, "pipe, socket or device", "left out"),
            (&self.deep, "directory", "too deep to be looked into"),
        ];
        for (paths, what, why) in passed_over.iter().filter(|(paths, ..)| !paths.is_empty()) {
            let what = count(paths.len(), what);
            notes.push_str(&format!("[{what} {why}: {}]\n", named(paths)));
        }
        if !self.git.is_empty() {
            let places = named(&self.git);
            notes.push_str(&format!("[{places} left out; it is looked into as `path`]\n"));
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
        match visit(&path, &path, &root) {
            Err(Failure::Limited(limit)) => missed.stopped = Some(reached(&limit.name)),
            other => drop(other?),
        }
        return Ok(missed);
    }
    let mut named = scope.named(files);
    let mut walk = Walk::new(files, scope.path).ignore_files(scope.ignore_files);
    for found in walk.by_ref() {
        let path = found.as_ref().map(|found| found.path.clone()).unwrap_or_default();
        if named.as_ref().is_some_and(|(named, _)| *named == path) {
            named = None;
        }
        match found.and_then(|found| visit_found(scope, &found, &mut missed, &mut visit)) {
            Ok(true) => {}
            Ok(false) => {
                named = None;
                break;
            }
            Err(Failure::Limited(limit)) => {
                missed.stopped = Some(reached(&limit.name));
                break;
            }
            Err(Failure::Cancelled) => return Err(Failure::Cancelled),
            Err(_) => missed.unreadable.push(path),
        }
    }
    // A path that is there as it is written is looked at, ignored or not.
    if let Some((path, stat)) = named {
        visit(&path, &scope.relative(&path), &stat)?;
        missed.ignored_file = Some(path);
    }
    missed.unreadable.extend_from_slice(walk.unreadable());
    missed.deep = walk.deep().to_vec();
    missed.git = if scope.may_mean_git() { walk.git().to_vec() } else { Vec::new() };
    missed.cut = walk.cut().to_vec();
    missed.ignored = ignored(scope, walk.ignored());
    let looked_at = missed.ignored_file.take();
    missed.ignored.retain(|path| Some(path) != looked_at.as_ref());
    Ok(missed)
}

fn reached(limit: &str) -> String {
    format!("the limit {limit} is reached")
}

impl Scope<'_> {
    /// Returns the file whose path the glob is, as it is written.
    fn named(&self, files: &impl FileSystem) -> Option<(String, Stat)> {
        let glob = self.glob.as_ref().filter(|glob| !glob.negated)?;
        let path = join(&normal(self.path), &normal(&glob.literal));
        files.stat(&path).ok().filter(Stat::is_file).map(|stat| (path, stat))
    }

    fn relative(&self, path: &str) -> String {
        let base = normal(self.path);
        path.strip_prefix(&base).unwrap_or(path).trim_start_matches('/').to_owned()
    }

    fn may_mean_git(&self) -> bool {
        let named = |glob: &Pattern| glob.literal.split('/').any(|part| part == ".git");
        !self.ignore_files || self.glob.as_ref().is_some_and(named)
    }
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
    missed: &mut Missed,
    visit: &mut impl FnMut(&str, &str, &Stat) -> Result<bool>,
) -> Result<bool> {
    let wanted = scope.glob.as_ref().is_none_or(|glob| glob.matches(&found.relative));
    match found.stat.kind {
        Kind::File if wanted => return visit(&found.path, &found.relative, &found.stat),
        // One that has the name comes first; what the others lead to may have any name.
        Kind::Link if wanted && scope.glob.is_some() => missed.links.insert(0, found.path.clone()),
        Kind::Link => missed.links.push(found.path.clone()),
        Kind::Other if wanted => missed.special.push(found.path.clone()),
        Kind::File | Kind::Directory | Kind::Other => {}
    }
    Ok(true)
}

/// Writes a count with its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match noun {
        _ if number == 1 => format!("1 {noun}"),
        "directory" => format!("{number} directories"),
        "pipe, socket or device" => format!("{number} pipes, sockets or devices"),
        _ if noun.ends_with("ch") => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}
