//! What earlier tasks tell of the world: of tools and programs ([`ToolAtlas`]), of fields of work ([`DomainAtlas`]), and of the
//! user ([`HumanAtlas`]). Each is computed from records when somebody looks, and kept nowhere.

mod domain;
mod human;
mod tool;

pub use self::{
    domain::{Domain, DomainAtlas, DomainTask},
    human::{HumanAtlas, Word},
    tool::{ProgramRecord, ToolAtlas, ToolRecord},
};
