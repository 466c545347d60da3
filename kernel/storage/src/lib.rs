//! All that OpenKoi keeps: the journal and what is read from it, grants, component state, outputs; skills folders.
//!
//! One SQLite database holds everything that must survive: [`Storage`] is the way to it. What the journal says
//! is the truth; tasks, sessions and usage are projections of it, changed in the transaction of the entry that
//! changes them, so that they can never disagree. Files beside the database (outputs, the state files) are for
//! people and other programs and can be lost without losing the record.
//!
//! | module | does |
//! |---|---|
//! | [`opener`] | opens the database: settings, checks, migrations |
//! | [`database`] | [`Storage`]: transactions, and what to do when one fails |
//! | `readers` | the connections that read while another one writes |
//! | [`lease`] | one owner per task and session |
//! | [`journal`] | appends entries and gives them back |
//! | `contents` | contents of files, until the store of snapshots has them on the disk |
//! | [`chain`] | whether the entries are still what was written |
//! | [`tasks`], [`sessions`], [`usage`] | what the journal says, as rows |
//! | [`conversation`] | the conversation of a session, for its next turn |
//! | [`output`] | answers as files, and the state files |
//! | [`queue`] | the tasks that wait for the daemon |
//! | [`questions`] | what a person is asked, and what was said |
//! | [`webhooks`] | what is told to receivers outside |
//! | [`schedules`] | tasks that begin by themselves |
//! | [`prune`] | what a finished task may lose with time |
//! | [`memory`] | what is remembered |
//! | [`records`] | few columns of each fact of earlier tasks, for learners and views |
//! | [`grants`] | approval rules, what components were granted |
//! | [`trust`] | grants of trust, and how the work went that was done with it |
//! | [`state`] | the key-value spaces of components |
//! | [`skills`] | skills and evaluators from their folders |
//! | [`skill_vectors`] | what skills mean |
//! | [`proposals`] | what learners propose, and what a person made of it |
//! | [`skill_uses`] | which tasks were given which skills, and how they ended |
//!
//! ```no_run
//! use openkoi_storage::{Storage, tasks::TaskQuery};
//!
//! # fn main() -> Result<(), openkoi_storage::StorageError> {
//! let storage = Storage::open("/home/me/.local/share/openkoi".as_ref())?;
//! for task in storage.tasks(&TaskQuery { limit: Some(10), ..TaskQuery::default() })? {
//!     let _shown = (task.id.short().to_owned(), task.status);
//! }
//! # Ok(())
//! # }
//! ```
#![warn(clippy::disallowed_methods)]

pub mod chain;
mod contents;
pub mod conversation;
pub mod database;
pub mod error;
pub mod grants;
mod ident;
pub mod journal;
pub mod lease;
mod lines;
pub mod memory;
mod mode;
pub mod opener;
pub mod output;
mod payload;
pub mod proposals;
pub mod prune;
pub mod questions;
pub mod queue;
mod readers;
pub mod records;
pub mod schedules;
pub mod sessions;
pub mod skill_uses;
pub mod skill_vectors;
pub mod skills;
pub mod state;
mod status;
pub mod tasks;
pub mod trust;
pub mod usage;
pub mod webhooks;

pub use contents::hashes_in;
pub use database::Storage;
pub use error::{Candidate, StorageError};
pub use readers::{DatabaseVersion, VersionReader};
