//! The room that there is for outputs in files: of one program, of all programs of a task, and of all tasks.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many tasks may keep as much as one may.
const TASKS: u64 = 4;

/// What is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// The file of the program.
    OfOne,
    /// All files of the task, or of all tasks.
    OfAll,
}

/// The room for outputs of a task. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct OutputRoom {
    /// For one program, in bytes.
    one: u64,
    /// For all programs of the task, in bytes.
    all: u64,
    /// What is left of that.
    left: Arc<AtomicU64>,
}

impl OutputRoom {
    pub(super) fn of(one: u64, all: u64) -> Self {
        Self { one, all, left: Arc::new(AtomicU64::new(all)) }
    }

    /// Returns the room beside what `directory` holds already, of earlier tasks and of others.
    pub(super) fn beside(one: u64, all: u64, directory: &Path) -> Self {
        let files = fs::read_dir(directory).into_iter().flatten().flatten();
        let held: u64 = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        let room = Self::of(one, all);
        room.left.store(all.saturating_mul(TASKS).saturating_sub(held).min(all), Ordering::Relaxed);
        room
    }

    /// Takes room for the next bytes of a program that has kept so many. Returns how many of them are kept, and what is full if
    /// not all.
    pub(super) fn take(&self, kept: u64, bytes: usize) -> (usize, Limit) {
        let of_one = self.one.saturating_sub(kept).min(bytes as u64);
        let take = |left: u64| Some(left.saturating_sub(of_one));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let taken = before.unwrap_or_else(|left| left).min(of_one);
        let limit = if taken < of_one { Limit::OfAll } else { Limit::OfOne };
        (usize::try_from(taken).unwrap_or(bytes), limit)
    }

    /// Gives back what is not kept after all.
    pub(super) fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns what is said where a limit cut an output.
    pub(super) fn words(&self, limit: Limit) -> String {
        match limit {
            Limit::OfOne => {
                format!(
                    "it holds the first {} MiB, as `output_mib` under [sandbox] says",
                    self.one >> 20
                )
            }
            Limit::OfAll => format!(
                "the outputs of a task take {} MiB together, as `outputs_mib` under [sandbox] says, and those of all tasks \
                 {TASKS} times that; `openkoi prune --older-than 7d` makes room",
                self.all >> 20
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_tasks_left_counts_once_it_takes_the_room_of_three() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, length: u64| {
            std::fs::File::create(directory.path().join(name)).unwrap().set_len(length).unwrap();
        };
        let left = || OutputRoom::beside(10, 100, directory.path()).left.load(Ordering::Relaxed);
        assert_eq!(left(), 100);

        file("one", 290);
        assert_eq!(left(), 100);

        file("other", 60);
        assert_eq!(left(), 50);

        file("third", 900);
        assert_eq!(left(), 0);
        assert_eq!(OutputRoom::beside(10, 100, directory.path()).take(0, 5), (0, Limit::OfAll));
        assert_eq!(
            OutputRoom::beside(10, 100, Path::new("/nowhere")).take(8, 5),
            (2, Limit::OfOne)
        );
    }
}
