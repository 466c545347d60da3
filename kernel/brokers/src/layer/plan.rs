//! Comparing a layer with the workspace: what a commit will do, and where somebody else was.

use super::below::{Parent, Status};
use super::create::PLAN;
use super::linked;
use super::record::{Act, Record, Stamp, Step};
use super::state::state;
use super::upper::{Node, Origin};
use super::{Layer, LayerChangeKind, LayerConflict, LayerError, Theirs};
use crate::durable::put_atomic;
use crate::failpoint::{Point, hit};
use crate::sabotage::{Guard, off};
use crate::snapshot::{LARGEST_FILE, SnapshotStore};
use openkoi_core::change_set::{PathEffect, PathState, name_of_text, text_of_name};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A commit that is planned, with all states kept. Nothing in the workspace has changed yet.
#[derive(Debug)]
pub struct LayerPlan {
    pub(super) layer: Layer,
    pub(super) record: Record,
    pub(super) store: SnapshotStore,
}

impl LayerPlan {
    /// Returns what the commit will change, in an order in which it can be done.
    #[must_use]
    pub fn effects(&self) -> Vec<PathEffect> {
        self.record.effects()
    }

    /// Returns the paths that will be left as they are.
    #[must_use]
    pub fn conflicts(&self) -> &[LayerConflict] {
        &self.record.conflicts
    }

    /// Returns the paths whose contents are not kept, before or after.
    #[must_use]
    pub fn uncovered(&self) -> &[String] {
        &self.record.uncovered
    }

    /// Returns the directories whose contents are not listed, such as build directories, in which something changes.
    #[must_use]
    pub fn passed(&self) -> &[String] {
        &self.record.passed
    }

    /// Returns whether programs wrote into the repository of a linked working tree.
    #[must_use]
    pub fn touches_repository(&self) -> bool {
        self.layer.linked().is_some_and(|(_, upper)| linked::is_touched(&upper))
    }

    /// Returns the name of the layer, by which [`LayerPlan::reopen`] finds the plan.
    #[must_use]
    pub fn id(&self) -> &str {
        self.layer.id()
    }

    /// Opens a plan whose process ended before its commit was complete.
    ///
    /// # Errors
    ///
    /// There is none, it cannot be read, or another process has it. If there was a plan and it is gone, all of it was
    /// done, or nobody went on with it for a week.
    pub fn reopen(base: &Path, id: &str, store: &SnapshotStore) -> Result<Self, LayerError> {
        let gone = || LayerError::NoPlan { id: id.to_owned() };
        let is_name = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let bytes = match is_name {
            true => std::fs::read(base.join(id).join(PLAN)).map_err(|_| gone())?,
            false => return Err(gone()),
        };
        let record: Record = serde_json::from_slice(&bytes).map_err(|_| gone())?;
        let workspace = PathBuf::from(name_of_text(&record.workspace));
        let layer = Layer::reopen(base, id, workspace)?;
        Ok(Self { layer, record, store: store.clone() })
    }

    /// Drops the layer instead.
    ///
    /// # Errors
    ///
    /// As [`Layer::discard`].
    pub fn discard(self) -> Result<(), LayerError> {
        self.layer.discard()
    }
}

