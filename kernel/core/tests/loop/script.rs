//! A world made of scripts: models that say what they are told to, tools that change a tree of strings, checks
//! that read it, and time that only moves when somebody waits.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use openkoi_core::{
    agencies::{Agencies, AgencyCard, AgencyUse},
    approval::{Answer, ApprovalRequest, Rule},
    blob::Blob,
    change_set::{Applied, CallEffects, PathEffect, PathState},
    deliberation::{
        assessment::{Assessment, UserQuestion, Vote},
        forecast::PastWork,
        motion::Motion,
    },
    evaluation::{
        Change, ChangeKind, Check, CheckOutcome, Dimension, EvaluatorCard, EvidenceFile, Finding,
        Rubric, Score, Subject, TestResult, Tier, Verdict,
    },
    evaluators::Evaluators,
    event::{Durability, Entry, Event},
    failure::Failure,
    frozen::{Shown, View},
    gate::Policy,
    hash,
    id::{SessionId, TaskId, TreeId},
    ledger::Price,
    message::{Message, Part, Prompt, Received, Role, StopReason, ToolCall, Turn, Usage},
    model::{ModelCard, ModelError, ModelTrouble, PriceSource},
    outcome::Outcome,
    port::{
        Approver, Cancellation, Clock, Delta, Deltas, Journal, JournalError, Listener, Model,
        Pending, ResultSchema, Steering, Workspace, WorkspaceError,
    },
    run::{self, Briefing, Paused, Ports, Verified},
    scope::Scope,
    task::{Task, TaskSettings},
    tool::{Effect, Tool, ToolOutput},
    toolbox::Toolbox,
};
use serde_json::{Value, json};

type Tree = BTreeMap<String, String>;

/// A directory that git ignores, and what is built in it.
const IGNORED: &str = "target";
pub(crate) const BUILT: &str = "target/lib";

/// A place of by-products.
pub(crate) const COMPILED: &str = "__pycache__";

/// A file that git ignores, too, and that calls name.
pub(crate) const LOCAL: &str = "local";

