//! What is remembered, to and from other homes.

use std::{
    io::{self, Read as _},
    path::Path,
};

use openkoi_app::{file, memory};

use super::meaning;
use crate::{context::Context, error::CommandError, exit::Exit, output::plural};

/// The largest export that is read, in bytes.
const MOST: u64 = 64 << 20;
/// The mode of a file with what is remembered.
const MODE: u32 = 0o600;

/// Writes everything as JSON lines.
pub(super) fn export(to: Option<&Path>, context: &Context) -> Result<Exit, CommandError> {
    let lines = match context.existing_storage()? {
        Some(storage) => memory::export(&storage)?,
        None => Vec::new(),
    };
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    match to {
        None => context.printer.raw(text.as_bytes())?,
        Some(path) => {
            let whole = context.absolute(path);
            let failed = |why: String| {
                CommandError::usage(format!("cannot write `{}`: {why}", path.display()))
            };
            file::check_writable(&whole).map_err(failed)?;
            file::put(&whole, text.as_bytes(), MODE).map_err(|error| failed(error.to_string()))?;
            let many = plural(lines.len(), "sentence");
            context.printer.notice(&format!("{many} in {}", path.display()));
        }
    }
    Ok(Exit::Accepted)
}

/// Remembers what an export holds.
pub(super) fn import(from: &Path, context: &Context) -> Result<Exit, CommandError> {
    let text = read(from, context).map_err(|error| {
        CommandError::usage(format!("cannot read the export `{}`: {error}", from.display()))
    })?;
    let exported = memory::parse(&text).map_err(|(line, why)| {
        CommandError::usage(format!(
            "line {line} of the export is wrong, nothing of it is remembered: {why}"
        ))
    })?;
    let new = memory::import(&context.app, &exported)?;
    meaning::embed_new(&*context.app.storage()?, context)?;
    let known = match exported.len() - new {
        0 => String::new(),
        known => format!(", {known} were here already"),
    };
    context.printer.notice(&format!("{} remembered{known}", plural(new, "sentence")));
    Ok(Exit::Accepted)
}

fn read(from: &Path, context: &Context) -> io::Result<String> {
    if from == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().take(MOST).read_to_string(&mut text)?;
        return Ok(text);
    }
    file::read_text(&context.absolute(from), MOST)
}
