//! The application without a surface: tasks driven by a program, with nobody at a terminal.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use openkoi_app::{
    app::App,
    environment::Environment,
    error::AppError,
    request::TaskRequest,
    run::RunEnd,
    session::{JoinedSession, SessionChoice},
    task_runtime::{Surface, TaskRuntime},
    thread,
};
use openkoi_core::{
    approval::{Answer, ApprovalRequest, Rule},
    event::{Entry, Event},
    failure::Failure,
    message::{Role, ToolCall},
    port::{Approver, Cancellation, Delta, JournalError, Listener, Pending},
    run::{self, Paused},
    scope::Scope,
    task::Task,
    tool::{Effect, Tool, ToolOutput},
    toolbox::Toolbox,
};
use openkoi_storage::{
    sessions::SessionKind,
    tasks::{TaskQuery, TaskStatus},
};
use openkoi_test_support::{
    script::{Script, Turn},
    turn,
};
use serde_json::json;
use tokio::sync::Barrier;

/// A home, and as many workspaces as a test wants.
struct World {
    directory: tempfile::TempDir,
    app: Arc<App>,
}

impl World {
    /// Returns a home whose model writes a file, once somebody allows it, and says that it is done.
    fn new() -> Self {
        Self::scripted([
            turn().executor().after("write_file").say("It is written."),
            turn().executor().write("note.txt", "carp\n"),
        ])
    }

    /// Returns a home whose model says this.
    fn scripted(turns: impl IntoIterator<Item = Turn>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = Script::new(turns);
        let path = directory.path().join("script.jsonl");
        fs::write(&path, script.to_lines()).unwrap();
        let home = directory.path().join("home");
        fs::create_dir(&home).unwrap();
        let config = format!(
            "model = \"scripted/file\"\n[providers.scripted]\nscript = {path:?}\n\
             [limits]\niterations = 0\n[trust]\ndefault = \"ask\"\n"
        );
        fs::write(home.join("config.toml"), config).unwrap();
        let variables = [
            ("HOME", directory.path().join("user").into_os_string()),
            ("OPENKOI_HOME", home.into_os_string()),
            ("PATH", OsString::from("/usr/bin:/bin")),
        ];
        let variables = variables.map(|(name, value)| (OsString::from(name), value));
        let environment = Environment::new(variables, directory.path().to_owned());
        Self { app: Arc::new(App::new(environment)), directory }
    }

    /// Appends to the user's configuration.
    fn config(self, text: &str) -> Self {
        let path = self.directory.path().join("home/config.toml");
        let earlier = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{earlier}{text}\n")).unwrap();
        self
    }

    fn workspace(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::create_dir(&path).unwrap();
        path.canonicalize().unwrap()
    }

    /// Returns the runtime of a workspace and a task in it.
    fn task(&self, workspace: &Path) -> (Arc<TaskRuntime>, Task, JoinedSession) {
        let settings = self.app.settings(workspace, |_| Ok(())).unwrap();
        let runtime = TaskRuntime::new(&self.app, &settings, workspace).unwrap();
        let session =
            JoinedSession::join(&self.app, &SessionChoice::New, SessionKind::Task, workspace)
                .unwrap();
        let request = TaskRequest {
            text: "write the note",
            attachments: Vec::new(),
            session: &session.id,
            history: Vec::new(),
            workspace,
            settings: &settings,
            schema: None,
            in_conversation: false,
            think: None,
            attended: true,
        };
        (Arc::new(runtime), request.task(&self.app).unwrap(), session)
    }
}

/// Answers when as many questions are open as the barrier waits for.
struct AllowTogether(Arc<Barrier>);

impl Approver for AllowTogether {
    fn ask<'a>(&'a self, _: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        Box::pin(async {
            self.0.wait().await;
            Some(Answer::AllowOnce)
        })
    }

    fn remember(&self, _: &Rule) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Nobody to ask.
struct Nobody;

impl Approver for Nobody {
    fn ask<'a>(&'a self, _: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        Box::pin(std::future::ready(None))
    }

    fn remember(&self, _: &Rule) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Keeps the entries it is told of.
#[derive(Default)]
struct Heard(Mutex<Vec<Entry>>);

