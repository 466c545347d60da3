//! What a task is told of the tools and programs of its workspace.

use std::path::Path;

use openkoi_core::{atlas::ToolAtlas, memory::Note};
use openkoi_storage::{Storage, StorageError};

/// The number of earlier tasks that count. What was longer ago says little of today's tools.
const TASKS: u32 = 30;

/// Returns what of the records changes what a task does, in lines for a model. What `notes` say is not said twice.
pub(crate) fn lines(
    storage: &Storage,
    workspace: &Path,
    window: u64,
    notes: &[Note],
) -> Result<Vec<String>, StorageError> {
    let course = storage.course_in(&workspace.to_string_lossy(), TASKS)?;
    let atlas = ToolAtlas::of(&course.calls, &course.commands, &course.checks);
    let known: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
    Ok(atlas.lines(window, &known))
}
