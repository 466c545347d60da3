//! What is configured: defaults < user file < project file < environment < flags, every value with its origin.
//!
//! The layers are laid over one another here, key by key, and then read once into [`Settings`], whose fields
//! need no further checks. A project's file may only narrow: what it may do with each key stands in
//! [`key::KEYS`], and what it may not is refused with a warning. Wrong types end the program with the file and
//! the line; unknown keys are warned about, because a newer or older program may know them.

pub(crate) mod error;
pub mod file;
pub mod key;
mod layers;
mod resolved;

pub use error::SettingsError;
pub use layers::{Layers, Origin, Setting};
pub(crate) use resolved::expand;
pub use resolved::{ConfiguredProvider, SandboxSettings, Settings, TaskLimits};

#[cfg(test)]
mod tests;
