//! What the tests of several modules share: a home of its own for each test, a journal as runs leave it, and outputs
//! as a person and a program see them.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
};

use openkoi_app::environment::Environment;
use openkoi_core::{
    document::{Document, Pairs},
    event::{Entry, Event},
    evidence::Standing,
    id::{SessionId, TaskId},
    ledger::Reservation,
    outcome::{Ending, Outcome},
    port::Journal,
    task::{Task, TaskSettings},
};
use openkoi_storage::{
    Storage,
    tasks::{TaskRecord, TaskStatus},
};
use serde_json::{Value, json};

use crate::{
    commands::task::row::task_facts,
    context::Context,
    error::CommandError,
    exit::Exit,
    flags::GlobalFlags,
    output::{Format, Output, Printer, Questions, json},
    reply::Reply,
};

/// Noon of the first of March 2026, in milliseconds since 1970.
pub(crate) const NOW: u64 = 1_772_366_400_000;
pub(crate) const MINUTE: u64 = 60_000;

/// Returns what a pipe gets, where nothing is cut.
pub(crate) fn text(output: &dyn Output) -> String {
    Printer::on_paper(None, NOW).rendered(output, Format::Text)
}

/// Returns what a terminal of 40 columns shows.
pub(crate) fn narrow(output: &dyn Output) -> String {
    Printer::on_paper(Some(40), NOW).rendered(output, Format::Text)
}

/// What a program gets, before the printer rounds its scores and adds the version of the schema.
pub(crate) trait InJson: Output {
    fn json(&self) -> Value {
        json::Object::of(&self.document()).value()
    }
}

impl<T: Output> InJson for T {}

/// Returns all of a task as a program gets it.
pub(crate) fn task_json(task: &TaskRecord) -> Value {
    let facts = task_facts(task, &[]).into_iter();
    let facts = facts.fold(Pairs::new(""), |pairs, (key, value)| pairs.for_programs(key, value));
    json::Object::of(&Document::new("").with(facts)).value()
}

/// An id in the form of a ULID: the same beginning for all, as for ids of one day.
fn id(tail: &str) -> String {
    format!("01k9abcdef{tail:0>16}")
}

pub(crate) fn task_id(tail: &str) -> TaskId {
    TaskId::new(id(tail))
}

pub(crate) fn session_id(tail: &str) -> SessionId {
    SessionId::new(id(tail))
}

/// Returns a task that was accepted half an hour ago.
pub(crate) fn record(tail: &str, text: &str) -> TaskRecord {
    TaskRecord {
        id: task_id(tail),
        session: session_id("5e"),
        text: text.to_owned(),
        status: TaskStatus::Accepted,
        workspace: "/pond".to_owned(),
        model: "koi/large".to_owned(),
        started_ms: NOW - 30 * MINUTE,
        ended_ms: Some(NOW - 28 * MINUTE),
        iterations: 2,
        score: Some(0.925),
        cost_micros: 12_300,
        at_most: false,
        tokens: 45_600,
        ending: Some(Ending::Accepted),
    }
}

/// Returns the end of a run that changed nothing and claims nothing.
pub(crate) fn outcome(ending: Ending, text: &str) -> Outcome {
    Outcome {
        ending,
        text: text.to_owned(),
        iterations: 1,
        best_iteration: 1,
        standing: Standing::default(),
        claims: Vec::new(),
        differences: Vec::new(),
        changes: Vec::new(),
        taken_back: Vec::new(),
        conflicts: Vec::new(),
        beside: Vec::new(),
        uncovered: Vec::new(),
        because: String::new(),
        turns: 3,
        usage: Default::default(),
        spent: Reservation { tokens: 1_200, cost_micros: 34_000, at_most: false },
        elapsed_ms: 5_000,
        scores: Vec::new(),
        repairs: Vec::new(),
    }
}

/// A home, a workspace and nobody at a terminal; all of it goes away with the test.
pub(crate) struct World {
    _directory: tempfile::TempDir,
    root: PathBuf,
}

