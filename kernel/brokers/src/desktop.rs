//! Alerts on the person's desktop, shown by the programs that come with it.
//!
//! A D-Bus client as a library would be more code than all of this, for one message. Words reach a program as arguments that no
//! shell reads; they are on the screen of the same person a moment later.
//! <https://specifications.freedesktop.org/notification-spec/latest/>

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use crate::program::{self, DEADLINE, DIRECTORIES, Program, ProgramFailure};

/// The name under which alerts are shown.
const NAME: &str = "OpenKoi";
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
const RUNTIME: &str = "XDG_RUNTIME_DIR";
/// The service that shows alerts, its object, and its method.
const SERVICE: &str = "org.freedesktop.Notifications";
const OBJECT: &str = "/org/freedesktop/Notifications";

/// Why nothing is shown. Each sentence follows "desktop alerts are not shown:".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DesktopTrouble {
    /// There is no desktop session.
    #[error("there is no session bus here")]
    NoSession,
    /// No program shows them.
    #[error("none of {} is installed", names())]
    NoProgram,
    /// The program hangs.
    #[error("`{program}` did not end within {} s", DEADLINE.as_secs())]
    Late {
        /// The program.
        program: &'static str,
    },
    /// Another error, in words.
    #[error("{0}")]
    Failed(String),
}

/// A program that shows alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    NotifySend,
    Gdbus,
    Busctl,
    Osascript,
}

/// The programs of this system, the best first.
const TOOLS: &[Tool] = if cfg!(target_os = "macos") {
    &[Tool::Osascript]
} else {
    &[Tool::NotifySend, Tool::Gdbus, Tool::Busctl]
};

fn names() -> String {
    TOOLS.iter().map(|tool| format!("`{}`", tool.name())).collect::<Vec<_>>().join(", ")
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::NotifySend => "notify-send",
            Self::Gdbus => "gdbus",
            Self::Busctl => "busctl",
            Self::Osascript => "osascript",
        }
    }

    /// Returns the arguments by which it shows these words. A body may have markup where freedesktop's standard holds, so that is
    /// escaped; a title has none.
    fn arguments(self, title: &str, body: &str) -> Vec<String> {
        let safe = escaped(body);
        match self {
            Self::NotifySend => list(&["--app-name=OpenKoi", "--", title, &safe]),
            Self::Gdbus => {
                let (name, title, body) = (quoted(NAME), quoted(title), quoted(&safe));
                let mut all =
                    list(&["call", "--session", "--dest", SERVICE, "--object-path", OBJECT]);
                all.extend(["--method".to_owned(), format!("{SERVICE}.Notify"), "--".to_owned()]);
                all.extend(list(&[&name, "uint32 0", "\"\"", &title, &body]));
                all.extend(list(&["@as []", "@a{sv} {}", "int32 -1"]));
                all
            }
            Self::Busctl => {
                let mut all = list(&["--user", "--", "call", SERVICE, OBJECT, SERVICE, "Notify"]);
                all.extend(list(&["susssasa{sv}i", NAME, "0", "", title, &safe, "0", "0", "-1"]));
                all
            }
            Self::Osascript => {
                let show = "display notification (item 2 of words) with title (item 1 of words)";
                list(&["-e", "on run words", "-e", show, "-e", "end run", "--", title, body])
            }
        }
    }
}

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Returns a text without markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns a string as GVariant's text format has it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Who shows alerts on this desktop.
#[derive(Clone, Debug)]
pub struct Desktop {
    tool: Tool,
    program: Program,
}

impl Desktop {
    /// Looks for the session and a program of it. Starts nothing. `directories` are those of the programs, if they are not the usual
    /// ones.
    ///
    /// # Errors
    ///
    /// When there is no session, or none of its programs.
    pub fn find(
        variables: &HashMap<OsString, OsString>,
        directories: &[PathBuf],
    ) -> Result<Self, DesktopTrouble> {
        let environment = session(variables).ok_or(DesktopTrouble::NoSession)?;
        let usual = DIRECTORIES.map(PathBuf::from);
        let directories = if directories.is_empty() { &usual } else { directories };
        let found = TOOLS.iter().find_map(|tool| {
            let path = program::found(directories, tool.name())?;
            Some(Self { tool: *tool, program: Program { path, environment: environment.clone() } })
        });
        found.ok_or(DesktopTrouble::NoProgram)
    }

