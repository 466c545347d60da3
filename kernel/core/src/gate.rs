//! The gate between a run and its effects: grant, rules, trust level, approval, journal.
//!
//! It has three doors: [`Gate::pass_call`] for a tool call, which may run on [trial](Gate::is_on_trial), [`Gate::pass_use`] for the use of a capability inside
//! a call, and [`Gate::pass_loop`] for an action of the loop itself. The order behind them is fixed: what the grant
//! does not cover is refused before anything else is looked at, a rejecting rule comes before an allowing one, and a
//! person is asked last. While the person thinks, the run's clock stands still and a cancellation is heard. If nobody
//! is there, the model is told so, and the question is kept in [`Gate::unanswered`].

use std::{
    collections::BTreeSet,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use self::{
    action::{GatedAction, NETWORK},
    queue::{Queue, Turn},
    untrusted::Untrusted,
};

use serde_json::{Value, json};

use crate::{
    approval::{self, Answer, ApprovalRequest, Rule, Subject, Unanswered},
    capability::{Coverage, Grant, Use},
    command_line::Line,
    decision::Decision,
    event::Event,
    fact,
    failure::Failure,
    hash,
    message::ToolCall,
    network::{HostQuestion, OpenPages},
    port::{Approver, Cancellation},
    recorder::{RecordError, Recorder},
    tool::{Effect, Tool},
    trust::Trust,
};

mod action;
mod queue;
mod trial;
mod untrusted;

/// Reasons why an action does not pass.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Refused; the model may read it.
    #[error(transparent)]
    Denied(Failure),
    /// Nobody is there to ask; the run has to wait for a person.
    #[error("`{}` on {:?} needs an approval", .0.action, .0.target)]
    NeedsApproval(Box<ApprovalRequest>),
    /// The run was cancelled while the question stood.
    #[error("cancelled while a question stood")]
    Cancelled,
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
    /// What the conversation of the run holds already that others may have written.
    pub read: Option<String>,
    /// Workspace of the run, to which new rules are tied.
    pub workspace: String,
    /// Session of the run, for rules that are tied to it.
    pub session: String,
    /// Pages that are read without a question.
    pub pages: OpenPages,
    /// Set if the workspace is one in which nobody may mean to have work done.
    pub doubt: Option<PlaceDoubt>,
}

/// A workspace in which work is a question of its own, such as a whole home directory. It is asked once, before the first
/// effect, whatever the trust; what only looks needs no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceDoubt {
    /// What is asked for, for example `work in your whole home directory`.
    pub action: String,
    /// What to do instead, one sentence.
    pub instead: String,
}

/// The domain of the question whether there is to be work in a workspace, and the key of its answer.
pub const PLACE: &str = "workspace";

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
    /// Content to show to the person, such as a unified diff. A rule holds for the same content only.
    pub shown: String,
}

/// What became of a question.
enum Asked {
    Answered(Answer),
    Nobody,
    Cancelled,
}

/// The gate of one run.
pub struct Gate {
    trust: Trust,
    rules: Mutex<Vec<Rule>>,
    approver: Arc<dyn Approver>,
    recorder: Arc<Recorder>,
    cancellation: Arc<dyn Cancellation>,
    workspace: String,
    session: String,
    pages: OpenPages,
    doubt: Option<PlaceDoubt>,
    unanswered: Mutex<Vec<Unanswered>>,
    /// Questions are put one after the other, so that an answer is heard by those that wait.
    queue: Queue,
    /// Hashes of the requests to which a person said no.
    refused: Mutex<BTreeSet<String>>,
    /// Hashes of the changes to which a person said yes when the command that made them was over: it may make them again.
    accepted: Mutex<BTreeSet<String>>,
    /// What the run has read that others may have written, as far as it matters.
    read: Untrusted,
}

