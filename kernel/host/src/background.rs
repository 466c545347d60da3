//! Programs that go on after the call that started them.
//!
//! Each runs over a layer of its own and in a network that it shares with the later programs of its task. Its output is
//! taken as it comes, so that it never waits for a reader. It ends when it is stopped, and with the work of its task at the
//! latest; what it changed then waits for the loop as the changes of a call do.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use openkoi_brokers::processes::{
    Child, Happening, Killer, NetworkPlace, ProgramExit, ProgramView, SharedNetwork,
};
use openkoi_core::{failure::Failure, id::TaskId, toolbox::EndedProgram};
use tokio::sync::Notify;

use crate::{
    layers::{CallLayer, Held},
    text,
};

/// The most programs of one task at once.
const MOST: usize = 8;
/// The most bytes of output that wait for a look.
const MOST_UNREAD: usize = 256 << 10;
/// The longest time that a program which was stopped may take to be gone.
const LONGEST_END: Duration = Duration::from_secs(10);
/// The time that a program which says something is given to say more, or to end: one that fails says why first.
const TO_GO_ON: Duration = Duration::from_millis(200);

/// The programs in the background, by task.
#[derive(Debug, Default)]
pub(crate) struct Background(Mutex<BTreeMap<String, Programs>>);

/// The programs of one task.
#[derive(Debug, Default)]
struct Programs {
    network: Arc<SharedNetwork>,
    running: BTreeMap<String, Arc<Program>>,
    /// Number of those that were started.
    started: u32,
}

/// A program in the background.
#[derive(Debug)]
pub(crate) struct Program {
    /// Key of the call that started it.
    key: String,
    /// The command as it is shown.
    pub(crate) line: String,
    killer: Killer,
    view: Option<ProgramView>,
    /// The file with all its output.
    pub(crate) saved: Option<String>,
    layer: Arc<CallLayer>,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    unread: Vec<u8>,
    omitted: u64,
    exit: Option<ProgramExit>,
    is_over: bool,
}

/// What was new at a look.
pub(crate) struct Look {
    pub(crate) output: Vec<u8>,
    pub(crate) omitted: u64,
    pub(crate) exit: Option<ProgramExit>,
}

impl Background {
    /// Returns a place in the network of a task, if it has programs in the background; or for the first of them.
    pub(crate) fn place(&self, task: &TaskId, is_first: bool) -> Option<NetworkPlace> {
        let mut tasks = self.tasks();
        let programs = match is_first {
            true => Some(tasks.entry(task.to_string()).or_default()),
            false => tasks.get_mut(task.as_str()),
        };
        programs.map(|programs| programs.network.place())
    }

    /// Checks that the task may have one more.
    pub(crate) fn check_room(&self, task: &TaskId) -> Result<(), Failure> {
        let tasks = self.tasks();
        let programs = tasks.get(task.as_str()).into_iter().flat_map(|all| all.running.values());
        let running = programs.filter(|program| !program.state().is_over).count();
        match running < MOST {
            true => Ok(()),
            false => Err(Failure::Failed(format!(
                "{MOST} programs are in the background already; stop one of them first"
            ))),
        }
    }

    /// Takes in a program that was started, and returns its id.
    pub(crate) fn take_in(
        &self,
        task: &TaskId,
        key: &str,
        line: &str,
        child: Child,
        layer: Arc<CallLayer>,
    ) -> String {
        let program = Arc::new(Program {
            key: key.to_owned(),
            line: line.to_owned(),
            killer: child.killer(),
            view: child.view().cloned(),
            saved: child.saved().map(|path| path.display().to_string()),
            layer,
            state: Mutex::default(),
            news: Notify::new(),
        });
        tokio::spawn(take(child, Arc::clone(&program)));
        let mut tasks = self.tasks();
        let programs = tasks.entry(task.to_string()).or_default();
        programs.started += 1;
        let id = programs.started.to_string();
        programs.running.insert(id.clone(), program);
        id
    }

    /// Returns a program of a task.
    pub(crate) fn find(&self, task: &TaskId, id: &str) -> Result<Arc<Program>, Failure> {
        let found = self.tasks().get(task.as_str()).and_then(|all| all.running.get(id).cloned());
        found.ok_or_else(|| {
            let running = self.lines(task);
            let those = match running.is_empty() {
                true => {
                    "none is there; they end when the work is looked at or the task is interrupted"
                        .to_owned()
                }
                false => format!("those that are there: {}", running.join("; ")),
            };
            Failure::NotFound(format!("the program {id} in the background; {those}"))
        })
    }

