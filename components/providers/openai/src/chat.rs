//! Chat Completions, the format that most services speak.

mod calls;
pub mod decode;
pub mod encode;
mod thoughts;