impl Heard {
    fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().clone()
    }
}

impl Listener for Heard {
    fn event(&self, entry: &Entry) {
        self.0.lock().unwrap().push(entry.clone());
    }

    fn delta(&self, _: &Role, _: Delta<'_>) -> bool {
        false
    }
}

/// Never ends a run.
struct Patient;

impl Cancellation for Patient {
    fn cancelled(&self) -> Pending<'static, ()> {
        Box::pin(std::future::pending())
    }
}

fn surface(approver: impl Approver + 'static) -> (Surface, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let surface = Surface {
        approver: Arc::new(approver),
        listener: heard.clone(),
        cancellation: Arc::new(Patient),
        steering: None,
        result: None,
        waiting: Arc::new(|_| {}),
    };
    (surface, heard)
}

fn accepted(end: &RunEnd) -> &str {
    let outcome = end.result.as_ref().unwrap();
    assert!(end.unsaved.is_none(), "{end:?}");
    &outcome.text
}

#[test]
fn two_tasks_run_at_once_in_one_process() {
    let world = World::new();
    let (one, other) = (world.workspace("one"), world.workspace("other"));
    let (first, first_task, _one) = world.task(&one);
    let (second, second_task, _other) = world.task(&other);
    // Neither question is answered before both are asked, so one run alone would wait for ever.
    let both = Arc::new(Barrier::new(2));
    let (a, heard_a) = surface(AllowTogether(both.clone()));
    let (b, heard_b) = surface(AllowTogether(both));
    let (id_a, id_b) = (first_task.id.clone(), second_task.id.clone());

    let ends = thread::block(async {
        let both = async {
            tokio::try_join!(
                first.clone().start(first_task, a),
                second.clone().start(second_task, b)
            )
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), both).await;
        ended.expect("the two runs wait for one another")
    });

    let (end_a, end_b) = ends.map_err(|error: AppError| error).unwrap();
    assert_eq!((accepted(&end_a), accepted(&end_b)), ("It is written.", "It is written."));
    for workspace in [&one, &other] {
        assert_eq!(fs::read_to_string(workspace.join("note.txt")).unwrap(), "carp\n");
    }
    // Each listener heard its own run, whole: what the journal has.
    let storage = world.app.storage().unwrap();
    for (id, heard) in [(id_a, heard_a), (id_b, heard_b)] {
        let heard: Vec<String> = heard.entries().into_iter().map(|entry| entry.key).collect();
        let kept: Vec<String> =
            storage.entries(&id).unwrap().into_iter().map(|entry| entry.key).collect();
        assert_eq!(heard, kept);
        let entries = storage.entries(&id).unwrap();
        thread::block::<_, AppError>(async {
            run::verify(&id, entries).await.unwrap();
            Ok(())
        })
        .unwrap();
    }
    let tasks = storage.tasks(&TaskQuery::default()).unwrap();
    assert_eq!(tasks.len(), 2);
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Accepted), "{tasks:?}");
}

#[test]
fn a_question_that_nobody_answers_pauses_the_task_and_another_surface_takes_it_up() {
    let world = World::new();
    let workspace = world.workspace("one");
    let (runtime, task, session) = world.task(&workspace);
    let (id, session) = (task.id.clone(), session.id.clone());
    let (alone, heard) = surface(Nobody);

    let end = thread::block(runtime.clone().start(task, alone)).unwrap();

    assert!(matches!(end.result, Err(Paused::Approval(_))), "{end:?}");
    assert!(!workspace.join("note.txt").exists());
    let paused = |entry: &Entry| matches!(entry.event, Event::TaskPaused { .. });
    assert!(heard.entries().iter().any(paused));
    let (helped, _) = surface(AllowTogether(Arc::new(Barrier::new(1))));
    let end = thread::block(runtime.resume(id, session, helped, Default::default())).unwrap();
    assert_eq!(accepted(&end), "It is written.");
    assert!(workspace.join("note.txt").exists());
}

