//! The providers of the catalog as one model port.
//!
//! A role resolves to a chain of routes. A route is tried until it answers or trying again makes no sense, and then
//! the next one. The codec in the component writes and reads bytes; connections, keys, deadlines, retries and the end
//! of a stream are handled here.

mod assemble;
mod attempt_error;
mod authorization;
mod cards;
mod credential;
pub mod embedding;
mod exchange;
mod partial_turns;
mod settings;
mod setup;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use openkoi_core::{
    message::{Part, Prompt, Role, Turn},
    model::{ModelCard, ModelError, ModelTrouble},
    port::{Delta, Deltas, Model, Pending},
};

use wasmtime::component::InstancePre;

pub use crate::service::{address::AddressError, url_template::TemplateError};
pub use settings::{Chance, ModelSettings, OfferedPrice, ProviderSettings, Route};
pub use setup::SetupError;

use crate::{
    bindings::provider::ProviderExportsPre,
    host::{Host, Shared},
    instance::GuestState,
    linker::Exports,
    manifest::Kind,
    service::{
        backoff::Permit,
        retry::{self, Retry},
    },
};
use attempt_error::{AttemptError, is_worth_another};
use cards::Configured;
use partial_turns::PartialTurns;
use serde_json::Value;
use setup::ProviderClient;

/// The exports of a provider.
pub(super) type Guest = ProviderExportsPre<GuestState>;

impl Exports for Guest {
    const KIND: Kind = Kind::Provider;

    fn find(instance: InstancePre<GuestState>) -> wasmtime::Result<Self> {
        Self::new(instance)
    }
}

/// A model in a provider's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The id to ask for it by.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// The most tokens that it reads, if the provider says so.
    pub context: Option<u64>,
    /// The most tokens that it writes, if the provider says so.
    pub output: Option<u64>,
    /// Support for tool calls, if the provider says so.
    pub tools: Option<bool>,
    /// Support for images, if the provider says so.
    pub images: Option<bool>,
    /// Support for reasoning, if the provider says so.
    pub reasoning: Option<bool>,
    /// True if it turns text into vectors instead of answering.
    pub embeds: bool,
    /// The price, if the provider says so.
    pub price: Option<OfferedPrice>,
}

/// Models by role. Any number of runs may ask at the same time; they share the back-off of each provider.
#[derive(Debug)]
pub struct CatalogModels {
    shared: Arc<Shared>,
    providers: BTreeMap<String, ProviderClient>,
    settings: ModelSettings,
}

