//! Where each way would lead: the plan, the other plan, and doing nothing. Drawn from the motion and from what was said of it;
//! nothing is carried out for it.

use serde::{Deserialize, Serialize};

use super::{
    assessment::{Citation, Vote},
    computed,
    forecast::{Ground, Span},
    motion::{Motion, Observation, Power, Weight},
    operations,
    plan::PlannedStep,
    ruling::{Ruling, Seat, with_plan},
};

/// Something that may go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// What may go wrong, or what has to be minded.
    pub text: String,
    /// Who sees it.
    pub agency: String,
    /// What makes it go away or keeps it small; may be empty.
    pub mitigation: String,
    /// What it rests on.
    pub citations: Vec<Citation>,
}

/// One way, and where it would lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prospect {
    /// `the plan`, `the other plan` or `nothing`.
    pub name: String,
    /// What is better about it and what is worse; may be empty.
    pub why: String,
    /// Its steps.
    pub steps: Vec<PlannedStep>,
    /// Powers that it would use.
    pub powers: Vec<Power>,
    /// Files that it names.
    pub files: Vec<String>,
    /// What it may cost, in millionths of a US dollar.
    pub cost_micros: Option<Span>,
    /// How long it may take, in milliseconds.
    pub duration_ms: Option<Span>,
    /// The share of tasks like it that were accepted, 0 to 1.
    pub accepted: Option<Span>,
    /// How likely the agencies think that it is accepted, 0 to 1, each weighed by how sure it is.
    pub success: Option<f64>,
    /// How many tasks the figures rest on.
    pub samples: u32,
    /// What these are.
    pub ground: Ground,
    /// What may go wrong.
    pub risks: Vec<Risk>,
    /// What could not be taken back.
    pub irreversible: Vec<String>,
}

/// The ways that there are, and the one that the chamber would take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Futures {
    /// The ways.
    pub prospects: Vec<Prospect>,
    /// The name of the one that the chamber would take.
    pub chosen: String,
    /// Why, one sentence.
    pub because: String,
}

/// The names of the ways.
const PLAN: &str = "the plan";
const OTHER: &str = "the other plan";
const NOTHING: &str = "nothing";

impl Futures {
    /// Returns the ways that a motion leaves.
    #[must_use]
    pub fn of(motion: &Motion, workspace: &str, seats: &[Seat], ruling: &Ruling) -> Self {
        let mut prospects = vec![prospect(PLAN, motion, workspace, seats, String::new())];
        let other = seats.iter().find_map(|seat| seat.assessment.alternative.as_ref());
        if let Some(other) = other {
            let motion = with_plan(motion, &other.plan);
            // What was said of the first plan is not said of this one.
            prospects.push(prospect(OTHER, &motion, workspace, &[], other.why.clone()));
        }
        prospects.push(nothing());
        let (chosen, because) = chosen(ruling);
        Self { prospects, chosen: chosen.to_owned(), because }
    }
}

fn prospect(name: &str, motion: &Motion, workspace: &str, seats: &[Seat], why: String) -> Prospect {
    let observations = computed::observations(motion, workspace);
    let steps = motion.plan.iter().map(|step| step.text.as_str());
    let all: String = steps.clone().chain([motion.text.as_str()]).collect::<Vec<_>>().join("\n");
    let planned: String = steps.collect::<Vec<_>>().join("\n");
    let beyond = operations::operations(&planned).into_iter().filter(|one| !one.is_denied);
    Prospect {
        name: name.to_owned(),
        why,
        steps: motion.plan.clone(),
        powers: motion.powers.clone(),
        files: operations::files(&all),
        cost_micros: motion.forecast.cost_micros,
        duration_ms: motion.forecast.duration_ms,
        accepted: motion.forecast.accepted,
        success: success(seats),
        samples: motion.forecast.samples,
        ground: motion.forecast.ground,
        risks: risks(&observations, seats),
        irreversible: beyond.map(|one| format!("{} ({})", one.words, one.why)).collect(),
    }
}

/// Returns what the agencies expect, each weighed by how sure it is; nothing if none is.
fn success(seats: &[Seat]) -> Option<f64> {
    let heard = seats.iter().filter(|seat| seat.assessment.vote != Vote::Abstain);
    let (sum, weight) = heard.fold((0.0, 0.0), |(sum, weight), seat| {
        let sure = seat.assessment.confidence;
        (sum + sure * seat.assessment.success, weight + sure)
    });
    (weight > 0.0).then(|| sum / weight)
}

fn risks(observations: &[Observation], seats: &[Seat]) -> Vec<Risk> {
    let grave = observations.iter().filter(|one| one.weight > Weight::Open);
    let computed = grave.map(|one| Risk {
        text: one.text.clone(),
        agency: one.agency.clone(),
        mitigation: one.lifted_by.clone(),
        citations: vec![one.citation.clone()],
    });
    let said = seats.iter().flat_map(|seat| {
        seat.assessment.caveats.iter().map(|one| Risk {
            text: one.text.clone(),
            agency: seat.agency.clone(),
            mitigation: String::new(),
            citations: one.citations.clone(),
        })
    });
    let mut risks: Vec<Risk> = Vec::new();
    for risk in computed.chain(said) {
        if !risks.iter().any(|known| known.text == risk.text) {
            risks.push(risk);
        }
    }
    risks
}

fn nothing() -> Prospect {
    let none = Some(Span::default());
    Prospect {
        name: NOTHING.to_owned(),
        why: "everything stays as it is, and what was asked for is not there".to_owned(),
        steps: Vec::new(),
        powers: Vec::new(),
        files: Vec::new(),
        cost_micros: none,
        duration_ms: none,
        accepted: None,
        success: None,
        samples: 0,
        ground: Ground::None,
        risks: Vec::new(),
        irreversible: Vec::new(),
    }
}

fn chosen(ruling: &Ruling) -> (&'static str, String) {
    match (&ruling.taken, ruling.stops.first()) {
        (_, Some(stop)) => (NOTHING, format!("{} stops the rest: {}", stop.agency, stop.reason)),
        (Some(other), None) => (OTHER, other.why.clone()),
        (None, None) if ruling.bindings.is_empty() => (PLAN, "nobody speaks against it".to_owned()),
        (None, None) => (PLAN, "what speaks against it can be minded".to_owned()),
    }
}
