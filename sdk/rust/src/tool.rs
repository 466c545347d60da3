//! Tools: what a model can call. Names, schemas and effects stand in the manifest; here is only what they do.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

pub use crate::bindings::tool::exports::openkoi::tool::tool::{Context, Output};
pub use crate::conversation::Blob;

use crate::{Failure, Result, arguments, bindings::tool::exports::openkoi::tool::tool::Guest};

/// A component that has tools.
pub trait Tool {
    /// Runs the tool `name` with `arguments`, JSON text that the host has checked against the tool's schema.
    ///
    /// # Errors
    ///
    /// Whatever the model may read and fix.
    fn call(name: &str, arguments: &str, context: &Context) -> Result<Output>;
}

impl Default for Context {
    /// The context of a call that has a minute, for tests.
    fn default() -> Self {
        let empty = String::new;
        Self { call: empty(), task: empty(), workspace: empty(), deadline_ms: 60_000 }
    }
}

impl Output {
    /// Answers the model with `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            structured: None,
            attachments: Vec::new(),
            summary: String::new(),
        }
    }

    /// Sets the line for the person who watches, for example `3 matches in 2 files`.
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    /// Adds the same answer as data.
    ///
    /// # Errors
    ///
    /// If `value` cannot be written as JSON, for example a map whose keys are not text.
    pub fn structured(mut self, value: &impl Serialize) -> Result<Self> {
        self.structured = Some(serde_json::to_string(value)?);
        Ok(self)
    }

    /// Adds an image or a PDF for the model to look at.
    #[must_use]
    pub fn attach(mut self, media_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        self.attachments.push(Blob { media_type: media_type.into(), bytes });
        self
    }
}

/// Runs a tool whose arguments are a Rust type: what they are read as is what `handler` takes.
///
/// # Errors
///
/// [`Failure::Invalid`] for arguments that are none, and whatever `handler` fails with.
pub fn answer<A: DeserializeOwned>(
    handler: impl FnOnce(A, &Context) -> Result<Output>,
    arguments: &str,
    context: &Context,
) -> Result<Output> {
    handler(arguments::parse(arguments)?, context)
}

/// Fails for a tool that the component does not have; the last arm of a match on the name.
///
/// # Errors
///
/// Always.
pub fn unknown<T>(name: &str) -> Result<T> {
    Err(Failure::not_found(format!("the tool `{name}`")))
}

/// The generated trait, implemented by way of [`Tool`].
#[doc(hidden)]
pub struct Adapter<T>(PhantomData<T>);

impl<T: Tool> Guest for Adapter<T> {
    fn call(tool: String, arguments: String, context: Context) -> Result<Output> {
        crate::prepare();
        T::call(&tool, &arguments, &context)
    }
}
