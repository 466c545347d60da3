//! Moving what was planned into the workspace, path by path.
//!
//! A commit can be cut after each system call and run again: a step whose source is gone from the layer, or whose path is
//! as it should be, is done.

use super::below::{Parent, Status};
use super::linked;
use super::plan::LayerPlan;
use super::record::{Act, Stamp, Step};
use super::state::state;
use super::upper::NOTES;
use super::{Committed, LayerConflict, LayerError, Theirs};
use crate::failpoint::{Point, hit};
use crate::random::Random;
use crate::snapshot::temporary;
use openkoi_core::change_set::{PathState, name_of_text};
use rustix::fs::FileType;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// What became of a step.
enum Outcome {
    Done,
    Conflict(Theirs),
}

impl LayerPlan {
    /// Does what was planned. What somebody else has changed since is left, and is a conflict. The layer is gone
    /// afterwards.
    ///
    /// # Errors
    ///
    /// The workspace has a part of the changes. The rest is still in the layer: the commit can be run again, also by
    /// another process with [`LayerPlan::reopen`].
    pub fn commit(&mut self) -> Result<Committed, LayerError> {
        let open = |path: &Path| Parent::open(path).map_err(|e| LayerError::io("open", path, e));
        let upper = self.layer.upper();
        let commit = Commit {
            above: open(&upper)?,
            below: open(self.layer.workspace())?,
            workspace: self.layer.workspace(),
            plan: self,
        };
        let (mut effects, mut conflicts) = (Vec::new(), self.record.conflicts.clone());
        for step in &self.record.steps {
            match commit.step(step)? {
                Outcome::Done if step.listed => effects.push(step.effect()),
                Outcome::Done => {}
                Outcome::Conflict(theirs) => conflicts.push(LayerConflict {
                    path: step.path.clone(),
                    theirs,
                    kept: step.after.clone(),
                }),
            }
            hit(Point::LayerStep)
                .map_err(|error| LayerError::io("commit", self.layer.workspace(), error))?;
        }
        let repository = match self.layer.linked() {
            Some((linked, upper)) => linked::bring_in(linked, &upper)?,
            None => Vec::new(),
        };
        match self.layer.remove() {
            // It is gone already when this value goes.
            Ok(()) => self.layer.stays = true,
            Err(error) => tracing::debug!(%error, "a layer stays"),
        }
        let record = &self.record;
        Ok(Committed {
            effects,
            conflicts,
            uncovered: record.uncovered.clone(),
            passed: record.passed.clone(),
            left_out: record.left_out.clone(),
            closed: record.closed.clone(),
            repository,
        })
    }
}

struct Commit<'a> {
    above: Parent,
    below: Parent,
    workspace: &'a Path,
    plan: &'a LayerPlan,
}

/// The place of a step: the directory in the workspace, and the name in it.
struct Place {
    below: Parent,
    name: OsString,
    there: Option<Status>,
}

