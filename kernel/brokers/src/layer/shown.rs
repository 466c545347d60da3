//! Files that the programs of a layer see in another state than they are in: they are put into the upper directory before
//! the first program, as if one had written them.

use super::below::Parent;
use super::{Layer, LayerError};
use crate::snapshot::SnapshotStore;
use openkoi_core::change_set::{PathState, name_of_text};
use openkoi_core::frozen::{Shown, View};
use rustix::fs::{CWD, FileType, Mode};
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

impl Layer {
    /// Lets programs see files in the state of `view`: another one, or none. Has to come before the first program.
    ///
    /// # Errors
    ///
    /// A state is not kept, or cannot be put into the layer.
    pub fn show(&self, view: &View, store: &SnapshotStore) -> Result<(), LayerError> {
        for (path, shown) in &view.files {
            let path = PathBuf::from(name_of_text(path));
            self.show_one(&path, shown, store).map_err(|e| LayerError::io("show", &path, e))?;
        }
        Ok(())
    }

    /// Returns whether a file of the layer is still what was shown.
    #[must_use]
    pub fn shows(&self, path: &str, shown: &Shown, store: &SnapshotStore) -> bool {
        let place = PathBuf::from(name_of_text(path));
        let upper = Parent::open(&self.upper());
        let parent = upper.and_then(|upper| upper.beneath(place.parent().unwrap_or(Path::new(""))));
        let (Ok(parent), Some(name)) = (parent, place.file_name()) else { return false };
        let wanted = match shown {
            Shown::Text { text, .. } => text.clone().into_bytes(),
            Shown::State(PathState::File { hash, .. }) => match store.get(hash) {
                Ok(bytes) => bytes,
                Err(_) => return false,
            },
            Shown::State(PathState::Absent) => {
                let status = parent.status(name).ok().flatten();
                return status.is_some_and(|status| status.kind == FileType::CharacterDevice);
            }
            Shown::State(_) => return true,
        };
        let mut present = Vec::new();
        let read = parent.file(name).and_then(|mut file| file.read_to_end(&mut present));
        read.is_ok() && present == wanted
    }

    fn show_one(&self, path: &Path, shown: &Shown, store: &SnapshotStore) -> io::Result<()> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let above = self.directory_above(parent)?;
        match shown {
            Shown::Text { mode, text } => write(&above, name, text.as_bytes(), *mode),
            Shown::State(PathState::File { mode, hash, .. }) => {
                let bytes = store.get(hash).map_err(io::Error::other)?;
                write(&above, name, &bytes, *mode)
            }
            Shown::State(PathState::Link { target }) => {
                above.make_link(&name_of_text(target), name)
            }
            Shown::State(PathState::Absent) => {
                let place = self.upper().join(path);
                // Where there is nothing, nothing has to be hidden.
                match Parent::open(self.workspace())?.beneath(parent) {
                    Ok(below) if below.status(name)?.is_some() => hide(&place),
                    _ => Ok(()),
                }
            }
            Shown::State(PathState::Directory { .. }) => Ok(()),
            Shown::State(PathState::Uncovered) => {
                Err(io::Error::other("its contents are not kept"))
            }
        }
    }

    /// Returns the directory of the layer for a directory of the workspace, made with the modes of those below.
    fn directory_above(&self, path: &Path) -> io::Result<Parent> {
        let mut above = Parent::open(&self.upper())?;
        let mut below = Parent::open(self.workspace()).ok();
        for part in path.components() {
            let name = part.as_os_str();
            let status = below.as_ref().and_then(|below| below.status(name).ok().flatten());
            let there = status.filter(|status| status.is_dir());
            if above.status(name)?.is_none() {
                above.make_dir(name)?;
                above.set_mode(name, there.map_or(0o755, |there| there.mode | 0o700))?;
            }
            below = there.and_then(|_| below.as_ref()?.child(name).ok());
            above = above.child(name)?;
        }
        Ok(above)
    }
}

fn write(above: &Parent, name: &OsStr, bytes: &[u8], mode: u32) -> io::Result<()> {
    // The time of now, so that a build takes it for changed.
    above.new_file(name)?.write_all(bytes)?;
    above.set_mode(name, mode)
}

/// Hides what is below: a device of number nothing is how an overlay removes, and everybody may make one.
fn hide(place: &Path) -> io::Result<()> {
    let device = rustix::fs::makedev(0, 0);
    Ok(rustix::fs::mknodat(CWD, place, FileType::CharacterDevice, Mode::empty(), device)?)
}
