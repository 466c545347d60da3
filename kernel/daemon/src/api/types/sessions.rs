//! Sessions, and what is said in them.

use openkoi_storage::sessions::SessionRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::{PATH, SAYING};

/// Sessions, the one with the latest news first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Sessions {
    /// The sessions.
    pub(crate) sessions: Vec<Session>,
}

/// A session: a conversation, or a task by itself.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Session {
    /// Its id.
    pub(crate) id: String,
    /// `chat` or `task`.
    pub(crate) kind: String,
    /// How it stands.
    pub(crate) status: String,
    /// What it is about.
    pub(crate) title: String,
    /// The directory that it is held in.
    pub(crate) workspace: String,
    /// When it began.
    pub(crate) created_ms: u64,
    /// When there was last news.
    pub(crate) updated_ms: u64,
    /// How many tasks it has.
    pub(crate) tasks: u64,
    /// What they cost.
    pub(crate) cost_usd: f64,
}

impl Session {
    /// Returns a session as clients see it.
    pub(crate) fn of(record: SessionRecord) -> Self {
        Self {
            id: record.id.as_str().to_owned(),
            kind: record.kind.word().to_owned(),
            status: record.status.word().to_owned(),
            title: record.title,
            workspace: record.workspace,
            created_ms: record.created_ms,
            updated_ms: record.updated_ms,
            tasks: record.tasks,
            cost_usd: record.cost_micros as f64 / 1e6,
        }
    }
}

/// Which of many are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Page {
    /// The most that are returned; 50 if absent.
    #[schemars(range(min = 1, max = 500))]
    pub(crate) limit: Option<u32>,
}

/// A conversation that begins.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewSession {
    /// The absolute path of the directory that it is held in.
    #[schemars(regex(pattern = PATH))]
    pub(crate) workspace: Option<String>,
    /// What it is about.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) title: Option<String>,
}

/// The next message of a conversation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTurn {
    /// What the user says.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) message: String,
    /// The model: provider/model, or a name that one provider has.
    #[schemars(length(min = 1))]
    pub(crate) model: Option<String>,
    /// False to be answered when the answer is there.
    pub(crate) detach: Option<bool>,
}

/// What was said in a session.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Turns {
    /// The messages, oldest first.
    pub(crate) messages: Vec<Value>,
}
