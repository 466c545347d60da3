//! Skills of others: fetched, looked at, installed with a pin, and brought up to date.
//!
//! | module | does |
//! |---|---|
//! | `origin` | what a person types as the source of a skill |
//! | `fetch` | the files of the skill that is there |
//! | `offer` | what is in a skill, before it is installed, and the installation |
//! | `managed` | the skills that are installed |
//!
//! Nothing of a skill is run, and nothing of it is where a task finds it before the person has said so.

pub mod error;
mod fetch;
mod managed;
mod offer;
mod origin;

pub use error::LearnError;
pub use managed::{ManagedSkill, find, managed};
pub use offer::{FileUse, OfferedFile, SkillOffer, of_managed, offered};
