//! The events of a task: a page of them, or as they happen; and that something has changed at all.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use http_body_util::channel::{Channel, Sender};
use openkoi_app::{alerts::Looking, pause};
use openkoi_core::{event::Entry, id::TaskId};
use serde_json::Value;
use tokio::sync::watch;

use super::{
    problem::Problem,
    route::{Answering, Call, Reply},
    shared::Api,
    tasks,
    types::{ChangesAsked, EventList, Events},
};

/// The number of events of a page.
const PAGE: u32 = 500;
/// The largest number that all clients read exactly.
const LARGEST: u64 = 9_007_199_254_740_991;
/// The most events that are read at once for a stream.
const BATCH: u32 = 100;
/// How long a reader may leave what was sent to it. After that it comes again, with the number of the last event it had.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long changes of the home are gathered before a reader is told: it will ask for much because of them.
const GATHERED: Duration = Duration::from_millis(400);
/// How often a stream without events says that it lives: what lies between drops connections that are silent.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(crate) fn list(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let asked: EventList = call.query()?;
        let task = api.storage.find_task(call.id())?.id;
        let wants = call.header("accept").unwrap_or_default();
        if wants.contains("text/event-stream") {
            let last = call.header("last-event-id").map(str::parse::<u64>).transpose();
            let last =
                last.map_err(|_| Problem::bad("`Last-Event-ID` is the number of an event"))?;
            return Ok(stream(api, task, last.or(asked.after).unwrap_or(0), call));
        }
        let (after, limit) = (asked.after.unwrap_or(0), asked.limit.unwrap_or(PAGE));
        if after > LARGEST {
            return Err(Problem::bad("`after` is the number of an event"));
        }
        if !(1..=5_000).contains(&limit) {
            return Err(Problem::bad("`limit` is a number from 1 to 5000"));
        }
        let mut entries = api.storage.entries_after(&task, after, limit + 1)?;
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        Reply::json(&Events {
            last: entries.last().map_or(after, |entry| entry.seq),
            events: entries.iter().map(json).collect(),
            more,
        })
    })
}

fn json(entry: &Entry) -> Value {
    serde_json::to_value(entry).unwrap_or_default()
}

fn stream(api: Arc<Api>, task: TaskId, after: u64, call: Call) -> Reply {
    let (mut sending, body) = Sending::to(api, call);
    // The reader went away, or may not read any more: both end the stream.
    tokio::spawn(async move { sending.all(&task, after).await });
    Reply::Events(body)
}

pub(crate) fn changes(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let asked: ChangesAsked = call.query()?;
        let (mut sending, body) = Sending::to(api, call);
        tokio::spawn(async move { sending.changes(asked.looking).await });
        Ok(Reply::Events(body))
    })
}

/// One reader of events.
struct Sending {
    api: Arc<Api>,
    sender: Sender<Bytes, Infallible>,
    call: Call,
}

impl Sending {
    /// Returns what sends, and the body that it sends to.
    fn to(api: Arc<Api>, call: Call) -> (Self, Body) {
        let (sender, channel) = Channel::<Bytes, Infallible>::new(1);
        (Self { api, sender, call }, Body::new(channel))
    }

    /// Says at once how often the home has changed so far, and again whenever it has. `None` once there is nobody to
    /// send to, which is how it ends.
    async fn changes(&mut self, is_looked_at: bool) -> Option<Infallible> {
        // A page stops listening while nobody sees it.
        let _looking = is_looked_at.then(|| Looking::begin(&self.api.app));
        let mut changed = self.api.changed.clone();
        loop {
            let number = *changed.borrow_and_update();
            self.send(format!("id: {number}\nevent: changed\ndata: {number}\n\n")).await?;
            while !self.news(&mut changed).await? {
                self.send(": nothing new\n\n".to_owned()).await?;
            }
            pause(GATHERED).await;
        }
    }

    /// Waits for the next change of the home. Returns false if there is none for a while, and `None` if this reader is
    /// to be told nothing more.
    async fn news(&self, changed: &mut watch::Receiver<u64>) -> Option<bool> {
        let mut stop = self.api.stop.clone();
        let is_new = tokio::select! {
            () = crate::ending::stopped(&mut stop) => return None,
            moved = changed.changed() => moved.map(|()| true).ok()?,
            () = pause(HEARTBEAT) => false,
        };
        self.api.guard.still_lets_in(&self.call.headers)?;
        Some(is_new)
    }

    /// Sends events until the task has ended and all were sent. `None` once there is nobody to send to.
    async fn all(&mut self, task: &TaskId, mut after: u64) -> Option<()> {
        let mut changed = self.api.changed.clone();
        loop {
            changed.mark_unchanged();
            // Asked before the events are read, so that none that came before the end is left out.
            let goes_on = tasks::goes_on(&self.api, task).ok()?;
            let entries = self.api.storage.entries_after(task, after, BATCH).ok()?;
            for entry in &entries {
                self.send(of(entry)).await?;
                after = entry.seq;
            }
            if !entries.is_empty() {
                continue;
            }
            if !goes_on {
                let status = self.api.storage.find_task(task.as_str()).ok()?.status.word();
                let data = serde_json::json!({ "status": status });
                return self.send(format!("event: end\ndata: {data}\n\n")).await;
            }
            if !self.news(&mut changed).await? {
                self.send(": nothing new\n\n".to_owned()).await?;
            }
        }
    }

    async fn send(&mut self, text: String) -> Option<()> {
        let sent = self.sender.send_data(Bytes::from(text));
        tokio::select! {
            sent = sent => sent.ok(),
            () = pause(PATIENCE) => None,
        }
    }
}

/// Returns an event as a stream has it. JSON has no line ends of its own.
fn of(entry: &Entry) -> String {
    let data = json(entry);
    let name = data["event"]["event"].as_str().unwrap_or("event").to_owned();
    format!("id: {}\nevent: {name}\ndata: {data}\n\n", entry.seq)
}