impl CatalogModels {
    /// Sets up the providers. No component is loaded and no key is read.
    ///
    /// # Errors
    ///
    /// The provider or role that is set up wrongly.
    pub fn new(host: &Host, settings: ModelSettings) -> Result<Self, SetupError> {
        let mut providers = BTreeMap::new();
        for own in &settings.providers {
            let provider = ProviderClient::new(host, own)?;
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

    /// Returns the notice of the provider that serves `role`, if it has one.
    #[must_use]
    pub fn notice(&self, role: &Role) -> Option<&str> {
        let provider = self.providers.get(&self.routes(role).first()?.provider)?;
        let notice = provider.manifest.provider.as_ref()?.notice.as_str();
        (!notice.is_empty()).then_some(notice)
    }

    /// Asks a provider for its list of models, once.
    ///
    /// # Errors
    ///
    /// As for a turn; [`ModelTrouble::Invalid`] also if the provider has no such list.
    pub async fn list_models(&self, provider: &str) -> Result<Vec<Offered>, ModelError> {
        let Some(known) = self.providers.get(provider) else {
            let message = format!("there is no provider `{}`", crate::text::one_line(provider, 80));
            let hint = "openkoi doctor shows the providers".to_owned();
            let kind = ModelTrouble::UnknownModel;
            return Err(ModelError { kind, message, hint, received: None });
        };
        let listed = exchange::models(&self.shared, known).await.map_err(|error| error.cause)?;
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
        deltas: &Deltas<'_>,
    ) -> Result<Turn, ModelError> {
        let routes = self.routes(role);
        let mut partial = PartialTurns::default();
        for (at, route) in routes.iter().enumerate() {
            let is_last = at + 1 == routes.len();
            let error =
                match self.try_route(route, is_last, role, prompt, deltas, &mut partial).await {
                    Ok(mut turn) => {
                        turn.route = Some(route.to_string());
                        turn.estimate_missing(prompt);
                        return Ok(partial.add_to(turn));
                    }
                    Err(error) => error,
                };
            if is_last || error.is_shown() || !is_worth_another(error.cause.kind) {
                return Err(partial.attach_to(error.cause));
            }
            let why = format!("{}; asking the next provider", error.clause());
            deltas(Delta::Waiting(&why));
            // That one is asked at once.
            deltas(Delta::Waiting(""));
        }
        Err(ModelError {
            kind: ModelTrouble::UnknownModel,
            message: format!("no model is set for the role `{}`", role.0),
            hint: "openkoi doctor shows the providers".to_owned(),
            received: None,
        })
    }

    /// Returns the names under which the catalogue may list the models of a route, the likeliest first.
    fn keys<'a>(&'a self, route: &'a Route) -> [&'a str; 2] {
        let component = self.providers.get(&route.provider).map(|p| p.settings.component.as_str());
        [route.provider.as_str(), component.unwrap_or_default()]
    }

    /// Returns the card of a route's model.
    fn card_of(&self, route: &Route) -> ModelCard {
        let provider = self.providers.get(&route.provider);
        let configured = Configured {
            price: provider.and_then(|provider| provider.settings.price),
            free: provider.is_some_and(ProviderClient::is_free),
            output: self.settings.output,
        };
        let (catalogue, keys) = (&self.settings.catalogue, self.keys(route));
        cards::card(catalogue, &route.provider, &keys, &route.model, configured)
    }

    /// Returns the prompt as this route takes it: its provider would refuse the whole request if it had attachments
    /// that the model cannot read, or asked for more than the model writes.
    fn fitting<'a>(&self, prompt: &'a Prompt, route: &Route) -> Cow<'a, Prompt> {
        let (catalogue, keys) = (&self.settings.catalogue, self.keys(route));
        let mut parts = prompt.messages.iter().flat_map(|message| &message.parts);
        let looks = parts.any(|part| matches!(part, Part::Attachment(_)));
        let mut fitting = Cow::Borrowed(prompt);
        if looks && cards::is_blind(catalogue, &keys, &route.model) {
            fitting = Cow::Owned(prompt.in_words());
        }
        let most = cards::output(catalogue, &keys, &route.model);
        if prompt.max_tokens.zip(most).is_some_and(|(asked, most)| asked > most) {
            fitting.to_mut().max_tokens = most;
        }
        fitting
    }

    /// Tries one route until it answers or trying again makes no sense.
    async fn try_route(
        &self,
        route: &Route,
        is_last: bool,
        role: &Role,
        prompt: &Prompt,
        deltas: &Deltas<'_>,
        partial: &mut PartialTurns,
    ) -> Result<Turn, AttemptError> {
        let clock = &self.shared.brokers.clock;
        let Some(provider) = self.providers.get(&route.provider) else {
            let what = "is not set up";
            return Err(AttemptError::of(ModelTrouble::UnknownModel, &route.provider, what, ""));
        };
        let permit = Permit::of(&provider.backoff, clock.monotonic_ms())
            .map_err(|error| AttemptError::of_service(provider.name(), error))?;
        let mut attempt = 0;
        let prompt = &*self.fitting(prompt, route);
        loop {
            let asked =
                exchange::turn(&self.shared, provider, &route.model, role, prompt, deltas).await;
            let error = match asked {
                Ok(turn) => {
                    permit.answered();
                    return Ok(turn);
                }
                Err(error) => error,
            };
            partial.add(&error, route);
            let resting = permit.failed(error.unavailable, clock.monotonic_ms());
            if !error.retryable || resting && !is_last {
                return Err(error);
            }
            let unserved = error.unserved && provider.is_here();
            let chance = (self.settings.chance)();
            let Some(retry) = retry::next(attempt, unserved, error.retry_after, chance) else {
                return Err(error);
            };
            deltas(Delta::Waiting(&waiting(&error, retry)));
            // A wait that nobody ordered is the task's own time.
            let is_ordered = error.retry_after.is_some();
            if is_ordered {
                deltas(Delta::Resting(true));
            }
            clock.sleep(retry.wait).await;
            if is_ordered {
                deltas(Delta::Resting(false));
            }
            // No reason any more: whoever shows one takes it away.
            deltas(Delta::Waiting(""));
            attempt += 1;
        }
    }
}

fn waiting(error: &AttemptError, retry: Retry) -> String {
    let (seconds, Retry { number, of, .. }) = (retry.wait.as_secs().max(1), retry);
    format!("{}; trying again in {seconds} s ({number} of {of})", error.clause())
}

impl Model for CatalogModels {
    fn card(&self, role: &Role) -> ModelCard {
        let Some(route) = self.routes(role).first() else {
            return cards::card(&Value::Null, "none", &[], &role.0, Configured::default());
        };
        self.card_of(route)
    }

    fn chain(&self, role: &Role) -> Vec<ModelCard> {
        self.routes(role).iter().map(|route| self.card_of(route)).collect()
    }

    fn complete<'a>(
        &'a self,
        role: &'a Role,
        prompt: &'a Prompt,
        deltas: &'a Deltas<'a>,
    ) -> Pending<'a, Result<Turn, ModelError>> {
        Box::pin(self.ask(role, prompt, deltas))
    }
}
