//! Where it was wrong: claims that checks refuted, acceptances that were undone, verdicts that were overturned; what was learnt, and
//! whether that has helped since.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use openkoi_figures::{
    draw::{between, interval, of, plural, quiet},
    statistics::{FEWEST, bounds, share},
    work::{self, Work, beginning, short, tally},
};
use openkoi_sdk::{
    Result,
    records::{self, IterationDecision},
    view::{
        Column, ColumnKind, Document, Heading, Moment, Notice, Pairs, Table, Timeline, Tone, Value,
        count,
        facts::{Learning, Tally},
        id, text, toned,
    },
};

use crate::given::{EMPTY, Given};

/// From this score on a verdict calls work good.
const GOOD: f64 = 0.8;
/// The moments and learnings that are shown.
const SHOWN: usize = 12;
const TEXT: usize = 60;

/// What was said, and what came of it.
struct Account {
    /// Works that were presented as done for the first time, and how many of them held what was said.
    claims: Tally,
    refuted: BTreeSet<String>,
    /// Accepted works that the user was seen to do something with, and how many were kept as they were.
    acceptances: Tally,
    /// Verdicts that called work good, of which it is known what became of it, and how many were right.
    verdicts: Tally,
    overturned: BTreeMap<String, Vec<String>>,
}

fn account(works: &[Work]) -> Result<Account> {
    let query = work::everything();
    let (mut claims, mut refuted) = (Tally::default(), BTreeSet::new());
    for one in records::iterations(&query)?.into_iter().filter(|one| one.number == 1) {
        let held = one.decision == IterationDecision::Accept;
        claims.of += 1;
        claims.well += u64::from(held);
        if !held {
            refuted.insert(one.task);
        }
    }
    let seen = works.iter().filter(|work| work.reaction.is_some());
    let acceptances = tally(seen.filter_map(Work::was_right));
    let known: HashMap<&str, bool> =
        works.iter().filter_map(|work| Some((work.task.id.as_str(), work.was_right()?))).collect();
    let (mut verdicts, mut overturned) = (Tally::default(), BTreeMap::<String, Vec<String>>::new());
    let mut last = BTreeSet::new();
    // The newest come first: of each task the last verdict of each judge counts.
    for one in records::verdicts(&query)? {
        let Some(score) =
            one.score.filter(|_| last.insert((one.task.clone(), one.evaluator.clone())))
        else {
            continue;
        };
        let Some(is_right) = known.get(one.task.as_str()).filter(|_| score >= GOOD) else {
            continue;
        };
        verdicts.of += 1;
        verdicts.well += u64::from(*is_right);
        if !is_right {
            overturned.entry(one.task).or_default().push(one.evaluator);
        }
    }
    Ok(Account { claims, refuted, acceptances, verdicts, overturned })
}

impl Account {
    fn lines(&self) -> [(&'static str, &'static str, Tally); 3] {
        [
            ("claims", "first claims that held", self.claims),
            ("acceptances", "acceptances that were kept", self.acceptances),
            ("verdicts", "good verdicts that were right", self.verdicts),
        ]
    }
}

/// Returns how often what was said held.
pub(crate) fn summary(works: &[Work]) -> Result<Table> {
    Ok(table(&account(works)?))
}

fn table(account: &Account) -> Table {
    let mut table = Table::new(
        "said",
        [
            Column::for_people("SAID", ColumnKind::Text),
            Column::for_people("HELD", ColumnKind::Text),
            Column::for_people("SURE", ColumnKind::Text),
            Column::for_programs("what", ColumnKind::Text),
            Column::for_programs("held", ColumnKind::Count),
            Column::for_programs("of", ColumnKind::Count),
            Column::for_programs("share", ColumnKind::Share),
            Column::for_programs("low", ColumnKind::Share),
            Column::for_programs("high", ColumnKind::Share),
        ],
    );
    for (key, words, tally) in account.lines() {
        let (low, high) = bounds(tally);
        table.row([
            text(words),
            text(of(tally)),
            text(interval(tally)),
            text(key),
            count(tally.well),
            count(tally.of),
            share(tally).map_or(Value::Nothing, Value::Share),
            Value::Share(low),
            Value::Share(high),
        ]);
    }
    table
}

