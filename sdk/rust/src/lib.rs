//! Write OpenKoi components in Rust.
//!
//! A component implements the trait of its kind ([`tool::Tool`], [`provider::Codec`] or
//! [`evaluator::Evaluator`]) and names its type to the matching macro:
//!
//! ```
//! use openkoi_sdk::{arguments, export_tool, tool::{Context, Output, Tool}, Failure};
//!
//! /// Greets somebody.
//! #[derive(serde::Deserialize, openkoi_sdk::JsonSchema)]
//! #[schemars(crate = "openkoi_sdk::schemars")]
//! struct Greet {
//!     /// Who is greeted.
//!     name: String,
//! }
//!
//! struct Greeter;
//!
//! impl Tool for Greeter {
//!     fn call(_tool: &str, json: &str, _context: &Context) -> Result<Output, Failure> {
//!         let greet: Greet = arguments::parse(json)?;
//!         Ok(Output::text(format!("hello {}", greet.name)))
//!     }
//! }
//!
//! export_tool!(Greeter);
//! ```
//!
//! What the world offers is in one module for each interface of the host: [`files`], [`process`], [`http`],
//! [`model`], [`state`], [`records`], [`memory`], [`progress`] and [`log`]. Using one of them is what makes
//! the component import it, and the manifest has to ask for it. Natively these functions answer
//! [`Failure::Unsupported`], so that `cargo test` can test all the rest.
//!
//! [`sse`], [`ndjson`], [`glob`], [`ignore`] and [`walk`] are what several components need; [`schema`] keeps
//! the manifest's JSON Schemas equal to the Rust types.

pub mod arguments;
#[doc(hidden)]
pub mod bindings;
pub mod conversation;
pub mod evaluator;
mod export;
pub mod failure;
pub mod files;
pub mod glob;
pub mod http;
pub mod ignore;
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
pub mod walk;

pub use failure::{Failure, Result};
pub use schemars::{self, JsonSchema};
pub use serde;
pub use serde_json;

#[doc(hidden)]
pub use panic::prepare;

/// The examples of the README have to compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
