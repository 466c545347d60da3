//! The providers that can be used: those of the configuration, and those of the catalog with a
//! credential.

use std::{collections::BTreeSet, path::PathBuf};

use openkoi_brokers::secrets::has_keychain;
use openkoi_core::credential::{ForeignToken, Inject, Login, LoginGrant, SecretSource};
use openkoi_host::{
    kinds::provider::OfferedPrice,
    manifest::{CredentialEntry, Manifest, PresetEntry, ProviderEntry},
};

use super::{ModelsError, login};
use crate::{
    settings::{ConfiguredProvider, Settings, expand},
    suggest,
};

/// A provider with everything that is needed to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The name, which is the first half of `provider/model`.
    pub name: String,
    /// The component that has the provider's wire format.
    pub component: String,
    /// The base URL, without a slash at its end.
    pub base_url: String,
    /// The values of settings that the component declares.
    pub options: Vec<OptionValue>,
    /// The places where the credential is looked for, in order; empty if the provider takes none.
    pub sources: Vec<SecretSource>,
    /// The stores of other programs that may have the credential, with or without the user's
    /// consent. Those with consent are among `sources`, too.
    pub stores: Vec<SecretSource>,
    /// The state of the credential.
    pub found: CredentialState,
    /// The model that is used if none is named.
    pub default_model: Option<String>,
    /// The model for small things if no prices are known.
    pub small_model: Option<String>,
    /// Models that the configuration adds to the known ones.
    pub models: Vec<String>,
    /// The login, if the provider has one.
    pub login: Option<Login>,
    /// Headers to add to each request.
    pub headers: Vec<(String, String)>,
    /// The place of the credential in a request, if it differs from that of the component.
    pub inject: Option<Inject>,
    /// The price that the configuration sets for its models.
    pub price: Option<OfferedPrice>,
    /// The service whose models of the bundled list the provider has; absent if another server
    /// answers at its URL.
    pub service: Option<String>,
}

/// One setting of `[providers.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionValue {
    /// The name of the setting.
    pub name: String,
    /// The value as text; an absolute path if the component gets the contents of a file.
    pub value: String,
    /// The file whose contents the component gets.
    pub file: Option<PathBuf>,
}

/// The state of a provider's credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// There is none, and the provider needs one.
    Missing,
    /// There is none, and the provider works without.
    NotNeeded,
    /// It is at this source.
    At(SecretSource),
}

/// A service of the catalog: a component's own, or a preset of it.
struct Offer<'a> {
    name: &'a str,
    manifest: &'a Manifest,
    entry: &'a ProviderEntry,
    base_url: &'a str,
    environment: Vec<&'a str>,
    /// Stores of other programs that may have its credential.
    external: Vec<SecretSource>,
    default_model: &'a str,
    small_model: &'a str,
    needs_credential: bool,
    /// Values of settings that the service needs.
    options: Vec<OptionValue>,
    preset: Option<&'a PresetEntry>,
}

impl Offer<'_> {
    fn login(&self) -> Option<&Login> {
        match self.preset {
            Some(preset) => preset.login.as_ref(),
            None => self.manifest.credentials.iter().find_map(|one| one.login.as_ref()),
        }
    }

    /// Returns the place of the credential in a request if another program keeps it.
    fn inject(&self) -> Option<Inject> {
        Some(self.preset?.store.as_ref()?.inject.clone())
    }

    /// Returns the name under which the catalogue has the models.
    fn service(&self) -> String {
        let other = self.preset.map(|preset| &preset.models_of).filter(|name| !name.is_empty());
        other.map_or_else(|| self.name.to_owned(), Clone::clone)
    }

    fn headers(&self) -> Vec<(String, String)> {
        let headers = self.preset.iter().flat_map(|preset| &preset.headers);
        headers.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// All known providers, by whether they can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Providers that can be used at once, in order of preference.
    pub ready: Vec<Connection>,
    /// Providers that need no credential, and are used if they are named.
    pub on_request: Vec<Connection>,
    /// Providers without the credential that they need.
    pub missing: Vec<Connection>,
    /// Stores of other programs that exist without the user's consent to read them, by name, with
    /// their place.
    pub closed: Vec<(String, String)>,
    /// Warnings about the configuration.
    pub warnings: Vec<String>,
}

