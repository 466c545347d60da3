//! Models, by role. The host picks the provider and pays from the task's budget.

mod ask;
mod models;

pub use crate::conversation::{Completion, Message, ToolChoice, ToolSpec};
pub use ask::{Prompt, complete};
pub use models::{Host, Models, Scripted};
