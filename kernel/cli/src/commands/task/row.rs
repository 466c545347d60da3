//! A task as a row of a table, and the words of its fields.

use openkoi_core::document::{Block, Column, ColumnKind, Table, Tone, Value};
use openkoi_storage::tasks::{TaskRecord, TaskStatus};

use crate::output::{count, money_at_most, sanitise_line};

/// Returns the first line of a text that is not blank.
pub(crate) fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Returns the columns of a table of tasks. A program gets all of a task.
fn columns() -> [Column; 15] {
    [
        Column::new("id", "ID", ColumnKind::Id),
        Column::new("status", "STATUS", ColumnKind::Text),
        Column::new("score", "SCORE", ColumnKind::Score),
        Column::new("cost_usd", "COST", ColumnKind::Money),
        Column::new("started_at", "STARTED", ColumnKind::Instant),
        Column::for_people("TASK", ColumnKind::Text),
        Column::for_programs("text", ColumnKind::Text),
        Column::for_programs("session_id", ColumnKind::Id),
        Column::for_programs("workspace", ColumnKind::Text),
        Column::for_programs("model", ColumnKind::Text),
        Column::for_programs("ended_at", ColumnKind::Instant),
        Column::for_programs("iterations", ColumnKind::Count),
        Column::for_programs("tokens", ColumnKind::Tokens),
        Column::for_programs("cost_is_at_most", ColumnKind::Flag),
        Column::for_programs("ending", ColumnKind::Data),
    ]
}

fn row_for_people(task: &TaskRecord) -> [Value; 6] {
    [
        Value::id(&task.id),
        status(task.status),
        task.score.map_or(Value::Nothing, Value::Score),
        Value::money_at_most(task.cost_micros, task.at_most),
        Value::Instant(task.started_ms),
        first_line(&task.text).into(),
    ]
}

fn row(task: &TaskRecord) -> [Value; 15] {
    let [id, status, score, cost, started, line] = row_for_people(task);
    [
        id,
        status,
        score,
        cost,
        started,
        line,
        (&task.text).into(),
        Value::id(&task.session),
        (&task.workspace).into(),
        (&task.model).into(),
        task.ended_ms.map_or(Value::Nothing, Value::Instant),
        Value::count(task.iterations),
        Value::Tokens(task.tokens),
        task.at_most.into(),
        Value::data(&task.ending),
    ]
}

/// Returns tasks as a table for people alone, who see less of them.
pub(crate) fn task_table_for_people(tasks: &[TaskRecord]) -> Table {
    let columns = columns().into_iter().filter(Column::has_title);
    Table::new("", columns).rows(tasks.iter().map(row_for_people))
}

/// Returns tasks as a table.
pub(crate) fn task_table<'a>(key: &str, tasks: impl IntoIterator<Item = &'a TaskRecord>) -> Table {
    Table::new(key, columns()).rows(tasks.into_iter().map(row))
}

/// Returns all of a task for programs, except for what stands under these keys, which the caller tells a person too.
pub(crate) fn task_facts(task: &TaskRecord, told: &[String]) -> Vec<(String, Value)> {
    let keyed = columns().into_iter().map(|column| column.key).zip(row(task));
    keyed.filter(|(key, _)| !key.is_empty() && !told.contains(key)).collect()
}

/// Returns a status as a value.
pub(crate) fn status(status: TaskStatus) -> Value {
    Value::toned(status.word(), tone(status))
}

/// Returns what a status says about the state of things. Its word says the same.
pub(crate) fn tone(status: TaskStatus) -> Tone {
    match status {
        TaskStatus::Accepted => Tone::Good,
        TaskStatus::Failed => Tone::Bad,
        TaskStatus::Stopped
        | TaskStatus::Paused
        | TaskStatus::Cancelled
        | TaskStatus::Interrupted => Tone::Warning,
        TaskStatus::Queued | TaskStatus::Running => Tone::Neutral,
    }
}

/// Returns a score as the progress lines show it, out of ten.
pub(crate) fn score(score: Option<f64>) -> String {
    score.map_or_else(|| "-".to_owned(), |score| format!("{:.1}", score * 10.0))
}

/// Returns money and tokens in words.
pub(crate) fn cost(micros: u64, at_most: bool, tokens: u64) -> String {
    format!("{} ({} tokens)", money_at_most(micros, at_most), count(tokens))
}

/// Returns the value of the field `cost`, with why it is an upper limit.
pub(crate) fn reasoned_cost(
    (micros, at_most, tokens): (u64, bool, u64),
    why: Option<&str>,
) -> String {
    match why {
        Some(why) => format!("≤ {}, because {}", cost(micros, false, tokens), sanitise_line(why)),
        None => cost(micros, at_most, tokens),
    }
}

/// Says below money why it is an upper limit, if it is.
pub(crate) fn footnote(why: Option<&str>) -> Option<Block> {
    why.map(|why| Block::Footnote(vec![format!("≤ because {why}").into()]))
}
