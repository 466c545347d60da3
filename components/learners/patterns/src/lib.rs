//! Proposes a skill when tasks went alike: in the words that they were asked in, the tools that did them, and the kinds of files
//! that they changed.
//!
//! It looks at one task after its end, and for those like it. There have to be three of different sessions that went well, and
//! those that did not speak against the pattern.

mod draft;
mod past;
mod words;

use std::collections::BTreeSet;

use openkoi_sdk::{
    Result, export_learner,
    learner::{Ending, Learner, Lesson, Outcome, Proposal, Reaction},
};

use past::{Past, Recorded, Work};

/// The fewest sessions in which tasks went alike.
const SESSIONS: usize = 3;
/// From here on two tasks are alike, and a pattern is sure enough.
const ALIKE: f64 = 0.5;
const SURE: f64 = 0.6;
/// What words, tools and kinds of files count.
const WORDS: f64 = 0.6;
const TOOLS: f64 = 0.2;
const KINDS: f64 = 0.2;

/// The component.
struct Patterns;

impl Learner for Patterns {
    fn observe(outcome: &Outcome) -> Result<Lesson> {
        observed(outcome, &Recorded)
    }
}

/// Returns the proposal that a finished task makes due, if it does.
fn observed(outcome: &Outcome, past: &dyn Past) -> Result<Lesson> {
    let mut lesson = Lesson { learnings: Vec::new(), proposals: Vec::new() };
    // What was read elsewhere may have been written to become a habit.
    let is_own = outcome.outside.is_empty();
    if outcome.ending != Ending::Accepted || outcome.reaction != Reaction::Unknown || !is_own {
        return Ok(lesson);
    }
    let (session, others) = past::asked_alike(past, outcome)?;
    let present = past::present(outcome, &session);
    let like: Vec<(Work, f64)> = others
        .into_iter()
        .map(|work| (alikeness(&present, &work), work))
        .filter(|(alike, _)| *alike >= ALIKE)
        .map(|(alike, work)| (work, alike))
        .collect();
    let failed = like.iter().filter(|(work, _)| !work.went_well).count();
    let (mut good, likeness): (Vec<Work>, Vec<f64>) =
        like.into_iter().filter(|(work, _)| work.went_well).unzip();
    good.push(present);
    let sessions: BTreeSet<&str> = good.iter().map(|work| work.session.as_str()).collect();
    let confidence = confidence(good.len(), failed, &likeness);
    if sessions.len() >= SESSIONS && confidence >= SURE {
        lesson.proposals.extend(draft::of(outcome, &good, confidence).map(Proposal::Skill));
    }
    Ok(lesson)
}

fn alikeness(one: &Work, other: &Work) -> f64 {
    WORDS * words::alike(&one.words, &other.words)
        + TOOLS * words::alike(&one.tools, &other.tools)
        + KINDS * words::alike(&one.kinds(), &other.kinds())
}

/// Returns how sure a pattern is: by the share of its tasks that went well, of which few say little, and by how alike they are.
fn confidence(good: usize, failed: usize, likeness: &[f64]) -> f64 {
    let share = (good as f64 + 1.0) / ((good + failed) as f64 + 2.0);
    let mean = likeness.iter().sum::<f64>() / likeness.len().max(1) as f64;
    share * (0.5 + 0.5 * mean)
}

export_learner!(Patterns);

#[cfg(test)]
mod tests {
    use openkoi_sdk::records::{Task, TaskStatus};

    use super::*;

    /// Earlier tasks, with what each did.
    struct Scripted(Vec<(Task, Work)>);

    impl Past for Scripted {
        fn tasks(&self) -> Result<Vec<Task>> {
            Ok(self.0.iter().map(|(task, _)| task.clone()).collect())
        }

        fn work(&self, task: &Task) -> Result<Work> {
            let found = self.0.iter().find(|(one, _)| one.id == task.id);
            Ok(found.map(|(_, work)| work.clone()).unwrap_or_default())
        }
    }

    const NOTES: &str = "write the release notes of version 1.4";

    fn task(id: &str, text: &str, status: TaskStatus) -> Task {
        Task {
            id: id.to_owned(),
            session: format!("session of {id}"),
            workspace: "/work".to_owned(),
            text: text.to_owned(),
            status,
            started_ms: 0,
            ended_ms: Some(1),
            iterations: 1,
            score: None,
            cost_micros: 0,
        }
    }

    fn work(id: &str, text: &str, went_well: bool) -> Work {
        Work {
            task: id.to_owned(),
            session: format!("session of {id}"),
            went_well,
            words: words::of(text).into_iter().map(|one| one.stem).collect(),
            tools: ["shell".to_owned(), "write_file".to_owned()].into(),
            files: ["NOTES.md".to_owned()].into(),
            commands: vec!["git log".to_owned(), "ls".to_owned(), "make notes".to_owned()],
            checks: vec![("test".to_owned(), "sh test.sh".to_owned())],
        }
    }

    fn earlier(id: &str, text: &str) -> (Task, Work) {
        (task(id, text, TaskStatus::Accepted), work(id, text, true))
    }

