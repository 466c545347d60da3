//! A key: read without being shown, looked at, tried, kept.

use std::{collections::HashMap, ffi::OsString, io::IsTerminal, sync::Arc, time::Duration};

use openkoi_brokers::secrets::{Secret, SecretSource, SecretStore};
use openkoi_core::port::{ModelError, ModelTrouble};

use super::{Connected, store};
use crate::{
    context::Context, error::CommandError, execute, exit::Exit, models::Connection,
    request::stdin::Stdin, runtime, settings::Settings,
};

/// The name under which a key is tried before it is kept.
const CANDIDATE: &str = "the key that was given";
/// How long a provider may take to say that a key is good.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps a key.
pub(super) fn run(
    connection: &Connection,
    settings: &Settings,
    context: &Context,
) -> Result<Connected, CommandError> {
    let key = proper(&read(connection, context)?)?;
    let tried = try_it(&key, connection, settings, context)?;
    let (verified, note) = match tried {
        Ok(models) => (true, format!(": it lists {models} models")),
        Err(error) if error.kind == ModelTrouble::Credentials => {
            let told = CommandError::new(Exit::Credentials, error.message);
            return Err(told.hint("nothing was kept; check the key and try again"));
        }
        Err(error) => (false, format!("; the key could not be verified: {}", error.message)),
    };
    let kept = store(context)?.store(&connection.name, &Secret::new(key.into_bytes()));
    kept.map_err(|error| CommandError::from_error(Exit::Configuration, &error))?;
    warn_of_others(connection, context)?;
    let (name, model) = (connection.name.clone(), connection.default_model.clone());
    Ok(Connected { name, model, verified, note })
}

fn read(connection: &Connection, context: &Context) -> Result<String, CommandError> {
    if context.prompt.is_interactive() {
        return context.prompt.hidden(&format!("key for {} (not shown): ", connection.name));
    }
    if std::io::stdin().is_terminal() {
        return Err(CommandError::usage("there is no terminal to ask on")
            .hint(format!("openkoi connect {} < FILE", connection.name)));
    }
    Stdin::new(&context.printer).read()
}

/// Returns the key without the white space around it.
fn proper(typed: &str) -> Result<String, CommandError> {
    let key = typed.trim();
    if key.is_empty() {
        return Err(CommandError::usage("the key is empty, nothing was kept"));
    }
    if key.len() > 16 << 10 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "that is no key: one has no white space and no special characters in it";
        return Err(CommandError::usage(message));
    }
    Ok(key.to_owned())
}

/// Asks the provider for its models with the key; returns how many there are. The key is not on the disk yet.
fn try_it(
    key: &str,
    connection: &Connection,
    settings: &Settings,
    context: &Context,
) -> Result<Result<usize, ModelError>, CommandError> {
    let mut environment: HashMap<OsString, OsString> =
        HashMap::clone(&context.environment.snapshot());
    environment.insert(CANDIDATE.into(), key.into());
    let secrets = SecretStore::new(context.paths()?.home(), Arc::new(environment));
    let mut candidate = connection.clone();
    candidate.sources = vec![SecretSource::Variable(CANDIDATE.to_owned())];
    let models = runtime::listers(context, settings, &[candidate], secrets)?;
    let late = |_| ModelError {
        kind: ModelTrouble::Unreachable,
        message: format!("`{}` did not answer in time", connection.name),
        hint: String::new(),
    };
    execute::block(async {
        let listing = tokio::time::timeout(PATIENCE, models.list_models(&connection.name)).await;
        Ok(listing.map_err(late).flatten().map(|models| models.len()))
    })
}

/// A variable comes before what is kept, which is easily forgotten.
fn warn_of_others(connection: &Connection, context: &Context) -> Result<(), CommandError> {
    let secrets = context.secrets()?;
    let first = connection.sources.iter().find(|source| secrets.has(std::slice::from_ref(source)));
    if let Some(SecretSource::Variable(name)) = first {
        context.printer.warning(&format!("the variable {name} is set and comes before the key"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_nothing_around_it_and_nothing_odd_in_it() {
        assert_eq!(proper(" sk-1234\n").unwrap(), "sk-1234");
        for odd in ["", " \n", "sk 1234", "sk-\u{e9}", "sk\n1234", "a\u{1b}[2Jb", "\u{0}"] {
            assert_eq!(proper(odd).unwrap_err().kind, Exit::Usage, "{odd:?}");
        }
    }
}
