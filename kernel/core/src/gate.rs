//! The one function that every effect passes: identity, capability, trust level, rules, approval, journal.
//!
//! A tool call passes with [`Gate::pass_call`]; a use of a capability inside a call passes with
//! [`Gate::pass_use`]. The order is fixed: what the grant does not cover is refused before anything else is
//! looked at, a rejecting rule comes before an allowing one, and a person is asked last.

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

/// Why something did not pass.
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

/// What the user decided before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Trust levels.
    pub trust: Trust,
    /// Rules that earlier answers left.
    pub rules: Vec<Rule>,
}

/// What the loop asks for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it wants to do.
    pub action: &'static str,
    /// What that does.
    pub effect: Effect,
    /// The domain whose trust level holds.
    pub domain: &'static str,
    /// What is acted on.
    pub target: String,
}

/// Something that wants to pass.
struct Claimant<'a> {
    origin: &'a str,
    action: &'a str,
    effect: Effect,
    domain: &'a str,
    target: String,
    details: String,
}

/// The one function that every effect passes.
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

    /// Lets a tool call pass, or says why not.
    ///
    /// # Errors
    ///
    /// [`Refusal::Denied`] for the model to read; [`Refusal::NeedsApproval`] when nobody is there to ask.
    pub async fn pass_call(&self, key: &str, tool: &Tool, call: &ToolCall) -> Result<(), Refusal> {
        if let Some(Event::GateDecided { decision, .. }) = self.recorder.recall(key, "gate.decided")
        {
            return settled(decision);
        }
        let claimant = Claimant {
            origin: &tool.origin,
            action: &tool.name,
            effect: tool.effect,
            domain: &tool.domain,
            target: target_of(tool, call),
            details: call.arguments.clone(),
        };
        self.decide_for(key, &claimant).await
    }

    /// Lets the loop itself pass with something that is the user's to decide, such as work that changes the
    /// tests it is judged by.
    ///
    /// # Errors
    ///
    /// As [`Gate::pass_call`].
    pub async fn pass_loop(&self, key: &str, claim: Claim) -> Result<(), Refusal> {
        if let Some(Event::GateDecided { decision, .. }) = self.recorder.recall(key, "gate.decided")
        {
            return settled(decision);
        }
        let claimant = Claimant {
            origin: "the loop",
            action: claim.action,
            effect: claim.effect,
            domain: claim.domain,
            details: claim.target.clone(),
            target: claim.target,
        };
        self.decide_for(key, &claimant).await
    }

    /// Lets a use of a capability pass, or says why not. Uses that only look at the workspace, at the
    /// component's own state or at the run's records leave no line in the journal: the call does.
    ///
    /// # Errors
    ///
    /// A failure that the component may read. Where nobody was there to ask, [`Gate::waiting`] says so.
    pub async fn pass_use(
        &self,
        key: &str,
        origin: &str,
        domain: &str,
        grant: &Grant,
        wanted: &Use<'_>,
    ) -> Result<(), Failure> {
        let claimant = Claimant {
            origin,
            action: wanted.interface(),
            effect: wanted.effect(),
            domain,
            target: wanted.target(),
            details: wanted.target(),
        };
        let (decision, answer) = match grant.coverage(wanted) {
            Coverage::None => (denial(Grant::refusal(origin, wanted)), None),
            // A wildcard was granted without the name being seen, so a person sees it now.
            Coverage::Wildcard => {
                let claimant = Claimant { effect: Effect::Send, ..claimant_again(&claimant) };
                match self.decide(&claimant).await {
                    Ok(decided) => decided,
                    Err(refusal) => return Err(self.wait_for(refusal)),
                }
            }
            // The call that uses it has passed already.
            Coverage::Named => (Decision::Allow { because: "grant".to_owned() }, None),
        };
        if noteworthy(wanted, &decision) {
            let event = decided(&claimant, &decision, answer);
            // A model's turn has an intent of its own; of what leaves the machine otherwise this is the only one.
            let noted = match (wanted, answer, &decision) {
                (Use::Model(_), None, Decision::Allow { .. }) => {
                    self.recorder.note_with_next(key, event)
                }
                _ => self.recorder.note(key, event),
            };
            noted.map_err(|error| Failure::Failed(error.to_string()))?;
        }
        match settled(decision) {
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

    /// Decides once for an operation that records a start or a result of its own next.
    async fn decide_for(&self, key: &str, claimant: &Claimant<'_>) -> Result<(), Refusal> {
        let (decision, answer) = self.decide(claimant).await?;
        let event = decided(claimant, &decision, answer);
        match answer {
            None => self.recorder.record_with_next(key, event)?,
            // A person is not asked twice.
            Some(_) => self.recorder.record(key, event)?,
        }
        settled(decision)
    }

    async fn decide(&self, claimant: &Claimant<'_>) -> Result<(Decision, Option<Answer>), Refusal> {
        if let Some(decision) = self.by_rule(claimant) {
            return Ok((decision, None));
        }
        let level = self.trust.level(claimant.domain);
        if level.allows(claimant.effect) {
            let because = if claimant.effect == Effect::Read {
                "read".to_owned()
            } else {
                format!("trust:{level}")
            };
            return Ok((Decision::Allow { because }, None));
        }
        let request = request(claimant);
        let Some(answer) = self.approver.ask(&request).await else {
            return Err(Refusal::NeedsApproval(Box::new(request)));
        };
        Ok((self.by_answer(claimant, &request, answer), Some(answer)))
    }

    fn by_rule(&self, claimant: &Claimant<'_>) -> Option<Decision> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let covering = |allow: bool| {
            rules.iter().any(|rule| {
                rule.allow == allow
                    && rule.covers(claimant.origin, claimant.action, &claimant.target)
            })
        };
        if covering(false) {
            return Some(rejection(claimant, "a rule that you wrote rejects it"));
        }
        covering(true).then(|| Decision::Allow { because: "rule".to_owned() })
    }

    fn by_answer(
        &self,
        claimant: &Claimant<'_>,
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
            rejection(claimant, "you said no")
        }
    }
}

