//! OpenKoi in the background.
#![warn(clippy::disallowed_methods)]
