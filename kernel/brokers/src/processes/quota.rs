//! The disk that a program may take: what it writes into its layer and its temporary directory has a limit.
//!
//! What it has written is counted as often as counting takes a fiftieth of the time, and besides at once when the disk has lost
//! as much as the limit, which costs nothing to see.

use super::settings::ProgramLimits;
use crate::sabotage::{Guard, off};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often the disk is looked at.
const EVERY: Duration = Duration::from_millis(200);
/// How many times as long as it takes to count nothing is counted again.
const SELDOM: u32 = 50;

/// A watch over what a program writes, until this is dropped.
pub(super) struct DiskWatch {
    task: JoinHandle<()>,
    is_exceeded: Arc<AtomicBool>,
    most: u64,
}

impl DiskWatch {
    /// Begins to watch what is written into `places`. Where it is more than the limit, the program is to be killed.
    pub(super) fn start(places: Vec<PathBuf>, limits: ProgramLimits, kill: Arc<Notify>) -> Self {
        let (most, is_exceeded) = (limits.disk, Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&is_exceeded);
        let task = tokio::spawn(async move {
            wait_for_excess(places, most).await;
            told.store(true, Ordering::Release);
            kill.notify_one();
        });
        Self { task, is_exceeded, most }
    }

    /// Returns what is said of a program that wrote too much.
    pub(super) fn note(&self) -> Option<String> {
        let megabytes = self.most >> 20;
        self.is_exceeded.load(Ordering::Acquire).then(|| {
            format!(
                "\n[openkoi: ended, because it wrote more than {megabytes} MiB; `disk_mib` under [sandbox] is the limit]\n"
            )
        })
    }
}

impl Drop for DiskWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns once there is more in `places` than `most` bytes.
async fn wait_for_excess(places: Vec<PathBuf>, most: u64) {
    let places = Arc::new(places);
    let mut begun = free(&places);
    let mut left = most;
    let mut next = Instant::now();
    loop {
        tokio::time::sleep(EVERY).await;
        let now = free(&places);
        let lost = begun.iter().zip(&now).map(|(begun, now)| begun.saturating_sub(*now));
        let is_due = Instant::now() >= next || lost.max().unwrap_or(0) >= left;
        if !is_due || off(Guard::ProcessDisk) {
            continue;
        }
        let counted = Arc::clone(&places);
        let counting = Instant::now();
        let count = move || counted.iter().map(|place| taken(place)).sum::<u64>();
        let Ok(taken) = tokio::task::spawn_blocking(count).await else { return };
        if taken > most {
            return;
        }
        // As long as somebody else fills the disk too, it is counted again once this program can have taken the rest.
        (begun, left) = (now, (most - taken).max(most / 16));
        next = Instant::now() + counting.elapsed() * SELDOM;
    }
}

/// Returns the free bytes of the file systems that the places are on.
fn free(places: &[PathBuf]) -> Vec<u64> {
    let free = |place: &PathBuf| {
        rustix::fs::statvfs(place).map_or(0, |stat| stat.f_bfree.saturating_mul(stat.f_frsize))
    };
    places.iter().map(free).collect()
}

/// Returns the bytes that a directory takes on the disk with all that is in it. What is closed even to its owner counts as
/// nothing.
fn taken(directory: &Path) -> u64 {
    const BLOCK: u64 = 512;
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| {
        let Ok(meta) = entry.metadata() else { return 0 };
        let below = if meta.is_dir() { taken(&entry.path()) } else { 0 };
        (meta.blocks() * BLOCK).saturating_add(below)
    };
    entries.map(of).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::taken;

    #[test]
    fn what_a_directory_takes_is_its_blocks_and_not_the_lengths_of_files() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("a/b")).unwrap();
        std::fs::write(directory.path().join("a/b/full"), vec![1; 1 << 20]).unwrap();
        let holes = std::fs::File::create(directory.path().join("holes")).unwrap();
        holes.set_len(1 << 30).unwrap();
        std::os::unix::fs::symlink("/", directory.path().join("link")).unwrap();
        holes.sync_all().unwrap();
        std::fs::File::open(directory.path().join("a/b/full")).unwrap().sync_all().unwrap();

        let taken = taken(directory.path());

        assert!((1 << 20..2 << 20).contains(&taken), "{taken}");
    }
}
