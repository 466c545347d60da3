//! What `openkoi daemon` shows.

use openkoi_app::own::{self, DaemonState};
use openkoi_core::{
    document::{Block, Document, Pairs, Value},
    queue::{Queue, QueueState},
};

use crate::{
    context::Context,
    error::CommandError,
    output::{Output, ago, plural},
};

/// Whether the daemon runs, and what waits for it.
pub(super) struct DaemonStatus {
    state: Option<DaemonState>,
    waiting: usize,
    running: usize,
    questions: usize,
    now_ms: u64,
}

impl DaemonStatus {
    /// Looks how it stands.
    ///
    /// # Errors
    ///
    /// When the home cannot be read.
    pub(super) fn of(context: &Context) -> Result<Self, CommandError> {
        let mut status = Self {
            state: own::running(&context.app)?,
            waiting: 0,
            running: 0,
            questions: 0,
            now_ms: context.printer.now_ms(),
        };
        if let Some(storage) = context.existing_storage()? {
            let unfinished = storage.unfinished().map_err(openkoi_app::error::AppError::from)?;
            let count = |state| unfinished.iter().filter(|one| one.state == state).count();
            status.waiting = count(QueueState::Waiting);
            status.running = count(QueueState::Running);
            status.questions = storage.open_questions()?.len();
        }
        Ok(status)
    }

    /// Returns true if it runs.
    pub(super) fn runs(&self) -> bool {
        self.state.is_some()
    }
}

impl Output for DaemonStatus {
    fn document(&self) -> Document {
        let mut pairs = Pairs::default().for_programs("running", Value::Flag(self.runs()));
        match &self.state {
            Some(state) => {
                let since = ago(self.now_ms, state.started_ms);
                pairs = pairs
                    .for_people("daemon", format!("runs, started {since} (process {})", state.pid))
                    .for_programs("pid", Value::count(state.pid))
                    .for_programs("version", state.version.clone())
                    .for_programs("started_at", Value::Instant(state.started_ms));
                pairs = match &state.url {
                    Some(url) => pairs.pair("url", "reached at", url.clone()),
                    None => pairs.for_people("reached at", "nothing: `api.enabled` is off"),
                };
            }
            None => pairs = pairs.for_people("daemon", "does not run (openkoi daemon start)"),
        }
        let tasks = format!("{} running, {} waiting", self.running, self.waiting);
        pairs = pairs
            .for_people("tasks", tasks)
            .for_programs("tasks_running", Value::count(self.running))
            .for_programs("tasks_waiting", Value::count(self.waiting))
            .for_programs("questions", Value::count(self.questions));
        if self.questions > 0 {
            let waiting = plural(self.questions, "question");
            pairs = pairs.for_people("you", format!("{waiting} to answer (openkoi approvals)"));
        }
        Document::new("Daemon").with(Block::from(pairs))
    }
}

/// One thing that is told.
pub(super) struct Told {
    key: &'static str,
    text: String,
}

impl Told {
    /// Returns what happened.
    pub(super) fn notice(key: &'static str, text: &str) -> Self {
        Self { key, text: text.to_owned() }
    }

    /// Returns something that is to be copied.
    pub(super) fn secret(key: &'static str, text: String) -> Self {
        Self { key, text }
    }
}

impl Output for Told {
    fn document(&self) -> Document {
        Document::new("Daemon")
            .with(Block::paragraph(self.text.clone()))
            .with(Pairs::default().for_programs(self.key, self.text.clone()))
    }
}
