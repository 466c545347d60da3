//! The body of a response: a stream of events, or one JSON document.
//!
//! Every request asks for a stream, but a service that ignores this answers with one document, and so does a
//! gateway that reports an error with status 200. Which of them it is shows in the first byte.

use openkoi_sdk::{Failure, Result, sse};
use serde_json::Value;

/// Reads one body, cut anywhere.
#[derive(Debug, Default)]
pub struct Body {
    form: Form,
}

#[derive(Debug, Default)]
enum Form {
    /// Nothing but white space yet.
    #[default]
    Unknown,
    Stream(sse::Reader),
    Document(Vec<u8>),
    /// A web page, most likely.
    Markup,
}

/// The rest of a body when it ends.
#[derive(Debug)]
pub enum End {
    /// The stream ended, with an event that was not closed or without.
    Stream(Option<sse::Event>),
    /// The body was one document.
    Document(Value),
}

impl Body {
    /// Takes the next bytes and adds the events that they complete to `events`.
    ///
    /// # Errors
    ///
    /// As [`sse::Reader::push`].
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<sse::Event>) -> Result<()> {
        if matches!(self.form, Form::Unknown) {
            self.form = form_of(bytes);
        }
        match &mut self.form {
            Form::Stream(reader) => reader.push(bytes, events),
            Form::Document(document) => {
                document.extend_from_slice(bytes);
                Ok(())
            }
            Form::Unknown | Form::Markup => Ok(()),
        }
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if a document is cut short, [`Failure::Failed`] for a web page.
    pub fn finish(&mut self) -> Result<End> {
        match std::mem::take(&mut self.form) {
            Form::Unknown => Ok(End::Stream(None)),
            Form::Stream(mut reader) => reader.finish().map(End::Stream),
            Form::Document(document) => match serde_json::from_slice(&document) {
                Ok(value) => Ok(End::Document(value)),
                Err(_) => Err(interrupted()),
            },
            Form::Markup => {
                Err(Failure::failed("the provider sent a web page; check its `base-url`"))
            }
        }
    }
}

fn form_of(bytes: &[u8]) -> Form {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Form::Unknown,
        Some(b'{' | b'[') => Form::Document(Vec::new()),
        Some(b'<') => Form::Markup,
        Some(_) => Form::Stream(sse::Reader::new()),
    }
}

/// The failure of a response that ended before its end.
pub fn interrupted() -> Failure {
    Failure::unavailable("the provider's answer was interrupted")
}
