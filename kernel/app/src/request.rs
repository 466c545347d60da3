//! From what a surface was asked to a task: every surface goes through [`TaskRequest::task`].

use std::path::Path;

use openkoi_core::{id::SessionId, message::Message, task::Task};
use serde_json::Value;

use crate::{app::App, error::AppError, settings::Settings};

/// What somebody wants done.
#[derive(Clone, Debug)]
pub struct TaskRequest<'a> {
    /// What to do, standard input included. Not empty.
    pub text: &'a str,
    /// The session it belongs to.
    pub session: &'a SessionId,
    /// What was said in the session before, oldest first.
    pub history: Vec<Message>,
    /// The absolute path of the directory to work in, without links.
    pub workspace: &'a Path,
    /// Everything that is configured.
    pub settings: &'a Settings,
    /// The JSON Schema that the result has to follow.
    pub schema: Option<&'a Value>,
    /// Whether it is a message of a conversation: a person judges the answer, and no contract is made first.
    pub in_conversation: bool,
}

impl TaskRequest<'_> {
    /// Returns the task, with an id of its own.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn task(self, app: &App) -> Result<Task, AppError> {
        let mut settings = self.settings.task();
        settings.plan &= !self.in_conversation;
        Ok(Task {
            id: app.task_id()?,
            session: self.session.clone(),
            text: with_schema(self.text, self.schema),
            workspace: self.workspace.display().to_string(),
            history: self.history,
            settings,
        })
    }
}

fn with_schema(text: &str, schema: Option<&Value>) -> String {
    match schema {
        None => text.to_owned(),
        Some(schema) => format!(
            "{text}\n\n<result-schema>\n{schema}\n</result-schema>\nYour last answer must be one JSON \
             value that follows this schema, and nothing else."
        ),
    }
}