impl Gate {
    /// Returns a gate for one run.
    pub fn new(
        policy: Policy,
        approver: Arc<dyn Approver>,
        recorder: Arc<Recorder>,
        cancellation: Arc<dyn Cancellation>,
    ) -> Self {
        let gate = Self {
            trust: policy.trust,
            rules: Mutex::new(policy.rules),
            approver,
            recorder,
            cancellation,
            workspace: policy.workspace,
            session: policy.session,
            pages: policy.pages,
            doubt: policy.doubt,
            unanswered: Mutex::default(),
            queue: Queue::default(),
            refused: Mutex::default(),
            accepted: Mutex::default(),
            read: Untrusted::beginning_with(policy.read),
        };
        gate.recall_answers();
        gate
    }

    /// Returns whether the trust level of a tool lets it run without a question.
    pub(crate) fn allows_unasked(&self, tool: &Tool) -> bool {
        self.trust.level(&tool.domain).allows(tool.effect)
    }

    /// Takes in what a person answered before the run was interrupted, as far as it holds for the rest of it.
    fn recall_answers(&self) {
        for fact::GateDecided {
            origin, action, domain, target, decision, answer, question, ..
        } in self.recorder.recall_below("")
        {
            if matches!(decision, Decision::Allow { .. }) {
                self.read.note_use(&action, &target);
            }
            match (answer.map(Answer::allows), question) {
                (Some(false), Some(question)) => {
                    lock(&self.refused).insert(question);
                }
                (Some(true), _) if domain == NETWORK && action == NETWORK => {
                    lock(&self.rules).push(self.exact_rule(&origin, &action, target));
                }
                _ => {}
            }
        }
    }

    /// Lets a tool call pass, or refuses it with the reason. Where what its programs change is held `apart`, it may pass on
    /// [trial](Gate::is_on_trial).
    ///
    /// # Errors
    ///
    /// [`Refusal::Denied`] for the model to read, also when nobody is there to ask; [`Refusal::Cancelled`] when the
    /// run was cancelled while the question stood.
    pub async fn pass_call(
        &self,
        key: &str,
        tool: &Tool,
        call: &ToolCall,
        apart: bool,
    ) -> Result<(), Refusal> {
        if self.was_tried(key) {
            return Ok(());
        }
        let action = GatedAction {
            origin: &tool.origin,
            name: &tool.name,
            effect: tool.effect,
            domain: &tool.domain,
            target: target_of(tool, call),
            details: call.arguments.clone(),
            shown: String::new(),
            is_command: tool.effect == Effect::Execute && tool.target.is_some(),
        };
        if let Some(fact::GateDecided { decision, .. }) = self.recorder.recall(key) {
            if let Decision::Allow { .. } = &decision {
                self.read.note_call(key, &action, &self.workspace);
            }
            return passed(decision);
        }
        if tool.effect != Effect::Read
            && let Decision::Deny { what, hint } = self.decide_place(key).await?
        {
            let denied = Decision::Deny { what, hint };
            self.recorder.record(key, self.decided(&action, &denied, None))?;
            return passed(denied);
        }
        if apart && self.tries(&action) {
            return Ok(self.begin_trial(key, &action)?);
        }
        match self.decide_for(key, &action).await {
            Err(Refusal::NeedsApproval(request)) => {
                let denied = self.nobody(key, *request);
                self.recorder.record(key, self.decided(&action, &denied, None))?;
                passed(denied)
            }
            Ok(()) => {
                self.read.note_call(key, &action, &self.workspace);
                Ok(())
            }
            other => other,
        }
    }

