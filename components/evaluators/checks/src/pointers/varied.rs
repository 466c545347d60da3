//! Python functions whose change shows for the inputs of the tests and for none like them: they are called as they were and
//! as they are, in the layer of the checks, with inputs of the same form.

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::{Check, Finding, Outcome, Severity, Subject};
use openkoi_sdk::serde_json::{self, Value, json};

use crate::plan::{Category, Manner, Plan};
use crate::world::{Invocation, World};

/// The program that calls them.
const PROBE: &str = include_str!("varied.py");

/// The beginning of its last line.
const MARK: &str = "varied inputs: ";

/// The longest run of tests that is made again for it, and the longest that the whole may take, in milliseconds.
const LONGEST_RUN: u64 = 20_000;
const LIMIT: u64 = 60_000;

/// The most bytes of texts before: an argument cannot be longer than 128 KiB.
const MOST_BYTES: usize = 90_000;

/// Returns the places of such functions. `product` are the paths of changed files that are no evidence.
pub(crate) fn of(
    subject: &Subject,
    product: &[&str],
    plans: &[Plan],
    checks: &[Check],
    world: &dyn World,
) -> Vec<Finding> {
    let was = |path: &&str| {
        let before = subject.before.iter().find(|before| before.path == **path)?;
        Some(((*path).to_owned(), before.text.clone()?))
    };
    let files: BTreeMap<String, String> =
        product.iter().filter(|path| path.ends_with(".py")).filter_map(was).collect();
    let bytes: usize = files.iter().map(|(path, text)| path.len() + text.len()).sum();
    if files.is_empty() || bytes > MOST_BYTES {
        return Vec::new();
    }
    let plan = plans.iter().find(|plan| mended(plan, &subject.baseline, checks));
    plan.and_then(|plan| look(plan, &files, world)).unwrap_or_default()
}

/// Returns whether a run of tests has mended some, and is short.
fn mended(plan: &Plan, baseline: &[Check], checks: &[Check]) -> bool {
    let of = |checks: &[Check]| checks.iter().find(|check| check.id == plan.id).cloned();
    let (Some(before), Some(now)) = (of(baseline), of(checks)) else { return false };
    let red = before.tests.iter().filter(|test| test.outcome == Outcome::Failed);
    plan.category == Category::Test
        && now.outcome == Outcome::Passed
        && now.duration_ms < LONGEST_RUN
        && red.count() > 0
}

/// Runs the tests under the probe. Nothing is known where it does not come to its end.
fn look(plan: &Plan, files: &BTreeMap<String, String>, world: &dyn World) -> Option<Vec<Finding>> {
    let at = plan.arguments.iter().position(|word| word == "-m")?;
    let inside = |path: &str| match plan.directory.as_str() {
        "" => Some(path.to_owned()),
        directory => Some(path.strip_prefix(directory)?.strip_prefix('/')?.to_owned()),
    };
    let files: BTreeMap<String, &String> =
        files.iter().filter_map(|(path, text)| Some((inside(path)?, text))).collect();
    let told = json!({ "mark": MARK, "files": files }).to_string();
    let (interpreter, module) = (plan.arguments.get(..at)?, plan.arguments.get(at + 1..)?);
    let mut arguments = interpreter.to_vec();
    arguments.extend(["-c".to_owned(), PROBE.to_owned(), told]);
    arguments.extend(module.iter().cloned());
    world.say("calling changed functions with inputs like those of the tests");
    let run = world.run(&Invocation {
        script: Manner::Plain.script(),
        arguments,
        directory: plan.directory.clone(),
        timeout_ms: LIMIT,
    });
    let output = run.ok()?.output;
    let line = output.lines().rev().find_map(|line| line.strip_prefix(MARK))?;
    let seen: Vec<Value> = serde_json::from_str(line).ok()?;
    Some(seen.iter().filter_map(|seen| pointer(seen, &plan.directory)).collect())
}

fn pointer(seen: &Value, directory: &str) -> Option<Finding> {
    let text = |name: &str| seen[name].as_str();
    let (path, name, input) = (text("path")?, text("name")?, text("input")?);
    let (line, tried) = (seen["line"].as_u64()?, seen["tried"].as_u64()?);
    let message = format!(
        "the change of `{name}` shows for inputs of the tests, as ({input}), and for none of {tried} inputs like them"
    );
    let slash = if directory.is_empty() { "" } else { "/" };
    Some(Finding {
        severity: Severity::Note,
        message,
        evidence: format!("{directory}{slash}{path}:{line}"),
        dimension: String::new(),
    })
}
