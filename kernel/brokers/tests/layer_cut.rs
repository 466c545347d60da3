//! Commits of layers that are killed at every point, and gone on with.
#![cfg(all(target_os = "linux", debug_assertions))]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::{Tree, World, world};
use openkoi_brokers::failpoint::VARIABLE;
use openkoi_brokers::layer::{Layer, LayerError, LayerPlan};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Every kind of step.
const SCRIPT: &str = "echo more >> one; echo new > new; rm two; mkdir -p a/b; echo d > a/b/d; ln -s d a/b/l; \
     rm -rf docs; echo file > docs; rm link; mkdir link; echo in > link/side; chmod 700 src; mv src/main m; \
     ln new newer; mkdir cache; echo c > cache/c; touch -d @1000000000 target/old; chmod 555 a/b";

/// Whose the layer is.
const OWNER: &str = "task call";

/// What the process that is killed does: it makes a layer over a workspace, and commits it.
#[tokio::test]
#[ignore = "run by the tests below in a process of its own"]
async fn a_process_that_commits() {
    let base = std::env::var("LAYER_BASE").unwrap();
    let world = World::at(Path::new(&base));
    let layers = std::env::var("LAYER_LAYERS").unwrap();
    let layer = world.processes.layer(layers.as_ref(), &world.work(""), Vec::new()).unwrap();
    fs::write(world.base.join("id"), layer.id()).unwrap();
    layer.belongs_to(OWNER).unwrap();
    world.run(Some(&layer), SCRIPT).await;
    let mut plan = layer.plan(&world.store, &passes).unwrap();
    plan.commit().unwrap();
}

fn passes(path: &Path) -> bool {
    path == Path::new("cache")
}

/// Kills a process that commits at a point; tells whether it came to it.
fn killed(world: &World, layers: &Path, points: &str) -> bool {
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_process_that_commits"])
        .env("LAYER_BASE", &world.base)
        .env("LAYER_LAYERS", layers)
        .env(VARIABLE, points)
        .output()
        .unwrap();
    !ran.status.success()
}

async fn expected() -> Tree {
    let plain = world();
    let (out, code) = plain.run(None, SCRIPT).await;
    assert_eq!(code, Some(0), "{out}");
    plain.tree()
}

/// Goes on with the plan of a process that is gone.
fn go_on(world: &World, layers: &Path) -> Result<(), LayerError> {
    let id = fs::read_to_string(world.base.join("id")).unwrap();
    let committed = LayerPlan::reopen(layers, &id, &world.store)?.commit()?;
    assert_eq!(committed.conflicts, []);
    assert_eq!(committed.effects.len(), 18, "{:#?}", committed.effects);
    Ok(())
}

#[tokio::test]
async fn a_commit_that_is_killed_anywhere_is_gone_on_with() {
    let expected = expected().await;
    let mut cuts = 0;
    for point in std::iter::once("layer-planned=kill".to_owned())
        .chain((1..).map(|passage| format!("layer-step=kill@{passage}")))
    {
        let world = world();
        let before = world.tree();
        let was_killed = killed(&world, &world.layers(), &point);
        if !was_killed {
            assert_eq!(world.tree(), expected, "{point}");
            break;
        }
        cuts += 1;
        if cuts == 1 {
            assert_eq!(world.tree(), before, "{point}: nothing is there");
        }
        // A layer with a plan is not swept by the next one.
        drop(world.layer());

        go_on(&world, &world.layers()).unwrap();

        assert_eq!(world.tree(), expected, "{point}");
        assert_eq!(fs::read_dir(world.layers()).unwrap().count(), 0, "{point}");
    }
    assert!(cuts > 20, "{cuts}");
}

#[tokio::test]
async fn a_commit_to_another_file_system_is_gone_on_with_too() {
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else { return };
    let expected = expected().await;
    for passage in 1..=3 {
        for name in ["layer-copied", "layer-step"] {
            let world = world();
            if world.processes.layer(elsewhere.path(), &world.work(""), Vec::new()).is_err() {
                return;
            }
            let point = format!("{name}=kill@{passage}");
            assert!(killed(&world, elsewhere.path(), &point), "{point}");

            go_on(&world, elsewhere.path()).unwrap();

            let mut tree = world.tree();
            // The half of a copy that was killed is left, beside its target. It has a name that says whose it is.
            tree.retain(|path, _| !path.contains(".openkoi-"));
            assert_eq!(tree, expected, "{point}");
        }
    }
}

#[tokio::test]
async fn what_others_change_after_a_kill_stays() {
    let world = world();
    assert!(killed(&world, &world.layers(), "layer-step=kill@4"));
    world.save("new", "theirs");
    world.write("src/theirs", "theirs");
    fs::write(world.work("m"), "theirs").unwrap();

    let id = fs::read_to_string(world.base.join("id")).unwrap();
    let committed =
        LayerPlan::reopen(&world.layers(), &id, &world.store).unwrap().commit().unwrap();

    for path in ["new", "src/theirs", "m"] {
        assert_eq!(world.text(path), "theirs", "{path}");
    }
    assert!(committed.conflicts.iter().any(|conflict| conflict.path == "m"), "{committed:?}");
}

#[tokio::test]
async fn a_plan_is_gone_on_with_by_its_name_alone_and_by_one_process() {
    let world = world();
    let plan = world.plan(world.in_layer("echo x > new").await);
    let id = plan.id().to_owned();
    for wrong in [id.as_str(), "", "..", "../layers", "none"] {
        let reopened = LayerPlan::reopen(&world.layers(), wrong, &world.store);
        assert!(matches!(reopened, Err(LayerError::NoPlan { .. })), "{wrong}");
    }
    drop(plan);
    let kept = LayerPlan::reopen(&world.layers(), &id, &world.store).unwrap();
    kept.discard().unwrap();
    assert!(!world.work("new").exists());
    assert_eq!(fs::read_dir(world.layers()).unwrap().count(), 0);
    Layer::sweep(&world.layers());
}

#[tokio::test]
async fn what_programs_wrote_until_their_process_was_killed_is_found_by_whose_it_is() {
    let expected = expected().await;
    let world = world();
    let layers = world.layers();
    assert!(killed(&world, &layers, "layer-planned=kill"));
    // Nothing of it is in the workspace, and somebody else makes layers meanwhile.
    Layer::sweep(&layers);
    assert!(Layer::left(&layers, "task").is_none());

    let layer = Layer::left(&layers, OWNER).unwrap();
    assert!(Layer::left(&layers, OWNER).is_none(), "it has an owner again");
    let committed = layer.plan(&world.store, &passes).unwrap().commit().unwrap();

    assert_eq!((committed.conflicts, committed.effects.len()), (Vec::new(), 18));
    assert_eq!(world.tree(), expected);
    assert_eq!(fs::read_dir(&layers).unwrap().count(), 0);
}
