//! Fills the placeholders of a base URL, such as `{region}`.
//!
//! A placeholder is an option of the provider. Its value comes from the settings, from the variables that the manifest
//! names, or from a profile of another program that the user lets OpenKoi read. The value becomes a part of the host
//! that a credential is bound to, so it has to be a single label of a host name.

use openkoi_brokers::secrets::SecretStore;
use openkoi_core::credential::SecretSource;

use crate::{
    manifest::{OptionEntry, ProviderEntry, template::placeholders},
    sabotage::{Guard, off},
};

/// A placeholder of a base URL has no proper value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// No source has a value.
    #[error("needs a {name}: set {ways}")]
    Missing {
        /// The option.
        name: String,
        /// The sources that could have one.
        ways: String,
    },
    /// The value is not a single label, and so could name another host.
    #[error("has a {name} that is not one: use small letters, digits and `-`")]
    Unfit {
        /// The option.
        name: String,
    },
}

/// Returns the options that the user set, and those that variables or profiles of the user's machine add. The profiles
/// are those among `sources`, which the user lets OpenKoi read.
pub(crate) fn options(
    entry: &ProviderEntry,
    set: &[(String, String)],
    sources: &[SecretSource],
    secrets: &SecretStore,
) -> Vec<(String, String)> {
    let mut options = set.to_vec();
    for declared in &entry.options {
        if options.iter().all(|(name, _)| *name != declared.name)
            && let Some(value) = known(declared, sources, secrets)
        {
            options.push((declared.name.clone(), value));
        }
    }
    options
}

fn known(
    declared: &OptionEntry,
    sources: &[SecretSource],
    secrets: &SecretStore,
) -> Option<String> {
    let variable = declared.environment.iter().find_map(|name| secrets.setting(name));
    variable.or_else(|| {
        sources.iter().find_map(|source| match source {
            SecretSource::Profile(store) if !declared.profile_setting.is_empty() => {
                secrets.profile_setting(store, &declared.profile_setting)
            }
            _ => None,
        })
    })
}

/// Fills the placeholders of a base URL.
pub(crate) fn fill(
    url: &str,
    entry: &ProviderEntry,
    options: &[(String, String)],
) -> Result<String, TemplateError> {
    let mut filled = url.to_owned();
    for name in placeholders(url) {
        let value = value(name, entry, options)?;
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    Ok(filled)
}

/// Returns the value of the option `name`, which is a label of a host name.
pub(crate) fn value<'a>(
    name: &str,
    entry: &ProviderEntry,
    options: &'a [(String, String)],
) -> Result<&'a str, TemplateError> {
    let found = options.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let value = found.ok_or_else(|| missing(name, entry))?;
    let proper = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if ((1..=63).contains(&value.len()) && value.bytes().all(proper)) || off(Guard::TemplateLabel) {
        return Ok(value);
    }
    Err(TemplateError::Unfit { name: name.to_owned() })
}

fn missing(name: &str, entry: &ProviderEntry) -> TemplateError {
    let declared = entry.options.iter().find(|option| option.name == name);
    let variables = declared.into_iter().flat_map(|option| option.environment.iter().cloned());
    let own = format!("`{name}` in its settings");
    let ways: Vec<String> = variables.chain([own]).collect();
    TemplateError::Missing { name: name.to_owned(), ways: ways.join(" or ") }
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
    fn settings_come_before_variables_and_variables_before_profiles() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("profiles"), "[usual]\nregion = of-profile").unwrap();
        let filled = |set: &[(String, String)], sources: &[SecretSource], variables| {
            let secrets = secrets(home.path(), variables);
            fill(URL, &entry(), &options(&entry(), set, sources, &secrets))
        };
        let at = |region: &str| Ok(format!("https://runtime.{region}.example.com"));

        assert_eq!(
            filled(&[], &[], &[]).unwrap_err().to_string(),
            "needs a region: set ONE_REGION or OTHER_REGION or `region` in its settings"
        );
        // A profile is read if it is among the sources.
        let sources = [SecretSource::Profile(Box::new(profiles()))];
        assert_eq!(filled(&[], &sources, &[]), at("of-profile"));
        assert_eq!(filled(&[], &sources, &[("OTHER_REGION", "of-variable")]), at("of-variable"));
        let set = [("region".to_owned(), "of-settings".to_owned())];
        assert_eq!(filled(&set, &sources, &[("ONE_REGION", "of-variable")]), at("of-settings"));
    }

    #[test]
    fn the_value_of_a_placeholder_is_one_label() {
        for bad in ["", "evil.com/", "a.b", "a@b", "A", "a:1", "a?", "a#", "a b", "{region}"] {
            let options = [("region".to_owned(), bad.to_owned())];
            assert!(
                matches!(fill(URL, &entry(), &options), Err(TemplateError::Unfit { .. })),
                "{bad}"
            );
        }
    }
}
