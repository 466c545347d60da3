//! One command, one file: its arguments, and what it does.

pub mod chat;
pub mod completions;
pub mod config;
pub mod connect;
pub mod demo;
pub mod disconnect;
pub mod doctor;
pub mod man;
pub mod models;
pub mod plugin;
pub mod resume;
pub mod run;
pub mod session;
pub mod status;
pub mod task;
pub mod undo;
