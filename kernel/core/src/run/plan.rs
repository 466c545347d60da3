//! Planning: a contract whose criteria somebody can check. The executor makes it with a tool once it knows enough; a
//! planner is asked first only where it is a model of its own.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{halt::Halt, meter::TurnReply, prompt, state::Run};
use crate::{
    contract::{Contract, Effort},
    evaluation::Criterion,
    event::Event,
    fact,
    failure::Failure,
    message::{Message, OfferedTool, Prompt, Role, ToolCall, ToolChoice, Turn},
    tool::ToolOutput,
};

/// Most criteria of a plan; the planner's later ones are dropped.
pub(super) const MOST_CRITERIA: usize = 12;

/// Name of the tool with which an executor plans.
pub const PLAN_TOOL: &str = "plan";

/// Name of the tool with which a planner answers.
const SUBMIT: &str = "submit_plan";

impl Run {
    /// Asks the planner, where it is a model of its own.
    pub(super) async fn plan(&mut self) -> Result<(), Halt> {
        if !(self.plans() && self.has_planner()) {
            return Ok(());
        }
        self.contract = self.make_contract().await?;
        self.make_plan("plan")
    }

    /// Has the checks look at the untouched tree where a plan changes something.
    pub(super) async fn prepare_change(&mut self) -> Result<(), Halt> {
        if self.plans() && self.has_planner() && self.contract.effort == Effort::Change {
            self.ensure_baseline().await?;
        }
        Ok(())
    }

    /// Records the contract with the rubric of its kind.
    pub(super) fn make_plan(&mut self, key: &str) -> Result<(), Halt> {
        let rubric = match self.recorder.recall(key) {
            Some(fact::PlanMade { rubric }) => rubric,
            _ => self.ports.evaluators.rubric(&self.contract.kind),
        };
        self.rubric.clone_from(&rubric);
        let made = Event::PlanMade { contract: self.contract.clone(), rubric };
        Ok(self.recorder.record(key, made)?)
    }

    /// Chooses the rubric of work that nobody planned: that of a program where the project has checks.
    pub(super) fn ensure_rubric(&mut self) -> Result<(), Halt> {
        if self.rubric.is_some() {
            return Ok(());
        }
        if self.baseline.as_ref().is_some_and(|checks| !checks.is_empty()) {
            self.contract.kind = Contract::CODE.to_owned();
        }
        self.make_plan("plan")
    }

    /// Takes the plan that the executor makes. A later plan may change the steps and add criteria; what was promised
    /// before stays promised.
    pub(super) fn take_plan(
        &mut self,
        key: &str,
        call: &ToolCall,
    ) -> Result<Result<ToolOutput, Failure>, Halt> {
        let result = read_arguments(&call.arguments).map(|plan| self.extend_contract(plan));
        let result = match result {
            Ok(()) => {
                self.make_plan(key)?;
                Ok(ToolOutput { text: prompt::planned(&self.contract), ..ToolOutput::default() })
            }
            Err(message) => Err(Failure::Invalid { field: String::new(), message }),
        };
        let finished =
            Event::CallFinished { tool: call.name.clone(), result: result.clone(), duration_ms: 0 };
        self.recorder.record(key, finished)?;
        Ok(result)
    }

    fn extend_contract(&mut self, plan: Contract) {
        if self.contract.effort == Effort::Open {
            self.contract = plan;
            return;
        }
        self.contract.steps = plan.steps;
        for criterion in plan.criteria {
            let known = &mut self.contract.criteria;
            if known.len() < MOST_CRITERIA && !known.iter().any(|one| one.text == criterion.text) {
                let id = format!("c{}", known.len() + 1);
                known.push(Criterion { id, ..criterion });
            }
        }
    }

    async fn make_contract(&self) -> Result<Contract, Halt> {
        let mut messages = self.task.history.clone();
        messages.push(Message::user(prompt::planning(&self.task.text, &self.overview)));
        for attempt in 0..2 {
            let request = Prompt {
                system: prompt::with_instructions(prompt::PLANNER, &self.instructions),
                messages: messages.clone(),
                tools: vec![submit_tool()],
                tool_choice: ToolChoice::Named(SUBMIT.to_owned()),
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

/// Returns the tool with which an executor plans.
pub(super) fn plan_tool() -> OfferedTool {
    OfferedTool {
        name: PLAN_TOOL.to_owned(),
        description: prompt::PLAN.to_owned(),
        parameters: json!({
            "type": "object",
            "required": ["steps", "criteria"],
            "properties": {
                "kind": { "type": "string", "enum": Contract::KINDS },
                "steps": { "type": "array", "items": { "type": "string" } },
                "criteria": {
                    "type": "array",
                    "items": {
                        "type": "object",
                                    "required": ["text"],
                        "properties": {
                            "text": { "type": "string" },
                            "check": { "type": "string", "enum": CHECKS },
                            "tests": { "type": "array", "items": { "type": "string" } },
                        },
                    },
                },
            },
        })
        .into(),
    }
}

fn submit_tool() -> OfferedTool {
    OfferedTool {
        name: SUBMIT.to_owned(),
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
                            "tests": {
                                "type": "array",
                                "items": { "type": "string" },
                                "description": "names of the tests that have to pass, if the task is about certain ones",
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
    #[serde(default = "change")]
    effort: Effort,
    #[serde(default)]
    kind: String,
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
    #[serde(default)]
    tests: Vec<String>,
}

/// Whoever plans with the tool is going to change something.
fn change() -> Effort {
    Effort::Change
}

/// Categories of checks to which a criterion can be bound.
const CHECKS: [&str; 4] = ["test", "build", "lint", "types"];

fn read_arguments(arguments: &str) -> Result<Contract, String> {
    let plan: SubmittedPlan = serde_json::from_str(arguments)
        .map_err(|error| format!("that is no plan: {error}; steps and criteria are lists"))?;
    Ok(contract(plan))
}

/// Reads the plan from the tool call, or from JSON in the text of models that cannot call tools.
fn read_plan(turn: &Turn) -> Result<Contract, String> {
    let calls = turn.calls();
    let called = calls.iter().find(|call| call.name == SUBMIT);
    let text = match called {
        Some(call) => call.arguments.clone(),
        None => json_in(&turn.text()).ok_or("no call of submit_plan")?,
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if value.get("effort").is_none() {
        return Err("it does not say which `effort` the task takes".to_owned());
    }
    let plan: SubmittedPlan = serde_json::from_value(value).map_err(|error| error.to_string())?;
    Ok(contract(plan))
}

fn contract(plan: SubmittedPlan) -> Contract {
    let criteria = plan.criteria.into_iter().take(MOST_CRITERIA).enumerate();
    let criteria = criteria
        .map(|(index, criterion)| Criterion {
            id: format!("c{}", index + 1),
            text: criterion.text,
            check: criterion.check.filter(|check| CHECKS.contains(&check.as_str())),
            tests: criterion.tests,
        })
        .collect();
    let known = Contract::KINDS.contains(&plan.kind.as_str());
    let kind = if known { plan.kind } else { Contract::GENERAL.to_owned() };
    Contract { effort: plan.effort, kind, steps: plan.steps, criteria }
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
            name: SUBMIT.into(),
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