/// Sorts the providers of the settings and of `manifests` by whether they can be used. `has` tells
/// whether a credential exists.
///
/// # Errors
///
/// When the configuration names a component that is not there.
pub fn connect(
    settings: &Settings,
    manifests: &[Manifest],
    has: &dyn Fn(&SecretSource) -> bool,
) -> Result<Connections, ModelsError> {
    let offers: Vec<Offer<'_>> = manifests.iter().flat_map(offers_of).collect();
    let mut found = Connections::default();
    for provider in &settings.providers {
        let offer = offer_for(provider, &offers)?;
        let options = options_of(provider, offer, &mut found.warnings);
        let connection = configured(provider, offer, options, has)?;
        match connection.found {
            CredentialState::Missing => found.missing.push(connection),
            _ => found.ready.push(connection),
        }
    }
    let unconfigured = |offer: &&Offer<'_>| settings.providers.iter().all(|p| p.name != offer.name);
    let mut ready = Vec::new();
    for offer in offers.iter().filter(unconfigured) {
        let connection = offered(offer, has);
        match &connection.found {
            CredentialState::At(_) => ready.push(connection),
            CredentialState::NotNeeded => found.on_request.push(connection),
            CredentialState::Missing => found.missing.push(connection),
        }
    }
    ready.sort_by_key(|connection| connection.found.rank());
    found.ready.extend(ready);
    Ok(found)
}

impl CredentialState {
    /// Returns the rank of a credential of this kind among those of other providers; the lowest is
    /// first.
    fn rank(&self) -> usize {
        match self {
            Self::At(SecretSource::Variable(_)) => 0,
            // A pair may be meant for other things, so a key that is meant for models comes first.
            Self::At(SecretSource::Pair(_)) => 1,
            Self::At(SecretSource::Login(_)) => 2,
            Self::At(SecretSource::Foreign(_) | SecretSource::Profile(_)) => 3,
            Self::At(SecretSource::Saved(_)) => 4,
            Self::NotNeeded | Self::Missing => 5,
        }
    }
}

fn offers_of(manifest: &Manifest) -> Vec<Offer<'_>> {
    let Some(entry) = &manifest.provider else { return Vec::new() };
    let credentials = manifest.credentials.iter();
    let needs_credential = manifest.credentials.iter().any(|credential| credential.required);
    let external = manifest.credentials.iter().flat_map(CredentialEntry::others);
    let own = Offer {
        name: &manifest.component.name,
        manifest,
        entry,
        base_url: &entry.base_url,
        environment: credentials.flat_map(|c| &c.environment).map(String::as_str).collect(),
        external: external.collect(),
        default_model: &entry.default_model,
        small_model: &entry.small_model,
        needs_credential,
        options: Vec::new(),
        preset: None,
    };
    let presets = entry.presets.iter().map(|preset| Offer {
        name: &preset.name,
        manifest,
        entry,
        base_url: &preset.base_url,
        environment: preset.environment.iter().map(String::as_str).collect(),
        external: store(preset).into_iter().collect(),
        default_model: &preset.default_model,
        small_model: &preset.small_model,
        // A service without a variable of its own is one that runs on this machine.
        needs_credential: needs_credential
            && (!preset.environment.is_empty() || preset.login.is_some() || preset.store.is_some()),
        preset: Some(preset),
        options: preset.options.iter().map(OptionValue::text).collect(),
    });
    std::iter::once(own).chain(presets).collect()
}

fn store(preset: &PresetEntry) -> Option<SecretSource> {
    let store = preset.store.as_ref()?;
    Some(SecretSource::Foreign(Box::new(ForeignToken {
        name: preset.name.clone(),
        program: store.program.clone(),
        path: store.path.clone(),
        token: store.token.clone(),
        expires: store.expires.clone(),
        keychain: if has_keychain() { store.keychain.clone() } else { String::new() },
    })))
}