impl Commit<'_> {
    fn step(&self, step: &Step) -> Result<Outcome, LayerError> {
        let path = PathBuf::from(name_of_text(&step.path));
        let failed = |error| LayerError::io("commit", &self.workspace.join(&path), error);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        };
        let below = match self.below.beneath(parent) {
            Ok(below) => below,
            // Somebody else moved the directory, or it was a conflict itself. What was to be removed is gone.
            Err(error) if is_other(&error) => return Ok(self.without_parent(step, &path)),
            Err(error) => return Err(failed(error)),
        };
        let there = below.status(name).map_err(failed)?;
        let place = Place { below, name: name.to_owned(), there };
        match step.act {
            Act::Remove => self.remove(step, &place),
            Act::RemoveDir => Ok(remove_dir(&place).map_err(failed)?),
            Act::MakeDir => Ok(make_dir(&place).map_err(failed)?),
            Act::Place { mode } => self.place(step, &path, &place, Some(mode)),
            Act::PlaceTree => self.place(step, &path, &place, None),
            Act::Mode { mode } => Ok(finish(&place, mode, None).map_err(failed)?),
            Act::Finish { mode, modified } => {
                Ok(finish(&place, mode, Some(modified)).map_err(failed)?)
            }
            Act::Touch { modified } => match self.is_expected(step, &place)? {
                true => {
                    place.below.set_modified(&place.name, modified).map_err(failed)?;
                    Ok(Outcome::Done)
                }
                false => Ok(Outcome::Done),
            },
        }
    }

    fn without_parent(&self, step: &Step, path: &Path) -> Outcome {
        match step.act {
            Act::Remove | Act::RemoveDir | Act::Finish { .. } | Act::Touch { .. } => Outcome::Done,
            Act::Place { .. } | Act::PlaceTree if !self.has_source(path) => Outcome::Done,
            _ => Outcome::Conflict(Theirs::Removed),
        }
    }

    fn has_source(&self, path: &Path) -> bool {
        let parent = path.parent().unwrap_or(Path::new(""));
        let above = self.above.beneath(parent);
        let status = above.and_then(|above| above.status(path.file_name().unwrap_or_default()));
        !matches!(status, Ok(None))
    }

    fn remove(&self, step: &Step, place: &Place) -> Result<Outcome, LayerError> {
        // A directory is what this commit made in its place before it was cut, or somebody else's: it stays.
        if place.there.is_none_or(|there| there.is_dir()) {
            return Ok(Outcome::Done);
        }
        if !self.is_expected(step, place)? {
            return Ok(Outcome::Conflict(Theirs::Changed));
        }
        let Some(there) = &place.there else { return Ok(Outcome::Done) };
        let aside = temporary(Path::new(&name_of_text(&step.path)));
        match place.below.remove_if(&place.name, aside.as_os_str(), there) {
            Ok(true) => Ok(Outcome::Done),
            Ok(false) => Ok(Outcome::Conflict(Theirs::Changed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Outcome::Done),
            Err(error) => Err(self.failed(&step.path, error)),
        }
    }

    /// Moves a file, link or whole directory from the layer. Without a mode it is a directory.
    fn place(
        &self,
        step: &Step,
        path: &Path,
        place: &Place,
        mode: Option<u32>,
    ) -> Result<Outcome, LayerError> {
        let failed = |error| self.failed(&step.path, error);
        let parent = path.parent().unwrap_or(Path::new(""));
        let above = self.above.beneath(parent).map_err(failed)?;
        let Some(source) = above.status(&place.name).map_err(failed)? else {
            return Ok(Outcome::Done);
        };
        if !self.is_expected(step, place)? {
            // A copy that was cut before its source was removed.
            let is_done = place.there.is_some() && self.is_state(&step.after, place)?;
            return Ok(if is_done { Outcome::Done } else { Outcome::Conflict(Theirs::Changed) });
        }
        prepare(&above, &place.name, &source, mode).map_err(failed)?;
        let new = place.there.is_none();
        let moved = match &place.there {
            Some(there) if !there.is_dir() && mode.is_some() => {
                match above.replace(&place.name, &place.below, &place.name, there) {
                    Ok(true) => Ok(()),
                    Ok(false) => return Ok(Outcome::Conflict(Theirs::Changed)),
                    Err(error) => Err(error),
                }
            }
            _ => above.rename(&place.name, &place.below, &place.name, new),
        };
        let moved = match moved {
            Err(error) if error.raw_os_error() == Some(libc::EXDEV) => {
                copy_over(&above, place, &source)
            }
            // A file system without this kind of renaming.
            Err(error) if new && error.raw_os_error() == Some(libc::EINVAL) => {
                above.rename(&place.name, &place.below, &place.name, false)
            }
            moved => moved,
        };
        match moved {
            Ok(()) => Ok(Outcome::Done),
            Err(error) if is_taken(&error) => Ok(Outcome::Conflict(Theirs::Changed)),
            Err(error) => Err(failed(error)),
        }
    }

    /// Tells whether what is there is what was planned with, as the same file or one of the same contents.
    fn is_expected(&self, step: &Step, place: &Place) -> Result<bool, LayerError> {
        if place.there.as_ref().map(Stamp::of) == step.stamp {
            return Ok(true);
        }
        self.is_state(&step.before, place)
    }

    /// Tells whether the state of what is there is `wanted`. One that is not kept is never equal.
    fn is_state(&self, wanted: &PathState, place: &Place) -> Result<bool, LayerError> {
        let Some(there) = &place.there else { return Ok(*wanted == PathState::Absent) };
        if !wanted.is_kept() {
            return Ok(false);
        }
        Ok(state(&self.plan.store, &place.below, &place.name, there)? == *wanted)
    }

    fn failed(&self, path: &str, error: io::Error) -> LayerError {
        LayerError::io("commit", &self.workspace.join(name_of_text(path)), error)
    }
}