impl Layer {
    /// Compares the layer with the workspace, keeps the states before and after in `store`, and writes the plan down, so
    /// that a commit that is cut can be gone on with. `passes` is asked for directories: the contents of one for which
    /// it is true are moved without being kept or listed, as it should be for build and cache directories.
    ///
    /// # Errors
    ///
    /// Nothing in the workspace has changed, and the layer is dropped.
    pub fn plan(
        mut self,
        store: &SnapshotStore,
        passes: &dyn Fn(&Path) -> bool,
    ) -> Result<LayerPlan, LayerError> {
        let upper_path = self.upper();
        let upper = self.walk()?;
        let open = |path: &Path| Parent::open(path).map_err(|e| LayerError::io("open", path, e));
        let (above, below) = (open(&upper_path)?, open(self.workspace())?);
        let closed = self.closed_places();
        let mut planner = Planner {
            begun: self.begun,
            closed: &closed,
            store,
            passes,
            record: Record::default(),
            finishing: Vec::new(),
            moved: HashSet::new(),
            orphans: Vec::new(),
            is_blurred: false,
        };
        planner.record.workspace = text_of_name(self.workspace().as_os_str());
        planner.entries(&upper.children, &above, Some(&below), Path::new(""), true)?;
        let record = planner.finish();
        if record.steps.is_empty() && record.conflicts.is_empty() {
            // Nothing to go on with, and nothing to wait for the disk for.
            self.stays = false;
            return Ok(LayerPlan { layer: self, record, store: store.clone() });
        }
        store.sync()?;
        let bytes = serde_json::to_vec(&record)
            .map_err(|error| LayerError::io("write", self.directory(), error))?;
        put_atomic(&self.directory().join(PLAN), &bytes, 0o600)?;
        self.stays = true;
        let planned = hit(Point::LayerPlanned);
        planned.map_err(|error| LayerError::io("plan", self.directory(), error))?;
        Ok(LayerPlan { layer: self, record, store: store.clone() })
    }
}

struct Planner<'a> {
    begun: i128,
    /// The places that are closed to programs, relative to the workspace.
    closed: &'a [PathBuf],
    store: &'a SnapshotStore,
    passes: &'a dyn Fn(&Path) -> bool,
    record: Record,
    /// Steps that come after all others, the deepest directory first.
    finishing: Vec<Step>,
    /// The identities of the files below that the program removed, or replaced by another: it may have moved them.
    moved: HashSet<Origin>,
    /// Files that were copied up, at paths where nothing is below: moved there by the program, or removed below by
    /// somebody else. The position of their steps.
    orphans: Vec<(usize, Origin)>,
    /// Whether the program removed something of which it is not known what it was.
    is_blurred: bool,
}

/// One path that is being compared.
struct At<'a> {
    node: &'a Node,
    above: &'a Parent,
    below: &'a Parent,
    path: &'a Path,
    /// Whether contents are kept and changes listed.
    kept: bool,
}

