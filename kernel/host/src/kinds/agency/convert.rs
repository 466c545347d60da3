//! Converts motions and assessments between core and contract. An assessment that is larger than the contract allows is refused.

use openkoi_core::{
    deliberation::{
        assessment::{self as core, Caveat, UserQuestion, Vote},
        forecast::{Forecast, Ground, Span},
        motion::{Motion, Observation, Power, Weight},
        plan::PlannedStep,
    },
    failure::Failure,
    tool::Effect,
};

use crate::bindings::agency::exports::openkoi::agency::agency as wit;

pub(super) fn motion(motion: &Motion) -> wit::Motion {
    let criteria = motion.criteria.iter().map(|one| wit::Criterion {
        id: one.id.clone(),
        text: one.text.clone(),
        check: one.check.clone(),
    });
    let learnings = motion.learnings.iter().map(|note| wit::Learning {
        id: note.id.clone(),
        text: note.text.clone(),
        source: note.source.clone(),
    });
    wit::Motion {
        task: motion.task.to_string(),
        text: motion.text.clone(),
        kind: motion.kind.clone(),
        plan: motion.plan.iter().map(step).collect(),
        criteria: criteria.collect(),
        powers: motion.powers.iter().map(power).collect(),
        forecast: forecast(&motion.forecast),
        budget: wit::Budget {
            tokens: motion.left.tokens,
            cost_micros: motion.left.cost_micros,
            duration_ms: motion.left.duration_ms,
        },
        directive: motion.directive.clone(),
        learnings: learnings.collect(),
        observations: motion.observations.iter().map(observation).collect(),
        attended: motion.attended,
        continues: motion.continues,
    }
}

fn step(step: &PlannedStep) -> wit::Step {
    wit::Step { id: step.id.clone(), text: step.text.clone() }
}

fn power(power: &Power) -> wit::Power {
    wit::Power {
        tool: power.tool.clone(),
        effect: match power.effect {
            Effect::Read => wit::Effect::Read,
            Effect::Write => wit::Effect::Write,
            Effect::Execute => wit::Effect::Execute,
            Effect::Send => wit::Effect::Send,
            Effect::Destructive => wit::Effect::Destructive,
        },
        target: power.target.clone(),
        granted: power.granted,
    }
}

fn forecast(forecast: &Forecast) -> wit::Forecast {
    let span =
        |span: Option<Span>| span.map(|Span { low, mid, high }| wit::Span { low, mid, high });
    wit::Forecast {
        samples: forecast.samples,
        ground: match forecast.ground {
            Ground::None => wit::Ground::None,
            Ground::Alike => wit::Ground::Alike,
            Ground::Here => wit::Ground::Here,
        },
        tasks: forecast.tasks.iter().map(ToString::to_string).collect(),
        tokens: span(forecast.tokens),
        cost_micros: span(forecast.cost_micros),
        duration_ms: span(forecast.duration_ms),
        iterations: span(forecast.iterations),
        accepted: span(forecast.accepted),
    }
}

fn observation(one: &Observation) -> wit::Observation {
    wit::Observation {
        agency: one.agency.clone(),
        weight: match one.weight {
            Weight::Note => wit::Weight::Note,
            Weight::Open => wit::Weight::Open,
            Weight::Caveat => wit::Weight::Caveat,
            Weight::Objection => wit::Weight::Objection,
            Weight::Veto => wit::Weight::Veto,
        },
        text: one.text.clone(),
        citation: citation(&one.citation),
        lifted_by: one.lifted_by.clone(),
    }
}

fn citation(citation: &core::Citation) -> wit::Citation {
    match citation.clone() {
        core::Citation::Place(place) => wit::Citation::Place(place),
        core::Citation::Motion(part) => wit::Citation::Motion(part),
        core::Citation::Learning(id) => wit::Citation::Learning(id),
        core::Citation::Task(id) => wit::Citation::Task(id),
        core::Citation::Figure(name) => wit::Citation::Figure(name),
    }
}

/// Turns an assessment into core's. `most` is the limit of an output, in bytes; `is_there` says of a place whether it is in the
/// workspace.
pub(super) fn assessment(
    said: wit::Assessment,
    most: u64,
    is_there: &dyn Fn(&str) -> bool,
) -> Result<core::Assessment, Failure> {
    let caveat = |one: wit::Caveat| {
        let citations = one.citations.into_iter().map(citation_in);
        let found = |one: &core::Citation| match one {
            core::Citation::Place(place) => is_there(place),
            _ => true,
        };
        Caveat { text: one.text, citations: citations.filter(found).collect() }
    };
    let question = |one: wit::Question| UserQuestion {
        text: one.text,
        why: one.why,
        choices: one.choices,
        assumed: one.assumed,
    };
    let alternative = |one: wit::Alternative| core::Alternative {
        plan: one
            .plan
            .into_iter()
            .map(|step| PlannedStep { id: step.id, text: step.text })
            .collect(),
        why: one.why,
    };
    let size = size(&said);
    if u64::try_from(size).unwrap_or(u64::MAX) > most {
        let (name, value) = ("output-kib".to_owned(), most / 1024);
        return Err(Failure::Limited { name, value, knob: String::new() });
    }
    Ok(core::Assessment {
        vote: match said.verdict {
            wit::Verdict::Approve => Vote::Approve,
            wit::Verdict::ApproveWithCaveats => Vote::Caveats,
            wit::Verdict::Objection => Vote::Objection,
            wit::Verdict::Veto => Vote::Veto,
            wit::Verdict::Ask => Vote::Ask,
            wit::Verdict::Abstain => Vote::Abstain,
        },
        confidence: said.confidence,
        success: said.success,
        reason: said.reason,
        caveats: said.caveats.into_iter().map(caveat).collect(),
        question: said.question.map(question),
        alternative: said.alternative.map(alternative),
    })
}

fn citation_in(citation: wit::Citation) -> core::Citation {
    match citation {
        wit::Citation::Place(place) => core::Citation::Place(place),
        wit::Citation::Motion(part) => core::Citation::Motion(part),
        wit::Citation::Learning(id) => core::Citation::Learning(id),
        wit::Citation::Task(id) => core::Citation::Task(id),
        wit::Citation::Figure(name) => core::Citation::Figure(name),
    }
}

/// Returns the bytes of all texts of an assessment, and what its lists take besides.
fn size(said: &wit::Assessment) -> usize {
    const ITEM: usize = 16;
    let of_citation = |one: &wit::Citation| match one {
        wit::Citation::Place(text)
        | wit::Citation::Motion(text)
        | wit::Citation::Learning(text)
        | wit::Citation::Task(text)
        | wit::Citation::Figure(text) => text.len() + ITEM,
    };
    let caveats = said
        .caveats
        .iter()
        .map(|one| one.text.len() + ITEM + one.citations.iter().map(of_citation).sum::<usize>());
    let question = said.question.iter().map(|one| {
        let choices = one.choices.iter().map(|text| text.len() + ITEM).sum::<usize>();
        one.text.len() + one.why.len() + one.assumed.len() + choices
    });
    let alternative = said.alternative.iter().map(|one| {
        let steps = one.plan.iter().map(|step| step.id.len() + step.text.len() + ITEM);
        one.why.len() + steps.sum::<usize>()
    });
    said.reason.len()
        + caveats.sum::<usize>()
        + question.sum::<usize>()
        + alternative.sum::<usize>()
}
