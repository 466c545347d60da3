//! What has to be there for a skill to be of use: a system, programs, variables.
//!
//! | written as | by |
//! |---|---|
//! | `metadata.openclaw.os`, `metadata.openclaw.requires` with `bins`, `anyBins`, `env` | OpenClaw, whose earlier names count too |
//! | `metadata.os`, `metadata.requires_bins`, `metadata.requires_env` | openkoi |
//! | `os`, `requires` | others, at the top |

use super::yaml::Yaml;

/// The most names of one list.
const LIST_LIMIT: usize = 64;
/// The tables of `metadata` in which programs keep what a skill needs.
const TABLES: [&str; 5] = ["openclaw", "openkoi", "clawdbot", "moltbot", "clawdis"];

/// What has to be there for a skill to be of use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// One of these systems, by Rust's names; empty: any.
    pub systems: Vec<String>,
    /// Each of these programs.
    pub programs: Vec<String>,
    /// One of these programs; empty: none is needed.
    pub any_program: Vec<String>,
    /// Each of these variables.
    pub variables: Vec<String>,
}

/// The machine that a skill is to be used on.
pub trait Machine {
    /// Returns the system, by Rust's name.
    fn system(&self) -> &str;

    /// Returns whether a program is found by its name.
    fn has_program(&self, name: &str) -> bool;

    /// Returns whether a variable is set to something.
    fn has_variable(&self, name: &str) -> bool;
}

impl Requirements {
    /// Returns what is not there, in words; empty if the skill can be used.
    pub fn unmet(&self, machine: &dyn Machine) -> Vec<String> {
        let mut unmet = Vec::new();
        if !self.systems.is_empty() && !self.systems.iter().any(|one| one == machine.system()) {
            unmet.push(format!("it is for {}", self.systems.join(" and ")));
        }
        let programs = self.programs.iter().filter(|name| !machine.has_program(name));
        unmet.extend(programs.map(|name| format!("the program `{name}` is missing")));
        if !self.any_program.is_empty()
            && !self.any_program.iter().any(|name| machine.has_program(name))
        {
            let names = self.any_program.join("`, `");
            unmet.push(format!("none of the programs `{names}` is there"));
        }
        let variables = self.variables.iter().filter(|name| !machine.has_variable(name));
        unmet.extend(variables.map(|name| format!("the variable {name} is not set")));
        unmet
    }

    /// Reads them from front matter.
    pub(super) fn of(root: &Yaml) -> Self {
        let mut found = Self::default();
        let metadata = root.field("metadata");
        let tables = TABLES.iter().filter_map(|name| metadata?.field(name));
        for table in [Some(root), metadata].into_iter().flatten().chain(tables) {
            found.take(table);
        }
        found
    }

    fn take(&mut self, table: &Yaml) {
        let requires = table.field("requires");
        let of = |name: &str| names(requires.and_then(|requires| requires.field(name)));
        let systems = names(table.field("os")).into_iter().map(|name| system(&name));
        add(&mut self.systems, systems.collect());
        add(&mut self.programs, of("bins"));
        add(&mut self.programs, names(table.field("requires_bins")));
        add(&mut self.any_program, of("anyBins"));
        add(&mut self.variables, of("env"));
        add(&mut self.variables, names(table.field("requires_env")));
    }
}

fn add(to: &mut Vec<String>, names: Vec<String>) {
    for name in names {
        if !to.contains(&name) && to.len() < LIST_LIMIT {
            to.push(name);
        }
    }
}

/// Returns the names of a list, or of a text with commas.
pub(super) fn names(value: Option<&Yaml>) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Some(Yaml::Text(text)) => text.split(',').collect(),
        Some(Yaml::List(items)) => items.iter().filter_map(Yaml::text).collect(),
        _ => Vec::new(),
    };
    let texts = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
    texts.take(LIST_LIMIT).map(str::to_owned).collect()
}

/// Returns Rust's name of a system.
fn system(name: &str) -> String {
    let name = name.to_lowercase();
    match name.as_str() {
        "darwin" | "mac" | "osx" => "macos".to_owned(),
        "win32" | "win" => "windows".to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skills::yaml;

    struct Bare;

    impl Machine for Bare {
        fn system(&self) -> &str {
            "linux"
        }

        fn has_program(&self, name: &str) -> bool {
            name == "curl"
        }

        fn has_variable(&self, name: &str) -> bool {
            name == "HOME"
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let cases = [
            ("name: a", ""),
            ("metadata: {openclaw: {requires: {bins: [curl], env: [HOME]}, os: [linux]}}", ""),
            (
                "metadata: {clawdbot: {requires: {bins: [curl, ffmpeg]}}}",
                "the program `ffmpeg` is missing",
            ),
            ("metadata: {os: [darwin, windows]}", "it is for macos and windows"),
            ("metadata: {requires_env: [API_KEY]}", "the variable API_KEY is not set"),
            ("requires: {anyBins: [wget, curl]}", ""),
            (
                "requires: {anyBins: [wget, aria2c]}",
                "none of the programs `wget`, `aria2c` is there",
            ),
            ("os: linux, darwin", ""),
        ];
        for (text, missing) in cases {
            let requirements = Requirements::of(&yaml::parse(text).unwrap());
            assert_eq!(requirements.unmet(&Bare).join("; "), missing, "{text}");
        }
    }
}
