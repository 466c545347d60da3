//! A hermetic world for one test: OpenKoi's home, the user's home, a workspace, and nothing else of this
//! machine but its toolchains.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    binary,
    command::Invocation,
    normal,
    project::Kind,
    script::Script,
    server::{Server, Wire},
    tree::Tree,
};

/// The world of one test. Dropping it removes the directories.
#[derive(Debug)]
pub struct Home {
    directory: TempDir,
    environment: Vec<(OsString, OsString)>,
}

/// The variable that says what is learnt from tasks.
const LEARNING: &str = "OPENKOI_LEARNING";

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Returns an empty world.
    ///
    /// # Panics
    ///
    /// When there is no temporary directory.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("koi-").tempdir().expect("a directory");
        let home = Self { directory, environment: Vec::new() };
        for path in [home.workspace(), home.user()] {
            fs::create_dir(path).expect("the directory is new");
        }
        let environment = host_environment();
        let own = [("HOME", home.user()), ("OPENKOI_HOME", home.path()), ("TMPDIR", home.temp())];
        fs::create_dir(home.temp()).expect("the directory is new");
        let own = own.map(|(name, path)| (OsString::from(name), path.into_os_string()));
        let learns = (OsString::from(LEARNING), OsString::from("off"));
        Self { environment: environment.into_iter().chain(own).chain([learns]).collect(), ..home }
    }

    /// Has each run learn from what it did. Otherwise none does, because it costs half a second in a home that is new, and
    /// a script for a model would have to know of it.
    #[must_use]
    pub fn learning(self) -> Self {
        self.env(LEARNING, "on")
    }

    /// Returns `OPENKOI_HOME`, which does not exist before the first run or the first file in it.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// Returns the workspace: where runs start.
    pub fn workspace(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// Returns the user's home directory.
    pub fn user(&self) -> PathBuf {
        self.directory.path().join("user")
    }

    /// Returns the directory for temporary files.
    pub fn temp(&self) -> PathBuf {
        self.directory.path().join("temp")
    }

    /// Returns the directory that holds all of it.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Puts a project with a failing test into the workspace.
    #[must_use]
    pub fn project(self, kind: Kind) -> Self {
        kind.files().into_iter().fold(self, |home, (path, text)| home.file(path, text))
    }

    /// Writes a file of the workspace.
    #[must_use]
    pub fn file(self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        write(&self.workspace().join(path), contents.as_ref());
        self
    }

    /// Writes a file of the user's home directory.
    #[must_use]
    pub fn user_file(self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        write(&self.user().join(path), contents.as_ref());
        self
    }

    /// Appends to the user's `config.toml`.
    #[must_use]
    pub fn config(self, text: &str) -> Self {
        let path = self.path().join("config.toml");
        let earlier = fs::read_to_string(&path).unwrap_or_default();
        write(&path, format!("{earlier}{text}\n").as_bytes());
        self
    }

    /// Sets a variable of every run.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Makes `script` the model of every run, and another model the planner, so that a plan is asked for first. The
    /// notice that answers are scripted stays.
    #[must_use]
    pub fn script(self, script: &Script) -> Self {
        let path = self.directory.path().join("script.jsonl");
        write(&path, script.to_lines().as_bytes());
        let config = format!(
            "[providers.scripted]\nscript = {path:?}\n\
             [providers.planning]\ncomponent = \"scripted\"\nscript = {path:?}\n\
             [roles]\nplanner = \"planning/file\""
        );
        self.env("OPENKOI_MODEL", "scripted/file").config(&config)
    }

    /// Makes the mock server the only provider, with its key in the environment and its model for all roles.
    #[must_use]
    pub fn provider<W: Wire>(self, server: &Server<W>) -> Self {
        let mut config = format!("[providers.{}]\nbase_url = {:?}\n", W::NAME, server.base_url());
        for (name, value) in W::options() {
            config.push_str(&format!("{name} = {value:?}\n"));
        }
        let home = self.env("OPENKOI_MODEL", format!("{}/{}", W::NAME, W::MODEL));
        let variables = W::environment().into_iter();
        variables.fold(home, |home, (name, value)| home.env(name, value)).config(&config)
    }

    /// Returns a run of the binary in the workspace.
    pub fn openkoi<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Invocation {
        let run = Invocation::new(binary::openkoi(), &self.workspace(), self.environment.clone());
        run.args(arguments)
    }

    /// Returns a run of a shell script in the workspace, with the surroundings that the binary would have.
    pub fn shell(&self, script: &str) -> Invocation {
        let shell = Path::new("/bin/sh");
        Invocation::new(shell, &self.workspace(), self.environment.clone()).args(["-c", script])
    }

    /// Returns the workspace as a value.
    pub fn tree(&self) -> Tree {
        Tree::read(&self.workspace())
    }

    /// Returns the text of a file of the workspace.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.workspace().join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns whether a path of the workspace exists.
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        self.workspace().join(path).symlink_metadata().is_ok()
    }

    /// Returns `text` without what differs from run to run: paths, ids, times.
    pub fn normalise(&self, text: &str) -> String {
        let (home, work, user) = (self.path(), self.workspace(), self.user());
        let placeholders: [(&Path, &str); 4] =
            [(&home, "[HOME]"), (&work, "[WORKSPACE]"), (&user, "[USER]"), (self.root(), "[ROOT]")];
        let text = normal::paths(text, &placeholders);
        normal::normalise(&normal::short_ids(&text, &self.ids()))
    }

    /// Returns the ids that occur in file names of the home.
    pub fn ids(&self) -> Vec<String> {
        if !self.path().is_dir() {
            return Vec::new();
        }
        let tree = Tree::read(&self.path());
        let names = tree.0.keys().flat_map(|path| path.split(['/', '.']));
        let mut ids: Vec<String> =
            names.filter(|name| normal::is_id(name)).map(str::to_owned).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// Returns the command lines of processes that belong to this world: those that have its directory in
    /// their environment or as the place they run in.
    pub fn processes(&self) -> Vec<String> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = entries.map(|entry| entry.path()).filter(|path| self.owns(path));
        processes.map(|path| command_line(&path)).filter(|line| !line.is_empty()).collect()
    }

    fn owns(&self, process: &Path) -> bool {
        let root = self.root();
        let place = fs::read_link(process.join("cwd")).unwrap_or_default();
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        place.starts_with(root)
            || String::from_utf8_lossy(&environment).contains(root.to_string_lossy().as_ref())
    }
}

