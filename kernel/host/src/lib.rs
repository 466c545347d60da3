//! Runs components.
//!
//! One component, in call order: the [`catalog`] has its bytes and its [`manifest`]; [`admission`] holds its
//! imports against the world of its kind; the engine makes it runnable; [`kinds`] turns it into what core asks
//! for, a tool, an evaluator or a model; each call gets an instance of its own with its own limits; and what
//! the guest asks of the world arrives at one of the interfaces, which ask core's gate and then a broker.
//!
//! A guest can do nothing that is not an interface here, and whatever it does to itself ends its call alone.

pub mod admission;
mod bindings;
pub mod catalog;
mod convert;
mod engine;
mod failure;
mod host;
mod instance;
mod interfaces;
pub mod kinds;
pub mod manifest;
mod place;
pub mod sabotage;
pub mod schema;
mod text;

pub use engine::EngineError;
pub use host::{Answer, AnswerBody, Brokers, Host, Transport};
pub use instance::{LimitHit, Limits, Quarantined};
pub use place::Place;
