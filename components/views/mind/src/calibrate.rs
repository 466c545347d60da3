//! Who was right: what agencies foretold and judges said, beside what became of the work.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use openkoi_figures::{
    draw::{quiet, rate},
    statistics::{FEWEST, Forecast, bins, bounds, brier, rates},
    work,
};
use openkoi_sdk::{
    Result,
    records::{self, Check, Vote},
    view::{
        Bars, Column, ColumnKind, Document, Heading, Notice, Table, Tone, Value, count, paragraph,
        text,
    },
};

use crate::known::Known;

/// From here on a forecast calls the work good.
const GOOD: f64 = 0.8;
/// An agency calls it good that thinks success likelier than not.
const LIKELY: f64 = 0.5;

/// Somebody who says how work will turn out, or has turned out.
pub(crate) struct Predictor {
    name: String,
    is_judge: bool,
    forecasts: Vec<Forecast>,
    /// The number of forecasts of which it is not known yet.
    open: u64,
}

/// Returns all who foretold or judged something, by name, agencies first.
pub(crate) fn predictors(known: &Known) -> Result<Vec<Predictor>> {
    let mut all = agencies(known);
    all.extend(judges(known)?);
    Ok(all)
}

fn entry<'a>(
    all: &'a mut BTreeMap<String, Predictor>,
    name: &str,
    is_judge: bool,
) -> &'a mut Predictor {
    all.entry(name.to_owned()).or_insert_with(|| Predictor {
        name: name.to_owned(),
        is_judge,
        forecasts: Vec::new(),
        open: 0,
    })
}

impl Predictor {
    fn add(&mut self, said: f64, came: Option<bool>) {
        match came {
            Some(came) => self.forecasts.push(Forecast { said: said.clamp(0.0, 1.0), came }),
            None => self.open += 1,
        }
    }

    fn calls_good_from(&self) -> f64 {
        if self.is_judge { GOOD } else { LIKELY }
    }
}

/// An agency is held to whether the work stands.
fn agencies(known: &Known) -> Vec<Predictor> {
    let mut all = BTreeMap::new();
    for one in known.assessments.iter().filter(|one| one.vote != Vote::Abstain) {
        if let Some(work) = known.carried_out(one) {
            entry(&mut all, &one.agency, false).add(one.success, work.stands());
        }
    }
    all.into_values().collect()
}

/// A judge is held to what the user did with the work, and to checks that were red in the end.
fn judges(known: &Known) -> Result<Vec<Predictor>> {
    let query = work::everything();
    let red = red_in_the_end(records::checks(&query)?);
    let right: HashMap<&str, Option<bool>> = known
        .works
        .iter()
        .map(|work| {
            let is_red = red.contains(&work.task.id);
            let seen = work.was_right().filter(|_| work.reaction.is_some());
            (work.task.id.as_str(), if is_red { Some(false) } else { seen })
        })
        .collect();
    let (mut all, mut last) = (BTreeMap::new(), BTreeSet::new());
    // The newest come first: of each task the last verdict of each judge counts.
    for one in records::verdicts(&query)? {
        let Some(score) = one.score else { continue };
        if last.insert((one.task.clone(), one.evaluator.clone())) {
            let came = right.get(one.task.as_str()).copied().flatten();
            entry(&mut all, &one.evaluator, true).add(score, came);
        }
    }
    Ok(all.into_values().collect())
}

/// Returns the tasks in which a check was red when it ran last. The newest runs come first.
fn red_in_the_end(checks: Vec<Check>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let last =
        checks.into_iter().filter(|check| seen.insert((check.task.clone(), check.id.clone())));
    last.filter(|check| !check.passed).map(|check| check.task).collect()
}

const EMPTY: &str = "Nothing was foretold or judged yet. What agencies foretell and judges say is compared here with what becomes \
                     of the work: whether you keep, change or undo it, and whether its checks stay green.";

