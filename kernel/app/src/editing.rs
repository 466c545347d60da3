//! A text that the user changes in an editor of their own. What was written is lost in no case: its file stays until the
//! change has been kept.

pub(crate) mod error;

use std::path::PathBuf;

use openkoi_brokers::{disk, durable, editor};

use crate::{
    app::App,
    environment::{EDITOR, VISUAL},
    error::AppError,
};

pub use self::error::EditError;

/// The mode of the file.
const MODE: u32 = 0o600;

/// A text as the user has left it.
pub struct Edited {
    /// The text.
    pub text: String,
    folder: PathBuf,
    file: PathBuf,
}

/// Lets the user edit a text of at most `most` bytes in a file of this name. `id` is that of what is edited.
///
/// # Errors
///
/// When there is no editor, it fails, or what was written cannot be read.
pub fn edit(app: &App, id: &str, name: &str, text: &str, most: u64) -> Result<Edited, AppError> {
    let environment = app.environment();
    let named = environment.text(&VISUAL).or_else(|| environment.text(&EDITOR));
    let command = named.filter(|command| !command.trim().is_empty());
    let command = command.ok_or(EditError::NoEditor)?;
    app.paths()?.prepare()?;
    let folder = app.paths()?.data().join("edited").join(id);
    let file = folder.join(name);
    durable::create_private_dir(&folder).map_err(EditError::from)?;
    durable::put_whole(&file, text.as_bytes(), MODE).map_err(EditError::from)?;
    let failed = |why: String| EditError::Failed { file: file.clone(), why };
    match editor::edit(command, &file) {
        Ok(true) => {}
        Ok(false) => return Err(failed(format!("`{command}` ended with an error")).into()),
        Err(error) => return Err(failed(format!("`{command}` cannot be started: {error}")).into()),
    }
    let text = disk::read_text(&file, most).map_err(|error| failed(error.to_string()))?;
    Ok(Edited { text, folder, file })
}

impl Edited {
    /// Returns the error that what was written cannot be taken.
    #[must_use]
    pub fn unfit(&self, why: impl ToString) -> AppError {
        EditError::Failed { file: self.file.clone(), why: why.to_string() }.into()
    }

    /// Removes the file: the change has been kept.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn kept(self) -> Result<(), AppError> {
        disk::remove_tree(&self.folder).map_err(|error| self.unfit(error))
    }
}
