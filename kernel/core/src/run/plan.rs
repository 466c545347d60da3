//! Planning: a contract whose criteria somebody can check, and the checks on the untouched tree.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{halt::Halt, meter::TurnReply, prompt, state::Run};
use crate::{
    contract::{Contract, Effort},
    evaluation::Criterion,
    event::Event,
    message::{Message, OfferedTool, Prompt, Role, ToolChoice, Turn},
};

/// Most criteria of a plan; the planner's later ones are dropped.
const MOST_CRITERIA: usize = 12;

const PLAN_TOOL: &str = "submit_plan";

impl Run {
    /// Makes the contract, and runs the checks where something is going to change.
    pub(super) async fn plan(&mut self) -> Result<(), Halt> {
        let settings = &self.task.settings;
        if settings.plan && settings.max_iterations > 0 {
            self.contract = self.make_contract().await?;
        }
        let rubric = match self.recorder.recall("plan", "plan.made") {
            Some(Event::PlanMade { rubric, .. }) => rubric,
            _ => self.ports.evaluators.rubric(&self.contract.kind),
        };
        self.rubric.clone_from(&rubric);
        let made = Event::PlanMade { contract: self.contract.clone(), rubric };
        self.recorder.record("plan", made)?;
        if self.contract.effort == Effort::Change {
            self.ensure_baseline().await?;
        }
        Ok(())
    }

    async fn make_contract(&self) -> Result<Contract, Halt> {
        let mut messages = self.task.history.clone();
        messages.push(Message::user(prompt::planning(&self.task.text, &self.overview)));
        for attempt in 0..2 {
            let request = Prompt {
                system: prompt::with_instructions(prompt::PLANNER, &self.instructions),
                messages: messages.clone(),
                tools: vec![plan_tool()],
                tool_choice: ToolChoice::Named(PLAN_TOOL.to_owned()),
                ..Prompt::default()
            };
            let key = format!("plan/t{attempt}");
            let reply = self.meter.turn(&key, &Role::new(Role::PLANNER), request).await?;
            let TurnReply::Complete(turn) = reply else { break };
            match read_plan(&turn) {
                Ok(contract) => return Ok(contract),
                Err(reason) => messages.push(Message::user(prompt::plan_again(&reason))),
            }
        }
        // Without a plan the work is judged against the task's own words.
        Ok(Contract::none())
    }
}

fn plan_tool() -> OfferedTool {
    OfferedTool {
        name: PLAN_TOOL.to_owned(),
        description: "Submits the plan of the task.".to_owned(),
        parameters: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["effort", "kind", "steps", "criteria"],
            "properties": {
                "effort": {
                    "type": "string", "enum": ["answer", "change"],
                    "description": "`answer` if the reply itself is the product and no file is to change",
                },
                "kind": {
                    "type": "string",
                    "enum": Contract::KINDS,
                    "description": "the kind of work, which picks the rubric",
                },
                "may_change_tests": {
                    "type": "boolean",
                    "description": "true only if the task itself asks to change or remove existing tests",
                },
                "steps": { "type": "array", "items": { "type": "string" } },
                "criteria": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["text"],
                        "properties": {
                            "text": { "type": "string" },
                            "check": {
                                "type": ["string", "null"],
                                "enum": ["test", "build", "lint", "types", null],
                                "description": "the kind of project check that decides it; null if it is judged",
                            },
                        },
                    },
                },
            },
        })
        .into(),
    }
}

/// A plan as a model writes it.
#[derive(Deserialize)]
struct SubmittedPlan {
    effort: Effort,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    may_change_tests: bool,
    #[serde(default)]
    steps: Vec<String>,
    #[serde(default)]
    criteria: Vec<SubmittedCriterion>,
}

#[derive(Deserialize)]
struct SubmittedCriterion {
    text: String,
    #[serde(default)]
    check: Option<String>,
}

/// Reads the plan from the tool call, or from JSON in the text of models that cannot call tools.
fn read_plan(turn: &Turn) -> Result<Contract, String> {
    let calls = turn.calls();
    let called = calls.iter().find(|call| call.name == PLAN_TOOL);
    let text = match called {
        Some(call) => call.arguments.clone(),
        None => json_in(&turn.text()).ok_or("no call of submit_plan")?,
    };
    let plan: SubmittedPlan = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(contract(plan))
}

fn contract(plan: SubmittedPlan) -> Contract {
    const CHECKS: [&str; 4] = ["test", "build", "lint", "types"];
    let criteria = plan.criteria.into_iter().take(MOST_CRITERIA).enumerate();
    let criteria = criteria
        .map(|(index, criterion)| Criterion {
            id: format!("c{}", index + 1),
            text: criterion.text,
            check: criterion.check.filter(|check| CHECKS.contains(&check.as_str())),
        })
        .collect();
    let known = Contract::KINDS.contains(&plan.kind.as_str());
    let kind = if known { plan.kind } else { Contract::GENERAL.to_owned() };
    Contract {
        effort: plan.effort,
        kind,
        may_change_tests: plan.may_change_tests,
        steps: plan.steps,
        criteria,
    }
}

/// Returns the first JSON object in a text that may hold prose and fences around it.
fn json_in(text: &str) -> Option<String> {
    let start = text.find('{')?;
    let mut stream = serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<Value>();
    let value = stream.next()?.ok()?;
    value.is_object().then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Part, StopReason, ToolCall, Usage};

    fn turn(parts: Vec<Part>) -> Turn {
        Turn {
            parts,
            stop: StopReason::Finished,
            usage: Usage::default(),
            model: String::new(),
            route: None,
        }
    }

    #[test]
    fn a_plan_is_read_from_the_call() {
        let call = ToolCall {
            id: "1".into(),
            name: PLAN_TOOL.into(),
            arguments: json!({"effort": "change", "kind": "code", "steps": ["a"],
                "criteria": [{"text": "tests pass", "check": "test"}, {"text": "clear"}]})
            .to_string(),
        };
        let contract = read_plan(&turn(vec![Part::ToolCall(call)])).expect("a plan");
        assert_eq!(contract.effort, Effort::Change);
        assert_eq!(contract.criteria[0].check.as_deref(), Some("test"));
        assert_eq!(contract.criteria[1].id, "c2");
        assert_eq!(contract.criteria[1].check, None);
    }

    #[test]
    fn a_plan_in_prose_is_found_and_an_unknown_kind_becomes_general() {
        let text = "Sure! ```json\n{\"effort\": \"answer\", \"kind\": \"poem\"}\n``` Done.";
        let contract = read_plan(&turn(vec![Part::Text(text.into())])).expect("a plan");
        assert_eq!((contract.effort, contract.kind.as_str()), (Effort::Answer, "general"));
    }

    #[test]
    fn an_answer_that_is_not_a_plan_is_refused() {
        assert!(read_plan(&turn(vec![Part::Text("I will do it.".into())])).is_err());
        assert!(read_plan(&turn(vec![Part::Text("{\"effort\": \"magic\"}".into())])).is_err());
    }
}
