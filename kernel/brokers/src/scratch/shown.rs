//! Files that the programs in a copy see in another state than they are in.

use super::copying::new_file;
use super::{Scratch, ScratchError};
use crate::snapshot::{Beneath, SnapshotStore, kind_of, mode_bits};
use openkoi_core::change_set::{PathState, name_of_text};
use openkoi_core::frozen::{Shown, View};
use rustix::fs::{FileType, fchmod};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

impl Scratch {
    /// Puts files into the state of `view`: another one, or none. Has to come before the first program.
    ///
    /// # Errors
    ///
    /// A state is not kept, or cannot be put into the copy.
    pub fn show(&self, view: &View, store: &SnapshotStore) -> Result<(), ScratchError> {
        let beneath = Beneath::open(self.root());
        let beneath = beneath.map_err(|error| ScratchError::io("enter", self.root(), error))?;
        for (path, shown) in &view.files {
            let path = name_of_text(path);
            let path = Path::new(&path);
            self.show_one(&beneath, path, shown, store)
                .map_err(|error| ScratchError::io("show", path, error))?;
        }
        Ok(())
    }

    fn show_one(
        &self,
        beneath: &Beneath,
        path: &Path,
        shown: &Shown,
        store: &SnapshotStore,
    ) -> io::Result<()> {
        let name = match shown {
            Shown::State(PathState::Directory { .. }) => return Ok(()),
            Shown::State(PathState::Uncovered) => {
                return Err(io::Error::other("its contents are not kept"));
            }
            Shown::State(PathState::Absent) => beneath.find(path)?,
            _ => beneath.make(path)?,
        };
        let Some(name) = name else {
            // What is not there has not to be hidden.
            return match shown {
                Shown::State(PathState::Absent) => Ok(()),
                _ => Err(io::Error::other("a link or a file is in the way")),
            };
        };
        match name.stat()?.map(|stat| kind_of(&stat)) {
            // No program has run in the copy yet, so nobody puts a link in its way.
            Some(FileType::Directory) => fs::remove_dir_all(self.root().join(path))?,
            Some(_) => name.remove()?,
            None => {}
        }
        let write = |bytes: &[u8], mode: u32| -> io::Result<()> {
            // The time of now, so that a build takes it for changed.
            let mut file = new_file(&name.directory, name.name.as_os_str())?;
            file.write_all(bytes)?;
            Ok(fchmod(&file, mode_bits(mode & 0o1777))?)
        };
        match shown {
            Shown::Text { mode, text } => write(text.as_bytes(), *mode),
            Shown::State(PathState::File { mode, hash, .. }) => {
                write(&store.get(hash).map_err(io::Error::other)?, *mode)
            }
            Shown::State(PathState::Link { target }) => {
                Ok(rustix::fs::symlinkat(name_of_text(target), &name.directory, &name.name)?)
            }
            Shown::State(_) => Ok(()),
        }
    }
}