/// Returns the report of what was wrong.
pub(crate) fn honest(given: &Given, works: &[Work]) -> Result<Document> {
    let account = account(works)?;
    let mut document = Document::new("Honesty");
    if works.is_empty() {
        document.push(Notice::new(EMPTY, ["openkoi demo"]));
    }
    document.push(table(&account));
    let wrong: Vec<(&Work, String)> =
        works.iter().filter_map(|work| Some((work, wrong(work, &account)?))).collect();
    if !wrong.is_empty() {
        document.push(Heading::new(
            "",
            format!("{} in which something was wrong", plural(wrong.len() as u64, "task")),
        ));
    }
    document.push(moments(&wrong));
    document.push(listed(&wrong));
    learnt(given, &mut document);
    Ok(document)
}

/// Returns what was wrong about a task, if something was.
fn wrong(work: &Work, account: &Account) -> Option<String> {
    let task = work.task.id.as_str();
    let mut words = Vec::new();
    if account.refuted.contains(task) {
        words.push("said to be done when it was not".to_owned());
    }
    if work.was_right() == Some(false) && work.reaction.is_some() {
        words.push(work.word().to_owned());
    }
    if let Some(judges) = account.overturned.get(task) {
        words.push(format!("{} had called it good", judges.join(", ")));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

fn moments(wrong: &[(&Work, String)]) -> Timeline {
    let moment = |(work, words): &(&Work, String)| {
        let said = format!("{}  {}", short(&work.task.id), beginning(&work.task.text, TEXT));
        let tone = if work.stands() == Some(false) { Tone::Bad } else { Tone::Warning };
        Moment { detail: words.clone(), tone, ..Moment::new(work.task.started_ms, said) }
    };
    Timeline { key: String::new(), moments: wrong.iter().take(SHOWN).map(moment).collect() }
}

fn listed(wrong: &[(&Work, String)]) -> Table {
    let mut table = Table::new(
        "wrong",
        [
            Column::for_programs("task", ColumnKind::Id),
            Column::for_programs("what", ColumnKind::Text),
            Column::for_programs("outcome", ColumnKind::Text),
            Column::for_programs("started_at", ColumnKind::Instant),
        ],
    );
    for (work, words) in wrong {
        table.row([
            id(work.task.id.as_str()),
            text(words.as_str()),
            text(work.word()),
            Value::Instant(work.task.started_ms),
        ]);
    }
    table
}

/// Puts what was learnt, and whether it has helped since, at the end of a document.
fn learnt(given: &Given, document: &mut Document) {
    let mut learnt: Vec<&Learning> = given.learnings.iter().filter(|one| !one.said).collect();
    learnt.sort_by_key(|one| std::cmp::Reverse(one.learnt_ms));
    if !learnt.is_empty() {
        document.push(Heading::new("", "What was learnt, and whether it has helped since"));
    }
    let mut table = Table::new(
        "learnt",
        [
            Column::new("id", "ID", ColumnKind::Id),
            Column::new("text", "LEARNT", ColumnKind::Text),
            Column::for_people("SINCE THEN", ColumnKind::Text),
            Column::for_programs("helped", ColumnKind::Count),
            Column::for_programs("failed", ColumnKind::Count),
            Column::for_programs("state", ColumnKind::Text),
            Column::for_programs("task", ColumnKind::Id),
        ],
    );
    for one in learnt.into_iter().take(SHOWN) {
        table.row([
            id(one.id.as_str()),
            text(one.text.as_str()),
            since(one),
            count(one.helped),
            count(one.failed),
            text(one.state.as_str()),
            id(one.task.as_str()),
        ]);
    }
    document.push(quiet(table));
    let all = |helped: fn(&Learning) -> u64| given.learnings.iter().map(helped).sum::<u64>();
    document.push(
        Pairs::new("")
            .for_programs("learnings_helped", count(all(|one| one.helped)))
            .for_programs("learnings_failed", count(all(|one| one.failed))),
    );
}

fn since(one: &Learning) -> Value {
    let tally = Tally { well: one.helped, of: one.helped + one.failed };
    match (one.state.as_str(), tally.of) {
        ("retired", _) => toned("found to be of no use", Tone::Bad),
        ("superseded", _) => text("another one took its place"),
        (_, 0) => text("no task was told it yet"),
        (_, few) if few < FEWEST => {
            text(format!("{} tasks with it stand, too few to say", of(tally)))
        }
        _ => text(format!("{} tasks with it stand ({})", of(tally), between(bounds(tally)))),
    }
}
