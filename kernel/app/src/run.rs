//! One run from outside: the task is claimed and driven on a thread of its own, state files tell
//! other processes how far it is, and its output is saved. New tasks, messages of a conversation
//! and resumed tasks are run here.

use std::{
    collections::HashMap,
    future::Future,
    path::Path,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use openkoi_brokers::clock::SystemClock;
use openkoi_core::{
    event::{Entry, Event},
    id::{SessionId, TaskId},
    message::{ReasoningEffort, Role},
    outcome::Outcome,
    port::{Delta, Listener, Steering},
    run::{self, Paused},
    task::{EarlierResult, Task, TaskSettings, own_words},
};
use openkoi_storage::{
    StorageError,
    output::{LiveState, StateFiles, WRITTEN_EVERY},
};

use crate::{
    error::AppError,
    learning::{self, Learned, LookBack},
    task_runtime::{Surface, TaskRuntime},
    thread,
    undo::{self, TakenBack},
    workspace::Occupancy,
};

/// Bytes of earlier results that a model is shown for each token of its window: four bytes are about a token, so they
/// are a sixteenth of it at most.
const EARLIER_SHARE: u64 = 4;

/// Most bytes of earlier results, however large the window.
const MOST_EARLIER: usize = 32 * 1024;

/// The end of a run.
#[derive(Debug)]
pub struct RunEnd {
    /// The id of the task.
    pub task: TaskId,
    /// The session of the task.
    pub session: SessionId,
    /// The outcome, or the reason why the run stopped before its end and can be resumed.
    pub result: Result<Outcome, Paused>,
    /// What was kept of what the user said for good.
    pub said: Learned,
    /// The look at what became of earlier work, which goes on beside the run, if there is one.
    pub looked_back: Option<LookBack>,
    /// The reason why the output could not be saved as a file, if it could not. The journal has the
    /// output in any case.
    pub unsaved: Option<StorageError>,
}

/// Limits that are others when a task is resumed. What is absent stays as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResumeChanges {
    /// Most iterations.
    pub iterations: Option<u32>,
    /// The score from which work is accepted, 0 to 1.
    pub quality: Option<f64>,
    /// Most money, in millionths of a US dollar.
    pub cost_micros: Option<u64>,
    /// Most fresh tokens.
    pub tokens: Option<u64>,
    /// Most time of running, in seconds.
    pub seconds: Option<u64>,
    /// How much the executor is asked to reason.
    pub effort: Option<ReasoningEffort>,
    /// Reason for which the user overrules what the chamber stopped.
    pub overruled: Option<String>,
}

impl ResumeChanges {
    fn over(self, mut settings: TaskSettings) -> TaskSettings {
        settings.max_iterations = self.iterations.unwrap_or(settings.max_iterations);
        settings.quality = self.quality.unwrap_or(settings.quality);
        settings.max_cost_micros = self.cost_micros.unwrap_or(settings.max_cost_micros);
        settings.max_tokens = self.tokens.or(settings.max_tokens);
        let time_ms = self.seconds.map(|seconds| seconds.saturating_mul(1_000));
        settings.max_time_ms = time_ms.or(settings.max_time_ms);
        let effort = self.effort.map(|effort| (Role::EXECUTOR.to_owned(), effort));
        settings.efforts.extend(effort);
        settings.overruled = self.overruled.or(settings.overruled);
        settings
    }
}

/// Listeners that are all told the same.
pub struct Listeners(pub Vec<Arc<dyn Listener>>);

impl Listener for Listeners {
    fn event(&self, entry: &Entry) {
        self.0.iter().for_each(|one| one.event(entry));
    }

    fn delta(&self, role: &Role, delta: Delta<'_>) -> bool {
        // Every listener is told, even after one of them has shown the text.
        let shown: Vec<bool> = self.0.iter().map(|one| one.delta(role, delta)).collect();
        shown.contains(&true)
    }
}

/// Most files that are named as taken back.
const NAMED: usize = 20;

/// Returns what a model is told of work that was taken back.
fn told(taken: &TakenBack) -> EarlierResult {
    let named: Vec<&String> = taken.files.iter().take(NAMED).collect();
    let more = taken.files.len() - named.len();
    let more = if more > 0 { format!(" and of {more} more files") } else { String::new() };
    let why = if taken.by_user { "the user took it back" } else { "it was not accepted" };
    let task: String =
        taken.task.text.lines().next().unwrap_or_default().chars().take(80).collect();
    EarlierResult {
        tool: "undo".to_owned(),
        arguments: serde_json::json!({ "task": task, "files": named }).to_string(),
        text: format!("What this task changed in these files{more} is not there any more: {why}."),
    }
}

