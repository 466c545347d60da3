use std::fs;

use openkoi_core::{
    change_set::{CallEffects, PathEffect, PathState},
    event::Event,
    queue::Queue,
};

use super::*;
use crate::testing::{World, eventually};

const QUIET: u64 = 2_000;

struct Pond {
    world: World,
    root: PathBuf,
    running: tokio::task::JoinHandle<()>,
}

impl Drop for Pond {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// A directory that is watched.
async fn pond() -> Pond {
    let world = World::new();
    let root = fs::canonicalize(world.home()).unwrap().join("pond");
    fs::create_dir_all(root.join("target")).unwrap();
    fs::write(root.join(".gitignore"), "target\n").unwrap();
    let path = root.display().to_string();
    world.add(Trigger::Files { path: path.clone(), quiet_ms: QUIET }, &path);
    let running = tokio::spawn(run(world.app(), world.clock(), world.changed()));
    let pond = Pond { world, root, running };
    pond.is_watched().await;
    pond
}

impl Pond {
    /// Waits until a change is heard of. The system says of none when it begins to listen.
    async fn is_watched(&self) {
        eventually(|| {
            fs::write(self.root.join("probe"), "x").unwrap();
            self.world.is_awaited(self.world.now_ms() + QUIET)
        })
        .await;
        self.settle().await;
        self.world.queued(1).await;
        self.end(&["probe"]).await;
    }

    fn write(&self, name: &str) {
        fs::write(self.root.join(name), "x").unwrap();
    }

    /// Lets the time pass in which nothing may change.
    async fn settle(&self) {
        self.world.reach(self.world.now_ms() + QUIET).await;
    }

    /// Ends the run that goes on, which changed these files, and lets its end settle.
    async fn end(&self, changed: &[&str]) {
        let storage = self.world.storage();
        let task = self.world.waiting().pop().unwrap();
        storage.give(&task.task, 1).unwrap();
        let state = PathState::Absent;
        let paths = changed.iter().map(|path| PathEffect::new(*path, state.clone(), state.clone()));
        let effects = CallEffects { paths: paths.collect(), ..CallEffects::default() };
        self.world.run_in(
            task.task.as_str(),
            &task.workspace,
            vec![Event::EffectsKept { effects }],
        );
        storage.finish(&task.task, None, 2).unwrap();
        self.world.set(self.world.now_ms() + 60_000);
        self.world.tell();
        self.settle().await;
    }
}

#[tokio::test]
async fn a_change_begins_one_task_when_it_has_come_to_rest() {
    let pond = pond().await;

    pond.write("fish.rs");
    pond.world.awaits(pond.world.now_ms() + QUIET).await;
    pond.world.set(pond.world.now_ms() + QUIET / 2);
    pond.write("frog.rs");
    pond.world.awaits(pond.world.now_ms() + QUIET).await;
    assert_eq!(pond.world.waiting().len(), 0);
    pond.settle().await;

    pond.world.queued(1).await;
}

#[tokio::test]
async fn what_a_run_changes_itself_begins_nothing_and_what_others_do_meanwhile_begins_one_more() {
    let pond = pond().await;
    pond.write("fish.rs");
    pond.settle().await;
    pond.world.queued(1).await;

    pond.write("made.rs");
    pond.end(&["made.rs"]).await;
    assert_eq!(pond.world.waiting().len(), 0);

    pond.write("fish.rs");
    pond.settle().await;
    pond.world.queued(1).await;
    pond.write("made.rs");
    pond.write("other.rs");
    pond.end(&["made.rs"]).await;
    pond.world.queued(1).await;

    // What others do during the run that followed begins none.
    pond.write("other.rs");
    pond.end(&[]).await;
    assert_eq!(pond.world.waiting().len(), 0);
    pond.write("fish.rs");
    pond.settle().await;
    pond.world.queued(1).await;
}

#[tokio::test]
async fn what_cannot_be_watched_is_said() {
    let world = World::new();
    let trigger = Trigger::Files { path: "/nowhere/at/all".to_owned(), quiet_ms: QUIET };
    let id = world.add(trigger, "/nowhere");
    let running = tokio::spawn(run(world.app(), world.clock(), world.changed()));

    eventually(|| world.note(&id).is_some()).await;

    assert!(world.note(&id).unwrap().starts_with("its files cannot be watched: "));
    running.abort();
}
