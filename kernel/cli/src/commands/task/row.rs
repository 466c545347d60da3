//! A task as a row of a table, as JSON, and the words and colours of its fields.

use openkoi_storage::tasks::{TaskRecord, TaskStatus};
use serde_json::{Value, json};

use crate::output::{
    Align, Cell, Page, Style, Table, count, money_at_most, sanitise_line, timestamp,
};

/// Returns the first line of a text that is not blank.
pub(in crate::commands) fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Returns tasks as a table.
pub(in crate::commands) fn task_table(tasks: &[TaskRecord], page: &Page) -> Table {
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new([
        ("ID", left),
        ("STATUS", left),
        ("SCORE", right),
        ("COST", right),
        ("STARTED", left),
        ("TASK", left),
    ]);
    for task in tasks {
        table.row([
            Cell::styled(task.id.short(), Style::Strong),
            Cell::styled(task.status.word(), style(task.status)),
            score(task.score).into(),
            money_at_most(task.cost_micros, task.at_most).into(),
            page.ago(task.started_ms).into(),
            first_line(&task.text).into(),
        ]);
    }
    table
}

/// Returns the style of a status. Its word says the same.
pub(in crate::commands) fn style(status: TaskStatus) -> Style {
    match status {
        TaskStatus::Accepted => Style::Good,
        TaskStatus::Failed => Style::Bad,
        TaskStatus::Stopped
        | TaskStatus::Paused
        | TaskStatus::Cancelled
        | TaskStatus::Interrupted => Style::Caution,
        TaskStatus::Running => Style::Plain,
    }
}

/// Returns a score as the progress lines show it, out of ten.
pub(in crate::commands) fn score(score: Option<f64>) -> String {
    score.map_or_else(|| "-".to_owned(), |score| format!("{:.1}", score * 10.0))
}

/// Returns money and tokens in words.
pub(in crate::commands) fn cost(micros: u64, at_most: bool, tokens: u64) -> String {
    format!("{} ({} tokens)", money_at_most(micros, at_most), count(tokens))
}

/// Returns the value of the field `cost`, with why it is an upper limit.
pub(in crate::commands) fn reasoned_cost(
    (micros, at_most, tokens): (u64, bool, u64),
    why: Option<&str>,
) -> String {
    match why {
        Some(why) => format!("≤ {}, because {}", cost(micros, false, tokens), sanitise_line(why)),
        None => cost(micros, at_most, tokens),
    }
}

/// Says below money on a screen why it is an upper limit. A pipe gets what it always got.
pub(in crate::commands) fn footnote(page: &mut Page, why: Option<&str>) {
    if let Some(why) = why.filter(|_| page.is_on_screen()) {
        page.styled(format!("≤ because {}", sanitise_line(why)), Style::Faint);
    }
}

/// Returns US dollars, for JSON.
pub(in crate::commands) fn dollars(micros: u64) -> f64 {
    micros as f64 / 1_000_000.0
}

/// Returns a task as JSON.
pub(in crate::commands) fn task_json(task: &TaskRecord) -> Value {
    json!({
        "id": task.id,
        "session_id": task.session,
        "text": task.text,
        "status": task.status.word(),
        "workspace": task.workspace,
        "model": task.model,
        "started_at": timestamp(task.started_ms),
        "ended_at": task.ended_ms.map(timestamp),
        "iterations": task.iterations,
        "score": task.score,
        "tokens": task.tokens,
        "cost_usd": dollars(task.cost_micros),
        "cost_is_at_most": task.at_most,
        "ending": task.ending,
    })
}
