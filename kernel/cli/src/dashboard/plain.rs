//! The dashboard without drawing: lines that are printed when something changes, for a screen reader or a log.

use std::{collections::BTreeMap, time::Duration};

use openkoi_app::{live::LiveHome, pause, thread};
use openkoi_core::id::TaskId;
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
        let mut reader = Reader::new(context, jiff::tz::TimeZone::system());
        let mut told = Told::default();
        loop {
            let (tasks, questions) = (reader.progress()?, reader.questions()?);
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
    fn news(
        &mut self,
        tasks: &[(TaskRecord, Option<String>)],
        questions: &[QuestionRecord],
    ) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.has_begun {
            lines.push(beginning(tasks));
        }
        // The oldest first, as it happened.
        for (task, progress) in tasks.iter().rev() {
            let now = standing(task, progress.as_deref());
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

fn beginning(tasks: &[(TaskRecord, Option<String>)]) -> String {
    let open = tasks.iter().filter(|(task, _)| !is_over(task.status)).count();
    match tasks.len() {
        0 => "no task has run yet; each one is told of here. openkoi \"TASK\" begins one; Ctrl-C leaves"
            .to_owned(),
        all => format!("{all} tasks, {open} of them open; what changes is told of here. Ctrl-C leaves"),
    }
}

/// Says how a task stands, without what changes by itself.
fn standing(task: &TaskRecord, progress: Option<&str>) -> String {
    let cost = money_at_most(task.cost_micros, task.at_most);
    match (task.status, progress) {
        (TaskStatus::Running, _) => format!("runs, iteration {}", task.iterations.max(1)),
        (status @ (TaskStatus::Accepted | TaskStatus::Stopped), _) => {
            format!("is {}, score {}, {cost}", status.word(), score(task.score))
        }
        (status, _) => format!("is {}", status.word()),
    }
}

fn asked(question: &QuestionRecord) -> String {
    let task = question.task.short();
    match &question.asked {
        Asked::Approval(request) => format!(
            "task {task} asks whether {} ({}) may go on: {}",
            request.action,
            request.effect.word(),
            first_line(&request.target)
        ),
        Asked::Question(question) => format!("task {task} asks: {}", first_line(&question.text)),
    }
}
