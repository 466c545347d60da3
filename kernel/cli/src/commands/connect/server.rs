//! A server of one's own, on this machine or another: it is asked where it is, it has to answer, and then its address
//! and its key are kept.

use std::io::IsTerminal;

use openkoi_app::{
    access,
    models::Connection,
    settings::{self, Settings},
};
use openkoi_core::model::ModelTrouble;

use super::{connected::Connected, key};
use crate::{context::Context, error::CommandError, exit::Exit, request::stdin::Stdin};

/// Where a server is and what it is called, as far as the line says so.
pub(super) struct ServerPlace {
    pub(super) url: Option<String>,
    pub(super) name: Option<String>,
    /// The names that other providers have.
    pub(super) taken: Vec<String>,
}

/// Returns true for a service that is wherever the person runs it, and that the configuration does not place yet.
pub(super) fn is_own(connection: &Connection, settings: &Settings) -> bool {
    let placed = settings.providers.iter().any(|one| one.name == connection.name);
    connection.is_on_this_machine() && key::takes_key(connection) && !placed
}

/// Asks where the server is and for its key, and keeps both if the server answers.
pub(super) fn run(
    offered: &Connection,
    place: &ServerPlace,
    settings: &Settings,
    context: &Context,
) -> Result<Connected, CommandError> {
    let url = url(offered, place, context)?;
    let name = name(offered, place, context)?;
    let key = typed_key(&name, context)?;
    let server = Connection { name, base_url: url, service: None, ..offered.clone() };
    let models = models(&server, key.as_deref(), settings, context)?;
    let kept = key.map(|key| key::keep(&server.name, key, settings, context)).transpose()?;
    let component = (server.name != offered.name).then_some(offered.name.as_str());
    context.paths()?.prepare()?;
    let config = context.paths()?.config().to_owned();
    settings::add_provider(&config, &server.name, component, &server.base_url)?;
    let (verified, note) = match &models {
        Ok(models) => (true, format!(" at {}: it lists {} models", server.base_url, models.len())),
        Err(why) => (false, format!(" at {}; it lists no models: {why}", server.base_url)),
    };
    let model = models.ok().and_then(|models| models.into_iter().next());
    Ok(Connected { name: server.name, model, verified, is_silent: false, kept, note })
}

fn url(
    offered: &Connection,
    place: &ServerPlace,
    context: &Context,
) -> Result<String, CommandError> {
    let usual = &offered.base_url;
    let typed = match &place.url {
        Some(url) => url.clone(),
        None if context.questions.is_interactive() => {
            let typed = context.questions.text(&format!("address of the server ({usual}): "))?;
            typed.ok_or_else(left)?
        }
        None => {
            let error = CommandError::usage("which server? there is no terminal to ask on");
            let line = format!("openkoi connect {} --url {usual}", offered.name);
            return Err(error
                .hint(format!("{line} < /dev/null"))
                .hint(format!("{line} < KEYFILE")));
        }
    };
    offered.placed_at(&typed).ok_or_else(|| {
        CommandError::usage(format!("`{}` is not an address", typed.trim()))
            .hint(format!("one is like {usual}"))
    })
}

/// Returns the name that the models are called by. It is asked for where there is a choice.
fn name(
    offered: &Connection,
    place: &ServerPlace,
    context: &Context,
) -> Result<String, CommandError> {
    let typed = match &place.name {
        Some(name) => name.clone(),
        None if place.url.is_none() && context.questions.is_interactive() => {
            let typed = context.questions.text(&format!("name for it ({}): ", offered.name))?;
            typed.ok_or_else(left)?
        }
        None => String::new(),
    };
    let name = if typed.trim().is_empty() { offered.name.as_str() } else { typed.trim() };
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !name.chars().all(fits) {
        let message = format!("`{name}` is not a name: letters, digits, `-` and `_` make one");
        return Err(CommandError::usage(message));
    }
    if name != offered.name && place.taken.iter().any(|taken| taken == name) {
        let message = format!("there is a provider `{name}` already");
        return Err(CommandError::usage(message).hint("--as NAME gives it another name"));
    }
    Ok(name.to_owned())
}

fn left() -> CommandError {
    CommandError::new(Exit::NotAccepted, "nothing was connected")
}

/// Returns the key, or nothing for a server that wants none.
fn typed_key(name: &str, context: &Context) -> Result<Option<String>, CommandError> {
    let typed = if context.questions.is_interactive() {
        let question = format!("key for {name} (not shown; nothing if it wants none): ");
        context.questions.hidden(&question)?
    } else if std::io::stdin().is_terminal() {
        String::new()
    } else {
        Stdin::new(&context.printer).read()?
    };
    if typed.trim().is_empty() { Ok(None) } else { key::proper(&typed).map(Some) }
}

/// Returns the models that the server lists, or why it lists none although it answers.
fn models(
    server: &Connection,
    key: Option<&str>,
    settings: &Settings,
    context: &Context,
) -> Result<Result<Vec<String>, String>, CommandError> {
    let error = match access::listed(&context.app, settings, server, key)? {
        Ok(models) => return Ok(Ok(models)),
        Err(error) => error,
    };
    let kind = match error.kind {
        ModelTrouble::Credentials => Exit::Credentials,
        ModelTrouble::Unreachable => Exit::Provider,
        _ => return Ok(Err(error.message)),
    };
    let told = CommandError::new(kind, error.message);
    Err(told.hint("nothing was kept; start the server, or check the address and the key"))
}
