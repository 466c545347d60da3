//! Fields of work, and the whole map.

use openkoi_figures::{
    draw::{interval, length, plural, quiet, tone},
    statistics::{bounds, share},
};
use openkoi_sdk::view::{
    Bars, Column, ColumnKind, Document, Heading, Notice, Pairs, Table, Value, count, facts,
    paragraph, text,
};

use crate::{human, tools};

/// The most bars of a part of the map.
const MOST: usize = 5;

const EMPTY: &str = "No task has changed a file yet. After the first ones stands here for each kind of work how much of it \
                     was accepted and left so, and what was learnt about it.";

/// Returns the fields with the most tasks first.
fn by_use(atlas: &facts::Atlas) -> Vec<&facts::Domain> {
    let mut domains: Vec<&facts::Domain> = atlas.domains.iter().collect();
    domains.sort_by(|one, other| {
        let size = |one: &facts::Domain| (one.tasks.of, one.learnings);
        size(other).cmp(&size(one)).then(one.name.cmp(&other.name))
    });
    domains
}

fn bars(domains: &[&facts::Domain]) -> Bars {
    let mut bars = Bars { full: Some(1.0), ..Bars::new("") };
    for domain in domains.iter().filter(|domain| domain.tasks.of > 0) {
        bars.bar(
            &domain.name,
            length(domain.tasks),
            text(interval(domain.tasks)),
            tone(domain.tasks),
        );
    }
    bars
}

/// Returns what is known of fields of work.
pub(crate) fn domains(atlas: &facts::Atlas) -> Document {
    let mut document = Document::new("Domains");
    if atlas.domains.is_empty() {
        document.push(Notice::new(EMPTY, ["openkoi demo"]));
    }
    let domains = by_use(atlas);
    document.push(bars(&domains));
    let mut table = Table::new(
        "domains",
        [
            Column::new("name", "DOMAIN", ColumnKind::Text),
            Column::new("tasks", "TASKS", ColumnKind::Count),
            Column::new("stand", "STAND", ColumnKind::Count),
            Column::new("learnings", "LEARNT", ColumnKind::Count),
            Column::new("confidence", "SURE", ColumnKind::Share),
            Column::new("last_at", "LAST", ColumnKind::Instant),
            Column::for_programs("success", ColumnKind::Share),
            Column::for_programs("success_low", ColumnKind::Share),
            Column::for_programs("success_high", ColumnKind::Share),
        ],
    )
    .or_else("");
    for domain in domains {
        let (low, high) = bounds(domain.tasks);
        table.row([
            text(domain.name.as_str()),
            count(domain.tasks.of),
            count(domain.tasks.well),
            count(domain.learnings),
            if domain.learnings > 0 { Value::Share(domain.confidence) } else { Value::Nothing },
            if domain.last_ms > 0 { Value::Instant(domain.last_ms) } else { Value::Nothing },
            share(domain.tasks).map_or(Value::Nothing, Value::Share),
            Value::Share(low),
            Value::Share(high),
        ]);
    }
    document.push(quiet(table));
    document
}

/// Returns all of it, each part in a few lines.
pub(crate) fn map(atlas: &facts::Atlas) -> Document {
    let mut document = Document::new("World");
    let fullest = by_use(atlas);
    let has_tasks = fullest.iter().any(|domain| domain.tasks.of > 0);
    document.push(
        Pairs::new("")
            .pair("tools", "tools", count(atlas.tools.len()))
            .pair("programs", "programs", count(atlas.programs.len()))
            .pair("domains", "domains", count(atlas.domains.len()))
            .pair("words", "you said", count(atlas.human.words.len())),
    );
    document.push(Heading::new("", "Tools: how often a call does what it should"));
    let mut best = tools::bars(atlas);
    best.entries.truncate(MOST);
    match best.entries.is_empty() {
        true => document.push(Notice::new(tools::EMPTY, ["openkoi demo"])),
        false => document.push(best),
    }
    document.push(Heading::new("", "Domains: how much of the work was accepted and left so"));
    match has_tasks {
        true => document.push(bars(&fullest[..fullest.len().min(MOST)])),
        false => document.push(Notice::new(EMPTY, ["openkoi demo"])),
    }
    document.push(Heading::new("human", "You: what became of accepted work"));
    human::habits(&atlas.human, &mut document);
    let said = plural(atlas.human.words.len() as u64, "sentence");
    document.push(Heading::new("", ""));
    document.push(paragraph(format!(
        "More: openkoi world tools, openkoi world domains, openkoi world human ({said} of yours)"
    )));
    document
}
