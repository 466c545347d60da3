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
//! | [`settings`] | the settings, each value with its origin |
//! | [`consents`], [`access`] | the consents to read other programs' credentials, and logins |
//! | [`app`] | the state of one process |
//! | `outbound`, [`mod@file`] | credentials and egress; files of the user |
//! | `host`, [`sandbox`] | the host of components and the broker of programs, wired |
//! | [`models`] | providers, lists of models, and the models of roles |
//! | `workspace`, `rules`, `briefing`, `toolbox`, `evaluators`, `agencies` | the files, instructions, tools and judges of a run, and who deliberates |
//! | [`soul`] | what the user wants work to be held to, and what a task is told of it |
//! | [`skills`] | which skills there are, and what a task is given of them |
//! | [`editing`] | a text that the user changes in an editor |
//! | [`learn`] | skills of others: fetched, shown, installed |
//! | [`surroundings`] | what a model is told of the machine and the repository |
//! | [`task_runtime`] | the wiring that the tasks of one workspace share |
//! | [`session`], [`request`], [`result_schema`] | the session of a task, the task itself, and the form of its result |
//! | [`text`] | bytes as text where no tool reads them |
//! | [`learning`] | what the user says for good, what finished tasks teach, what became of their work |
//! | [`trust`] | how far the agent may go in a workspace: grants, and what ends them |
//! | [`reports`] | reports of views, with the facts that they are given |
//! | [`run`], [`thread`] | a run from outside, on a thread of its own |
//! | [`changes`], [`undo`] | what a task changed; undo, redo and rewind of it |
//! | [`snapshots`] | removes kept contents that nobody refers to |
//! | [`worktree`] | a worktree of git for a task that works beside another |
//! | [`dry_run`] | a copy for a task that is to change nothing |
//! | [`prune`] | what grows, and what is freed of it |
//! | [`handed`], [`worker`] | tasks for the daemon: handed over, and run |
//! | [`answers`] | questions that any surface may answer |
//! | [`alerts`] | what a person who looks elsewhere is told, and whether they look |
//! | [`live`] | says when something has happened, in whichever process |
//! | [`own`], [`served`] | processes of OpenKoi itself, and what a server of it needs |
//! | [`schedules`] | tasks that begin by themselves, at times or when files change |
//! | [`wall_clock`] | the wall clock, for what is due at a time of it |
//! | [`webhooks`] | what is told to receivers outside, and by which secrets they know it |
//! | [`error`] | the errors, as types |
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod access;

pub mod accounts;
mod agencies;
pub mod alerts;
pub mod answers;
pub mod app;
mod briefing;
pub mod changes;
pub mod components;
pub mod consents;
pub mod day;
pub mod dry_run;
pub mod editing;
pub mod environment;
pub mod error;
mod evaluators;
pub mod file;
pub mod handed;
mod host;
pub mod learn;
pub mod learning;
pub mod live;
pub mod memory;
pub mod models;
mod outbound;
pub mod own;
pub mod paths;
mod places;
pub mod prune;
pub mod reports;
pub mod request;
pub mod result_schema;
mod route;
mod rules;
pub mod run;
pub mod sandbox;
pub mod schedules;
pub mod served;
pub mod session;
pub mod settings;
pub mod skills;
pub mod snapshots;
pub mod soul;
pub mod suggest;
pub mod surroundings;
pub mod task_runtime;
pub mod text;
pub mod thread;
mod toolbox;
pub mod trust;
pub mod undo;
pub mod wall_clock;
pub mod webhooks;
pub mod worker;
mod workspace;
pub mod worktree;

/// Waits, for a surface that moves something while a run goes on.
pub async fn pause(duration: std::time::Duration) {
    openkoi_brokers::clock::SystemClock.sleep(duration).await;
}

/// Returns the wall clock, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    openkoi_brokers::clock::SystemClock.now_ms()
}

/// Returns the milliseconds of a clock that only goes forward.
pub fn monotonic_ms() -> u64 {
    openkoi_core::port::Clock::monotonic_ms(&openkoi_brokers::clock::SystemClock)
}
