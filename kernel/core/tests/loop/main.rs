//! The loop's decisions, with a scripted world: script in, events out.
#![warn(clippy::disallowed_methods)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed, helpers included"
)]

mod budget;
mod chamber;
mod control;
mod effort;
mod evidence;
mod frozen;
mod gate;
mod golden;
mod journal;
mod judges;
mod learning;
mod money;
mod others;
mod phases;
mod result;
mod script;
