//! An editor saves while paths are brought from one state to another. Whatever the instant, no save is overwritten or
//! removed.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::snapshot::{IndexCache, SnapshotStore, TreeId};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const FILES: usize = 120;

struct World {
    _home: tempfile::TempDir,
    root: PathBuf,
    store: SnapshotStore,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("work");
        fs::create_dir(&root).unwrap();
        let store = SnapshotStore::open(&home.path().join("kept")).unwrap();
        Self { _home: home, root, store }
    }

    fn file(&self, number: usize) -> PathBuf {
        self.root.join(format!("f{number}"))
    }

    fn capture(&self) -> TreeId {
        self.store.capture(&self.root, &mut IndexCache::default()).unwrap()
    }
}

/// Saves as editors do: a new file takes the place of the old one.
fn save(path: &Path, text: &str) {
    let beside = path.with_extension("save");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}

/// Returns the name under which the contents of a file are written before they take its place.
fn beside(world: &World, number: usize) -> PathBuf {
    let hash = Sha256::digest(format!("f{number}"));
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    world.root.join(format!(".openkoi-{hash}.tmp"))
}

/// Takes a task's work back while an editor saves each of its files, as soon as that is about to be replaced and then after
/// `delay` spins; returns the saves that are gone.
fn lost(world: &World, delay: usize) -> Vec<usize> {
    (0..FILES).for_each(|n| fs::write(world.file(n), "before").unwrap());
    let before = world.capture();
    (0..FILES).for_each(|n| fs::write(world.file(n), "of the task").unwrap());
    let mut steps = world.store.between(world.capture(), before).unwrap();
    steps.sort_by(|a, b| a.path.cmp(&b.path));
    let order = steps.iter().map(|step| step.path[1..].parse().unwrap()).collect::<Vec<usize>>();
    let is_over = AtomicBool::new(false);
    let saved = std::thread::scope(|scope| {
        let editor = scope.spawn(|| {
            let mut saved = Vec::new();
            for n in order {
                let temporary = beside(world, n);
                while !is_over.load(Ordering::Relaxed) && !temporary.exists() {
                    std::hint::spin_loop();
                }
                (0..delay).for_each(|_| std::hint::spin_loop());
                save(&world.file(n), &format!("saved {n}"));
                saved.push(n);
            }
            saved
        });
        world.store.apply(&world.root, &steps).unwrap();
        is_over.store(true, Ordering::Relaxed);
        editor.join().unwrap()
    });
    let is_lost = |n: &usize| fs::read_to_string(world.file(*n)).ok() != Some(format!("saved {n}"));
    saved.into_iter().filter(is_lost).collect()
}

#[test]
fn a_save_in_the_instant_of_a_restore_is_not_lost() {
    let world = World::new();
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < Duration::from_secs(4) {
        let lost = lost(&world, round * 997 % 30_000);
        assert!(lost.is_empty(), "round {round}: saves of {lost:?} are gone");
        round += 1;
    }
    assert!(round > 2, "only {round} rounds");
}
