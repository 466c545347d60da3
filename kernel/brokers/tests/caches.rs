//! Caches of tools: programs read and write them, and nobody else sees what they wrote.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::{World, run, world};
use openkoi_brokers::layer::{Layer, remove_all};
use openkoi_brokers::processes::{Command, Processes};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A home with caches of npm, Gradle and Hex, two of them with secrets in them.
fn home(world: &World) -> PathBuf {
    let home = world.base.join("home");
    fs::create_dir_all(home.join(".npm/_cacache")).unwrap();
    fs::write(home.join(".npm/_cacache/index"), "theirs\n").unwrap();
    fs::create_dir_all(home.join(".gradle/caches")).unwrap();
    fs::write(home.join(".gradle/caches/jar"), "jar\n").unwrap();
    fs::write(home.join(".gradle/gradle.properties"), "token=canary\n").unwrap();
    fs::create_dir_all(home.join(".hex/packages")).unwrap();
    fs::write(home.join(".hex/packages/one"), "one\n").unwrap();
    fs::write(home.join(".hex/hex.config"), "{<<\"$read_key\">>,<<\"canary\">>}.\n").unwrap();
    home
}

fn processes(world: &World, home: &Path) -> Processes {
    let base = world.base.clone();
    world.processes_with(|settings| {
        let mut environment = settings.environment.as_ref().clone();
        environment.insert("HOME".into(), home.into());
        settings.environment = Arc::new(environment);
        settings.caches = Some(base.join("caches"));
    })
}

async fn sh(processes: &Processes, work: &Path, layer: Option<&Layer>, script: &str) -> String {
    let mut command = Command::new("sh", work);
    command.arguments = vec!["-c".to_owned(), format!("({script}) 2>&1")];
    command.layer = layer.map(Layer::mount);
    run(processes, command).await.0
}

#[tokio::test]
async fn what_a_program_writes_into_a_cache_is_there_for_the_next_one_and_for_nobody_else() {
    let world = world();
    let home = home(&world);
    let processes = processes(&world, &home);
    let other = world.base.join("other");
    fs::create_dir(&other).unwrap();
    let layer = world.layer();
    let elsewhere = processes.layer(&world.layers(), &other, Vec::new()).unwrap();
    let work = world.work("");

    let first = "cd ~/.npm/_cacache && cat index && echo ours > index && echo new > pack && ls";
    assert_eq!(sh(&processes, &work, Some(&layer), first).await, "theirs\nindex\npack\n");
    let second = "cd ~/.npm/_cacache && cat index pack && rm index && ls";
    assert_eq!(sh(&processes, &work, Some(&layer), second).await, "ours\nnew\npack\n");
    let there = "cd ~/.npm/_cacache && cat index && ls";
    assert_eq!(sh(&processes, &other, Some(&elsewhere), there).await, "theirs\nindex\n");

    assert_eq!(fs::read_to_string(home.join(".npm/_cacache/index")).unwrap(), "theirs\n");
    assert_eq!(fs::read_dir(home.join(".npm/_cacache")).unwrap().count(), 1);
    remove_all(&world.base.join("caches")).unwrap();
    assert!(!world.base.join("caches").exists());
}

#[tokio::test]
async fn secrets_in_a_cache_are_empty_files_whatever_a_program_does_to_them() {
    let world = world();
    let home = home(&world);
    let processes = processes(&world, &home);
    let layer = world.layer();

    let script = "cd ~/.gradle && cat caches/jar gradle.properties; rm -f gradle.properties; cat gradle.properties; \
                  ls -a; mv caches elsewhere; cat gradle.properties";
    let out = sh(&processes, &world.work(""), Some(&layer), script).await;

    assert!(out.starts_with("jar\n") && !out.contains("canary"), "{out}");
    let kept = fs::read_to_string(home.join(".gradle/gradle.properties")).unwrap();
    assert_eq!(kept, "token=canary\n");

    let hex = "cat ~/.hex/packages/one ~/.hex/hex.config; echo ours > ~/.hex/hex.config; cat ~/.hex/hex.config";
    assert_eq!(sh(&processes, &world.work(""), Some(&layer), hex).await, "one\nours\n");
    // Without a layer there is nothing that could lie over them.
    let script = "cat ~/.hex/hex.config ~/.gradle/gradle.properties";
    let out = sh(&processes, &world.work(""), None, script).await;
    assert!(!out.contains("canary"), "{out}");
    let kept = fs::read_to_string(home.join(".hex/hex.config")).unwrap();
    assert_eq!(kept, "{<<\"$read_key\">>,<<\"canary\">>}.\n");
}

#[tokio::test]
async fn a_tool_without_a_cache_is_told_where_to_have_one() {
    let world = world();
    let home = home(&world);
    let processes = processes(&world, &home);
    let layer = world.layer();
    let work = world.work("");

    let script = "echo kept > $PIP_CACHE_DIR/wheel; echo ${npm_config_cache-unset}";
    assert_eq!(sh(&processes, &work, Some(&layer), script).await, "unset\n");
    assert_eq!(sh(&processes, &work, None, "cat $PIP_CACHE_DIR/wheel").await, "kept\n");
    // pnpm has its store in a place that holds more, and Maven goes by an option.
    let script = "mkdir $PNPM_HOME/store; cd ${MAVEN_OPTS##*-Dmaven.repo.local=} && echo kept > jar; ls $PNPM_HOME";
    assert_eq!(sh(&processes, &work, Some(&layer), script).await, "store\n");
    let script = "cat ${MAVEN_OPTS##*-Dmaven.repo.local=}/jar";
    assert_eq!(sh(&processes, &work, None, script).await, "kept\n");
    assert!(!home.join(".cache").exists() && !home.join(".m2").exists());
}

#[tokio::test]
async fn tools_that_nobody_knows_have_a_cache_too_and_those_that_are_known_keep_theirs() {
    let world = world();
    let home = home(&world);
    fs::create_dir_all(home.join(".cache/go-build")).unwrap();
    fs::write(home.join(".cache/go-build/built"), "theirs\n").unwrap();
    let processes = processes(&world, &home);
    let layer = world.layer();
    let work = world.work("");

    let script =
        "mkdir $XDG_CACHE_HOME/tool && echo mine > $XDG_CACHE_HOME/tool/x; cat $GOCACHE/built";
    assert_eq!(sh(&processes, &work, Some(&layer), script).await, "theirs\n");
    assert_eq!(sh(&processes, &work, None, "cat $XDG_CACHE_HOME/tool/x").await, "mine\n");
    assert!(!home.join(".cache/tool").exists());
}

#[tokio::test]
async fn without_a_layer_a_cache_is_not_written_to() {
    let world = world();
    let home = home(&world);
    let processes = processes(&world, &home);

    let out =
        sh(&processes, &world.work(""), None, "echo ours > ~/.npm/_cacache/index; echo $?").await;

    assert!(out.contains("ermission denied") && !out.ends_with("0\n"), "{out}");
    assert_eq!(fs::read_to_string(home.join(".npm/_cacache/index")).unwrap(), "theirs\n");
}