fn command_line(process: &Path) -> String {
    let bytes = fs::read(process.join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned()
}

fn write(path: &Path, contents: &[u8]) {
    let parent = path.parent().expect("a file has a directory");
    fs::create_dir_all(parent).expect("the directory can be made");
    fs::write(path, contents).expect("the file can be written");
}

/// Returns what toolchains need of the host, so that they work although `HOME` is another one.
#[must_use]
pub fn host_environment() -> Vec<(OsString, OsString)> {
    let pair = |name: &str, value: OsString| (OsString::from(name), value);
    let mut variables = vec![
        pair("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into())),
        pair("LANG", "C.UTF-8".into()),
        pair("TZ", "UTC".into()),
    ];
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let toolchains =
        [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")];
    // An environment of Python that was activated.
    variables.extend(env::var_os("VIRTUAL_ENV").map(|place| pair("VIRTUAL_ENV", place)));
    for (name, directory) in toolchains {
        let place = env::var_os(name).map_or_else(|| home.join(directory), PathBuf::from);
        if place.is_dir() {
            variables.push(pair(name, place.into_os_string()));
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_has_directories_of_its_own_and_no_home_yet() {
        let home = Home::new();

        assert!(home.workspace().is_dir() && home.user().is_dir() && home.temp().is_dir());
        assert!(!home.path().exists());
        let names: Vec<_> =
            home.environment.iter().map(|(name, _)| name.to_string_lossy()).collect();
        assert!(names.contains(&"OPENKOI_HOME".into()) && !names.contains(&"USER".into()));
    }

    #[test]
    fn files_of_the_workspace_and_configuration_add_up() {
        let home = Home::new().file("a/b", "text").config("x = 1").config("y = 2");

        assert_eq!(home.read("a/b"), "text");
        assert!(home.has("a/b") && !home.has("a/c"));
        assert_eq!(fs::read_to_string(home.path().join("config.toml")).unwrap(), "x = 1\ny = 2\n");
    }

    #[test]
    fn an_output_is_normalised_with_the_ids_of_the_home() {
        let home = Home::new();
        let id = "01jd3v8q9n2k4m6p8r0t2w4y6z";
        write(&home.path().join("data/sessions").join(id).join("x.md"), b"");

        let text = format!("{}/a resume 0t2w4y6z", home.workspace().display());
        assert_eq!(home.normalise(&text), "[WORKSPACE]/a resume [ID]");
    }

    #[test]
    fn a_process_of_the_world_is_found_while_it_lives() {
        let home = Home::new();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .current_dir(home.workspace())
            .spawn()
            .unwrap();
        crate::until("sleep runs", std::time::Duration::from_secs(5), || {
            home.processes() == ["sleep 60"]
        });

        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(home.processes(), Vec::<String>::new());
    }
}