    fn outcome() -> Outcome {
        use openkoi_sdk::learner::{CheckRun, CommandRun, ToolUse};
        let run = |command: &str| CommandRun {
            command: command.to_owned(),
            exit_code: Some(0),
            duration_ms: 1,
        };
        let used = |tool: &str| ToolUse {
            tool: tool.to_owned(),
            calls: 1,
            failures: 0,
            reasons: Vec::new(),
        };
        Outcome {
            task: "9".to_owned(),
            text: NOTES.to_owned(),
            workspace: "/work".to_owned(),
            ending: Ending::Accepted,
            ended_ms: 1,
            score: None,
            iterations: 1,
            fixed: Vec::new(),
            broken: Vec::new(),
            findings: Vec::new(),
            checks: vec![CheckRun {
                id: "shell:test".to_owned(),
                category: "test".to_owned(),
                command: "sh test.sh".to_owned(),
                iteration: 1,
                passed: true,
                duration_ms: 1,
            }],
            commands: vec![run("git log"), run("make notes")],
            tools: vec![used("shell"), used("write_file")],
            changed: vec!["NOTES.md".to_owned()],
            skills: Vec::new(),
            outside: Vec::new(),
            reaction: Reaction::Unknown,
        }
    }

    fn proposed(outcome: &Outcome, past: Vec<(Task, Work)>) -> Vec<Proposal> {
        let own = (task("9", NOTES, TaskStatus::Accepted), Work::default());
        observed(outcome, &Scripted([own].into_iter().chain(past).collect())).unwrap().proposals
    }

    #[test]
    fn three_alike_tasks_of_three_sessions_make_a_skill_of_the_steps_that_worked() {
        let past = vec![
            earlier("1", "write the release notes of version 1.2"),
            earlier("2", "please write release notes for version 1.3"),
            earlier("3", "why is the build slow?"),
        ];

        let all = proposed(&outcome(), past);

        let [Proposal::Skill(draft)] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(draft.name, "write-release-notes");
        assert_eq!(draft.tasks, ["1", "2", "9"]);
        assert!(draft.confidence >= SURE, "{}", draft.confidence);
        assert!(draft.description.contains("write, release, notes"), "{}", draft.description);
        assert_eq!(
            draft.text,
            "# Write release notes\n\nThese steps worked in earlier tasks of this kind.\n\n\
             1. Read and change `NOTES.md`: these are the files that such tasks changed.\n\
             2. Run `git log`.\n3. Run `make notes`.\n4. Prove it with `sh test.sh` (test).\n"
        );
    }

    #[test]
    fn two_are_no_pattern_and_three_of_one_session_neither() {
        assert_eq!(proposed(&outcome(), vec![earlier("1", NOTES)]).len(), 0);
        let one_session = ["1", "2", "3"].map(|id| {
            let (mut task, mut work) = earlier(id, NOTES);
            task.session = "one".to_owned();
            work.session = "one".to_owned();
            (task, work)
        });
        assert_eq!(proposed(&outcome(), one_session.into()).len(), 0);
    }

    #[test]
    fn what_mostly_failed_is_no_pattern() {
        let mut past = vec![earlier("1", NOTES), earlier("2", NOTES)];
        assert_eq!(proposed(&outcome(), past.clone()).len(), 1);
        for id in ["3", "4", "5"] {
            past.push((task(id, NOTES, TaskStatus::Stopped), work(id, NOTES, false)));
        }
        assert_eq!(proposed(&outcome(), past).len(), 0);
    }

    #[test]
    fn other_tools_and_files_make_other_work_of_the_same_words() {
        let other = |id: &str| {
            let (task, work) = earlier(id, "write notes about nothing of a carp");
            let tools = ["web".to_owned()].into();
            (task, Work { tools, files: ["pond.sql".to_owned()].into(), ..work })
        };
        assert_eq!(proposed(&outcome(), vec![other("1"), other("2")]).len(), 0);
    }

    #[test]
    fn what_was_read_elsewhere_taken_back_or_not_accepted_proposes_nothing() {
        let past = || vec![earlier("1", NOTES), earlier("2", NOTES)];
        for other in [
            Outcome { outside: vec!["GET https://example.com".to_owned()], ..outcome() },
            Outcome { ending: Ending::Stopped, ..outcome() },
            Outcome { reaction: Reaction::Undone, ..outcome() },
        ] {
            assert_eq!(proposed(&other, past()).len(), 0);
        }
        assert_eq!(proposed(&outcome(), past()).len(), 1);
    }

    #[test]
    fn a_step_is_a_command_that_went_well_in_most_of_them() {
        let odd = |id: &str| {
            let (task, work) = earlier(id, NOTES);
            let commands = vec!["make notes".to_owned()];
            (task, Work { commands, ..work })
        };
        let all = proposed(&outcome(), vec![odd("1"), odd("2")]);
        let [Proposal::Skill(draft)] = all.as_slice() else { panic!("{all:?}") };
        assert!(draft.text.contains("Run `make notes`."), "{}", draft.text);
        assert!(!draft.text.contains("git log"), "one of three: {}", draft.text);
    }
}
