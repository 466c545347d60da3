//! `openkoi skill new`: the beginning of a skill, as the specification has it.

use std::{
    io,
    path::{Path, PathBuf},
};

use openkoi_app::file;
use openkoi_storage::skills::{SkillKind, against_specification, skeleton};

use crate::{context::Context, error::CommandError, exit::Exit};

use super::find::from_here;

/// A skill that is to be written.
pub(super) struct NewSkill {
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// True if it is for all projects of the user.
    pub(super) user: bool,
    pub(super) kind: SkillKind,
}

/// The mode of a file that others of the project read too, and of one in the home.
const SHARED: u32 = 0o666;
const PRIVATE: u32 = 0o600;

/// Writes it, and says where it is.
pub(super) fn run(new: &NewSkill, context: &Context) -> Result<Exit, CommandError> {
    if let Some(against) = against_specification(&new.name) {
        return Err(CommandError::usage(format!(
            "`{}` is no name for a skill: {against}",
            new.name
        )));
    }
    let path = new.folder(context)?.join("SKILL.md");
    let failed =
        |why: String| CommandError::usage(format!("cannot write `{}`: {why}", path.display()));
    if file::exists(&path) {
        return Err(failed("it is there already".to_owned()));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mode = match new.user {
        true => {
            file::create_private_directory(folder).map_err(|error| failed(error.to_string()))?;
            PRIVATE
        }
        false => {
            make_directories(folder).map_err(|error| failed(error.to_string()))?;
            SHARED & !file::umask()
        }
    };
    let text = skeleton(new.kind, &new.name, new.description.as_deref());
    file::put(&path, text.as_bytes(), mode).map_err(|error| failed(error.to_string()))?;
    let shown = from_here(&path, context);
    context.printer.notice(&format!("wrote {shown}; openkoi skill check {}", new.name));
    Ok(Exit::Accepted)
}

fn make_directories(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !file::exists(path)).collect();
    missing.into_iter().rev().try_for_each(file::make_directory)
}

impl NewSkill {
    fn folder(&self, context: &Context) -> Result<PathBuf, CommandError> {
        let (of_user, of_project) = match self.kind {
            SkillKind::Task => ("skills/user", ".agents/skills"),
            SkillKind::Evaluator => ("evaluators/user", ".agents/evaluators"),
        };
        let above = match self.user {
            true => context.paths()?.home().join(of_user),
            false => context.workspace()?.join(of_project),
        };
        Ok(above.join(&self.name))
    }
}
