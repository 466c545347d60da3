//! Sets up a provider from the user's settings and the manifest of its component.

use std::sync::Arc;

use super::{credential, settings::ProviderSettings};
use crate::{
    catalog::CatalogError,
    host::Host,
    instance::CallLimits,
    manifest::{Kind, Manifest, ProviderEntry, Wire},
    service::{
        address::{Address, AddressError},
        backoff::Backoff,
        credential::ServiceCredential,
        url_template::{self, TemplateError},
    },
};

/// A provider or a role is set up wrongly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The component cannot be used.
    #[error("the provider `{provider}`: {source}")]
    Catalog {
        /// The provider.
        provider: String,
        /// The reason.
        source: CatalogError,
    },
    /// The component is of another kind.
    #[error("the provider `{provider}` names the component `{component}`, which is not a provider")]
    NotAProvider {
        /// The provider.
        provider: String,
        /// The component.
        component: String,
    },
    /// The base URL cannot be used.
    #[error("the provider `{provider}`: {source}")]
    Address {
        /// The provider.
        provider: String,
        /// The reason.
        source: AddressError,
    },
    /// A placeholder of the base URL has no proper value.
    #[error("the provider `{provider}` {reason}")]
    Template {
        /// The provider.
        provider: String,
        /// The reason.
        reason: TemplateError,
    },
    /// The component does not have a setting.
    #[error("the provider `{provider}` has no setting `{option}`; there are: {known}")]
    Option {
        /// The provider.
        provider: String,
        /// The setting.
        option: String,
        /// The settings of the component.
        known: String,
    },
    /// Two providers share a name.
    #[error("the provider `{provider}` is set up twice")]
    Duplicate {
        /// The name.
        provider: String,
    },
    /// A route leads to a provider that is not set up.
    #[error("the role `{role}` is given to the provider `{provider}`, which is not set up")]
    Route {
        /// The role.
        role: String,
        /// The provider.
        provider: String,
    },
}

/// A provider that is set up, with the state of its back-off.
#[derive(Debug)]
pub(super) struct ProviderClient {
    pub(super) settings: ProviderSettings,
    pub(super) manifest: Arc<Manifest>,
    pub(super) credential: ServiceCredential,
    pub(super) address: Option<Address>,
    /// The address of its list of models, if it is another.
    pub(super) lists: Option<Address>,
    pub(super) limits: CallLimits,
    pub(super) backoff: Arc<Backoff>,
}

impl ProviderClient {
    pub(super) fn new(host: &Host, settings: &ProviderSettings) -> Result<Self, SetupError> {
        let failed = |source| SetupError::Catalog { provider: settings.name.clone(), source };
        let entry = host.catalog().find(&settings.component).map_err(failed)?;
        let manifest = Arc::clone(entry.manifest().map_err(failed)?);
        let Some(own) = manifest.provider.as_ref().filter(|_| entry.kind() == Kind::Provider)
        else {
            let (provider, component) = (settings.name.clone(), settings.component.clone());
            return Err(SetupError::NotAProvider { provider, component });
        };
        let known = |option: &&(String, String)| own.options.iter().any(|k| k.name == option.0);
        if let Some((option, _)) = settings.options.iter().find(|option| !known(option)) {
            let known: Vec<&str> = own.options.iter().map(|known| known.name.as_str()).collect();
            return Err(SetupError::Option {
                provider: settings.name.clone(),
                option: option.clone(),
                known: known.join(", "),
            });
        }
        let (set, sources) = (&settings.options, &settings.credential);
        // They are those of the user, and those that variables or profiles set. The codec gets the user's alone.
        let values = url_template::options(own, set, sources, &host.shared.brokers.secrets);
        let (address, lists) = (address(settings, own, &values)?, lists(settings, own, &values)?);
        let limits = CallLimits::of(Kind::Provider, &manifest.limits);
        let credential = credential::credential(settings, &manifest, &values, address.as_ref());
        let backoff = host.shared.backoffs.of(&format!("provider.{}", settings.name));
        let settings = settings.clone();
        Ok(Self { settings, manifest, credential, address, lists, limits, backoff })
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Returns true if its models run on this machine, or are of a kind that does: they cost nothing.
    pub(super) fn is_free(&self) -> bool {
        let own = self.manifest.provider.as_ref();
        let usual = own.and_then(|own| Address::parse(&own.base_url).ok());
        self.is_here() || usual.is_some_and(|usual| usual.is_loopback())
    }

    /// Returns true if it is asked on this machine.
    pub(super) fn is_here(&self) -> bool {
        self.address.as_ref().is_some_and(Address::is_loopback)
    }

    pub(super) fn wire(&self) -> Wire {
        self.manifest.provider.as_ref().map_or(Wire::Http, |own| own.transport)
    }
}

/// Returns the address of the provider, or `None` if requests stay within the process.
fn address(
    settings: &ProviderSettings,
    own: &ProviderEntry,
    values: &[(String, String)],
) -> Result<Option<Address>, SetupError> {
    if own.transport == Wire::Local {
        return Ok(None);
    }
    filled(settings, settings.base_url.as_deref().unwrap_or(&own.base_url), own, values).map(Some)
}

/// Returns the address of its list of models, if it is another.
fn lists(
    settings: &ProviderSettings,
    own: &ProviderEntry,
    values: &[(String, String)],
) -> Result<Option<Address>, SetupError> {
    let usual = own.base_url.trim_end_matches('/');
    let moved = settings.base_url.as_deref().is_some_and(|url| url.trim_end_matches('/') != usual);
    if own.lists_url.is_empty() || moved {
        return Ok(None);
    }
    filled(settings, &own.lists_url, own, values).map(Some)
}

fn filled(
    settings: &ProviderSettings,
    url: &str,
    own: &ProviderEntry,
    values: &[(String, String)],
) -> Result<Address, SetupError> {
    let provider = || settings.name.clone();
    let url = url_template::fill(url, own, values)
        .map_err(|reason| SetupError::Template { provider: provider(), reason })?;
    Address::parse(&url).map_err(|source| SetupError::Address { provider: provider(), source })
}