    /// Returns the name of the program.
    #[must_use]
    pub fn program(&self) -> &'static str {
        self.tool.name()
    }

    /// Shows an alert. It takes seconds at most.
    ///
    /// # Errors
    ///
    /// When the program fails: nobody is told then.
    pub fn show(&self, title: &str, body: &str) -> Result<(), DesktopTrouble> {
        let name = self.tool.name();
        match self.program.run(&self.tool.arguments(title, body), &[]) {
            Ok(answer) if answer.status.success() => Ok(()),
            Ok(answer) => {
                let said = match answer.complaint.as_str() {
                    "" => answer.status.to_string(),
                    said => said.to_owned(),
                };
                Err(DesktopTrouble::Failed(format!("`{name}` says: {said}")))
            }
            Err(ProgramFailure::Late) => Err(DesktopTrouble::Late { program: name }),
            Err(ProgramFailure::Broken(error)) => {
                Err(DesktopTrouble::Failed(format!("`{name}` cannot be run: {error}")))
            }
        }
    }
}

/// Returns the variables by which programs find the session, if there is one. A daemon that systemd started may have no address of
/// the bus, which then lies in the directory of the login.
fn session(variables: &HashMap<OsString, OsString>) -> Option<Vec<(OsString, OsString)>> {
    let value = |name: &str| variables.get(OsStr::new(name)).filter(|value| !value.is_empty());
    let pair = |name: &str, value: &OsStr| (OsString::from(name), value.to_owned());
    // What a program complains of is told as it is.
    let language = pair("LC_ALL", OsStr::new("C.UTF-8"));
    if cfg!(target_os = "macos") {
        let home = value("HOME").map(|home| pair("HOME", home));
        return Some(home.into_iter().chain([language]).collect());
    }
    let runtime = value(RUNTIME);
    let address = match (value(BUS), runtime) {
        (Some(address), _) => address.clone(),
        (None, Some(runtime)) => {
            let bus = Path::new(runtime).join("bus");
            if !bus.exists() {
                return None;
            }
            let mut address = OsString::from("unix:path=");
            address.push(bus);
            address
        }
        (None, None) => return None,
    };
    let runtime = runtime.map(|runtime| pair(RUNTIME, runtime));
    Some([pair(BUS, &address), language].into_iter().chain(runtime).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn variables(of: &[(&str, &str)]) -> HashMap<OsString, OsString> {
        of.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn words_are_quoted_for_each_program_and_have_no_markup() {
        let (title, body) = ("a \"b\"", "<b>1 & 2</b> \\ \"c\"");
        let of = |tool: Tool| tool.arguments(title, body);

        assert_eq!(of(Tool::NotifySend)[2..], [title, "&lt;b&gt;1 &amp; 2&lt;/b&gt; \\ \"c\""]);
        let gdbus = of(Tool::Gdbus);
        assert!(gdbus.contains(&r#""a \"b\"""#.to_owned()), "{gdbus:?}");
        let said = r#""&lt;b&gt;1 &amp; 2&lt;/b&gt; \\ \"c\"""#;
        assert!(gdbus.contains(&said.to_owned()), "{gdbus:?}");
        assert_eq!(of(Tool::Busctl)[11], title);
        assert_eq!(of(Tool::Osascript)[7..], [title, body]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_bus_is_found_where_the_login_has_it() {
        let place = tempfile::tempdir().unwrap();
        let runtime = place.path().to_str().unwrap();
        let without_bus = variables(&[(RUNTIME, runtime)]);
        let nowhere = variables(&[(BUS, "")]);

        assert_eq!(session(&without_bus), None);
        assert_eq!(session(&nowhere), None);
        fs::write(place.path().join("bus"), "").unwrap();

        let found = session(&without_bus).unwrap();
        assert_eq!(found[0].1, format!("unix:path={runtime}/bus").as_str());
        let named = variables(&[(BUS, "unix:path=/x"), (RUNTIME, runtime)]);
        assert_eq!(session(&named).unwrap()[0].1, "unix:path=/x");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_first_program_that_is_there_is_used_and_its_failure_is_told() {
        let place = tempfile::tempdir().unwrap();
        let directories = [place.path().to_owned()];
        let session = variables(&[(BUS, "unix:path=/x")]);
        let find = || Desktop::find(&session, &directories);
        assert_eq!(find().unwrap_err(), DesktopTrouble::NoProgram);
        assert_eq!(
            Desktop::find(&variables(&[]), &directories).unwrap_err(),
            DesktopTrouble::NoSession
        );
        for name in ["busctl", "notify-send"] {
            std::os::unix::fs::symlink("/bin/false", place.path().join(name)).unwrap();
            let said = find().unwrap().show("a", "b").unwrap_err().to_string();
            assert_eq!(said, format!("`{name}` says: exit status: 1"));
        }
    }
}
