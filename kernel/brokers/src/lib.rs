//! The brokers: the code that touches the outside world.
//!
//! The crates above decide, and this one acts, each broker on one kind of thing. Rules, roots, credentials and the
//! environment arrive as values.
//!
//! | module | does |
//! |---|---|
//! | [`clock`], [`random`] | the system's time and randomness, and the ids made of both |
//! | [`disk`] | files that the program itself reads, by path |
//! | [`durable`] | files that are whole or absent after a crash |
//! | [`secrets`] | credentials: read, kept, and recognised in other text |
//! | [`webhook_secrets`] | what this program signs webhooks with |
//! | [`oauth`] | logins: made, kept, and their tokens renewed |
//! | [`archive`] | archives from anybody, read in memory |
//! | [`egress`] | the HTTP client: rules, addresses, credentials, redirects, limits |
//! | [`places`] | the secret places, control files and toolchains, as data |
//! | [`heap`] | one heap for all threads of the process |
//! | [`files`] | the workspace and other granted directories |
//! | [`snapshot`] | states of a workspace, so that a change can be shown and undone |
//! | [`layer`] | a program's effects, kept apart until they are committed (Linux) |
//! | [`scratch`] | a copy of the workspace, where files have to be seen in another state and there are no layers |
//! | [`processes`] | programs in the sandbox of the operating system |
//! | [`desktop`], [`tmux`] | alerts on the person's desktop; the terminal around tmux |
//! | [`editor`] | the user's own editor |
//! | [`listen`] | where programs of this machine come in |
//! | [`own`] | processes of OpenKoi itself |
//! | [`inner`] | programs that came with OpenKoi, started from memory |
//! | [`sealed`] | things that can be made again, kept and believed only if they were kept here |
//! | [`changes`], [`ignored`] | says when files have changed, and which of them are none of the work |
//! | [`failpoint`], [`sabotage`] | switches for the tests of durability and of the guards |

pub mod archive;
pub mod changes;
pub mod clock;
pub mod desktop;
pub mod disk;
pub mod durable;
pub mod editor;
pub mod egress;
mod exchange;
pub mod failpoint;
pub mod file_lock;
pub mod files;
pub mod heap;
pub mod ignored;
pub mod inner;
pub mod layer;
pub mod listen;
pub mod oauth;
pub mod own;
pub mod places;
pub mod processes;
mod program;
pub mod random;
pub mod repository;
pub mod sabotage;
pub mod scratch;
pub mod sealed;
pub mod secrets;
pub mod snapshot;
pub mod tmux;
pub mod webhook_secrets;
pub mod within;
