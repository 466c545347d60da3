//! Programs in the sandbox of the operating system.
//!
//! A program is an argument vector, not a line for a shell. It starts in a session of its own, without a terminal, with
//! an environment made here. On Linux it runs under Landlock (files), in a network namespace, and under seccomp (sockets,
//! and calls that build tools do not need). If the sandbox cannot be set up, nothing is started.
//!
//! # What is enforced
//!
//! | | |
//! |---|---|
//! | reads | system directories, toolchains, the workspace and the repository of a linked working tree, without [`ProcessSettings::secret`] |
//! | writes | the workspace, a temporary directory of its own, [`Command::write`]; with [`Command::layer`] caches of tools, which stay as they are for everybody else |
//! | network | its own, with loopback and nothing else, or one that the programs of a task share ([`Command::share`]); if the system has no namespace for it, no sockets at all |
//! | network with [`Network::Named`] | that, and a proxy in it to hosts that a policy admits, at addresses that are looked up outside |
//! | network with [`Network::Open`] | the host's: internet sockets, never local ones (a container daemon listens there) |
//! | shared memory, semaphores, queues | its own, where it has a network or mounts of its own |
//! | other processes | it sees and ends its own alone, and they end with it, where the system has a namespace for that; signals and abstract sockets stay inside where the kernel can (Landlock ABI 6) |
//! | with [`Command::layer`] | writes in the workspace land in the layer, and are not in the workspace before it is committed; `/tmp`, `/var/tmp` and `/dev/shm` are its own and gone afterwards, where nothing that it is given lies in them; everything else is mounted read-only, modes, owners and times too (Linux 5.12) |
//! | resources | file size, descriptors, core files; what is written into the layer and the temporary directory, and what is kept of the output ([`ProgramLimits`]); a deadline for the whole group; memory and number of all its processes together ([`ProgramLimits`]), in the same case as processes of its own; where memory is scarce the system ends it first |
//!
//! Landlock only adds rights: inside the workspace it cannot take `.git` or `.openkoi` away again, and rights
//! given entry by entry would not cover new files. So a program *can* change control files of the workspace. They
//! are therefore part of every snapshot ([`crate::snapshot`]), work that changes them waits for a person, and
//! undoing it takes the change away. Control files of other directories are out of a program's reach. A workspace that
//! itself holds a secret place is granted entry by entry: there, a program cannot make new entries at the top.
//!
//! | module | does |
//! |---|---|
//! | `broker`, `command`, `settings` | the broker, one command, and what all commands share |
//! | `find`, `environment` | the program on the path, and the variables it sees |
//! | `caches` | caches of package managers and compilers, written to without changing them |
//! | `git` | the user's configuration of git without secrets, because the home is closed |
//! | `spawn` | prepares all in the parent, then the session, limits and sandbox in the child |
//! | `sandbox/rules` | files: Landlock |
//! | `network`, `proxy`, `sandbox/door` | hosts by name: the policy, the proxy, its listener |
//! | `sandbox/namespace` | the namespaces of its own, and what making them needs |
//! | `sandbox/init` | processes of its own: the first one, which takes in orphans and watches over limits |
//! | `sandbox/layers` | layers over the workspace, tried before they are promised |
//! | `sandbox/calls` | system calls and kinds of sockets: seccomp |
//! | `escape`, `attempts`, `tried` | what is forbidden, tried from inside once and remembered |
//! | `shared`, `view`, `sandbox/inside` | a network that programs share, and what one in the background sees |
//! | `follow`, `output`, `output_room`, `sweep` | its output, its deadline, and the end of its whole group |
//! | `quota` | what a program may write to the disk |
//! | `left` | programs that a killed process left behind |

#[cfg(target_os = "linux")]
mod attempts;
#[cfg(not(target_os = "linux"))]
#[path = "processes/attempts_elsewhere.rs"]
mod attempts;
mod broker;
mod caches;
mod child;
mod command;
mod environment;
mod error;
mod escape;
mod find;
mod follow;
#[cfg(target_os = "linux")]
mod git;
mod happening;
mod left;
mod network;
mod output;
mod output_room;
mod own_server;
mod proxy;
mod quota;
mod report;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "macos")]
#[path = "processes/sandbox_macos.rs"]
mod sandbox;
mod settings;
mod shared;
mod spawn;
mod sweep;
mod tried;
mod view;

pub use broker::Processes;
pub use child::{Child, Killer};
pub use command::Command;
pub use environment::AUTHORITIES;
pub use error::ProcessError;
pub use escape::{Consequence, Escape};
pub use happening::{Happening, ProgramExit};
pub use network::{Admission, Admitted, Network, NetworkPolicy};
pub use own_server::{OwnAnswer, OwnRequest};
pub use report::SandboxReport;
pub use settings::{ProcessSettings, ProgramLimits, SandboxMode, SandboxPart};
pub use shared::{NetworkPlace, SharedNetwork};
pub use sweep::kill_all;
pub use view::ProgramView;
