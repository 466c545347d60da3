//! Programs, run in the sandbox of the host: argument vectors, never a shell line; an environment made by the
//! host; the whole process group killed at the deadline.

mod capture;
mod command;
mod programs;

pub use capture::Finished;
pub use command::{Child, Command, Exit, Glance, Happening, exists, look, stop};
pub use programs::{Host, Programs, Scripted};
