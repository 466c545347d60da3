//! Functions whose change shows for the inputs of the tests and for none like them: they are called as they were and as
//! they are, in the layer of the checks, with inputs of the same form.

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::{Check, Finding, Outcome, Severity, Subject};
use openkoi_sdk::serde_json::{self, Value, json};

use crate::plan::{Category, Manner, Plan};
use crate::world::{Invocation, World};

/// A language in which they are called.
struct Language {
    /// The endings of its files.
    endings: &'static [&'static str],
    /// The program that notes the inputs of a run of tests and makes the calls.
    probe: &'static str,
    /// A run of tests with the program, which is told what follows it. Nothing where the run is of another kind.
    with: fn(&Plan, [String; 2]) -> Option<Shell>,
}

/// A script and its arguments.
type Shell = (String, Vec<String>);

const LANGUAGES: [Language; 2] = [
    Language { endings: &[".py"], probe: include_str!("varied.py"), with: with_python },
    Language {
        endings: &[".js", ".cjs", ".mjs"],
        probe: include_str!("varied.js"),
        with: with_node,
    },
];

/// The runners that load a project's modules by node's own means. Jest and Vitest load them by theirs.
const NODE: [&str; 3] = ["node", "node-script", "mocha"];

/// Has each node of a run load the probe, which lies where no workspace is, and then calls what was noted. A node that
/// cannot be kept from writing files and starting programs calls nothing. Its hooks of modules need a thread.
const AROUND_NODE: &str = concat!(
    "probe=\"${TMPDIR:-/tmp}/openkoi-varied.$$\"; rm -rf \"$probe\"; mkdir -p \"$probe/calls\" || exit; ",
    "trap 'rm -rf \"$probe\"' EXIT; pwd -P > \"$probe/root\"; ",
    "printf %s \"$1\" > \"$probe/varied.cjs\"; printf %s \"$2\" > \"$probe/told.json\"; shift 2; ",
    "NODE_OPTIONS=\"$NODE_OPTIONS --require=\\\"$probe/varied.cjs\\\"\" \"$@\" > /dev/null 2>&1; ",
    "for guard in --permission --experimental-permission; do ",
    "node \"$guard\" -e 0 > /dev/null 2>&1 || continue; ",
    "node \"$guard\" '--allow-fs-read=*' --allow-worker \"$probe/varied.cjs\" 2> /dev/null; break; done"
);

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
    let mended: Vec<&Plan> =
        plans.iter().filter(|plan| mended(plan, &subject.baseline, checks)).collect();
    let look = |language: &Language| {
        let files = language.files(subject, product);
        let bytes: usize = files.iter().map(|(path, text)| path.len() + text.len()).sum();
        if files.is_empty() || bytes > MOST_BYTES {
            return None;
        }
        let (plan, asked) =
            mended.iter().find_map(|plan| Some((*plan, language.invocation(plan, &files)?)))?;
        look(plan, &asked, world)
    };
    LANGUAGES.iter().filter_map(look).flatten().collect()
}

/// Returns whether a run of tests has mended some, and is short.
fn mended(plan: &Plan, baseline: &[Check], checks: &[Check]) -> bool {
    let of = |checks: &[Check]| checks.iter().find(|check| check.id == plan.id).cloned();
    let (Some(before), Some(now)) = (of(baseline), of(checks)) else { return false };
    let red = before.tests.iter().filter(|test| test.outcome == Outcome::Failed);
    plan.category == Category::Test
        && now.outcome == Outcome::Passed
        && now.duration_ms < LONGEST_RUN
        && (before.outcome == Outcome::Failed || red.count() > 0)
}

impl Language {
    /// The changed files of the language, by path, as they were.
    fn files(&self, subject: &Subject, product: &[&str]) -> BTreeMap<String, String> {
        let was = |path: &&str| {
            let before = subject.before.iter().find(|before| before.path == **path)?;
            Some(((*path).to_owned(), before.text.clone()?))
        };
        let is_own = |path: &&&str| self.endings.iter().any(|ending| path.ends_with(ending));
        product.iter().filter(is_own).filter_map(was).collect()
    }

    fn invocation(&self, plan: &Plan, files: &BTreeMap<String, String>) -> Option<Invocation> {
        let inside = |path: &str| match plan.directory.as_str() {
            "" => Some(path.to_owned()),
            directory => Some(path.strip_prefix(directory)?.strip_prefix('/')?.to_owned()),
        };
        let files: BTreeMap<String, &String> =
            files.iter().filter_map(|(path, text)| Some((inside(path)?, text))).collect();
        let told = json!({ "mark": MARK, "files": files }).to_string();
        let (script, arguments) = (self.with)(plan, [self.probe.to_owned(), told])?;
        Some(Invocation { script, arguments, directory: plan.directory.clone(), timeout_ms: LIMIT })
    }
}

/// The program stands in the place of `-m`, and runs the module that follows.
fn with_python(plan: &Plan, told: [String; 2]) -> Option<Shell> {
    let at = plan.arguments.iter().position(|word| word == "-m")?;
    let (interpreter, module) = (plan.arguments.get(..at)?, plan.arguments.get(at + 1..)?);
    let mut arguments = interpreter.to_vec();
    arguments.push("-c".to_owned());
    arguments.extend(told);
    arguments.extend(module.iter().cloned());
    Some((Manner::Plain.script(), arguments))
}

fn with_node(plan: &Plan, told: [String; 2]) -> Option<Shell> {
    let arguments = told.into_iter().chain(plan.arguments.iter().cloned()).collect();
    NODE.contains(&plan.runner.name).then(|| (AROUND_NODE.to_owned(), arguments))
}

/// Runs the tests under the probe. Nothing is known where it does not come to its end.
fn look(plan: &Plan, asked: &Invocation, world: &dyn World) -> Option<Vec<Finding>> {
    world.say("calling changed functions with inputs like those of the tests");
    let output = world.run(asked).ok()?.output;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner;

    fn started(language: &Language, runner: &str, command: &str) -> Option<Vec<String>> {
        let plan = Plan::new(runner::named(runner), "web", command);
        let files = ["web/a.py", "a.py"].map(|path| (path.to_owned(), "was".to_owned())).into();
        let asked = language.invocation(&plan, &files)?;
        assert_eq!((asked.directory.as_str(), asked.timeout_ms), ("web", LIMIT));
        let shown = |word: String| if word == language.probe { "PROBE".to_owned() } else { word };
        Some(asked.arguments.into_iter().map(shown).collect())
    }

    #[test]
    fn the_probe_is_told_of_the_files_of_its_project_and_stands_before_the_run() {
        let told = r#"{"files":{"a.py":"was"},"mark":"varied inputs: "}"#;
        let [python, javascript] = &LANGUAGES;

        assert_eq!(
            started(python, "pytest", "python3 -m pytest -q").unwrap(),
            ["python3", "-c", "PROBE", told, "pytest", "-q"]
        );
        assert_eq!(
            started(javascript, "mocha", "npx mocha").unwrap(),
            ["PROBE", told, "npx", "mocha"]
        );
    }

    #[test]
    fn a_runner_whose_modules_nobody_can_look_into_is_not_run_again() {
        let [python, javascript] = &LANGUAGES;

        assert_eq!(started(python, "pytest", "pytest"), None);
        for runner in ["jest", "vitest", "bun", "pytest"] {
            assert_eq!(started(javascript, runner, "x -m y"), None, "{runner}");
        }
    }
}
