//! Events as the journal keeps them: in JSON.

use openkoi_core::{event::Event, id::TaskId};

use crate::error::StorageError;

/// Writes an event, once it is known that it can be read back: a run goes on from what it recorded.
pub(crate) fn encode(task: &TaskId, event: &Event) -> Result<String, StorageError> {
    let written = serde_json::to_string(event);
    let read = written.and_then(|text| serde_json::from_str::<Event>(&text).map(|_| text));
    read.map_err(|source| StorageError::Unwritable {
        what: format!("{} of task {}", event.name(), task.short()),
        source,
    })
}

/// Reads an event as [`encode`] wrote it.
pub(crate) fn decode(payload: &str, what: &dyn Fn() -> String) -> Result<Event, StorageError> {
    serde_json::from_str(payload)
        .map_err(|source| StorageError::Unreadable { what: what(), source })
}
