//! What follows from all that was said: one round, one conclusion, by rules that anybody can follow.

use serde::{Deserialize, Serialize};

use super::{
    assessment::{Alternative, Assessment, Caveat, UserQuestion, Vote},
    computed,
    motion::{Motion, Observation, Weight},
    names,
    plan::PlannedStep,
};
use crate::ledger::Reservation;

/// The most caveats that bind.
const MOST_BINDING: usize = 8;

/// One agency of a deliberation, with what counts of what it said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// Name of the agency.
    pub agency: String,
    /// What counts of what it said.
    pub assessment: Assessment,
    /// Requests that it made.
    pub requests: u32,
    /// What these took.
    pub spent: Reservation,
    /// Whether what follows would be another thing without it.
    pub changed: bool,
}

/// A reason for which a motion does not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The agency.
    pub agency: String,
    /// The reason, one sentence.
    pub reason: String,
    /// What would lift it; empty if only the user's word does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lifted_by: String,
}

/// A caveat that binds whoever works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The agency.
    pub agency: String,
    /// The caveat.
    pub caveat: Caveat,
}

/// The conclusion of a deliberation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ruling {
    /// Why the motion does not pass; empty if it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<Stop>,
    /// What binds whoever works.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
    /// What is put to the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<UserQuestion>,
    /// The other plan, if it is taken in place of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Alternative>,
}

impl Ruling {
    /// Returns the conclusion from what was said, and marks the seats that made a difference.
    #[must_use]
    pub fn of(motion: &Motion, workspace: &str, seats: &mut [Seat]) -> Self {
        let taken = taken(motion, workspace, seats);
        let observations = match &taken {
            Some(other) => computed::observations(&with_plan(motion, &other.plan), workspace),
            None => motion.observations.clone(),
        };
        let mut stops = computed_stops(&observations);
        stops.extend(said_stops(seats, &observations));
        if stops.is_empty() {
            stops = outvoted(seats);
        }
        let bindings = bindings(&observations, seats);
        let question = seats.iter().find_map(|seat| seat.assessment.question.clone());
        let question = question.filter(|_| stops.is_empty());
        for seat in seats.iter_mut() {
            let has_stopped = stops.iter().any(|stop| stop.agency == seat.agency);
            let has_bound = bindings.iter().any(|one| one.agency == seat.agency);
            let has_asked = question.is_some() && seat.assessment.question.is_some();
            let has_planned = taken.is_some() && seat.assessment.alternative.is_some();
            seat.changed = has_stopped || has_bound || has_asked || has_planned;
        }
        Self { stops, bindings, question, taken }
    }

    /// Returns the conclusion of the computed round alone, which stops nothing: it is told.
    #[must_use]
    pub fn told(observations: &[Observation]) -> Vec<Stop> {
        let grave = observations.iter().filter(|one| one.weight >= Weight::Objection);
        grave.map(stop).collect()
    }
}

/// Returns a motion with another plan.
#[must_use]
pub fn with_plan(motion: &Motion, plan: &[PlannedStep]) -> Motion {
    Motion { plan: plan.to_vec(), ..motion.clone() }
}

fn stop(one: &Observation) -> Stop {
    Stop { agency: one.agency.clone(), reason: one.text.clone(), lifted_by: one.lifted_by.clone() }
}

fn computed_stops(observations: &[Observation]) -> Vec<Stop> {
    observations.iter().filter(|one| one.weight == Weight::Veto).map(stop).collect()
}

/// Vetoes that were said, and the silence of the guardian, which is one.
fn said_stops(seats: &[Seat], observations: &[Observation]) -> Vec<Stop> {
    let is_computed = |agency: &str| {
        observations.iter().any(|one| one.weight == Weight::Veto && one.agency == agency)
    };
    let mut stops = Vec::new();
    for Seat { agency, assessment, .. } in seats.iter().filter(|seat| !is_computed(&seat.agency)) {
        let is_silent = agency == names::GUARDIAN && assessment.vote == Vote::Abstain;
        if is_silent || assessment.vote == Vote::Veto {
            let advice = assessment.caveats.first().map(|one| one.text.clone());
            let lifted_by = advice.filter(|_| !is_silent).unwrap_or_default();
            let reason = match is_silent {
                true => {
                    format!("nobody looked at what cannot be taken back: {}", assessment.reason)
                }
                false => assessment.reason.clone(),
            };
            stops.push(Stop { agency: agency.clone(), reason, lifted_by });
        }
    }
    if !seats.iter().any(|seat| seat.agency == names::GUARDIAN) {
        let reason = "there is no guardian to look at what cannot be taken back".to_owned();
        stops.push(Stop { agency: names::GUARDIAN.to_owned(), reason, lifted_by: String::new() });
    }
    stops
}

/// Objections stop a motion where they are more than those who would go ahead.
fn outvoted(seats: &[Seat]) -> Vec<Stop> {
    let count =
        |votes: &[Vote]| seats.iter().filter(|seat| votes.contains(&seat.assessment.vote)).count();
    let against = count(&[Vote::Objection]);
    let is_outvoted = against > count(&[Vote::Approve, Vote::Caveats, Vote::Ask]);
    let objecting = seats.iter().filter(|seat| seat.assessment.vote == Vote::Objection);
    let stops = objecting.map(|seat| Stop {
        agency: seat.agency.clone(),
        reason: seat.assessment.reason.clone(),
        lifted_by: String::new(),
    });
    if is_outvoted { stops.collect() } else { Vec::new() }
}

/// Caveats that rest on something bind: those that were computed, then those that were said.
fn bindings(observations: &[Observation], seats: &[Seat]) -> Vec<Binding> {
    let weighs = |one: &&Observation| matches!(one.weight, Weight::Caveat | Weight::Objection);
    let computed = observations.iter().filter(weighs).map(|one| Binding {
        agency: one.agency.clone(),
        caveat: Caveat { text: one.text.clone(), citations: vec![one.citation.clone()] },
    });
    let said = seats.iter().flat_map(|seat| {
        let resting = seat.assessment.caveats.iter().filter(|one| !one.citations.is_empty());
        resting.map(|caveat| Binding { agency: seat.agency.clone(), caveat: caveat.clone() })
    });
    let mut bindings: Vec<Binding> = Vec::new();
    for binding in computed.chain(said) {
        let is_known = bindings.iter().any(|one| one.caveat.text == binding.caveat.text);
        if !is_known && bindings.len() < MOST_BINDING {
            bindings.push(binding);
        }
    }
    bindings
}

/// Returns the other plan where its strategist speaks against the first, or the first is stopped by what was computed of it,
/// and nothing that was computed stops the other.
fn taken(motion: &Motion, workspace: &str, seats: &[Seat]) -> Option<Alternative> {
    let seat = seats.iter().find(|seat| seat.assessment.alternative.is_some())?;
    let other = seat.assessment.alternative.clone()?;
    let vetoes = |observations: &[Observation]| {
        observations.iter().filter(|one| one.weight == Weight::Veto).count()
    };
    let first = vetoes(&motion.observations);
    let second = vetoes(&computed::observations(&with_plan(motion, &other.plan), workspace));
    let is_preferred = seat.assessment.vote == Vote::Objection || first > 0;
    (is_preferred && second == 0).then_some(other)
}
