//! The choice of providers and models.
//!
//! The choice is a function of values: the settings, the providers of the catalog, and the
//! credentials that exist. No vendor is known by name. [`discover()`] collects these values, and
//! [`connect()`] finds the providers that can be used: first those of the configuration, in the order
//! of the file, then those of the catalog with a credential. [`Connections::routes`] gives every
//! role its models.
//!
//! Four functions go over the network. [`ask()`] gets the lists that somebody wants to see, [`silent`] looks whether
//! servers on this machine are there, [`probe()`] looks for a server on this machine if no provider is connected, and [`renew`] gets,
//! beside a task, the lists that are saved but out of date.

mod ask;
mod base_url;
mod catalogue;
mod connect;
mod discover;
mod error;
mod listing;
pub(crate) mod login;
mod probe;
mod routes;
mod select;
mod setup;

pub use ask::{ListingAnswer, PATIENCE, ask, renew, silent};
pub use catalogue::{Catalogue, Facts};
pub use connect::{Connection, Connections, CredentialState, OptionValue, connect};
pub use discover::{catalogue, discover, playing};
pub use error::ModelsError;
pub use listing::Listing;
pub use probe::probe;
pub use routes::{EMBEDDER, ROLES, Routes, SMALL};
pub(crate) use setup::{Stateless, listers, model_settings};

pub use openkoi_host::kinds::provider::Route;