/// The behaviour of a scripted model in one turn.
#[derive(Clone)]
pub(crate) enum Line {
    Say(&'static str),
    Call(&'static str, Value),
    Raw(&'static str, &'static str),
    Stop(StopReason),
    /// Several calls in one turn.
    Calls(Vec<(&'static str, Value)>),
    /// An answer that is cut at the limit of tokens.
    Cut(&'static str),
    /// A call that is cut there.
    CutCall(&'static str, &'static str),
    Fail(ModelTrouble),
    /// Breaks off after so many tokens of input and output and this text.
    Break(ModelTrouble, u64, u64, &'static str),
    /// Takes this many milliseconds before it answers.
    Slow(u64, &'static str),
    /// Uses this many tokens of input and output.
    Dear(u64, u64, &'static str),
    /// Is answered by this model of the chain, with so many tokens of input and output.
    Routed(&'static str, u64, u64, &'static str),
    /// Does not tell how many tokens it used.
    Untold(&'static str),
    /// Says this text, and takes so many milliseconds until it is complete.
    Streamed(&'static str, u64),
    /// Has to wait so many milliseconds because the provider says so.
    Rested(u64, &'static str),
    /// Cannot be sent at first, and is tried again after so many milliseconds.
    Refused(u64, &'static str),
}

/// An agency of the world.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// How long it takes, in milliseconds, before it asks or speaks.
    pub(crate) slow_ms: u64,
    /// True if it asks the small model and says what that says as its reason.
    pub(crate) asks: bool,
    pub(crate) says: Result<Assessment, Failure>,
}

impl Member {
    /// Returns an agency that says this with a reason.
    pub(crate) fn new(name: &'static str, vote: Vote) -> Self {
        let says =
            Assessment { vote, confidence: 0.5, ..Assessment::silent(format!("{name} says so")) };
        Self { name, slow_ms: 0, asks: false, says: Ok(says) }
    }

    /// Returns the agency with another assessment.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Assessment)) -> Self {
        if let Ok(says) = &mut self.says {
            change(says);
        }
        self
    }
}

/// A plan whose criterion is bound to the test of that name, or is judged.
pub(crate) fn plan(effort: &str, test: Option<&str>) -> Line {
    let check = test.map(|_| "test");
    let tests: Vec<&str> = test.into_iter().collect();
    Line::Call(
        "submit_plan",
        json!({"effort": effort, "kind": "code", "steps": ["do it"],
            "criteria": [{"text": "it works", "check": check, "tests": tests}]}),
    )
}

pub(crate) fn write(path: &str, text: &str) -> Line {
    Line::Call("write", json!({"path": path, "text": text}))
}

#[derive(Default)]
struct State {
    lines: HashMap<String, VecDeque<Line>>,
    prompts: Vec<(String, Prompt)>,
    waits: Vec<String>,
    tree: Tree,
    trees: HashMap<String, Tree>,
    contents: HashMap<String, String>,
    journal: Vec<Entry>,
    /// Appending fails from this entry on, as if the program had died there.
    die_at: Option<usize>,
    heard: Vec<Entry>,
    commits: usize,
    /// Number of times that it waited for the disk, and of the entries that are not there yet.
    synced: usize,
    on_disk_later: usize,
    /// True if turns begin less than a second after one another.
    turns_are_quick: bool,
    now_ms: u64,
    answers: VecDeque<Answer>,
    remarks: VecDeque<Option<&'static str>>,
    subjects: Vec<Subject>,
    asked: Vec<ApprovalRequest>,
    remembered: Vec<Rule>,
    effects: Vec<String>,
    verdicts: VecDeque<Result<f64, Failure>>,
    /// What each agency says; those that ask do so first.
    agencies: Vec<Member>,
    past: Vec<PastWork>,
    uses: Vec<AgencyUse>,
    /// Questions of the chamber, and the answer to each.
    questions: Vec<UserQuestion>,
    reply: Option<&'static str>,
    found: VecDeque<Finding>,
    cancel_in: Option<u32>,
    others: Option<(usize, &'static str, Option<&'static str>)>,
    /// True if an earlier task of the session ran the checks on every tree.
    remembers: bool,
    /// Number of times that the checks were begun beside the run.
    begun: usize,
    /// Number of times that the run asked for the directory.
    occupations: usize,
    /// True if another task has the directory, for ever.
    is_taken: bool,
    /// Number of entries when the others acted.
    acted: usize,
}

/// The whole world of one run.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    pub(crate) settings: TaskSettings,
    /// What is asked for.
    pub(crate) text: &'static str,
    pub(crate) policy: Policy,
    pub(crate) price: Option<Price>,
    /// True if one model plays all roles, so that nobody but the executor plans.
    pub(crate) one_model: bool,
    /// The form that results have to have.
    pub(crate) result: Option<Arc<dyn ResultSchema>>,
    /// The models of each role that answer when the first does not, with their prices.
    pub(crate) substitutes: Vec<(&'static str, Price)>,
    task: TaskId,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self {
            state: Arc::default(),
            settings: TaskSettings::STANDARD,
            text: "make it good",
            policy: Policy::default(),
            price: Some(Price { input: 1.0, output: 1.0, cache_read: None, cache_write: None }),
            one_model: false,
            result: None,
            substitutes: Vec::new(),
            task: TaskId::new("t1"),
        };
        world.with(|state| {
            state.tree.insert("code".into(), "bad".into());
            state.tree.insert("tests".into(), "wants:good".into());
        });
        world
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().expect("the world"))
    }

    pub(crate) fn with_file(self, path: &str, text: &str) -> Self {
        self.with(|s| s.tree.insert(path.into(), text.into()));
        self
    }

    pub(crate) fn without_file(self, path: &str) -> Self {
        self.with(|s| s.tree.remove(path));
        self
    }

    pub(crate) fn planner(self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines(Role::PLANNER, lines)
    }

    pub(crate) fn executor(self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines(Role::EXECUTOR, lines)
    }

    /// Returns what evaluators were asked about.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        self.with(|s| s.subjects.clone())
    }

    /// Says what the person says after each round of calls.
    pub(crate) fn remarks(self, remarks: impl IntoIterator<Item = Option<&'static str>>) -> Self {
        self.with(|s| s.remarks.extend(remarks));
        self
    }

    /// Adds turns that the judge takes before its verdict.
    pub(crate) fn judge_turns(self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines(Role::EVALUATOR, lines)
    }

    pub(crate) fn agencies(self, members: impl IntoIterator<Item = Member>) -> Self {
        self.with(|s| s.agencies = members.into_iter().collect());
        self.settings(|settings| settings.think = true)
    }

    pub(crate) fn past(self, past: Vec<PastWork>) -> Self {
        self.with(|s| s.past = past);
        self
    }

    pub(crate) fn uses(self, uses: Vec<AgencyUse>) -> Self {
        self.with(|s| s.uses = uses);
        self
    }

    /// Has a person answer the chamber's question.
    pub(crate) fn replies(self, reply: &'static str) -> Self {
        self.with(|s| s.reply = Some(reply));
        self.settings(|settings| settings.attended = true)
    }

    pub(crate) fn questions(&self) -> Vec<UserQuestion> {
        self.with(|s| s.questions.clone())
    }

    pub(crate) fn small(self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines(Role::SMALL, lines)
    }

    fn lines(self, role: &str, lines: impl IntoIterator<Item = Line>) -> Self {
        self.with(|s| s.lines.entry(role.into()).or_default().extend(lines));
        self
    }

    /// Replaces what is left of the executor's script.
    pub(crate) fn replace_executor(self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.with(|s| s.lines.insert(Role::EXECUTOR.into(), lines.into_iter().collect()));
        self
    }

    /// Adds scores of the judge, in order; the last is repeated for ever. Without any, 0.9.
    pub(crate) fn judge(self, verdicts: impl IntoIterator<Item = Result<f64, Failure>>) -> Self {
        self.with(|s| s.verdicts.extend(verdicts));
        self
    }

    /// Adds what the judge finds, one finding in each of its verdicts, in order.
    pub(crate) fn found(self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.with(|s| s.found.extend(findings));
        self
    }

    pub(crate) fn answers(self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.with(|s| s.answers.extend(answers));
        self
    }

    pub(crate) fn settings(mut self, change: impl FnOnce(&mut TaskSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn with_quick_turns(self) -> Self {
        self.with(|s| s.turns_are_quick = true);
        self
    }

    pub(crate) fn die_at(&self, entry: Option<usize>) {
        self.with(|s| s.die_at = entry);
    }

    pub(crate) fn cancel_in(&self, polls: u32) {
        self.with(|s| s.cancel_in = Some(polls));
    }

    /// An earlier task of the session knows how the checks stand.
    pub(crate) fn remembering(self) -> Self {
        self.with(|s| s.remembers = true);
        self
    }

    /// Returns how often the checks were begun beside the run.
    pub(crate) fn begun(&self) -> usize {
        self.with(|s| s.begun)
    }

    /// Another task changes the directory, and does not end.
    pub(crate) fn taken(self) -> Self {
        self.with(|s| s.is_taken = true);
        self
    }

    /// Returns how often the run asked for the directory.
    pub(crate) fn occupations(&self) -> usize {
        self.with(|s| s.occupations)
    }

    pub(crate) fn never_cancel(&self) {
        self.with(|s| s.cancel_in = None);
    }

    pub(crate) fn file(&self, path: &str) -> Option<String> {
        self.with(|s| s.tree.get(path).cloned())
    }

    pub(crate) fn effects(&self) -> Vec<String> {
        self.with(|s| s.effects.clone())
    }

    pub(crate) fn asked(&self) -> Vec<ApprovalRequest> {
        self.with(|s| s.asked.clone())
    }

    pub(crate) fn remembered(&self) -> Vec<Rule> {
        self.with(|s| s.remembered.clone())
    }

    pub(crate) fn prompts(&self, role: &str) -> Vec<Prompt> {
        self.with(|s| s.prompts.iter().filter(|(r, _)| r == role).map(|(_, p)| p.clone()).collect())
    }

    /// Returns the messages to a person who waited.
    pub(crate) fn waits(&self) -> Vec<String> {
        self.with(|s| s.waits.clone())
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.with(|s| s.journal.clone())
    }

    /// Returns the entries that a listener was told of.
    pub(crate) fn heard(&self) -> Vec<Entry> {
        self.with(|s| s.heard.clone())
    }

    /// Returns how often the journal was written to.
    pub(crate) fn commits(&self) -> usize {
        self.with(|s| s.commits)
    }

    /// Returns how often the journal waited for the disk.
    pub(crate) fn synced(&self) -> usize {
        self.with(|s| s.synced)
    }

    /// Takes back what has not reached the disk.
    pub(crate) fn cut_power(&self) {
        self.with(|s| {
            let left = s.journal.len() - std::mem::take(&mut s.on_disk_later);
            s.journal.truncate(left);
        });
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.entries().iter().map(|entry| format!("{} {}", entry.key, entry.event.name())).collect()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.entries().iter().filter(|entry| entry.event.name() == name).count()
    }

    pub(crate) fn task(&self) -> Task {
        Task {
            id: self.task.clone(),
            session: SessionId::new("s1"),
            text: self.text.into(),
            workspace: "/w".into(),
            history: Vec::new(),
            settings: self.settings.clone(),
            result_schema: None,
            attachments: Vec::new(),
            earlier: Vec::new(),
        }
    }

    fn ports(&self) -> Ports {
        let this = Arc::new(self.clone());
        Ports {
            model: this.clone(),
            toolbox: this.clone(),
            evaluators: this.clone(),
            agencies: this.clone(),
            workspace: this.clone(),
            journal: this.clone(),
            approver: this.clone(),
            listener: this.clone(),
            clock: this.clone(),
            result: self.result.clone(),
            steering: Some(this.clone()),
            cancellation: this,
        }
    }

    pub(crate) fn run(&self) -> Result<Outcome, Paused> {
        let briefing = Briefing { instructions: "Be kind.".into(), ..Briefing::default() };
        block(run::drive(self.task(), briefing, self.policy.clone(), self.ports()))
    }

    /// Has a learner ask the small model after the end of the run, and returns what it was told.
    pub(crate) fn learn(&self) -> Result<String, Failure> {
        let (policy, ports) = (self.policy.clone(), self.ports());
        let after = run::Afterwards::new(&self.task, self.entries(), policy, &ports);
        let after = after.expect("the journal has a task");
        let key = openkoi_core::learning::key(1, "scholar", None);
        let scope = after.scope(&key, std::time::Duration::from_secs(60));
        let prompt = Prompt { messages: vec![Message::user("what was it?")], ..Prompt::default() };
        let turn = block(scope.turns.turn(Role::new(Role::SMALL), prompt))?;
        assert_eq!(after.turns(&key), 1);
        after.close().expect("it is written");
        Ok(turn.text())
    }

    pub(crate) fn resume(&self) -> Result<Outcome, Paused> {
        self.resume_with(|settings| settings)
    }

    pub(crate) fn resume_with(
        &self,
        change: impl FnOnce(TaskSettings) -> TaskSettings,
    ) -> Result<Outcome, Paused> {
        block(run::resume(&self.task, self.policy.clone(), self.ports(), change))
    }

    /// Replays the run, which came to an outcome.
    pub(crate) fn verify(&self) -> Result<Outcome, Paused> {
        match block(run::verify(&self.task, self.entries()))? {
            Verified::Outcome(outcome) => Ok(*outcome),
            Verified::Open { reason } => panic!("it has no end: {reason}"),
            Verified::OtherRules { rules } => panic!("it is of other rules: {rules}"),
        }
    }
}

fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

impl Model for World {
    fn card(&self, role: &Role) -> ModelCard {
        ModelCard {
            name: if self.one_model { "test/one".into() } else { format!("test/{}", role.0) },
            context: 100_000,
            output: 8_192,
            price: self.price,
            price_source: PriceSource::Known,
        }
    }

    fn chain(&self, role: &Role) -> Vec<ModelCard> {
        let others = self.substitutes.iter().map(|(name, price)| ModelCard {
            name: (*name).to_owned(),
            price: Some(*price),
            ..self.card(role)
        });
        std::iter::once(self.card(role)).chain(others).collect()
    }

    fn complete<'a>(
        &'a self,
        role: &'a Role,
        prompt: &'a Prompt,
        deltas: &'a Deltas<'a>,
    ) -> Pending<'a, Result<Turn, ModelError>> {
        let line = self.with(|s| {
            s.prompts.push((role.0.clone(), prompt.clone()));
            s.lines.get_mut(&role.0).and_then(VecDeque::pop_front)
        });
        let line = line.unwrap_or_else(|| panic!("an unexpected turn of the {}", role.0));
        if let Line::Slow(ms, text) = line {
            let clock = self.clone();
            return Box::pin(async move {
                clock.sleep(Duration::from_millis(ms)).await;
                Ok(turn(vec![Part::Text(text.into())], StopReason::Finished))
            });
        }
        if let Line::Streamed(text, ms) = line {
            let clock = self.clone();
            return Box::pin(async move {
                deltas(Delta::Text(text));
                clock.sleep(Duration::from_millis(ms)).await;
                Ok(turn(vec![Part::Text(text.into())], StopReason::Finished))
            });
        }
        if let Line::Rested(ms, text) = line {
            let clock = self.clone();
            return Box::pin(async move {
                deltas(Delta::Resting(true));
                clock.sleep(Duration::from_millis(ms)).await;
                deltas(Delta::Resting(false));
                Ok(turn(vec![Part::Text(text.into())], StopReason::Finished))
            });
        }
        if let Line::Refused(ms, text) = line {
            let clock = self.clone();
            return Box::pin(async move {
                deltas(Delta::Waiting("no address"));
                clock.sleep(Duration::from_millis(ms)).await;
                deltas(Delta::Waiting(""));
                Ok(turn(vec![Part::Text(text.into())], StopReason::Finished))
            });
        }
        Box::pin(future::ready(spoken(line)))
    }
}

fn spoken(line: Line) -> Result<Turn, ModelError> {
    let call = |name: &str, arguments: String| {
        let id = format!("call-{}", hash::of_bytes(arguments.as_bytes()).get(..6).unwrap_or(""));
        let call = ToolCall { id, name: name.into(), arguments };
        turn(vec![Part::ToolCall(call)], StopReason::ToolCalls)
    };
    match line {
        Line::Untold(text) => {
            let mut turn = turn(vec![Part::Text(text.into())], StopReason::Finished);
            turn.usage = Usage::default();
            Ok(turn)
        }
        Line::Routed(route, input, output, text) => {
            let mut turn = turn(vec![Part::Text(text.into())], StopReason::Finished);
            turn.usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
            turn.route = Some(route.to_owned());
            Ok(turn)
        }
        Line::Say(text)
        | Line::Slow(_, text)
        | Line::Streamed(text, _)
        | Line::Rested(_, text)
        | Line::Refused(_, text) => Ok(turn(vec![Part::Text(text.into())], StopReason::Finished)),
        Line::Call(name, arguments) => Ok(call(name, arguments.to_string())),
        Line::Raw(name, arguments) => Ok(call(name, arguments.into())),
        Line::Stop(stop) => Ok(turn(Vec::new(), stop)),
        Line::Cut(text) => Ok(turn(vec![Part::Text(text.into())], StopReason::Length)),
        Line::CutCall(name, arguments) => {
            let mut turn = call(name, arguments.into());
            turn.stop = StopReason::Length;
            Ok(turn)
        }
        Line::Calls(calls) => {
            let parts = calls.iter().flat_map(|(name, value)| call(name, value.to_string()).parts);
            Ok(turn(parts.collect(), StopReason::ToolCalls))
        }
        Line::Dear(input, output, text) => {
            let mut turn = turn(vec![Part::Text(text.into())], StopReason::Finished);
            turn.usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
            Ok(turn)
        }
        Line::Fail(kind) => Err(failed(kind, None)),
        Line::Break(kind, input, output, text) => {
            let usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
            let parts = vec![Part::Text(text.into())];
            Err(failed(
                kind,
                Some(Received { parts, usage, model: "test".into(), shown: true, route: None }),
            ))
        }
    }
}

fn failed(kind: ModelTrouble, received: Option<Received>) -> ModelError {
    let (message, hint) = (format!("{kind:?}"), String::new());
    ModelError { kind, message, hint, received: received.map(Box::new) }
}

fn turn(parts: Vec<Part>, stop: StopReason) -> Turn {
    let usage = Usage { input: Some(10), output: Some(5), ..Usage::default() };
    Turn { parts, stop, usage, model: "test".into(), route: None }
}

fn tool(name: &str, effect: Effect, idempotent: bool) -> Tool {
    Tool {
        name: name.into(),
        description: String::new(),
        parameters: json!({}).into(),
        effect,
        idempotent,
        domain: "files".into(),
        target: Some("/path".into()),
        origin: "test".into(),
        deadline_ms: 30_000,
    }
}

impl Toolbox for World {
    fn tools(&self) -> Vec<Tool> {
        vec![
            tool("append", Effect::Write, false),
            tool("look", Effect::Read, true),
            tool("post", Effect::Send, false),
            tool("read", Effect::Read, true),
            tool("wait", Effect::Read, true),
            tool("write", Effect::Write, true),
        ]
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        let arguments: Value = serde_json::from_str(&call.arguments).expect("valid arguments");
        if call.name == "wait" {
            let (clock, ms) = (self.clone(), arguments["ms"].as_u64().expect("ms"));
            return Box::pin(async move {
                clock.sleep(Duration::from_millis(ms)).await;
                Ok(ToolOutput::default())
            });
        }
        if call.name == "look" {
            let blob = Blob { media_type: "image/png".into(), bytes: vec![1, 2, 3] };
            let output = ToolOutput { attachments: vec![blob], ..ToolOutput::default() };
            return Box::pin(future::ready(Ok(output)));
        }
        let path = arguments["path"].as_str().unwrap_or_default();
        let before = self.state_of(path);
        if path.starts_with(IGNORED) {
            let result = self.with(|s| s.tool(&call.name, &arguments));
            let uncovered = vec![format!("{IGNORED} (ignored)")];
            scope.effects.keep(CallEffects { uncovered, ..CallEffects::default() });
            return Box::pin(future::ready(result));
        }
        if path == COMPILED {
            let result = self.with(|s| s.tool(&call.name, &arguments));
            let by_products = vec![COMPILED.to_owned()];
            scope.effects.keep(CallEffects { by_products, ..CallEffects::default() });
            return Box::pin(future::ready(result));
        }
        let ignored = path == LOCAL;
        let changes = matches!(call.name.as_str(), "write" | "append");
        if changes {
            let after = self.with(|s| s.wanted(&call.name, &arguments));
            let intended = PathEffect { ignored, ..PathEffect::new(path, before.clone(), after) };
            if let Err(error) = scope.effects.intend(&[intended]) {
                return Box::pin(future::ready(Err(Failure::Failed(error.to_string()))));
            }
        }
        let result = self.with(|s| s.tool(&call.name, &arguments));
        if changes {
            let after = self.state_of(path);
            let effect = PathEffect { ignored, ..PathEffect::new(path, before, after) };
            let paths = vec![effect];
            scope.effects.keep(CallEffects { paths, ..CallEffects::default() });
        }
        Box::pin(future::ready(result))
    }
}

impl World {
    /// Returns the state of a path, and keeps its contents under their hash.
    fn state_of(&self, path: &str) -> PathState {
        self.with(|s| {
            let text = s.tree.get(path).cloned();
            s.kept(text)
        })
    }

    /// Lets somebody else write a file, or remove it, once the journal has so many entries; with the largest number
    /// just before the run puts anything back.
    pub(crate) fn others_at(&self, entry: usize, path: &'static str, text: Option<&'static str>) {
        self.with(|s| s.others = Some((entry, path, text)));
    }

    /// Returns the number of entries that the journal had when the others acted.
    pub(crate) fn acted(&self) -> usize {
        self.with(|s| s.acted)
    }

    /// Returns whether the run changed a path itself after the others acted.
    pub(crate) fn written_later(&self, path: &str) -> bool {
        let entries = self.entries();
        let later = entries.iter().skip(self.acted()).filter_map(|entry| match &entry.event {
            Event::EffectsKept { effects } => Some(effects),
            _ => None,
        });
        later.flat_map(|effects| &effects.paths).any(|effect| effect.path == path)
    }

    fn move_path(&self, step: &PathEffect) -> bool {
        let now = self.state_of(&step.path);
        if now == step.after {
            return true;
        }
        if now != step.before {
            return false;
        }
        self.with(|s| match &step.after {
            PathState::File { hash, .. } => {
                let text = s.contents[hash].clone();
                s.tree.insert(step.path.clone(), text);
            }
            _ => {
                s.tree.remove(&step.path);
            }
        });
        true
    }
}

impl State {
    fn others_act(&mut self, entries: usize) {
        let Some((at, path, text)) = self.others else { return };
        if entries < at {
            return;
        }
        self.others = None;
        self.acted = self.journal.len();
        match text {
            Some(text) => self.tree.insert(path.into(), text.into()),
            None => self.tree.remove(path),
        };
    }

    fn kept(&mut self, text: Option<String>) -> PathState {
        let Some(text) = text else { return PathState::Absent };
        let (hash, size) = (hash::of_bytes(text.as_bytes()), text.len() as u64);
        self.contents.insert(hash.clone(), text);
        PathState::File { mode: 0o644, size, hash }
    }

    /// Returns the state that a call wants to leave.
    fn wanted(&mut self, name: &str, arguments: &Value) -> PathState {
        let word = |key: &str| arguments[key].as_str().unwrap_or_default().to_owned();
        let text = match name {
            "append" => {
                Some(self.tree.get(&word("path")).cloned().unwrap_or_default() + &word("text"))
            }
            _ => Some(word("text")).filter(|text| !text.is_empty()),
        };
        self.kept(text)
    }

    fn tool(&mut self, name: &str, arguments: &Value) -> Result<ToolOutput, Failure> {
        let word = |key: &str| arguments[key].as_str().unwrap_or_default().to_owned();
        let path = word("path");
        if name != "read" {
            self.effects.push(format!("{name} {path}"));
        }
        match name {
            "read" => match self.tree.get(&path) {
                Some(text) => Ok(ToolOutput { text: text.clone(), ..ToolOutput::default() }),
                None => Err(Failure::NotFound(path)),
            },
            "write" if word("text").is_empty() => {
                self.tree.remove(&path);
                Ok(ToolOutput::default())
            }
            "write" => {
                self.tree.insert(path, word("text"));
                Ok(ToolOutput { text: "written".into(), ..ToolOutput::default() })
            }
            "append" => {
                self.tree.entry(path).or_default().push_str(&word("text"));
                Ok(ToolOutput::default())
            }
            _ => Ok(ToolOutput::default()),
        }
    }

    /// The project's check: `tests` names what `code`, or what was built of it, has to be, one test a word, and `runner` the
    /// version of what runs it.
    fn check(&self) -> Vec<Check> {
        self.check_of(&View::default())
    }

    /// The same where `tests` is seen in another state, or what was built is not seen.
    fn check_of(&self, view: &View) -> Vec<Check> {
        let tests = match view.files.get("tests") {
            Some(Shown::State(PathState::File { hash, .. })) => self.contents.get(hash),
            Some(_) => None,
            None => self.tree.get("tests"),
        };
        let Some(tests) = tests else { return Vec::new() };
        let built = self.tree.get(BUILT).filter(|_| view.anew_since.is_none());
        let is_seen = |text: &&String| {
            let hash = hash::of_bytes(text.as_bytes());
            let is_it = |state: &PathState| matches!(state, PathState::File { hash: it, .. } if *it == hash);
            view.anew_since.is_none() || view.wanted.get(LOCAL).is_some_and(is_it)
        };
        let local = self.tree.get(LOCAL).filter(is_seen);
        let compiled = self.tree.get(COMPILED).filter(|_| !view.by_products.contains(COMPILED));
        let code = [self.tree.get("code"), built, local, compiled]
            .map(|text| text.map_or("", String::as_str));
        let results: Vec<TestResult> = tests
            .split_whitespace()
            .filter_map(|test| test.strip_prefix("wants:"))
            .map(|wanted| TestResult {
                name: wanted.into(),
                outcome: if code.iter().any(|code| code.contains(wanted)) {
                    CheckOutcome::Passed
                } else {
                    CheckOutcome::Failed
                },
            })
            .collect();
        let failed = results.iter().any(|test| test.outcome == CheckOutcome::Failed);
        let outcome = match (results.is_empty(), failed) {
            (true, _) => CheckOutcome::Errored,
            (_, true) => CheckOutcome::Failed,
            _ => CheckOutcome::Passed,
        };
        vec![Check {
            id: "unit".into(),
            category: "test".into(),
            command: "run tests".into(),
            outcome,
            exit_code: Some(i32::from(failed)),
            test_count: u32::try_from(results.len()).ok(),
            tests: results,
            excerpt: String::new(),
            receipts: vec!["r1".into()],
            duration_ms: 1,
            runner: self.tree.get("runner").cloned().unwrap_or_default(),
        }]
    }
}

impl Agencies for World {
    fn cards(&self) -> Vec<AgencyCard> {
        let card = |member: &Member| AgencyCard { name: member.name.into(), deadline_ms: 60_000 };
        self.with(|s| s.agencies.iter().map(card).collect())
    }

    fn assess<'a>(
        &'a self,
        agency: &'a str,
        _: &'a Motion,
        scope: Scope,
    ) -> Pending<'a, Result<Assessment, Failure>> {
        Box::pin(async move {
            let found = self.with(|s| s.agencies.iter().find(|one| one.name == agency).cloned());
            let member = found.expect("it is one of them");
            if member.slow_ms > 0 {
                self.sleep(Duration::from_millis(member.slow_ms)).await;
            }
            if !member.asks {
                return member.says;
            }
            let messages = vec![Message::user(agency)];
            let prompt = Prompt { messages, ..Prompt::default() };
            let turn = scope.turns.turn(Role::new(Role::SMALL), prompt).await?;
            member.says.map(|says| Assessment { reason: turn.text(), ..says })
        })
    }

    fn past(&self) -> Vec<PastWork> {
        self.with(|s| s.past.clone())
    }

    fn uses(&self, _: &str) -> Vec<AgencyUse> {
        self.with(|s| s.uses.clone())
    }
}

impl Evaluators for World {
    fn cards(&self) -> Vec<EvaluatorCard> {
        let card =
            |name: &str, tier| EvaluatorCard { name: name.into(), tier, deadline_ms: 60_000 };
        vec![card("checks", Tier::Checks), card("judge", Tier::Rubric)]
    }

    fn rubric(&self, _: &str) -> Option<Rubric> {
        let dimensions = vec![Dimension { name: "correctness".into(), weight: 1.0 }];
        Some(Rubric { name: "code".into(), dimensions, ..Rubric::default() })
    }

    fn begin(&self, evaluator: &str, _: &Subject, _: Scope) {
        assert_eq!(evaluator, "checks");
        self.with(|s| s.begun += 1);
    }

    fn known<'a>(
        &'a self,
        evaluator: &'a str,
        tree: &'a TreeId,
    ) -> Pending<'a, Option<Result<Verdict, Failure>>> {
        let known = self.with(|s| {
            let is_present = *tree == TreeId::new(hash::of_json(&s.tree));
            let remembers = s.remembers && evaluator == "checks" && is_present;
            remembers.then(|| Ok(Verdict { checks: s.check(), ..Verdict::default() }))
        });
        Box::pin(future::ready(known))
    }

    fn evaluate<'a>(
        &'a self,
        evaluator: &'a str,
        subject: &'a Subject,
        scope: Scope,
    ) -> Pending<'a, Result<Verdict, Failure>> {
        self.with(|s| s.subjects.push(subject.clone()));
        let verdict = if evaluator == "checks" && subject.answer.is_some() {
            Ok(Verdict::default())
        } else if evaluator == "checks" {
            let tests = subject.changes.iter().filter(|change| change.path == "tests");
            let evidence = tests.map(|change| EvidenceFile {
                path: change.path.clone(),
                shown: None,
                product: false,
            });
            let evidence = evidence.collect();
            let checks = self.with(|s| s.check_of(&scope.view));
            Ok(Verdict { checks, evidence, ..Verdict::default() })
        } else {
            let said = self.with(|s| match s.verdicts.len() {
                0 => Ok(0.9),
                1 => s.verdicts[0].clone(),
                _ => s.verdicts.pop_front().expect("a verdict"),
            });
            said.map(|value| Verdict {
                scores: vec![Score { dimension: "correctness".into(), value }],
                findings: self.with(|s| s.found.pop_front()).into_iter().collect(),
                ..Verdict::default()
            })
        };
        let thinks = evaluator == "judge";
        Box::pin(async move {
            while thinks
                && self.with(|s| s.lines.get(Role::EVALUATOR).is_some_and(|l| !l.is_empty()))
            {
                scope.turns.turn(Role::new(Role::EVALUATOR), Prompt::default()).await?;
            }
            verdict
        })
    }
}

impl Workspace for World {
    fn occupy(&self) -> Pending<'_, Result<(), WorkspaceError>> {
        let is_taken = self.with(|s| {
            s.occupations += 1;
            s.is_taken
        });
        match is_taken {
            true => Box::pin(future::pending()),
            false => Box::pin(future::ready(Ok(()))),
        }
    }

