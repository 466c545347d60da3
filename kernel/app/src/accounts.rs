//! Accounts at services that are no providers of models: where their credentials are, and which of them a component uses.
//!
//! A component that declares credentials has an account of its own name. `[accounts.NAME]` makes further ones, so that two
//! accounts of one service have two names.

use std::collections::BTreeMap;

use openkoi_components::Embedded;
use openkoi_core::credential::{Login, LoginGrant, SecretSource};
use openkoi_host::{
    manifest::{CredentialEntry, Kind, Manifest},
    service::{AccountSettings, CredentialSettings, key_of},
};

use crate::{
    app::App,
    error::AppError,
    host,
    models::{ModelsError, login},
    settings::{ConfiguredAccount, Settings},
    suggest,
};

/// One credential of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConnection {
    /// The name by which it is connected: that of the account, and for a further credential with its name after a dot.
    pub name: String,
    /// The kind of the component.
    pub kind: Kind,
    /// The account.
    pub account: String,
    /// The component that asks the service.
    pub component: String,
    /// The credential in the component's manifest.
    pub credential: String,
    /// The name under which a key or a login is kept. It is none that a provider has.
    pub key: String,
    /// The places where it is looked for, in order.
    pub sources: Vec<SecretSource>,
    /// The login, if there is one.
    pub login: Option<Login>,
}

impl AccountConnection {
    /// Returns true if `name` means it. The name under which it is kept does too, where a provider has the other.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.key == name
    }
}

/// Returns the credentials of all accounts, sorted by account.
///
/// # Errors
///
/// When the configuration names a component that takes no credential, or a login that is none.
pub fn accounts(app: &App, settings: &Settings) -> Result<Vec<AccountConnection>, AppError> {
    Ok(connections(settings, &manifests(app)?)?)
}

/// Returns the accounts that the components use.
///
/// # Errors
///
/// As [`accounts`], and when a component is to use an account that is not one of its own.
pub(crate) fn in_use(
    app: &App,
    settings: &Settings,
) -> Result<BTreeMap<String, AccountSettings>, AppError> {
    Ok(used(settings, connections(settings, &manifests(app)?)?)?)
}

/// Returns the manifests of components that declare credentials and are no providers, with whether the variables that they name
/// count. Those of installed components have what is granted and nothing else.
fn manifests(app: &App) -> Result<Vec<(Manifest, bool)>, AppError> {
    let mut found = Vec::new();
    // Most declare none, and every task starts with this: what does not have the word need not be read.
    let declares = |one: &&Embedded| {
        matches!(one.kind, "tool" | "integration") && one.manifest.contains("credential")
    };
    for one in app.components().iter().filter(declares) {
        let manifest = Manifest::parse(one.manifest).map_err(|reason| AppError::Component {
            name: one.name.to_owned(),
            reason: Box::new(reason),
        })?;
        if !manifest.credentials.is_empty() {
            found.push((manifest, true));
        }
    }
    if app.installed_components()?.is_empty() {
        return Ok(found);
    }
    let catalog = host::catalog(app)?.snapshot();
    for one in catalog.list().filter(|one| !one.built_in && one.kind != Kind::Provider) {
        let manifest = catalog.find(one.name).and_then(|entry| entry.manifest().cloned());
        let manifest = manifest.map_err(AppError::Unfit)?;
        if !manifest.credentials.is_empty() {
            found.push((Manifest::clone(&manifest), true));
        }
    }
    Ok(found)
}

