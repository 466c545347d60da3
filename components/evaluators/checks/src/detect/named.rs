//! Commands that the project's instructions to agents name, for what nothing else covers.

use std::collections::BTreeSet;

use super::project::{Project, below};
use crate::plan::{Category, Plan, Standing};

const FILES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// Words of a command by what it is about. The first that stands in it counts.
const WORDS: [(&str, Category, &[&str]); 4] = [
    ("named:types", Category::Types, &["typecheck", "type-check", "mypy", "pyright", "tsc"]),
    ("named:lint", Category::Lint, &["lint", "clippy", "eslint", "ruff", "rubocop", "shellcheck"]),
    (
        "named:test",
        Category::Test,
        &["test", "tests", "spec", "pytest", "check", "verify", "unittest"],
    ),
    ("named:build", Category::Build, &["build", "compile"]),
];

/// Programs with which a command may begin. Others are examples of what the project's own program can do.
const PROGRAMS: [&str; 40] = [
    "sh", "bash", "make", "just", "task", "npm", "pnpm", "yarn", "bun", "npx", "node", "deno",
    "cargo", "go", "python", "python3", "uv", "poetry", "pytest", "tox", "nox", "hatch", "mvn",
    "gradle", "dotnet", "bundle", "rake", "composer", "php", "mix", "swift", "dart", "flutter",
    "zig", "cabal", "stack", "bazel", "ctest", "bats", "prove",
];

/// Returns the named commands for categories that are not `covered`, the first of each.
pub(crate) fn plans(project: &Project<'_>, mut covered: BTreeSet<Category>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for text in FILES.iter().filter_map(|file| project.read(file)) {
        for command in commands(&text) {
            plans.extend(planned(project, &command, &mut covered));
        }
    }
    plans
}

fn planned(project: &Project<'_>, command: &str, covered: &mut BTreeSet<Category>) -> Option<Plan> {
    let (directory, command) = placed(command);
    let words: Vec<&str> = command.split_whitespace().collect();
    let program = words.first()?;
    let own = program.starts_with("./") && program.ends_with(".sh");
    if !(own || PROGRAMS.contains(program))
        || words[1..].iter().any(|word| word.contains("install"))
    {
        return None;
    }
    let parts = |word: &&str| {
        word.split([':', '/', '.', '=', '_', '-']).map(str::to_owned).collect::<Vec<_>>()
    };
    let said: BTreeSet<String> =
        words.iter().flat_map(|word| parts(word).into_iter().chain([(*word).to_owned()])).collect();
    let (check, category, _) =
        WORDS.iter().find(|(_, _, list)| list.iter().any(|word| said.contains(*word)))?;
    if !covered.insert(*category) {
        return None;
    }
    let mut plan = project.plan("named", command).called(check, *category);
    if let Some(directory) = directory {
        plan.directory = below(&project.directory, directory);
    }
    plan.standing = Standing::Apart;
    Some(plan)
}

/// `cd web && npm test` is `npm test` in `web`.
fn placed(command: &str) -> (Option<&str>, &str) {
    let inner = command.strip_prefix("cd ").and_then(|rest| rest.split_once(" && "));
    match inner {
        Some((directory, rest)) if is_plain(directory) && !directory.contains("..") => {
            (Some(directory.trim().trim_end_matches('/')), rest)
        }
        _ => (None, command),
    }
}

/// The lines of code blocks, and code in the text that stands alone in a line or behind its name: `Test: ...`.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut block = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            block = !block;
        } else if block {
            let command = trimmed.strip_prefix("$ ").unwrap_or(trimmed);
            commands.push(command.split(" #").next().unwrap_or(command).trim().to_owned());
        } else if trimmed.matches('`').count() == 2 {
            commands.extend(trimmed.split('`').nth(1).map(|code| code.trim().to_owned()));
        }
    }
    commands.retain(|command| is_plain(placed(command).1));
    commands
}

/// Returns whether no shell is needed, and nothing in it is to be filled in.
fn is_plain(command: &str) -> bool {
    !command.is_empty()
        && !command.contains([
            '|', '&', ';', '<', '>', '$', '`', '"', '\'', '*', '?', '(', '[', '{', '…', '\\',
        ])
        && !command.contains("path/to")
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use crate::world::tests::Fake;

    #[test]
    fn a_command_that_is_clearly_given_is_run_where_nothing_else_covers_it() {
        let text = "# Rules\n\n- Test: `./ci/test.sh --all`\n- Run `make fmt` before `git commit`.\n\
                    ```sh\nnpm install\ncd web && npm run lint   # slow\npytest tests/<file>\n```\n";
        let world = Fake::default().file("AGENTS.md", text);

        assert_eq!(found(&world), ["named:test: ./ci/test.sh --all", "named:lint: npm run lint"]);
    }

    #[test]
    fn what_is_found_anyway_is_not_named_again() {
        let world = Fake::default().file("CLAUDE.md", "`cargo test --all`").file("Cargo.toml", "");

        assert_eq!(found(&world).len(), 2);
    }
}
