//! From a request to a task. Surfaces describe the request as a [`TaskRequest`].

use std::{path::Path, time::Duration};

use openkoi_core::{
    blob::Blob,
    id::SessionId,
    message::{Message, ReasoningEffort},
    task::Task,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    app::App,
    error::AppError,
    run::ResumeChanges,
    settings::{Layers, Settings, SettingsError},
};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Think {
    /// True if the deliberation is all there is, and nothing is done.
    pub simulate: bool,
    /// Reason for which the user overrules what the chamber stops.
    pub overruled: Option<String>,
}

/// Limits of a run that were asked for. What is absent is as the settings say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most iterations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u32>,
    /// The score from which work is accepted, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
    /// The model: provider/model, or a bare name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How much the executor is asked to reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Most money, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Most fresh tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Most seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

impl Limits {
    /// Lays the limits over settings, as flags of the command line do.
    ///
    /// # Errors
    ///
    /// When a value is out of range.
    pub fn lay(&self, layers: &mut Layers) -> Result<(), SettingsError> {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        if let Some(count) = self.iterations {
            layers.flag("limits.iterations", i64::from(count), "--iterations")?;
        }
        if let Some(score) = self.quality {
            layers.flag("limits.quality", score, "--quality")?;
        }
        if let Some(model) = &self.model {
            layers.model(model, "--model")?;
        }
        if let Some(level) = &self.effort {
            layers.flag("effort.executor", level.clone(), "--effort")?;
        }
        if let Some(dollars) = self.cost_usd {
            layers.flag("limits.cost_usd", dollars, "--max-cost")?;
        }
        if let Some(tokens) = self.tokens {
            layers.flag("limits.tokens", whole(tokens), "--max-tokens")?;
        }
        if let Some(seconds) = self.seconds {
            layers.flag("limits.seconds", whole(seconds), "--max-time")?;
        }
        Ok(())
    }

    /// Returns what the limits change of a task that is resumed.
    pub fn changes(&self) -> ResumeChanges {
        ResumeChanges {
            iterations: self.iterations,
            quality: self.quality,
            cost_micros: self.cost_usd.map(|dollars| (dollars * 1e6).round() as u64),
            tokens: self.tokens,
            seconds: self.seconds,
            effort: self.effort.as_deref().and_then(ReasoningEffort::of),
            overruled: None,
        }
    }
}

/// Longest time of a task that nobody watches and for which the user set no time.
pub(crate) const UNATTENDED: Duration = Duration::from_secs(3_600);

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
