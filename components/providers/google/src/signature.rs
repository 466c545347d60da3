//! Signatures of thoughts, and the part that each came on.
//!
//! The service signs single parts of an answer: a call, a piece of text that may be empty, a summary of its thoughts.
//! The signature has to come back on the same part, and parts with and without one may not be merged
//! (<https://ai.google.dev/gemini-api/docs/thought-signatures>). The kernel joins pieces of text, so what is kept is how
//! long the signed piece was, before the part that it belongs to.

use openkoi_sdk::provider::Reasoning;
use serde::{Deserialize, Serialize};

/// Stands for the signature of a call that another vendor's model made; the service's own word for it.
pub(crate) const NOT_SIGNED: &str = "skip_thought_signature_validator";

/// A signature and where it belongs.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct State {
    /// Names this format, because a fallback may meet the state of another.
    pub format: Format,
    /// The kind of part.
    pub on: On,
    /// The number of bytes of text that were signed: the first ones of the text that follows, or the last ones of the
    /// summary.
    #[serde(default)]
    pub length: usize,
    /// The signature as it came.
    pub signature: String,
}

/// The name of this format.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Format {
    /// The Gemini API.
    #[serde(rename = "gemini")]
    Gemini,
}

/// The thing that was signed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum On {
    /// The call that follows.
    Call,
    /// The beginning of the text that follows.
    Text,
    /// The end of the summary.
    Thought,
}

impl State {
    /// Keeps a signature with the summary of what was thought before it.
    pub(crate) fn keep(signature: &str, on: On, length: usize, summary: String) -> Reasoning {
        let state = Self { format: Format::Gemini, on, length, signature: signature.to_owned() };
        // Its fields can always be written.
        let state = serde_json::to_string(&state).unwrap_or_default();
        Reasoning { text: summary, state }
    }

    /// Reads a signature; nothing if it is another format's.
    pub(crate) fn of(reasoning: &Reasoning) -> Option<Self> {
        serde_json::from_str(&reasoning.state).ok()
    }
}
