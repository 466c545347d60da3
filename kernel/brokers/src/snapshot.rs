//! Snapshots of a workspace and of single paths in it, so that changes can be told, shown and taken back.
//!
//! A capture walks the workspace, keeps the contents of each file under its hash, and writes a sorted list of them:
//! the tree, whose own hash is its name. Equal workspaces have equal names, and unchanged files are stored once.
//!
//! Control files ([`is_control`](crate::places::is_control)) are covered even if they are ignored, and of
//! `.git` everything but the objects, which nobody changes and nobody misses.
//!
//! Not covered by a capture: what `.gitignore` and `.ignore` ignore, caches and by-products of interpreters, files over
//! 32 MiB (their names are recorded), what is neither file, directory nor link, and directories with more files than are
//! looked at. A single path is covered whether it is ignored or not.
//!
//! Nothing puts a whole workspace back: paths are brought from one state to another one by one, each only if it is in the
//! state that the step begins with.
//!
//! | module | does |
//! |---|---|
//! | `walk`, `capture`, `index` | find the files, and keep their contents without reading those that did not change |
//! | `fingerprint` | names a workspace as it is, and keeps nothing of it |
//! | `store`, `tree` | objects on the disk, and the list of a workspace's files |
//! | `collect` | removes what nobody refers to any more |
//! | `between`, `show` | the differences of two trees as effects on paths, and effects as text |
//! | `states`, `apply` | single paths: what is there, and bringing them from one state to another |
//! | `stamps` | files that were written, by their times alone |
//! | `keeper` | the workspace of a run: captures, and the effects of programs |
//! | `beneath`, `repository` | steps that follow no link; the files of a repository, which belong together |

mod apply;
mod beneath;
mod between;
mod built;
mod capture;
mod collect;
mod error;
mod fingerprint;
mod index;
mod keeper;
mod repository;
mod show;
mod stamps;
mod states;
mod store;
mod tree;
mod walk;

pub use apply::ApplyPlan;
pub(crate) use apply::temporary;
pub(crate) use beneath::{Beneath, kind_of, mode_bits, mode_of};
pub use capture::LARGEST_FILE;
pub use collect::Collected;
pub use error::SnapshotError;
pub use index::IndexCache;
pub use keeper::{Before, Keeper};
pub use show::describe;
pub use stamps::Stamps;
pub use store::{ContentsJournal, SnapshotStore};
pub use tree::TreeId;
pub use walk::LiveRules;