    /// Forgets a program that was stopped.
    pub(crate) fn forget(&self, task: &TaskId, id: &str) {
        if let Some(programs) = self.tasks().get_mut(task.as_str()) {
            programs.running.remove(id);
        }
    }

    /// Returns the programs of a task, as a model is told of them.
    pub(crate) fn lines(&self, task: &TaskId) -> Vec<String> {
        let tasks = self.tasks();
        let programs = tasks.get(task.as_str()).into_iter().flat_map(|all| &all.running);
        programs.map(|(id, program)| format!("{id} ({})", program.short())).collect()
    }

    /// Returns whether programs of a task are looked after here.
    pub(crate) fn has(&self, task: &TaskId) -> bool {
        self.tasks().get(task.as_str()).is_some_and(|programs| !programs.running.is_empty())
    }

    /// Lets the programs of a task see what has changed in the workspace. Blocks for some milliseconds.
    pub(crate) fn refresh(&self, task: &TaskId) {
        let running: Vec<_> = match self.tasks().get(task.as_str()) {
            Some(programs) => programs.running.values().cloned().collect(),
            None => return,
        };
        for program in running.iter().filter(|program| !program.state().is_over) {
            if let Some(Err(error)) = program.view.as_ref().map(ProgramView::refresh) {
                tracing::debug!(%error, "a program in the background sees files as they were");
            }
        }
    }

    /// Ends all programs of a task.
    pub(crate) async fn end(&self, task: &TaskId) -> Vec<EndedProgram> {
        let Some(programs) = self.tasks().remove(task.as_str()) else { return Vec::new() };
        programs.running.values().for_each(|program| program.killer.kill());
        let mut ended = Vec::new();
        for program in programs.running.into_values() {
            program.gone().await;
            let held = Box::new(Held(Arc::clone(&program.layer)));
            ended.push(EndedProgram { key: program.key.clone(), held });
        }
        ended
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<String, Programs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the output of a program as it comes, until it has ended.
async fn take(mut child: Child, program: Arc<Program>) {
    while let Some(happening) = child.next().await {
        match happening {
            Happening::Stdout(bytes) | Happening::Stderr(bytes) => program.state().push(&bytes),
            Happening::Exited(exit) => program.state().exit = Some(exit),
        }
        program.news.notify_waiters();
    }
    program.state().is_over = true;
    program.news.notify_waiters();
}

impl State {
    fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        let surplus = self.unread.len().saturating_sub(MOST_UNREAD);
        self.unread.drain(..surplus);
        self.omitted += surplus as u64;
    }
}

impl Program {
    /// Waits for something new, or for the end of the program, and takes what is new.
    pub(crate) async fn look(&self, patience: Duration) -> Look {
        let has_news = |state: &State| state.is_over || !state.unread.is_empty();
        if tokio::time::timeout(patience, self.until(has_news)).await.is_ok() && !patience.is_zero()
        {
            // What a program says comes in pieces.
            let over = self.until(|state| state.is_over);
            drop(tokio::time::timeout(TO_GO_ON, over).await);
        }
        let mut state = self.state();
        Look {
            output: std::mem::take(&mut state.unread),
            omitted: std::mem::take(&mut state.omitted),
            exit: state.exit.clone().filter(|_| state.is_over),
        }
    }

    /// Asks the program to end, and kills it if it does not.
    pub(crate) async fn stop(&self) {
        self.killer.kill();
        self.gone().await;
    }

    /// Waits for the end of a program that is to end.
    async fn gone(&self) {
        if tokio::time::timeout(LONGEST_END, self.until(|state| state.is_over)).await.is_err() {
            tracing::warn!(program = self.line, "a program does not end");
        }
    }

    /// Returns what the program has changed, for the loop.
    pub(crate) fn held(&self) -> Box<Held> {
        Box::new(Held(Arc::clone(&self.layer)))
    }

    fn short(&self) -> String {
        text::one_line(&self.line, 100)
    }

    async fn until(&self, is_there: impl Fn(&State) -> bool) {
        loop {
            let news = self.news.notified();
            if is_there(&self.state()) {
                return;
            }
            news.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