fn claimant_again<'a>(claimant: &Claimant<'a>) -> Claimant<'a> {
    Claimant { target: claimant.target.clone(), details: claimant.details.clone(), ..*claimant }
}

fn decided(claimant: &Claimant<'_>, decision: &Decision, answer: Option<Answer>) -> Event {
    Event::GateDecided {
        origin: claimant.origin.to_owned(),
        action: claimant.action.to_owned(),
        effect: claimant.effect,
        domain: claimant.domain.to_owned(),
        target: claimant.target.clone(),
        decision: decision.clone(),
        answer,
    }
}

fn request(claimant: &Claimant<'_>) -> ApprovalRequest {
    ApprovalRequest {
        origin: claimant.origin.to_owned(),
        action: claimant.action.to_owned(),
        effect: claimant.effect,
        domain: claimant.domain.to_owned(),
        target: claimant.target.clone(),
        details: claimant.details.clone(),
        hash: ApprovalRequest::hash_of(claimant.action, &claimant.details),
        rule: Rule {
            allow: true,
            origin: claimant.origin.to_owned(),
            action: claimant.action.to_owned(),
            target: claimant.target.clone(),
        },
    }
}

fn rejection(claimant: &Claimant<'_>, why: &str) -> Decision {
    Decision::Deny {
        what: format!("{} on {:?}: {why}", claimant.action, claimant.target),
        hint: String::new(),
    }
}

fn denial(failure: Failure) -> Decision {
    match failure {
        Failure::Denied { what, hint } => Decision::Deny { what, hint },
        other => Decision::Deny { what: other.to_string(), hint: String::new() },
    }
}

fn settled(decision: Decision) -> Result<(), Refusal> {
    match decision {
        Decision::Allow { .. } => Ok(()),
        Decision::Deny { what, hint } => Err(Refusal::Denied(Failure::Denied { what, hint })),
    }
}

fn noteworthy(wanted: &Use<'_>, decision: &Decision) -> bool {
    let outside = matches!(wanted, Use::Http(_) | Use::Process { .. } | Use::Model(_));
    outside || !matches!(decision, Decision::Allow { .. })
}

/// Returns what a call acts on: the argument that the tool's manifest points to, or all arguments.
pub fn target_of(tool: &Tool, call: &ToolCall) -> String {
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
    let pointed = tool.target.as_deref().and_then(|pointer| arguments.pointer(pointer));
    match pointed {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => call.arguments.clone(),
    }
}
