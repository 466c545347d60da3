//! The levels of trust.

use openkoi_figures::{
    draw::{interval, of, plural, quiet},
    statistics::{bounds, share},
};
use openkoi_sdk::view::{
    Column, ColumnKind, Document, Heading, Moment, Notice, Pairs, Table, Timeline, Tone, Value,
    count,
    facts::{self, Delegation, TrustedDomain},
    paragraph, text, toned,
};
use serde::Deserialize;

/// The levels, from the least to the most.
const LEVELS: [&str; 4] = ["ask", "suggest", "act", "autonomous"];

/// What the report is given.
#[derive(Deserialize)]
pub(crate) struct Given {
    time: facts::Time,
    trust: facts::Trust,
}

/// Returns the levels here.
pub(crate) fn show(given: &Given) -> Document {
    let trust = &given.trust;
    let mut document = Document::new("Trust").with(
        Pairs::new("")
            .for_people("elsewhere", text(meaning(&trust.fallback)))
            .for_programs("default", text(trust.fallback.as_str()))
            .pair("workspace", "workspace", text(trust.workspace.as_str()))
            .pair("rules", "rules", count(trust.rules)),
    );
    document.push(Heading::new("", "Domains"));
    if trust.domains.is_empty() {
        document.push(Notice::new(
            "Nothing was done here yet. Once tasks have changed files, run programs or sent something, the level of each \
             domain stands here with how the work in it went, and a level that outcomes speak for.",
            ["openkoi trust grant files act"],
        ));
    }
    document.push(quiet(table(&trust.domains)));
    for domain in &trust.domains {
        if let Some(notice) = notice(domain) {
            document.push(notice);
        }
    }
    if !trust.ended.is_empty() {
        document.push(Heading::new("", "Ended"));
        document.push(ended(&trust.ended, given.time.now_ms));
    }
    document.push(Heading::new("", ""));
    document.push(paragraph("ask: every change is asked for · suggest: files are changed unasked"));
    document.push(paragraph("act: programs run too · autonomous: things are sent and removed too"));
    document
}

fn meaning(level: &str) -> String {
    format!("{} {level}", gauge(level))
}

/// Returns a level as a gauge of four.
fn gauge(level: &str) -> String {
    let reached = LEVELS.iter().position(|one| *one == level).map_or(0, |at| at + 1);
    format!("{}{}", "■".repeat(reached), "□".repeat(LEVELS.len() - reached))
}

fn table(domains: &[TrustedDomain]) -> Table {
    let mut table = Table::new(
        "domains",
        [
            Column::new("domain", "DOMAIN", ColumnKind::Text),
            Column::for_people("LEVEL", ColumnKind::Text),
            Column::for_people("BECAUSE", ColumnKind::Text),
            Column::for_people("STANDS", ColumnKind::Text),
            Column::for_people("SURE", ColumnKind::Text),
            Column::for_programs("level", ColumnKind::Text),
            Column::for_programs("origin", ColumnKind::Text),
            Column::for_programs("ceiling", ColumnKind::Text),
            Column::for_programs("tasks", ColumnKind::Count),
            Column::for_programs("stand", ColumnKind::Count),
            Column::for_programs("success", ColumnKind::Share),
            Column::for_programs("success_low", ColumnKind::Share),
            Column::for_programs("success_high", ColumnKind::Share),
            Column::for_programs("advice", ColumnKind::Text),
            Column::for_programs("everywhere", ColumnKind::Flag),
            Column::for_programs("reason", ColumnKind::Text),
            Column::for_programs("names", ColumnKind::Data),
            Column::for_programs("granted_at", ColumnKind::Instant),
            Column::for_programs("expires_at", ColumnKind::Instant),
        ],
    )
    .or_else("");
    for one in domains {
        let grant = one.grant.as_ref();
        let (low, high) = bounds(one.outcomes);
        let optional = |word: Option<&str>| word.map_or(Value::Nothing, text);
        table.row([
            text(one.name.as_str()),
            toned(meaning(&one.level), tone(&one.level)),
            text(because(one)),
            text(of(one.outcomes)),
            text(interval(one.outcomes)),
            text(one.level.as_str()),
            text(origin(one)),
            optional(one.ceiling.as_deref()),
            count(one.outcomes.of),
            count(one.outcomes.well),
            share(one.outcomes).map_or(Value::Nothing, Value::Share),
            Value::Share(low),
            Value::Share(high),
            optional(one.advice.as_deref()),
            grant.map_or(Value::Nothing, |grant| Value::Flag(grant.workspace.is_none())),
            optional(grant.map(|grant| grant.reason.as_str())),
            grant.map_or(Value::Nothing, |grant| Value::Texts(grant.names.clone())),
            grant.map_or(Value::Nothing, |grant| Value::Instant(grant.granted_ms)),
            grant.and_then(|grant| grant.expires_ms).map_or(Value::Nothing, Value::Instant),
        ]);
    }
    table
}

fn tone(level: &str) -> Tone {
    if level == "autonomous" { Tone::Warning } else { Tone::Neutral }
}

fn origin(domain: &TrustedDomain) -> &'static str {
    match (&domain.grant, &domain.ceiling) {
        (Some(_), _) => "granted",
        (None, Some(_)) => "configured",
        (None, None) => "default",
    }
}

/// Returns where the level comes from, in a few words.
fn because(domain: &TrustedDomain) -> String {
    let Some(grant) = &domain.grant else { return origin(domain).to_owned() };
    let mut words = match (&grant.workspace, grant.level == domain.level) {
        (Some(_), true) => "granted here".to_owned(),
        (None, true) => "granted everywhere".to_owned(),
        (_, false) => format!("{} granted, more than is configured", grant.level),
    };
    if !grant.reason.is_empty() {
        words.push_str(&format!(": {}", grant.reason));
    }
    words
}

/// Returns what outcomes say about a level, if they speak for another one or are too few.
fn notice(domain: &TrustedDomain) -> Option<Notice> {
    let name = &domain.name;
    if let Some(advice) = &domain.advice {
        let at = |level: &str| LEVELS.iter().position(|one| *one == level);
        let (words, tone) = match at(advice) > at(&domain.level) {
            true => (format!("{} stand: it could be {advice}", of(domain.outcomes)), Tone::Good),
            false => (
                format!("only {} stand: it should be {advice}", of(domain.outcomes)),
                Tone::Warning,
            ),
        };
        let hint = format!("openkoi trust grant {name} {advice}");
        return Some(Notice { tone, about: name.clone(), ..Notice::new(words, [hint]) });
    }
    let few = domain.wanting > 0 && domain.outcomes.of > 0;
    few.then(|| {
        let more = plural(domain.wanting, "more task");
        let words = format!("{more} before outcomes say anything about its level");
        Notice { about: name.clone(), ..Notice::new(words, [""; 0]) }
    })
}

fn ended(grants: &[Delegation], now_ms: u64) -> Timeline {
    let moment = |grant: &Delegation| {
        let why = match grant.ended.as_str() {
            "undone" => "its work was undone",
            "replaced" => "another one took its place",
            "revoked" => "you took it back",
            _ => "its time was over",
        };
        let at = grant.ended_ms.or(grant.expires_ms).unwrap_or(now_ms);
        let tone = if grant.ended == "undone" { Tone::Bad } else { Tone::Neutral };
        let words = format!("{} {}: {why}", grant.domain, grant.level);
        Moment { detail: grant.reason.clone(), tone, ..Moment::new(at, words) }
    };
    Timeline { key: "ended".to_owned(), moments: grants.iter().map(moment).collect() }
}
