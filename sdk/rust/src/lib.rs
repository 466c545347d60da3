//! Write OpenKoi components in Rust.
//!
//! A component with tools is functions with types of arguments, which [`tools!`] gives their names:
//!
//! ```
//! use openkoi_sdk::{Result, arguments, tool::{Context, Output}, tools};
//!
//! #[arguments]
//! struct Greet {
//!     /// Who is greeted.
//!     name: String,
//! }
//!
//! fn greet(greet: Greet, _: &Context) -> Result<Output> {
//!     Ok(Output::text(format!("hello {}", greet.name)))
//! }
//!
//! tools! { "greet" => greet }
//! ```
//!
//! Components of other kinds implement the trait of their kind ([`provider::Codec`], [`evaluator::Evaluator`],
//! [`integration::Integration`], [`embedder::Embedder`], [`learner::Learner`], [`agency::Agency`], [`view::View`])
//! and name their type to the matching macro, as [`export_tool!`] does for [`tool::Tool`].
//!
//! What the world offers is in one module for each interface of the host: [`files`], [`process`], [`http`],
//! [`model`], [`state`], [`records`], [`memory`], [`progress`] and [`log`]. Using one of them is what makes
//! the component import it, and the manifest has to ask for it. Natively these functions answer
//! [`Failure::Unsupported`], so that `cargo test` can test all the rest.
//!
//! [`sse`], [`ndjson`], [`glob`], [`ignore`] and [`walk`] are what several components need; [`schema`] keeps
//! the manifest's JSON Schemas equal to the Rust types.

pub mod agency;
pub mod arguments;
#[doc(hidden)]
pub mod bindings;
pub mod conversation;
pub mod embedder;
pub mod evaluator;
mod export;
pub mod failure;
pub mod files;
pub mod glob;
pub mod http;
pub mod ignore;
pub mod integration;
pub mod learner;
mod lines;
pub mod log;
pub mod memory;
pub mod model;
pub mod ndjson;
mod panic;
pub mod process;
pub mod progress;
pub mod provider;
pub mod records;
pub mod schema;
pub mod sse;
pub mod state;
pub mod text;
pub mod tool;
pub mod view;
pub mod walk;

pub use failure::{Failure, Result};
pub use openkoi_sdk_macros::arguments;
pub use schemars::{self, JsonSchema};
pub use serde;
pub use serde_json;

#[doc(hidden)]
pub use panic::prepare;

/// The examples of the README have to compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
