//! `openkoi dashboard`: tasks, questions, costs, learnings, components and settings on one screen, live.
//!
//! | module | does |
//! |---|---|
//! | `screen` | the loop on a terminal: keys, what others write, seconds |
//! | `message`, `state` | what happens, and what the state becomes by it; pure |
//! | `list`, `sheet`, `tabs`, `help` | the parts of the state |
//! | `layout`, `draw` | documents as lines, and the state as cells; pure |
//! | `read`, `followed`, `question`, `costs` | what is shown, as documents |
//! | `act` | what a person wants done |
//! | `plain`, `snapshot` | the same without drawing: as lines on change, and once as a text |

mod act;
mod costs;
mod draw;
mod followed;
mod help;
mod layout;
mod list;
mod message;
mod plain;
mod question;
mod read;
mod screen;
mod sheet;
mod snapshot;
mod state;
mod tabs;

use crate::{context::Context, error::CommandError, exit::Exit};

/// The forms of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Drawn, until the person leaves.
    Screen,
    /// Lines when something changes, until the person leaves.
    Lines,
    /// One text of what is there now, or JSON.
    Once { json: bool },
}

/// Shows the dashboard in this form.
///
/// # Errors
///
/// When the home or the settings cannot be read, or the terminal cannot be used.
pub(crate) fn open(form: Form, context: &Context) -> Result<Exit, CommandError> {
    match form {
        Form::Screen => screen::run(context),
        Form::Lines => plain::run(context),
        Form::Once { json } => snapshot::reply(json, context)?.print(context),
    }
}