    fn fingerprint(&self) -> Pending<'_, Result<TreeId, WorkspaceError>> {
        let tree = self.with(|s| {
            let id = hash::of_json(&s.tree);
            s.trees.insert(id.clone(), s.tree.clone());
            TreeId::new(id)
        });
        Box::pin(future::ready(Ok(tree)))
    }

    fn states<'a>(
        &'a self,
        paths: &'a [String],
    ) -> Pending<'a, Result<Vec<PathState>, WorkspaceError>> {
        Box::pin(future::ready(Ok(paths.iter().map(|path| self.state_of(path)).collect())))
    }

    fn apply<'a>(
        &'a self,
        steps: &'a [PathEffect],
    ) -> Pending<'a, Result<Applied, WorkspaceError>> {
        self.with(|s| s.others_act(usize::MAX));
        let (done, left): (Vec<_>, Vec<_>) = steps.iter().partition(|step| self.move_path(step));
        let paths = |steps: Vec<&PathEffect>| steps.into_iter().map(|s| s.path.clone()).collect();
        Box::pin(future::ready(Ok(Applied { done: paths(done), conflicts: paths(left) })))
    }

    fn describe(&self, effects: &[PathEffect]) -> Vec<Change> {
        let change = |effect: &PathEffect| Change {
            path: effect.path.clone(),
            kind: match (&effect.before, &effect.after) {
                (PathState::Absent, _) => ChangeKind::Added,
                (_, PathState::Absent) => ChangeKind::Removed,
                _ => ChangeKind::Modified,
            },
            control: effect.path == "AGENTS.md" || effect.path.starts_with(".git/"),
        };
        effects.iter().map(change).collect()
    }

    fn diff<'a>(
        &'a self,
        effects: &'a [PathEffect],
        _: usize,
    ) -> Pending<'a, Result<String, WorkspaceError>> {
        Box::pin(future::ready(Ok(format!("{effects:?}"))))
    }

    fn overview(&self) -> String {
        "code, tests".into()
    }
}

