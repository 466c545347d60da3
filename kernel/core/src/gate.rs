//! The gate between a run and its effects: grant, rules, trust level, approval, journal.
//!
//! It has three doors: [`Gate::pass_call`] for a tool call, [`Gate::pass_use`] for the use of a capability inside
//! a call, and [`Gate::pass_loop`] for an action of the loop itself. The order behind them is fixed: what the grant
//! does not cover is refused before anything else is looked at, a rejecting rule comes before an allowing one, and a
//! person is asked last.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::{
    approval::{Answer, ApprovalRequest, Rule},
    capability::{Coverage, Grant, Use},
    decision::Decision,
    event::Event,
    failure::Failure,
    message::ToolCall,
    port::Approver,
    recorder::{RecordError, Recorder},
    tool::{Effect, Tool},
    trust::Trust,
};

/// Reasons why an action does not pass.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Refused; the model may read it.
    #[error(transparent)]
    Denied(Failure),
    /// Nobody is there to ask; the run has to wait for a person.
    #[error("`{}` on {:?} needs an approval", .0.action, .0.target)]
    NeedsApproval(Box<ApprovalRequest>),
    /// The decision could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Decisions that the user made before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Trust levels of the domains.
    pub trust: Trust,
    /// Rules that earlier answers left.
    pub rules: Vec<Rule>,
}

/// An action of the loop itself that is the user's to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopAction {
    /// Name of the action.
    pub name: &'static str,
    /// Effect on the world.
    pub effect: Effect,
    /// Domain whose trust level holds.
    pub domain: &'static str,
    /// Target of the action.
    pub target: String,
}

/// An action that the gate decides about.
struct GatedAction<'a> {
    origin: &'a str,
    name: &'a str,
    effect: Effect,
    domain: &'a str,
    target: String,
    details: String,
}

/// The gate of one run.
pub struct Gate {
    trust: Trust,
    rules: Mutex<Vec<Rule>>,
    approver: Arc<dyn Approver>,
    recorder: Arc<Recorder>,
    waiting: Mutex<Option<Box<ApprovalRequest>>>,
}

impl Gate {
    /// Returns a gate for one run.
    pub fn new(policy: Policy, approver: Arc<dyn Approver>, recorder: Arc<Recorder>) -> Self {
        Self {
            trust: policy.trust,
            rules: Mutex::new(policy.rules),
            approver,
            recorder,
            waiting: Mutex::new(None),
        }
    }

    /// Lets a tool call pass, or refuses it with the reason.
    ///
    /// # Errors
    ///
    /// [`Refusal::Denied`] for the model to read; [`Refusal::NeedsApproval`] when nobody is there to ask.
    pub async fn pass_call(&self, key: &str, tool: &Tool, call: &ToolCall) -> Result<(), Refusal> {
        if let Some(Event::GateDecided { decision, .. }) = self.recorder.recall(key, "gate.decided")
        {
            return passed(decision);
        }
        let action = GatedAction {
            origin: &tool.origin,
            name: &tool.name,
            effect: tool.effect,
            domain: &tool.domain,
            target: target_of(tool, call),
            details: call.arguments.clone(),
        };
        self.decide_for(key, &action).await
    }

    /// Lets the loop itself pass with something that is the user's to decide, such as work that changes the
    /// tests it is judged by.
    ///
    /// # Errors
    ///
    /// As [`Gate::pass_call`].
    pub async fn pass_loop(&self, key: &str, action: LoopAction) -> Result<(), Refusal> {
        if let Some(Event::GateDecided { decision, .. }) = self.recorder.recall(key, "gate.decided")
        {
            return passed(decision);
        }
        let action = GatedAction {
            origin: "the loop",
            name: action.name,
            effect: action.effect,
            domain: action.domain,
            details: action.target.clone(),
            target: action.target,
        };
        self.decide_for(key, &action).await
    }

    /// Lets a use of a capability pass, or refuses it with the reason. Uses that only look at the workspace, at the
    /// component's own state or at the run's records leave no line in the journal: the call does.
    ///
    /// # Errors
    ///
    /// A failure that the component may read. If nobody was there to ask, [`Gate::waiting`] has the question.
    pub async fn pass_use(
        &self,
        key: &str,
        origin: &str,
        domain: &str,
        grant: &Grant,
        wanted: &Use<'_>,
    ) -> Result<(), Failure> {
        let action = GatedAction {
            origin,
            name: wanted.interface(),
            effect: wanted.effect(),
            domain,
            target: wanted.target(),
            details: wanted.target(),
        };
        let (decision, answer) = match grant.coverage(wanted) {
            Coverage::None => (denial(Grant::refusal(origin, wanted)), None),
            // The user granted a wildcard without seeing this name, so a person is asked now.
            Coverage::Wildcard => {
                let action = GatedAction { effect: Effect::Send, ..copy_of(&action) };
                match self.decide(&action).await {
                    Ok(decided) => decided,
                    Err(refusal) => return Err(self.wait_for(refusal)),
                }
            }
            // The call that uses it has passed already.
            Coverage::Named => (Decision::Allow { because: "grant".to_owned() }, None),
        };
        if noteworthy(wanted, &decision) {
            let event = decided(&action, &decision, answer);
            // A model's turn records an intent of its own. For everything else that leaves the machine, this
            // decision is the intent, and it is durable before the use.
            let noted = match (wanted, answer, &decision) {
                (Use::Model(_), None, Decision::Allow { .. }) => {
                    self.recorder.note_with_next(key, event)
                }
                _ => self.recorder.note(key, event),
            };
            noted.map_err(|error| Failure::Failed(error.to_string()))?;
        }
        match passed(decision) {
            Ok(()) => Ok(()),
            Err(refusal) => Err(self.wait_for(refusal)),
        }
    }

