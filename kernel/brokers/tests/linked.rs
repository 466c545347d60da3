//! Git in a linked working tree: what it writes is brought into the repository as far as it takes nothing from others.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::{World, run};
use openkoi_brokers::layer::{Committed, Layer};
use openkoi_brokers::processes::Command;
use std::fs;
use std::path::Path;

/// A repository with two commits, a linked working tree `work` on a branch of its name, and one beside it.
struct Repositories {
    _home: tempfile::TempDir,
    world: World,
}

fn git(directory: &Path, line: &str) -> String {
    let done = std::process::Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"])
        .args(["-c", "protocol.file.allow=always"])
        .args(line.split(' '))
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "git {line}: {said}{}", String::from_utf8_lossy(&done.stderr));
    said.trim_end().to_owned()
}

fn repositories() -> Repositories {
    let home = tempfile::tempdir().unwrap();
    let base = home.path().canonicalize().unwrap();
    let main = base.join("main");
    fs::create_dir(&main).unwrap();
    git(&main, "init -q");
    git(&main, "config user.name B");
    git(&main, "config user.email b@c.d");
    fs::write(main.join("file"), "one\n").unwrap();
    git(&main, "add file");
    git(&main, "commit -qm first");
    git(&main, "commit -q --allow-empty -m second");
    git(&main, "worktree add -q ../work");
    git(&main, "worktree add -q ../beside");
    let world = World::at(&base);
    Repositories { _home: home, world }
}

impl Repositories {
    fn git(&self, line: &str) -> String {
        git(&self.world.base.join("main"), line)
    }

    /// Runs a script in a layer over the working tree and brings in what it did.
    async fn does(&self, script: &str) -> (String, Committed) {
        let layer = self.world.layer();
        let out = self.in_layer(&layer, script).await;
        (out, self.world.commit(layer))
    }

    async fn in_layer(&self, layer: &Layer, script: &str) -> String {
        let mut command = Command::new("sh", self.world.work(""));
        command.arguments = vec!["-c".to_owned(), format!("({script}) 2>&1")];
        command.layer = Some(layer.mount());
        run(&self.world.processes, command).await.0
    }
}

#[tokio::test]
async fn commits_branches_tags_and_what_was_stashed_are_in_the_repository() {
    let all = repositories();

    let script = "echo two >> file && git commit -qam third && git tag done && git switch -qc next \
                  && echo new > new && git add new && git commit -qm fourth && echo more >> file && git stash -q \
                  && git log --format=%s";
    let (out, done) = all.does(script).await;

    assert_eq!(out, "fourth\nthird\nsecond\nfirst\n");
    assert_eq!(all.git("log --format=%s work"), "third\nsecond\nfirst");
    assert_eq!(all.git("log --format=%s next -1"), "fourth");
    assert_eq!(all.git("rev-parse done"), all.git("rev-parse work"));
    assert!(all.git("stash list").contains("WIP on next"));
    all.git("fsck --strict --no-dangling");
    let work = all.world.work("");
    assert_eq!(git(&work, "status --short --branch"), "## next");
    assert_eq!(fs::read_to_string(work.join("new")).unwrap(), "new\n");
    let told = done.repository.join("\n");
    assert!(told.contains("refs/heads/work") && told.contains("refs/heads/next"), "{told}");
    assert!(!told.contains("left as it is"), "{told}");
}

#[tokio::test]
async fn what_is_not_brought_in_changes_nothing() {
    let all = repositories();
    let before = all.git("for-each-ref");

    let layer = all.world.layer();
    let out = all
        .in_layer(&layer, "echo two >> file; git commit -qam third; git log -1 --format=%s")
        .await;
    assert_eq!(out, "third\n");
    layer.discard().unwrap();

    assert_eq!(all.git("for-each-ref"), before);
    assert_eq!(git(&all.world.work(""), "status --short --branch"), "## work");
}