impl Journal for World {
    fn append(&self, _: &TaskId, entries: &[Entry]) -> Result<(), JournalError> {
        self.with(|s| {
            if s.die_at.is_some_and(|at| s.journal.len() + entries.len() > at) {
                return Err(JournalError("died".into()));
            }
            s.commits += 1;
            // The first turn has to be known, whatever the clock says.
            let is_quick = s.turns_are_quick && !s.journal.is_empty();
            let waits = match Entry::durability(entries) {
                Durability::Now => true,
                Durability::Soon => !is_quick,
                Durability::Later => false,
            };
            s.on_disk_later = if waits { 0 } else { s.on_disk_later + entries.len() };
            s.synced += usize::from(s.on_disk_later == 0);
            for entry in entries {
                // What is kept is what a reader gets back.
                let text = serde_json::to_string(entry).expect("an entry is JSON");
                s.journal.push(serde_json::from_str(&text).expect("and back"));
            }
            s.others_act(s.journal.len());
            Ok(())
        })
    }

    fn load(&self, _: &TaskId) -> Result<Vec<Entry>, JournalError> {
        Ok(self.entries())
    }
}

impl Approver for World {
    fn ask<'a>(&'a self, request: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        let answer = self.with(|s| {
            s.asked.push(request.clone());
            s.answers.pop_front()
        });
        Box::pin(future::ready(answer))
    }

    fn answer<'a>(&'a self, question: &'a UserQuestion) -> Pending<'a, Option<String>> {
        let reply = self.with(|s| {
            s.questions.push(question.clone());
            s.reply.map(str::to_owned)
        });
        Box::pin(future::ready(reply))
    }

    fn remember(&self, rule: &Rule) -> Result<(), JournalError> {
        self.with(|s| s.remembered.push(rule.clone()));
        Ok(())
    }
}

