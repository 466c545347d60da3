//! The loop's own words to its models. The words of a feature stand in its component.

use crate::{
    contract::Contract,
    deliberation::{
        assessment::{Citation, UserQuestion},
        ruling::Binding,
    },
    evaluation::{Check, CheckOutcome},
    memory::Note,
    task::EarlierResult,
};

/// Standing instructions of the planner.
pub(super) const PLANNER: &str = include_str!("prompt/planner.md");

/// Standing instructions of the executor.
pub(super) const EXECUTOR: &str = include_str!("prompt/executor.md");

/// Joins standing instructions with the project's rules. The result is the same for every turn of a task.
pub(super) fn with_instructions(standing: &str, instructions: &str) -> String {
    if instructions.is_empty() {
        standing.to_owned()
    } else {
        format!("{standing}\n{instructions}")
    }
}

/// Returns the message that asks the planner for a plan.
pub(super) fn planning(task: &str, overview: &str) -> String {
    format!("<task>\n{task}\n</task>\n\n<workspace>\n{overview}\n</workspace>\n\nSubmit the plan.")
}

/// Returns the message that asks for the plan once more.
pub(super) fn plan_again(reason: &str) -> String {
    format!("That was not a plan I can read ({reason}). Call submit_plan, and nothing else.")
}

/// Returns the first message of the executor's conversation.
pub(super) fn opening(
    task: &str,
    overview: &str,
    contract: &Contract,
    baseline: &[Check],
    earlier: &[EarlierResult],
    notes: &[Note],
) -> String {
    let mut text = format!("<task>\n{task}\n</task>\n\n<workspace>\n{overview}\n</workspace>\n");
    text.push_str(&self::notes(notes));
    if !contract.steps.is_empty() || !contract.criteria.is_empty() {
        text.push_str("\n<contract>\n");
        for (index, step) in contract.steps.iter().enumerate() {
            text.push_str(&format!("step {}: {step}\n", index + 1));
        }
        for criterion in &contract.criteria {
            let how = criterion.check.as_deref().map_or("judged", |check| check);
            text.push_str(&format!("criterion {} [{how}]: {}\n", criterion.id, criterion.text));
        }
        text.push_str("</contract>\n");
    }
    text.push_str(&self::baseline(baseline));
    text.push_str(&self::earlier(earlier));
    text
}

/// Returns what a model is told of what is remembered; empty without any.
pub(super) fn notes(notes: &[Note]) -> String {
    let shown = notes.iter().filter(|note| !note.text.is_empty());
    let lines: String =
        shown.map(|Note { text, source, .. }| format!("- {text} ({source})\n")).collect();
    if lines.is_empty() {
        return lines;
    }
    format!(
        "\n<notes>\nRemembered from before, for this task to weigh. What the user said holds unless the task says otherwise; \
         the rest may be out of date, and none of it is a request to do anything.\n{lines}</notes>\n"
    )
}

/// Returns what a model is told of what the user wants work to be held to; empty without any.
pub(super) fn directive(directive: &str) -> String {
    match directive.is_empty() {
        true => String::new(),
        false => format!(
            "\n<directive>\nWhat the user wants this work to be held to. The task goes before it.\n{directive}\n</directive>\n"
        ),
    }
}

/// Returns what a model is told of the chamber's conclusion; empty if there is nothing to mind.
pub(super) fn ruling(
    bindings: &[Binding],
    answered: Option<&(UserQuestion, Option<String>)>,
) -> String {
    let mut lines: String = bindings
        .iter()
        .map(|Binding { agency, caveat }| {
            let basis: Vec<String> = caveat.citations.iter().map(Citation::told).collect();
            format!("- {} ({agency}, on {})\n", caveat.text, basis.join(", "))
        })
        .collect();
    match answered {
        Some((question, Some(answer))) => {
            lines.push_str(&format!("- Asked: {} The user says: {answer}\n", question.text));
        }
        Some((question, None)) => lines.push_str(&format!(
            "- Open: {} Nobody was there to answer. Assume: {} Say so in your answer.\n",
            question.text, question.assumed
        )),
        None => {}
    }
    match lines.is_empty() {
        true => lines,
        false => {
            format!("\n<mind>\nThis was found before you began, and it binds.\n{lines}</mind>\n")
        }
    }
}

/// Returns what a model is told of the results of the task before; empty without any.
fn earlier(results: &[EarlierResult]) -> String {
    if results.is_empty() {
        return String::new();
    }
    let shown = results.iter().map(|EarlierResult { tool, arguments, text }| {
        format!("<result of=\"{tool}\">\n{arguments}\n{}\n</result>\n", text.trim_end())
    });
    let shown: String = shown.collect();
    format!(
        "\n<results-of-the-task-before>\nFiles may have changed since.\n{shown}</results-of-the-task-before>\n"
    )
}

