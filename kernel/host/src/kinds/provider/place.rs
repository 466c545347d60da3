//! What stands in a base URL for something that only the user's machine knows: `{region}`.
//!
//! A placeholder is an option of the provider. It is filled from the settings, from the variables that the manifest
//! names, or from the store of other programs where the user lets that be read. What fills it becomes a part of the
//! host that a credential is bound to, so it may not be more than one label of a name.

use openkoi_brokers::secrets::SecretStore;
use openkoi_core::credential::SecretSource;

use super::ProviderSettings;
use crate::{
    manifest::{OptionEntry, ProviderEntry},
    sabotage::{Guard, off},
};

/// Why a base URL has no value for its placeholder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Nobody says it.
    #[error("needs a {name}: set {ways}")]
    Missing {
        /// The option.
        name: String,
        /// Where it can be said.
        ways: String,
    },
    /// It would name another host than it seems to.
    #[error("has a {name} that is none: it is made of small letters, digits and `-`")]
    Unfit {
        /// The option.
        name: String,
    },
}

/// Returns the placeholders of a base URL.
pub(crate) fn placeholders(url: &str) -> impl Iterator<Item = &str> {
    url.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// Returns the options with those that the user's machine knows, where the settings do not say them.
pub(super) fn options(
    entry: &ProviderEntry,
    settings: &ProviderSettings,
    secrets: &SecretStore,
) -> Vec<(String, String)> {
    let mut options = settings.options.clone();
    for declared in &entry.options {
        if options.iter().all(|(name, _)| *name != declared.name)
            && let Some(value) = known(declared, settings, secrets)
        {
            options.push((declared.name.clone(), value));
        }
    }
    options
}

fn known(
    declared: &OptionEntry,
    settings: &ProviderSettings,
    secrets: &SecretStore,
) -> Option<String> {
    let variable = declared.environment.iter().find_map(|name| secrets.setting(name));
    // Among the sources there is only what the user lets be read.
    variable.or_else(|| {
        settings.credential.iter().find_map(|source| match source {
            SecretSource::Profile(store) if !declared.profile_setting.is_empty() => {
                secrets.profile_setting(store, &declared.profile_setting)
            }
            _ => None,
        })
    })
}

/// Returns the base URL with its placeholders filled.
pub(super) fn fill(
    url: &str,
    entry: &ProviderEntry,
    options: &[(String, String)],
) -> Result<String, PlaceError> {
    let mut filled = url.to_owned();
    for name in placeholders(url) {
        let value = value(name, entry, options)?;
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    Ok(filled)
}

/// Returns the option `name`, fit to be a label of a host.
pub(super) fn value<'a>(
    name: &str,
    entry: &ProviderEntry,
    options: &'a [(String, String)],
) -> Result<&'a str, PlaceError> {
    let found = options.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let value = found.ok_or_else(|| missing(name, entry))?;
    let proper = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if ((1..=63).contains(&value.len()) && value.bytes().all(proper)) || off(Guard::PlaceLabel) {
        return Ok(value);
    }
    Err(PlaceError::Unfit { name: name.to_owned() })
}

fn missing(name: &str, entry: &ProviderEntry) -> PlaceError {
    let declared = entry.options.iter().find(|option| option.name == name);
    let variables = declared.into_iter().flat_map(|option| option.environment.iter().cloned());
    let own = format!("`{name}` in its settings");
    let ways: Vec<String> = variables.chain([own]).collect();
    PlaceError::Missing { name: name.to_owned(), ways: ways.join(" or ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openkoi_core::credential::ProfileStore;

    const URL: &str = "https://runtime.{region}.example.com";

    fn entry() -> ProviderEntry {
        toml::from_str(
            "base-url = \"https://runtime.{region}.example.com\"\n[[option]]\nname = \"region\"\n\
             environment = [\"ONE_REGION\", \"OTHER_REGION\"]\nprofile-setting = \"region\"",
        )
        .unwrap()
    }

    fn profiles() -> ProfileStore {
        toml::from_str(
            "name = \"pond\"\nprogram = \"Pond\"\npath = \"~\"\nprofile = \"usual\"\n\
             profile-environment = \"POND_PROFILE\"\nid = \"id\"\nsecret = \"secret\"\n\
             token = \"token\"\nfiles = [{ path = \"~/profiles\", environment = \"POND\" }]",
        )
        .unwrap()
    }

    fn secrets(home: &std::path::Path, variables: &[(&str, &str)]) -> SecretStore {
        let own = [("HOME", home.to_str().unwrap())];
        let variables =
            own.iter().chain(variables).map(|(name, value)| (name.into(), value.into()));
        SecretStore::new(home, std::sync::Arc::new(variables.collect()))
    }

    #[test]
    fn the_settings_come_first_then_the_variables_then_the_store_of_others() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("profiles"), "[usual]\nregion = of-profile").unwrap();
        let mut settings = ProviderSettings::default();
        let filled = |settings: &ProviderSettings, variables: &[(&str, &str)]| {
            fill(URL, &entry(), &options(&entry(), settings, &secrets(home.path(), variables)))
        };
        let at = |region: &str| Ok(format!("https://runtime.{region}.example.com"));

        assert_eq!(
            filled(&settings, &[]).unwrap_err().to_string(),
            "needs a region: set ONE_REGION or OTHER_REGION or `region` in its settings"
        );
        // The store of other programs is looked into only with leave.
        settings.credential = vec![SecretSource::Profile(Box::new(profiles()))];
        assert_eq!(filled(&settings, &[]), at("of-profile"));
        assert_eq!(filled(&settings, &[("OTHER_REGION", "of-variable")]), at("of-variable"));
        settings.options = vec![("region".to_owned(), "of-settings".to_owned())];
        assert_eq!(filled(&settings, &[("ONE_REGION", "of-variable")]), at("of-settings"));
    }

    #[test]
    fn what_fills_a_place_is_one_label() {
        for bad in ["", "evil.com/", "a.b", "a@b", "A", "a:1", "a?", "a#", "a b", "{region}"] {
            let options = [("region".to_owned(), bad.to_owned())];
            assert!(
                matches!(fill(URL, &entry(), &options), Err(PlaceError::Unfit { .. })),
                "{bad}"
            );
        }
    }
}
