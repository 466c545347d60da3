//! Events as the journal keeps them: in JSON.

use openkoi_core::{event::Event, id::TaskId};
use rusqlite::Connection;

use crate::{
    error::StorageError,
    lines::{self, Folded},
};

/// Writes an event, once it is known that it can be read back: a run goes on from what it recorded.
pub(crate) fn encode(task: &TaskId, event: &Event) -> Result<Folded, StorageError> {
    let written = serde_json::to_string(event);
    let read = written.and_then(|text| serde_json::from_str::<Event>(&text).map(|_| text));
    let folded = read.and_then(|text| match event {
        Event::TaskStarted { .. } => Folded::of(text),
        _ => Ok(Folded::plain(text)),
    });
    folded.map_err(|source| StorageError::Unwritable {
        what: format!("{} of task {}", event.name(), task.short()),
        source,
    })
}

/// Reads an event as [`encode`] wrote it. The start of a task needs [`decode_whole`].
pub(crate) fn decode(payload: &str, what: &dyn Fn() -> String) -> Result<Event, StorageError> {
    serde_json::from_str(payload)
        .map_err(|source| StorageError::Unreadable { what: what(), source })
}

/// Reads any event as [`encode`] wrote it, with what it names.
pub(crate) fn decode_whole(
    connection: &Connection,
    name: &str,
    payload: &str,
    what: &dyn Fn() -> String,
) -> Result<Event, StorageError> {
    if name != lines::EVENT {
        return decode(payload, what);
    }
    let unreadable = |source| StorageError::Unreadable { what: what(), source };
    let entry = lines::unfold(connection, payload)?.map_err(unreadable)?;
    serde_json::from_value(entry).map_err(unreadable)
}