/// Puts how right everybody was, in a line each, at the end of a document.
pub(crate) fn list(all: &[Predictor], document: &mut Document) {
    if all.is_empty() {
        document.push(Notice::new(EMPTY, ["openkoi demo"]));
    }
    let mut table = Table::new(
        "predictors",
        [
            Column::new("name", "WHO", ColumnKind::Text),
            Column::new("samples", "KNOWN", ColumnKind::Count),
            Column::new("open", "OPEN", ColumnKind::Count),
            Column::for_people("BRIER", ColumnKind::Text),
            Column::for_people("GOOD SEEN", ColumnKind::Text),
            Column::for_people("BAD SEEN", ColumnKind::Text),
            Column::for_programs("kind", ColumnKind::Text),
            Column::for_programs("brier", ColumnKind::Number),
            Column::for_programs("brier_low", ColumnKind::Number),
            Column::for_programs("brier_high", ColumnKind::Number),
            Column::for_programs("good", ColumnKind::Count),
            Column::for_programs("good_seen", ColumnKind::Count),
            Column::for_programs("bad", ColumnKind::Count),
            Column::for_programs("bad_seen", ColumnKind::Count),
            Column::for_programs("enough", ColumnKind::Flag),
        ],
    );
    for one in all {
        let score = brier(&one.forecasts);
        let (good, bad) = rates(&one.forecasts, one.calls_good_from());
        let number = |number: Option<f64>| number.map_or(Value::Nothing, Value::Number);
        let kind = if one.is_judge { "judge" } else { "agency" };
        table.row([
            text(one.name.as_str()),
            count(one.forecasts.len()),
            count(one.open),
            text(score.map_or_else(
                || "too few to say".to_owned(),
                |(score, (low, high))| format!("{score:.2} ({low:.2}–{high:.2})"),
            )),
            text(rate(good)),
            text(rate(bad)),
            text(kind),
            number(score.map(|(score, _)| score)),
            number(score.map(|(_, (low, _))| low)),
            number(score.map(|(_, (_, high))| high)),
            count(good.of),
            count(good.well),
            count(bad.of),
            count(bad.well),
            Value::Flag(score.is_some()),
        ]);
    }
    document.push(quiet(table));
}

/// Returns the report of calibration.
pub(crate) fn calibrate(known: &Known) -> Result<Document> {
    let all = predictors(known)?;
    let mut document = Document::new("Calibration");
    list(&all, &mut document);
    for one in all.iter().filter(|one| one.forecasts.len() as u64 >= FEWEST) {
        document.push(Heading::new("", format!("{}: of what it said, so much came", one.name)));
        document.push(reliability(one));
    }
    document.push(bins_of(&all));
    if !all.is_empty() {
        document.push(Heading::new("", ""));
        document.push(paragraph("Brier: 0 is perfect, 0.25 is what always saying one half gets."));
    }
    Ok(document)
}

/// Draws what came of what was said, by tenths. What was said lies outside of the interval where the words say so.
fn reliability(one: &Predictor) -> Bars {
    let mut bars = Bars { full: Some(1.0), ..Bars::new("") };
    for bin in bins(&one.forecasts) {
        let (low, high) = bounds(bin.came);
        let is_sure = bin.came.of >= FEWEST;
        let (words, tone) = match () {
            () if !is_sure => ("", Tone::Neutral),
            () if bin.said > high => (", too sure", Tone::Bad),
            () if bin.said < low => (", not sure enough", Tone::Warning),
            () => ("", Tone::Good),
        };
        let label = format!("said {:.0} %", bin.said * 100.0);
        let shown = format!("{}{words}", rate(bin.came));
        bars.bar(label, bin.came.well as f64 / bin.came.of as f64, text(shown), tone);
    }
    bars
}

fn bins_of(all: &[Predictor]) -> Table {
    let mut table = Table::new(
        "bins",
        [
            Column::for_programs("name", ColumnKind::Text),
            Column::for_programs("said", ColumnKind::Share),
            Column::for_programs("came", ColumnKind::Count),
            Column::for_programs("of", ColumnKind::Count),
            Column::for_programs("low", ColumnKind::Share),
            Column::for_programs("high", ColumnKind::Share),
        ],
    );
    for one in all {
        for bin in bins(&one.forecasts) {
            let (low, high) = bounds(bin.came);
            table.row([
                text(one.name.as_str()),
                Value::Share(bin.said),
                count(bin.came.well),
                count(bin.came.of),
                Value::Share(low),
                Value::Share(high),
            ]);
        }
    }
    table
}
