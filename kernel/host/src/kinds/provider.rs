//! The providers of the catalog as one model port.
//!
//! A role resolves to a chain of routes. A route is tried until it answers, or until trying again makes no
//! sense; then the next is. The codec in the component writes and reads bytes; connection, key, deadlines,
//! retries and the end of a stream are here.

mod address;
mod assemble;
mod cards;
mod credential;
mod exchange;
mod lost;
mod outage;
mod place;
mod retry;
mod trouble;

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use openkoi_brokers::{oauth::Login, secrets::SecretSource};
use openkoi_core::{
    message::{Part, Prompt, Role, Turn},
    port::{Delta, Model, ModelCard, ModelError, ModelTrouble, Pending},
};
use serde_json::Value;

pub use address::{Address, AddressError};
pub use place::PlaceError;
pub(crate) use place::placeholders;

use crate::{
    catalog::CatalogError,
    host::{Host, Shared},
    instance::Limits,
    manifest::{Inject, Kind, Manifest, ProviderEntry, Wire},
};
use exchange::Deltas;
use lost::Lost;
use outage::{Outage, Permit};
use trouble::{Setback, is_worth_another};

/// Draws a number from 0 to 1, for waits that must not coincide.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A provider as the user set it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The name it goes by.
    pub name: String,
    /// The component that speaks its wire format.
    pub component: String,
    /// Where it is, unless where the manifest says.
    pub base_url: Option<String>,
    /// Settings for the codec, those that are files already read.
    pub options: Vec<(String, String)>,
    /// Where its key is looked for. Empty: the variables of the manifest (only if `base_url` is the
    /// manifest's own), then the stored credential of its name.
    pub credential: Vec<SecretSource>,
    /// How the token of a [`SecretSource::Login`] among them is kept fresh.
    pub login: Option<Login>,
    /// Headers that go with each request.
    pub headers: Vec<(String, String)>,
    /// Where its credential goes, unless where the manifest says.
    pub inject: Option<Inject>,
}

impl ProviderSettings {
    /// Returns where the provider is; nothing for one that is nowhere.
    fn address(
        &self,
        own: &ProviderEntry,
        places: &[(String, String)],
    ) -> Result<Option<Address>, SetupError> {
        if own.transport == Wire::Local {
            return Ok(None);
        }
        self.filled(self.base_url.as_deref().unwrap_or(&own.base_url), own, places).map(Some)
    }

    /// Returns where its models are listed, if that is elsewhere.
    fn lists(
        &self,
        own: &ProviderEntry,
        places: &[(String, String)],
    ) -> Result<Option<Address>, SetupError> {
        let usual = own.base_url.trim_end_matches('/');
        let moved = self.base_url.as_deref().is_some_and(|url| url.trim_end_matches('/') != usual);
        if own.lists_url.is_empty() || moved {
            return Ok(None);
        }
        self.filled(&own.lists_url, own, places).map(Some)
    }

    fn filled(
        &self,
        url: &str,
        own: &ProviderEntry,
        places: &[(String, String)],
    ) -> Result<Address, SetupError> {
        let provider = || self.name.clone();
        let url = place::fill(url, own, places)
            .map_err(|reason| SetupError::Place { provider: provider(), reason })?;
        Address::parse(&url).map_err(|source| SetupError::Address { provider: provider(), source })
    }
}

/// A model of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The provider's name.
    pub provider: String,
    /// The model's id.
    pub model: String,
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// Everything that says which model does what.
#[derive(Clone)]
pub struct ModelSettings {
    /// The providers.
    pub providers: Vec<ProviderSettings>,
    /// The routes of a role, the first before its substitutes. A role without any has those of the executor.
    pub roles: BTreeMap<String, Vec<Route>>,
    /// What is known of models, in the models.dev shape.
    pub catalogue: Value,
    /// For waits that must not coincide.
    pub chance: Chance,
}

