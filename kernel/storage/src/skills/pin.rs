//! The pin of a skill that was installed: where it came from, and what its files have to be.
//!
//! It lies in the folder of the skill, so that both are put in place in one step. Hidden files are no part of a skill: none is
//! installed, and none counts.

use cap_std::fs::Dir;
use openkoi_core::hash;
use serde::{Deserialize, Serialize};

use super::{error::SkillError, reading};

/// The name of the file in the folder of an installed skill.
pub const PIN_FILE: &str = ".openkoi.json";
/// The most files of an installed skill, and the most bytes of all of them.
pub const INSTALLED_FILES: usize = 500;
/// See [`INSTALLED_FILES`].
pub const INSTALLED_BYTES: u64 = 10 << 20;

/// The most folders within one another.
const LEVELS: usize = 16;

/// Where an installed skill came from, and what its files have to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillPin {
    /// The version of this shape.
    pub schema_version: u32,
    /// What to give to `openkoi learn --install` for the same skill.
    pub source: String,
    /// As [`digest_of_files`] has it.
    pub digest: String,
    /// When it was installed, in milliseconds since 1970.
    pub installed_ms: u64,
}

impl SkillPin {
    /// Returns the pin of a skill that is installed now.
    pub fn new(source: String, digest: String, now_ms: u64) -> Self {
        Self { schema_version: 1, source, digest, installed_ms: now_ms }
    }
}

/// Returns the digest of a skill's files: the hash of one line for each, in the order of their paths, as `sha256sum` prints
/// it. So a person can make it without this program.
pub fn digest_of_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let lines = files.into_iter().map(|(path, bytes)| (path, hash::of_bytes(bytes)));
    digest_of_lines(lines.collect())
}

fn digest_of_lines<P: AsRef<str> + Ord>(mut files: Vec<(P, String)>) -> String {
    files.sort_unstable();
    let lines = files.iter().map(|(path, digest)| format!("{digest}  {}\n", path.as_ref()));
    hash::of_bytes(lines.collect::<String>().as_bytes())
}

/// Returns the pin in the folder of a skill, if it has one.
///
/// # Errors
///
/// When the files are not those that were installed, or the pin cannot be read.
pub(super) fn of_folder(opened: &Dir) -> Result<Option<SkillPin>, SkillError> {
    let file = match reading::open(opened, PIN_FILE.as_ref()) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(SkillError::Changed),
    };
    let bytes = reading::bytes(file)?;
    let pin: SkillPin = serde_json::from_slice(&bytes).map_err(|_| SkillError::Changed)?;
    let mut look = Look { files: Vec::new(), room: INSTALLED_BYTES };
    match look.at(opened, "", 0) {
        Some(()) if digest_of_lines(look.files) == pin.digest => Ok(Some(pin)),
        _ => Err(SkillError::Changed),
    }
}

/// A look through the files of an installed skill. It ends at the first thing that was not installed.
struct Look {
    files: Vec<(String, String)>,
    room: u64,
}

impl Look {
    fn at(&mut self, opened: &Dir, below: &str, level: usize) -> Option<()> {
        for entry in opened.entries().ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            if name.starts_with('.') {
                continue;
            }
            let (kind, path) = (entry.file_type().ok()?, format!("{below}{name}"));
            if kind.is_dir() && level < LEVELS {
                self.at(&entry.open_dir().ok()?, &format!("{path}/"), level + 1)?;
            } else if kind.is_file() && self.files.len() < INSTALLED_FILES {
                let file = reading::open(opened, name.as_ref()).ok()?;
                let bytes = reading::bytes_up_to(file, self.room).ok()?;
                self.room -= bytes.len() as u64;
                self.files.push((path, hash::of_bytes(&bytes)));
            } else {
                return None;
            }
        }
        Some(())
    }
}
