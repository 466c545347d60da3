//! The only code that touches the outside world.
//!
//! Everything above decides and everything here does, each broker one kind of thing, and none of them asks
//! for more than it was handed: rules, roots and credentials arrive as values, the environment included.
//!
//! | module | does |
//! |---|---|
//! | [`clock`], [`random`] | the system's time and randomness, and the ids made of both |
//! | [`disk`] | files that the program itself reads, by path |
//! | [`durable`] | files that are whole or absent after a crash |
//! | [`secrets`] | the one reader of credentials, and the one that knows them again in other text |
//! | [`oauth`] | logins: made, kept, and their tokens renewed |
//! | [`egress`] | the one HTTP client: rules, addresses, credentials, redirects, limits |
//! | [`places`] | the secret places, control files and toolchains, as data |
//! | [`files`] | the workspace and other granted directories |
//! | [`snapshot`] | what a workspace was, so that a change can be shown and undone |
//! | [`processes`] | programs in the sandbox of the operating system |
//! | [`failpoint`], [`sabotage`] | how the tests of durability and of the guards get at them |

pub mod clock;
pub mod disk;
pub mod durable;
pub mod egress;
pub mod failpoint;
pub mod files;
pub mod oauth;
pub mod places;
pub mod processes;
pub mod random;
pub mod sabotage;
pub mod secrets;
pub mod snapshot;
