//! The directories and files in which OpenKoi keeps things.
//!
//! | variable | configuration | data |
//! |---|---|---|
//! | none | `~/.openkoi` | `~/.local/share/openkoi` |
//! | `OPENKOI_HOME` | that directory | its `data` |
//! | `OPENKOI_CONFIG` | that file instead of `config.toml` | – |
//! | `OPENKOI_DATA` | – | that directory |

use std::{
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{
    disk,
    durable::{self, DurableError},
};
use openkoi_core::hash;

use crate::environment::{Environment, HOME, OPENKOI_CONFIG, OPENKOI_DATA, OPENKOI_HOME};

/// Why the home cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// Neither `HOME` nor `OPENKOI_HOME` is set.
    #[error("HOME is not set, so there is no place for configuration and data")]
    Homeless,
    /// There is something else in the place of the directory.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// The path that is not a directory.
        path: PathBuf,
    },
    /// The directory exists but may not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The path that is not a directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The directory belongs to another user.
    #[error("`{}` belongs to another user, and stays as it is", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// Everybody may write in the directory.
    #[error("everybody may write in `{}`, so it is no place for keys", path.display())]
    Shared {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be made or written.
    #[error(transparent)]
    Unwritable(#[from] DurableError),
}

/// The directories of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
    config_named: bool,
}

impl Paths {
    /// Returns the directories that the environment names. No file is touched.
    ///
    /// # Errors
    ///
    /// When neither `HOME` nor `OPENKOI_HOME` is set.
    pub fn of(environment: &Environment) -> Result<Self, PathsError> {
        let (home, data) = match environment.path(&OPENKOI_HOME) {
            Some(home) => (home.clone(), home.join("data")),
            None => {
                let user = environment.path(&HOME).ok_or(PathsError::Homeless)?;
                (user.join(".openkoi"), user.join(".local/share/openkoi"))
            }
        };
        let named = environment.path(&OPENKOI_CONFIG);
        Ok(Self {
            config_named: named.is_some(),
            config: named.unwrap_or_else(|| home.join("config.toml")),
            data: environment.path(&OPENKOI_DATA).unwrap_or(data),
            home,
        })
    }

    /// Returns the directory of configuration, credentials, skills and state.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the user's configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Returns true if a variable names the configuration file, so that the file has to exist.
    pub fn config_is_named(&self) -> bool {
        self.config_named
    }

    /// Returns the directory of the database, sessions and snapshots.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the project's configuration file, unless it is the user's own.
    pub fn project_config(&self, workspace: &Path) -> Option<PathBuf> {
        let directory = workspace.join(".openkoi");
        let same = directory == self.home || same_file(&directory, &self.home);
        (!same).then(|| directory.join("config.toml"))
    }

    /// Returns the directory of the state files.
    pub fn state(&self) -> PathBuf {
        self.home.join("state")
    }

    /// Returns the directory of tool outputs that were too long for a model.
    pub fn tool_output(&self) -> PathBuf {
        self.home.join("tool-output")
    }

    /// Returns the directory of the snapshots that `undo` restores.
    pub fn snapshots(&self) -> PathBuf {
        self.data.join("snapshots")
    }

    /// Returns the directory of the components that were installed.
    pub fn plugins(&self) -> PathBuf {
        self.home.join("plugins")
    }

    /// Returns the directory of the code that was compiled here.
    pub fn code(&self) -> PathBuf {
        self.data.join("code")
    }

    /// Returns the directory of what programs wrote into caches of tools, by workspace.
    pub fn caches(&self) -> PathBuf {
        self.data.join("caches")
    }

    /// Returns the file with the index of one workspace, which spares a capture reading unchanged
    /// files.
    pub fn snapshot_index(&self, workspace: &Path) -> PathBuf {
        let digest = hash::of_bytes(workspace.as_os_str().as_encoded_bytes());
        let name = digest.get(..16).unwrap_or(&digest);
        self.snapshots().join(format!("index-{name}.json"))
    }

    /// Returns the directory with the outputs of sessions.
    pub fn sessions(&self) -> PathBuf {
        self.data.join("sessions")
    }

    /// Makes the directories that a run writes to, for their owner alone.
    ///
    /// # Errors
    ///
    /// When a directory cannot be made or written; the error names it.
    pub fn prepare(&self) -> Result<(), PathsError> {
        self.check()?;
        for directory in [&self.home, &self.data] {
            durable::create_private_dir(directory)?;
            writable(directory)?;
        }
        Ok(())
    }

