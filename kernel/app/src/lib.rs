//! The application below the surfaces of OpenKoi: everything between a request and the loop.
//!
//! A surface (the command line, the daemon, an MCP server) reads the environment of its process
//! into an [`environment::Environment`] and makes one [`app::App`] of it, and a
//! [`task_runtime::TaskRuntime`] for each workspace. A [`request::TaskRequest`] becomes a task,
//! [`task_runtime::TaskRuntime::start`] runs it, and a [`task_runtime::Surface`] watches the run
//! and answers its questions. This crate has no terminal, no command line and no HTTP server.
//!
//! | module | does |
//! |---|---|
//! | [`environment`], [`paths`] | variables and directories, as values |
//! | [`settings`] | what is configured, each value with its origin |
//! | [`consents`], [`access`] | what the user lets be read, and logins |
//! | [`app`] | what there is once in a process |
//! | `host`, [`sandbox`] | the host of components and the broker of programs, wired |
//! | [`models`] | providers, lists of models, and which model has which role |
//! | `workspace`, `rules`, `briefing`, `toolbox` | what a run works on, is told and works with |
//! | [`task_runtime`] | what the tasks of one workspace share |
//! | [`session`], [`request`] | the session of a task, and the task itself |
//! | [`run`], [`thread`] | a run from outside, on a thread of its own |
//! | [`undo`] | the files as they were before a task |
//! | [`error`] | what goes wrong, as types |

pub mod access;
pub mod app;
mod briefing;
pub mod consents;
pub mod environment;
pub mod error;
pub mod file;
mod host;
pub mod models;
pub mod paths;
pub mod request;
mod rules;
pub mod run;
pub mod sandbox;
pub mod session;
pub mod settings;
pub mod suggest;
pub mod task_runtime;
pub mod thread;
mod toolbox;
pub mod undo;
mod workspace;

/// Returns the wall clock, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    openkoi_brokers::clock::SystemClock.now_ms()
}
