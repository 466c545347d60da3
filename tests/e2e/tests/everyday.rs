//! What people run every day runs in the sandbox as it does outside: `everyday/commands.txt` in every place.
//!
//! All rows of a place run one after the other outside, in a project that is put back then, and in one task. What a row wrote
//! and its exit code are compared. Rows whose programs are missing here are told by name.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use openkoi_test_support::{
    Home, Invocation, Run, binary,
    home::host_environment,
    script::{Script, turn},
    skip::skip,
};
use serde_json::json;

use crate::world::LONG;

const TABLE: &str = include_str!("../everyday/commands.txt");
const SETUP: &str = include_str!("../everyday/setup.sh");
/// An ordinary user, where the tests run as root.
const USER: u32 = 1000;
/// The most calls of one turn.
const CALLS: usize = 10;
/// What each machine that runs these tests has the programs for.
const LEAST: usize = 25;

/// One row of the table.
struct Row {
    name: &'static str,
    needs: Vec<&'static str>,
    /// Places where it does not run as outside.
    differs: Vec<&'static str>,
    script: String,
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let word = |line: &'static str| line.split(' ').next().unwrap_or_default();
        match (
            rows.last_mut(),
            line.strip_prefix("  "),
            line.strip_prefix("needs "),
            line.strip_prefix("! "),
        ) {
            (Some(row), Some(script), ..) => row.script = format!("{}{script}\n", row.script),
            (Some(row), _, Some(needs), _) => row.needs = needs.split(' ').collect(),
            (Some(row), _, _, Some(differs)) => row.differs.push(word(differs)),
            _ => rows.push(Row {
                name: line,
                needs: Vec::new(),
                differs: Vec::new(),
                script: String::new(),
            }),
        }
    }
    rows
}

/// Where a table is run.
struct Place {
    name: &'static str,
    home: Home,
    /// The top of the project.
    top: PathBuf,
    /// Where commands start, relative to it.
    below: &'static str,
    user: Option<u32>,
    environment: Vec<(OsString, OsString)>,
}

impl Place {
    fn new(name: &'static str, home: Home) -> Self {
        let own = [("HOME", home.user()), ("TMPDIR", home.temp())];
        let own = own.map(|(name, path)| (OsString::from(name), path.into_os_string()));
        let environment = host_environment().into_iter().chain(own).collect();
        let top = home.workspace();
        let place = Self { name, home, top, below: "", user: None, environment };
        // The project is there, whatever the user's configuration says about new commits.
        let made = place.bash(&format!("export GIT_CONFIG_GLOBAL=/dev/null\n{SETUP}"), &place.top);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        place
    }

    fn bash(&self, script: &str, directory: &Path) -> std::process::Output {
        self.command("bash")
            .args(["-c", script])
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .output()
            .unwrap()
    }

    /// Returns a program that runs as the user of the place.
    fn command(&self, program: &str) -> Command {
        let Some(user) = self.user else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command.args(as_user(user)).arg(program);
        command
    }

    fn has(&self, program: &str) -> bool {
        self.bash(
            &format!("command -v {program} && {program} --version || command -v {program}"),
            Path::new("/"),
        )
        .status
        .success()
    }

