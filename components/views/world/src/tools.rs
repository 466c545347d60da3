//! Tools and programs: how reliable they are here, how they fail, and when they were called.

use openkoi_figures::{
    draw::{interval, length, plural, quiet, rate, sparkline, tone},
    statistics::share,
};
use openkoi_sdk::{
    Failure, Result,
    records::{self, Call, CallOutcome, Query},
    view::{
        Bars, Column, ColumnKind, Document, Heading, Moment, Notice, Pairs, Table, Timeline, Tone,
        Value, count, facts, text, toned,
    },
};

/// The most bars and rows of a list.
const MOST: usize = 20;
/// The calls of a tool that are shown, and those that are looked at for them.
const SHOWN: usize = 10;
const LOOKED_AT: u32 = 10_000;
/// The days whose calls are drawn.
const DAYS: usize = 14;
/// A failure that is told in a few words.
const FEW_KINDS: usize = 3;

pub(crate) const EMPTY: &str = "No tool was called yet. What each does here, how often it fails and how long it takes stands here after the first tasks.";

/// Returns what is known of all tools and programs.
pub(crate) fn tools(atlas: &facts::Atlas, time: &facts::Time) -> Result<Document> {
    let mut document = Document::new("Tools");
    if atlas.tools.is_empty() && atlas.programs.is_empty() {
        document.push(Notice::new(EMPTY, ["openkoi demo"]));
    }
    let calls = calls()?;
    if !atlas.tools.is_empty() {
        document.push(Heading::new("", "Tools"));
    }
    document.push(bars(atlas));
    document.push(quiet(table(atlas, &calls, time)));
    if !atlas.programs.is_empty() {
        document.push(Heading::new("", "Programs"));
    }
    document.push(quiet(programs(atlas)));
    if !atlas.tools.is_empty() {
        document.push(openkoi_sdk::view::paragraph("openkoi world tools NAME shows one of them"));
    }
    Ok(document)
}

fn calls() -> Result<Vec<Call>> {
    records::calls(&Query { task: None, since_ms: None, limit: LOOKED_AT })
}

/// Returns the tools with the most calls first.
pub(crate) fn by_use(atlas: &facts::Atlas) -> Vec<&facts::Tool> {
    let mut tools: Vec<&facts::Tool> = atlas.tools.iter().collect();
    tools.sort_by(|one, other| {
        (other.calls.of + other.denied)
            .cmp(&(one.calls.of + one.denied))
            .then(one.name.cmp(&other.name))
    });
    tools
}

/// Returns how reliable tools are as bars, for people alone: the table has the figures.
pub(crate) fn bars(atlas: &facts::Atlas) -> Bars {
    let mut bars = Bars { full: Some(1.0), ..Bars::new("") };
    for tool in by_use(atlas).into_iter().filter(|tool| tool.calls.of > 0).take(MOST) {
        bars.bar(&tool.name, length(tool.calls), text(interval(tool.calls)), tone(tool.calls));
    }
    bars
}

fn failures(failures: &[(String, u64)]) -> String {
    let shown = failures.iter().take(FEW_KINDS).map(|(kind, count)| format!("{kind} {count}"));
    shown.collect::<Vec<_>>().join(", ")
}

/// Returns how often a tool was called on each of the last two weeks' days, the oldest first.
fn by_day(calls: &[Call], tool: &str, time: &facts::Time) -> Vec<f64> {
    let mut days = vec![0.0; time.days_ms.len().min(DAYS)];
    for call in calls.iter().filter(|call| call.tool == tool) {
        // The first day is today.
        if let Some(day) = time.days_ms.iter().take(DAYS).position(|begin| call.at_ms >= *begin) {
            days[day] += 1.0;
        }
    }
    days.reverse();
    days
}

fn table(atlas: &facts::Atlas, calls: &[Call], time: &facts::Time) -> Table {
    let mut table = Table::new(
        "tools",
        [
            Column::new("name", "TOOL", ColumnKind::Text),
            Column::new("calls", "CALLS", ColumnKind::Count),
            Column::new("failed", "FAILED", ColumnKind::Count),
            Column::new("refused", "REFUSED", ColumnKind::Count),
            Column::new("median_ms", "MEDIAN", ColumnKind::Duration),
            Column::for_people("BY DAY", ColumnKind::Text),
            Column::for_people("FAILURES", ColumnKind::Text),
            Column::for_programs("reliability", ColumnKind::Share),
            Column::for_programs("reliability_low", ColumnKind::Share),
            Column::for_programs("reliability_high", ColumnKind::Share),
            Column::for_programs("failures", ColumnKind::Data),
        ],
    )
    .or_else("");
    for tool in by_use(atlas) {
        let (low, high) = openkoi_figures::statistics::bounds(tool.calls);
        let words = tool.failures.iter().map(|(kind, count)| format!("{kind}: {count}"));
        table.row([
            text(tool.name.as_str()),
            count(tool.calls.of),
            count(tool.calls.of - tool.calls.well),
            count(tool.denied),
            Value::Duration(tool.median_ms),
            text(sparkline(&by_day(calls, &tool.name, time))),
            text(failures(&tool.failures)),
            share(tool.calls).map_or(Value::Nothing, Value::Share),
            Value::Share(low),
            Value::Share(high),
            Value::Texts(words.collect()),
        ]);
    }
    table
}

