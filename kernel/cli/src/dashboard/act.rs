//! Does what a person wants done from the dashboard.

use openkoi_app::{
    tasks::{self, Cancelled},
    undo::{UndoKind, UndoOf, UndoPlan},
};
use openkoi_core::{
    approval::Answer,
    document::{Block, Document, Heading, Tone},
    id::TaskId,
};
use openkoi_storage::{questions::Given, tasks::TaskStatus};

use super::message::{Action, Message, Replies, Shown, Topic};
use crate::{commands::undo, context::Context, error::CommandError, output::Output};

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
        let app = &self.context.app;
        let (short, storage) = (task.short(), self.context.storage()?);
        let said = match tasks::cancel(&storage, task, app.now_ms())? {
            Cancelled::Waiting => format!("task {short} is cancelled"),
            Cancelled::ByDaemon => format!("the daemon ends task {short}"),
            Cancelled::ByProcess(pid) => format!("process {pid} was asked to end task {short}"),
        };
        Ok(Message::Told(Tone::Good, said))
    }

    fn take_up(&self, task: &TaskId) -> Result<Message, CommandError> {
        tasks::take_up(&*self.context.storage()?, task, self.context.app.now_ms())?;
        let short = task.short();
        let said =
            format!("task {short} waits for the daemon; without one: openkoi resume {short}");
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
        let storage = self.context.storage()?;
        let question = storage.question(id)?.filter(|question| given.fits(&question.asked));
        let now_ms = self.context.app.now_ms();
        let is_given = question.is_some() && storage.give_answer(id, given, SURFACE, now_ms)?;
        let Some(question) = question.filter(|_| is_given) else {
            return Ok(Message::Over(
                "the question does not wait for an answer any more".to_owned(),
            ));
        };
        let task = storage.find_task(question.task.as_str())?;
        let (short, words) = (task.id.short(), words(given));
        let waits = task.status == TaskStatus::Paused && !storage.is_owned(&task.id)?;
        let on = if waits { "; r in Tasks, or openkoi resume, goes on with it" } else { "" };
        Ok(Message::Over(format!("task {short}: {words}{on}")))
    }
}

/// Returns an error as a message: its sentence, and the first thing that helps.
pub(super) fn told(error: &CommandError) -> Message {
    let hint = error.hints.first().map(|hint| format!("; {hint}")).unwrap_or_default();
    Message::Told(Tone::Bad, format!("{}{hint}", error.message))
}

/// Says what was answered.
fn words(given: &Given) -> &'static str {
    match given {
        Given::Answer(Answer::AllowOnce) => "allowed, once",
        Given::Answer(Answer::AllowSession) => "allowed in this session",
        Given::Answer(Answer::AllowAlways) => "allowed, always",
        Given::Answer(Answer::AllowAlike) => "allowed, with all commands that begin alike",
        Given::Answer(Answer::RejectOnce) => "not allowed",
        Given::Answer(Answer::RejectAlways) => "never allowed",
        Given::Text(_) => "answered",
    }
}
