//! What the chamber said and where each way leads, as documents. They are made of the journal and of nothing else.

use std::sync::{Mutex, PoisonError};

use openkoi_core::{
    deliberation::{
        assessment::{Assessment, Caveat, Citation},
        forecast::{Forecast, Ground, Span as Bounds},
        futures::{Futures, Prospect},
        motion::{Motion, Weight},
        names,
        ruling::{Ruling, Seat},
    },
    document::{Block, Column, ColumnKind, Document, Heading, Item, Pairs, Table, Value},
    event::{Entry, Event},
    message::Role,
    port::{Delta, Listener},
};

use std::sync::Arc;

use crate::{
    output::{Output, Printer},
    watch::ProgressLines,
};

/// A listener that shows a whole deliberation once it is over.
pub(super) struct WholeDeliberation {
    lines: Arc<ProgressLines>,
    printer: Printer,
    motion: Mutex<Option<Motion>>,
}

impl WholeDeliberation {
    pub(super) fn new(lines: Arc<ProgressLines>, printer: Printer) -> Self {
        Self { lines, printer, motion: Mutex::default() }
    }
}

impl Listener for WholeDeliberation {
    fn event(&self, entry: &Entry) {
        let mut put = self.motion.lock().unwrap_or_else(PoisonError::into_inner);
        match &entry.event {
            Event::MotionPut { motion, .. } => *put = Some((**motion).clone()),
            Event::DeliberationHeld { seats, ruling, .. } => {
                let Some(motion) = put.take() else { return };
                let document = deliberation(&motion, seats, ruling);
                self.printer.text(&document).lines().for_each(|line| self.lines.detail(line));
            }
            _ => {}
        }
    }

    fn delta(&self, _: &Role, _: Delta<'_>) -> bool {
        false
    }
}

/// Returns the ways that the journal of a simulation has.
pub(super) fn drawn(entries: &[Entry]) -> Option<&Futures> {
    entries.iter().rev().find_map(|entry| match &entry.event {
        Event::FuturesDrawn { futures } => Some(&**futures),
        _ => None,
    })
}

/// Where each way leads, for a person.
pub(super) struct Ways<'a>(pub(super) &'a Futures);

impl Output for Ways<'_> {
    fn document(&self) -> Document {
        ways(self.0)
    }
}

fn ways(futures: &Futures) -> Document {
    let mut document = Document::new("Where each way leads");
    for one in &futures.prospects {
        document = document.with(Heading::new(one.name.replace(' ', "_"), names::shown(&one.name)));
        document = prospect(document, one);
    }
    let chosen = Pairs::new("").pair("chosen", "The chamber takes", futures.chosen.as_str()).pair(
        "because",
        "because",
        futures.because.as_str(),
    );
    document.with(Heading::end()).with(chosen)
}

fn prospect(mut document: Document, one: &Prospect) -> Document {
    if !one.why.is_empty() {
        document = document.with(Block::paragraph(one.why.as_str()));
    }
    if !one.steps.is_empty() {
        let steps = one.steps.iter().map(|step| Item::new(0, step.text.as_str()));
        document = document.with(Block::Items(steps.collect()));
    }
    let texts =
        |texts: &[String]| Value::List(texts.iter().map(|one| Value::text(one.as_str())).collect());
    let powers: Vec<String> = one
        .powers
        .iter()
        .map(|power| format!("{} ({})", power.tool, power.effect.word()))
        .collect();
    let success = match (one.accepted, one.success) {
        (Some(seen), _) => format!("{} of tasks like it were accepted", shares(seen)),
        (None, Some(thought)) => {
            format!("{:.0} %, as the agencies think; no task like it was seen", thought * 100.0)
        }
        (None, None) => "not known".to_owned(),
    };
    let mut pairs = Pairs::new("")
        .for_people("cost", told(one.cost_micros, &dollars))
        .for_people("time", told(one.duration_ms, &seconds));
    if !one.steps.is_empty() {
        pairs =
            pairs.for_people("success", success).for_people("from", basis(one.samples, one.ground));
    }
    if !powers.is_empty() {
        pairs = pairs.pair("powers", "powers", texts(&powers));
    }
    if !one.files.is_empty() {
        pairs = pairs.pair("files", "files", texts(&one.files));
    }
    if !one.steps.is_empty() {
        // The agencies may see more than the plan says: that is among the risks.
        let nothing = vec!["nothing in the plan".to_owned()];
        let beyond = if one.irreversible.is_empty() { &nothing } else { &one.irreversible };
        pairs = pairs
            .for_people("cannot be taken back", texts(beyond))
            .for_programs("irreversible", texts(&one.irreversible));
    }
    document = document.with(pairs);
    if one.risks.is_empty() {
        return document;
    }
    let mut risks = Table::new(
        "risks",
        [
            Column::new("risk", "RISK", ColumnKind::Text),
            Column::new("mitigation", "WHAT HELPS", ColumnKind::Text),
            Column::new("agency", "WHO SEES IT", ColumnKind::Text),
            Column::new("evidence", "ON", ColumnKind::Text),
        ],
    );
    for risk in &one.risks {
        risks.row([
            Value::text(risk.text.as_str()),
            Value::text(risk.mitigation.as_str()),
            Value::text(names::shown(&risk.agency)),
            Value::text(citations(&risk.citations)),
        ]);
    }
    document.with(risks)
}