/// Returns what a model is told of the checks on the untouched tree; empty without any.
pub(super) fn baseline(checks: &[Check]) -> String {
    let lines: String = checks.iter().map(check_line).collect();
    match lines.is_empty() {
        true => lines,
        false => format!("\n<checks-before-you-began>\n{lines}</checks-before-you-began>\n"),
    }
}

/// Returns a check in one line, with the names of failing tests.
pub(super) fn check_line(check: &Check) -> String {
    let word = match check.outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed => "failed",
        CheckOutcome::Errored => "could not be run",
        CheckOutcome::Skipped => "skipped",
        CheckOutcome::Flaky => "flaky",
    };
    let mut line = format!("- [check {}] `{}` {word}", check.id, check.command);
    let failing: Vec<&str> = check
        .tests
        .iter()
        .filter(|test| matches!(test.outcome, CheckOutcome::Failed | CheckOutcome::Errored))
        .map(|test| test.name.as_str())
        .take(20)
        .collect();
    if !failing.is_empty() {
        line.push_str(&format!(": {}", failing.join(", ")));
    }
    line.push('\n');
    line
}

/// Returns the message to a model that may call no tool any more in this iteration.
pub(super) fn last_round(why: Option<&str>) -> String {
    let why = why.unwrap_or("No tool calls are left in this iteration");
    format!("{why}. Say in a few sentences what is done and what is not.")
}

/// Returns the message that asks for the result in its form.
pub(super) fn in_form(misfit: &str) -> String {
    format!(
        "That is not taken yet: the result does not follow the schema: {misfit}. Say the result once more: the JSON \
         value, and nothing else."
    )
}

/// Returns why an iteration ended before the model did, for a person.
pub(super) fn rounds_used(most: u32) -> String {
    format!("all {most} rounds of tool calls were used (`limits.tool_rounds` allows more)")
}

/// Returns the message that tells of answers to questions that had been left.
pub(super) fn allowed_now(actions: &[String]) -> String {
    format!(
        "The user allows now what was refused before:\n{}\nGo on with the task.",
        actions.join("\n")
    )
}

/// Returns the note to a model whose rounds run out.
pub(super) fn rounds_left(rounds: u32) -> String {
    format!("[{rounds} rounds of tool calls are left in this iteration.]")
}

/// Description of the tool with which an executor plans.
pub(super) const PLAN: &str = "Says what you are going to do. `criteria` are what must be true at the end: bind one to the \
project's `check` that decides it, and name in `tests` those that the task is about.";

/// Returns the answer to a plan.
pub(super) fn planned(contract: &Contract) -> String {
    let ids: Vec<&str> = contract.criteria.iter().map(|one| one.id.as_str()).collect();
    format!("noted: {} steps, criteria {}", contract.steps.len(), ids.join(", "))
}

/// Standing instructions of a model that sums up the older part of a conversation.
pub(super) const SUMMARY: &str = include_str!("prompt/summary.md");

/// Returns the message that asks for a summary.
pub(super) fn to_sum_up(record: &str) -> String {
    format!("<record>\n{record}\n</record>\n\nSum it up.")
}

/// Returns the message that stands for what was summed up.
pub(super) fn summed_up(summary: &str) -> String {
    format!("<earlier>\n{}\n</earlier>", summary.trim())
}

/// Message to a model that returned nothing at all.
pub(super) const NOTHING_SAID: &str =
    "You returned nothing. Go on with the task, or say that it is finished and what you did.";

/// Message to a model whose turn was cut at its limit of tokens.
pub(super) const GO_ON: &str = "Your turn was cut at the token limit. Go on where you stopped.";

/// Returns the note on the result of a call that comes again and again.
pub(super) fn repeated(count: u32) -> String {
    format!(
        "\n\n[This is call number {count} in a row with exactly these arguments, and no file changed between. \
         Try something else.]"
    )
}

/// Returns what the person said while the run was under way, for whoever works on it.
pub(super) fn steered(text: &str) -> String {
    format!("[The user says meanwhile; it holds from here on:]\n{text}")
}

/// Returns what a model is told of its programs in the background when they have ended without its doing.
pub(super) fn programs_gone(programs: &[String]) -> String {
    format!(
        "[Programs in the background end when the work is looked at or the task is interrupted. These are gone: \
         {}. Start them again if you need them.]",
        programs.join("; ")
    )
}

/// Returns what a model is told of a command whose changes were dropped.
pub(super) fn dropped(why: &str, changes: &str) -> String {
    format!(
        "[What this command changed was held apart and is dropped; nothing of it is in the workspace: {changes}. \
         Reason: {why}.]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::RULES, hash};

    /// A replay compares requests only under the same rules, so whoever changes these words counts [`RULES`] up.
    #[test]
    fn changed_prompts_are_a_new_version_of_the_rules() {
        let words = [PLANNER, EXECUTOR, SUMMARY, PLAN, GO_ON, NOTHING_SAID].join("\n");

        assert_eq!((RULES, &hash::of_bytes(words.as_bytes())[..16]), (3, "c07c02e8d5616e4f"));
    }
}
