//! Which provider and which model do the work.
//!
//! The choice is a function of values: what is configured, what the catalog offers, and which credentials are
//! there; no vendor is known by name. [`discover`] collects those values and [`connect`] finds the providers that can
//! be used, in the order: those of the configuration as they stand in the file, then those of the catalog with a
//! credential, as they stand in the catalog. [`Connections::routes`] gives every role its models. [`ask()`] and
//! [`probe()`] go over the network: the one where somebody wants to see a provider's list, the other where nothing is
//! connected and a server on this machine may be. [`renew`] asks again, beside a task, for a list that somebody wanted
//! to see before.

mod ask;
mod base_url;
mod catalogue;
mod connect;
mod discover;
mod error;
mod listing;
mod login;
mod probe;
mod routes;
mod select;
mod setup;

pub use ask::{ListingAnswer, PATIENCE, ask, renew};
pub use catalogue::{Catalogue, Facts};
pub use connect::{Connection, Connections, CredentialState, OptionValue, connect};
pub use discover::{catalogue, discover};
pub use error::ModelsError;
pub use listing::Listing;
pub use probe::probe;
pub use routes::{EMBEDDER, ROLES, Route, Routes, SMALL};
pub use setup::{listers, model_settings};