impl TaskRuntime {
    /// Runs a new task to its end.
    ///
    /// # Errors
    ///
    /// When the run cannot be begun.
    pub async fn start(
        self: Arc<Self>,
        mut task: Task,
        surface: Surface,
    ) -> Result<RunEnd, AppError> {
        task.earlier = self.earlier(&task)?;
        let id = task.id.clone();
        thread::apart(&id, move || async move {
            let lease = self.storage().claim_task(&task.id)?;
            let (id, session) = (task.id.clone(), task.session.clone());
            self.renew_lists()?;
            let files = Arc::new(StateFiles::new(self.app().paths()?.home()));
            let occupancy = self.occupancy(&id, task.workspace.as_ref(), &surface);
            let (mut briefing, skills) = self.briefing(&task.text).await?;
            if task.settings.think {
                briefing.directive = self.directive(&task.text, &briefing.notes).await?;
            }
            let heard = Heard::of(&surface);
            let learning = self.learns().then(|| Arc::new(Learning::beside(&self, Some(&task))));
            let surface = learning_too(&learning, heard.listening(surface));
            let ports = self.ports(&session, watched(&files, surface), occupancy, skills)?;
            if task.settings.think {
                self.agencies().warm();
            }
            // After the notes were chosen: the task says it itself.
            let mut said = self.keep(&task.text).await;
            let run = run::drive(task, briefing, self.policy(&session)?, ports);
            let result = while_running(&files, run).await;
            drop(lease);
            said.extend(self.keep(&heard.text()).await);
            let looked_back = learning.and_then(|learning| learning.take_look_back());
            Ok(RunEnd { looked_back, ..self.ended(id, session, result, said) })
        })
        .await
    }

    /// Returns what the tools of the task before showed, as much of it as the executor has room for.
    fn earlier(&self, task: &Task) -> Result<Vec<EarlierResult>, AppError> {
        let window = self.card(&Role::new(Role::EXECUTOR)).context;
        let most = usize::try_from(window / EARLIER_SHARE).unwrap_or(usize::MAX).min(MOST_EARLIER);
        let mut earlier: Vec<EarlierResult> =
            undo::taken_back(self.app(), self.storage(), &task.session)?.iter().map(told).collect();
        let went_back = undo::went_back(self.app(), self.storage(), &task.session)?;
        earlier.extend(self.storage().results(&task.session, went_back.as_ref(), most)?);
        Ok(earlier)
    }

    /// Resumes a task where it stopped, with other limits if `changes` has any. One that is finished and not accepted
    /// goes on if it may have more iterations now.
    ///
    /// # Errors
    ///
    /// When another process works on it, or its journal cannot be read.
    pub async fn resume(
        self: Arc<Self>,
        id: TaskId,
        session: SessionId,
        surface: Surface,
        changes: ResumeChanges,
    ) -> Result<RunEnd, AppError> {
        thread::apart(&id.clone(), move || async move {
            let lease = self.storage().claim_task(&id)?;
            let record = self.storage().find_task(id.as_str())?;
            let occupancy = self.occupancy(&id, record.workspace.as_ref(), &surface);
            let files = Arc::new(StateFiles::new(self.app().paths()?.home()));
            let entries = self.storage().entries(&id)?;
            if let Some(live) = LiveState::of(&entries) {
                files.resume(live);
            }
            self.remember_seen(&entries);
            drop(entries);
            let skills = self.skills_of(&record.text).await?;
            let heard = Heard::of(&surface);
            let learning = self.learns().then(|| Arc::new(Learning::beside(&self, None)));
            let surface = learning_too(&learning, heard.listening(surface));
            let ports = self.ports(&session, watched(&files, surface), occupancy, skills)?;
            let policy = self.policy(&session)?;
            let resumed = run::resume(&id, policy, ports, |settings| changes.over(settings));
            let result = while_running(&files, resumed).await;
            drop(lease);
            let said = self.keep(&heard.text()).await;
            Ok(self.ended(id, session, result, said))
        })
        .await
    }

    /// Remembers which files the run has read or changed, and when, so that what others did while it stood still is noticed.
    fn remember_seen(&self, entries: &[Entry]) {
        let mut begun = HashMap::new();
        for entry in entries {
            match &entry.event {
                Event::CallStarted { call, target, .. } => {
                    begun.insert(entry.key.as_str(), (call, target));
                }
                Event::CallFinished { result: Ok(_), .. } => {
                    let Some((call, target)) = begun.get(entry.key.as_str()) else { continue };
                    if call.place().as_ref() == Some(*target) {
                        self.workdir.note_seen_at(target, entry.at_ms);
                    }
                }
                Event::EffectsKept { effects } => {
                    for effect in &effects.paths {
                        self.workdir.note_seen_at(&effect.path, entry.at_ms);
                    }
                }
                _ => {}
            }
        }
    }

