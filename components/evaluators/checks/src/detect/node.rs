//! JavaScript and TypeScript projects.

use openkoi_sdk::serde_json::{self, Value};

use super::project::Project;
use crate::plan::{Category, Plan};
use crate::report::Reporter;

/// Names of scripts by what they are about; of several with one meaning the first is taken.
const SCRIPTS: [(Category, &[&str]); 3] = [
    (Category::Build, &["build"]),
    (Category::Types, &["typecheck", "type-check", "check-types", "types", "tsc"]),
    (Category::Lint, &["lint"]),
];

/// Returns the checks of a package.
pub(crate) fn plans(project: &Project<'_>) -> Vec<Plan> {
    let Some(package) = project.read("package.json") else { return Vec::new() };
    let package: Value = serde_json::from_str(&package).unwrap_or_default();
    let script = |name: &str| package["scripts"][name].as_str().filter(|line| is_real(line));
    let manager = manager(project);
    let mut plans = Vec::new();
    for (category, names) in SCRIPTS {
        if let Some(name) = names.iter().find(|name| script(name).is_some()) {
            let command = format!("{manager} run {name}");
            plans.push(project.plan(&format!("node:{name}"), category, &command));
        }
    }
    let typed = plans.iter().any(|plan| plan.category == Category::Types);
    if !typed && project.has("tsconfig.json") && compiler(project) {
        let command = "node node_modules/typescript/bin/tsc --noEmit";
        plans.push(project.plan("node:tsc", Category::Types, command));
    }
    match script("test") {
        Some(line) => plans.push(test(project, manager, line)),
        None => plans.extend(bare_tests(project)),
    }
    plans
}

/// The script that a new package gets only says that there is none.
fn is_real(line: &str) -> bool {
    !line.trim().is_empty() && !line.contains("no test specified")
}

/// The package manager whose lock file is there.
fn manager(project: &Project<'_>) -> &'static str {
    let locks = [
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
    ];
    locks.into_iter().find(|(lock, _)| project.has(lock)).map_or("npm", |(_, manager)| manager)
}

fn compiler(project: &Project<'_>) -> bool {
    project.list("node_modules/typescript/bin").iter().any(|file| file == "tsc")
}

/// The test script, with the machine-readable report of the runner that it names.
fn test(project: &Project<'_>, manager: &str, line: &str) -> Plan {
    if let Some(command) = node_test(line) {
        return project.plan("node:test", Category::Test, &command).read_by(Reporter::Tap);
    }
    let plain = format!("{manager} run test");
    let (flags, reporter) = match runner(line) {
        Some("jest" | "react-scripts") => (" -- --json", Reporter::JavaScript),
        Some("vitest") => (" -- --run --reporter=json", Reporter::JavaScript),
        Some("mocha") => (" -- --reporter json", Reporter::JavaScript),
        _ => ("", Reporter::Any),
    };
    // Only npm needs the dashes; the others hand them on.
    let flags = flags.replacen(if manager == "npm" { "" } else { " --" }, "", 1);
    let plan = project.plan("node:test", Category::Test, &format!("{plain}{flags}"));
    plan.read_by(reporter)
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

/// Tests for node's own runner in a package without a script.
fn bare_tests(project: &Project<'_>) -> Option<Plan> {
    let own = project.files().map(str::to_owned);
    let nested = ["test", "tests"].into_iter().flat_map(|folder| {
        project.list(folder).into_iter().map(move |file| format!("{folder}/{file}"))
    });
    let scripts = own.chain(nested).filter(|file| {
        [".js", ".mjs", ".cjs"].iter().any(|end| file.ends_with(end)) && file.contains("test")
    });
    let found = scripts.take(20).any(|file| project.text(&file).contains("node:test"));
    let plan = project.plan("node:test", Category::Test, "node --test-reporter=tap --test");
    found.then(|| plan.read_by(Reporter::Tap))
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
        assert_eq!(test("vitest"), "node:test: npm run test -- --run --reporter=json");
        assert_eq!(test("tsc && mocha"), "node:test: npm run test -- --reporter json");
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
    fn types_are_checked_where_the_compiler_is_there() {
        let world = Fake::default().file("package.json", "{}").file("tsconfig.json", "{}");

        assert_eq!(found(&world), Vec::<String>::new());
        let world = world.file("node_modules/typescript/bin/tsc", "");
        assert_eq!(found(&world), ["node:tsc: node node_modules/typescript/bin/tsc --noEmit"]);
    }
}
