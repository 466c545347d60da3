//! The credentials of a component for one account of the user.

use std::{collections::BTreeMap, sync::Arc};

use openkoi_core::{
    credential::{Login, LoginGrant, SecretSource},
    pattern::HttpTarget,
};

use super::{
    address::Address,
    backoff::{Backoff, Backoffs},
    credential::{SecretPlace, ServiceCredential},
    error::ServiceError,
};
use crate::{
    manifest::{CredentialEntry, Manifest},
    text,
};

/// One account at a service, as the user set it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountSettings {
    /// The name of the account. Two accounts of one service have two names.
    pub name: String,
    /// Its credentials, by their names in the manifest. One that is not here is looked for where
    /// [`CredentialSettings::usual`] says.
    pub credentials: BTreeMap<String, CredentialSettings>,
}

/// Where one credential of an account is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialSettings {
    /// The sources, in order.
    pub sources: Vec<SecretSource>,
    /// The login that renews the token of a [`SecretSource::Login`] among them.
    pub login: Option<Login>,
}

impl CredentialSettings {
    /// Returns where a credential of `account` is looked for: in the variables that the manifest names, if
    /// `variables_count`, in the login of the account, and among the saved keys.
    ///
    /// They count where they are granted, or the component came with the program: a manifest of somebody else's could name
    /// the variables of another service. And they are those of the first account.
    #[must_use]
    pub fn usual(
        manifest: &Manifest,
        entry: &CredentialEntry,
        account: &str,
        variables_count: bool,
    ) -> Self {
        let key = key_of(manifest, entry, account);
        let variables = entry.environment.iter().filter(|_| variables_count).cloned();
        let login = entry.login.as_ref().map(|_| SecretSource::Login(key.clone()));
        // What a person logs in to has no key, unless it also takes one. The secret of a program is none: it is for
        // the issuer.
        let takes_key = match &entry.login {
            None => true,
            Some(login) => !entry.environment.is_empty() && login.grant != LoginGrant::Client,
        };
        let saved = takes_key.then_some(SecretSource::Saved(key));
        // Profiles belong to another program, and are for the kinds that ask the user about them.
        let is_pair = |source: &SecretSource| matches!(source, SecretSource::Pair(_));
        let pair = entry.others().filter(|source| variables_count && is_pair(source));
        let sources =
            variables.map(SecretSource::Variable).chain(pair).chain(login).chain(saved).collect();
        Self { sources, login: entry.login.clone() }
    }
}

/// Returns the name under which a credential of a component is kept. No key of a provider has such a name.
#[must_use]
pub fn key_of(manifest: &Manifest, entry: &CredentialEntry, account: &str) -> String {
    let kind = manifest.component.kind.word();
    let is_first = manifest.credentials.first().is_some_and(|first| first.name == entry.name);
    if is_first { format!("{kind}.{account}") } else { format!("{kind}.{account}.{}", entry.name) }
}

/// An account that is set up, with the state of its back-off.
#[derive(Debug)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: String,
    credentials: BTreeMap<String, AccountCredential>,
    /// The rests of its service.
    pub(crate) backoff: Arc<Backoff>,
}

/// One credential of an account, with the addresses that it is for.
#[derive(Debug)]
pub(crate) struct AccountCredential {
    pub(crate) credential: ServiceCredential,
    pub(crate) addresses: Vec<Address>,
}

impl Account {
    /// Sets up the account of a component from the manifest that is in force, which names what was granted and nothing
    /// else. No key is read.
    pub(crate) fn new(
        backoffs: &Backoffs,
        manifest: &Manifest,
        settings: Option<&AccountSettings>,
    ) -> Self {
        let component = &manifest.component;
        let name = settings.map_or_else(|| component.name.clone(), |own| own.name.clone());
        let credentials = manifest.credentials.iter().map(|entry| {
            let own = settings.and_then(|own| own.credentials.get(&entry.name)).cloned();
            let usual = || CredentialSettings::usual(manifest, entry, &name, true);
            let own = own.unwrap_or_else(usual);
            (entry.name.clone(), AccountCredential::new(&name, entry, own))
        });
        let credentials = credentials.collect();
        let backoff = backoffs.of(&format!("{}.{name}", component.kind.word()));
        Self { name, credentials, backoff }
    }

    /// Returns the credential of this name for a request.
    ///
    /// # Errors
    ///
    /// The component declares none of this name, or it is for other addresses.
    pub(crate) fn credential(
        &self,
        name: &str,
        target: &HttpTarget<'_>,
    ) -> Result<&AccountCredential, ServiceError> {
        let named = text::one_line(name, 80);
        let Some(found) = self.credentials.get(name) else {
            let what = format!("its manifest declares no credential `{named}`");
            let known: Vec<&str> = self.credentials.keys().map(String::as_str).collect();
            let hint = match known.as_slice() {
                [] => "declare it in component.toml: [[credential]]".to_owned(),
                known => format!("name one that it declares: {}", known.join(", ")),
            };
            return Err(ServiceError::Denied { what, hint });
        };
        if found.addresses.iter().any(|address| address.rule().matches(target)) {
            return Ok(found);
        }
        let (scheme, usual) = if target.secure { ("https", 443) } else { ("http", 80) };
        let port = if target.port == usual { String::new() } else { format!(":{}", target.port) };
        let place = format!("{scheme}://{}{port}{}", target.host, target.path);
        let what = format!("the credential `{named}` is not for {}", text::one_line(&place, 200));
        let own: Vec<&str> = found.addresses.iter().map(Address::base).collect();
        let hint = format!("name it in requests to {}", own.join(", "));
        Err(ServiceError::Denied { what, hint })
    }
}

impl AccountCredential {
    fn new(account: &str, entry: &CredentialEntry, own: CredentialSettings) -> Self {
        let place = SecretPlace {
            name: entry.name.clone(),
            signs: entry.signs(),
            inject: entry.inject.clone(),
        };
        let credential = ServiceCredential {
            service: account.to_owned(),
            sources: own.sources,
            login: own.login,
            places: vec![place],
            region: Err("it has no region".to_owned()),
            // Whoever names a credential needs it.
            required: true,
        };
        // The manifest was checked: all of them are addresses.
        let addresses = entry.urls.iter().filter_map(|url| Address::parse(url).ok()).collect();
        Self { credential, addresses }
    }
}
