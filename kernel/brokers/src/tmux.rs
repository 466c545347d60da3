//! The terminal around tmux.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use crate::program::{self, DIRECTORIES, Program};

/// What is asked: whether programs may speak to the terminal around it, and which one that is.
const ASKED: &str = "#{allow-passthrough} #{client_termtype} #{client_termname}";

/// The terminal that shows a tmux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outer {
    /// True if what a program says to it gets there.
    pub is_reached: bool,
    /// Its names, as far as tmux knows them.
    pub names: String,
}

/// Asks the tmux of this environment about its terminal; nothing if it does not say.
#[must_use]
pub fn outer(variables: &HashMap<OsString, OsString>) -> Option<Outer> {
    let pair = |name: &str| {
        let value = variables.get(OsStr::new(name))?;
        Some((OsString::from(name), value.clone()))
    };
    let (server, (_, pane)) = (pair("TMUX")?, pair("TMUX_PANE")?);
    let arguments = ["display-message", "-p", "-t", pane.to_str()?, ASKED];
    let path = program::found(&DIRECTORIES.map(PathBuf::from), "tmux")?;
    let program = Program { path, environment: vec![server] };
    let answer = program.run(&arguments, &[]).ok()?;
    let said = String::from_utf8_lossy(&answer.out).trim().to_owned();
    let (allowed, names) = said.split_once(' ').filter(|_| answer.status.success())?;
    Some(Outer { is_reached: matches!(allowed, "on" | "all" | "1" | "2"), names: names.to_owned() })
}
