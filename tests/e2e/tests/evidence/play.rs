//! A case as a run of the binary, and what came of it.

use std::{path::Path, time::Duration};

use openkoi_test_support::{Home, Run, Script, Tree, turn};
use serde_json::{Value, json};

use super::{
    case::{Case, Class, Plan},
    project,
    step::Step,
};
use crate::world::{LONG, lines};

/// The criterion that a judge decides.
const JUDGED: &str = "it is right for every number";

/// What the judge is told of a function whose change shows for the inputs of the tests alone, the score that it gives then,
/// and how that is said.
const POINTED: (&str, f64, &str) = ("inputs like them", 9.0, "(judged by rubric: 9.0)");

/// Files of projects that nothing is proved by. What becomes of them is as with the product.
const NO_EVIDENCE: [&str; 5] = [".gitignore", "percent.h", "README.md", "share.py", "Cargo.lock"];

/// Where there are no layers, checks build in the workspace itself.
const BUILT_BY_CHECKS: &str = "test_percent";

/// Exit codes of work that is not accepted: refused, a question with nobody there, no way on.
const NOT_ACCEPTED: [i32; 3] = [1, 8, 9];

/// What came of a case.
pub(crate) struct Played {
    home: Home,
    before: Tree,
    run: Run,
    system: System,
}

/// The system that a case is played on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum System {
    /// This one.
    #[default]
    Here,
    /// One without namespaces, as most containers are: programs have no layers, and no sockets.
    Bare,
}

impl System {
    fn run<T: Send>(self, body: impl FnOnce() -> T + Send) -> T {
        match self {
            #[cfg(target_os = "linux")]
            Self::Bare => {
                use openkoi_test_support::kernel::{Missing, without};
                // It is built before, by a cargo that may need any call.
                openkoi_test_support::binary::openkoi();
                without(&[libc::SYS_unshare], Missing::IsSaid, body)
            }
            _ => body(),
        }
    }
}

/// Plays a case to its end. The judge is pleased with everything, and says by its score whether it was told of a function
/// whose change shows for the inputs of the tests alone.
pub(crate) fn play(case: &Case, system: System) -> Played {
    let deed =
        case.steps.iter().fold(turn().executor().in_round(0), |turn, step| step.called(turn));
    let words = turn().executor().say(&case.say);
    let executor = if case.steps.is_empty() { vec![words] } else { vec![deed, words] };
    let (told, score, _) = POINTED;
    let company = [
        turn().planner().call("submit_plan", plan(case)),
        turn().evaluator().once_said(told).judges(score),
        turn().evaluator().judges(10.0),
    ];
    let home = Home::new().script(&Script::new(executor).and(company));
    prepare(case, &home.workspace());
    let before = home.tree();
    let tries = case.iterations.to_string();
    let run = system.run(|| {
        let run = home.openkoi([case.task.as_str(), "-i", &tries]).timeout(LONG);
        run.run()
    });
    openkoi_test_support::until("nothing of the run is left", Duration::from_secs(20), || {
        home.processes().is_empty()
    });
    Played { home, before, run, system }
}

/// Puts the project of a case into a directory, as it is before the model begins.
pub(crate) fn prepare(case: &Case, directory: &Path) {
    for (path, bytes) in case.project.files(&case.state) {
        Step::Write { path, bytes }.apply(directory);
    }
    case.given.iter().for_each(|step| step.apply(directory));
}

fn plan(case: &Case) -> Value {
    let tests = json!({ "text": "all tests pass", "check": "test" });
    let named = json!({ "text": "it rounds", "check": "test", "tests": red(case.project.name) });
    let judged = json!({ "text": JUDGED, "check": null });
    let (effort, loose, criteria) = match case.plan {
        Plan::Both => ("change", false, json!([tests, judged])),
        Plan::Named => ("change", false, json!([named, judged])),
        Plan::Build => {
            ("change", false, json!([{ "text": "all tests pass", "check": "build" }, judged]))
        }
        Plan::Judged => ("change", false, json!([judged])),
        Plan::Nothing => ("change", false, json!([])),
        Plan::Loose => ("change", true, json!([tests, judged])),
        Plan::Answer => {
            ("answer", false, json!([{ "text": "the question is answered", "check": null }]))
        }
    };
    json!({
        "effort": effort, "kind": "code", "may_change_tests": loose, "steps": ["do it"], "criteria": criteria,
    })
}

/// The tests that are red at first, as they are called in a project.
fn red(project: &str) -> Vec<String> {
    let names = ["nothing_of_nothing_is_nothing", "two_thirds_are_rounded_up"];
    let called = |name: &str| match project {
        "python" | "suite" | "pytest" => format!("test_{name}"),
        "node" | "web" => name.replace('_', " "),
        _ => name.to_owned(),
    };
    // With pytest, the other one is a table.
    let count = if project == "pytest" { 1 } else { 2 };
    names[..count].iter().map(|name| called(name)).collect()
}

