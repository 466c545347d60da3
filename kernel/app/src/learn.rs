//! Skills that come to the user: those of others, fetched, looked at, installed with a pin and brought up to date; and those
//! that learners propose.
//!
//! | module | does |
//! |---|---|
//! | `origin` | what a person types as the source of a skill |
//! | `fetch` | the files of the skill that is there |
//! | `offer` | what is in a skill, before it is installed, and the installation |
//! | `managed` | the skills that are installed |
//! | [`proposals`] | what learners propose, and what a person makes of it |
//!
//! Nothing of a skill is run, and nothing of it is where a task finds it before the person has said so.

pub mod error;
mod fetch;
mod managed;
mod offer;
mod origin;
pub mod proposals;

pub use error::LearnError;
pub use managed::{ManagedSkill, find, managed};
pub use offer::{FileUse, OfferedFile, SkillOffer, of_managed, offered};
