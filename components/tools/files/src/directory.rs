//! Listing a directory.

use openkoi_sdk::{
    Failure, Result,
    files::{FileSystem, Kind},
    tool::Output,
    walk::{Found, Walk},
};

use crate::{format, suggest};

const MAX_ENTRIES: usize = 1000;
/// The number of ignored entries that are named.
const NAMED: usize = 5;

#[openkoi_sdk::arguments]
pub(crate) struct ListDirectory {
    #[serde(default)]
    pub(crate) path: Option<String>,
    /// Levels, 1 to 10.
    #[serde(default)]
    depth: Option<usize>,
    // Ignored files too.
    #[serde(default)]
    all: bool,
}

impl ListDirectory {
    /// Shows one level of `path`.
    pub(crate) fn of(path: &str) -> Self {
        Self { path: Some(path.to_owned()), depth: None, all: false }
    }
}

pub(crate) fn run(files: &impl FileSystem, arguments: &ListDirectory) -> Result<Output> {
    let path = arguments.path.as_deref().unwrap_or(".");
    let stat = files.stat(path).map_err(|failure| suggest::not_found(files, path, failure))?;
    if !stat.is_directory() {
        return Err(Failure::invalid("/path", format!("`{path}` is not a directory")));
    }
    let mut walk = Walk::new(files, path)
        .ignore_files(!arguments.all)
        .max_depth(arguments.depth.unwrap_or(1).clamp(1, 10));
    let mut text = format!("{}/\n", path.trim_end_matches('/'));
    let mut entries = 0;
    for found in walk.by_ref() {
        if entries == MAX_ENTRIES {
            text.push_str(&format!(
                "[only the first {MAX_ENTRIES} entries; list a directory below or less depth]\n"
            ));
            break;
        }
        text.push_str(&line(&found?));
        entries += 1;
    }
    if entries == 0 {
        text.push_str("[nothing in it]\n");
    }
    text.push_str(&left_out(&walk, arguments.all));
    let summary = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
    Ok(Output::text(text).summary(summary))
}

/// Says what is not shown, and why.
fn left_out(walk: &Walk<'_, impl FileSystem>, all: bool) -> String {
    let mut notes = String::new();
    for path in walk.git().iter().filter(|_| all) {
        notes.push_str(&format!("[`{path}` is left out; it is listed as `path`]\n"));
    }
    let ignored = walk.ignored();
    if !ignored.is_empty() {
        let names: Vec<String> = ignored.iter().rev().take(NAMED).map(name_of).collect();
        let more = if ignored.len() > NAMED { ", …" } else { "" };
        let names = names.join(", ");
        notes.push_str(&format!("[{} ignored: {names}{more}; `all` shows them]\n", ignored.len()));
    }
    for path in walk.cut() {
        notes.push_str(&format!("[`{path}/` has more entries than can be listed]\n"));
    }
    for path in walk.unreadable() {
        notes.push_str(&format!("[`{path}` cannot be read]\n"));
    }
    notes
}

fn name_of(found: &Found) -> String {
    let end = if found.stat.is_directory() { "/" } else { "" };
    format!("`{}{end}`", found.relative)
}

fn line(found: &Found) -> String {
    let indent = "  ".repeat(found.depth + 1);
    let name = found.relative.rsplit('/').next().unwrap_or_default();
    match found.stat.kind {
        Kind::Directory => format!("{indent}{name}/\n"),
        Kind::Link => format!("{indent}{name} (link)\n"),
        Kind::Other => format!("{indent}{name} (not a regular file)\n"),
        Kind::File => format!("{indent}{name} ({})\n", format::size(found.stat.size)),
    }
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::{files::Memory, tool::Context};

    fn list(json: &str) -> String {
        let files = Memory::new([
            (".gitignore", "target\n"),
            ("src/a.rs", "x"),
            ("src/b/c.rs", ""),
            ("target/x", ""),
        ]);
        crate::dispatch(&files, "list_directory", json, &Context::default()).unwrap().text
    }

    #[test]
    fn one_level_is_shown_unless_more_is_asked_for() {
        assert_eq!(
            list("{}"),
            "./\n  .gitignore (7 bytes)\n  src/\n[1 ignored: `target/`; `all` shows them]\n"
        );
        assert_eq!(
            list(r#"{"path": "src/", "depth": 2}"#),
            "src/\n  a.rs (1 bytes)\n  b/\n    c.rs (0 bytes)\n"
        );
    }

    #[test]
    fn ignored_files_are_shown_when_asked_for() {
        assert_eq!(list(r#"{"all": true}"#), "./\n  .gitignore (7 bytes)\n  src/\n  target/\n");
    }
}
