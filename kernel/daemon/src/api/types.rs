//! What goes over the wire. Times that end in `_ms` are milliseconds since 1970, those that end in `_at` as RFC 3339 has them; money
//! is US dollars.

mod knowledge;
mod questions;
mod schedules;
mod sessions;
mod tasks;
mod value;
mod webhooks;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::{
    knowledge::*, questions::*, schedules::*, sessions::*, tasks::*, webhooks::*,
};

/// That the daemon answers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `ok`.
    pub(crate) status: String,
    /// The version of the daemon.
    pub(crate) version: String,
}

/// How the daemon stands.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Status {
    /// The version of the daemon.
    pub(crate) version: String,
    /// `running`, or `stopping` once it ends.
    pub(crate) daemon: String,
    /// Its process.
    pub(crate) pid: u32,
    /// When it began.
    pub(crate) started_ms: u64,
    /// The task that runs; the one that began first, if several do.
    pub(crate) active_task: Option<Task>,
    /// How many tasks there are of each status that has any.
    pub(crate) tasks: Vec<StatusCount>,
    /// How many questions wait for a person.
    pub(crate) approvals: usize,
    /// What the last 24 hours cost.
    pub(crate) cost_24h_usd: f64,
}

/// How many tasks have a status.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StatusCount {
    /// The status.
    pub(crate) status: String,
    /// How many tasks have it.
    pub(crate) count: u64,
}

/// What the last 24 hours took.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Cost {
    /// The money.
    pub(crate) cost_usd: f64,
    /// True if that is an upper limit, because a price or a count was not told.
    pub(crate) is_upper_limit: bool,
    /// The tokens.
    pub(crate) tokens: u64,
    /// How often a model was asked.
    pub(crate) turns: u64,
    /// The beginning of the 24 hours.
    pub(crate) since_ms: u64,
    /// The same since there is a record.
    pub(crate) total_usd: f64,
    /// What today cost. Days begin at midnight where the daemon runs.
    pub(crate) today_usd: f64,
    /// The most that the daemon spends in a day, if a limit is set.
    pub(crate) limit_usd: Option<f64>,
    /// Each model by itself, the dearest first.
    pub(crate) by_model: Vec<ModelCost>,
}

/// What a model took.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ModelCost {
    /// The model.
    pub(crate) model: String,
    /// The money.
    pub(crate) cost_usd: f64,
    /// The tokens.
    pub(crate) tokens: u64,
    /// How often it was asked.
    pub(crate) turns: u64,
}

/// Why changes of the home are followed.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ChangesAsked {
    /// True if a person looks at what is shown of them: nobody is told besides, on the desktop, what they see already.
    pub(crate) looking: bool,
}

/// Which events are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EventList {
    /// Only those after this number.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub(crate) after: Option<u64>,
    /// The most that are returned; 500 if absent.
    #[schemars(range(min = 1, max = 5000))]
    pub(crate) limit: Option<u32>,
}

/// The events of a task.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Events {
    /// The events, oldest first, as the journal has them.
    pub(crate) events: Vec<Value>,
    /// The number of the last one: `after` of the next page.
    pub(crate) last: u64,
    /// True if there are more.
    pub(crate) more: bool,
}

/// One event of a stream, as `EventSource` has it. A comment, of which no client hears, says now and then that the stream lives.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a stream is written by hand; this is what it is described by")]
pub(crate) struct StreamEvent {
    /// The number to go on after, sent back as `Last-Event-ID`; the event at the end of a task has none.
    pub(crate) id: Option<String>,
    /// The kind of event.
    pub(crate) event: String,
    /// What happened, as JSON.
    pub(crate) data: String,
}

/// A code that opens the web page once.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The code.
    pub(crate) code: String,
}

/// What the web page calls the API with.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LoggedIn {
    /// The token.
    pub(crate) token: String,
}

/// A body without members.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Nothing {}
