//! What is told of a schedule to which something was done.

use openkoi_app::schedules::{Missed, Schedule, Trigger};
use openkoi_core::document::{Block, Document, Notice, Pairs, Tone, Value};

use crate::{context::Context, error::CommandError, output::Output, reply::Reply};

/// Returns what is to be said if no daemon runs, which alone does what was asked.
pub(in crate::commands) fn unless_daemon_runs(
    context: &Context,
    what: &str,
) -> Result<Option<String>, CommandError> {
    let runs = context.storage()?.daemon()?.is_some();
    Ok((!runs).then(|| format!("{what} until `openkoi daemon start`")))
}

/// Returns what is told of a schedule to which something was done.
pub(super) fn told(
    schedule: Schedule,
    words: &str,
    notice: Option<String>,
    (json, context): (bool, &Context),
) -> Reply {
    let (words, now_ms) = (words.to_owned(), context.app.now_ms());
    Reply::new(Done { schedule, words, now_ms, notice }, json)
}

/// A schedule to which something was done.
struct Done {
    schedule: Schedule,
    words: String,
    now_ms: u64,
    notice: Option<String>,
}

impl Output for Done {
    fn document(&self) -> Document {
        let facts = facts(&self.schedule, self.now_ms);
        let document = Document::new("Schedule")
            .with(Block::paragraph(format!("schedule {} {}", self.schedule.short(), self.words)))
            .with(Pairs::new("").for_programs("schedule", Value::record(facts)));
        document.with_all(self.notice.as_deref().map(notice))
    }
}

/// Returns all of a schedule for a program.
pub(super) fn facts(schedule: &Schedule, now_ms: u64) -> Vec<(&'static str, Value)> {
    let record = &schedule.record;
    let (kind, when, zone, path) = match &schedule.spec.trigger {
        Trigger::Time { when, zone } => ("time", Some(when), Some(zone), None),
        Trigger::Files { path, .. } => ("files", None, None, Some(path)),
    };
    let missed = match schedule.spec.missed {
        Missed::Once => "once",
        Missed::Skip => "skip",
    };
    let (last, due) = record.last.clone().unzip();
    vec![
        ("id", Value::id(&record.id)),
        ("kind", Value::data(&kind)),
        ("when", when.into()),
        ("timezone", zone.into()),
        ("path", path.into()),
        ("description", (&record.text).into()),
        ("workspace", (&record.workspace).into()),
        ("limits", Value::data(&schedule.spec.limits)),
        (
            "max_cost_per_day_usd",
            schedule.spec.day_usd.map_or(Value::Nothing, |dollars| Value::data(&dollars)),
        ),
        ("missed", Value::data(&missed)),
        ("paused", record.is_paused.into()),
        ("next_at", schedule.next_ms(now_ms).map_or(Value::Nothing, Value::Instant)),
        ("last_task_id", last.map_or(Value::Nothing, |task| Value::id(task.as_str()))),
        ("last_due_at", due.map_or(Value::Nothing, Value::Instant)),
        ("note", record.note.as_ref().map(|(note, _)| note).into()),
    ]
}

/// Returns a notice that nothing is wrong but something has to be done.
pub(in crate::commands) fn notice(text: &str) -> Notice {
    Notice { tone: Tone::Warning, text: vec![text.to_owned().into()], ..Notice::default() }
}
