//! Test components on the real host, in a world that is made up.
//!
//! A [`World`] has a temporary workspace, scripted models, scripted web servers, a person who answers as told
//! and a journal that can be read. Everything in between is the product: admission, limits, gate, brokers.
//!
//! ```no_run
//! use openkoi_testing::{World, component};
//!
//! # async fn test() {
//! let mut world = World::new();
//! world.write("notes.txt", "hello");
//! world.load(component!());
//!
//! let output = world.call_tool("read_file", r#"{"path":"notes.txt"}"#).await.expect("it is there");
//!
//! assert!(output.text.contains("hello"));
//! # }
//! ```
//!
//! Helpers panic if a test should fail.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "this crate is only used by tests, where a panic is how a test fails"
)]

mod fakes;
mod guest;
mod said;
mod settings;
mod web;
mod world;

pub use fakes::{Memory, Person, TestClock, TurnScript};
pub use guest::{GuestError, build, build_example, target_directory};
pub use openkoi_brokers::egress::Injection;
pub use openkoi_core::{
    evaluation::{CheckOutcome, Dimension, Rubric, Subject, Verdict},
    failure::Failure,
    message::{Prompt, Turn},
    tool::ToolOutput,
};
pub use openkoi_host::kinds::provider::ProviderSettings;
pub use said::{asking, calling};
pub use web::{Canned, Web};
pub use world::World;

/// Builds the calling crate as a component and returns its bytes.
#[macro_export]
macro_rules! component {
    () => {
        $crate::build(env!("CARGO_MANIFEST_DIR"), env!("CARGO_PKG_NAME"))
            .expect("the crate builds for wasm32-wasip2")
    };
}