/// Returns the offer that a configured provider is based on: the one of its name, or that of its
/// component.
fn offer_for<'a, 'o>(
    provider: &ConfiguredProvider,
    offers: &'o [Offer<'a>],
) -> Result<&'o Offer<'a>, ModelsError> {
    let wanted = provider.component.as_ref().unwrap_or(&provider.name);
    let same_name = |offer: &&Offer<'_>| {
        offer.name == provider.name
            && (provider.component.is_none() || offer.manifest.component.name == *wanted)
    };
    let found = offers.iter().find(same_name);
    let found = found.or_else(|| offers.iter().find(|offer| offer.name == *wanted));
    // A server of the user's own speaks what such servers speak, if the configuration says nothing else.
    let alone = provider.component.is_none() && provider.base_url.is_some();
    let usual = |offer: &&Offer<'_>| offer.preset.is_some() && !offer.needs_credential;
    let found = found.or_else(|| offers.iter().find(usual).filter(|_| alone));
    found.ok_or_else(|| ModelsError::NoComponent {
        provider: provider.name.clone(),
        component: wanted.clone(),
        known: offers
            .iter()
            .map(|offer| offer.manifest.component.name.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        suggestions: suggest::closest(wanted, offers.iter().map(|offer| offer.name.to_owned())),
    })
}

fn configured(
    provider: &ConfiguredProvider,
    offer: &Offer<'_>,
    options: Vec<OptionValue>,
    has: &dyn Fn(&SecretSource) -> bool,
) -> Result<Connection, ModelsError> {
    let moved = provider.base_url.as_deref().is_some_and(|url| url != trimmed(offer.base_url));
    let same = provider.name == offer.name;
    let takes_credential = !offer.manifest.credentials.is_empty();
    let (environment, external): (Vec<&str>, &[SecretSource]) = match &provider.api_key_env {
        Some(name) => (vec![name], &[]),
        // The key of this server must not be sent to another one.
        None if moved && !same => (Vec::new(), &[]),
        None => (offer.environment.clone(), &offer.external),
    };
    let login = login::of(provider, offer.login(), moved)?;
    let sources = sources(&environment, external, &provider.name, takes_credential, login.as_ref());
    // A server of the user's own may need no key. One with a variable for it, a login, or a store
    // of another program needs one.
    let wanted = provider.api_key_env.is_some() || login.is_some() || !external.is_empty();
    let needed = wanted || (offer.needs_credential && !moved);
    let known = same && !offer.default_model.is_empty();
    let own_model = provider.models.first().cloned();
    Ok(Connection {
        name: provider.name.clone(),
        component: offer.manifest.component.name.clone(),
        base_url: provider.base_url.clone().unwrap_or_else(|| trimmed(offer.base_url).to_owned()),
        options,
        found: found(&sources, needed, has),
        stores: external.to_vec(),
        sources,
        default_model: own_model.or_else(|| known.then(|| offer.default_model.to_owned())),
        small_model: named(offer.small_model).filter(|_| !moved),
        models: provider.models.clone(),
        login,
        headers: offer.headers(),
        inject: offer.inject(),
        price: provider.price,
        service: (!moved).then(|| offer.service()),
    })
}

fn offered(offer: &Offer<'_>, has: &dyn Fn(&SecretSource) -> bool) -> Connection {
    let takes_credential = !offer.manifest.credentials.is_empty();
    let login = offer.login().cloned();
    let sources =
        sources(&offer.environment, &offer.external, offer.name, takes_credential, login.as_ref());
    Connection {
        name: offer.name.to_owned(),
        component: offer.manifest.component.name.clone(),
        base_url: trimmed(offer.base_url).to_owned(),
        options: offer.options.clone(),
        found: found(&sources, offer.needs_credential, has),
        stores: offer.external.clone(),
        sources,
        default_model: named(offer.default_model),
        small_model: named(offer.small_model),
        models: Vec::new(),
        login,
        headers: offer.headers(),
        inject: offer.inject(),
        price: None,
        service: Some(offer.service()),
    }
}

fn named(model: &str) -> Option<String> {
    (!model.is_empty()).then(|| model.to_owned())
}