impl Planner<'_> {
    fn finish(mut self) -> Record {
        let orphans = std::mem::take(&mut self.orphans);
        let removed: HashSet<usize> = orphans
            .into_iter()
            .filter(|(_, origin)| !self.is_source_of(origin))
            .map(|(at, _)| at)
            .collect();
        let mut steps = Vec::with_capacity(self.record.steps.len());
        for (at, step) in std::mem::take(&mut self.record.steps).into_iter().enumerate() {
            match removed.contains(&at) {
                true => self.conflict(step.path, Theirs::Removed, step.after),
                false => steps.push(step),
            }
        }
        self.finishing.reverse();
        steps.append(&mut self.finishing);
        self.record.steps = steps;
        self.record
    }

    /// Compares the entries of a directory. Without `below`, the directory is new in the workspace.
    fn entries(
        &mut self,
        nodes: &[Node],
        above: &Parent,
        below: Option<&Parent>,
        at: &Path,
        kept: bool,
    ) -> Result<(), LayerError> {
        for node in nodes {
            let path = at.join(&node.name);
            if self.closed.contains(&path) && !off(Guard::LayerClosed) {
                self.record.closed.push(text(&path));
                continue;
            }
            match below {
                Some(below) => {
                    self.entry(&At { node, above, below, path: &path, kept })?;
                }
                None => self.new_entry(node, above, &path, kept)?,
            }
        }
        Ok(())
    }

    fn entry(&mut self, at: &At<'_>) -> Result<(), LayerError> {
        let name = &at.node.name;
        let there = at.below.status(name).map_err(|e| LayerError::io("look at", at.path, e))?;
        match (at.node.kind, there) {
            (LayerChangeKind::Removed, None) => {
                self.is_blurred = true;
                Ok(())
            }
            (LayerChangeKind::Removed, Some(_)) => {
                self.remove(at.below, name, at.path, at.kept).map(drop)
            }
            (LayerChangeKind::Other, _) => {
                self.record.left_out.push(text(at.path));
                Ok(())
            }
            (LayerChangeKind::File | LayerChangeKind::Link, None) => {
                self.new_entry(at.node, at.above, at.path, at.kept)?;
                if let (Some(origin), true) = (&at.node.origin, self.touched(at.below)?) {
                    self.orphans.push((self.record.steps.len() - 1, origin.clone()));
                }
                Ok(())
            }
            (LayerChangeKind::File | LayerChangeKind::Link, Some(there)) => self.change(at, &there),
            (LayerChangeKind::Entered, None) => self.all_conflict(at, Theirs::Removed),
            (LayerChangeKind::Made, None) => self.new_entry(at.node, at.above, at.path, at.kept),
            (_, Some(there)) if there.is_dir() => self.directory(at, &there),
            (_, Some(there)) if self.is_theirs(&there) => self.all_conflict(at, Theirs::Changed),
            (_, Some(_)) => {
                self.remove(at.below, name, at.path, at.kept)?;
                self.new_entry(at.node, at.above, at.path, at.kept)
            }
        }
    }

    /// Plans what is put where nothing is.
    fn new_entry(
        &mut self,
        node: &Node,
        above: &Parent,
        path: &Path,
        kept: bool,
    ) -> Result<(), LayerError> {
        match node.kind {
            LayerChangeKind::Removed => Ok(()),
            LayerChangeKind::Other => {
                self.record.left_out.push(text(path));
                Ok(())
            }
            LayerChangeKind::File | LayerChangeKind::Link => {
                let after = self.state(above, &node.name, &node.status, path, kept)?;
                let act = Act::Place { mode: node.status.mode };
                self.step(path, act, None, [PathState::Absent, after], kept);
                Ok(())
            }
            LayerChangeKind::Made | LayerChangeKind::Entered => {
                let Status { mode, modified, .. } = node.status;
                if kept && (self.passes)(path) {
                    self.record.passed.push(text(path));
                    let states = [PathState::Absent, PathState::Uncovered];
                    self.step(path, Act::PlaceTree, None, states, false);
                    self.last(path, Act::Finish { mode, modified });
                    return Ok(());
                }
                let after = PathState::Directory { mode: mode & 0o7777 };
                self.step(path, Act::MakeDir, None, [PathState::Absent, after], kept);
                self.last(path, Act::Finish { mode, modified });
                let inside = self.child(above, node, path)?;
                self.entries(&node.children, &inside, None, path, kept)
            }
        }
    }

    /// Compares a file or link with what is there.
    fn change(&mut self, at: &At<'_>, there: &Status) -> Result<(), LayerError> {
        let name = &at.node.name;
        if there.is_dir() {
            if !self.is_untouched(at.below, name, there) {
                return self.all_conflict(at, Theirs::Filled);
            }
            self.remove(at.below, name, at.path, at.kept)?;
            return self.new_entry(at.node, at.above, at.path, at.kept);
        }
        let own = &at.node.status;
        let is_same_time = (own.size, own.modified) == (there.size, there.modified);
        let is_covered = at.kept && own.size <= LARGEST_FILE;
        let after = self.state(at.above, name, own, at.path, at.kept)?;
        let before = self.state(at.below, name, there, at.path, at.kept)?;
        let is_same = match is_covered {
            true => before == after && after.is_kept(),
            false => is_same_time && own.kind == there.kind && own.mode == there.mode,
        };
        if is_same {
            if own.modified != there.modified && !self.is_theirs(there) {
                let act = Act::Touch { modified: own.modified };
                self.step(at.path, act, Some(there), [before, after], false);
            }
            return Ok(());
        }
        if self.is_theirs(there) {
            self.is_blurred = true;
            self.conflict(text(at.path), Theirs::Changed, after);
            return Ok(());
        }
        if at.node.origin.is_none() {
            self.may_be_moved(at.below, name);
        }
        let act = Act::Place { mode: own.mode };
        self.step(at.path, act, Some(there), [before, after], at.kept);
        Ok(())
    }

    /// Compares a directory with the one that is there.
    fn directory(&mut self, at: &At<'_>, there: &Status) -> Result<(), LayerError> {
        let Node { name, opaque, status, children, .. } = at.node;
        let kept = at.kept && !(self.passes)(at.path);
        if at.kept && !kept {
            self.record.passed.push(text(at.path));
        }
        let Ok(below) = at.below.child(name) else {
            return self.all_conflict(at, Theirs::Closed);
        };
        let is_moved = self.is_moved(there);
        if status.mode != there.mode {
            let [before, after] =
                [there.mode, status.mode].map(|mode| PathState::Directory { mode: mode & 0o7777 });
            if is_moved {
                self.conflict(text(at.path), Theirs::Changed, after);
            } else {
                let (path, act) = (text(at.path), Act::Mode { mode: status.mode });
                let listed = at.kept && before != after;
                self.finishing.push(Step { path, act, stamp: None, before, after, listed });
            }
        }
        let above = self.child(at.above, at.node, at.path)?;
        self.entries(children, &above, Some(&below), at.path, kept)?;
        if *opaque && !is_moved {
            let own: HashSet<&OsStr> = children.iter().map(|node| node.name.as_os_str()).collect();
            let names = below.names().map_err(|e| LayerError::io("read", at.path, e))?;
            for other in names.iter().filter(|name| !own.contains(name.as_os_str())) {
                self.remove(&below, other, &at.path.join(other), kept)?;
            }
        }
        Ok(())
    }

    /// Plans the removal of what is at a path; returns whether all of it goes.
    fn remove(
        &mut self,
        below: &Parent,
        name: &OsStr,
        path: &Path,
        kept: bool,
    ) -> Result<bool, LayerError> {
        let there = below.status(name).map_err(|e| LayerError::io("look at", path, e))?;
        let Some(there) = there else { return Ok(true) };
        if !there.is_dir() {
            if self.is_theirs(&there) {
                self.is_blurred = true;
                self.conflict(text(path), Theirs::Changed, PathState::Absent);
                return Ok(false);
            }
            self.may_be_moved(below, name);
            let before = self.state(below, name, &there, path, kept)?;
            self.step(path, Act::Remove, Some(&there), [before, PathState::Absent], kept);
            return Ok(true);
        }
        let inside = match self.is_moved(&there) {
            true => Err(Theirs::Changed),
            false => below.child(name).map_err(|_| Theirs::Closed),
        };
        let inside = match inside {
            Ok(inside) => inside,
            Err(theirs) => {
                self.is_blurred = true;
                self.conflict(text(path), theirs, PathState::Absent);
                return Ok(false);
            }
        };
        let mut all = true;
        for child in inside.names().map_err(|e| LayerError::io("read", path, e))? {
            all &= self.remove(&inside, &child, &path.join(&child), kept)?;
        }
        if all {
            let before = PathState::Directory { mode: there.mode & 0o7777 };
            self.step(path, Act::RemoveDir, Some(&there), [before, PathState::Absent], kept);
        }
        Ok(all)
    }

    fn may_be_moved(&mut self, below: &Parent, name: &OsStr) {
        match below.handle(name) {
            Some(origin) => drop(self.moved.insert(origin)),
            None => self.is_blurred = true,
        }
    }

    /// Tells whether a file that was copied up may be one that the program moved. In a user namespace the overlay notes
    /// that a file was copied up, but not which.
    fn is_source_of(&self, origin: &Origin) -> bool {
        let is_known = !origin.1.is_empty();
        self.is_blurred
            || if is_known { self.moved.contains(origin) } else { !self.moved.is_empty() }
    }

    /// Notes the program's whole subtree as a conflict.
    fn all_conflict(&mut self, at: &At<'_>, theirs: Theirs) -> Result<(), LayerError> {
        self.subtree_conflicts(at.node, at.above, at.path, theirs)
    }

    fn subtree_conflicts(
        &mut self,
        node: &Node,
        above: &Parent,
        path: &Path,
        theirs: Theirs,
    ) -> Result<(), LayerError> {
        let kept = match node.kind {
            LayerChangeKind::Removed => return Ok(()),
            LayerChangeKind::Other => {
                self.record.left_out.push(text(path));
                return Ok(());
            }
            LayerChangeKind::File | LayerChangeKind::Link => {
                self.state(above, &node.name, &node.status, path, true)?
            }
            LayerChangeKind::Made | LayerChangeKind::Entered => {
                let inside = self.child(above, node, path)?;
                for child in &node.children {
                    self.subtree_conflicts(child, &inside, &path.join(&child.name), theirs)?;
                }
                PathState::Directory { mode: node.status.mode & 0o7777 }
            }
        };
        if node.kind != LayerChangeKind::Entered || node.children.is_empty() {
            self.conflict(text(path), theirs, kept);
        }
        Ok(())
    }

    /// Tells whether nothing in a directory was changed since the layer began.
    fn is_untouched(&self, below: &Parent, name: &OsStr, there: &Status) -> bool {
        if self.is_theirs(there) {
            return false;
        }
        if !there.is_dir() {
            return true;
        }
        let Ok(inside) = below.child(name) else { return false };
        let Ok(names) = inside.names() else { return false };
        names.iter().all(|child| match inside.status(child) {
            Ok(Some(status)) => self.is_untouched(&inside, child, &status),
            Ok(None) | Err(_) => false,
        })
    }

    /// Tells whether a file was changed, made or moved here by somebody else since the layer began.
    fn is_theirs(&self, there: &Status) -> bool {
        there.changed > self.begun && !off(Guard::LayerConflict)
    }

    /// Tells whether a directory was moved here or got another mode since the layer began. Writing in it changes both
    /// times, these only one.
    fn is_moved(&self, there: &Status) -> bool {
        there.changed > self.begun && there.modified <= self.begun
    }

    /// Tells whether somebody else made or removed something in a directory since the layer began.
    fn touched(&self, below: &Parent) -> Result<bool, LayerError> {
        let status = below.own_status();
        let status = status.map_err(|e| LayerError::io("look at", Path::new("."), e))?;
        Ok(status.changed > self.begun)
    }

    /// Returns the state of a file or link, whose contents are kept up to a size.
    fn state(
        &mut self,
        directory: &Parent,
        name: &OsStr,
        status: &Status,
        path: &Path,
        kept: bool,
    ) -> Result<PathState, LayerError> {
        if !kept {
            return Ok(PathState::Uncovered);
        }
        let state = state(self.store, directory, name, status)?;
        if !state.is_kept() && self.record.uncovered.last() != Some(&text(path)) {
            self.record.uncovered.push(text(path));
        }
        Ok(state)
    }

    fn child(&self, above: &Parent, node: &Node, path: &Path) -> Result<Parent, LayerError> {
        above.child(&node.name).map_err(|error| LayerError::io("open", path, error))
    }

    fn step(
        &mut self,
        path: &Path,
        act: Act,
        there: Option<&Status>,
        [before, after]: [PathState; 2],
        listed: bool,
    ) {
        let stamp = there.map(Stamp::of);
        self.record.steps.push(Step { path: text(path), act, stamp, before, after, listed });
    }

    fn last(&mut self, path: &Path, act: Act) {
        let (before, after) = (PathState::Uncovered, PathState::Uncovered);
        let path = text(path);
        self.finishing.push(Step { path, act, stamp: None, before, after, listed: false });
    }

    fn conflict(&mut self, path: String, theirs: Theirs, kept: PathState) {
        self.record.conflicts.push(LayerConflict { path, theirs, kept });
    }
}

fn text(path: &Path) -> String {
    text_of_name(path.as_os_str())
}
