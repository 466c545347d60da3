//! What the tests of several modules share: a home of its own for each test, and a clock that a test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use openkoi_app::{
    app::App,
    environment::Environment,
    request::Limits,
    schedules::{self, Missed, Spec, Trigger},
    wall_clock::WallClock,
};
use openkoi_core::{
    event::{Entry, Event},
    id::TaskId,
    port::Pending,
    queue::{Queue, QueuedTask},
    task::{Task, TaskSettings},
};
use openkoi_storage::{Storage, schedules::NewSchedule};
use tokio::sync::watch;

pub(crate) const HOUR: u64 = 3_600_000;
/// Midnight of a day in 2026, in UTC.
pub(crate) const BEGIN: u64 = 1_795_824_000_000 / 86_400_000 * 86_400_000;
/// The longest wait of a test.
const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that stands still until a test moves it.
pub(crate) struct TestClock {
    now: watch::Sender<u64>,
    /// The time that somebody waits for last.
    awaited: AtomicU64,
    /// How often somebody looked at it.
    looks: AtomicU64,
}

impl WallClock for TestClock {
    fn now_ms(&self) -> u64 {
        self.looks.fetch_add(1, Ordering::Relaxed);
        *self.now.borrow()
    }

    fn until(&self, at_ms: u64) -> Pending<'static, ()> {
        self.awaited.store(at_ms, Ordering::Relaxed);
        let mut now = self.now.subscribe();
        Box::pin(async move {
            now.wait_for(|now| *now >= at_ms).await.ok();
        })
    }
}

pub(crate) struct World {
    home: tempfile::TempDir,
    app: Arc<App>,
    clock: Arc<TestClock>,
    changed: watch::Sender<u64>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_settings("")
    }

    pub(crate) fn with_settings(settings: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("config.toml"), settings).unwrap();
        let path = home.path().display().to_string();
        let environment = Environment::of([("OPENKOI_HOME", path.as_str())], home.path());
        let clock = TestClock {
            now: watch::Sender::new(BEGIN),
            awaited: AtomicU64::new(0),
            looks: AtomicU64::new(0),
        };
        let app = Arc::new(App::new(environment));
        Self { home, app, clock: Arc::new(clock), changed: watch::Sender::new(0) }
    }

    pub(crate) fn configure(&self, settings: &str) {
        std::fs::write(self.home.path().join("config.toml"), settings).unwrap();
    }

    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    pub(crate) fn storage(&self) -> Arc<Storage> {
        self.app.storage().unwrap()
    }

    pub(crate) fn clock(&self) -> Arc<dyn WallClock> {
        self.clock.clone()
    }

    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn now_ms(&self) -> u64 {
        *self.clock.now.borrow()
    }

    /// Says that something has happened in the home.
    pub(crate) fn tell(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// Sets the clock.
    pub(crate) fn set(&self, at_ms: u64) {
        self.clock.now.send_replace(at_ms);
    }

    /// Sets the clock to what somebody waits for, and waits until that was looked at.
    pub(crate) async fn reach(&self, at_ms: u64) {
        self.awaits(at_ms).await;
        let looks = self.clock.looks.load(Ordering::Relaxed);
        self.set(at_ms);
        eventually(|| self.clock.looks.load(Ordering::Relaxed) > looks).await;
    }

    /// Waits until somebody waits for that time of the clock.
    pub(crate) async fn awaits(&self, at_ms: u64) {
        eventually(|| self.is_awaited(at_ms)).await;
    }

    pub(crate) fn is_awaited(&self, at_ms: u64) -> bool {
        self.clock.awaited.load(Ordering::Relaxed) == at_ms
    }

    /// Adds a schedule.
    pub(crate) fn schedule(&self, when: &str) -> String {
        let zone = "UTC".to_owned();
        self.add(Trigger::Time { when: when.to_owned(), zone }, "/pond")
    }

    pub(crate) fn add(&self, trigger: Trigger, workspace: &str) -> String {
        let spec = Spec { trigger, missed: Missed::Once, limits: Limits::default(), day_usd: None };
        self.keep(&serde_json::to_string(&spec).unwrap(), workspace)
    }

    /// Adds a schedule that says this.
    pub(crate) fn keep(&self, spec: &str, workspace: &str) -> String {
        let new = NewSchedule {
            id: self.app.new_id().unwrap(),
            text: "feed the fish".to_owned(),
            workspace: workspace.to_owned(),
            spec: spec.to_owned(),
        };
        self.storage().add_schedule(&new, self.now_ms()).unwrap();
        new.id
    }

    pub(crate) fn note(&self, id: &str) -> Option<String> {
        let schedule = schedules::Schedule::of(self.storage().find_schedule(id).unwrap()).unwrap();
        schedule.record.note.map(|(note, _)| note)
    }

    pub(crate) fn waiting(&self) -> Vec<QueuedTask> {
        self.storage().unfinished().unwrap()
    }

    /// Waits until so many tasks are in the queue.
    pub(crate) async fn queued(&self, count: usize) {
        eventually(|| self.waiting().len() == count).await;
    }

    /// Runs a task with these words, which ends by these events.
    pub(crate) fn run(&self, task: &str, text: &str, events: Vec<Event>) {
        self.run_of(task, (text, "/pond"), events);
    }

    /// As [`World::run`], in this directory.
    pub(crate) fn run_in(&self, task: &str, workspace: &str, events: Vec<Event>) {
        self.run_of(task, ("feed the fish", workspace), events);
    }

    fn run_of(&self, task: &str, (text, workspace): (&str, &str), events: Vec<Event>) {
        let (storage, id) = (self.storage(), TaskId::new(task));
        let begun = Event::TaskStarted {
            task: Box::new(Task {
                id: id.clone(),
                session: openkoi_core::id::SessionId::new(format!("of-{task}")),
                text: text.to_owned(),
                workspace: workspace.to_owned(),
                history: Vec::new(),
                settings: TaskSettings::STANDARD,
                result_schema: None,
                attachments: Vec::new(),
                earlier: Vec::new(),
            }),
            models: Vec::new(),
            overview: String::new(),
            instructions: String::new(),
            notes: Vec::new(),
            skills: Vec::new(),
            tools: Vec::new(),
            evaluators: Vec::new(),
            rules: 0,
        };
        let at_ms = self.now_ms();
        let entry =
            |(seq, event)| Entry { seq, key: format!("k{seq}"), at_ms, elapsed_ms: 1, event };
        let entries: Vec<Entry> =
            (1..).zip(std::iter::once(begun).chain(events)).map(entry).collect();
        let lease = storage.claim_task(&id).unwrap();
        storage.append_entries(&id, &entries).unwrap();
        drop(lease);
    }
}

/// Waits until something is so.
pub(crate) async fn eventually(is_so: impl Fn() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("it becomes so in time");
}