fn trimmed(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// Returns the places where a credential is looked for, in order: the environment, logins, stores
/// of other programs, and saved keys.
fn sources(
    environment: &[&str],
    external: &[SecretSource],
    name: &str,
    takes_credential: bool,
    login: Option<&Login>,
) -> Vec<SecretSource> {
    if !takes_credential {
        return Vec::new();
    }
    let variables = environment.iter().map(|name| SecretSource::Variable((*name).to_owned()));
    let has_login = login.is_some();
    // The secret of a program is kept like a key, and goes to the issuer of its tokens alone.
    let is_program = login.is_some_and(|login| login.grant == LoginGrant::Client);
    let login = has_login.then(|| SecretSource::Login(name.to_owned()));
    // A provider with a login or a foreign store has no key file, unless it also takes a key.
    let kept = has_login || external.iter().any(|one| matches!(one, SecretSource::Foreign(_)));
    let file = (!kept || !environment.is_empty()) && !is_program;
    let file = file.then(|| SecretSource::Saved(name.to_owned()));
    variables.chain(login).chain(external.iter().cloned()).chain(file).collect()
}

fn found(
    sources: &[SecretSource],
    needed: bool,
    has: &dyn Fn(&SecretSource) -> bool,
) -> CredentialState {
    match sources.iter().find(|source| has(source)) {
        Some(source) => CredentialState::At(source.clone()),
        None if needed => CredentialState::Missing,
        None => CredentialState::NotNeeded,
    }
}

fn options_of(
    provider: &ConfiguredProvider,
    offer: &Offer<'_>,
    warnings: &mut Vec<String>,
) -> Vec<OptionValue> {
    let mut options = Vec::new();
    for (name, value) in &provider.options {
        let Some(declared) = offer.entry.options.iter().find(|option| option.name == *name) else {
            warnings.push(undeclared(provider, offer, name));
            continue;
        };
        let file =
            declared.file.then(|| expand(value, &provider.directory, provider.home.as_deref()));
        let value = file.as_ref().map_or_else(|| value.clone(), |path| path.display().to_string());
        options.push(OptionValue { name: name.clone(), value, file });
    }
    let own = |one: &&OptionValue| provider.options.iter().all(|(name, _)| *name != one.name);
    options.extend(offer.options.iter().filter(own).cloned());
    options
}

fn undeclared(provider: &ConfiguredProvider, offer: &Offer<'_>, name: &str) -> String {
    match name {
        "api_key" => {
            return format!(
                "`providers.{0}.api_key` is not used, because keys do not belong in this file: name a \
                 variable with `api_key_env`, or run `openkoi connect {0}`",
                provider.name
            );
        }
        "price" => {
            return format!(
                "`providers.{}.price` is not used: it has to be a table, for example \
                 {{ input = 1.0, output = 4.0 }}, in US dollars for a million tokens",
                provider.name
            );
        }
        _ => {}
    }
    let own = ["component", "base_url", "api_key_env", "models", "price"].map(str::to_owned);
    let declared = offer.entry.options.iter().map(|option| option.name.clone());
    let question = suggest::question(&suggest::closest(name, own.into_iter().chain(declared)));
    let question = question.map_or_else(String::new, |question| format!("; {question}"));
    format!("`providers.{}` has no setting `{name}`{question}", provider.name)
}

impl Connections {
    /// Returns the stores of other programs from which any provider can take a credential.
    pub fn externals(&self) -> impl Iterator<Item = &SecretSource> {
        let all = self.ready.iter().chain(&self.on_request).chain(&self.missing);
        all.flat_map(|connection| &connection.stores).filter(|source| source.is_external())
    }

    /// Removes the sources that `allowed` refuses. The remaining ones are read as soon as a
    /// provider is asked.
    pub fn keep_to(&mut self, allowed: impl Fn(&SecretSource) -> bool) {
        let lists = [&mut self.ready, &mut self.on_request, &mut self.missing];
        for connection in lists.into_iter().flatten() {
            connection.sources.retain(|source| allowed(source));
        }
    }

    /// Returns the connections that can be used, the preferred first.
    pub fn usable(&self) -> impl Iterator<Item = &Connection> {
        self.ready.iter().chain(&self.on_request)
    }

    /// Returns the connection of this name that can be used.
    pub fn find(&self, name: &str) -> Option<&Connection> {
        self.usable().find(|connection| connection.name == name)
    }

    /// Returns the names of all variables in which credentials were looked for.
    pub fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for connection in self.missing.iter().chain(&self.ready) {
            for name in connection.variables() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

impl OptionValue {
    fn text((name, value): (&String, &String)) -> Self {
        Self { name: name.clone(), value: value.clone(), file: None }
    }
}

impl Connection {
    /// Returns the name under which the catalogue has the models.
    pub fn key(&self) -> &str {
        self.service.as_deref().unwrap_or(&self.name)
    }

    /// Returns the variables in which the credential is looked for.
    pub fn variables(&self) -> Vec<String> {
        let variables = self.sources.iter().filter_map(|source| match source {
            SecretSource::Variable(name) => Some(name.clone()),
            _ => None,
        });
        variables.collect()
    }
}
