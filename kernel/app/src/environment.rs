//! The environment as a value, and the variables that are read below the surfaces.
//!
//! A surface reads the environment of its process once and passes it down, so tests can use another
//! one.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A variable that OpenKoi reads.
#[derive(Debug)]
pub struct Variable {
    /// The name, for example `OPENKOI_HOME`.
    pub name: &'static str,
    /// One sentence for `--help`, without a full stop.
    pub help: &'static str,
}

/// Moves everything under one directory.
pub const OPENKOI_HOME: Variable = Variable {
    name: "OPENKOI_HOME",
    help: "Keep everything under this directory: configuration in it, data in its `data`",
};
/// Moves the configuration file.
pub const OPENKOI_CONFIG: Variable = Variable {
    name: "OPENKOI_CONFIG",
    help: "Read this configuration file (default: ~/.openkoi/config.toml)",
};
/// Moves the data directory.
pub const OPENKOI_DATA: Variable = Variable {
    name: "OPENKOI_DATA",
    help: "Keep data in this directory (default: ~/.local/share/openkoi)",
};
/// Chooses the model for all roles without one of their own.
pub const OPENKOI_MODEL: Variable =
    Variable { name: "OPENKOI_MODEL", help: "Use this model, written provider/model" };
/// Chooses how much is logged.
pub const OPENKOI_LOG_LEVEL: Variable = Variable {
    name: "OPENKOI_LOG_LEVEL",
    help: "Log this much to stderr: error, warn, info, debug or trace",
};
/// Chooses what is learnt from tasks.
pub const OPENKOI_LEARNING: Variable = Variable {
    name: "OPENKOI_LEARNING",
    help: "Learn this from tasks: on, facts (without a model) or off",
};
/// The user's editor.
pub const VISUAL: Variable = Variable {
    name: "VISUAL",
    help: "The editor of `openkoi learn edit` and `openkoi memory edit`",
};
/// The user's editor, where the other variable is not set.
pub const EDITOR: Variable = Variable { name: "EDITOR", help: "The same, where VISUAL is not set" };
/// The user's home directory.
pub const HOME: Variable = Variable {
    name: "HOME",
    help: "The home directory, where OPENKOI_HOME does not say otherwise",
};
/// The directories in which programs are looked for.
pub const PATH: Variable =
    Variable { name: "PATH", help: "Where the programs of a project's checks are looked for" };
/// The directory for temporary files.
pub const TMPDIR: Variable =
    Variable { name: "TMPDIR", help: "Where the demonstration makes its project (default: /tmp)" };
/// The proxy for requests in the clear.
pub const HTTP_PROXY: Variable = Variable {
    name: "HTTP_PROXY",
    help: "The proxy for http, in small letters too; `network.proxy` goes before it",
};
/// The proxy for encrypted requests.
pub const HTTPS_PROXY: Variable =
    Variable { name: "HTTPS_PROXY", help: "The proxy for https, in small letters too" };
/// The proxy for all requests that have no other.
pub const ALL_PROXY: Variable =
    Variable { name: "ALL_PROXY", help: "The proxy where neither of these two is set" };
/// The hosts without a proxy.
pub const NO_PROXY: Variable =
    Variable { name: "NO_PROXY", help: "Hosts that are reached without a proxy" };
/// The file of the certificates that are trusted.
pub const SSL_CERT_FILE: Variable = Variable {
    name: "SSL_CERT_FILE",
    help: "Trust the certificates of this file, in place of the system's",
};
/// The directories of the certificates that are trusted.
pub const SSL_CERT_DIR: Variable = Variable {
    name: "SSL_CERT_DIR",
    help: "Trust the certificates of these directories, in place of the system's",
};
/// The directory of the user's configuration.
pub const XDG_CONFIG_HOME: Variable = Variable {
    name: "XDG_CONFIG_HOME",
    help: "Where `openkoi daemon install` puts its unit (default: ~/.config)",
};
/// The socket of the manager of services.
pub const NOTIFY_SOCKET: Variable =
    Variable { name: "NOTIFY_SOCKET", help: "Where the daemon tells systemd that it is ready" };
/// How often the manager of services wants to hear of a process.
pub const WATCHDOG_USEC: Variable =
    Variable { name: "WATCHDOG_USEC", help: "How often it tells systemd that it lives" };
/// The variables at the start of the process, and the directory the program was started in.
#[derive(Clone)]
pub struct Environment {
    variables: Arc<HashMap<OsString, OsString>>,
    directory: PathBuf,
}

impl Environment {
    /// Returns an environment of these variables, of a program that was started in `directory`.
    pub fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        directory: PathBuf,
    ) -> Self {
        Self { variables: Arc::new(variables.into_iter().collect()), directory }
    }

    /// Returns an environment of variables that are text.
    pub fn of<const N: usize>(variables: [(&str, &str); N], directory: &Path) -> Self {
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        Self::new(variables, directory.to_owned())
    }

    /// Returns the value of a variable. An empty one counts as not set.
    pub fn get(&self, variable: &Variable) -> Option<&OsStr> {
        self.named(variable.name)
    }

    /// Returns the value of the variable `name`, which a provider's manifest may name.
    pub fn named(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(OsStr::new(name))?;
        (!value.is_empty()).then_some(value.as_os_str())
    }

    /// Returns the value of a variable as text; one that is not UTF-8 counts as not set.
    pub fn text(&self, variable: &Variable) -> Option<&str> {
        self.get(variable)?.to_str()
    }

    /// Returns the value of a variable as a path, made absolute.
    pub fn path(&self, variable: &Variable) -> Option<PathBuf> {
        self.get(variable).map(|value| self.directory.join(value))
    }

    /// Returns the directory for temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.path(&TMPDIR).unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// Returns the directory the program was started in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns all variables, for another process of OpenKoi.
    pub(crate) fn variables(&self) -> &HashMap<OsString, OsString> {
        &self.variables
    }

    /// Returns all variables. Brokers take the ones that they pass on to programs.
    pub fn snapshot(&self) -> Arc<HashMap<OsString, OsString>> {
        Arc::clone(&self.variables)
    }
}

// Values may be credentials, so only how many there are is shown.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.len())
            .field("directory", &self.directory)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let environment = Environment::of([("OPENKOI_MODEL", "")], Path::new("/"));

        assert_eq!(environment.get(&OPENKOI_MODEL), None);
    }

    #[test]
    fn a_relative_path_is_taken_from_the_directory_of_the_start() {
        let environment = Environment::of([("OPENKOI_HOME", "koi")], Path::new("/work"));

        assert_eq!(environment.path(&OPENKOI_HOME), Some(PathBuf::from("/work/koi")));
    }

    #[test]
    fn values_are_not_shown_in_debug_output() {
        let environment = Environment::of([("A_KEY", "s3cr3t-value")], Path::new("/"));

        assert!(!format!("{environment:?}").contains("s3cr3t"));
    }
}
