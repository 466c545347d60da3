//! A login: the code is shown, and the program waits until the person has used it.

use openkoi_app::{
    access::{self, PendingLogin},
    thread,
};
use openkoi_core::port::Cancellation;

use super::connected::Connected;
use openkoi_app::{models::Connection, settings::Settings};

use crate::{
    context::Context, error::CommandError, exit::Exit, interrupt::Interrupts, output::duration,
};

/// Logs in to a provider.
pub(super) fn run(
    connection: &Connection,
    settings: &Settings,
    context: &Context,
) -> Result<Connected, CommandError> {
    let Some(login) = &connection.login else {
        return Err(CommandError::usage(format!("`{}` has no login", connection.name)));
    };
    context.paths()?.prepare()?;
    let logins = access::logins(&context.app, settings)?;
    thread::block(async {
        let interrupts = Interrupts::listen()?;
        let waiting = logins.begin(&connection.name, login).await?;
        show(&waiting, context);
        tokio::select! {
            done = waiting.wait() => done.map_err(|error| again(error.into(), &connection.name)),
            () = interrupts.cancelled() => {
                Err(CommandError::new(Exit::Interrupted, "the login was given up, nothing was kept"))
            }
        }
    })?;
    Ok(Connected {
        name: connection.name.clone(),
        model: connection.default_model.clone(),
        verified: true,
        is_silent: false,
        kept: None,
        note: String::new(),
    })
}

/// Prints the address and the code to stderr, so that stdout has the result alone.
fn show(waiting: &PendingLogin, context: &Context) {
    let url = waiting.complete_url().unwrap_or(waiting.verification_url());
    let milliseconds = u64::try_from(waiting.lifetime().as_millis()).unwrap_or(u64::MAX);
    let life = duration(milliseconds);
    context.printer.notice(&format!("open {url}"));
    context.printer.notice(&format!("and type {}   (good for {life})", waiting.user_code()));
}

fn again(error: CommandError, name: &str) -> CommandError {
    if error.kind == Exit::Credentials && error.hints.is_empty() {
        return error.hint(format!("openkoi connect {name}"));
    }
    error
}
