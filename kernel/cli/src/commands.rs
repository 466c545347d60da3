//! The commands. Each file has the arguments of one command and the function that runs it.

pub mod chat;
pub mod completions;
pub mod config;
pub mod connect;
pub mod demo;
pub mod disconnect;
pub mod doctor;
mod doubt;
pub mod learn;
pub mod man;
pub mod memory;
pub mod models;
pub mod plugin;
pub mod prune;
pub mod resume;
pub mod rewind;
pub mod run;
pub mod session;
pub mod skill;
pub mod status;
pub mod task;
pub mod think;
pub mod trust;
pub mod undo;
