//! Scripts of JavaScript and TypeScript packages. A package without a script for something is the table's.

use openkoi_sdk::serde_json::{self, Value};

use super::project::{Project, below};
use crate::plan::{Category, Manner, Plan, Standing};
use crate::report::Reporter;
use crate::runner::{self, Alone, Runner};

/// Names of scripts by what they are about; of several with one meaning the first is taken.
const SCRIPTS: [(&str, Category, &[&str]); 3] = [
    ("node-build", Category::Build, &["build"]),
    ("node-types", Category::Types, &["typecheck", "type-check", "check-types", "types", "tsc"]),
    ("node-lint", Category::Lint, &["lint"]),
];

/// Words of a script that runs the scripts of other packages of its workspace.
const DELEGATING: [&str; 11] = [
    "turbo ",
    "nx ",
    "lerna ",
    "wsrun ",
    "wireit",
    " -r ",
    "--recursive",
    "--workspaces",
    " -ws",
    "workspaces ",
    "--filter",
];

/// Returns the checks that a package has by its scripts, and those of node's own runner.
pub(crate) fn plans(project: &Project<'_>) -> Vec<Plan> {
    let Some(package) = project.read("package.json") else {
        return bare(project).into_iter().collect();
    };
    let package: Value = serde_json::from_str(&package).unwrap_or_default();
    let script = |name: &str| package["scripts"][name].as_str().filter(|line| is_real(line));
    let manager = manager(project);
    let mut plans = Vec::new();
    for (row, category, names) in SCRIPTS {
        if let Some(name) = names.iter().find(|name| script(name).is_some()) {
            let plan = project.plan(row, &format!("{manager} run {name}"));
            plans.push(plan.called(&format!("node:{name}"), category));
        }
    }
    match script("test") {
        Some(line) => plans.push(test(project, manager, line)),
        None if is_meant_elsewhere(project) => {}
        None => plans.extend(bare(project)),
    }
    for plan in plans.iter_mut().filter(|plan| is_delegated(project, plan)) {
        plan.standing = Standing::Covered;
    }
    plans
}

/// The script that a new package gets only says that there is none.
fn is_real(line: &str) -> bool {
    !line.trim().is_empty() && !line.contains("no test specified")
}

/// The package manager whose lock file is there, or in a workspace above.
fn manager(project: &Project<'_>) -> &'static str {
    let locks = [
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("package-lock.json", "npm"),
    ];
    for directory in project.upwards() {
        let entries = project.world.list(directory);
        let has = |name: &str| entries.iter().any(|entry| entry.name == name);
        if let Some((_, manager)) = locks.iter().find(|(lock, _)| has(lock)) {
            return manager;
        }
    }
    "npm"
}

/// Returns whether a package above runs this script for its whole workspace.
fn is_delegated(project: &Project<'_>, plan: &Plan) -> bool {
    let Some(name) = plan.id.split(['@', ':']).nth(1) else { return false };
    project.upwards().skip(1).any(|directory| {
        let text = project.world.read(&below(directory, "package.json")).unwrap_or_default();
        let package: Value = serde_json::from_str(&text).unwrap_or_default();
        let line = package["scripts"][name].as_str().unwrap_or("");
        DELEGATING.iter().any(|word| line.contains(word))
    })
}

/// Returns whether a row of the table is meant for the tests of a package without a script.
fn is_meant_elsewhere(project: &Project<'_>) -> bool {
    let mut rows = runner::RUNNERS.iter().filter(|runner| runner.check == "node:test");
    rows.any(|runner| project.is_any(runner.at))
}

/// The test script, with the machine-readable report of the runner that it names.
fn test(project: &Project<'_>, manager: &str, line: &str) -> Plan {
    if let Some(command) = node_test(line) {
        return project.plan("node", &command);
    }
    let plain = format!("{manager} run test");
    let Some(runner) = runner(line).and_then(row) else {
        return project.plan("node-script", &plain);
    };
    // The table's command is the program, of which the script has its own, and its flags.
    let (_, command) = runner.run.last().copied().unwrap_or_default();
    let flags = command.split_once("} ").map_or("", |(_, flags)| flags);
    let flags =
        if runner.name == "vitest" { flags.replacen("run", "--run", 1) } else { flags.to_owned() };
    // Only npm needs the dashes; the others hand them on.
    let dashes = if manager == "npm" { " --" } else { "" };
    let mut plan = project.plan(runner.name, format!("{plain}{dashes} {flags}").trim_end());
    if flags.is_empty() {
        plan = Plan {
            alone: Alone::Whole,
            manner: Manner::Plain,
            reporter: Reporter::Any,
            ..project.plan(runner.name, &plain)
        };
    }
    plan
}

/// The row of a runner that a script names.
fn row(program: &str) -> Option<&'static Runner> {
    match program {
        "jest" | "react-scripts" => Some(runner::named("jest")),
        "vitest" | "mocha" | "ava" | "playwright" | "cypress" => Some(runner::named(program)),
        _ => None,
    }
}

