//! OpenKoi in the background.
//!
//! | module | does |
//! |---|---|
//! | [`schedules`], [`watch`] | begin what is due by time, or because files changed |
//! | [`webhooks`] | sends what the outbox holds |
#![warn(clippy::disallowed_methods)]

pub mod schedules;
#[cfg(test)]
mod testing;
mod wait;
pub mod watch;
pub mod webhooks;