    /// Decides whether there is to be work in this workspace at all, once in a run. Where nobody is there, each call that
    /// wants to do something leaves the question.
    async fn decide_place(&self, key: &str) -> Result<Decision, Refusal> {
        let Some(doubt) = &self.doubt else { return Ok(named()) };
        if let Some(fact::GateDecided { decision, .. }) = self.recorder.recall(PLACE) {
            return Ok(decision);
        }
        let details = json!({ "directory": self.workspace, "instead": doubt.instead });
        let action = GatedAction {
            origin: "the loop",
            name: &doubt.action,
            effect: Effect::Write,
            domain: PLACE,
            target: self.workspace.clone(),
            details: details.to_string(),
            shown: String::new(),
            is_command: false,
        };
        match self.decide(&action).await {
            // The decision about the call is recorded, and rests on this one.
            Ok((decision, None)) => Ok(decision),
            Ok((decision, answer)) => {
                self.recorder.record(PLACE, self.decided(&action, &decision, answer))?;
                Ok(decision)
            }
            Err(Refusal::NeedsApproval(request)) => Ok(self.nobody(key, *request)),
            Err(refusal) => Err(refusal),
        }
    }

    /// Lets the loop itself pass with something that is the user's to decide, such as work that changes the
    /// tests it is judged by.
    ///
    /// # Errors
    ///
    /// As [`Gate::pass_call`], but [`Refusal::NeedsApproval`] when nobody is there to ask: nothing can be done
    /// instead.
    pub async fn pass_loop(&self, key: &str, action: LoopAction) -> Result<(), Refusal> {
        if let Some(fact::GateDecided { decision, .. }) = self.recorder.recall(key) {
            return passed(decision);
        }
        let action = GatedAction {
            origin: "the loop",
            name: action.name,
            effect: action.effect,
            domain: action.domain,
            details: action.target.clone(),
            target: action.target,
            shown: action.shown,
            is_command: false,
        };
        self.decide_for(key, &action).await
    }

    /// Decides again about a question that was left. A yes holds for the rest of the run, so that the call that was
    /// refused can be made again; one about what a command changed, for a command that changes the same.
    ///
    /// # Errors
    ///
    /// As [`Gate::pass_loop`].
    pub async fn pass_later(&self, key: &str, request: &ApprovalRequest) -> Result<(), Refusal> {
        let allow = |decision: &Decision| match decision {
            Decision::Allow { .. } if request.is_about_changes() => {
                lock(&self.accepted).insert(request.hash.clone());
            }
            Decision::Allow { .. } => lock(&self.rules).push(request.rule.clone()),
            Decision::Try | Decision::Deny { .. } => {}
        };
        if let Some(fact::GateDecided { decision, .. }) = self.recorder.recall(key) {
            allow(&decision);
            return passed(decision);
        }
        let action = GatedAction {
            origin: &request.origin,
            name: &request.action,
            effect: request.effect,
            domain: &request.domain,
            target: request.target.clone(),
            details: request.details.clone(),
            shown: request.shown.clone(),
            is_command: request.alike.is_some() || request.is_about_changes(),
        };
        // The person may have raised the trust or written a rule meanwhile, or answered the same for another call.
        let is_accepted = lock(&self.accepted).contains(&request.hash);
        let (decision, answer) = match is_accepted {
            true => (Decision::Allow { because: "answer".to_owned() }, None),
            false => self.decide(&action).await?,
        };
        self.recorder.record(key, self.decided(&action, &decision, answer))?;
        allow(&decision);
        passed(decision)
    }

