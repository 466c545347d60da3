//! Does what a person wants done from the dashboard.

use openkoi_app::{
    answers,
    handed::{self, Cancelled, HandedRequest},
    undo::{UndoKind, UndoOf, UndoPlan},
};
use openkoi_core::{
    document::{Block, Document, Heading, Tone},
    id::TaskId,
};
use openkoi_storage::{questions::Given, tasks::TaskStatus};

use super::message::{Action, Message, Replies, Shown, Topic};
use crate::{approver, commands::undo, context::Context, error::CommandError, output::Output};

/// The name of this surface, by which it is known who answered.
const SURFACE: &str = "dashboard";

/// Whoever does it. An undo that was shown waits here until the person agrees or leaves it.
pub(super) struct Actor<'a> {
    context: &'a Context,
    plan: Option<UndoPlan>,
}

impl<'a> Actor<'a> {
    /// Returns one that has nothing to do.
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, plan: None }
    }

    /// Does it, and returns what is to be told.
    pub(super) fn act(&mut self, action: Action) -> Option<Message> {
        let done = match action {
            Action::Cancel(task) => self.cancel(&task).map(Some),
            Action::TakeUp(task) => self.take_up(&task).map(Some),
            Action::PlanUndo(task) => self.plan(task).map(Some),
            Action::Undo => self.undo().map(Some),
            Action::LeaveUndo => {
                self.plan = None;
                Ok(None)
            }
            Action::Answer(question, given) => self.answer(&question, &given).map(Some),
        };
        done.unwrap_or_else(|error| Some(told(&error)))
    }

    fn cancel(&self, task: &TaskId) -> Result<Message, CommandError> {
        let short = task.short();
        Ok(match handed::cancel(&self.context.app, task)? {
            Cancelled::Now => Message::Told(Tone::Good, format!("task {short} is cancelled")),
            Cancelled::Asked => Message::Told(Tone::Good, format!("task {short} was asked to end")),
            Cancelled::NotRunning => {
                Message::Told(Tone::Warning, format!("task {short} does not run"))
            }
        })
    }

    fn take_up(&self, task: &TaskId) -> Result<Message, CommandError> {
        let storage = self.context.storage()?;
        let (short, status) = (task.short(), storage.find_task(task.as_str())?.status);
        let runs = matches!(status, TaskStatus::Running | TaskStatus::Queued);
        if runs || status.is_final() {
            let said = format!("task {short} cannot be resumed: it is {}", status.word());
            return Ok(Message::Told(Tone::Warning, said));
        }
        handed::take_up(&self.context.app, task, &HandedRequest::default(), 0)?;
        let said = match storage.daemon()? {
            Some(_) => format!("the daemon goes on with task {short}"),
            None => format!("task {short} waits for the daemon: openkoi daemon start"),
        };
        Ok(Message::Told(Tone::Good, said))
    }

    fn plan(&mut self, task: TaskId) -> Result<Message, CommandError> {
        // What was planned before holds its directory.
        self.plan = None;
        let plan = UndoPlan::new(&self.context.app, UndoKind::Undo, UndoOf::Task(task.as_str()))?;
        let lines = undo::preview(&plan).into_iter().map(Block::paragraph);
        let mut document = Document::new(format!("Undo of task {}", task.short())).with_all(lines);
        let replies = if plan.changes.is_empty() {
            let words =
                "nothing can be restored: whatever the task changed was changed again since";
            document.blocks.extend([Heading::end().into(), Block::paragraph(words)]);
            Replies::None
        } else {
            self.plan = Some(plan);
            Replies::Agree
        };
        Ok(Message::Shown(Shown { topic: Topic::Undo(task), document, replies, is_moving: false }))
    }

    fn undo(&mut self) -> Result<Message, CommandError> {
        let Some(plan) = self.plan.take() else {
            return Ok(Message::Over("nothing is to be undone".to_owned()));
        };
        let document = undo::restored(plan, self.context)?.document();
        let replies = Replies::None;
        Ok(Message::Shown(Shown { topic: Topic::Done, document, replies, is_moving: false }))
    }

    fn answer(&self, id: &str, given: &Given) -> Result<Message, CommandError> {
        let (app, storage) = (&self.context.app, self.context.storage()?);
        let question = storage.question(id)?.filter(|question| given.fits(&question.asked));
        let is_given = match &question {
            Some(question) => answers::give(app, question, given, SURFACE)?,
            None => false,
        };
        let Some(question) = question.filter(|_| is_given) else {
            return Ok(Message::Over(
                "the question does not wait for an answer any more".to_owned(),
            ));
        };
        let (short, words) = (question.task.short(), words(given));
        let pauses = storage.find_task(question.task.as_str())?.status == TaskStatus::Paused;
        let on = if pauses { "; r in Tasks has the daemon go on with it" } else { "" };
        Ok(Message::Over(format!("task {short} was answered: {words}{on}")))
    }
}

/// Returns an error as a message: its sentence, and the first thing that helps.
pub(super) fn told(error: &CommandError) -> Message {
    let hint = error.hints.first().map(|hint| format!("; {hint}")).unwrap_or_default();
    Message::Told(Tone::Bad, format!("{}{hint}", error.message))
}

/// Says what was answered.
fn words(given: &Given) -> &str {
    match given {
        Given::Answer(answer) => approver::words(*answer),
        Given::Text(text) => text,
    }
}