impl fmt::Debug for ModelSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelSettings").field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Why providers could not be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The component cannot be used.
    #[error("the provider `{provider}`: {source}")]
    Catalog {
        /// The provider.
        provider: String,
        /// Why.
        source: CatalogError,
    },
    /// The component is of another kind.
    #[error("the provider `{provider}` names the component `{component}`, which is no provider")]
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
        /// Why.
        source: AddressError,
    },
    /// A part of the base URL is not known.
    #[error("the provider `{provider}` {reason}")]
    Place {
        /// The provider.
        provider: String,
        /// Why.
        reason: PlaceError,
    },
    /// A setting is not one that the component has.
    #[error("the provider `{provider}` has no setting `{option}`; there are: {known}")]
    Option {
        /// The provider.
        provider: String,
        /// The setting.
        option: String,
        /// Those that there are.
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

/// A provider, ready to be asked.
#[derive(Debug)]
struct Provider {
    settings: ProviderSettings,
    manifest: Arc<Manifest>,
    /// The options with those that the machine knows. A codec is not shown the latter.
    places: Vec<(String, String)>,
    address: Option<Address>,
    /// Where its models are listed, if that is elsewhere.
    lists: Option<Address>,
    limits: Limits,
    outage: Outage,
}

/// A model that a provider offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its id.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// Tokens it reads, if the provider says so.
    pub context: Option<u64>,
    /// Tokens it writes, if the provider says so.
    pub output: Option<u64>,
    /// Whether it calls tools, if the provider says so.
    pub tools: Option<bool>,
    /// Whether it reads images, if the provider says so.
    pub images: Option<bool>,
    /// Whether it reasons, if the provider says so.
    pub reasoning: Option<bool>,
    /// Whether it turns text into vectors instead of answering.
    pub embeds: bool,
    /// What a million tokens cost, in millionths of a US dollar, if the provider says so.
    pub price: Option<OfferedPrice>,
}

/// What a million tokens cost, in millionths of a US dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedPrice {
    /// Tokens of the request.
    pub input: u64,
    /// Tokens generated.
    pub output: u64,
    /// Tokens read from the cache.
    pub cache_read: Option<u64>,
    /// Tokens written to the cache.
    pub cache_write: Option<u64>,
}

/// Models, by role.
#[derive(Debug)]
pub struct Models {
    shared: Arc<Shared>,
    providers: BTreeMap<String, Provider>,
    settings: ModelSettings,
}

impl Models {
    /// Sets up the providers. No component is loaded and no key is read.
    ///
    /// # Errors
    ///
    /// Says which provider or role is set up wrongly.
    pub fn new(host: &Host, settings: ModelSettings) -> Result<Self, SetupError> {
        let mut providers = BTreeMap::new();
        for own in &settings.providers {
            let provider = Provider::new(host, own)?;
            if providers.insert(own.name.clone(), provider).is_some() {
                return Err(SetupError::Duplicate { provider: own.name.clone() });
            }
        }
        let routes = settings
            .roles
            .iter()
            .flat_map(|(role, routes)| routes.iter().map(move |route| (role, &route.provider)));
        for (role, provider) in routes {
            if !providers.contains_key(provider) {
                let (role, provider) = (role.clone(), provider.clone());
                return Err(SetupError::Route { role, provider });
            }
        }
        Ok(Self { shared: Arc::clone(&host.shared), providers, settings })
    }

    /// Returns what the user is told when `role` is answered, if there is anything.
    #[must_use]
    pub fn notice(&self, role: &Role) -> Option<&str> {
        let provider = self.providers.get(&self.routes(role).first()?.provider)?;
        let notice = provider.manifest.provider.as_ref()?.notice.as_str();
        (!notice.is_empty()).then_some(notice)
    }

    /// Asks a provider which models it has. This is tried once.
    ///
    /// # Errors
    ///
    /// As for a turn; [`ModelTrouble::Invalid`] also where the provider has no such list.
    pub async fn list_models(&self, provider: &str) -> Result<Vec<Offered>, ModelError> {
        let Some(known) = self.providers.get(provider) else {
            let message = format!("there is no provider `{}`", crate::text::one_line(provider, 80));
            let hint = "openkoi doctor shows the providers".to_owned();
            let kind = ModelTrouble::UnknownModel;
            return Err(ModelError { kind, message, hint, received: None });
        };
        let listed =
            exchange::models(&self.shared, known).await.map_err(|setback| setback.error)?;
        let clean = |text: &str| crate::text::one_line(text, 200);
        let offered = listed.into_iter().take(10_000).map(|model| Offered {
            id: clean(&model.id),
            name: clean(&model.name),
            context: model.context,
            output: model.output,
            tools: model.tools,
            images: model.images,
            reasoning: model.reasoning,
            embeds: model.embeds,
            price: model.price.map(|price| OfferedPrice {
                input: price.input,
                output: price.output,
                cache_read: price.cache_read,
                cache_write: price.cache_write,
            }),
        });
        Ok(offered.collect())
    }

    fn routes(&self, role: &Role) -> &[Route] {
        let own = self.settings.roles.get(&role.0);
        let own = own.or_else(|| self.settings.roles.get(Role::EXECUTOR));
        own.map_or(&[], Vec::as_slice)
    }

