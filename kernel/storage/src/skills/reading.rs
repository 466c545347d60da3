//! Reading one file that anybody may have put there.

use std::{
    io::{self, Read},
    path::Path,
};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

use super::error::{FILE_LIMIT, SkillError};

/// Opens a file for reading, without waiting: a pipe without a writer would wait for one, and is seen for what it is.
pub(super) fn open(root: &Dir, path: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    Ok(root.open_with(path, &options)?.into_std())
}

/// Returns what is in a regular file that is not larger than a skill may be.
pub(super) fn bytes(file: std::fs::File) -> Result<Vec<u8>, SkillError> {
    bytes_up_to(file, FILE_LIMIT)
}

/// Returns what is in a regular file of at most so many bytes.
pub(super) fn bytes_up_to(file: std::fs::File, most: u64) -> Result<Vec<u8>, SkillError> {
    let unopenable = |error: io::Error| SkillError::Unopenable(error.to_string());
    let found = file.metadata().map_err(unopenable)?;
    if !found.is_file() {
        return Err(SkillError::NotAFile);
    }
    if found.len() > most {
        return Err(SkillError::TooLarge);
    }
    let mut bytes = Vec::new();
    // It may have grown since.
    file.take(most + 1).read_to_end(&mut bytes).map_err(unopenable)?;
    if bytes.len() as u64 > most { Err(SkillError::TooLarge) } else { Ok(bytes) }
}

/// Returns bytes as text, with a mark in the place of what is none, and how often that was. What has a zero byte is no text.
pub(super) fn text(bytes: Vec<u8>) -> Result<(String, usize), SkillError> {
    if bytes.contains(&0) {
        return Err(SkillError::NotText);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, 0)),
        Err(error) => {
            let odd = error.as_bytes().utf8_chunks().filter(|one| !one.invalid().is_empty());
            let odd = odd.count();
            Ok((String::from_utf8_lossy(error.as_bytes()).into_owned(), odd))
        }
    }
}
