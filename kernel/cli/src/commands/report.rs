//! Reports of views, as results of commands.

use openkoi_app::reports::{self, ReportRequest};
use openkoi_core::document::Document;

use crate::{context::Context, error::CommandError, output::Output, reply::Reply};

/// Returns a report as the result of a command.
///
/// # Errors
///
/// When there is nothing that an argument names, or what is kept cannot be read.
pub(super) fn reply(
    view: &str,
    name: &str,
    arguments: &[(&str, &str)],
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let (workspace, settings) = (context.workspace()?, context.settings()?);
    let request = ReportRequest { view, name, arguments };
    let document = reports::render(&context.app, &settings, &workspace, &request)?;
    Ok(Reply::new(Shown(document), json))
}

/// A document as it is.
pub(super) struct Shown(pub(super) Document);

impl Output for Shown {
    fn document(&self) -> Document {
        self.0.clone()
    }
}
