//! What files write as text: the charset, the mark, the ends of lines, and what is said of them from outside.
//!
//! Every tool that reads files as text reads them by these rules, so that what one shows, another finds.
//! [`Format::of`] says how a file is written, [`Text::decode`] shows it, [`Hints`] are what its place says of it.

mod charset;
mod declared;
mod editorconfig;
mod hints;
pub mod lines;
mod text;

pub use charset::{By, Legacy};
pub use hints::Hints;
pub use lines::{Breaks, End};
pub use text::{Charset, Format, Text, may_be_escaped, unescape};
