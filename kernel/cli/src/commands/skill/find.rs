//! The skills of the workspace, and what a person means by a name.

use std::path::Path;

use openkoi_app::{
    skills::{self, LoadedSkills, SkillSet},
    suggest,
};
use openkoi_storage::skill_uses::SkillRecords;

use crate::{context::Context, error::CommandError};

/// Returns the skills as they are now.
pub(crate) fn loaded(context: &Context) -> Result<LoadedSkills, CommandError> {
    let (settings, workspace) = (context.settings()?, context.workspace()?);
    Ok(SkillSet::new(&context.app, &settings, &workspace)?.load())
}

/// Returns what is known of skills. Where nothing was stored yet, that is nothing.
pub(in crate::commands) fn records(context: &Context) -> Result<SkillRecords, CommandError> {
    let storage = context.existing_storage()?;
    let records = storage.map(|storage| skills::records(&context.app, &storage)).transpose()?;
    Ok(records.unwrap_or_default())
}

/// Returns the error for a name that no skill has.
pub(super) fn unknown(name: &str, skills: &LoadedSkills) -> CommandError {
    let names = skills.all().map(|known| known.skill.name.clone());
    let question = suggest::question(&suggest::closest(name, names));
    let error = CommandError::usage(format!("there is no skill `{name}`"));
    error.hints(question).hint("openkoi skill list --all")
}

/// Returns a path as it is shown: below the directory that a person stands in, if it is.
pub(super) fn from_here(path: &Path, context: &Context) -> String {
    let below = path.strip_prefix(context.environment().directory());
    below.unwrap_or(path).display().to_string()
}
