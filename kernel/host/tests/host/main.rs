//! The host, tested from outside with components that behave badly. One binary, so that the components are compiled
//! once.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test needs is there, or the test fails"
)]

mod admitted;
mod agencies;
mod catalog;
mod compiling;
mod embeddings;
mod evaluators;
mod floods;
mod granted;
mod guests;
mod learners;
mod limits;
mod loopback;
mod powers;
mod providers;
mod quarantine;
mod raw;
mod retries;
mod sabotage;
mod services;
mod tools;
mod views;
mod worlds;