impl World {
    /// Returns a world without settings, without storage and without a sandbox.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let world = Self { _directory: directory, root };
        for name in ["home", "user", "work"] {
            DirBuilder::new().mode(0o700).create(world.root.join(name)).unwrap();
        }
        world.keep("config.toml", "sandbox.mode = \"off\"\n");
        world
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Writes a file of the home.
    pub(crate) fn keep(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.home().join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn context(&self) -> Context {
        self.context_with([])
    }

    /// Returns a context of a process that was started in the workspace, at [`NOW`], with these variables too.
    pub(crate) fn context_with<const N: usize>(&self, variables: [(&str, &str); N]) -> Context {
        let own = [("OPENKOI_HOME", self.home()), ("HOME", self.root.join("user"))];
        let own = own.map(|(name, path)| (name.into(), path.into_os_string()));
        let more = variables.map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::new(own.into_iter().chain(more), self.workspace());
        let mut context = Context::new(environment, GlobalFlags::default());
        context.printer = Printer::on_paper(None, NOW);
        context.questions = Questions::of_nobody();
        context
    }

    /// Returns a text in which this world is `/world`.
    pub(crate) fn placed(&self, text: &str) -> String {
        text.replace(self.root.to_str().unwrap(), "/world")
    }

    /// Returns what a command prints and how the program ends.
    pub(crate) fn printed(&self, reply: Result<Reply, CommandError>) -> (String, Exit) {
        let (text, exit) = reply.unwrap().rendered(&Printer::on_paper(None, NOW));
        (self.placed(&text), exit)
    }

    /// Returns the document that a command prints.
    pub(crate) fn document(&self, reply: Result<Reply, CommandError>) -> Value {
        serde_json::from_str(&self.printed(reply).0).unwrap()
    }

    /// Returns the storage, with nothing in it at first.
    pub(crate) fn storage(&self) -> std::sync::Arc<Storage> {
        self.context().storage().unwrap()
    }

    /// Records the beginning of a task of the workspace.
    pub(crate) fn begin(&self, storage: &Storage, tail: &str, session: &str, text: &str) -> TaskId {
        let (task, session) = (task_id(tail), session_id(session));
        let card = json!({ "name": "koi/large", "context": 1000, "output": 100, "price": null });
        let started = Task {
            id: task.clone(),
            session,
            text: text.to_owned(),
            workspace: self.workspace().to_str().unwrap().to_owned(),
            history: Vec::new(),
            settings: TaskSettings::STANDARD,
            result_schema: None,
            attachments: Vec::new(),
            earlier: Vec::new(),
        };
        let event = json!({
            "event": "task.started", "task": started, "models": [["executor", card]],
            "overview": "", "instructions": "", "tools": [], "evaluators": [],
        });
        append(storage, &task, "start", NOW - 30 * MINUTE, serde_json::from_value(event).unwrap());
        task
    }

    /// Records a task of the workspace from its beginning to its end.
    pub(crate) fn ended(&self, storage: &Storage, tail: &str, session: &str, text: &str) -> TaskId {
        let task = self.begin(storage, tail, session, text);
        finish(storage, &task, outcome(Ending::Accepted, "It is done."));
        task
    }
}

/// Records something of a task.
pub(crate) fn append(storage: &Storage, task: &TaskId, key: &str, at_ms: u64, event: Event) {
    let elapsed_ms = at_ms.saturating_sub(NOW - 30 * MINUTE);
    let entry = Entry { seq: 0, key: key.to_owned(), at_ms, elapsed_ms, event };
    Journal::append(storage, task, std::slice::from_ref(&entry)).unwrap();
}

/// Records the end of a task, 28 minutes ago.
pub(crate) fn finish(storage: &Storage, task: &TaskId, outcome: Outcome) {
    let outcome = Box::new(outcome);
    append(storage, task, "end", NOW - 28 * MINUTE, Event::TaskFinished { outcome });
}
