//! The common part of the wire formats of model services. A library, not a component: it has no manifest.
//!
//! [`turns`] brings a conversation into the shape that the services insist on, [`body`] tells a stream from a
//! document, [`fault`] says what an error means, [`request`] has what several formats need of a request, [`lists`]
//! finds the entries of a list of models, [`claude`] reads the names of models that several formats offer, [`schema`]
//! says which schemas their answers can be held to.

pub mod body;
pub mod claude;
pub mod fault;
pub mod lists;
pub mod request;
pub mod schema;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod turns;
