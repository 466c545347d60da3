//! The dashboard without drawing: lines that are printed when something changes, for a screen reader or a log.

use std::{collections::BTreeMap, time::Duration};

use openkoi_app::{live::LiveHome, pause, thread};
use openkoi_core::id::{self, TaskId};
use openkoi_storage::{
    questions::{Asked, QuestionRecord},
    tasks::{TaskRecord, TaskStatus},
};

use super::read::Reader;
use crate::{
    commands::task::row::{first_line, score},
    context::Context,
    error::CommandError,
    exit::Exit,
    interrupt::{Asked as Signal, Interrupts},
    output::money_at_most,
};

/// How long what others write is let gather before it is read.
const GATHER: Duration = Duration::from_millis(60);

/// Prints lines until the person leaves.
///
/// # Errors
///
/// When nothing can be read, or standard output cannot be written.
pub(super) fn run(context: &Context) -> Result<Exit, CommandError> {
    thread::block(async {
        let interrupts = Interrupts::listen()?;
        let mut live = LiveHome::listen(&context.app)?;
        let reader = Reader::new(context, openkoi_app::day::zone_here());
        let mut told = Told::default();
        loop {
            let (tasks, questions) = (reader.newest()?, reader.questions()?);
            for line in told.news(&tasks, &questions) {
                context.printer.verbatim(&format!("{line}\n"))?;
            }
            tokio::select! {
                asked = interrupts.arrived() => return Ok(match asked {
                    Signal::Terminate => Exit::Terminated,
                    Signal::Interrupt | Signal::No => Exit::Interrupted,
                }),
                changed = live.next() => changed?,
            }
            pause(GATHER).await;
        }
    })
}

/// What a person was told.
#[derive(Default)]
struct Told {
    /// What was said last of each task, without what changes by itself.
    tasks: BTreeMap<TaskId, String>,
    /// The questions that were put.
    questions: Vec<String>,
    /// True once something was said.
    has_begun: bool,
}

impl Told {
    /// Returns what is new, in lines.
    fn news(&mut self, tasks: &[TaskRecord], questions: &[QuestionRecord]) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.has_begun {
            lines.push(beginning(tasks));
        }
        // The oldest first, as it happened.
        for task in tasks.iter().rev() {
            let now = standing(task);
            let before = self.tasks.insert(task.id.clone(), now.clone());
            let is_news = match before {
                Some(before) => before != now,
                // What had ended before is no news.
                None => self.has_begun || !is_over(task.status),
            };
            if is_news {
                lines.push(format!("task {} {now}: {}", task.id.short(), first_line(&task.text)));
            }
        }
        for question in questions.iter().filter(|one| !self.questions.contains(&one.id)) {
            lines.push(asked(question));
        }
        self.questions = questions.iter().map(|question| question.id.clone()).collect();
        self.has_begun = true;
        lines
    }
}

fn is_over(status: TaskStatus) -> bool {
    status.is_final() || status == TaskStatus::Cancelled
}

fn beginning(tasks: &[TaskRecord]) -> String {
    let open = tasks.iter().filter(|task| !is_over(task.status)).count();
    match tasks.len() {
        0 => "no task has run yet; each one is told of here. openkoi \"TASK\" begins one; Ctrl-C leaves"
            .to_owned(),
        all => format!("{all} tasks, {open} of them open; what changes is told of here. Ctrl-C leaves"),
    }
}

/// Says how a task stands, without what changes by itself.
fn standing(task: &TaskRecord) -> String {
    match task.status {
        TaskStatus::Running => format!("runs, iteration {}", task.iterations.max(1)),
        status @ (TaskStatus::Accepted | TaskStatus::Stopped) => {
            let cost = money_at_most(task.cost_micros, task.at_most);
            format!("is {}, score {}, {cost}", status.word(), score(task.score))
        }
        status => format!("is {}", status.word()),
    }
}

/// Says what is asked, and how it is answered from anywhere.
fn asked(question: &QuestionRecord) -> String {
    let task = question.task.short();
    let how = format!("openkoi approvals answer {}", id::short(&question.id));
    match &question.asked {
        Asked::Approval(request) => {
            let (action, effect) = (&request.action, request.effect.word());
            let target = first_line(&request.target);
            format!("task {task} wants {action} ({effect}) on {target}; {how}")
        }
        Asked::Question(question) => {
            format!("task {task} asks: {}; {how}", first_line(&question.text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    #[test]
    fn what_changes_is_said_once_and_what_had_ended_before_is_no_news() {
        let mut told = Told::default();
        let (over, mut open) = (record("1", "fix the pump"), record("2", "feed\nthe fish"));
        open.status = TaskStatus::Running;

        let lines = told.news(&[open.clone(), over.clone()], &[]);
        assert!(lines[0].starts_with("2 tasks, 1 of them open"), "{lines:?}");
        assert_eq!(lines[1..], ["task 00000002 runs, iteration 2: feed"]);

        open.cost_micros += 1;
        assert_eq!(told.news(&[open.clone(), over.clone()], &[]), [""; 0]);
        open.status = TaskStatus::Accepted;
        let lines = told.news(&[open, over], &[]);
        assert_eq!(lines, ["task 00000002 is accepted, score 9.2, $0.0123: feed"]);
    }
}
