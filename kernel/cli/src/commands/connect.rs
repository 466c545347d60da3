//! `openkoi connect`: log in to a provider or keep its key, and show what is connected.

mod connected;
mod key;
mod login;
mod status;

pub(super) use key::left_behind;

use openkoi_app::{
    access::{self, SecretSource},
    models::{Connection, Connections, CredentialState},
    now_ms,
    settings::Settings,
    suggest,
};

use self::connected::Connected;
use crate::{context::Context, error::CommandError, exit::Exit, output::Choice, reply::Reply};

/// The word in place of a provider's name that shows the connected ones.
const STATUS: &str = "status";

/// Arguments of `openkoi connect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The provider, or `status` to show what is connected; without one, pick it
    pub name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Connects a provider, or returns the connected ones.
///
/// # Errors
///
/// When there is no such provider, or it was not connected.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let settings = context.settings()?;
    let connections = match args.name.as_deref() {
        Some(STATUS) => context.connections_of_runs(&settings)?,
        _ => context.connections(&settings)?,
    };
    if args.name.as_deref() == Some(STATUS) {
        let (secrets, logins) =
            (context.secrets(&settings)?, access::logins(&context.app, &settings)?);
        return Ok(Reply::new(
            status::ConnectionList::of(&connections, &secrets, &logins)?,
            args.json,
        ));
    }
    let name = match &args.name {
        Some(name) => name.clone(),
        None => context.questions.pick("provider", "openkoi connect", &choices(&connections))?,
    };
    if let Some(source) = external(&connections, &name) {
        return Ok(Reply::new(open(source, &settings, context)?, args.json));
    }
    let connection = known(&connections, &name)?;
    let connected = if connection.login.is_some() {
        login::run(connection, &settings, context)?
    } else if takes_key(connection) {
        key::run(connection, &settings, context)?
    } else {
        return Err(CommandError::usage(format!("`{name}` needs no key and no login")));
    };
    Ok(Reply::new(connected, args.json))
}

/// Returns the store of another program with this name.
fn external<'a>(connections: &'a Connections, name: &str) -> Option<&'a SecretSource> {
    let called = |source: &&SecretSource| source.external().is_some_and(|(own, _)| own == name);
    connections.externals().find(called)
}

/// Records the user's consent to read a store of another program. Naming the store gives the
/// consent.
fn open(
    source: &SecretSource,
    settings: &Settings,
    context: &Context,
) -> Result<Connected, CommandError> {
    let (name, place) = source.external().unwrap_or_default();
    if !context.secrets(settings)?.finds(source) {
        let message = format!("there is nothing to read: {source} is not there");
        return Err(
            CommandError::new(Exit::Credentials, message).hint("log in with that program first")
        );
    }
    context.paths()?.prepare()?;
    context.consents()?.grant(context.paths()?.home(), name, &place, now_ms())?;
    let connections = context.connections(settings)?;
    let uses = |one: &&Connection| matches!(&one.found, CredentialState::At(at) if at == source);
    let used = connections.usable().find(uses);
    Ok(Connected {
        name: used.map_or(name, |one| &one.name).to_owned(),
        model: used.and_then(|one| one.default_model.clone()),
        verified: false,
        kept: None,
        note: format!(": from now on {source} is read; openkoi disconnect {name} takes that back"),
    })
}

/// Returns the known providers, those without a credential first.
pub(super) fn all(connections: &Connections) -> impl Iterator<Item = &Connection> {
    connections.missing.iter().chain(&connections.ready).chain(&connections.on_request)
}

fn known<'a>(connections: &'a Connections, name: &str) -> Result<&'a Connection, CommandError> {
    let found = all(connections).find(|connection| connection.name == name);
    found.ok_or_else(|| {
        let names: Vec<String> = all(connections).map(|one| one.name.clone()).collect();
        let question = suggest::question(&suggest::closest(name, names.iter().cloned()));
        let error = CommandError::usage(format!("there is no provider `{name}`"));
        let list = || format!("there are {}", names.join(", "));
        error.hint(question.unwrap_or_else(list))
    })
}

fn takes_key(connection: &Connection) -> bool {
    connection.sources.iter().any(|source| matches!(source, SecretSource::Saved(_)))
}

fn choices(connections: &Connections) -> Vec<Choice> {
    let connectable = all(connections).filter(|one| one.login.is_some() || takes_key(one));
    let choice = |one: &Connection| Choice {
        argument: one.name.clone(),
        description: if one.login.is_some() { "log in" } else { "keep a key" }.to_owned(),
    };
    let closed = connections.closed.iter().map(|(name, place)| Choice {
        argument: name.clone(),
        description: format!("let it read what another program keeps in {place}"),
    });
    closed.chain(connectable.map(choice)).collect()
}

#[cfg(test)]
mod tests;
