//! Tells a person on their desktop what the daemon's tasks need them for, unless they look at it already: a question, as soon as it is
//! asked, because nobody sits in front of a task in the background; and the end of a task that took long.
//!
//! What was so when the daemon began is not told of: the daemon before it has done so. Each thing is told once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use openkoi_app::{
    alerts::{self, Alert},
    app::App,
    error::AppError,
    settings::AlertSettings,
};
use openkoi_core::{id::TaskId, queue::Queue};
use openkoi_storage::Storage;
use tokio::sync::watch;

/// Tells of what comes to be so. `changed` moves when something has happened in the home.
pub(crate) async fn run(app: Arc<App>, settings: AlertSettings, mut changed: watch::Receiver<u64>) {
    if !settings.desktop {
        return std::future::pending().await;
    }
    let after_ms = u64::try_from(settings.after.as_millis()).unwrap_or(u64::MAX);
    let mut known = None;
    loop {
        changed.mark_unchanged();
        match app.storage().and_then(|storage| look(&storage, &mut known, app.now_ms(), after_ms)) {
            Ok(news) if !news.is_empty() && !alerts::somebody_looks(&app) => {
                for alert in news {
                    alerts::show(&app, &settings, alert).await;
                }
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "it is not known whether somebody is to be told"),
        }
        if changed.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// What is known already.
#[derive(Debug)]
struct Known {
    /// The questions that stand.
    questions: HashSet<String>,
    /// The tasks that run, with when each was handed over.
    tasks: HashMap<TaskId, u64>,
}

/// Returns what is new since the last look; at the first one, nothing is.
fn look(
    storage: &Storage,
    known: &mut Option<Known>,
    now_ms: u64,
    after_ms: u64,
) -> Result<Vec<Alert>, AppError> {
    let open = storage.open_questions()?;
    // Not what waits: that may be long, and is nobody's news.
    let running = storage.running()?.into_iter();
    let now = Known {
        questions: open.iter().map(|question| question.id.clone()).collect(),
        tasks: running.map(|task| (task.task, task.queued_ms)).collect(),
    };
    let Some(before) = known.as_ref() else {
        *known = Some(now);
        return Ok(Vec::new());
    };
    let mut news = Vec::new();
    for question in open.iter().filter(|question| !before.questions.contains(&question.id)) {
        // Who runs a task at a terminal is asked there.
        if storage.queued(&question.task)?.is_some() {
            let task = storage.find_task(question.task.as_str())?;
            news.push(Alert::of_question(&task.text, &question.asked));
        }
    }
    let ended = before.tasks.iter().filter(|(task, _)| !now.tasks.contains_key(*task));
    for (task, queued_ms) in ended {
        let asks = open.iter().any(|question| question.task == *task);
        if asks || now_ms.saturating_sub(*queued_ms) < after_ms {
            continue;
        }
        // It may have been deleted at once.
        let ended = storage.find_task(task.as_str()).ok();
        news.extend(ended.as_ref().and_then(Alert::of_end));
    }
    *known = Some(now);
    Ok(news)
}

#[cfg(test)]
mod tests {
    use openkoi_core::{deliberation::assessment::UserQuestion, id::SessionId, queue::Submission};
    use openkoi_storage::questions::Asked;

    use super::*;
    use crate::testing::World;

    const AFTER: u64 = 20_000;

    fn submit(storage: &Storage, task: &str, at_ms: u64) -> TaskId {
        let id = TaskId::new(task);
        let submission = Submission {
            task: id.clone(),
            session: SessionId::new(format!("of-{task}")),
            text: format!("feed {task}"),
            workspace: "/pond".to_owned(),
            request: "{}".to_owned(),
            priority: 0,
            key: None,
        };
        storage.submit(&submission, at_ms).unwrap();
        id
    }

    fn ask(storage: &Storage, id: &str, task: &TaskId) {
        let question = UserQuestion {
            text: format!("{id}?"),
            why: String::new(),
            choices: Vec::new(),
            assumed: String::new(),
        };
        storage.ask(id, task, &Asked::Question(question), 1).unwrap();
    }

    #[test]
    fn each_question_is_told_of_once_and_none_that_stood_before_or_is_asked_at_a_terminal() {
        let world = World::new();
        let storage = world.storage();
        let task = submit(&storage, "koi", 0);
        ask(&storage, "before", &task);
        let mut known = None;
        let mut news = || look(&storage, &mut known, 5, AFTER).unwrap();
        assert_eq!(news(), []);

        ask(&storage, "which", &task);
        world.run("terminal", "x", Vec::new());
        ask(&storage, "there", &TaskId::new("terminal"));

        let told: Vec<String> = news().into_iter().map(|alert| alert.body).collect();
        assert_eq!(told, ["which? (feed koi)"]);
        assert_eq!(news(), []);
    }

    #[test]
    fn the_end_of_a_task_is_told_of_if_it_took_long_and_nobody_ended_it() {
        let world = World::new();
        let storage = world.storage();
        let [long, short, cancelled] =
            [("long", 0), ("short", 10_000), ("ended", 0)].map(|(id, at)| submit(&storage, id, at));
        assert!(storage.give(&long, 1).unwrap() && storage.give(&short, 10_001).unwrap());
        let mut known = None;
        let mut news = |now_ms| look(&storage, &mut known, now_ms, AFTER).unwrap();
        news(5);

        storage.finish(&long, Some("no model"), 25_000).unwrap();
        storage.finish(&short, Some("no model"), 25_000).unwrap();
        storage.cancel(&cancelled, 25_000).unwrap();

        let told: Vec<Alert> = news(25_000);
        let expected = ("OpenKoi could not do its task", "feed long");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].title.as_str(), told[0].body.as_str()), expected);
        assert_eq!(news(26_000), []);
    }
}