    /// Takes the question that could not be asked during the last call, if there was one.
    pub fn waiting(&self) -> Option<Box<ApprovalRequest>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns the recorder of the run, for facts that are found out inside a call.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    fn wait_for(&self, refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Denied(failure) => failure,
            Refusal::Record(error) => Failure::Failed(error.to_string()),
            Refusal::NeedsApproval(request) => {
                let what = format!("{} on {} needs an approval", request.action, request.target);
                *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
                Failure::Denied { what, hint: "answer on a terminal".to_owned() }
            }
        }
    }

    /// Decides about an operation that records a start or a result of its own next.
    async fn decide_for(&self, key: &str, action: &GatedAction<'_>) -> Result<(), Refusal> {
        let (decision, answer) = self.decide(action).await?;
        let event = decided(action, &decision, answer);
        match answer {
            None => self.recorder.record_with_next(key, event)?,
            // A person is not asked twice.
            Some(_) => self.recorder.record(key, event)?,
        }
        passed(decision)
    }

    async fn decide(
        &self,
        action: &GatedAction<'_>,
    ) -> Result<(Decision, Option<Answer>), Refusal> {
        if let Some(decision) = self.by_rule(action) {
            return Ok((decision, None));
        }
        let level = self.trust.level(action.domain);
        if level.allows(action.effect) {
            let because = if action.effect == Effect::Read {
                "read".to_owned()
            } else {
                format!("trust:{level}")
            };
            return Ok((Decision::Allow { because }, None));
        }
        let request = request(action);
        let Some(answer) = self.approver.ask(&request).await else {
            return Err(Refusal::NeedsApproval(Box::new(request)));
        };
        Ok((self.by_answer(action, &request, answer), Some(answer)))
    }

    fn by_rule(&self, action: &GatedAction<'_>) -> Option<Decision> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let covering = |allow: bool| {
            rules.iter().any(|rule| {
                rule.allow == allow && rule.covers(action.origin, action.name, &action.target)
            })
        };
        if covering(false) {
            return Some(rejection(action, "a rule that you wrote rejects it"));
        }
        covering(true).then(|| Decision::Allow { because: "rule".to_owned() })
    }

    fn by_answer(
        &self,
        action: &GatedAction<'_>,
        request: &ApprovalRequest,
        answer: Answer,
    ) -> Decision {
        let allow = matches!(answer, Answer::AllowOnce | Answer::AllowAlways);
        if matches!(answer, Answer::AllowAlways | Answer::RejectAlways) {
            let rule = Rule { allow, ..request.rule.clone() };
            if let Err(error) = self.approver.remember(&rule) {
                tracing::warn!(%error, "a rule holds for this run only");
            }
            self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
        }
        if allow {
            Decision::Allow { because: "answer".to_owned() }
        } else {
            rejection(action, "you said no")
        }
    }
}

fn copy_of<'a>(action: &GatedAction<'a>) -> GatedAction<'a> {
    GatedAction { target: action.target.clone(), details: action.details.clone(), ..*action }
}

fn decided(action: &GatedAction<'_>, decision: &Decision, answer: Option<Answer>) -> Event {
    Event::GateDecided {
        origin: action.origin.to_owned(),
        action: action.name.to_owned(),
        effect: action.effect,
        domain: action.domain.to_owned(),
        target: action.target.clone(),
        decision: decision.clone(),
        answer,
    }
}

fn request(action: &GatedAction<'_>) -> ApprovalRequest {
    ApprovalRequest {
        origin: action.origin.to_owned(),
        action: action.name.to_owned(),
        effect: action.effect,
        domain: action.domain.to_owned(),
        target: action.target.clone(),
        details: action.details.clone(),
        hash: ApprovalRequest::hash_of(action.name, &action.details),
        rule: Rule {
            allow: true,
            origin: action.origin.to_owned(),
            action: action.name.to_owned(),
            target: action.target.clone(),
        },
    }
}

fn rejection(action: &GatedAction<'_>, why: &str) -> Decision {
    Decision::Deny {
        what: format!("{} on {:?}: {why}", action.name, action.target),
        hint: String::new(),
    }
}

fn denial(failure: Failure) -> Decision {
    match failure {
        Failure::Denied { what, hint } => Decision::Deny { what, hint },
        other => Decision::Deny { what: other.to_string(), hint: String::new() },
    }
}

fn passed(decision: Decision) -> Result<(), Refusal> {
    match decision {
        Decision::Allow { .. } => Ok(()),
        Decision::Deny { what, hint } => Err(Refusal::Denied(Failure::Denied { what, hint })),
    }
}

fn noteworthy(wanted: &Use<'_>, decision: &Decision) -> bool {
    let outside = matches!(wanted, Use::Http(_) | Use::Process { .. } | Use::Model(_));
    outside || !matches!(decision, Decision::Allow { .. })
}

/// Returns the target of a call: the argument that the tool's manifest points to, or all arguments.
pub fn target_of(tool: &Tool, call: &ToolCall) -> String {
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
    let pointed = tool.target.as_deref().and_then(|pointer| arguments.pointer(pointer));
    match pointed {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => call.arguments.clone(),
    }
}