/// Returns a whole deliberation: what was put, what was computed, what each agency said, and what follows.
pub(super) fn deliberation(motion: &Motion, seats: &[Seat], ruling: &Ruling) -> Document {
    let Motion { forecast, observations, .. } = motion;
    let computed = observations.iter().filter(|one| one.weight > Weight::Note).map(|one| {
        let about =
            format!("{} ({}, on {})", one.text, names::shown(&one.agency), one.citation.told());
        Item::new(0, about)
    });
    let computed: Vec<Item> = computed.collect();
    let mut document = Document::new("Deliberation")
        .with(Heading::new("motion", "Motion"))
        .with(Block::Items(
            motion
                .plan
                .iter()
                .map(|step| Item::new(0, format!("{} {}", step.id, step.text)))
                .collect(),
        ))
        .with(Pairs::new("").pair("forecast", "tasks like it", expectation(forecast)));
    if !computed.is_empty() {
        document = document.with(Heading::new("computed", "Computed")).with(Block::Items(computed));
    }
    let mut said = Table::new(
        "assessments",
        [
            Column::new("agency", "AGENCY", ColumnKind::Text),
            Column::new("vote", "SAYS", ColumnKind::Text),
            Column::new("confidence", "SURE", ColumnKind::Share),
            Column::new("success", "SUCCESS", ColumnKind::Share),
            Column::new("requests", "ASKED", ColumnKind::Count),
            Column::new("cost_usd", "COST", ColumnKind::Money),
            Column::new("reason", "BECAUSE", ColumnKind::Text),
        ],
    );
    for Seat { agency, assessment, requests, spent, .. } in seats {
        let Assessment { vote, confidence, success, reason, .. } = assessment;
        said.row([
            Value::text(names::shown(agency)),
            Value::text(vote.word()),
            Value::Share(*confidence),
            Value::Share(*success),
            Value::count(*requests),
            Value::money_at_most(spent.cost_micros, spent.at_most),
            Value::text(reason.as_str()),
        ]);
    }
    document = document.with(Heading::new("chamber", "Chamber")).with(said);
    let caveats = seats.iter().flat_map(|seat| {
        let of = names::shown(&seat.agency);
        seat.assessment.caveats.iter().map(move |one| item(&of, one))
    });
    let caveats: Vec<Item> = caveats.collect();
    if !caveats.is_empty() {
        document = document.with(Block::Items(caveats));
    }
    document.with(Heading::new("conclusion", "Conclusion")).with(conclusion(seats, ruling))
}

fn conclusion(seats: &[Seat], ruling: &Ruling) -> Pairs {
    let passes = if ruling.stops.is_empty() { "passes" } else { "does not pass" };
    let votes: Vec<&str> = seats.iter().map(|seat| seat.assessment.vote.word()).collect();
    let first = votes.first().copied().unwrap_or_default();
    let dissent = match votes.iter().all(|vote| *vote == first) {
        true => "none".to_owned(),
        false => {
            let each = seats.iter().map(|seat| {
                format!("{} {}", names::shown(&seat.agency), seat.assessment.vote.word())
            });
            each.collect::<Vec<_>>().join(", ")
        }
    };
    let mut pairs =
        Pairs::new("").pair("ruling", "the motion", passes).pair("dissent", "dissent", dissent);
    for stop in &ruling.stops {
        pairs = pairs
            .for_people("stopped by", format!("{}: {}", names::shown(&stop.agency), stop.reason));
    }
    for one in &ruling.bindings {
        pairs = pairs.for_people("binds", one.caveat.text.as_str());
    }
    if let Some(other) = &ruling.taken {
        pairs = pairs.pair("taken", "the other plan", other.why.as_str());
    }
    pairs
}

fn item(agency: &str, caveat: &Caveat) -> Item {
    let on = match caveat.citations.is_empty() {
        true => "on nothing, so it binds nobody".to_owned(),
        false => format!("on {}", citations(&caveat.citations)),
    };
    Item::new(0, format!("{agency}: {} ({on})", caveat.text))
}

fn citations(citations: &[Citation]) -> String {
    citations.iter().map(Citation::told).collect::<Vec<_>>().join(", ")
}

fn expectation(forecast: &Forecast) -> String {
    match forecast.samples {
        0 => "none that say anything".to_owned(),
        samples => format!(
            "{}: {}, {}{}",
            basis(samples, forecast.ground),
            told(forecast.cost_micros, &dollars),
            told(forecast.duration_ms, &seconds),
            forecast
                .accepted
                .map(|seen| format!(", {} accepted", shares(seen)))
                .unwrap_or_default()
        ),
    }
}

fn basis(samples: u32, ground: Ground) -> String {
    match ground {
        Ground::None => "no earlier task says".to_owned(),
        Ground::Alike => format!("{samples} tasks like this one"),
        Ground::Here => format!("the last {samples} tasks here"),
    }
}

fn told(span: Option<Bounds>, unit: &dyn Fn(f64) -> String) -> String {
    match span {
        None => "not known".to_owned(),
        Some(Bounds { low, high, .. }) if low == high => unit(low),
        Some(Bounds { low, mid, high }) => {
            format!("{} ({} to {})", unit(mid), unit(low), unit(high))
        }
    }
}

fn dollars(micros: f64) -> String {
    let places = if micros > 0.0 && micros < 100_000.0 { 4 } else { 2 };
    format!("${:.places$}", micros / 1e6)
}

fn seconds(ms: f64) -> String {
    match ms {
        ms if ms >= 120_000.0 => format!("{:.0} min", ms / 60_000.0),
        ms => format!("{:.0} s", ms / 1_000.0),
    }
}

fn shares(Bounds { low, mid, high }: Bounds) -> String {
    format!("{:.0} % ({:.0} to {:.0} %)", mid * 100.0, low * 100.0, high * 100.0)
}
