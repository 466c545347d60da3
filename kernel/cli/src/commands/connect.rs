//! `openkoi connect`: log in to a provider or keep its key, and show what is connected.

mod account;
mod connected;
mod key;
mod login;
mod server;
mod status;

pub(super) use key::left_behind;

use openkoi_app::{
    access::{self, SecretSource},
    accounts::{self, AccountConnection},
    models::{self, Connection, Connections, CredentialState},
    now_ms,
    settings::Settings,
    suggest,
};

use self::{connected::Connected, key::takes_key, login::Wanted, server::ServerPlace};
use crate::{context::Context, error::CommandError, exit::Exit, output::Choice, reply::Reply};

/// The word in place of a provider's name that shows the connected ones.
const STATUS: &str = "status";

/// Arguments of `openkoi connect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The provider, or `status` to show what is connected; without one, pick it
    pub name: Option<String>,
    /// Where a server of your own is, such as http://127.0.0.1:8080/v1
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The name for a server of your own
    #[arg(long = "as", value_name = "NAME", requires = "url")]
    pub as_name: Option<String>,
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
        let silent = models::silent(&context.app, &settings, &connections.ready)?;
        let accounts = accounts::accounts(&context.app, &settings)?;
        let list = status::ConnectionList::of(&connections, &accounts, &secrets, &logins, &silent)?;
        return Ok(Reply::new(list, args.json));
    }
    let accounts = accounts::accounts(&context.app, &settings)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => {
            let choices = choices(&connections, &accounts, &settings);
            context.questions.pick("provider", "openkoi connect", &choices)?
        }
    };
    if let Some(account) = account_of(&name, &connections, &accounts) {
        if args.url.is_some() {
            let message = format!("`{name}` has its address in its component");
            return Err(CommandError::usage(message));
        }
        return Ok(Reply::new(account::run(account, &settings, context)?, args.json));
    }
    if let Some(source) = external(&connections, &name) {
        return Ok(Reply::new(open(source, &settings, context)?, args.json));
    }
    let connection = known(&connections, &accounts, &name)?;
    let is_own = server::is_own(connection, &settings);
    if args.url.is_some() && !is_own {
        return Err(elsewhere(connection, &connections, &settings, context));
    }
    let connected = if is_own {
        let place = ServerPlace {
            url: args.url.clone(),
            name: args.as_name.clone(),
            taken: all(&connections).map(|one| one.name.clone()).collect(),
        };
        server::run(connection, &place, &settings, context)?
    } else if let Some(login) = &connection.login {
        let wanted = Wanted { name: &connection.name, kept_as: &connection.name, login };
        Connected {
            kept: login::run(&wanted, &settings, context)?,
            name: connection.name.clone(),
            model: connection.default_model.clone(),
            verified: true,
            is_silent: false,
            note: String::new(),
        }
    } else if takes_key(connection) {
        key::run(connection, &settings, context)?
    } else {
        return Err(CommandError::usage(format!("`{name}` needs no key and no login")));
    };
    let exit = if connected.is_silent { Exit::Provider } else { Exit::Accepted };
    Ok(Reply::new(connected, args.json).ending(exit))
}

/// Returns the error for an address of a service that has its own.
fn elsewhere(
    connection: &Connection,
    connections: &Connections,
    settings: &Settings,
    context: &Context,
) -> CommandError {
    let name = &connection.name;
    if settings.providers.iter().any(|one| one.name == *name) {
        let path = context.paths().map(|paths| paths.config().display().to_string());
        let message = format!("`{name}` has its address in the configuration");
        let place = path.unwrap_or_default();
        return CommandError::usage(message)
            .hint(format!("change `base_url` under [providers.{name}] in {place}"))
            .hint(format!("openkoi connect {name}   (keeps another key)"));
    }
    let own = all(connections).filter(|one| server::is_own(one, settings));
    CommandError::usage(format!("`--url` is for a server of your own, and `{name}` is none"))
        .hints(own.map(|one| format!("openkoi connect {} --url URL", one.name)))
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
        is_silent: false,
        kept: None,
        note: format!(": from now on {source} is read; openkoi disconnect {name} takes that back"),
    })
}

/// Returns the known providers, those without a credential first.
pub(super) fn all(connections: &Connections) -> impl Iterator<Item = &Connection> {
    connections.missing.iter().chain(&connections.ready).chain(&connections.on_request)
}

/// Returns the credential of an account that `name` means. A provider goes before an account of the same name.
pub(super) fn account_of<'a>(
    name: &str,
    connections: &Connections,
    accounts: &'a [AccountConnection],
) -> Option<&'a AccountConnection> {
    let is_provider = all(connections).any(|connection| connection.name == name);
    accounts.iter().find(|one| one.is_called(name) && !(is_provider && one.name == name))
}

fn known<'a>(
    connections: &'a Connections,
    accounts: &[AccountConnection],
    name: &str,
) -> Result<&'a Connection, CommandError> {
    let found = all(connections).find(|connection| connection.name == name);
    found.ok_or_else(|| {
        let accounts = accounts.iter().map(|one| one.name.clone());
        let names: Vec<String> =
            all(connections).map(|one| one.name.clone()).chain(accounts).collect();
        let question = suggest::question(&suggest::closest(name, names.iter().cloned()));
        let error = CommandError::usage(format!("there is no provider `{name}`"));
        let list = || format!("there are {}", names.join(", "));
        error.hint(question.unwrap_or_else(list))
    })
}

fn choices(
    connections: &Connections,
    accounts: &[AccountConnection],
    settings: &Settings,
) -> Vec<Choice> {
    let connectable = all(connections).filter(|one| one.login.is_some() || takes_key(one));
    let choice = |one: &Connection| Choice {
        argument: one.name.clone(),
        description: match one {
            one if server::is_own(one, settings) => "a server of your own",
            one if one.login.is_some() => "log in",
            _ => "keep a key",
        }
        .to_owned(),
    };
    let closed = connections.closed.iter().map(|(name, place)| Choice {
        argument: name.clone(),
        description: format!("let it read what another program keeps in {place}"),
    });
    let accounts = accounts.iter().map(|one| Choice {
        argument: one.name.clone(),
        description: format!("an account that `{}` uses", one.component),
    });
    closed.chain(connectable.map(choice)).chain(accounts).collect()
}

#[cfg(test)]
mod tests;
