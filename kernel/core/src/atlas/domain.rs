//! Fields of work: what is known of each, and how well tasks in it went.

use std::collections::{BTreeMap, BTreeSet};

use crate::{memory::Learning, records::Reaction, skill::Tally};

/// Kinds of files by their endings, as people call them.
const KINDS: [(&str, &[&str]); 18] = [
    ("rust", &["rs"]),
    ("python", &["py", "pyi"]),
    ("javascript", &["js", "mjs", "cjs", "jsx"]),
    ("typescript", &["ts", "tsx", "mts"]),
    ("go", &["go"]),
    ("java", &["java"]),
    ("kotlin", &["kt", "kts"]),
    ("c", &["c", "h"]),
    ("c++", &["cc", "cpp", "cxx", "hpp"]),
    ("c#", &["cs"]),
    ("ruby", &["rb"]),
    ("php", &["php"]),
    ("shell", &["sh", "bash", "zsh"]),
    ("sql", &["sql"]),
    ("web", &["html", "css", "scss"]),
    ("prose", &["md", "txt", "rst", "adoc"]),
    ("configuration", &["toml", "yaml", "yml", "json", "ini"]),
    ("data", &["csv", "tsv", "parquet"]),
];

/// A task as the atlas sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainTask {
    /// Whether its work was accepted; absent where that was not decided.
    pub accepted: Option<bool>,
    /// What the user did with it.
    pub reaction: Option<Reaction>,
    /// Files that it changed.
    pub files: Vec<String>,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: u64,
}

/// What is known of a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Domain {
    /// Its tasks: accepted and left so, of those that were decided.
    pub tasks: Tally,
    /// When the last of them ended, in milliseconds since 1970.
    pub last_ms: u64,
    /// The number of learnings about it.
    pub learnings: u64,
    /// How sure these are in the mean, 0 to 1; 0 without any.
    pub confidence: f64,
}

/// Fields of work, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainAtlas {
    /// The fields.
    pub domains: BTreeMap<String, Domain>,
}

impl DomainAtlas {
    /// Returns the atlas of these tasks and learnings. A task belongs to each kind of files that it changed.
    #[must_use]
    pub fn of(tasks: &[DomainTask], learnings: &[Learning], now_ms: u64) -> Self {
        let mut domains: BTreeMap<String, Domain> = BTreeMap::new();
        for task in tasks {
            let Some(accepted) = task.accepted else { continue };
            let stands = accepted && task.reaction != Some(Reaction::Undone);
            let kinds: BTreeSet<&str> = task.files.iter().filter_map(|path| kind(path)).collect();
            for kind in kinds {
                let domain = domains.entry(kind.to_owned()).or_default();
                domain.tasks.add(stands);
                domain.last_ms = domain.last_ms.max(task.ended_ms);
            }
        }
        for learning in learnings {
            for category in learning.categories.iter().collect::<BTreeSet<_>>() {
                let domain = domains.entry(category.to_lowercase()).or_default();
                let all = domain.confidence * domain.learnings as f64;
                domain.learnings += 1;
                let sure = learning.confidence_at(now_ms);
                domain.confidence = (all + sure) / domain.learnings as f64;
            }
        }
        Self { domains }
    }
}

/// Returns the kind of a file by its ending.
pub(super) fn kind(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next()?;
    let (_, ending) = name.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    let found = KINDS.iter().find(|(_, endings)| endings.contains(&ending.as_str()));
    found.map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::TaskId,
        memory::{Source, State, Uses},
    };

    fn task(accepted: Option<bool>, reaction: Option<Reaction>, files: &[&str]) -> DomainTask {
        let files = files.iter().map(|path| (*path).to_owned()).collect();
        DomainTask { accepted, reaction, files, ended_ms: 5 }
    }

    #[test]
    fn a_field_has_its_tasks_that_stand_and_what_is_known_of_it() {
        let learning = Learning {
            id: "1".to_owned(),
            text: "x".to_owned(),
            categories: vec!["Rust".to_owned(), "rust".to_owned()],
            workspace: None,
            source: Source::Task(TaskId::new("t")),
            confidence: 0.6,
            confirmed_ms: 0,
            learnt_ms: 0,
            state: State::Active,
            uses: Uses::default(),
            evidence: Vec::new(),
        };
        let tasks = [
            task(Some(true), None, &["src/a.rs", "src/b.rs", "README.md"]),
            task(Some(true), Some(Reaction::Undone), &["src/a.rs"]),
            task(None, None, &["src/a.rs"]),
            task(Some(true), None, &["Makefile"]),
        ];

        let atlas = DomainAtlas::of(&tasks, &[learning], 0);

        let rust = &atlas.domains["rust"];
        assert_eq!(rust.tasks, Tally { accepted: 1, decided: 2 });
        assert!(rust.learnings >= 1 && (rust.confidence - 0.6).abs() < 1e-9);
        assert_eq!(atlas.domains["prose"].tasks, Tally { accepted: 1, decided: 1 });
        assert_eq!(atlas.domains.len(), 2);
    }

    #[test]
    fn a_file_is_of_the_kind_of_its_ending() {
        for (path, expected) in [
            ("a/b.RS", Some("rust")),
            ("x.d.ts", Some("typescript")),
            ("Makefile", None),
            (".gitignore", None),
            ("a.b/c", None),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
    }
}
