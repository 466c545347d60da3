//! The paths that `.gitignore` and `.ignore` files leave out, by the rules of gitignore(5).

use crate::glob::Glob;

/// The files that hold such rules, the strongest last: what an `.ignore` says, at whatever level, outranks
/// every `.gitignore`.
pub const FILES: [&str; 2] = [".gitignore", ".ignore"];

/// The rules of one file.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    glob: Glob,
    /// Takes back what an earlier rule left out.
    keep: bool,
    directories_only: bool,
    /// Compared with the last part of the path alone.
    name_only: bool,
}

impl Rules {
    /// Reads the text of one file. A line that makes no sense is passed over, as git does.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        Self { rules: text.lines().filter_map(Rule::parse).collect() }
    }

    /// Returns whether the rules leave `path` out (`true`), keep it (`false`), or say nothing. `path` is
    /// relative to the directory of the file.
    pub fn decide(&self, path: &str, is_directory: bool) -> Option<bool> {
        let matching = self.rules.iter().rev().find(|rule| rule.matches(path, is_directory));
        matching.map(|rule| !rule.keep)
    }
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let line = trim_end(line);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (keep, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (directories_only, line) =
            line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let (anchored, line) = line.strip_prefix('/').map_or((false, line), |rest| (true, rest));
        if line.is_empty() {
            return None;
        }
        Some(Self {
            glob: Glob::without_braces(line).ok()?,
            keep,
            directories_only,
            name_only: !anchored && !line.contains('/'),
        })
    }

    fn matches(&self, path: &str, is_directory: bool) -> bool {
        if self.directories_only && !is_directory {
            return false;
        }
        let subject = if self.name_only { path.rsplit('/').next().unwrap_or(path) } else { path };
        self.glob.matches(subject)
    }
}

/// Spaces at the end do not count unless a backslash precedes them.
fn trim_end(line: &str) -> &str {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let trimmed = line.trim_end_matches(' ');
    let backslashes = trimmed.chars().rev().take_while(|&c| c == '\\').count();
    if backslashes % 2 == 1 && trimmed.len() < line.len() {
        &line[..=trimmed.len()]
    } else {
        trimmed
    }
}

/// The rules that hold in one directory, its parents' included.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    levels: Vec<Level>,
}

#[derive(Clone, Debug)]
struct Level {
    /// The directory of the file with a slash at its end, or empty for the root.
    base: String,
    rules: [Rules; FILES.len()],
}

impl Scope {
    /// Adds the rules found in `directory`, one for each of [`FILES`]. Directories are added from the root
    /// downwards.
    #[must_use]
    pub fn with(mut self, directory: &str, rules: [Rules; FILES.len()]) -> Self {
        let base = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        self.levels.push(Level { base, rules });
        self
    }

    /// Returns whether `path` is left out. Its parents are the caller's to ask for: what lies in a directory
    /// that is left out cannot be kept.
    pub fn ignores(&self, path: &str, is_directory: bool) -> bool {
        let decision = (0..FILES.len()).rev().find_map(|file| {
            self.levels.iter().rev().find_map(|level| {
                let inside = path.strip_prefix(&level.base)?;
                level.rules[file].decide(inside, is_directory)
            })
        });
        decision.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use ::ignore::gitignore::GitignoreBuilder;
    use proptest::prelude::*;

    use super::*;

    /// What the `ignore` crate decides.
    fn oracle(text: &str, path: &str, is_directory: bool) -> Option<bool> {
        let mut builder = GitignoreBuilder::new("/root");
        for line in text.lines() {
            builder.add_line(None, line).ok();
        }
        let rules = builder.build().unwrap();
        let decision = rules.matched(format!("/root/{path}"), is_directory);
        (!decision.is_none()).then(|| decision.is_ignore())
    }

    #[test]
    fn rules_decide_as_git_does() {
        let text = "# comment\n/target\n*.log\n!keep.log\nbuild/\ndocs/*.html\n**/gen/**\na/**/z\n\\#x\n\\!y\nspace\\ \nq?[!b]\n/*/only\n";
        let paths = [
            "target",
            "sub/target",
            "a.log",
            "d/a.log",
            "keep.log",
            "d/keep.log",
            "build",
            "src/build",
            "docs/a.html",
            "docs/b/a.html",
            "gen",
            "gen/x",
            "d/gen/x/y",
            "a/z",
            "a/b/c/z",
            "#x",
            "!y",
            "space ",
            "space",
            "qxa",
            "qxb",
            "d/only",
            "only",
            "d/e/only",
            "README",
        ];

        let rules = Rules::parse(text);

        for path in paths {
            for is_directory in [false, true] {
                assert_eq!(
                    rules.decide(path, is_directory),
                    oracle(text, path, is_directory),
                    "{path} as a directory: {is_directory}"
                );
            }
        }
    }

    #[test]
    fn a_deeper_file_outranks_a_higher_one_and_ignore_outranks_gitignore() {
        let scope = Scope::default()
            .with("", [Rules::parse("*.txt\n!a.md"), Rules::parse("secret.md")])
            .with("d", [Rules::parse("!keep.txt\nsecret.md"), Rules::parse("!x.txt")]);

        assert!(scope.ignores("a.txt", false));
        assert!(!scope.ignores("d/keep.txt", false));
        assert!(!scope.ignores("d/x.txt", false));
        assert!(scope.ignores("d/y.txt", false));
        assert!(scope.ignores("secret.md", false));
        assert!(!scope.ignores("elsewhere.md", false));
    }

    proptest! {
        #[test]
        fn any_rule_decides_as_the_reference_does(
            lines in proptest::collection::vec("!?/?(a|b|\\*|\\?|\\*\\*|\\[ab\\])(/?(a|b|\\*|\\*\\*)){0,3}/?", 1..4),
            path in "(a|b|ab)(/(a|b|ab)){0,3}",
            is_directory: bool,
        ) {
            let text = lines.join("\n");

            prop_assert_eq!(
                Rules::parse(&text).decide(&path, is_directory),
                oracle(&text, &path, is_directory),
                "{:?} against {}", text, path
            );
        }
    }
}
