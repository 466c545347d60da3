//! Finding files by name.

use openkoi_sdk::{
    JsonSchema, Result,
    files::FileSystem,
    tool::Output,
    walk::{Walk, join, normal, without_parents},
};
use serde::{Deserialize, Serialize};

use crate::scope::{self, Missed, Pattern, Scope, count};

const DEFAULT_RESULTS: usize = 200;
const MAX_RESULTS: usize = 2000;
/// The most files that are held to be sorted.
const MAX_HELD: usize = 100_000;
/// The most entries of ignored directories that are looked at to count what matches there.
const MAX_IGNORED: usize = 20_000;

#[openkoi_sdk::arguments]
pub(crate) struct FindFiles {
    /// Like `src/**/test_*.py`; without a slash, a name in any directory.
    #[schemars(length(min = 1))]
    glob: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    sort: Sort,
    // 200 if left out.
    #[serde(default)]
    max_results: Option<usize>,
    // Ignored files too.
    #[serde(default)]
    all: bool,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "openkoi_sdk::schemars", inline)]
pub(crate) enum Sort {
    #[default]
    Name,
    Newest,
}

pub(crate) fn run(files: &impl FileSystem, arguments: &FindFiles) -> Result<Output> {
    let path = without_parents(files, arguments.path.as_deref().unwrap_or("."));
    let is_file =
        |text: &str| files.stat(&join(&normal(&path), text)).is_ok_and(|stat| stat.is_file());
    let glob = Pattern::parse(&arguments.glob, "/glob", is_file)?;
    let scope = Scope { path: &path, glob: Some(glob), ignore_files: !arguments.all };
    let mut found: Vec<(u64, String)> = Vec::new();
    let mut missed = scope::each_file(files, &scope, |path, _, stat| {
        found.push((stat.modified_ms, path.to_owned()));
        Ok(found.len() < MAX_HELD)
    })?;
    count_ignored(files, &scope, &found, &mut missed);
    match arguments.sort {
        Sort::Name => found.sort_by(|a, b| a.1.cmp(&b.1)),
        Sort::Newest => found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1))),
    }
    let limit = arguments.max_results.unwrap_or(DEFAULT_RESULTS).clamp(1, MAX_RESULTS);
    let mut text: String = found.iter().take(limit).map(|(_, path)| format!("{path}\n")).collect();
    if found.is_empty() {
        text.push_str("[no file matches]\n");
    }
    if found.len() > limit {
        text.push_str(&format!("[only the first {limit} of {}]\n", count(found.len(), "file")));
    }
    text.push_str(&missed.notes());
    Ok(Output::text(text).summary(count(found.len(), "file")))
}

/// Replaces the ignored places by the files at and below them that match.
fn count_ignored(
    files: &impl FileSystem,
    scope: &Scope<'_>,
    found: &[(u64, String)],
    missed: &mut Missed,
) {
    let Some(glob) = &scope.glob else { return };
    let base = normal(scope.path);
    let mut matching = Vec::new();
    let mut left = MAX_IGNORED;
    for place in std::mem::take(&mut missed.ignored) {
        let Some(directory) = place.strip_suffix('/') else {
            matching.push(place);
            continue;
        };
        let walk = Walk::new(files, directory).ignore_files(false);
        for inner in walk.take(left).map_while(Result::ok) {
            left -= 1;
            let relative = inner.path.strip_prefix(&base).unwrap_or(&inner.path);
            if inner.stat.is_file() && glob.matches(relative.trim_start_matches('/')) {
                matching.push(inner.path);
            }
        }
    }
    matching.retain(|path| !found.iter().any(|(_, known)| known == path));
    if left == 0 {
        missed.stopped = Some("ignored directories are too large to be counted".to_owned());
    }
    missed.ignored_files = Some(matching.len());
    missed.ignored = matching;
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::{
        files::Memory,
        serde_json::{Value, json},
        tool::Context,
    };

    fn find(arguments: Value) -> String {
        let files = Memory::new([
            ("src/b.rs", ""),
            (".ignore", "gen\n"),
            ("gen/x.rs", ""),
            ("src/a.rs", ""),
            ("c.rs", ""),
            ("d.py", ""),
        ]);
        let text =
            crate::dispatch(&files, "find_files", &arguments.to_string(), &Context::default())
                .unwrap()
                .text;
        let ignored = |line: &&str| line.contains("ignored by");
        text.lines().filter(|line| !ignored(line)).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn ignored_files_that_match_are_counted_and_named() {
        let files = Memory::new([
            (".gitignore", "node_modules\n*.log\n"),
            ("node_modules/x/i.js", ""),
            ("node_modules/y.js", ""),
            ("a.log", ""),
        ]);
        let find = |arguments: Value| {
            crate::dispatch(&files, "find_files", &arguments.to_string(), &Context::default())
                .unwrap()
                .text
        };

        assert_eq!(
            find(json!({"glob": "node_modules/**/*.js"})),
            "[no file matches]\n[2 matching files are ignored by `.gitignore` or `.ignore` (`node_modules/x/i.js`, `node_modules/y.js`); `all` or their `path` shows them]\n"
        );
        assert_eq!(
            find(json!({"glob": "*.log"})),
            "[no file matches]\n[1 matching file is ignored by `.gitignore` or `.ignore` (`a.log`); `all` or their `path` shows them]\n"
        );
        assert_eq!(find(json!({"glob": "*.py"})), "[no file matches]\n");
        assert_eq!(
            find(json!({"glob": "*.js", "path": "node_modules"})),
            "node_modules/x/i.js\nnode_modules/y.js\n"
        );
        assert_eq!(find(json!({"glob": "node_modules/y.js"})), "node_modules/y.js\n");
    }

    #[test]
    fn a_path_that_is_there_wins_over_a_glob() {
        let files = Memory::new([
            ("app/[slug]/page.tsx", ""),
            ("app/s/page.tsx", ""),
            ("odd[name.txt", ""),
            ("{a}.txt", ""),
        ]);
        let find = |glob: &str| {
            let arguments = json!({"glob": glob}).to_string();
            crate::dispatch(&files, "find_files", &arguments, &Context::default())
                .map(|output| output.text)
        };

        assert_eq!(find("app/[slug]/page.tsx").unwrap(), "app/[slug]/page.tsx\napp/s/page.tsx\n");
        assert_eq!(find("odd[name.txt").unwrap(), "odd[name.txt\n");
        assert_eq!(find("./{a}.txt").unwrap(), "{a}.txt\n");
        assert!(find("other[name.txt").is_err());
    }

    #[test]
    fn names_are_found_anywhere_and_sorted() {
        assert_eq!(find(json!({"glob": "*.rs"})), "c.rs\nsrc/a.rs\nsrc/b.rs\n");
        assert_eq!(find(json!({"glob": "*.rs", "sort": "newest"})), "c.rs\nsrc/a.rs\nsrc/b.rs\n");
        assert_eq!(
            find(json!({"glob": "*.{rs,py}", "sort": "newest"})),
            "d.py\nc.rs\nsrc/a.rs\nsrc/b.rs\n"
        );
        assert_eq!(find(json!({"glob": "*.rs", "path": "src"})), "src/a.rs\nsrc/b.rs\n");
        assert_eq!(find(json!({"glob": "gen/*", "all": true})), "gen/x.rs\n");
        assert_eq!(find(json!({"glob": "*.c"})), "[no file matches]\n");
    }

    #[test]
    fn a_cut_answer_says_how_many_there_are() {
        assert_eq!(
            find(json!({"glob": "*.rs", "max_results": 1})),
            "c.rs\n[only the first 1 of 3 files]\n"
        );
    }
}
