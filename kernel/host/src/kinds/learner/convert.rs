//! Converts observations and lessons between core and contract. A lesson that is larger than the contract allows is refused.

use openkoi_core::{
    evaluation::Severity,
    failure::Failure,
    learning::{
        Learnt, Lesson, MOST_LEARNINGS, MOST_PROPOSALS, Proposal, SeenTask,
        seen::{SeenFinding, TaskEnding},
    },
    records::Reaction,
};

use crate::bindings::learner::exports::openkoi::learner::learner as wit;

pub(super) fn outcome(seen: &SeenTask) -> wit::Outcome {
    let checks = seen.checks.iter().map(|check| wit::CheckRun {
        id: check.id.clone(),
        category: check.category.clone(),
        command: check.command.clone(),
        iteration: check.iteration,
        passed: check.passed,
        duration_ms: check.duration_ms,
    });
    let commands = seen.commands.iter().map(|run| wit::CommandRun {
        command: run.command.clone(),
        exit_code: run.exit_code,
        duration_ms: run.duration_ms,
    });
    let tools = seen.tools.iter().map(|tool| wit::ToolUse {
        tool: tool.tool.clone(),
        calls: tool.calls,
        failures: tool.failures,
        reasons: tool.reasons.clone(),
    });
    wit::Outcome {
        task: seen.task.to_string(),
        text: seen.text.clone(),
        workspace: seen.workspace.clone(),
        ending: match seen.ending {
            TaskEnding::Accepted => wit::Ending::Accepted,
            TaskEnding::Stopped => wit::Ending::Stopped,
        },
        ended_ms: seen.ended_ms,
        score: seen.score,
        iterations: seen.iterations,
        fixed: seen.fixed.clone(),
        broken: seen.broken.clone(),
        findings: seen.findings.iter().map(finding).collect(),
        checks: checks.collect(),
        commands: commands.collect(),
        tools: tools.collect(),
        changed: seen.changed.clone(),
        skills: seen.skills.clone(),
        outside: seen.outside.clone(),
        reaction: match seen.reaction {
            None => wit::Reaction::Unknown,
            Some(Reaction::Kept) => wit::Reaction::Kept,
            Some(Reaction::Edited) => wit::Reaction::Edited,
            Some(Reaction::Undone) => wit::Reaction::Undone,
            Some(Reaction::Repeated) => wit::Reaction::Repeated,
        },
    }
}

fn finding(finding: &SeenFinding) -> wit::Finding {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Minor => "minor",
        Severity::Major => "major",
        Severity::Critical => "critical",
    };
    wit::Finding {
        id: finding.id.clone(),
        iteration: finding.iteration,
        evaluator: finding.evaluator.clone(),
        severity: severity.to_owned(),
        message: finding.message.clone(),
        evidence: finding.evidence.clone(),
        resolved: finding.resolved,
    }
}

/// Turns a lesson into core's. `most` is the limit of an output, in bytes.
pub(super) fn lesson(lesson: wit::Lesson, most: u64) -> Result<Lesson, Failure> {
    at_most("learnings", lesson.learnings.len(), MOST_LEARNINGS)?;
    at_most("proposals", lesson.proposals.len(), MOST_PROPOSALS)?;
    let lesson = Lesson {
        learnings: lesson.learnings.into_iter().map(learnt).collect(),
        proposals: lesson.proposals.into_iter().map(proposal).collect(),
    };
    // Its JSON is a little longer than its texts.
    let size = serde_json::to_vec(&lesson).map_or(usize::MAX, |json| json.len());
    let most = usize::try_from(most / 1024).unwrap_or(usize::MAX);
    at_most("output-kib", size / 1024, most)?;
    Ok(lesson)
}

fn at_most(name: &str, found: usize, most: usize) -> Result<(), Failure> {
    if found <= most {
        return Ok(());
    }
    Err(Failure::Limited { name: name.to_owned(), value: most as u64, knob: String::new() })
}

fn learnt(one: wit::Learning) -> Learnt {
    Learnt {
        text: one.text,
        categories: one.categories,
        everywhere: one.scope == wit::Scope::User,
        confidence: one.confidence,
        evidence: one.evidence,
        replaces: one.replaces,
    }
}

fn proposal(proposal: wit::Proposal) -> Proposal {
    match proposal {
        wit::Proposal::Skill(draft) => Proposal::Skill {
            name: draft.name,
            description: draft.description,
            text: draft.text,
            categories: draft.categories,
            tasks: draft.tasks,
            confidence: draft.confidence,
        },
        wit::Proposal::Soul(change) => Proposal::Soul {
            before: change.before,
            after: change.after,
            reason: change.reason,
            tasks: change.tasks,
        },
        wit::Proposal::Retire(retirement) => {
            Proposal::Retire { learning: retirement.learning, reason: retirement.reason }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_beyond_what_the_contract_allows_is_refused() {
        let learning = wit::Learning {
            text: "x".repeat(100),
            categories: Vec::new(),
            scope: wit::Scope::Workspace,
            confidence: 0.5,
            evidence: Vec::new(),
            replaces: None,
        };
        let of = |count: usize| wit::Lesson {
            learnings: vec![learning.clone(); count],
            proposals: Vec::new(),
        };
        assert_eq!(lesson(of(10), 4 << 10).unwrap().learnings.len(), 10);
        lesson(of(11), 4 << 10).unwrap_err();
        let long = wit::Learning { text: "x".repeat(5_000), ..learning };
        let long = wit::Lesson { learnings: vec![long], proposals: Vec::new() };
        lesson(long, 4 << 10).unwrap_err();
    }
}