    /// Runs rows outside, and returns what they wrote. Everything is then as it was.
    fn outside(&self, rows: &[&Row]) -> BTreeMap<&'static str, String> {
        let kept = self.home.root().join("kept");
        let places = ["work", "user", "main"].map(|name| self.home.root().join(name));
        let there = || places.iter().filter(|place| place.exists());
        fs::create_dir(&kept).unwrap();
        for place in there() {
            copy(place, &kept);
        }
        for (number, row) in rows.iter().enumerate() {
            self.bash(&script(row, number, &self.top), &self.top.join(self.below));
        }
        let written = self.written(rows);
        for place in places {
            fs::remove_dir_all(&place).ok();
        }
        for place in fs::read_dir(&kept).unwrap().flatten() {
            copy(&place.path(), self.home.root());
        }
        written
    }

    /// Runs rows in a task.
    fn inside(&self, rows: &[&Row]) -> (BTreeMap<&'static str, String>, Run) {
        let scripts: Vec<String> =
            rows.iter().enumerate().map(|(number, row)| script(row, number, &self.top)).collect();
        let mut turns = Vec::new();
        for (round, scripts) in (0..).zip(scripts.chunks(CALLS)) {
            let calls = scripts.iter().fold(turn().executor().in_round(round), |turn, script| {
                let directory = Some(self.below).filter(|below| !below.is_empty());
                turn.call("shell", json!({ "command": script, "directory": directory }))
            });
            turns.push(calls);
        }
        turns.push(turn().executor().say("Done."));
        let path = self.home.root().join("script.jsonl");
        fs::write(&path, Script::new(turns).and_honest_company().to_lines()).unwrap();
        let config = format!("[providers.scripted]\nscript = {path:?}\n");
        fs::create_dir_all(self.home.path()).unwrap();
        fs::write(self.home.path().join("config.toml"), config).unwrap();
        if let Some(user) = self.user {
            own(self.home.root(), user);
        }
        let words = ["run the table", "-i", "0", "-m", "scripted/file"];
        let environment = self.environment.clone();
        let (program, arguments) = match self.user {
            None => (binary::openkoi().to_owned(), Vec::new()),
            Some(user) => {
                let words =
                    as_user(user).into_iter().chain([binary::openkoi().display().to_string()]);
                (PathBuf::from("/usr/bin/setpriv"), words.collect())
            }
        };
        let run = Invocation::new(&program, &self.top.join(self.below), environment)
            .args(arguments)
            .args(words)
            .env("OPENKOI_HOME", self.home.path())
            .timeout(LONG * 3)
            .run();
        (self.written(rows), run)
    }

    fn written(&self, rows: &[&Row]) -> BTreeMap<&'static str, String> {
        let read = |number: usize| {
            let bytes = fs::read(self.top.join(".out").join(number.to_string()));
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
        };
        rows.iter().enumerate().map(|(number, row)| (row.name, read(number))).collect()
    }

    /// Runs the table, and fails with every row that does not do as it does outside.
    fn runs_the_table(&self) {
        let table = rows();
        let (here, missing): (Vec<&Row>, Vec<&Row>) =
            table.iter().partition(|row| row.needs.iter().all(|program| self.has(program)));
        for row in missing {
            let line =
                format!("not run {} ({}): needs {}\n", row.name, self.name, row.needs.join(", "));
            // Past the capture of the test harness, which would show it for failed tests only.
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
        assert!(here.len() >= LEAST, "{} rows", here.len());
        let outside = self.outside(&here);
        let (inside, run) = self.inside(&here);
        let mut wrong = String::new();
        for row in &here {
            let (there, got) = (&outside[row.name], &inside[row.name]);
            let differs = row.differs.iter().any(|place| [self.name, "*"].contains(place));
            assert!(there.contains("exit "), "{} did not end outside: {there}", row.name);
            if (there == got) == differs {
                let but = if differs { ", and is said to differ" } else { "" };
                wrong.push_str(&format!(
                    "\n== {} ({}){but}\n-- outside\n{there}-- inside\n{got}",
                    row.name, self.name
                ));
            }
        }
        // At once, so that it stands beside the name of the test also where the output is long.
        std::io::stderr().write_all(wrong.as_bytes()).unwrap();
        assert!(inside.values().any(|got| !got.is_empty()), "{run}");
        assert!(wrong.is_empty(), "rows that do not run as outside are above");
    }
}

/// Returns the line that runs a row and keeps what it writes.
fn script(row: &Row, number: usize, top: &Path) -> String {
    let (out, script) = (top.join(".out"), &row.script);
    format!(
        "mkdir -p {out:?}; T={top:?}; export GIT_AUTHOR_DATE=2024-01-02T00:00:00Z GIT_COMMITTER_DATE=2024-01-02T00:00:00Z\n\
         (\n{script}) > {out:?}/{number} 2>&1 < /dev/null; echo \"exit $?\" >> {out:?}/{number}"
    )
}

fn as_user(user: u32) -> Vec<String> {
    vec![
        format!("--reuid={user}"),
        format!("--regid={user}"),
        "--clear-groups".to_owned(),
        "--".to_owned(),
    ]
}

fn copy(from: &Path, into: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(into).status();
    assert!(done.is_ok_and(|status| status.success()), "{} cannot be copied", from.display());
}

fn own(path: &Path, user: u32) {
    let done = Command::new("chown").arg("-R").arg(format!("{user}:{user}")).arg(path).status();
    assert!(done.is_ok_and(|status| status.success()), "{} cannot be given away", path.display());
}