    pub(crate) fn occupancy(
        &self,
        task: &TaskId,
        directory: &Path,
        surface: &Surface,
    ) -> Arc<Occupancy> {
        let (storage, waiting) = (Arc::clone(self.storage()), Arc::clone(&surface.waiting));
        Arc::new(Occupancy::new(storage, directory.to_owned(), task.clone(), waiting))
    }

    /// Keeps what the user said for good. That it cannot be kept takes nothing from the task.
    async fn keep(&self, text: &str) -> Learned {
        let kept = learning::keep_said(self, text).await;
        kept.unwrap_or_else(|error| {
            tracing::warn!(%error, "what the user said is not remembered");
            Learned::default()
        })
    }

    fn ended(
        &self,
        task: TaskId,
        session: SessionId,
        result: Result<Outcome, Paused>,
        said: Learned,
    ) -> RunEnd {
        let written = result
            .as_ref()
            .map(|outcome| self.storage().write_output(&session, &task, &outcome.text).err());
        let unsaved = written.ok().flatten();
        RunEnd { task, session, result, said, looked_back: None, unsaved }
    }
}

/// What learning does beside a task, from its first call of a tool on: a task without one teaches nothing.
struct Learning {
    runtime: Arc<TaskRuntime>,
    /// The task, if it is a new one: what became of earlier work is looked for once for each task.
    new: Option<(TaskId, String)>,
    has_begun: AtomicBool,
    looked_back: Mutex<Option<LookBack>>,
}

impl Learning {
    fn beside(runtime: &Arc<TaskRuntime>, new: Option<&Task>) -> Self {
        Self {
            runtime: Arc::clone(runtime),
            new: new.map(|task| (task.id.clone(), task.text.clone())),
            has_begun: AtomicBool::new(false),
            looked_back: Mutex::default(),
        }
    }

    fn begin(&self) {
        self.runtime.warm_learners();
        if let Some((task, text)) = &self.new {
            *self.look_back() = Some(self.runtime.look_back(task, text));
        }
    }

    fn look_back(&self) -> MutexGuard<'_, Option<LookBack>> {
        self.looked_back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the look at earlier work, if it has begun.
    fn take_look_back(&self) -> Option<LookBack> {
        self.look_back().take()
    }
}

impl Listener for Learning {
    fn event(&self, entry: &Entry) {
        let is_call = matches!(entry.event, Event::CallStarted { .. });
        if is_call && !self.has_begun.swap(true, Ordering::Relaxed) {
            self.begin();
        }
    }

    fn delta(&self, _: &Role, _: Delta<'_>) -> bool {
        false
    }
}

/// Returns `surface` with a listener more, if there is something to be learnt.
fn learning_too(learning: &Option<Arc<Learning>>, surface: Surface) -> Surface {
    let Some(learning) = learning else { return surface };
    let listener = Arc::new(Listeners(vec![surface.listener, learning.clone()]));
    Surface { listener, ..surface }
}

/// What the user typed during a run.
#[derive(Clone, Default)]
struct Heard {
    texts: Arc<Mutex<Vec<String>>>,
    inner: Option<Arc<dyn Steering>>,
}

impl Heard {
    fn of(surface: &Surface) -> Self {
        Self { texts: Arc::default(), inner: surface.steering.clone() }
    }

    /// Returns `surface` with this in the place of its steering, if it has one.
    fn listening(&self, surface: Surface) -> Surface {
        let steering = self.inner.is_some().then(|| Arc::new(self.clone()) as Arc<dyn Steering>);
        Surface { steering, ..surface }
    }

    /// Returns all of it.
    fn text(&self) -> String {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.iter().map(|text| own_words(text)).collect::<Vec<_>>().join("\n")
    }
}

impl Steering for Heard {
    fn take(&self) -> Option<String> {
        let text = self.inner.as_ref()?.take()?;
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
        Some(text)
    }
}

/// Returns `surface` with the state files as a further listener.
fn watched(files: &Arc<StateFiles>, surface: Surface) -> Surface {
    let listener = Arc::new(Listeners(vec![files.clone(), surface.listener]));
    Surface { listener, ..surface }
}

/// Drives a run, and keeps the state files up to date while the run waits.
async fn while_running<T>(files: &StateFiles, run: impl Future<Output = T>) -> T {
    let mut run = pin!(run);
    loop {
        tokio::select! {
            biased;
            result = &mut run => return result,
            () = SystemClock.sleep(WRITTEN_EVERY) => files.catch_up(),
        }
    }
}
