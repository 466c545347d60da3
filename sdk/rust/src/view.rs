//! Views: reports as documents.
//!
//! ```
//! use openkoi_sdk::view::{Column, ColumnKind, Document, Pairs, Table, count, text};
//!
//! let mut fish = Table::new("fish", [Column::new("name", "NAME", ColumnKind::Text)]).or_else("no fish yet");
//! fish.row([text("Ogon")]);
//! let document = Document::new("Pond").with(Pairs::new("").pair("depth", "depth", count(3))).with(fish);
//! assert_eq!(document.blocks.len(), 2);
//! ```

mod build;
pub mod facts;

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

pub use self::build::{count, id, paragraph, text, toned};
pub use crate::bindings::view::exports::openkoi::view::view::Document;
pub use crate::bindings::view::openkoi::view::document_types::{
    Bar, Bars, Block, Column, ColumnKind, Heading, Item, Moment, Money, Notice, Pair, Pairs, Span,
    Style, Table, Timeline, Tone, Value, Verbatim,
};

use crate::{Failure, Result, bindings::view::exports::openkoi::view::view::Guest};

/// Something that shows what is recorded.
pub trait View {
    /// Renders the report `name`. `arguments` are JSON text: what the person asks for, and the [`facts`] that the manifest asks
    /// to be given.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`] for something that an argument names and that does not exist.
    fn render(name: &str, arguments: &str) -> Result<Document>;
}

/// Reads the arguments of a report.
///
/// # Errors
///
/// They are not what the report declares.
pub fn arguments<A: DeserializeOwned>(text: &str) -> Result<A> {
    serde_json::from_str(text).map_err(|error| Failure::invalid("", error.to_string()))
}

/// The generated trait, implemented by way of [`View`].
#[doc(hidden)]
pub struct Adapter<V>(PhantomData<V>);

impl<V: View + 'static> Guest for Adapter<V> {
    fn render(name: String, arguments: String) -> Result<Document> {
        crate::prepare();
        V::render(&name, &arguments)
    }
}
