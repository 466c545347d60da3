//! Programs that a killed process left behind: the system ends the leader of a group with its parent, and nobody else.
//!
//! Beside the temporary directory of each program stands a file that the process which started it holds locked. Where
//! nobody holds it any more, whatever still names that directory in its environment is ended.

use crate::disk;
use crate::file_lock::FileLock;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::path::{Path, PathBuf};

/// The end of the name of the file beside a temporary directory.
const MARK: &str = "lock";
/// The same before it is locked: under its own name it would look like one that nobody holds.
const NEW_MARK: &str = "new";

/// The mark of a program that this process looks after, until this is dropped.
#[derive(Debug)]
pub(super) struct Owned(Option<(FileLock, PathBuf)>);

impl Owned {
    /// Marks the program with this temporary directory as one of this process.
    pub(super) fn of(temporary: &Path) -> io::Result<Self> {
        let (new, path) = (temporary.with_extension(NEW_MARK), temporary.with_extension(MARK));
        let file = disk::open_or_create(&new, 0o600)?;
        let lock = FileLock::try_exclusive(file)?.ok_or(io::ErrorKind::WouldBlock)?;
        disk::rename(&new, &path)?;
        Ok(Self(Some((lock, path))))
    }

    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self(None)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.0 {
            remove_mark(path);
        }
    }
}

/// Removes the mark of the program with this temporary directory, which has ended.
pub(super) fn unmark(temporary: &Path) {
    remove_mark(&temporary.with_extension(MARK));
}

fn remove_mark(path: &Path) {
    if let Err(error) = disk::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(%error, "the mark of a program stays");
    }
}

/// Ends the programs that processes which are gone have left behind, and removes their temporary directories.
pub(super) fn end(temporary: &Path) {
    for entry in disk::list(temporary).unwrap_or_default() {
        let mark = temporary.join(&entry.name);
        if mark.extension().is_none_or(|end| end != MARK) {
            continue;
        }
        let Ok(file) = disk::open_or_create(&mark, 0o600) else { continue };
        let Ok(Some(_lock)) = FileLock::try_exclusive(file) else { continue };
        let directory = mark.with_extension("");
        kill_strays(&directory);
        let gone = [disk::remove_tree(&directory), disk::remove_file(&mark)];
        for error in gone.into_iter().filter_map(Result::err) {
            tracing::debug!(%error, "a temporary directory stays");
        }
    }
}

/// Kills the processes whose environment names this temporary directory.
pub(super) fn kill_strays(temporary: &Path) {
    for stray in strays(temporary) {
        if let Err(error) = kill_process(stray, Signal::KILL) {
            tracing::trace!(%error, "a stray process is gone already");
        }
    }
}

#[cfg(target_os = "linux")]
fn strays(temporary: &Path) -> Vec<Pid> {
    use std::os::unix::ffi::OsStrExt;
    let marker = [b"TMPDIR=", temporary.as_os_str().as_bytes()].concat();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    processes
        .filter_map(|entry| number(entry.ok()?))
        .filter(|number| {
            let environment = std::fs::read(format!("/proc/{number}/environ"));
            environment.is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == marker))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn strays(_temporary: &Path) -> Vec<Pid> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_looks_after_stays_and_what_nobody_does_goes() {
        let place = tempfile::tempdir().unwrap();
        let programs = ["kept", "left", "new"].map(|name| place.path().join(name));
        for program in &programs {
            std::fs::create_dir(program).unwrap();
        }
        let kept = Owned::of(&programs[0]).unwrap();
        let Owned(left) = &mut Owned::of(&programs[1]).unwrap();
        // As the end of its process leaves it: the mark is there, and nobody holds it.
        drop(left.take());
        std::fs::write(programs[2].with_extension(NEW_MARK), "").unwrap();

        end(place.path());

        assert_eq!(programs.map(|program| program.exists()), [true, false, true]);
        drop(kept);
        assert!(
            !place.path().join("kept.lock").exists() && !place.path().join("left.lock").exists()
        );
    }
}
