//! Files of tests of node's own runner that end before they name one. The runner takes such a file for a test that
//! passed, which is right for a plain script and wrong where product code ended the process.

use openkoi_sdk::evaluator::Outcome;

use crate::plan::Plan;
use crate::report::Report;
use crate::world::World;

/// Returns what is to be said of each file that holds tests and named none.
pub(super) fn files(world: &dyn World, plan: &Plan, report: &Report) -> Vec<String> {
    let passed = report.cases.iter().filter(|case| case.outcome == Outcome::Passed);
    let named = passed.map(|case| case.name.as_str()).filter(|name| is_file(name));
    named
        .filter(|name| holds_tests(world, plan, name))
        .map(|name| format!("`{name}` ended before it named a test"))
        .collect()
}

fn is_file(name: &str) -> bool {
    [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"].iter().any(|end| name.ends_with(end))
}

/// The runner names files from the root of the machine, of which the workspace is not known here: the longest end of the
/// path that is a file of the project is meant.
fn holds_tests(world: &dyn World, plan: &Plan, name: &str) -> bool {
    let mut rest = Some(name.trim_start_matches('/'));
    while let Some(path) = rest {
        let path_there = match plan.directory.as_str() {
            "" => path.to_owned(),
            directory => format!("{directory}/{path}"),
        };
        if let Some(text) = world.read(&path_there) {
            return text.contains("node:test");
        }
        rest = path.split_once('/').map(|(_, rest)| rest);
    }
    false
}