#[test]
fn a_task_that_is_being_worked_on_is_not_taken_up_a_second_time() {
    let world = World::new();
    let workspace = world.workspace("one");
    let (runtime, task, session) = world.task(&workspace);
    let lease = world.app.storage().unwrap().claim_task(&task.id).unwrap();
    let (surface, heard) = surface(Nobody);

    let refused = thread::block(runtime.resume(
        task.id.clone(),
        session.id.clone(),
        surface,
        Default::default(),
    ));

    let error = refused.unwrap_err();
    assert!(matches!(error, AppError::Storage(_)), "{error}");
    assert!(heard.entries().is_empty());
    drop(lease);
}

#[test]
fn a_tool_that_is_left_out_is_neither_offered_nor_called() {
    let world = World::new().config("[tools]\ndisabled = [\"write_file\"]");
    let workspace = world.workspace("one");
    let (runtime, task, _session) = world.task(&workspace);
    let (surface, heard) = surface(AllowTogether(Arc::new(Barrier::new(1))));

    let end = thread::block(runtime.start(task, surface)).unwrap();

    assert!(end.result.is_ok(), "{end:?}");
    assert!(!workspace.join("note.txt").exists());
    let offered = heard.entries().into_iter().find_map(|entry| match entry.event {
        Event::TaskStarted { tools, .. } => Some(tools),
        _ => None,
    });
    let offered: Vec<String> = offered.unwrap().into_iter().map(|tool| tool.name).collect();
    assert!(offered.contains(&"read_file".to_owned()), "{offered:?}");
    assert!(!offered.contains(&"write_file".to_owned()), "{offered:?}");
}

/// A tier of tools that the kernel runs itself.
struct Gauge;

impl Toolbox for Gauge {
    fn tools(&self) -> Vec<Tool> {
        vec![Tool {
            name: "pond_depth".to_owned(),
            description: "Says how deep the pond is.".to_owned(),
            parameters: json!({ "type": "object" }).into(),
            effect: Effect::Read,
            idempotent: true,
            domain: "pond".to_owned(),
            target: None,
            origin: "gauge".to_owned(),
            deadline_ms: 1_000,
        }]
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        let text = format!("two metres, by {} for {}", call.name, scope.key);
        Box::pin(std::future::ready(Ok(ToolOutput { text, ..ToolOutput::default() })))
    }
}

#[test]
fn two_tiers_of_tools_work_in_one_run() {
    let world = World::scripted([
        turn().executor().after("write_file").say("It is written."),
        turn().executor().after_result("two metres").write("note.txt", "carp\n"),
        turn().executor().call("pond_depth", json!({})),
    ]);
    let workspace = world.workspace("one");
    let (_, task, _session) = world.task(&workspace);
    let settings = world.app.settings(&workspace, |_| Ok(())).unwrap();
    let others = vec![Arc::new(Gauge) as Arc<dyn Toolbox>];
    let runtime = TaskRuntime::beside(&world.app, &settings, &workspace, others).unwrap();
    let (surface, heard) = surface(AllowTogether(Arc::new(Barrier::new(1))));
    let id = task.id.clone();

    let end = thread::block(Arc::new(runtime).start(task, surface)).unwrap();

    assert_eq!(accepted(&end), "It is written.");
    assert_eq!(fs::read_to_string(workspace.join("note.txt")).unwrap(), "carp\n");
    let called: Vec<String> = heard
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::CallStarted { call, .. } => Some(call.name),
            _ => None,
        })
        .collect();
    assert_eq!(called, ["pond_depth", "write_file"]);
    let entries = world.app.storage().unwrap().entries(&id).unwrap();
    thread::block::<_, AppError>(async {
        run::verify(&id, entries).await.unwrap();
        Ok(())
    })
    .unwrap();
}

#[test]
fn tiers_with_a_tool_of_one_name_are_not_joined() {
    let world = World::new();
    let workspace = world.workspace("one");
    let settings = world.app.settings(&workspace, |_| Ok(())).unwrap();
    let others = vec![Arc::new(Gauge) as Arc<dyn Toolbox>, Arc::new(Gauge)];

    let error = TaskRuntime::beside(&world.app, &settings, &workspace, others).err().unwrap();

    let said = "the tool `pond_depth` is in both `gauge` and `gauge`; only one of them can be used";
    assert_eq!(error.to_string(), said);
}
