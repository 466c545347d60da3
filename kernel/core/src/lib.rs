//! The kernel proper: the loop, its breakers, the budget ledger and the decision what is allowed.
//!
//! Nothing in here does anything to the world. Files, models, time and the journal are traits in [`port`], tools
//! are behind a [`toolbox`], evaluators behind [`evaluators`], and every fact of a run is an [`event::Event`].
//!
//! One task, in call order: a surface builds a [`task::Task`]; [`run`] drives it through plan, execute,
//! evaluate and refine; each turn of a [`model`] is a [`message::Prompt`], reserved and settled in the [`ledger`];
//! each tool call passes the [`gate`], which asks the [`capability`] decision, the [`trust`] level and, if need
//! be, a person ([`approval`]), and leaves a [`decision`]; a call that may run reaches the [`toolbox`] with its
//! [`scope`]; the [`recorder`] keeps what happened and gives it back, as a `fact`, when a run is resumed or verified;
//! [`evidence`] says how the work stands; [`outcome`] is what is left at the end.
#![warn(clippy::disallowed_methods)]

pub mod agencies;
pub mod approval;
pub mod atlas;
mod beside;
pub mod blob;
pub mod capability;
pub mod change_set;
pub mod command_line;
pub mod contract;
pub mod credential;
pub mod decision;
pub mod deliberation;
pub mod document;
pub mod doubts;
pub mod effects;
pub mod evaluation;
pub mod evaluators;
pub mod event;
pub mod evidence;
mod fact;
pub mod failure;
pub mod frozen;
pub mod gate;
pub mod grant;
pub mod hash;
mod header;
pub mod id;
pub mod learners;
pub mod learning;
pub mod ledger;
pub mod memory;
pub mod message;
pub mod model;
pub mod network;
pub mod outcome;
pub mod pattern;
pub mod port;
pub mod queue;
pub mod recorder;
pub mod records;
pub mod run;
pub mod scope;
pub mod signature;
pub mod skill;
pub mod still_red;
pub mod task;
pub mod tool;
pub mod toolbox;
pub mod trust;
pub mod unified;
pub mod unrecorded;
pub mod views;