    /// Checks that the directories can be read. One that does not exist yet is fine.
    ///
    /// # Errors
    ///
    /// When one is not a directory or may not be read; the error names it.
    pub fn check(&self) -> Result<(), PathsError> {
        [&self.home, &self.data].into_iter().try_for_each(|directory| {
            own(directory)?;
            readable(directory)
        })
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((disk::canonical(one), disk::canonical(other)), (Ok(one), Ok(other)) if one == other)
}

/// Refuses a directory of somebody else, which would be closed to its owner, and one that is everybody's.
fn own(directory: &Path) -> Result<(), PathsError> {
    // What cannot be looked at is said by whoever looks into it.
    let Ok(found) = rustix::fs::stat(directory) else { return Ok(()) };
    let path = || directory.to_owned();
    if found.st_uid != rustix::process::geteuid().as_raw() {
        return Err(PathsError::Foreign { path: path() });
    }
    if found.st_mode & 0o002 != 0 && rustix::fs::FileType::from_raw_mode(found.st_mode).is_dir() {
        return Err(PathsError::Shared { path: path() });
    }
    Ok(())
}

fn readable(directory: &Path) -> Result<(), PathsError> {
    let path = directory.to_owned();
    match disk::check_listable(directory) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(PathsError::NotADirectory { path: culprit(path) })
        }
        Err(source) => Err(PathsError::Unreadable { path, source }),
    }
}

/// Returns the nearest part of `path` that exists and is not a directory.
fn culprit(path: PathBuf) -> PathBuf {
    let found = path.ancestors().find(|part| disk::exists(part) && !disk::is_directory(part));
    found.map_or_else(|| path.clone(), Path::to_owned)
}

fn writable(directory: &Path) -> Result<(), PathsError> {
    use rustix::fs::{Access, access};
    let refused = |errno: rustix::io::Errno| {
        let path = directory.to_owned();
        match errno {
            rustix::io::Errno::ROFS => DurableError::ReadOnly { path },
            rustix::io::Errno::ACCESS | rustix::io::Errno::PERM => {
                DurableError::Permission { path }
            }
            other => DurableError::Io { path, source: other.into() },
        }
    };
    access(directory, Access::WRITE_OK | Access::EXEC_OK).map_err(|errno| refused(errno).into())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn paths<const N: usize>(variables: [(&str, &str); N]) -> Paths {
        Paths::of(&Environment::of(variables, Path::new("/start"))).unwrap()
    }

    #[test]
    fn the_defaults_are_under_the_home_directory() {
        let paths = paths([("HOME", "/home/koi")]);

        assert_eq!(paths.config(), Path::new("/home/koi/.openkoi/config.toml"));
        assert_eq!(paths.data(), Path::new("/home/koi/.local/share/openkoi"));
    }

    #[test]
    fn openkoi_home_moves_everything_and_needs_no_home() {
        let paths = paths([("OPENKOI_HOME", "/tmp/k")]);

        assert_eq!(paths.config(), Path::new("/tmp/k/config.toml"));
        assert_eq!(paths.data(), Path::new("/tmp/k/data"));
    }

    #[test]
    fn config_and_data_can_be_moved_by_themselves() {
        let paths = paths([
            ("OPENKOI_HOME", "/tmp/k"),
            ("OPENKOI_CONFIG", "mine.toml"),
            ("OPENKOI_DATA", "/var/koi"),
        ]);

        assert_eq!(paths.config(), Path::new("/start/mine.toml"));
        assert_eq!(paths.data(), Path::new("/var/koi"));
        assert!(paths.config_is_named());
    }

    #[test]
    fn without_any_home_there_are_no_directories() {
        let error = Paths::of(&Environment::of([], Path::new("/"))).unwrap_err();

        assert!(matches!(error, PathsError::Homeless), "{error}");
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("koi");
        fs::write(&file, "").unwrap();
        let home = file.to_str().unwrap();

        let error = paths([("OPENKOI_HOME", home)]).prepare().unwrap_err();

        assert_eq!(error.to_string(), format!("`{home}` is not a directory"));
    }

    #[test]
    fn a_directory_of_everybody_or_of_somebody_else_is_refused_and_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let shared = directory.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
        let prepared = |path: &Path| paths([("OPENKOI_HOME", path.to_str().unwrap())]).prepare();

        assert!(matches!(prepared(&shared), Err(PathsError::Shared { .. })));
        assert_eq!(fs::metadata(&shared).unwrap().permissions().mode() & 0o7777, 0o1777);
        assert_eq!(fs::read_dir(&shared).unwrap().count(), 0);
        if rustix::process::geteuid().is_root() {
            let foreign = directory.path().join("foreign");
            fs::create_dir(&foreign).unwrap();
            std::os::unix::fs::chown(&foreign, Some(1_000), Some(1_000)).unwrap();
            let before = fs::metadata(&foreign).unwrap().permissions();

            assert!(matches!(prepared(&foreign), Err(PathsError::Foreign { .. })));
            assert_eq!(fs::metadata(&foreign).unwrap().permissions(), before);
            assert_eq!(fs::read_dir(&foreign).unwrap().count(), 0);
        } else {
            assert!(matches!(prepared(Path::new("/usr")), Err(PathsError::Foreign { .. })));
        }
    }

    #[test]
    fn directories_are_made_for_their_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("koi");

        paths([("OPENKOI_HOME", home.to_str().unwrap())]).prepare().unwrap();

        for path in [home.clone(), home.join("data")] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn the_users_own_configuration_is_not_a_projects() {
        let paths = paths([("HOME", "/home/koi")]);

        assert_eq!(paths.project_config(Path::new("/home/koi")), None);
        assert_eq!(
            paths.project_config(Path::new("/home/koi/x")),
            Some(PathBuf::from("/home/koi/x/.openkoi/config.toml"))
        );
    }
}