/// A home that has what homes have, without keys: git finds a name there.
fn named() -> Home {
    Home::new().user_file(
        ".gitconfig",
        "[user]\nname = Grace\nemail = g@example.org\n[init]\ndefaultBranch = main\n",
    )
}

/// A home in which somebody has lived.
fn lived_in() -> Home {
    Home::new()
        .user_file(
            ".gitconfig",
            "[include]\npath = ~/.config/git/identity\n[credential]\nhelper = store\n[commit]\ngpgsign = true\n\
             [user]\nsigningkey = 4AEE18F83AFDEB23\n[alias]\nst = status\n[core]\neditor = vi\n[pull]\nrebase = true\n",
        )
        .user_file(".config/git/identity", "[user]\nname = Grace\nemail = g@example.org\n")
        .user_file(".config/git/ignore", "*.swp\n")
        .user_file(".config/git/attributes", "*.csv text\n")
        .user_file(".git-credentials", "https://grace:secret@example.org\n")
        .user_file(".npmrc", "fund=false\nupdate-notifier=false\n")
        .user_file(".cargo/config.toml", "[term]\nquiet = false\n")
        .user_file(".config/pip/pip.conf", "[global]\ndisable-pip-version-check = true\n")
        .user_file(".config/tool/settings", "liked\n")
        .user_file(".bashrc", "echo from the profile\nalias ls='ls --color=always'\n")
        .user_file(".profile", "echo from the profile\n")
        .user_file(".python_history", "print(1)\n")
        .user_file(".m2/settings.xml", "<settings/>\n")
        .user_file(".nvm/nvm.sh", "true\n")
        .user_file(".ssh/id_ed25519", "no key\n")
        .user_file(".ssh/config", "Host *\n")
        .user_file(".aws/credentials", "[default]\n")
        .user_file(".gnupg/gpg.conf", "no-greeting\n")
}

#[test]
fn everyday_commands_run_as_outside() {
    Place::new("plain", named()).runs_the_table();
}

#[test]
fn everyday_commands_run_as_outside_for_an_ordinary_user() {
    let name = "everyday_commands_run_as_outside_for_an_ordinary_user";
    if !rustix::process::geteuid().is_root() {
        // Everything else here is the test.
        return;
    }
    let mut place = Place::new("user", named());
    place.user = Some(USER);
    // What lies in the home of root is closed to others.
    let path = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin".into();
    place.environment.retain(|(name, _)| {
        !["PATH", "CARGO_HOME", "RUSTUP_HOME", "PYENV_ROOT", "VIRTUAL_ENV"]
            .iter()
            .any(|one| name == one)
    });
    place.environment.push(("PATH".into(), path));
    own(place.home.root(), USER);
    let starts = place.command(&binary::openkoi().display().to_string()).arg("--version").output();
    if !starts.is_ok_and(|output| output.status.success()) {
        return skip(name, "another user cannot run the program here");
    }
    place.runs_the_table();
}

#[test]
fn everyday_commands_run_as_outside_in_a_worktree() {
    let mut place = Place::new("worktree", named());
    let (work, main) = (place.home.workspace(), place.home.root().join("main"));
    fs::rename(&work, &main).unwrap();
    let added = place.bash(&format!("git worktree add -q -b beside {work:?}"), &main);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    place.top = work;
    place.runs_the_table();
}

#[test]
fn everyday_commands_run_as_outside_in_a_directory_below() {
    let mut place = Place::new("below", named());
    place.below = "sub/deep";
    fs::create_dir_all(place.top.join(place.below)).unwrap();
    place.runs_the_table();
}

#[test]
fn everyday_commands_run_as_outside_in_a_lived_in_home() {
    Place::new("lived-in", lived_in()).runs_the_table();
}

/// A home with caches of package managers, and nothing but these to install from.
#[test]
fn everyday_commands_run_as_outside_with_caches() {
    let home = named()
        .user_file(".cache/everyday/x", "from before\n")
        .user_file(".cache/pip/selfcheck/x", "{}\n")
        .user_file(".npm/_cacache/tmp/x", "")
        .user_file("go/pkg/mod/cache/download/x", "");
    Place::new("caches", home).runs_the_table();
}
