//! A program's effects as a layer over the workspace.
//!
//! A program is started in a mount namespace of its own, in which an overlay stands at the workspace's path: the
//! workspace below, an empty directory of ours above. What the program changed is then what lies in the upper
//! directory, exactly, whoever else writes meanwhile, and without a walk of the workspace. Afterwards it is committed
//! path by path, or dropped.
//!
//! A path is somebody else's if it was changed while the layer was open: the change time of the file below is later
//! than the beginning of the layer. Such a path is left as it is, and the program's version is kept in the store and
//! named as a conflict.
//!
//! # What a program sees that is different
//!
//! | | |
//! |---|---|
//! | `rename` of a directory that was there before | fails with `EXDEV`: `mv` copies then, `git mv` gives up |
//! | a second name of a file (hard link) | is a file of its own once one of the two was written to |
//! | files that others change meanwhile | may be seen as they were |
//! | the top of a directory that is bound through | cannot be removed (`EBUSY`), its contents can |
//!
//! | module | does |
//! |---|---|
//! | `create` | directories, the beginning of a layer, and its end |
//! | `mount` | what the program's process mounts between fork and exec |
//! | `upper` | lists what the program changed |
//! | `below` | files and directories without following a link |
//! | `plan` | compares with the workspace, keeps the states, finds the conflicts |
//! | `commit` | moves what was planned, path by path, as often as it is cut |

mod below;
mod commit;
mod create;
mod error;
mod mount;
mod plan;
mod record;
mod upper;

pub use commit::Committed;
pub use create::Layer;
pub use error::LayerError;
pub use mount::LayerMount;
pub(crate) use mount::Mounts;
pub use plan::LayerPlan;
pub use record::{LayerConflict, Theirs};
pub use upper::{LayerChange, LayerChangeKind};