fn programs(atlas: &facts::Atlas) -> Table {
    let mut table = Table::new(
        "programs",
        [
            Column::new("name", "PROGRAM", ColumnKind::Text),
            Column::new("runs", "RUNS", ColumnKind::Count),
            Column::new("failed", "FAILED", ColumnKind::Count),
            Column::new("median_ms", "MEDIAN", ColumnKind::Duration),
            Column::for_people("", ColumnKind::Text),
            Column::for_programs("not_found", ColumnKind::Count),
            Column::for_programs("instead", ColumnKind::Text),
        ],
    )
    .or_else("");
    let mut programs: Vec<&facts::Program> = atlas.programs.iter().collect();
    programs.sort_by(|one, other| other.runs.of.cmp(&one.runs.of).then(one.name.cmp(&other.name)));
    for program in programs.into_iter().take(MOST) {
        let missing = program.not_found > 0 && program.not_found == program.runs.of;
        let about = match (&program.instead, missing) {
            (Some(instead), _) => toned(format!("not there; {instead} is"), Tone::Warning),
            (None, true) => toned("not there", Tone::Warning),
            (None, false) => Value::Nothing,
        };
        table.row([
            text(program.name.as_str()),
            count(program.runs.of),
            count(program.runs.of - program.runs.well),
            Value::Duration(program.median_ms),
            about,
            count(program.not_found),
            program.instead.as_deref().map_or(Value::Nothing, text),
        ]);
    }
    table
}

/// Returns what is known of one tool.
pub(crate) fn tool(atlas: &facts::Atlas, name: &str) -> Result<Document> {
    let found = atlas.tools.iter().find(|tool| tool.name == name);
    let tool = found.ok_or_else(|| Failure::NotFound(format!("call of a tool `{name}` yet")))?;
    let (low, high) = openkoi_figures::statistics::bounds(tool.calls);
    let mut document = Document::new(format!("Tool {name}")).with(
        Pairs::new("")
            .pair("name", "tool", text(name))
            .for_people("reliable", text(rate(tool.calls)))
            .for_programs("calls", count(tool.calls.of))
            .for_programs("failed", count(tool.calls.of - tool.calls.well))
            .for_programs("reliability", share(tool.calls).map_or(Value::Nothing, Value::Share))
            .for_programs("reliability_low", Value::Share(low))
            .for_programs("reliability_high", Value::Share(high))
            .pair("refused", "refused", count(tool.denied))
            .pair("median_ms", "median", Value::Duration(tool.median_ms)),
    );
    if !tool.failures.is_empty() {
        document.push(Heading::new("", "How it fails"));
        let mut bars = Bars::new("failures");
        for (kind, times) in &tool.failures {
            bars.bar(kind, *times as f64, count(*times), Tone::Neutral);
        }
        document.push(bars);
    }
    let own: Vec<Call> = calls()?.into_iter().filter(|call| call.tool == name).collect();
    document.push(Heading::new("", format!("The last of {}", plural(own.len() as u64, "call"))));
    document.push(history(&own));
    Ok(document)
}

fn history(calls: &[Call]) -> Timeline {
    let moment = |call: &Call| {
        let (word, tone) = match call.outcome {
            CallOutcome::Ok => ("done", Tone::Good),
            CallOutcome::Failed => ("failed", Tone::Bad),
            CallOutcome::Denied => ("refused", Tone::Warning),
            CallOutcome::Unknown => ("unknown", Tone::Neutral),
        };
        let task: String = short(&call.task);
        let words = format!("{word} in {} ms, task {task}", call.duration_ms);
        Moment { tone, ..Moment::new(call.at_ms, words) }
    };
    Timeline { key: "history".to_owned(), moments: calls.iter().take(SHOWN).map(moment).collect() }
}

/// Returns the end of an id, as people are shown it.
pub(crate) fn short(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(8);
    id.chars().skip(skipped).collect()
}