fn connections(
    settings: &Settings,
    manifests: &[(Manifest, bool)],
) -> Result<Vec<AccountConnection>, ModelsError> {
    let component = |account: &ConfiguredAccount| {
        account.component.clone().unwrap_or_else(|| account.name.clone())
    };
    for account in &settings.accounts {
        let wanted = component(account);
        let known = || manifests.iter().map(|(manifest, _)| manifest.component.name.clone());
        if known().all(|name| name != wanted) {
            return Err(ModelsError::NoAccountComponent {
                account: account.name.clone(),
                suggestions: suggest::closest(&wanted, known()),
                component: wanted,
            });
        }
    }
    let mut all = Vec::new();
    for (manifest, is_built_in) in manifests {
        let name = &manifest.component.name;
        let own: Vec<&ConfiguredAccount> =
            settings.accounts.iter().filter(|account| component(account) == *name).collect();
        let usual = ConfiguredAccount { name: name.clone(), ..ConfiguredAccount::default() };
        let configured = if own.is_empty() { vec![&usual] } else { own };
        for account in configured {
            for entry in &manifest.credentials {
                all.push(connection(manifest, entry, account, *is_built_in)?);
            }
        }
    }
    // Those of one account stay in the order of the manifest.
    all.sort_by(|one, other| one.account.cmp(&other.account));
    Ok(all)
}

fn connection(
    manifest: &Manifest,
    entry: &CredentialEntry,
    account: &ConfiguredAccount,
    is_built_in: bool,
) -> Result<AccountConnection, ModelsError> {
    let (name, component) = (&account.name, &manifest.component);
    let is_first = manifest.credentials.first() == Some(entry);
    // The variables of the manifest are for the usual account, unless the user names another.
    let is_usual = *name == component.name && account.api_key_env.is_none();
    let usual = CredentialSettings::usual(manifest, entry, name, is_built_in && is_usual);
    let variable = account.api_key_env.iter().filter(|_| is_first).cloned();
    let changes = if is_first { account.login.clone() } else { toml::Table::new() };
    let table = format!("accounts.{name}.login");
    let login = login::laid(&table, &changes, entry.login.as_ref())?;
    let key = key_of(manifest, entry, name);
    let is_added = login.is_some() && entry.login.is_none();
    let kept = is_added.then(|| SecretSource::Login(key.clone()));
    // What is kept for a login, or as the secret of the program, is no key by itself.
    let is_program = login.as_ref().is_some_and(|login| login.grant == LoginGrant::Client);
    let own = variable.map(SecretSource::Variable).chain(usual.sources);
    let own = own
        .filter(|source| !((is_added || is_program) && matches!(source, SecretSource::Saved(_))));
    let (variables, usual): (Vec<_>, Vec<_>) =
        own.partition(|source| matches!(source, SecretSource::Variable(_)));
    Ok(AccountConnection {
        name: if is_first { name.clone() } else { format!("{name}.{}", entry.name) },
        kind: component.kind,
        account: name.clone(),
        component: component.name.clone(),
        credential: entry.name.clone(),
        sources: variables.into_iter().chain(kept).chain(usual).collect(),
        key,
        login,
    })
}

/// Returns the account of each component: the one that the settings name, or its first.
fn used(
    settings: &Settings,
    all: Vec<AccountConnection>,
) -> Result<BTreeMap<String, AccountSettings>, ModelsError> {
    let mut used: BTreeMap<String, AccountSettings> = BTreeMap::new();
    for (component, wanted) in &settings.used_accounts {
        let own = all.iter().filter(|one| one.component == *component);
        let mut known: Vec<String> = own.map(|one| one.account.clone()).collect();
        known.dedup();
        if !known.contains(wanted) {
            return Err(ModelsError::NoAccount {
                component: component.clone(),
                account: wanted.clone(),
                known,
            });
        }
        used.insert(component.clone(), named(wanted));
    }
    for one in all {
        let account = used.entry(one.component.clone()).or_insert_with(|| named(&one.account));
        if account.name == one.account {
            let credential = CredentialSettings { sources: one.sources, login: one.login };
            account.credentials.insert(one.credential, credential);
        }
    }
    Ok(used)
}

