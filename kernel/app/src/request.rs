//! From a request to a task. Surfaces describe the request as a [`TaskRequest`].

use std::{path::Path, time::Duration};

use openkoi_core::{blob::Blob, id::SessionId, message::Message, task::Task};
use serde_json::Value;

use crate::{app::App, error::AppError, settings::Settings};

/// A request for work, as a surface has it.
#[derive(Clone, Debug)]
pub struct TaskRequest<'a> {
    /// The words of the request, standard input included. Not empty.
    pub text: &'a str,
    /// Pictures and documents that belong to the request.
    pub attachments: Vec<Blob>,
    /// The session that the task belongs to.
    pub session: &'a SessionId,
    /// The earlier messages of the session, oldest first.
    pub history: Vec<Message>,
    /// The absolute path of the directory to work in, without links.
    pub workspace: &'a Path,
    /// The settings, with what the surface was told.
    pub settings: &'a Settings,
    /// The JSON Schema that the result has to follow.
    pub schema: Option<&'a Value>,
    /// True if it is a message of a conversation: a person judges the answer, so no plan is made
    /// first.
    pub in_conversation: bool,
    /// How the task is deliberated about before anything is done, if it is.
    pub think: Option<Think>,
    /// True if a person is there, who can see that the task goes on and can end it.
    pub attended: bool,
}

/// A deliberation before a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Think {
    /// True if the deliberation is all there is, and nothing is done.
    pub simulate: bool,
    /// Reason for which the user overrules what the chamber stops.
    pub overruled: Option<String>,
}

/// Longest time of a task that nobody watches and for which the user set no time.
const UNATTENDED: Duration = Duration::from_secs(3_600);

impl TaskRequest<'_> {
    /// Returns the task, with an id of its own.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn task(self, app: &App) -> Result<Task, AppError> {
        let mut settings = self.settings.task();
        settings.plan &= !self.in_conversation;
        settings.attended = self.attended;
        if let Some(Think { simulate, overruled }) = self.think {
            (settings.think, settings.simulate, settings.overruled) = (true, simulate, overruled);
        }
        settings.spares &= settings.think;
        if !self.attended {
            settings.max_time_ms.get_or_insert(UNATTENDED.as_millis() as u64);
        }
        Ok(Task {
            id: app.task_id()?,
            session: self.session.clone(),
            text: with_schema(self.text, self.schema),
            workspace: self.workspace.display().to_string(),
            history: self.history,
            settings,
            result_schema: self.schema.cloned(),
            attachments: self.attachments,
            earlier: Vec::new(),
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
