//! A key for a provider: it is read without being shown, checked, tried, and then kept.

use std::io::IsTerminal;

use openkoi_app::{
    access::{
        self, KeepIn, KeySlot, KeyringTrouble, Secret, SecretError, SecretSource, keyring_label,
    },
    models::Connection,
    settings::Settings,
};
use openkoi_core::model::ModelTrouble;

use super::connected::Connected;
use crate::{context::Context, error::CommandError, exit::Exit, request::stdin::Stdin};

/// Returns true if a key can be kept for the provider.
pub(super) fn takes_key(connection: &Connection) -> bool {
    connection.sources.iter().any(|source| matches!(source, SecretSource::Saved(_)))
}

/// Reads a key, tries it, and keeps it unless the provider refuses it.
pub(super) fn run(
    connection: &Connection,
    settings: &Settings,
    context: &Context,
) -> Result<Connected, CommandError> {
    let key = proper(&read(&connection.name, context)?)?;
    let tried = access::listed(&context.app, settings, connection, Some(&key))?;
    let is_silent = tried.as_ref().is_err_and(|error| error.kind == ModelTrouble::Unreachable);
    let (verified, note) = match tried {
        Ok(models) => (true, format!(": it lists {} models", models.len())),
        Err(error) if error.kind == ModelTrouble::Credentials => {
            let told = CommandError::new(Exit::Credentials, error.message);
            return Err(told.hint("nothing was kept; check the key and try again"));
        }
        Err(error) => (false, format!("; the key could not be verified: {}", error.message)),
    };
    let place = keep(&connection.name, key, settings, context)?;
    warn_of_others(&connection.sources, settings, context)?;
    let (name, model) = (connection.name.clone(), connection.default_model.clone());
    let note = match place {
        KeySlot::Keyring => format!("{note}; the key is in the key ring"),
        KeySlot::File => note,
    };
    Ok(Connected { name, model, verified, is_silent, kept: Some(place), note })
}

/// Keeps the key in the place of the settings, and prints a warning if it is in another place.
pub(super) fn keep(
    name: &str,
    key: String,
    settings: &Settings,
    context: &Context,
) -> Result<KeySlot, CommandError> {
    context.paths()?.prepare()?;
    let wish = settings.credentials.store;
    let key = Secret::new(key.into_bytes());
    let kept = context.secrets(settings)?.store(name, &key, wish).map_err(|error| {
        let told = CommandError::from_error(Exit::Configuration, &error);
        let by_file = "store = \"file\" under [credentials] keeps it in a file";
        told.hints(matches!(error, SecretError::Unkept { .. }).then(|| by_file.to_owned()))
    })?;
    if let Some(trouble) = kept.trouble {
        let warning = match wish {
            KeepIn::File => left_behind(name, &trouble),
            _ => {
                format!("the key ring is not used: {trouble}; the key is in credentials/{name}.key")
            }
        };
        context.printer.warning(&warning);
    }
    Ok(kept.slot)
}

/// Returns the warning that an old key is still in the key ring.
pub(in crate::commands) fn left_behind(name: &str, trouble: &KeyringTrouble) -> String {
    let label = keyring_label(name);
    format!("an old key is still in the key ring, as `{label}`: {trouble}; it is not used any more")
}

/// Reads a key without showing it.
pub(super) fn read(name: &str, context: &Context) -> Result<String, CommandError> {
    if context.questions.is_interactive() {
        return context.questions.hidden(&format!("key for {name} (not shown): "));
    }
    if std::io::stdin().is_terminal() {
        return Err(CommandError::usage("there is no terminal to ask on")
            .hint(format!("openkoi connect {name} < FILE")));
    }
    Stdin::new(&context.printer).read()
}

/// Returns the key without the white space around it, if it can be a key.
pub(super) fn proper(typed: &str) -> Result<String, CommandError> {
    let key = typed.trim();
    if key.is_empty() {
        return Err(CommandError::usage("the key is empty, nothing was kept"));
    }
    if key.len() > 16 << 10 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "that is not a key: one has no white space and no special characters in it";
        return Err(CommandError::usage(message));
    }
    Ok(key.to_owned())
}

/// Prints a warning if a variable is set, because it goes before the key that was kept.
pub(super) fn warn_of_others(
    sources: &[SecretSource],
    settings: &Settings,
    context: &Context,
) -> Result<(), CommandError> {
    let secrets = context.secrets(settings)?;
    let first = sources.iter().find(|source| secrets.has(std::slice::from_ref(source)));
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
