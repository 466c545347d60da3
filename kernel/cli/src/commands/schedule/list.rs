//! Schedules, as they are listed.

use openkoi_app::schedules::{self, Schedule, Trigger};
use openkoi_core::document::{Column, ColumnKind, Document, Table, Tone, Value};
use openkoi_storage::tasks::TaskStatus;

use super::done::{facts, notice, unless_daemon_runs};
use crate::{context::Context, error::CommandError, output::Output, reply::Reply};

/// Lists the schedules whose trigger is wanted.
pub(in crate::commands) fn listed(
    is_wanted: impl Fn(&Trigger) -> bool,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let Some(storage) = context.existing_storage()? else {
        return Ok(Reply::new(ScheduleList::default(), json));
    };
    let mut rows = Vec::new();
    for record in storage.schedules()? {
        let schedule = match Schedule::of(record) {
            Ok(schedule) => schedule,
            Err(error) => {
                context.printer.warning(&error.to_string());
                continue;
            }
        };
        if is_wanted(&schedule.spec.trigger) {
            // The task may be deleted at any time.
            let last = schedule.record.last.as_ref();
            let status = last.and_then(|(task, _)| storage.find_task(task.as_str()).ok());
            rows.push((schedule, status.map(|task| task.status)));
        }
    }
    let notice = match rows.is_empty() {
        true => None,
        false => unless_daemon_runs(context, "nothing runs")?,
    };
    Ok(Reply::new(ScheduleList { rows, now_ms: context.app.now_ms(), notice }, json))
}

/// Schedules with the status of the last run of each.
#[derive(Default)]
pub(super) struct ScheduleList {
    rows: Vec<(Schedule, Option<TaskStatus>)>,
    now_ms: u64,
    notice: Option<String>,
}

/// Returns what makes a schedule due, in words.
fn trigger(schedule: &Schedule) -> String {
    match &schedule.spec.trigger {
        Trigger::Time { when, .. } => when.clone(),
        Trigger::Files { path, .. } => format!("when {path} changes"),
    }
}

/// Returns when a schedule is due next, as a person reads it.
pub(super) fn next_words(schedule: &Schedule, now_ms: u64) -> Option<String> {
    let Trigger::Time { zone, .. } = &schedule.spec.trigger else { return None };
    schedule.next_ms(now_ms).map(|next_ms| schedules::shown(next_ms, zone))
}

impl ScheduleList {
    /// Returns what there is to say of a schedule, for a person.
    fn state(&self, schedule: &Schedule, last: Option<TaskStatus>) -> Value {
        if schedule.record.is_paused {
            return Value::toned("paused", Tone::Warning);
        }
        if let Some((note, _)) = &schedule.record.note {
            return Value::toned(note.clone(), Tone::Warning);
        }
        match last {
            Some(status @ TaskStatus::Accepted) => {
                Value::toned(format!("last: {}", status.word()), Tone::Good)
            }
            Some(status) => Value::text(format!("last: {}", status.word())),
            None => Value::Nothing,
        }
    }

    fn row(&self, schedule: &Schedule, last: Option<TaskStatus>) -> Vec<Value> {
        let next = match &schedule.spec.trigger {
            Trigger::Files { .. } => Value::Nothing,
            Trigger::Time { .. } => {
                schedule.next_ms(self.now_ms).map_or(Value::Nothing, Value::Instant)
            }
        };
        let people = [
            trigger(schedule).into(),
            next,
            (&schedule.record.text).into(),
            self.state(schedule, last),
        ];
        let mut facts = facts(schedule, self.now_ms).into_iter().map(|(_, value)| value);
        let id = facts.next().unwrap_or(Value::Nothing);
        std::iter::once(id).chain(people).chain(facts).collect()
    }
}

/// Returns the columns: those for people after the id, then the facts that a program gets.
fn columns() -> Vec<Column> {
    let people = [
        Column::new("id", "ID", ColumnKind::Id),
        Column::for_people("WHEN", ColumnKind::Text),
        Column::for_people("NEXT", ColumnKind::Instant),
        Column::for_people("TASK", ColumnKind::Text),
        Column::for_people("HOW", ColumnKind::Text),
    ];
    let facts = [
        ("kind", ColumnKind::Data),
        ("when", ColumnKind::Text),
        ("timezone", ColumnKind::Text),
        ("path", ColumnKind::Text),
        ("description", ColumnKind::Text),
        ("workspace", ColumnKind::Text),
        ("limits", ColumnKind::Data),
        ("max_cost_per_day_usd", ColumnKind::Data),
        ("missed", ColumnKind::Data),
        ("paused", ColumnKind::Flag),
        ("next_at", ColumnKind::Instant),
        ("last_task_id", ColumnKind::Id),
        ("last_due_at", ColumnKind::Instant),
        ("note", ColumnKind::Text),
    ];
    let facts = facts.map(|(key, kind)| Column::for_programs(key, kind));
    people.into_iter().chain(facts).collect()
}

impl Output for ScheduleList {
    fn document(&self) -> Document {
        let empty =
            "no schedules: openkoi schedule add \"every weekday at 9\" \"review what changed\"";
        let rows = self.rows.iter().map(|(schedule, last)| self.row(schedule, *last));
        let table = Table::new("schedules", columns()).or_else(empty).rows(rows);
        Document::new("Schedules").with(table).with_all(self.notice.as_deref().map(notice))
    }
}
