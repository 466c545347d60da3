//! Embedders: texts as vectors, so that memory can be searched by meaning.

use std::marker::PhantomData;

pub use crate::bindings::embedder::exports::openkoi::embedder::embedder::{ModelInfo, Purpose};

use crate::{Result, bindings::embedder::exports::openkoi::embedder::embedder::Guest};

/// Something that makes vectors.
pub trait Embedder {
    /// Describes the model; always the same answer.
    fn describe() -> ModelInfo;

    /// Turns each text into one vector, in the same order. An empty text gives a vector, too.
    ///
    /// # Errors
    ///
    /// If the model cannot be used.
    fn embed(texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>>;
}

/// The generated trait, implemented by way of [`Embedder`].
#[doc(hidden)]
pub struct Adapter<E>(PhantomData<E>);

impl<E: Embedder + 'static> Guest for Adapter<E> {
    fn describe() -> ModelInfo {
        crate::prepare();
        E::describe()
    }

    fn embed(texts: Vec<String>, purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        crate::prepare();
        E::embed(&texts, purpose)
    }
}
