//! How the program is asked, and how it answers. The program includes this file too.

/// What announces native code.
pub(crate) const CODE: u8 = b'c';
/// What announces why there is none.
pub(crate) const REFUSED: u8 = b'r';
/// What announces why the process could not be confined.
pub(crate) const UNCONFINED: u8 = b'u';
/// What announces the things that could be done.
pub(crate) const ATTEMPTED: u8 = b'a';

/// The word for a process that gives up everything first.
pub(crate) const CONFINED: &str = "confined";
