//! `openkoi disconnect`: forget a login or a saved key.

use std::collections::BTreeMap;

use openkoi_app::{
    access::{self, KeyringTrouble, Logins, SecretSource, SecretStore},
    accounts::{self, AccountConnection},
    models::{Connection, Connections, CredentialState},
    suggest, thread,
};
use openkoi_core::{
    credential::Login,
    document::{Block, Document, Pairs, Value},
};

use crate::{
    commands::connect,
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Choice, Output},
    reply::Reply,
};

/// The word in place of a provider's name that means all logins.
const ALL: &str = "all";

/// Arguments of `openkoi disconnect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The provider, or `all` for every login; without one, pick it
    pub name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Forgets a login, a key, a consent, or all logins.
///
/// # Errors
///
/// When there is none of that name, or it cannot be removed.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let settings = context.settings()?;
    let connections = context.connections(&settings)?;
    let secrets = context.secrets(&settings)?;
    let logins = access::logins(&context.app, &settings)?;
    let accounts = accounts::accounts(&context.app, &settings)?;
    let saved = SavedCredentials::of(&connections, &accounts, &logins, &secrets, context)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None if saved.is_empty() => {
            let message = "nothing is connected that could be disconnected";
            return Err(CommandError::usage(message).hint("openkoi connect status"));
        }
        None => context.questions.pick("provider", "openkoi disconnect", &saved.choices())?,
    };
    // An account is called by its name, and kept under one that no provider has.
    let account = connect::account_of(&name, &connections, &accounts);
    let name = account.map_or(name, |account| account.key.clone());
    let known = KnownLogins::of(&connections, &accounts);
    let mut consents = context.consents()?;
    let gone = if consents.has(&name) {
        consents.revoke(context.paths()?.home(), &name)?;
        vec![name.clone()]
    } else if name == ALL {
        thread::block(forget_logins(&logins, saved.logins, &known, context))?
    } else {
        let left = forget(&name, &saved, &logins, &secrets, (&known, context))?;
        let warning = left.map(|trouble| connect::left_behind(&name, &trouble));
        warning.iter().for_each(|warning| context.printer.warning(warning));
        vec![name.clone()]
    };
    for variable in connections.ready.iter().filter(|one| one.name == name).flat_map(variable) {
        context.printer.warning(&format!("the variable {variable} is still set"));
    }
    Ok(Reply::new(Disconnected(gone), args.json))
}

/// The logins, keys and consents that can be forgotten.
struct SavedCredentials {
    logins: Vec<String>,
    keys: Vec<String>,
    /// Stores of other programs that the user lets be read.
    stores: Vec<String>,
}

impl SavedCredentials {
    fn of(
        connections: &Connections,
        accounts: &[AccountConnection],
        logins: &Logins,
        secrets: &SecretStore,
        context: &Context,
    ) -> Result<Self, CommandError> {
        let accounts = accounts.iter().flat_map(|one| &one.sources);
        let files = connect::all(connections).flat_map(|one| &one.sources).chain(accounts);
        let files = files.filter(|source| secrets.has(std::slice::from_ref(source)));
        let keys = files.filter_map(|source| match source {
            SecretSource::Saved(name) => Some(name.clone()),
            _ => None,
        });
        let logins = logins.list()?.into_iter().map(|login| login.name).collect();
        let stores = context.consents()?.names().cloned().collect();
        Ok(Self { logins, keys: keys.collect(), stores })
    }

    fn is_empty(&self) -> bool {
        self.logins.is_empty() && self.keys.is_empty() && self.stores.is_empty()
    }

    fn choices(&self) -> Vec<Choice> {
        let choice = |name: &String, what: &str| Choice {
            argument: name.clone(),
            description: what.to_owned(),
        };
        let logins = self.logins.iter().map(|name| choice(name, "login"));
        let keys = self.keys.iter().map(|name| choice(name, "saved key"));
        let stores = self.stores.iter().map(|name| choice(name, "store of another program"));
        logins.chain(keys).chain(stores).collect()
    }
}

fn forget(
    name: &str,
    saved: &SavedCredentials,
    logins: &Logins,
    secrets: &SecretStore,
    (known, context): (&KnownLogins, &Context),
) -> Result<Option<KeyringTrouble>, CommandError> {
    let has = |list: &[String]| list.iter().any(|one| one == name);
    if !has(&saved.logins) && !has(&saved.keys) {
        let names = saved.logins.iter().chain(&saved.keys).cloned();
        let question = suggest::question(&suggest::closest(name, names));
        let message = format!("there is no login and no saved key for `{name}`");
        return Err(CommandError::usage(message).hints(question).hint("openkoi connect status"));
    }
    if has(&saved.logins) {
        thread::block(forget_logins(logins, vec![name.to_owned()], known, context))?;
    }
    secrets.forget(name).map_err(|error| CommandError::from_error(Exit::Configuration, &error))
}

/// How logins are made, by the names under which they are kept.
struct KnownLogins(BTreeMap<String, Login>);

impl KnownLogins {
    fn of(connections: &Connections, accounts: &[AccountConnection]) -> Self {
        let own = connect::all(connections).map(|one| (&one.name, &one.login));
        let of_accounts = accounts.iter().map(|one| (&one.key, &one.login));
        let all = own.chain(of_accounts);
        Self(all.filter_map(|(name, login)| Some((name.clone(), login.clone()?))).collect())
    }
}

/// Forgets logins, and tells their services, as far as they want to know. One that cannot be told keeps nothing here.
async fn forget_logins(
    logins: &Logins,
    names: Vec<String>,
    known: &KnownLogins,
    context: &Context,
) -> Result<Vec<String>, CommandError> {
    for name in &names {
        if let Some(login) = known.0.get(name)
            && let Err(error) = logins.revoke(name, login).await
        {
            context.printer.warning(&format!(
                "the service of `{name}` was not told, and may take its token until that expires: {error}"
            ));
        }
        logins.logout(name).await?;
    }
    Ok(names)
}

fn variable(connection: &Connection) -> Option<&String> {
    match &connection.found {
        CredentialState::At(SecretSource::Variable(name)) => Some(name),
        _ => None,
    }
}

/// The names that were disconnected.
struct Disconnected(Vec<String>);

impl Output for Disconnected {
    fn document(&self) -> Document {
        let none = self.0.is_empty().then(|| Block::paragraph("there was no login"));
        let each = self.0.iter().map(|name| Block::paragraph(format!("disconnected `{name}`")));
        Document::new("Disconnected")
            .with_all(none.into_iter().chain(each))
            .with(Pairs::new("").for_programs("disconnected", Value::list(&self.0)))
    }
}

#[cfg(test)]
mod tests;
