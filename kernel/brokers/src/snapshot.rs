//! Snapshots of a workspace, so that a change can be shown and undone.
//!
//! A capture walks the workspace, keeps the contents of each file under its hash, and writes a sorted list of them:
//! the tree, whose own hash is its name. Equal workspaces have equal names, and unchanged files are stored once.
//!
//! Control files ([`is_control`](crate::places::is_control)) are covered even if they are ignored: `.openkoi`,
//! `AGENTS.md`, `.mcp.json`, and of `.git` the parts that make git run something or say where it looks. So a
//! change of them can be seen, and does not survive its being undone.
//!
//! Not covered: the rest of `.git`, what `.gitignore` and `.ignore` ignore (control files in a directory that is
//! ignored as a whole included), files over 32 MiB (their names are recorded), and anything that is neither
//! file, directory nor link. A restore leaves all of these alone, except for a control file that is new.
//!
//! | module | does |
//! |---|---|
//! | `walk`, `control` | find the files that are covered |
//! | `capture`, `index` | keep their contents, without reading those that did not change |
//! | `store`, `tree` | objects on the disk, and the list of a workspace's files |
//! | `between`, `show` | the differences of two trees as effects on paths, and effects as text |
//! | `states`, `apply` | single paths: what is there, and bringing them from one state to another |
//! | `beneath`, `repository` | steps that follow no link; the files of a repository, which belong together |
//! | `diff` | compares two trees |
//! | `restore` | puts a workspace back |

mod apply;
mod beneath;
mod between;
mod capture;
mod control;
mod diff;
mod error;
mod index;
mod repository;
mod restore;
mod show;
mod states;
mod store;
mod tree;
mod walk;

pub use apply::ApplyPlan;
pub use capture::LARGEST_FILE;
pub use diff::{PathChange, PathChangeKind};
pub use error::SnapshotError;
pub use index::IndexCache;
pub use restore::RestoreReport;
pub use show::describe;
pub use store::SnapshotStore;
pub use tree::TreeId;
