//! From the queue to workers and back: gives tasks that wait to processes, and makes up for those that die.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use openkoi_app::{
    app::App,
    day,
    error::AppError,
    handed::{self, HandedRequest},
    monotonic_ms,
    own::{self, Child, End, Process},
    pause,
    settings::{DaemonSettings, Settings},
};
use openkoi_core::{
    id::{SessionId, TaskId},
    queue::{Queue, QueueState, QueuedTask},
};
use openkoi_storage::{Storage, tasks::TaskStatus};
use tokio::sync::watch;

use crate::choice::{Choice, Circumstances};

/// How long a worker that was told to end may take, before it is killed.
const PATIENCE_MS: u64 = 5_000;
/// How often workers of an earlier daemon are looked after, and how soon a step that failed is tried again.
const GLANCE_MS: u64 = 1_000;
/// How often it is looked whether the day's money is there again.
const DAY_GLANCE_MS: u64 = 60_000;
/// How many times as long as the last step took nothing is looked at after a change: a queue that grows long is not to keep the
/// daemon busy with itself. At most [`GLANCE_MS`].
const RESTS: u64 = 4;
/// How many workers may die over one task.
const MOST_DEATHS: u32 = 3;

/// A worker that this daemon started.
struct Worker {
    child: Child,
    /// When it was told to end, by a clock that only goes forward.
    told_ms: Option<u64>,
}

/// Who looks after the queue.
pub(crate) struct Supervisor {
    app: Arc<App>,
    storage: Arc<Storage>,
    program: PathBuf,
    settings: DaemonSettings,
    /// Names of models that cost nothing because they are played.
    played: Vec<String>,
    workers: HashMap<TaskId, Worker>,
    /// When workers of an earlier daemon were told to end: a second word would end them at once.
    told: HashMap<TaskId, u64>,
    turns: HashMap<SessionId, u64>,
}

impl Supervisor {
    /// Returns one that starts workers of `program`.
    ///
    /// # Errors
    ///
    /// When the storage cannot be opened.
    pub(crate) fn new(
        app: &Arc<App>,
        program: PathBuf,
        settings: &Settings,
    ) -> Result<Self, AppError> {
        Ok(Self {
            app: Arc::clone(app),
            storage: app.storage()?,
            program,
            settings: settings.daemon,
            played: openkoi_app::models::playing(app, settings)?,
            workers: HashMap::new(),
            told: HashMap::new(),
            turns: HashMap::new(),
        })
    }