/// `node --test …` without any shell syntax is run directly, so that it can be asked for TAP.
fn node_test(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("node ")?;
    let simple = !rest.contains(['&', '|', ';', '<', '>', '$', '`', '"', '\'', '*', '?', '(']);
    let words: Vec<&str> = rest.split_whitespace().collect();
    if !simple || !words.contains(&"--test") || rest.contains("--test-reporter") {
        return None;
    }
    Some(format!("node --test-reporter=tap {rest}"))
}

/// The program that the last command of a script runs.
fn runner(line: &str) -> Option<&str> {
    let last = line.rsplit("&&").next()?;
    if last.contains(['|', ';']) {
        return None;
    }
    let mut words = last.split_whitespace();
    words
        .find(|word| !word.contains('=') && !matches!(*word, "npx" | "cross-env" | "yarn" | "pnpm"))
}

/// Tests for node's own runner without a script.
fn bare(project: &Project<'_>) -> Option<Plan> {
    if !project.is_root() && !project.has("package.json") {
        return None;
    }
    let own = project.files().map(str::to_owned);
    let nested = ["test", "tests", "src"].into_iter().flat_map(|folder| {
        project.list(folder).into_iter().map(move |file| format!("{folder}/{file}"))
    });
    let scripts = own.chain(nested).filter(|file| {
        [".js", ".mjs", ".cjs"].iter().any(|end| file.ends_with(end)) && file.contains("test")
    });
    let found = scripts.take(20).any(|file| project.text(&file).contains("node:test"));
    found.then(|| project.plan("node", "node --test-reporter=tap --test"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use crate::world::tests::Fake;

    fn with_script(test: &str) -> Fake {
        let package = format!(r#"{{"scripts":{{"test":"{test}"}}}}"#);
        Fake::default().file("package.json", &package)
    }

    #[test]
    fn scripts_run_with_the_manager_whose_lock_file_is_there() {
        let package =
            r#"{"scripts":{"build":"x","lint":"eslint .","type-check":"tsc","test":"tap t"}}"#;
        let world = Fake::default().file("package.json", package).file("pnpm-lock.yaml", "");

        assert_eq!(
            found(&world),
            [
                "node:build: pnpm run build",
                "node:type-check: pnpm run type-check",
                "node:lint: pnpm run lint",
                "node:test: pnpm run test"
            ]
        );
    }

    #[test]
    fn known_runners_are_asked_for_a_report() {
        let test = |script: &str| found(&with_script(script))[0].clone();

        assert_eq!(test("node --test test/"), "node:test: node --test-reporter=tap --test test/");
        assert_eq!(test("NODE_ENV=test jest"), "node:test: npm run test -- --json");
        assert_eq!(
            test("vitest"),
            "node:test: npm run test -- --run --reporter=default --reporter=json"
        );
        assert_eq!(test("tsc && mocha"), "node:test: npm run test -- --reporter json");
        assert_eq!(test("ava"), "node:test: npm run test -- --tap");
        assert_eq!(test("playwright test"), "node:test: npm run test");
        assert_eq!(test("node --test | tee log"), "node:test: npm run test");
    }

    #[test]
    fn a_script_that_says_there_are_no_tests_is_not_planned() {
        let world = with_script(r#"echo \"Error: no test specified\" && exit 1"#);

        assert_eq!(found(&world), Vec::<String>::new());
    }

    #[test]
    fn tests_of_the_own_runner_need_no_script() {
        let world = Fake::default()
            .file("package.json", "{}")
            .file("test/a.test.mjs", "import test from 'node:test'");

        assert_eq!(found(&world), ["node:test: node --test-reporter=tap --test"]);
    }

    #[test]
    fn tools_run_from_the_nearest_copy() {
        let world = Fake::default()
            .file("node_modules/.bin/tsc", "")
            .file("web/package.json", "{\"devDependencies\":{\"jest\":\"1\"}}")
            .file("web/tsconfig.json", "{}")
            .file("web/node_modules/.bin/jest", "");

        assert_eq!(
            found(&world),
            [
                "node:test@web: node_modules/.bin/jest --json",
                "node:tsc@web: ../node_modules/.bin/tsc --noEmit"
            ]
        );
    }

    #[test]
    fn a_script_that_runs_those_of_the_workspace_stands_for_them() {
        let member = r#"{"scripts":{"test":"jest","lint":"eslint ."}}"#;
        let world = Fake::default()
            .file("package.json", r#"{"scripts":{"test":"pnpm -r test"}}"#)
            .file("pnpm-lock.yaml", "")
            .file("pnpm-workspace.yaml", "")
            .file("packages/a/package.json", member);

        assert_eq!(
            found(&world),
            ["node:test: pnpm run test", "node:lint@packages/a: pnpm run lint"]
        );
    }
}
