//! The environment of this process, which is read once at the start, and the variables that the
//! program reads.
//!
//! `--help` and the manual page print the registry [`ALL`]. The variables of terminals are defined
//! here, and those of all surfaces in [`openkoi_app::environment`].

use std::path::PathBuf;

use openkoi_app::environment::{
    ALL_PROXY, EDITOR, Environment, HOME, HTTP_PROXY, HTTPS_PROXY, NO_PROXY, NOTIFY_SOCKET,
    OPENKOI_CONFIG, OPENKOI_DATA, OPENKOI_HOME, OPENKOI_LEARNING, OPENKOI_LOG_LEVEL, OPENKOI_MODEL,
    PATH, SSL_CERT_DIR, SSL_CERT_FILE, TMPDIR, VISUAL, Variable, WATCHDOG_USEC, XDG_CONFIG_HOME,
};

/// Turns colour off.
pub const NO_COLOR: Variable =
    Variable { name: "NO_COLOR", help: "Print no colour if set and not empty" };
/// Turns colour off if 0.
pub const CLICOLOR: Variable = Variable { name: "CLICOLOR", help: "Print no colour if 0" };
/// Turns colour on.
pub const CLICOLOR_FORCE: Variable =
    Variable { name: "CLICOLOR_FORCE", help: "Print colour even into a pipe if set and not 0" };
/// The kind of terminal.
pub const TERM: Variable = Variable { name: "TERM", help: "Print no colour if `dumb`" };
/// The name of the terminal.
pub const TERM_PROGRAM: Variable = Variable {
    name: "TERM_PROGRAM",
    help: "How the terminal is told of alerts (WezTerm, iTerm.app, …)",
};
/// The tmux that the program is in.
pub const TMUX: Variable =
    Variable { name: "TMUX", help: "The tmux that is asked which terminal is around it" };
/// Its pane.
pub const TMUX_PANE: Variable = Variable { name: "TMUX_PANE", help: "The pane of that tmux" };
/// The width of the terminal.
pub const COLUMNS: Variable =
    Variable { name: "COLUMNS", help: "The width of tables, where the terminal does not tell" };
/// Shows where a defect happened.
pub const RUST_BACKTRACE: Variable =
    Variable { name: "RUST_BACKTRACE", help: "Print where OpenKoi broke, if it breaks" };

/// The variables that are read by name. Manifests of providers name further ones for their
/// credentials.
pub const ALL: [&Variable; 29] = [
    &OPENKOI_HOME,
    &OPENKOI_CONFIG,
    &OPENKOI_DATA,
    &OPENKOI_MODEL,
    &OPENKOI_LOG_LEVEL,
    &OPENKOI_LEARNING,
    &NO_COLOR,
    &CLICOLOR,
    &CLICOLOR_FORCE,
    &VISUAL,
    &EDITOR,
    &HOME,
    &PATH,
    &TMPDIR,
    &HTTP_PROXY,
    &HTTPS_PROXY,
    &ALL_PROXY,
    &NO_PROXY,
    &SSL_CERT_FILE,
    &SSL_CERT_DIR,
    &TERM,
    &TERM_PROGRAM,
    &TMUX,
    &TMUX_PANE,
    &COLUMNS,
    &RUST_BACKTRACE,
    &XDG_CONFIG_HOME,
    &NOTIFY_SOCKET,
    &WATCHDOG_USEC,
];

/// Reads the environment of this process.
///
/// If the present directory is gone or may not be read, it is `.` here, and opening it fails later
/// where it is needed.
#[expect(
    clippy::disallowed_methods,
    reason = "the program reads its environment here and hands it down"
)]
pub fn current() -> Environment {
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    Environment::new(std::env::vars_os(), directory)
}

/// Returns the file of this program.
///
/// # Errors
///
/// When the system does not tell.
#[expect(clippy::disallowed_methods, reason = "the daemon starts this program again")]
pub fn program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_variable_is_listed_twice_and_each_says_what_it_does() {
        let names: HashSet<&str> = ALL.iter().map(|variable| variable.name).collect();

        assert_eq!(names.len(), ALL.len());
        for variable in ALL {
            assert!(!variable.help.is_empty(), "{}", variable.name);
            assert!(!variable.help.ends_with('.'), "{}", variable.name);
        }
    }

    #[test]
    fn the_long_help_has_a_line_for_every_variable() {
        let help = crate::args::command().render_long_help().to_string();

        let (_, section) = help.split_once("Environment:\n").unwrap();
        let lines: Vec<&str> = section.lines().map(str::trim).collect();
        let expected = ALL.map(|variable| format!("{:<18} {}", variable.name, variable.help));
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_environment_of_the_process_is_read_with_its_directory() {
        let environment = current();

        assert_eq!(environment.directory(), std::env::current_dir().unwrap());
        assert_eq!(environment.snapshot().len(), std::env::vars_os().count());
    }
}