impl Steering for World {
    fn take(&self) -> Option<String> {
        self.with(|s| s.remarks.pop_front().flatten().map(str::to_owned))
    }
}

impl Listener for World {
    fn event(&self, entry: &Entry) {
        self.with(|s| s.heard.push(entry.clone()));
    }

    fn delta(&self, _: &Role, delta: Delta<'_>) -> bool {
        if let Delta::Waiting(why) = delta {
            self.with(|s| s.waits.push(why.to_owned()));
        }
        false
    }
}

impl Clock for World {
    fn now_ms(&self) -> u64 {
        self.with(|s| s.now_ms)
    }

    fn monotonic_ms(&self) -> u64 {
        self.with(|s| s.now_ms)
    }

    /// Time passes when somebody waits for it, and the shortest wait ends first: a waiter yields until no other
    /// wait is due before its own.
    fn sleep(&self, duration: Duration) -> Pending<'static, ()> {
        let world = self.clone();
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let due = self.with(|s| s.now_ms.saturating_add(ms));
        let mut polls = 0;
        Box::pin(future::poll_fn(move |context| {
            polls += 1;
            let over = world.with(|s| {
                // A longer wait is polled more often before it is let through.
                if polls > 2 + ms / 1_000 {
                    s.now_ms = s.now_ms.max(due);
                }
                s.now_ms >= due
            });
            if over {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }))
    }
}

impl Cancellation for World {
    fn cancelled(&self) -> Pending<'static, ()> {
        let world = self.clone();
        Box::pin(future::poll_fn(move |_| {
            world.with(|s| match &mut s.cancel_in {
                Some(0) => std::task::Poll::Ready(()),
                Some(left) => {
                    *left -= 1;
                    std::task::Poll::Pending
                }
                None => std::task::Poll::Pending,
            })
        }))
    }
}

/// Returns the outcome of an event stream's end, as one word.
pub(crate) fn ending(outcome: &Outcome) -> String {
    let value = serde_json::to_value(outcome).expect("an outcome is JSON");
    value["ending"].as_str().unwrap_or_default().to_owned()
}

/// Returns the last decision of the loop with its reason.
pub(crate) fn last_decision(world: &World) -> (String, String) {
    let decided = world.entries().into_iter().rev().find_map(|entry| match entry.event {
        Event::IterationDecided { decision, reason, .. } => Some((decision, reason)),
        _ => None,
    });
    decided.expect("a decision")
}
