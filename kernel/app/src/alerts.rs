//! What a person is told who looks elsewhere: that a question waits for them, and that something long has ended.
//!
//! The words are of the person's own task and go to their own machine alone. Whoever shows tasks and questions live says so by a
//! lock, which ends with its process: what is on a screen already is not told again.

use std::{collections::HashMap, ffi::OsString, fs::File, io, sync::Arc};

use openkoi_brokers::{
    desktop::{Desktop, DesktopTrouble},
    disk,
    file_lock::FileLock,
    tmux,
};
use openkoi_storage::{
    questions::Asked,
    tasks::{TaskRecord, TaskStatus},
};

use crate::{app::App, error::AppError, settings::AlertSettings, thread};

/// The file that is locked while somebody looks.
const LOOKING: &str = "looking.lock";
/// Its mode.
const PRIVATE: u32 = 0o600;
/// The most characters of a body, which desktops show in full.
const LONGEST: usize = 200;

/// What a person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What has happened, on one line.
    pub title: String,
    /// What it is about, on one line.
    pub body: String,
}

impl Alert {
    /// Says that a question of a task waits for an answer.
    pub fn of_question(task: &str, asked: &Asked) -> Self {
        let about = match asked {
            Asked::Approval(request) => format!("{} {}", request.action, request.target),
            Asked::Question(question) => question.text.clone(),
        };
        let title = "OpenKoi waits for your answer".to_owned();
        Self { title, body: cut(&format!("{} ({})", plain(&about), plain(task))) }
    }

    /// Says that a task has ended, and how; nothing if somebody ended it, who knows it already.
    pub fn of_end(task: &TaskRecord) -> Option<Self> {
        let how = match task.status {
            TaskStatus::Accepted => "has finished",
            TaskStatus::Stopped => "has ended without being accepted",
            TaskStatus::Failed => "could not do its task",
            TaskStatus::Paused => "has paused its task",
            TaskStatus::Cancelled
            | TaskStatus::Queued
            | TaskStatus::Running
            | TaskStatus::Interrupted => return None,
        };
        Some(Self { title: format!("OpenKoi {how}"), body: cut(&plain(&task.text)) })
    }
}

/// Returns text without anything that a terminal or a desktop would obey, on one line.
fn plain(text: &str) -> String {
    let is_shown = |c: &char| {
        let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !turns && (c.is_whitespace() || !c.is_control())
    };
    let shown: String = text.chars().filter(is_shown).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// That somebody looks at tasks and questions, until this is dropped.
#[derive(Debug)]
pub struct Looking(#[expect(dead_code, reason = "it is held, not read")] FileLock);

impl Looking {
    /// Says that somebody looks. In a home without data there is nothing to look at.
    pub fn begin(app: &App) -> Option<Self> {
        let begin = || -> Result<Option<Self>, AppError> {
            let data = app.paths()?.data();
            if !disk::is_directory(data) {
                return Ok(None);
            }
            let file = disk::open_or_create(&data.join(LOOKING), PRIVATE);
            Ok(file.and_then(FileLock::shared).map(Self).ok())
        };
        begin().ok().flatten()
    }
}

/// Returns whether somebody looks at tasks and questions now, in whichever process.
pub fn somebody_looks(app: &App) -> bool {
    let locked = || -> io::Result<bool> {
        let path = app.paths().map_err(io::Error::other)?.data().join(LOOKING);
        let file: File = disk::open_or_create(&path, PRIVATE)?;
        Ok(FileLock::try_exclusive(file)?.is_none())
    };
    // In doubt, a person is told.
    locked().unwrap_or(false)
}

/// Looks for who shows alerts on this desktop. Starts nothing.
///
/// # Errors
///
/// When there is no desktop, or no program of it.
pub fn desktop(app: &App, settings: &AlertSettings) -> Result<Desktop, DesktopTrouble> {
    Desktop::find(&variables(app), &settings.programs)
}

/// Shows an alert on the desktop. That there is none, or that it cannot, is no error: the task is as it is.
pub async fn show(app: &Arc<App>, settings: &AlertSettings, alert: Alert) {
    let desktop = match desktop(app, settings) {
        Ok(desktop) => desktop,
        Err(why) => return tracing::debug!(%why, "nobody is told on the desktop"),
    };
    let (done, shown) = tokio::sync::oneshot::channel();
    thread::beside("alert", move || {
        // Who waits for it may have gone meanwhile.
        drop(done.send(desktop.show(&alert.title, &alert.body)));
    });
    if let Ok(Err(why)) = shown.await {
        tracing::warn!(%why, "nobody was told on the desktop");
    }
}

/// Returns the terminal around the tmux that this process is in, if it is in one.
pub fn outer_terminal(app: &App) -> Option<tmux::Outer> {
    tmux::outer(&variables(app))
}

fn variables(app: &App) -> Arc<HashMap<OsString, OsString>> {
    app.environment().snapshot()
}

#[cfg(test)]
mod tests {
    use openkoi_core::deliberation::assessment::UserQuestion;

    use super::*;
    use crate::environment::Environment;

    #[test]
    fn words_of_a_task_are_on_one_short_line_and_obeyed_by_nobody() {
        let question = UserQuestion {
            text: "which\u{1b}]0;x\u{7} \u{202e}port?".to_owned(),
            why: String::new(),
            choices: Vec::new(),
            assumed: String::new(),
        };

        let alert = Alert::of_question("fix\r\n\tit", &Asked::Question(question));

        assert_eq!(alert.body, "which]0;x port? (fix it)");
        assert_eq!(cut(&"é".repeat(300)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn that_somebody_looks_is_known_until_they_do_not_any_more() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("home");
        let of =
            || App::new(Environment::of([("OPENKOI_HOME", place.to_str().unwrap())], home.path()));
        let (one, other) = (of(), of());
        assert!(Looking::begin(&one).is_none() && !place.exists());
        one.storage().unwrap();

        assert!(!somebody_looks(&one));
        let (first, second) = (Looking::begin(&one).unwrap(), Looking::begin(&other).unwrap());
        drop(first);
        assert!(somebody_looks(&one));
        drop(second);
        assert!(!somebody_looks(&other));
    }
}
