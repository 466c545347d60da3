//! Chat Completions, the format that most services speak.

mod calls;
pub(crate) mod decode;
pub(crate) mod encode;
mod thoughts;
