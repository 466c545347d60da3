//! Manifests, which describe the product and steer the checks: what is product in them may change.

use openkoi_sdk::serde_json::{self, Map, Value};

/// What of a manifest is product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Parts {
    /// These keys of a JSON object.
    Json(&'static [&'static str]),
    /// These sections, or keys as `section:key`, of a file with sections. One that ends with a point stands for all that
    /// begin with it.
    Sections(&'static [&'static str]),
}

const PACKAGE: &[&str] = &[
    "name",
    "version",
    "description",
    "keywords",
    "author",
    "contributors",
    "license",
    "repository",
    "bugs",
    "homepage",
    "private",
    "main",
    "module",
    "exports",
    "types",
    "typings",
    "files",
    "bin",
    "man",
    "engines",
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "optionalDependencies",
    "bundledDependencies",
    "sideEffects",
    "publishConfig",
    "funding",
];

const CARGO: &[&str] = &[
    "dependencies",
    "dependencies.",
    "build-dependencies",
    "build-dependencies.",
    "workspace.dependencies",
    "workspace.dependencies.",
    "workspace.package",
    "features",
    "bin",
    "package:name",
    "package:version",
    "package:edition",
    "package:authors",
    "package:description",
    "package:license",
    "package:repository",
    "package:readme",
    "package:keywords",
    "package:categories",
    "package:rust-version",
    "package:publish",
    "package:default-run",
    "package:homepage",
    "package:documentation",
    "package:include",
    "package:exclude",
    "package.metadata",
    "package.metadata.",
    "workspace:members",
    "workspace:exclude",
    "badges",
];

const PYPROJECT: &[&str] = &[
    "project",
    "project.",
    "build-system",
    "dependency-groups",
    "tool.poetry",
    "tool.poetry.",
    "tool.uv",
    "tool.uv.",
    "tool.pdm",
    "tool.pdm.",
    "tool.hatch.",
    "tool.setuptools",
    "tool.setuptools.",
    "tool.flit.",
    "tool.maturin",
];

const SETUP: &[&str] = &["metadata", "options", "options."];

impl Parts {
    /// Returns the parts of a manifest by its name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "package.json" => Self::Json(PACKAGE),
            "Cargo.toml" => Self::Sections(CARGO),
            "pyproject.toml" => Self::Sections(PYPROJECT),
            "setup.cfg" => Self::Sections(SETUP),
            _ => return None,
        })
    }
}

/// Returns the manifest as it is now in what is product, and as it was in all else; `now` itself where nothing else
/// changed, and nothing where that cannot be told.
pub(super) fn frozen(before: &str, now: &str, parts: Parts) -> Option<String> {
    match parts {
        Parts::Json(keys) => json(before, now, keys),
        Parts::Sections(product) => Some(sections(before, now, product)),
    }
}

fn json(before: &str, now: &str, product: &[&str]) -> Option<String> {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let (before, new) = (object(before)?, object(now)?);
    let is_product = |key: &String| product.contains(&key.as_str());
    let steering = |object: &Map<String, Value>| -> Vec<(String, Value)> {
        object
            .iter()
            .filter(|(key, _)| !is_product(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    };
    if steering(&before) == steering(&new) {
        return Some(now.to_owned());
    }
    let product = new.into_iter().filter(|(key, _)| is_product(key));
    let merged: Map<String, Value> = product.chain(steering(&before)).collect();
    serde_json::to_string_pretty(&merged).ok()
}

/// One entry of a file with sections.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    /// The section with its number among those of the same name.
    section: (String, usize),
    /// The key; empty for the head of a section and what is no entry.
    key: String,
    text: String,
}

impl Item {
    fn is_product(&self, product: &[&str]) -> bool {
        let name = self.section.0.as_str();
        // `[target.'cfg(unix)'.dependencies]` is one of dependencies.
        let is_target = name.starts_with("target.") && name.ends_with("dependencies");
        let is_dev = name.ends_with("dev-dependencies");
        let key = format!("{name}:{}", self.key);
        (is_target && !is_dev)
            || product.iter().any(|part| match part.strip_suffix('.') {
                Some(_) => name.starts_with(part),
                None => *part == name || *part == key,
            })
    }
}

fn sections(before: &str, now: &str, product: &[&str]) -> String {
    let (before, new) = (items(before), items(now));
    let steering = |items: &[Item]| -> Vec<Item> {
        let kept = items.iter().filter(|item| !item.is_product(product) && !item.key.is_empty());
        let mut kept: Vec<Item> = kept.cloned().collect();
        kept.iter_mut().for_each(|item| item.text = item.text.trim().to_owned());
        kept
    };
    if steering(&before) == steering(&new) {
        return now.to_owned();
    }
    let mut order: Vec<&(String, usize)> = Vec::new();
    for item in before.iter().chain(&new) {
        if !order.contains(&&item.section) {
            order.push(&item.section);
        }
    }
    let mut text = String::new();
    for section in order {
        let of = |items: &'_ [Item], is_product: bool| -> Vec<Item> {
            let own = items.iter().filter(|item| item.section == *section && !item.key.is_empty());
            own.filter(|item| item.is_product(product) == is_product).cloned().collect()
        };
        let entries: Vec<Item> = of(&before, false).into_iter().chain(of(&new, true)).collect();
        let head = before.iter().chain(&new).find(|item| {
            item.section == *section
                && item.key.is_empty()
                && item.text.trim_start().starts_with('[')
        });
        let is_kept = before.iter().any(|item| item.section == *section) || !entries.is_empty();
        if let Some(head) = head.filter(|_| is_kept) {
            text.push_str(head.text.trim_end());
            text.push('\n');
        }
        for item in entries {
            text.push_str(item.text.trim_end());
            text.push('\n');
        }
    }
    text
}

