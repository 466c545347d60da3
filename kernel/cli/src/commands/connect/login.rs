//! A login: the code or the page is shown, and the program waits until the person has used it. A program that has a
//! secret of its own logs in with that.

use std::pin::pin;

use openkoi_app::{
    access::{
        self, BrowserAnswer, KeySlot, LoginError, Logins, PendingAuthorization, PendingLogin,
    },
    settings::Settings,
    thread,
};
use openkoi_core::{
    credential::{Login, LoginGrant},
    port::Cancellation,
};

use super::key;
use crate::{
    context::Context, error::CommandError, exit::Exit, interrupt::Interrupts, output::duration,
};

/// A login that is to be made.
pub(super) struct Wanted<'a> {
    /// The name that the user types.
    pub(super) name: &'a str,
    /// The name under which it is kept.
    pub(super) kept_as: &'a str,
    pub(super) login: &'a Login,
}

/// Makes a login, and returns where a key is kept, if one is.
pub(super) fn run(
    wanted: &Wanted<'_>,
    settings: &Settings,
    context: &Context,
) -> Result<Option<KeySlot>, CommandError> {
    context.paths()?.prepare()?;
    let logins = access::logins(&context.app, settings)?;
    let &Wanted { name, kept_as, login } = wanted;
    if login.grant == LoginGrant::Client {
        return as_client(wanted, &logins, settings, context).map(Some);
    }
    thread::block(async {
        let interrupts = Interrupts::listen()?;
        let made = async {
            match login.grant {
                LoginGrant::Code => {
                    let waiting = logins.authorize(kept_as, login).await?;
                    show_page(&waiting, context);
                    let answer = by_browser(&waiting, context).await?;
                    waiting.finish(answer).await
                }
                LoginGrant::Device | LoginGrant::Client => {
                    let waiting = logins.begin(kept_as, login).await?;
                    show(&waiting, context);
                    waiting.wait().await
                }
            }
        };
        tokio::select! {
            done = made => done.map_err(|error| again(error.into(), name)),
            () = interrupts.cancelled() => {
                Err(CommandError::new(Exit::Interrupted, "the login was given up, nothing was kept"))
            }
        }
    })?;
    Ok(None)
}

/// Waits until a browser comes back, or until the person types the address that one elsewhere was sent to.
async fn by_browser(
    waiting: &PendingAuthorization,
    context: &Context,
) -> Result<BrowserAnswer, LoginError> {
    let mut typed = context.questions.lines();
    let mut answer = pin!(waiting.answer());
    loop {
        tokio::select! {
            answer = &mut answer => return answer,
            Some(line) = typed.recv() => match waiting.pasted(&line) {
                Some(answer) => return Ok(answer),
                None if line.trim().is_empty() => {}
                None => context.printer.notice(
                    "that is not the address at which this login ends: it begins with \
                     http://127.0.0.1 and has a code in it",
                ),
            },
        }
    }
}

/// Keeps the secret of the program if the service accepts it.
fn as_client(
    wanted: &Wanted<'_>,
    logins: &Logins,
    settings: &Settings,
    context: &Context,
) -> Result<KeySlot, CommandError> {
    let &Wanted { name, kept_as, login } = wanted;
    let secret = key::proper(&key::read(name, context)?)?;
    let place = key::keep(kept_as, secret, settings, context)?;
    let tried = thread::block(async {
        Ok::<_, CommandError>(logins.log_in_as_client(kept_as, login).await)
    })?;
    if let Err(error) = tried {
        let error = CommandError::from(error);
        if error.kind == Exit::Credentials {
            let secrets = context.secrets(settings)?;
            secrets
                .forget(kept_as)
                .map_err(|error| CommandError::from_error(Exit::Configuration, &error))?;
            return Err(error.hint("nothing was kept; check the secret and try again"));
        }
        return Err(error.hint("the secret was kept, and is tried when it is needed"));
    }
    Ok(place)
}

/// Prints the address and the code to stderr, so that stdout has the result alone.
fn show(waiting: &PendingLogin, context: &Context) {
    let url = waiting.complete_url().unwrap_or(waiting.verification_url());
    let milliseconds = u64::try_from(waiting.lifetime().as_millis()).unwrap_or(u64::MAX);
    let life = duration(milliseconds);
    context.printer.notice(&format!("open {url}"));
    context.printer.notice(&format!("and type {}   (good for {life})", waiting.user_code()));
}

fn show_page(waiting: &PendingAuthorization, context: &Context) {
    let milliseconds = u64::try_from(waiting.lifetime().as_millis()).unwrap_or(u64::MAX);
    let life = duration(milliseconds);
    context.printer.notice(&format!("open in a browser on this machine:   (good for {life})"));
    context.printer.notice(waiting.url());
    if context.questions.is_interactive() {
        context.printer.notice(
            "in a browser elsewhere: the page it ends at cannot be opened there; paste its address here",
        );
    }
}

fn again(error: CommandError, name: &str) -> CommandError {
    if error.kind == Exit::Credentials && error.hints.is_empty() {
        return error.hint(format!("openkoi connect {name}"));
    }
    error
}