    /// Lets a use of a capability pass, or refuses it with the reason. Uses that only look at the workspace, at the
    /// component's own state or at the run's records leave no line in the journal: the call does.
    ///
    /// # Errors
    ///
    /// A failure that the component may read. If nobody was there to ask, it says so.
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
            shown: String::new(),
            is_command: false,
        };
        self.pass_first_for(key, wanted).await.map_err(Failure::from)?;
        let (decision, answer) = match grant.coverage(wanted) {
            Coverage::None => (denial(grant.refusal(origin, wanted)), None),
            // The user granted a wildcard without seeing this name, so a person is asked now.
            Coverage::Wildcard => {
                let action = GatedAction { effect: Effect::Send, ..action.clone() };
                match (self.by_rule(&action), self.open_page(wanted)) {
                    // A rule of the user comes first.
                    (None, Some(because)) => (Decision::Allow { because }, None),
                    _ => match self.decide(&action).await {
                        Ok(decided) => decided,
                        Err(Refusal::NeedsApproval(request)) => (self.nobody(key, *request), None),
                        Err(refusal) => return Err(refusal.into()),
                    },
                }
            }
            // The call that uses it has passed already.
            Coverage::Named => (Decision::Allow { because: "grant".to_owned() }, None),
        };
        if let (Use::Http(_), Decision::Allow { .. }) = (wanted, &decision) {
            self.read.note_answer(key, wanted.interface(), &action.target);
        }
        if noteworthy(wanted, &decision) {
            let event = self.decided(&action, &decision, answer);
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
        passed(decision).map_err(Failure::from)
    }

    /// Lets a program of `origin` reach a host, or refuses it with the reason. A yes holds for the rest of the run: a
    /// package manager connects many times. Where nobody can be asked, what a package manager needs is a question that
    /// is left; that some other host is not reached is usual and waits for nobody.
    ///
    /// # Errors
    ///
    /// A failure whose text the program is told.
    pub async fn pass_host(
        &self,
        key: &str,
        origin: &str,
        question: &HostQuestion,
    ) -> Result<(), Failure> {
        let target = question.to_string();
        let action = GatedAction {
            origin,
            name: NETWORK,
            effect: Effect::Send,
            domain: NETWORK,
            details: target.clone(),
            target,
            shown: String::new(),
            is_command: false,
        };
        let (decision, answer) = match self.decide(&action).await {
            Ok(decided) => decided,
            Err(Refusal::NeedsApproval(request)) if question.group.is_some() => {
                (self.nobody(key, *request), None)
            }
            Err(Refusal::NeedsApproval(_)) => {
                (rejection(&action, "nobody is there to allow it"), None)
            }
            Err(refusal) => return Err(refusal.into()),
        };
        if let Decision::Allow { because } = &decision {
            self.read.note_use(NETWORK, &action.target);
            if because.starts_with("trust:") {
                lock(&self.rules).push(self.exact_rule(origin, NETWORK, action.target.clone()));
            }
        }
        let noted = self.recorder.note(key, self.decided(&action, &decision, answer));
        noted.map_err(|error| Failure::Failed(error.to_string()))?;
        passed(decision).map_err(Failure::from)
    }

    /// Notes that a program reaches a host which the user named: nobody is asked, and what comes of it may be anybody's.
    pub fn note_host(&self, question: &HostQuestion) {
        self.read.note_use(NETWORK, &question.to_string());
    }

    /// Returns the questions so far that nobody was there to answer, for the end of the run: it waits for a person
    /// if the work could not be accepted without them.
    pub fn unanswered(&self) -> Vec<Unanswered> {
        lock(&self.unanswered).clone()
    }

    /// Returns what a person said no to below a key, in words.
    pub fn said_no(&self, key: &str) -> Option<String> {
        let decided =
            self.recorder.recall_below::<fact::GateDecided>(&format!("{key}/")).into_iter();
        let refused = decided.filter(|one| one.answer.is_some_and(|answer| !answer.allows()));
        refused
            .map(|fact::GateDecided { action, target, .. }| format!("{action} on {target:?}"))
            .min()
    }

    /// Returns the recorder of the run, for facts that are found out inside a call.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Returns why a request is one for a page that is read without a question.
    fn open_page(&self, wanted: &Use<'_>) -> Option<String> {
        let Use::Http(target) = wanted else { return None };
        // Whoever wants to be asked about everything is asked about this too.
        let asked = !self.trust.level("web").allows(Effect::Write);
        self.pages.reason(target).filter(|_| !asked).map(str::to_owned)
    }

    /// Keeps a question that nobody is there to answer, and returns the refusal that the model reads.
    fn nobody(&self, key: &str, request: ApprovalRequest) -> Decision {
        let what = format!(
            "{} on {:?}: nobody is there to allow it; go on without it if the task can be done in another way",
            request.action, request.target
        );
        self.leave(key, request);
        Decision::Deny { what, hint: String::new() }
    }

    /// Keeps a question that nobody is there to answer.
    fn leave(&self, key: &str, request: ApprovalRequest) {
        let mut unanswered = lock(&self.unanswered);
        if !unanswered.iter().any(|known| known.key == key && known.request.hash == request.hash) {
            unanswered.push(Unanswered { key: key.to_owned(), request });
        }
    }

    /// Decides about an operation that records a start or a result of its own next.
    async fn decide_for(&self, key: &str, action: &GatedAction<'_>) -> Result<(), Refusal> {
        let (decision, answer) = self.decide(action).await?;
        let event = self.decided(action, &decision, answer);
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
        let is_place = action.domain == PLACE;
        if is_place && self.doubt.is_none() {
            // The person has named the directory since.
            return Ok((named(), None));
        }
        let level = self.trust.level_at(action.domain, self.recorder.now_ms());
        let why = self.doubts(action);
        if !is_place && level.allows(action.effect) && why.is_none() {
            let because = if action.effect == Effect::Read {
                "read".to_owned()
            } else {
                format!("trust:{level}")
            };
            return Ok((Decision::Allow { because }, None));
        }
        let why = why.filter(|_| level.allows(action.effect)).unwrap_or_default();
        let request = ApprovalRequest { why, ..self.request(action) };
        let Some(_turn) = self.turn().await else { return Err(Refusal::Cancelled) };
        // What was answered meanwhile may be an answer to this. One about other contents is another question.
        if let Some(decision) = self.by_rule(action) {
            return Ok((decision, None));
        }
        if lock(&self.refused).contains(&request.hash) {
            return Ok((rejection(action, "you said no to this already"), None));
        }
        match self.ask(&request).await {
            Asked::Answered(answer) => Ok((self.by_answer(action, &request, answer), Some(answer))),
            Asked::Nobody => Err(Refusal::NeedsApproval(Box::new(request))),
            Asked::Cancelled => Err(Refusal::Cancelled),
        }
    }

    /// Returns why trust is not enough for an action: the run has read what others may have written, the action reaches
    /// somebody or destroys something, and no grant names it.
    fn doubts(&self, action: &GatedAction<'_>) -> Option<String> {
        if action.effect < Effect::Send {
            return None;
        }
        let source = self.read.source()?;
        let now = self.recorder.now_ms();
        let is_named = self.trust.names(action.domain, action.name, &action.target, now);
        (!is_named).then(|| format!("this task has read {source}, which others may have written"))
    }

    /// Waits until no other question stands, or for the end of the run: then there is no turn. The time is not the task's.
    async fn turn(&self) -> Option<Turn<'_>> {
        let _hold = self.recorder.hold_clock();
        let mut cancelled = self.cancellation.cancelled();
        poll_fn(move |context| match self.queue.poll(context) {
            Poll::Ready(turn) => Poll::Ready(Some(turn)),
            Poll::Pending => cancelled.as_mut().poll(context).map(|()| None),
        })
        .await
    }

    /// Waits for the person, or for the end of the run. The time is not the task's.
    async fn ask(&self, request: &ApprovalRequest) -> Asked {
        let _hold = self.recorder.hold_clock();
        let mut answer = self.approver.ask(request);
        let mut cancelled = self.cancellation.cancelled();
        poll_fn(move |context| {
            if cancelled.as_mut().poll(context).is_ready() {
                return Poll::Ready(Asked::Cancelled);
            }
            answer
                .as_mut()
                .poll(context)
                .map(|answer| answer.map_or(Asked::Nobody, Asked::Answered))
        })
        .await
    }

    fn request(&self, action: &GatedAction<'_>) -> ApprovalRequest {
        let rule = self.exact_rule(action.origin, action.name, action.target_of_rules());
        let beginning = action.is_command.then(|| Line::parse(&action.target).prefix()).flatten();
        ApprovalRequest {
            origin: action.origin.to_owned(),
            action: action.name.to_owned(),
            effect: action.effect,
            domain: action.domain.to_owned(),
            target: action.target.clone(),
            details: action.details.clone(),
            shown: action.shown.clone(),
            why: String::new(),
            hash: hash_of(action),
            alike: beginning.map(|target| Rule { target, prefix: true, ..rule.clone() }),
            rule,
        }
    }

    fn exact_rule(&self, origin: &str, action: &str, target: String) -> Rule {
        Rule {
            allow: true,
            origin: origin.to_owned(),
            action: action.to_owned(),
            target,
            prefix: false,
            workspace: Some(self.workspace.clone()).filter(|workspace| !workspace.is_empty()),
            session: None,
        }
    }

    fn decided(
        &self,
        action: &GatedAction<'_>,
        decision: &Decision,
        answer: Option<Answer>,
    ) -> Event {
        Event::GateDecided {
            origin: action.origin.to_owned(),
            action: action.name.to_owned(),
            effect: action.effect,
            domain: action.domain.to_owned(),
            target: action.target.clone(),
            decision: decision.clone(),
            answer,
            question: answer.map(|_| hash_of(action)),
        }
    }

    fn by_rule(&self, action: &GatedAction<'_>) -> Option<Decision> {
        let target = action.target_of_rules();
        let subject = Subject {
            origin: action.origin,
            action: action.name,
            target: &target,
            is_command: action.is_command,
            workspace: &self.workspace,
            session: &self.session,
        };
        let allowed = approval::verdict(&lock(&self.rules), &subject)?;
        Some(match allowed {
            true => Decision::Allow { because: "rule".to_owned() },
            false => rejection(action, "a rule that you wrote rejects it"),
        })
    }

    fn by_answer(
        &self,
        action: &GatedAction<'_>,
        request: &ApprovalRequest,
        answer: Answer,
    ) -> Decision {
        let allow = answer.allows();
        let written = match answer {
            Answer::AllowOnce | Answer::RejectOnce => None,
            Answer::AllowAlways | Answer::RejectAlways => Some(request.rule.clone()),
            Answer::AllowSession => {
                Some(Rule { session: Some(self.session.clone()), ..request.rule.clone() })
            }
            Answer::AllowAlike => request.alike.clone(),
        };
        if let Some(rule) = written.map(|rule| Rule { allow, ..rule }) {
            if let Err(error) = self.approver.remember(&rule) {
                tracing::warn!(%error, "a rule holds for this run only");
            }
            lock(&self.rules).push(rule);
        }
        // A yes to a host holds for the rest of the run: a package manager connects many times.
        if answer == Answer::AllowOnce && action.domain == NETWORK && action.name == NETWORK {
            lock(&self.rules).push(request.rule.clone());
        }
        if allow {
            Decision::Allow { because: "answer".to_owned() }
        } else {
            lock(&self.refused).insert(request.hash.clone());
            rejection(action, "you said no")
        }
    }
}

/// Returns what binds an answer to one exact call, and to what was shown of it.
fn hash_of(action: &GatedAction<'_>) -> String {
    let call = ApprovalRequest::hash_of(action.name, &action.details);
    match action.is_command && !action.shown.is_empty() {
        true => hash::of_json(&(&call, &action.shown)),
        false => call,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere does not make rules or questions untrue.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A refusal as a component reads it.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(failure) => failure,
            Refusal::Record(error) => Self::Failed(error.to_string()),
            Refusal::Cancelled => Self::Cancelled,
            Refusal::NeedsApproval(request) => Self::Denied {
                what: format!("{} on {} needs an approval", request.action, request.target),
                hint: "answer on a terminal".to_owned(),
            },
        }
    }
}

fn named() -> Decision {
    Decision::Allow { because: "workspace".to_owned() }
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
        Decision::Allow { .. } | Decision::Try => Ok(()),
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

#[cfg(test)]
mod tests;
