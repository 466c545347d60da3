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
//! | `rename` of a directory that was there before | fails with `EXDEV`: what knows that of moves between file systems copies (`mv`, `shutil.move`, npm), what calls `rename` alone gives up (`os.rename`, `git mv` of a directory) |
//! | a second name of a file (hard link) | is a file of its own once one of the two was written to |
//! | a file of another user or group, for an ordinary user | cannot be written (`EOVERFLOW`): a user namespace knows one of each |
//! | files that others change meanwhile | may be seen as they were |
//! | the top of a directory that is bound through | cannot be removed (`EBUSY`), its contents can |
//!
//! An overlay can rename such a directory with `redirect_dir=on`, which notes in an attribute where it was. The kernel
//! refuses that together with `userxattr`, because who may write `user.` attributes could lead the overlay anywhere, and
//! an ordinary user may mount an overlay with no other attributes. Root could have it; then a tool that works for root
//! would fail for everybody else, and a commit would follow notes that lead out of the layer. So nobody has it. Seccomp
//! cannot help: a filter sees numbers and not paths, and a copy made while a call waits is none that a program asked for.
//!
//! | module | does |
//! |---|---|
//! | `create` | directories, the beginning of a layer, and its end |
//! | `mount` | what the program's process mounts between fork and exec |
//! | `upper` | lists what the program changed |
//! | `below` | files and directories without following a link |
//! | `plan` | compares with the workspace, keeps the states, finds the conflicts |
//! | `record`, `report`, `state` | the plan as it is written down, what is said of it, and the state of a path |
//! | `shown` | files that programs see in another state than they are in |
//! | `commit` | moves what was planned, path by path, as often as it is cut |
//! | `absent` | systems without overlays |

#[cfg(not(target_os = "linux"))]
mod absent;
#[cfg(target_os = "linux")]
mod below;
#[cfg(target_os = "linux")]
mod commit;
#[cfg(target_os = "linux")]
mod create;
mod error;
#[cfg(target_os = "linux")]
mod linked;
#[cfg(target_os = "linux")]
mod mount;
#[cfg(target_os = "linux")]
mod plan;
#[cfg(target_os = "linux")]
mod record;
mod report;
#[cfg(target_os = "linux")]
mod shown;
mod side;
#[cfg(target_os = "linux")]
mod state;
#[cfg(target_os = "linux")]
mod upper;

#[cfg(not(target_os = "linux"))]
pub(crate) use absent::Guest;
#[cfg(not(target_os = "linux"))]
pub use absent::{Layer, LayerMount, LayerPlan, remove_all};
#[cfg(target_os = "linux")]
pub use create::{Layer, remove_all};
pub use error::LayerError;
#[cfg(target_os = "linux")]
pub use mount::LayerMount;
#[cfg(target_os = "linux")]
pub(crate) use mount::{Guest, MountedSides, Mounts, Remount, StandIns};
#[cfg(target_os = "linux")]
pub use plan::LayerPlan;
pub use report::{Committed, LayerChange, LayerChangeKind, LayerConflict, Theirs};
pub(crate) use side::SideOverlay;
