//! What work is held to: SOUL.md, what the user's choices show, and how both change.

use openkoi_figures::{
    draw::{length, plural, quiet, rate},
    work::short,
};
use openkoi_sdk::{
    Failure, Result, export_view,
    view::{
        Bars, Column, ColumnKind, Document, Heading, Moment, Notice, Pairs, Table, Timeline, Tone,
        Value, Verbatim, View, arguments, count,
        facts::{Soul, SoulChange, SoulProposal, Trait},
        paragraph, text,
    },
};
use serde::Deserialize;

/// The component.
struct Souls;

/// What the reports are given.
#[derive(Deserialize)]
struct Given {
    soul: Soul,
}

impl View for Souls {
    fn render(name: &str, text: &str) -> Result<Document> {
        let Given { soul } = arguments(text)?;
        match name {
            "show" => Ok(show(&soul)),
            "diff" => Ok(diff(&soul)),
            "history" => Ok(history(&soul)),
            other => Err(Failure::NotFound(format!("report `{other}`"))),
        }
    }
}

export_view!(Souls);

fn show(soul: &Soul) -> Document {
    let whose = match soul.origin.as_str() {
        "own" => "your own",
        "project" => "the project's, as your configuration says",
        _ => "the one that comes with OpenKoi",
    };
    let mut document = Document::new("Soul").with(
        Pairs::new("")
            .for_people("SOUL.md", text(whose))
            .for_programs("origin", text(soul.origin.as_str()))
            .pair("path", "your own is", text(soul.path.as_str()))
            .pair("changes", "changes", count(soul.changes.len()))
            .pair("proposals", "proposals", count(soul.proposals.len())),
    );
    document.push(Heading::new("", "SOUL.md"));
    document.push(Verbatim::new("text", "markdown", soul.text.as_str()));
    document.push(Heading::new("", "What your choices show"));
    traits(
        "values",
        &soul.values,
        "Nothing is certain yet. From five works on that you kept, changed or undid in one field, or five questions that you \
         answered, stands here what they show.",
        &mut document,
    );
    document.push(Heading::new("", "What is changing"));
    traits(
        "trajectory",
        &soul.trajectory,
        "Nothing that is certain. What you did with the work of the last two weeks is compared with what you did before.",
        &mut document,
    );
    if !soul.proposals.is_empty() {
        document.push(Heading::new("", ""));
        let words = format!("{} to decide", plural(soul.proposals.len() as u64, "proposal"));
        document.push(Notice::new(words, ["openkoi soul diff", "openkoi soul evolve"]));
    }
    document
}

/// Puts what choices show at the end of a document.
fn traits(key: &str, all: &[Trait], none: &str, document: &mut Document) {
    if all.is_empty() {
        document.push(Notice::new(none, [""; 0]));
    }
    let mut bars = Bars { full: Some(1.0), ..Bars::new("") };
    for one in all {
        bars.bar(
            one.text.trim_end_matches('.'),
            length(one.choices),
            text(rate(one.choices)),
            Tone::Neutral,
        );
    }
    document.push(bars);
    let columns = [
        Column::for_programs("text", ColumnKind::Text),
        Column::for_programs("choices", ColumnKind::Count),
        Column::for_programs("of", ColumnKind::Count),
        Column::for_programs("tasks", ColumnKind::Data),
    ];
    let mut table = Table::new(key, columns);
    for one in all {
        table.row([
            text(one.text.as_str()),
            count(one.choices.well),
            count(one.choices.of),
            Value::Texts(one.tasks.clone()),
        ]);
    }
    document.push(table);
}

/// Returns a change as lines that are taken out and put in.
fn lines(before: &str, after: &str) -> String {
    let line = |sign: char, line: &str| match line {
        "" => String::new(),
        line => format!("{sign}{line}\n"),
    };
    line('-', before) + &line('+', after)
}

fn evidence(reason: &str, tasks: &[String]) -> String {
    let tasks: Vec<String> = tasks.iter().map(|task| short(task)).collect();
    match tasks.is_empty() {
        true => reason.to_owned(),
        false => format!("{reason} (tasks {})", tasks.join(", ")),
    }
}

fn diff(soul: &Soul) -> Document {
    let mut document = Document::new("Proposed changes");
    if soul.proposals.is_empty() {
        document.push(Notice::new(
            "Nothing is proposed. What you said for every directory, and what your choices show to be wrong again and again, \
             becomes a proposal, a line each.",
            ["openkoi soul evolve", "openkoi memory add --everywhere \"Test first.\""],
        ));
    }
    for one in &soul.proposals {
        document.push(Heading::new("", evidence(&one.reason, &one.tasks)));
        document.push(Verbatim::new("", "diff", lines(&one.before, &one.after)));
        document.push(paragraph(format!(
            "openkoi learn accept {0} puts it in, openkoi learn never {0} turns it down",
            short(&one.id)
        )));
    }
    document.push(proposals(&soul.proposals));
    document
}

fn proposals(all: &[SoulProposal]) -> Table {
    let columns = [
        Column::for_programs("id", ColumnKind::Id),
        Column::for_programs("before", ColumnKind::Text),
        Column::for_programs("after", ColumnKind::Text),
        Column::for_programs("reason", ColumnKind::Text),
        Column::for_programs("tasks", ColumnKind::Data),
        Column::for_programs("proposed_at", ColumnKind::Instant),
    ];
    let mut table = Table::new("proposals", columns);
    for one in all {
        table.row([
            Value::Id(one.id.clone()),
            text(one.before.as_str()),
            text(one.after.as_str()),
            text(one.reason.as_str()),
            Value::Texts(one.tasks.clone()),
            Value::Instant(one.at_ms),
        ]);
    }
    table
}

fn history(soul: &Soul) -> Document {
    let mut document = Document::new("History of SOUL.md");
    if soul.changes.is_empty() {
        document.push(Notice::new(
            "SOUL.md was not changed by a proposal yet. Each change that you accept stands here, with what it rests on, and can \
             be undone.",
            ["openkoi soul evolve"],
        ));
    }
    let moment = |one: &SoulChange| {
        let (word, tone) =
            if one.is_undone { ("  (undone since)", Tone::Warning) } else { ("", Tone::Neutral) };
        let words = format!("{}  {}{word}", short(&one.id), evidence(&one.reason, &one.tasks));
        Moment { detail: lines(&one.before, &one.after), tone, ..Moment::new(one.at_ms, words) }
    };
    document
        .push(Timeline { key: String::new(), moments: soul.changes.iter().map(moment).collect() });
    if soul.changes.iter().any(|one| !one.is_undone && !one.is_undo) {
        document.push(paragraph("openkoi soul undo ID takes one back, and without an ID the last"));
    }
    let columns = [
        Column::for_programs("id", ColumnKind::Id),
        Column::for_programs("at", ColumnKind::Instant),
        Column::for_programs("reason", ColumnKind::Text),
        Column::for_programs("before", ColumnKind::Text),
        Column::for_programs("after", ColumnKind::Text),
        Column::for_programs("tasks", ColumnKind::Data),
        Column::for_programs("undone", ColumnKind::Flag),
    ];
    let mut table = Table::new("changes", columns);
    for one in &soul.changes {
        table.row([
            Value::Id(one.id.clone()),
            Value::Instant(one.at_ms),
            text(one.reason.as_str()),
            text(one.before.as_str()),
            text(one.after.as_str()),
            Value::Texts(one.tasks.clone()),
            Value::Flag(one.is_undone),
        ]);
    }
    document.push(quiet(table));
    document
}
