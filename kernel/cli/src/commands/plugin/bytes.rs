//! The bytes of a component in a file.

use std::path::Path;

use openkoi_app::file;
use openkoi_host::catalog::{COMPONENT_BYTES, CatalogError};

use crate::{error::CommandError, exit::Exit};

/// Reads a file that may hold a component.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let unreadable = |error: std::io::Error| {
        CommandError::usage(format!("cannot read `{}`: {error}", path.display()))
    };
    let length = file::status(path).map_err(unreadable)?.length;
    if length > COMPONENT_BYTES as u64 {
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        return Err(unfit(CatalogError::TooLarge { size }));
    }
    file::read(path, COMPONENT_BYTES as u64).map_err(unreadable)
}

pub(super) fn unfit(error: CatalogError) -> CommandError {
    CommandError::from_error(Exit::Denied, &error)
}
