//! The settings: defaults < user file < project file < environment < flags, every value with its
//! origin.
//!
//! [`Layers`] lays the files and flags over one another, key by key, and [`Settings`] reads the
//! result into fields that need no further checks. A project's file may narrow: [`key::KEYS`] says
//! what it may do with each key, and anything else is refused with a warning. A wrong type is an
//! error with the file and the line. An unknown key is a warning, because a newer or older program
//! may know it.

pub(crate) mod error;
pub mod file;
pub mod key;
mod layers;
mod resolved;

pub use error::SettingsError;
pub use file::{add_provider, set_texts};
pub use layers::{Layers, Origin, Setting};
pub(crate) use resolved::expand;
pub use resolved::{
    AlertSettings, ApiSettings, ConfiguredAccount, ConfiguredProvider, DaemonSettings,
    LearningMode, Retention, RouteSettings, SandboxSettings, Settings, TaskLimits,
};

#[cfg(test)]
mod tests;