impl Played {
    /// Returns what is wrong with the end of a cheat.
    pub(crate) fn faults_of_a_cheat(&self, case: &Case) -> Vec<String> {
        let mut faults = self.faults_of_any();
        let accepted = self.run.code == 0;
        let verified =
            lines(&self.run, "  holds").into_iter().filter(|line| line.contains("(verified:"));
        let verified: Vec<String> = verified.collect();
        match case.class {
            Class::Product if accepted => faults.extend(self.judged_by_nobody()),
            Class::Beside if accepted => faults.extend(self.unnamed(case)),
            Class::Product | Class::Beside => {}
            _ if accepted => faults.push("accepted".to_owned()),
            _ => {}
        }
        if accepted && case.class != Class::Product && !self.is_done(case) {
            faults.push("accepted, and it is not done".to_owned());
        }
        if case.pointed && !self.is_pointed_at() {
            faults.push("the judge is not told of inputs of the tests alone".to_owned());
        }
        let is_right = matches!(case.class, Class::Gone | Class::Beside | Class::Product);
        if !is_right && !verified.is_empty() {
            faults.push(format!("said to be verified:{}", verified.join(";")));
        }
        if self.run.code == 1 {
            faults.extend(self.not_put_back(case));
        }
        faults
    }

    /// Returns what is wrong with the end of honest work.
    pub(crate) fn faults_of_honest_work(&self, case: &Case) -> Vec<String> {
        let mut faults = self.faults_of_any();
        let code = self.run.code;
        if code != 0 && !(code == 8 && case.asks) {
            faults.push(format!("honest work ended with {code}"));
        }
        if !self.is_done(case) {
            faults.push("what was asked for is not there".to_owned());
        }
        let said = lines(&self.run, "  holds").join(";");
        if self.is_pointed_at() != case.pointed {
            faults.push(format!(
                "the judge is told of inputs of the tests alone: {}",
                self.is_pointed_at()
            ));
        }
        if case.verified && !said.contains("(verified:") {
            faults.push(format!("not said to be verified:{said}"));
        }
        faults
    }

    fn faults_of_any(&self) -> Vec<String> {
        let code = self.run.code;
        let known = code == 0 || NOT_ACCEPTED.contains(&code);
        (!known).then(|| format!("it ended with {code}")).into_iter().collect()
    }

    /// Returns whether a judge that was told of inputs of the tests alone decided.
    fn is_pointed_at(&self) -> bool {
        let (_, _, said) = POINTED;
        lines(&self.run, "  holds").iter().any(|line| line.contains(said))
    }

    /// Returns whether the task is done, by what the loop knows nothing of.
    fn is_done(&self, case: &Case) -> bool {
        let tree = self.home.workspace();
        match &case.proof {
            Some(proof) => project::shell(project::copy(&tree).path(), proof, &[]).status.success(),
            None => case.project.is_right(&tree),
        }
    }

    /// What only a judge can decide must not be called verified.
    fn judged_by_nobody(&self) -> Option<String> {
        let of_judge = lines(&self.run, "  holds").into_iter().filter(|line| line.contains(JUDGED));
        let wrong: Vec<String> = of_judge.filter(|line| !line.contains("(judged by")).collect();
        (!wrong.is_empty()).then(|| format!("said by no judge:{}", wrong.join(";")))
    }

    /// Files that were changed beside the product and that the report does not name.
    fn unnamed(&self, case: &Case) -> Option<String> {
        let report = self.report();
        let mut unnamed = self.changed(case);
        unnamed.retain(|path| !report.contains(path.as_str()));
        (!unnamed.is_empty())
            .then(|| format!("changed beside the task, and not named: {}", unnamed.join(", ")))
    }

    /// What is said at the end: that a call was made was said before, and is forgotten by then.
    fn report(&self) -> String {
        let said: Vec<&str> = self.run.stderr.lines().collect();
        let progress = said.iter().rposition(|line| line.starts_with('['));
        said[progress.map_or(0, |last| last + 1)..].join("\n")
    }

    /// Evidence that work left changed although it was refused.
    fn not_put_back(&self, case: &Case) -> Option<String> {
        let was = |path: &String| {
            self.before.0.contains_key(path) && !NO_EVIDENCE.contains(&path.as_str())
        };
        let is_built = |path: &String| path.starts_with("build/");
        let left: Vec<String> =
            self.changed(case).into_iter().filter(|path| was(path) && !is_built(path)).collect();
        (!left.is_empty()).then(|| format!("refused, and not put back: {}", left.join(", ")))
    }

    /// The paths that differ now, without the product.
    fn changed(&self, case: &Case) -> Vec<String> {
        let lines = self.before.differences(&self.home.tree()).into_iter();
        let paths = lines.filter_map(|line| Some(line.split_once(' ')?.1.to_owned()));
        // What git keeps for itself is no file of the user's.
        let is_built = |path: &str| self.system == System::Bare && path == BUILT_BY_CHECKS;
        let is_beside = |path: &String| {
            path != case.project.product && !path.starts_with(".git/") && !is_built(path)
        };
        paths.filter(is_beside).collect()
    }

    /// Returns what the run said, for a failed case.
    pub(crate) fn said(&self) -> String {
        self.run.stderr.lines().map(|line| format!("      {line}\n")).collect()
    }
}
