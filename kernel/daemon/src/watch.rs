//! Begins what is due because files changed.
//!
//! Changes are gathered until nothing has changed for a while. What a run changes itself begins nothing: while it goes on, changes are only
//! gathered, and when it is over, those that its journal knows are taken away. What is left was done by others meanwhile, and begins one
//! more run; what others did during that one begins none, so that two programs that answer each other come to rest.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use openkoi_app::{
    app::App,
    error::AppError,
    schedules::{self, FileWatch, Schedule, Trigger},
    thread,
    wall_clock::WallClock,
};
use openkoi_core::id::TaskId;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
};

use crate::wait;

/// Begins the tasks of schedules when files change, until it is dropped. `changed` moves when something has happened in the home.
pub async fn run(app: Arc<App>, clock: Arc<dyn WallClock>, mut changed: watch::Receiver<u64>) {
    let (tell, mut told) = mpsc::channel(64);
    let mut watches = Watches { app, clock, watched: HashMap::new(), tell };
    loop {
        changed.mark_unchanged();
        let next_ms = watches.step().await.unwrap_or_else(|error| {
            tracing::error!(%error, "files cannot be watched just now");
            Some(watches.clock.now_ms() + wait::AGAIN_MS)
        });
        let clock = Arc::clone(&watches.clock);
        tokio::select! {
            biased;
            () = wait::change(&mut changed) => {}
            Some(id) = told.recv() => watches.touched(&id),
            () = wait::until(&clock, next_ms) => {}
        }
    }
}

/// A schedule whose files are watched.
struct Watched {
    path: PathBuf,
    files: Arc<FileWatch>,
    listening: AbortHandle,
    quiet_ms: u64,
    /// When nothing will have changed for long enough.
    settled_ms: Option<u64>,
    /// The last run, as long as its own changes have to be taken away.
    run: Option<TaskId>,
    /// True if that run was begun by what others did during one before.
    follows: bool,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

struct Watches {
    app: Arc<App>,
    clock: Arc<dyn WallClock>,
    watched: HashMap<String, Watched>,
    tell: mpsc::Sender<String>,
}

impl Watches {
    /// Notes that a file of a schedule has changed.
    fn touched(&mut self, id: &str) {
        let now_ms = self.clock.now_ms();
        if let Some(one) = self.watched.get_mut(id) {
            one.settled_ms = Some(now_ms + one.quiet_ms);
        }
    }

    /// Watches what is to be watched, and begins what is due. Returns when the next one may be.
    async fn step(&mut self) -> Result<Option<u64>, AppError> {
        let schedules = self.app.storage()?.schedules()?;
        let schedules: Vec<Schedule> = schedules
            .into_iter()
            .filter(|one| !one.is_paused)
            .filter_map(|one| Schedule::of(one).ok())
            .collect();
        self.watched.retain(|id, watched| {
            schedules.iter().any(|one| one.record.id == *id && path_of(one) == Some(&watched.path))
        });
        let mut next_ms = None;
        for schedule in &schedules {
            let Trigger::Files { path, quiet_ms } = &schedule.spec.trigger else { continue };
            if !self.watched.contains_key(&schedule.record.id) {
                match self.listen(schedule, Path::new(path), *quiet_ms).await {
                    Ok(watched) => drop(self.watched.insert(schedule.record.id.clone(), watched)),
                    Err(error) => {
                        self.unwatched(schedule, &error)?;
                        next_ms = wait::sooner(next_ms, Some(self.clock.now_ms() + wait::AGAIN_MS));
                        continue;
                    }
                }
            }
            next_ms = wait::sooner(next_ms, self.look(schedule)?);
        }
        Ok(next_ms)
    }

    /// Begins to watch, on a thread of its own: a directory with very many below it takes a while, and calls go on meanwhile.
    async fn listen(&self, schedule: &Schedule, path: &Path, quiet_ms: u64) -> io::Result<Watched> {
        let (place, workspace) = (path.to_owned(), PathBuf::from(&schedule.record.workspace));
        let (done, made) = oneshot::channel();
        // Whoever waits for it may have gone meanwhile.
        thread::beside("watch", move || drop(done.send(FileWatch::of(&place, &workspace))));
        let files = Arc::new(made.await.map_err(io::Error::other)??);
        let (heard, tell, id) = (Arc::clone(&files), self.tell.clone(), schedule.record.id.clone());
        let listening = tokio::spawn(async move {
            loop {
                heard.next().await;
                if tell.send(id.clone()).await.is_err() {
                    break;
                }
            }
        });
        let run = self
            .app
            .storage()
            .ok()
            .and_then(|storage| schedules::going_on(&storage, schedule).ok()?);
        Ok(Watched {
            path: path.to_owned(),
            files,
            listening: listening.abort_handle(),
            quiet_ms,
            settled_ms: None,
            run,
            follows: false,
        })
    }

    /// Notes why files cannot be watched, once.
    fn unwatched(&self, schedule: &Schedule, error: &std::io::Error) -> Result<(), AppError> {
        let note = format!("its files cannot be watched: {error}");
        let is_noted = schedule.record.note.as_ref().is_some_and(|(known, _)| *known == note);
        if !is_noted {
            let now_ms = self.clock.now_ms();
            self.app.storage()?.note_look(&schedule.record.id, now_ms, Some((&note, now_ms)))?;
        }
        Ok(())
    }

    /// Begins the task of a schedule if its files came to rest. Returns when they may have.
    fn look(&mut self, schedule: &Schedule) -> Result<Option<u64>, AppError> {
        let (app, now_ms) = (Arc::clone(&self.app), self.clock.now_ms());
        let storage = app.storage()?;
        let Some(watched) = self.watched.get_mut(&schedule.record.id) else { return Ok(None) };
        if schedules::going_on(&storage, schedule)?.is_some() {
            // Its end changes the database.
            watched.settled_ms = None;
            return Ok(None);
        }
        if watched.run.is_some() && watched.settled_ms.is_none() {
            // The system may still have something to tell of what the run did last.
            watched.settled_ms = Some(now_ms + watched.quiet_ms);
        }
        match watched.settled_ms {
            None => return Ok(None),
            Some(settled_ms) if settled_ms > now_ms => return Ok(Some(settled_ms)),
            Some(_) => watched.settled_ms = None,
        }
        let mut paths = watched.files.take();
        let after = watched.run.take();
        if let Some(run) = &after {
            match schedules::own_changes(&app, run) {
                Ok(own) => paths.retain(|path| !own.contains(path)),
                // Nobody knows whose changes they are: a person's are not to be missed, and one run more does no harm.
                Err(error) => tracing::warn!(%error, "what a run changed itself is not known"),
            }
            if std::mem::take(&mut watched.follows) {
                paths.clear();
            }
        }
        if paths.is_empty() {
            return Ok(None);
        }
        match schedules::begin(&app, schedule, &now_ms.to_string(), now_ms, now_ms) {
            Ok(task) => (watched.run, watched.follows) = (Some(task), after.is_some()),
            Err(AppError::Schedule(why)) => {
                let note = format!("it was left out: {why}");
                storage.note_look(&schedule.record.id, now_ms, Some((&note, now_ms)))?;
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}

fn path_of(schedule: &Schedule) -> Option<&Path> {
    match &schedule.spec.trigger {
        Trigger::Files { path, .. } => Some(Path::new(path)),
        Trigger::Time { .. } => None,
    }
}

#[cfg(test)]
mod tests;
