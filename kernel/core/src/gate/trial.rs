//! Commands on trial: they run apart from the workspace, and a person sees what they changed before it is there.
//!
//! The decision about the call is [`Decision::Try`]. The answer about its changes is recorded under a key of the
//! difference that was shown, so that it is for that difference and no other. What could not be dropped afterwards is asked
//! for first ([`Gate::pass_first`]), which ends the trial.

use super::{Gate, GatedAction, Refusal, lock, passed};
use crate::{
    capability::Use,
    decision::{Decision, TrialEnd},
    fact,
    failure::Failure,
    recorder::RecordError,
    tool::Effect,
};

impl Gate {
    /// Returns whether a command is tried: nobody has decided about it, and its domain suggests.
    pub(super) fn tries(&self, action: &GatedAction<'_>) -> bool {
        let level = self.trust.level_at(action.domain, self.recorder.now_ms());
        action.is_command && level.tries(action.effect) && self.by_rule(action).is_none()
    }

    /// Lets a call run apart.
    pub(super) fn begin_trial(
        &self,
        key: &str,
        action: &GatedAction<'_>,
    ) -> Result<(), RecordError> {
        let tried = self.decided(action, &Decision::Try, None);
        self.recorder.record_with_next(&trial_key(key), tried)
    }

    /// Returns whether the call with this key was let run apart.
    pub(super) fn was_tried(&self, key: &str) -> bool {
        self.recorder.recall::<fact::GateDecided>(&trial_key(key)).is_some()
    }

    /// Returns whether nobody has answered yet for what the call with this key does.
    pub fn is_on_trial(&self, key: &str) -> bool {
        let first = || self.recorder.recall(&first_key(key));
        let is_allowed =
            |fact::GateDecided { decision, .. }| matches!(decision, Decision::Allow { .. });
        self.was_tried(key) && !first().is_some_and(is_allowed)
    }

    /// Asks for a call on trial whose programs are about to do what a layer does not hold. A yes is one for the whole
    /// call. Any other call passes.
    ///
    /// # Errors
    ///
    /// As [`Gate::pass_call`].
    pub async fn pass_first(&self, key: &str) -> Result<(), Refusal> {
        if !self.is_on_trial(key) {
            return Ok(());
        }
        let first = first_key(key);
        if let Some(fact::GateDecided { decision, .. }) = self.recorder.recall(&first) {
            return passed(decision);
        }
        let Some((tried, call)) = self.tried(key) else { return Ok(()) };
        let action = action(&tried, &call, String::new());
        match self.decide(&action).await {
            Ok((decision, answer)) => {
                self.recorder.record(&first, self.decided(&action, &decision, answer))?;
                passed(decision)
            }
            Err(Refusal::NeedsApproval(request)) => {
                let denied = self.nobody(key, *request);
                self.recorder.record(&first, self.decided(&action, &denied, None))?;
                passed(denied)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// As [`Gate::pass_first`], for a use of a capability that is more than looking. Programs are held by their layer, and
    /// turns are paid from the budget.
    pub(super) async fn pass_first_for(&self, key: &str, wanted: &Use<'_>) -> Result<(), Refusal> {
        match wanted {
            Use::Process { .. } | Use::Model(_) => Ok(()),
            _ if wanted.effect() == Effect::Read => Ok(()),
            _ => self.pass_first(key).await,
        }
    }

    /// Asks about what a call on trial has changed apart from the workspace, as `shown`. Where nobody is there the
    /// question is kept.
    ///
    /// # Errors
    ///
    /// [`Refusal::Cancelled`] and [`Refusal::Record`]; a no is no error.
    pub async fn pass_changes(&self, key: &str, shown: String) -> Result<TrialEnd, Refusal> {
        let Some((tried, call)) = self.tried(key) else {
            return Ok(TrialEnd::Dropped("nobody knows what ran".to_owned()));
        };
        let action = action(&tried, &call, shown);
        let request = self.request(&action);
        let answered = format!("{key}/t{}", request.hash.get(..16).unwrap_or(&request.hash));
        if let Some(fact::GateDecided { decision, .. }) = self.recorder.recall(&answered) {
            return Ok(end_of(decision));
        }
        let (decision, answer) = if lock(&self.accepted).contains(&request.hash) {
            (Decision::Allow { because: "answer".to_owned() }, None)
        } else {
            match self.decide(&action).await {
                Ok(decided) => decided,
                Err(Refusal::NeedsApproval(request)) => {
                    let what = "nobody is there to allow what it would change; go on without it if the task can be \
                                done in another way";
                    self.leave(key, *request);
                    return Ok(TrialEnd::Dropped(what.to_owned()));
                }
                Err(refusal) => return Err(refusal),
            }
        };
        self.recorder.record(&answered, self.decided(&action, &decision, answer))?;
        Ok(end_of(decision))
    }

    /// Returns what the journal says of a call that was tried, and the arguments of the call.
    fn tried(&self, key: &str) -> Option<(fact::GateDecided, String)> {
        let tried: fact::GateDecided = self.recorder.recall(&trial_key(key))?;
        let fact::CallStarted { call, .. } = self.recorder.recall(key)?;
        Some((tried, call.arguments))
    }
}

/// Returns the action that a call on trial asks for.
fn action<'a>(tried: &'a fact::GateDecided, arguments: &str, shown: String) -> GatedAction<'a> {
    GatedAction {
        origin: &tried.origin,
        name: &tried.action,
        effect: tried.effect,
        domain: &tried.domain,
        target: tried.target.clone(),
        details: arguments.to_owned(),
        shown,
        is_command: true,
    }
}

fn end_of(decision: Decision) -> TrialEnd {
    match decision {
        Decision::Allow { .. } | Decision::Try => TrialEnd::Kept,
        Decision::Deny { what, hint } => {
            TrialEnd::Dropped(Failure::Denied { what, hint }.to_string())
        }
    }
}

/// Returns the key of the decision that a call is tried. Under that of the call stands what it used since.
fn trial_key(key: &str) -> String {
    format!("{key}/trial")
}

/// Returns the key of the answer that a call on trial got before it went on.
fn first_key(key: &str) -> String {
    format!("{key}/first")
}