fn named(account: &str) -> AccountSettings {
    AccountSettings { name: account.to_owned(), credentials: BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{environment::Environment, settings::Layers};
    use std::path::Path;

    const NOTES: &str = r#"
        [component]
        name = "notes"
        version = "0.1.0"
        kind = "tool"
        publisher = "openkoi"
        description = "Keeps notes elsewhere."
        [[credential]]
        name = "api-key"
        environment = ["NOTES_API_KEY"]
        inject = "bearer"
        urls = ["https://api.example.com"]
        [[credential]]
        name = "app"
        inject = "bearer"
        urls = ["https://api.example.com/apps"]
        [credential.login]
        grant = "code"
        client-id = "koi"
        authorize-url = "https://auth.example.com/authorize"
        token-url = "https://auth.example.com/token"
        [[tool]]
        name = "add_note"
        description = "Adds a note."
        effect = "send"
        domain = "notes"
        parameters = '{"type":"object"}'
    "#;

    fn settings(config: &str) -> Settings {
        let mut layers = Layers::defaults();
        let path = Path::new("/home/koi/.openkoi/config.toml");
        layers.user(crate::settings::file::parse(config, path).unwrap(), path).unwrap();
        let settings = Settings::of(layers, &Environment::of([], Path::new("/")));
        assert_eq!(settings.warnings(), [] as [&str; 0]);
        settings
    }

    fn found(config: &str, is_built_in: bool) -> Result<Vec<AccountConnection>, ModelsError> {
        let manifest = Manifest::parse(NOTES).unwrap();
        connections(&settings(config), &[(manifest, is_built_in)])
    }

    fn places(one: &AccountConnection) -> Vec<String> {
        one.sources.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_component_with_credentials_has_the_account_of_its_name() {
        let all = found("", true).unwrap();

        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["notes", "notes.app"]);
        assert_eq!(places(&all[0]), ["the variable NOTES_API_KEY", "the credential `tool.notes`"]);
        assert_eq!(places(&all[1]), ["the login `tool.notes.app`"]);
        assert!(all[0].is_called("notes") && all[0].is_called("tool.notes"));
        assert!(!all[0].is_called("notes.app"));
    }

    #[test]
    fn a_component_of_somebody_else_chooses_no_variable() {
        assert_eq!(places(&found("", false).unwrap()[0]), ["the credential `tool.notes`"]);
    }

    #[test]
    fn two_accounts_of_one_service_have_two_names_and_keys_of_their_own() {
        let config = "[accounts.home]\ncomponent = 'notes'\n\
            [accounts.work]\ncomponent = 'notes'\napi_key_env = 'WORK_KEY'\n";
        let all = found(config, true).unwrap();

        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["home", "home.app", "work", "work.app"]);
        assert_eq!(places(&all[0]), ["the credential `tool.home`"]);
        assert_eq!(places(&all[2]), ["the variable WORK_KEY", "the credential `tool.work`"]);

        let first = used(&settings(config), all.clone()).unwrap();
        assert_eq!(first["notes"].name, "home");
        let chosen = format!("{config}[component.notes]\naccount = 'work'\n");
        let chosen = used(&settings(&chosen), all.clone()).unwrap();
        assert_eq!(chosen["notes"].name, "work");
        assert_eq!(chosen["notes"].credentials["api-key"].sources.len(), 2);
        let wrong = format!("{config}[component.notes]\naccount = 'other'\n");
        let error = used(&settings(&wrong), all).unwrap_err();
        assert!(error.to_string().ends_with("there are: home, work"), "{error}");
    }

    #[test]
    fn an_account_of_a_component_that_takes_no_credential_is_an_error() {
        let error = found("[accounts.work]\ncomponent = 'note'\n", true).unwrap_err();

        let ModelsError::NoAccountComponent { suggestions, .. } = &error else { panic!("{error}") };
        assert_eq!(suggestions, &["notes"]);
    }

    #[test]
    fn a_login_of_the_configuration_is_laid_over_that_of_the_manifest() {
        let config = "[accounts.notes.login]\ngrant = 'client'\nclient_id = 'mine'\n\
            token_url = 'https://auth.example.com/token'\n";
        let all = found(config, true).unwrap();

        assert_eq!(all[0].login.as_ref().unwrap().client_id, "mine");
        assert_eq!(places(&all[0]), ["the variable NOTES_API_KEY", "the login `tool.notes`"]);
    }
}
