//! Finding files by name.

use openkoi_sdk::{JsonSchema, Result, files::FileSystem, tool::Output};
use serde::{Deserialize, Serialize};

use crate::scope::{self, Pattern, Scope, count};

const DEFAULT_RESULTS: usize = 200;
const MAX_RESULTS: usize = 2000;
/// The most files that are held to be sorted.
const MAX_HELD: usize = 100_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "openkoi_sdk::schemars")]
pub(crate) struct FindFiles {
    /// Glob that the path has to match, such as `*.rs` or `src/**/test_*.py`. Without a slash it is about names.
    #[schemars(length(min = 1))]
    glob: String,
    /// Directory to search, relative to the workspace. The whole workspace if left out.
    #[serde(default)]
    path: Option<String>,
    /// In which order to answer.
    #[serde(default)]
    sort: Sort,
    /// How many paths to answer at most. 200 if left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 2000))]
    max_results: Option<usize>,
    /// Find files that ignore files leave out, too.
    #[serde(default)]
    all: bool,
}

/// In which order paths are answered.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "openkoi_sdk::schemars", inline)]
pub(crate) enum Sort {
    /// By path.
    #[default]
    Name,
    /// The last changed first.
    Newest,
}

pub(crate) fn run(files: &impl FileSystem, arguments: &FindFiles) -> Result<Output> {
    let scope = Scope {
        path: arguments.path.as_deref().unwrap_or("."),
        glob: Some(Pattern::parse(&arguments.glob, "/glob")?),
        ignore_files: !arguments.all,
    };
    let mut found: Vec<(u64, String)> = Vec::new();
    let missed = scope::each_file(files, &scope, |path, _, stat| {
        found.push((stat.modified_ms, path.to_owned()));
        Ok(found.len() < MAX_HELD)
    })?;
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

#[cfg(test)]
mod tests {
    use openkoi_sdk::{
        files::Memory,
        serde_json::{Value, json},
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
        crate::call(&files, "find_files", &arguments.to_string()).unwrap().text
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