/// Takes the overlay's notes away and gives a file the mode that its program left.
fn prepare(above: &Parent, name: &OsStr, source: &Status, mode: Option<u32>) -> io::Result<()> {
    if source.kind == FileType::Symlink {
        return Ok(());
    }
    if source.is_dir() {
        let inside = above.child(name)?;
        for child in inside.names()? {
            if let Some(status) = inside.status(&child)? {
                prepare(&inside, &child, &status, Some(status.mode))?;
            }
        }
    } else if source.kind != FileType::RegularFile {
        return Ok(());
    }
    let mut present = source.mode;
    for attribute in above.attributes(name)?.iter().filter(|name| name.starts_with(NOTES)) {
        if present & 0o200 == 0 {
            present |= 0o200;
            above.set_mode(name, present)?;
        }
        above.remove_attribute(name, attribute)?;
    }
    let wanted = match (mode, source.is_dir()) {
        (Some(mode), _) => mode,
        // Only what its owner may write in can be moved. It gets its mode afterwards.
        (None, true) => source.mode | 0o700,
        (None, false) => source.mode,
    };
    if present != wanted { above.set_mode(name, wanted) } else { Ok(()) }
}

fn remove_dir(place: &Place) -> io::Result<Outcome> {
    // As above: a file is what took its place.
    if !place.there.is_some_and(|there| there.is_dir()) {
        return Ok(Outcome::Done);
    }
    match place.below.remove_dir(&place.name) {
        Ok(()) => Ok(Outcome::Done),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Outcome::Done),
        Err(error) if is_taken(&error) => Ok(Outcome::Conflict(Theirs::Filled)),
        Err(error) => Err(error),
    }
}

fn make_dir(place: &Place) -> io::Result<Outcome> {
    match place.below.make_dir(&place.name) {
        Ok(()) => Ok(Outcome::Done),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_dir = place.there.is_some_and(|there| there.is_dir());
            Ok(if is_dir { Outcome::Done } else { Outcome::Conflict(Theirs::Changed) })
        }
        Err(error) => Err(error),
    }
}

/// Gives a directory its mode and its time.
fn finish(place: &Place, mode: u32, modified: Option<i128>) -> io::Result<Outcome> {
    if !place.there.is_some_and(|there| there.is_dir()) {
        return Ok(Outcome::Done);
    }
    if place.there.is_some_and(|there| there.mode != mode) {
        place.below.set_mode(&place.name, mode)?;
    }
    if let Some(modified) = modified {
        place.below.set_modified(&place.name, modified)?;
    }
    Ok(Outcome::Done)
}

/// Copies from another file system: to a name beside the target, and then in its place in one step.
fn copy_over(above: &Parent, place: &Place, source: &Status) -> io::Result<()> {
    let Place { below, name, there } = place;
    let tail = u64::from_ne_bytes(Random::default().bytes().map_err(io::Error::other)?);
    let temporary = OsString::from(format!(".openkoi-{tail:016x}.tmp"));
    let placed = copy(above, name, below, &temporary, source).and_then(|()| {
        hit(Point::LayerCopied)?;
        match there {
            Some(there) if !there.is_dir() && !source.is_dir() => {
                let is_placed = below.replace(&temporary, below, name, there)?;
                if is_placed { Ok(()) } else { Err(io::ErrorKind::AlreadyExists.into()) }
            }
            there => below.rename(&temporary, below, name, there.is_none()),
        }
    });
    if placed.is_err() {
        drop(below.remove_tree(&temporary));
        return placed;
    }
    above.remove_tree(name)
}

fn copy(
    from: &Parent,
    name: &OsStr,
    to: &Parent,
    target: &OsStr,
    source: &Status,
) -> io::Result<()> {
    match source.kind {
        FileType::Symlink => to.make_link(&from.link_target(name)?, target)?,
        FileType::RegularFile => {
            io::copy(&mut from.file(name)?, &mut to.new_file(target)?)?;
            // The mode that its program left: it was set before.
            let mode = from.status(name)?.map_or(source.mode, |status| status.mode);
            to.set_mode(target, mode)?;
        }
        FileType::Directory => {
            to.make_dir(target)?;
            let (inside, there) = (from.child(name)?, to.child(target)?);
            for child in inside.names()? {
                if let Some(status) = inside.status(&child)? {
                    copy(&inside, &child, &there, &child, &status)?;
                }
            }
            to.set_mode(target, source.mode)?;
        }
        _ => return Ok(()),
    }
    to.set_modified(target, source.modified)
}

/// Tells whether a directory of the path is not what it was.
fn is_other(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::EXDEV))
}

/// Tells whether something stands at the place that was to be free.
fn is_taken(error: &io::Error) -> bool {
    let known = [libc::EEXIST, libc::ENOTEMPTY, libc::EISDIR, libc::ENOTDIR];
    error.kind() == io::ErrorKind::AlreadyExists
        || error.raw_os_error().is_some_and(|code| known.contains(&code))
}