/// Cuts a file with sections into entries. An entry goes on as long as a bracket or a long string is open, or a line is
/// indented.
fn items(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut section = (String::new(), 0);
    let mut seen: Vec<String> = Vec::new();
    let mut open = Open::default();
    for line in text.split_inclusive('\n') {
        let goes_on = open.is_open() || line.starts_with([' ', '\t']);
        if goes_on && let Some(last) = items.last_mut() {
            last.text.push_str(line);
            open.take(line);
            continue;
        }
        let bare = line.trim();
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let name = name.trim_start_matches('[').trim().to_owned();
            let number = seen.iter().filter(|one| **one == name).count();
            seen.push(name.clone());
            section = (name, number);
            items.push(Item {
                section: section.clone(),
                key: String::new(),
                text: line.to_owned(),
            });
            continue;
        }
        let key = match bare.split_once(['=', ':']) {
            Some((key, _)) if !bare.starts_with(['#', ';']) => key.trim().to_owned(),
            _ => String::new(),
        };
        items.push(Item { section: section.clone(), key, text: line.to_owned() });
        open.take(line);
    }
    items
}

/// Brackets and long strings that are open.
#[derive(Default)]
struct Open {
    depth: usize,
    string: Option<&'static str>,
}

impl Open {
    fn is_open(&self) -> bool {
        self.depth > 0 || self.string.is_some()
    }

    fn take(&mut self, line: &str) {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            if let Some(mark) = self.string {
                match rest.find(mark) {
                    Some(at) => (rest, self.string) = (&rest[at + mark.len()..], None),
                    None => return,
                }
                continue;
            }
            if let Some(mark) = ["\"\"\"", "'''"].into_iter().find(|mark| rest.starts_with(mark)) {
                (rest, self.string) = (&rest[3..], Some(mark));
                continue;
            }
            match first {
                '#' => return,
                '"' | '\'' => {
                    let inside = &rest[1..];
                    match inside.find(first) {
                        Some(at) => rest = &inside[at + 1..],
                        None => return,
                    }
                    continue;
                }
                '[' | '{' => self.depth += 1,
                ']' | '}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            rest = &rest[first.len_utf8()..];
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_names_of_product_keys_are_told_apart() {
        let unknown: BTreeSet<&str> = CARGO.iter().copied().collect();
        assert_eq!(unknown.len(), CARGO.len());
    }

    #[test]
    fn the_scripts_of_a_package_stay_and_its_dependencies_do_not() {
        let before = r#"{"scripts": {"test": "node --test"}, "dependencies": {}}"#;
        let now = r#"{"scripts": {"test": "true"}, "dependencies": {"a": "1"}}"#;
        let only = r#"{"scripts": {"test": "node --test"}, "dependencies": {"a": "1"}}"#;

        let shown = frozen(before, now, Parts::Json(PACKAGE)).unwrap();

        assert!(shown.contains("node --test") && shown.contains("\"a\""), "{shown}");
        assert_eq!(frozen(before, only, Parts::Json(PACKAGE)).unwrap(), only);
        assert_eq!(frozen(before, "{", Parts::Json(PACKAGE)), None);
    }

    #[test]
    fn the_settings_of_a_runner_stay_and_the_project_does_not() {
        let before = "[project]\nname = 'a'\ndependencies = [\n    'b',\n]\n\n[tool.pytest.ini_options]\naddopts = ''\n";
        let now = "[project]\nname = 'a'\ndependencies = [\n    'b',\n    'c',\n]\n\n[tool.pytest.ini_options]\naddopts = '-k x'\n";

        let shown = frozen(before, now, Parts::Sections(PYPROJECT)).unwrap();

        assert_eq!(shown, now.replace("'-k x'", "''").replace("\n\n", "\n"));
    }

    #[test]
    fn a_section_that_is_new_and_steers_is_left_out() {
        let before = "[package]\nname = \"a\"\n";
        let now = "[package]\nname = \"a\"\nautotests = false\n\n[[test]]\nname = \"x\"\nharness = false\n";

        assert_eq!(frozen(before, now, Parts::Sections(CARGO)).unwrap(), before);
    }

    #[test]
    fn several_sections_of_one_name_stay_apart() {
        let before =
            "[[bin]]\nname = \"a\"\n[[bin]]\nname = \"b\"\n[profile.test]\nopt-level = 1\n";
        let now = "[[bin]]\nname = \"a\"\n[[bin]]\nname = \"c\"\n[profile.test]\nopt-level = 2\n";

        let shown = frozen(before, now, Parts::Sections(CARGO)).unwrap();

        assert_eq!(shown, now.replace("opt-level = 2", "opt-level = 1"));
    }
}