    /// Looks after the queue until `stop` is true; then asks the workers to pause, and waits for them. `changed` moves
    /// when something has happened in the home.
    pub(crate) async fn run(
        &mut self,
        mut changed: watch::Receiver<u64>,
        mut stop: watch::Receiver<bool>,
    ) {
        self.take_up_answered();
        while !*stop.borrow() {
            changed.mark_unchanged();
            let begun_ms = monotonic_ms();
            let wait = match self.step() {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "the queue cannot be looked after just now");
                    Some(Duration::from_millis(GLANCE_MS))
                }
            };
            tokio::select! {
                biased;
                _ = stop.changed() => {}
                () = self.an_end() => {}
                _ = changed.changed() => {
                    let took_ms = monotonic_ms().saturating_sub(begun_ms);
                    let rest_ms = (took_ms * RESTS).min(GLANCE_MS);
                    tokio::select! {
                        _ = stop.changed() => {}
                        () = pause(Duration::from_millis(rest_ms)) => {}
                    }
                }
                () = rest(wait) => {}
            }
        }
        self.drain().await;
    }

    /// Lets tasks go on whose questions were answered while no daemon ran.
    fn take_up_answered(&self) {
        let take_up = || -> Result<(), AppError> {
            for task in self.storage.answered_tasks()? {
                handed::take_up(&self.app, &task, &HandedRequest::default(), 0)?;
            }
            Ok(())
        };
        if let Err(error) = take_up() {
            tracing::error!(%error, "tasks whose questions were answered stay as they are");
        }
    }

    /// Brings workers and queue together. Returns how long nothing is to be done unless something happens.
    fn step(&mut self) -> Result<Option<Duration>, AppError> {
        self.reap();
        let mut wait = self.press()?;
        for task in self.storage.running()? {
            if !self.workers.contains_key(&task.task) && !self.look_after(&task)? {
                wait = sooner(wait, GLANCE_MS);
            }
        }
        if !self.storage.has_waiting()? {
            return Ok(wait);
        }
        if let Some(why) = self.no_money()? {
            self.storage.note_waiting(&why)?;
            return Ok(sooner(wait, DAY_GLANCE_MS));
        }
        let unfinished = self.storage.unfinished()?;
        let now_ms = self.app.now_ms();
        let choice = self.choose(&unfinished, now_ms)?;
        for task in &choice.begin {
            let session = unfinished.iter().find(|one| one.task == *task).map(|one| &one.session);
            self.turns.extend(session.map(|session| (session.clone(), now_ms)));
            self.begin(task, now_ms)?;
        }
        Ok(match choice.again_ms {
            Some(again_ms) => sooner(wait, again_ms.saturating_sub(now_ms)),
            None => wait,
        })
    }

    fn choose(&self, unfinished: &[QueuedTask], now_ms: u64) -> Result<Choice, AppError> {
        let asking: HashSet<TaskId> =
            self.storage.open_questions()?.into_iter().map(|question| question.task).collect();
        let is_apart = |one: &&QueuedTask| {
            let request = serde_json::from_str::<HandedRequest>(&one.request);
            !one.has_begun && request.is_ok_and(|request| request.worktree)
        };
        let apart = unfinished.iter().filter(is_apart).map(|one| one.task.clone()).collect();
        let circumstances = Circumstances {
            concurrency: self.settings.concurrency,
            asking: &asking,
            apart: &apart,
            turns: &self.turns,
            now_ms,
        };
        Ok(Choice::of(unfinished, &circumstances))
    }

    fn begin(&mut self, task: &TaskId, now_ms: u64) -> Result<(), AppError> {
        if !self.storage.give(task, now_ms)? {
            return Ok(());
        }
        match own::worker(&self.app, &self.program, task) {
            Ok(child) => {
                tracing::info!(task = task.short(), "begins");
                self.workers.insert(task.clone(), Worker { child, told_ms: None });
            }
            Err(error) => {
                let why = format!("no worker can be started: {error}");
                tracing::error!(task = task.short(), why);
                self.storage.put_back(task, &why)?;
            }
        }
        Ok(())
    }

    /// Returns why no task may begin, if the day's money is spent.
    fn no_money(&self) -> Result<Option<String>, AppError> {
        let Some(most) = self.settings.day_micros else { return Ok(None) };
        let today = day::began_ms(self.app.now_ms());
        let spent = self.storage.spent_since(today, &self.played)?.cost_micros;
        Ok((spent >= most).then(|| {
            let dollars = |micros: u64| micros as f64 / 1e6;
            format!(
                "today cost ${:.2}, and `daemon.day_usd` is ${:.2}",
                dollars(spent),
                dollars(most)
            )
        }))
    }

    /// Tells the workers whose tasks are to end, and kills those that were told long ago.
    fn press(&mut self) -> Result<Option<Duration>, AppError> {
        let mut wait = None;
        for (task, worker) in &mut self.workers {
            let Some(told_ms) = worker.told_ms else {
                if self.storage.queued(task)?.is_some_and(|queued| queued.cancel) {
                    tell(worker, End::Terminate);
                    wait = sooner(wait, PATIENCE_MS);
                }
                continue;
            };
            match (told_ms + PATIENCE_MS).checked_sub(monotonic_ms()) {
                Some(left) if left > 0 => wait = sooner(wait, left),
                _ => tell(worker, End::Kill),
            }
        }
        Ok(wait)
    }

    /// Forgets the workers that have ended.
    fn reap(&mut self) {
        self.workers.retain(|task, worker| match worker.child.try_wait() {
            Ok(Some(status)) => {
                tracing::info!(task = task.short(), %status, "ended");
                false
            }
            Ok(None) => true,
            Err(error) => {
                tracing::error!(%error, "a worker cannot be waited for");
                false
            }
        });
    }

    /// Looks after a task that was given to a worker which is none of this daemon's, or none any more. Returns false while
    /// somebody works on it.
    fn look_after(&mut self, task: &QueuedTask) -> Result<bool, AppError> {
        if self.storage.is_owned(&task.task)? {
            if let (true, Some(owner)) = (task.cancel, self.storage.owner(&task.task)?) {
                self.end_of_another(&task.task, owner)?;
            }
            return Ok(false);
        }
        self.told.remove(&task.task);
        // It may have said how it went since the queue was read.
        let still = self.storage.queued(&task.task)?;
        if still.is_none_or(|still| still.state != QueueState::Running) {
            return Ok(true);
        }
        let status = self.storage.find_task(task.task.as_str())?.status;
        let now_ms = self.app.now_ms();
        let has_ended = !matches!(status, TaskStatus::Interrupted | TaskStatus::Running);
        if task.has_begun && has_ended || task.cancel {
            self.storage.finish(&task.task, None, now_ms)?;
        } else if task.attempts >= MOST_DEATHS {
            let why = format!("its process died {} times", task.attempts);
            tracing::error!(task = task.task.short(), why);
            self.storage.finish(&task.task, Some(&why), now_ms)?;
        } else {
            self.storage.put_back(&task.task, "its process died")?;
        }
        Ok(true)
    }

    /// Tells the worker of an earlier daemon to end, and kills it if it does not.
    fn end_of_another(&mut self, task: &TaskId, owner: Process) -> Result<(), AppError> {
        let now_ms = monotonic_ms();
        let how = match self.told.get(task) {
            None => End::Terminate,
            Some(told_ms) if now_ms.saturating_sub(*told_ms) > PATIENCE_MS => End::Kill,
            Some(_) => return Ok(()),
        };
        self.told.entry(task.clone()).or_insert(now_ms);
        owner.end(how).map_err(AppError::Thread)
    }

    /// Waits until a worker ends.
    async fn an_end(&mut self) {
        if self.workers.is_empty() {
            return std::future::pending().await;
        }
        let ends = self.workers.values_mut().map(|worker| Box::pin(worker.child.wait()));
        first(ends.collect()).await;
    }

    /// Asks all workers to pause their tasks, and waits for them; those that take too long are killed.
    async fn drain(&mut self) {
        self.workers.values_mut().for_each(|worker| tell(worker, End::Terminate));
        let until = monotonic_ms() + PATIENCE_MS;
        loop {
            self.reap();
            let left = until.saturating_sub(monotonic_ms());
            if self.workers.is_empty() || left == 0 {
                break;
            }
            tokio::select! {
                () = self.an_end() => {}
                () = pause(Duration::from_millis(left)) => {}
            }
        }
        for worker in self.workers.values_mut() {
            tell(worker, End::Kill);
            if let Err(error) = worker.child.wait().await {
                tracing::error!(%error, "a worker cannot be waited for");
            }
        }
        // What had no time to say so waits for the next daemon.
        for task in self.storage.running().unwrap_or_default() {
            if self.workers.contains_key(&task.task)
                && let Err(error) = self.look_after(&task)
            {
                tracing::error!(%error, "a task stays as it was");
            }
        }
    }
}

fn tell(worker: &mut Worker, how: End) {
    worker.told_ms.get_or_insert(monotonic_ms());
    let Some(process) = worker.child.id() else { return };
    if let Err(error) = Process::child(process).end(how) {
        tracing::error!(%error, "a worker cannot be told to end");
    }
}

/// Waits for the first of several futures.
async fn first<F: Future + Unpin>(mut all: Vec<F>) {
    std::future::poll_fn(|context| {
        let is_done = |one: &mut F| std::pin::Pin::new(one).poll(context).is_ready();
        if all.iter_mut().any(is_done) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

async fn rest(wait: Option<Duration>) {
    match wait {
        Some(wait) => pause(wait).await,
        None => std::future::pending().await,
    }
}

fn sooner(wait: Option<Duration>, milliseconds: u64) -> Option<Duration> {
    let other = Duration::from_millis(milliseconds);
    Some(wait.map_or(other, |wait| wait.min(other)))
}