    async fn ask(
        &self,
        role: &Role,
        prompt: &Prompt,
        deltas: Deltas<'_>,
    ) -> Result<Turn, ModelError> {
        let routes = self.routes(role);
        let mut lost = Lost::default();
        for (at, route) in routes.iter().enumerate() {
            let is_last = at + 1 == routes.len();
            let setback = match self.follow(route, is_last, role, prompt, deltas, &mut lost).await {
                Ok(turn) => return Ok(lost.before(turn)),
                Err(setback) => setback,
            };
            if is_last || setback.is_used() || !is_worth_another(setback.error.kind) {
                return Err(lost.kept_in(setback.error));
            }
            let why = format!("{}; asking the next provider", setback.clause());
            deltas(Delta::Waiting(&why));
        }
        Err(ModelError {
            kind: ModelTrouble::UnknownModel,
            message: format!("no model is set for the role `{}`", role.0),
            hint: "openkoi doctor shows the providers".to_owned(),
            received: None,
        })
    }

    /// Returns the names under which the catalogue may have the models of a route, the likeliest first.
    fn keys<'a>(&'a self, route: &'a Route) -> [&'a str; 2] {
        let component = self.providers.get(&route.provider).map(|p| p.settings.component.as_str());
        [route.provider.as_str(), component.unwrap_or_default()]
    }

    /// What a model cannot look at is described to it: its provider would refuse the whole request.
    fn readable<'a>(&self, prompt: &'a Prompt, route: &Route) -> Cow<'a, Prompt> {
        let mut parts = prompt.messages.iter().flat_map(|message| &message.parts);
        let looks = parts.any(|part| matches!(part, Part::Attachment(_)));
        if looks && cards::is_blind(&self.settings.catalogue, &self.keys(route), &route.model) {
            return Cow::Owned(prompt.in_words());
        }
        Cow::Borrowed(prompt)
    }

    /// Tries one route until it answers, or until trying again makes no sense.
    async fn follow(
        &self,
        route: &Route,
        is_last: bool,
        role: &Role,
        prompt: &Prompt,
        deltas: Deltas<'_>,
        lost: &mut Lost,
    ) -> Result<Turn, Setback> {
        let clock = &self.shared.brokers.clock;
        let Some(provider) = self.providers.get(&route.provider) else {
            let what = "is not set up";
            return Err(Setback::of(ModelTrouble::UnknownModel, &route.provider, what, ""));
        };
        let permit = Permit::of(&provider.outage, provider.name(), clock.monotonic_ms())?;
        let mut attempt = 0;
        let prompt = &*self.readable(prompt, route);
        loop {
            let asked =
                exchange::turn(&self.shared, provider, &route.model, role, prompt, deltas).await;
            let setback = match asked {
                Ok(turn) => {
                    permit.answered();
                    return Ok(turn);
                }
                Err(setback) => setback,
            };
            lost.add(&setback);
            let resting = permit.failed(&setback, clock.monotonic_ms());
            match self.pause(&setback, attempt, resting && !is_last) {
                Some(pause) => {
                    let why = waiting(&setback, pause);
                    deltas(Delta::Waiting(&why));
                    clock.sleep(pause).await;
                    attempt += 1;
                }
                None => return Err(setback),
            }
        }
    }

    fn pause(&self, setback: &Setback, attempt: u32, give_up: bool) -> Option<Duration> {
        if !setback.again || give_up || attempt >= retry::RETRIES {
            return None;
        }
        retry::wait(attempt, setback.wait, (self.settings.chance)())
    }
}

fn waiting(setback: &Setback, pause: Duration) -> String {
    format!("{}; trying again in {} s", setback.clause(), pause.as_secs().max(1))
}

impl Provider {
    fn new(host: &Host, settings: &ProviderSettings) -> Result<Self, SetupError> {
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
        let places = place::options(own, settings, &host.shared.brokers.secrets);
        let (address, lists) = (settings.address(own, &places)?, settings.lists(own, &places)?);
        let limits = Limits::of(Kind::Provider, &manifest.limits);
        let (settings, outage) = (settings.clone(), Outage::default());
        Ok(Self { settings, manifest, places, address, lists, limits, outage })
    }

    fn name(&self) -> &str {
        &self.settings.name
    }

    fn wire(&self) -> Wire {
        self.manifest.provider.as_ref().map_or(Wire::Http, |own| own.transport)
    }
}

impl Model for Models {
    fn card(&self, role: &Role) -> ModelCard {
        let Some(route) = self.routes(role).first() else {
            return cards::card(&self.settings.catalogue, "none", &[], &role.0);
        };
        cards::card(&self.settings.catalogue, &route.provider, &self.keys(route), &route.model)
    }

    fn complete<'a>(
        &'a self,
        role: &'a Role,
        prompt: &'a Prompt,
        deltas: &'a openkoi_core::port::Deltas<'a>,
    ) -> Pending<'a, Result<Turn, ModelError>> {
        Box::pin(self.ask(role, prompt, deltas))
    }
}
