//! Runs components.
//!
//! The way of one call:
//!
//! 1. The [`catalog`] has the component's bytes and its [`manifest`]; the tools of a manifest describe their
//!    arguments by a [`schema`].
//! 2. [`admission`] holds its imports against the [`world`] of its kind.
//! 3. `engine` makes its code runnable, and `linker` resolves its imports.
//! 4. [`kinds`] turns it into what core asks for: tools, evaluators or a model.
//! 5. `instance` gives each call a store of its own with its own limits.
//! 6. What the guest asks of the world arrives at one of the `interfaces`, which ask core's gate and then one of the
//!    [`Brokers`].
//! 7. What it changes in the workspace is noted by `effects`, in the log of the call.
//!
//! Whatever a guest does to itself ends its own call; the host and other calls go on.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod host;

pub mod catalog;
mod embedded;
pub mod manifest;
pub mod schema;
mod seen;
pub mod world;

pub mod admission;

mod engine;
mod json;
mod linker;

pub mod kinds;

mod instance;
pub mod service;
mod workdir;

mod copies;
mod effects;
mod interfaces;
#[cfg(target_os = "linux")]
mod layers;
#[cfg(not(target_os = "linux"))]
#[path = "layers_elsewhere.rs"]
mod layers;
mod network;
mod purpose;
mod resources;

mod brokers;

mod background;
mod bindings;
mod convert;
mod failure;
pub mod sabotage;
mod text;

pub use brokers::{Brokers, HttpResponse, ResponseBody, Transport};
pub use engine::{EngineError, compiler::probe};
pub use host::Host;
pub use workdir::Workdir;