#[tokio::test]
async fn what_others_have_in_the_repository_is_not_taken_from_them() {
    let all = repositories();
    git(&all.world.base.join("beside"), "commit -q --allow-empty -m theirs");
    all.git("branch kept HEAD~1");
    fs::write(all.world.base.join("main/file"), "mine\n").unwrap();
    all.git("stash push -qm mine");
    let before = all.git("for-each-ref");
    let config = all.git("config --list --local");
    let repository = all.world.base.join("main/.git");
    let repository = repository.display();

    for script in [
        // Branches on which others stand, by git and behind its back.
        format!("echo {} > {repository}/refs/heads/main", "1".repeat(40)),
        "git update-ref refs/heads/main HEAD~1".to_owned(),
        "git update-ref refs/heads/beside HEAD".to_owned(),
        "git branch -D kept".to_owned(),
        "git stash drop; git stash clear".to_owned(),
        // A reference whose old place nobody would find again.
        format!(
            "echo $(git rev-parse HEAD) > {repository}/refs/heads/kept; : > {repository}/logs/refs/heads/kept"
        ),
        // What steers git everywhere.
        "git config core.fsmonitor /tmp/evil; git config alias.st status".to_owned(),
        format!(
            "echo exit > {repository}/hooks/pre-commit; echo /x > {repository}/objects/info/alternates"
        ),
        format!("rm -rf {repository}/objects {repository}/refs {repository}/logs"),
        format!("mv {repository}/refs {repository}/worktrees/work/refs; ln -s / {repository}/refs"),
    ] {
        let (out, done) = all.does(&script).await;

        assert_eq!(all.git("for-each-ref"), before, "{script}: {out}");
        assert_eq!(all.git("config --list --local"), config, "{script}: {out}");
        assert!(!all.world.base.join("main/.git/hooks/pre-commit").exists(), "{out}");
        assert!(!all.world.base.join("main/.git/objects/info/alternates").exists(), "{out}");
        assert!(all.git("reflog show kept").contains("branch: Created"), "{script}: {out}");
        all.git("fsck --strict --no-dangling");
        drop(done);
    }
    assert!(all.git("stash list").contains("mine"));
}

#[tokio::test]
async fn a_lock_of_a_person_is_heard_and_what_is_left_is_told() {
    let all = repositories();
    fs::write(all.world.base.join("main/.git/refs/heads/work.lock"), "").unwrap();
    let before = all.git("rev-parse work");

    let layer = all.world.layer();
    // The lock is seen inside too, so the reference is moved behind git's back.
    let script = "git commit-tree -m third -p HEAD HEAD^{tree} > id; \
                  cat id > $(git rev-parse --git-common-dir)/refs/heads/work; rm id";
    let out = all.in_layer(&layer, script).await;
    let done = all.world.commit(layer);

    assert_eq!(all.git("rev-parse work"), before, "{out}");
    assert!(done.repository.join("\n").contains("refs/heads/work of the repository"), "{done:?}");
}

#[tokio::test]
async fn commits_in_a_submodule_are_in_its_repository() {
    let all = repositories();
    let over = all.world.base.join("over");
    fs::create_dir(&over).unwrap();
    git(&over, "init -q");
    git(&over, "submodule -q add ../main sub");
    let sub = over.join("sub");
    git(&sub, "config user.name B");
    git(&sub, "config user.email b@c.d");
    let layer = all.world.processes.layer(&all.world.layers(), &sub, Vec::new()).unwrap();

    let mut command = Command::new("sh", &sub);
    let script = "echo two >> file && git commit -qam third 2>&1 && git log -1 --format=%s";
    command.arguments = vec!["-c".to_owned(), script.to_owned()];
    command.layer = Some(layer.mount());
    let (out, _) = run(&all.world.processes, command).await;
    all.world.commit(layer);

    assert_eq!(out, "third\n");
    assert_eq!(git(&sub, "log -1 --format=%s"), "third");
    assert_eq!(git(&sub, "status --short"), "");
}
