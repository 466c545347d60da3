//! What earlier tasks tell of the world: of tools and programs ([`ToolAtlas`]), of fields of work ([`DomainAtlas`]), and of the
//! user ([`HumanAtlas`], [`Habits`]). Each is computed from records when somebody looks, and kept nowhere.

mod domain;
mod habits;
mod human;
mod tool;

pub use self::{
    domain::{Domain, DomainAtlas, DomainTask},
    habits::{Habit, Habits, QuestionAnswer, WorkChoice},
    human::{HumanAtlas, Word},
    tool::{ProgramRecord, ToolAtlas, ToolRecord},
};
