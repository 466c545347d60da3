//! The catalogue of models: the bundled list in the models.dev shape, updated with the lists of
//! providers.
//!
//! The models of a service are parsed when they are first asked for, because a run needs one or two
//! services of twenty.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::listing::{ListedModel, ListedPrice, Listing};
use crate::error::AppError;

/// Prices, limits and powers of models, by service.
#[derive(Debug, Default)]
pub struct Catalogue {
    date: &'static str,
    source: &'static str,
    services: BTreeMap<String, Service>,
}

/// The models of one service, kept as text until they are first asked for.
#[derive(Debug, Default)]
struct Service {
    text: Option<&'static RawValue>,
    models: OnceLock<BTreeMap<String, CatalogueEntry>>,
}

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(default)]
    date: &'a str,
    #[serde(default)]
    source: &'a str,
    #[serde(borrow)]
    providers: BTreeMap<&'a str, Bundled<'a>>,
}

#[derive(Deserialize)]
struct Bundled<'a> {
    #[serde(borrow)]
    models: &'a RawValue,
}

/// One model of the list.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct CatalogueEntry {
    name: Option<String>,
    tool_call: Option<bool>,
    reasoning: Option<bool>,
    attachment: Option<bool>,
    embeds: bool,
    /// True if the provider lists it.
    listed: bool,
    limit: Limit,
    cost: Cost,
}

/// The limits of a model, in tokens.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Limit {
    context: Option<u64>,
    output: Option<u64>,
}

/// Prices in dollars for a million tokens.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Cost {
    input: Option<f64>,
    output: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write: Option<f64>,
}

/// The known facts of one model. A fact that no list has is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// A name for people.
    pub name: Option<String>,
    /// The most tokens of a request.
    pub context: Option<u64>,
    /// The most tokens of an answer.
    pub output: Option<u64>,
    /// The price of a million tokens of a request, in dollars.
    pub input_price: Option<f64>,
    /// The price of a million tokens of an answer, in dollars.
    pub output_price: Option<f64>,
    /// True if it can call tools.
    pub tools: Option<bool>,
    /// True if it reasons before it answers.
    pub reasoning: Option<bool>,
    /// True if it reads images.
    pub images: Option<bool>,
    /// True if it turns text into vectors instead of answering.
    pub embeds: bool,
    /// True if the provider's own list has it.
    pub listed: bool,
}

impl Catalogue {
    /// Parses the bundled list.
    ///
    /// # Errors
    ///
    /// When the list is not of the expected shape, which is a defect of this program.
    pub fn parse(text: &'static str) -> Result<Self, AppError> {
        let broken = |error: serde_json::Error| AppError::Catalogue(error.to_string());
        let bundle: Bundle<'static> = serde_json::from_str(text).map_err(broken)?;
        let services = bundle.providers.into_iter().map(|(name, bundled)| {
            let service = Service { text: Some(bundled.models), models: OnceLock::new() };
            (name.to_owned(), service)
        });
        Ok(Self { date: bundle.date, source: bundle.source, services: services.collect() })
    }

    /// Returns the `wanted` models of some services, in the shape of the bundled list. `services`
    /// are pairs of the name to use and the service whose models it has. Of two pairs with one name
    /// the later counts.
    pub fn of<'a>(
        &self,
        services: impl IntoIterator<Item = (&'a str, &'a str)>,
        wanted: &BTreeSet<&str>,
    ) -> Value {
        let models = |service| {
            let all = self.entries(service).into_iter().flatten();
            let some = all.filter(|(name, _)| wanted.contains(name.as_str()));
            json!({ "models": some.collect::<BTreeMap<_, _>>() })
        };
        let named = services.into_iter().map(|(name, service)| (name, models(service)));
        json!({ "providers": named.collect::<BTreeMap<_, _>>() })
    }

    /// Returns the date and the source of the bundled list.
    pub fn provenance(&self) -> (&str, &str) {
        (self.date, self.source)
    }

    /// Returns the names of a service's models, sorted.
    pub fn models(&self, service: &str) -> impl Iterator<Item = &str> {
        self.entries(service).into_iter().flat_map(|models| models.keys().map(String::as_str))
    }

    /// Returns whether any service is known to have a model of this name.
    pub fn knows(&self, model: &str) -> bool {
        self.services.values().any(|service| service.models().contains_key(model))
    }

    /// Returns the known facts of a model.
    pub fn facts(&self, service: &str, model: &str) -> Option<Facts> {
        let entry = self.entries(service)?.get(model)?;
        let price = |dollars: Option<f64>| dollars.filter(|dollars| *dollars >= 0.0);
        Some(Facts {
            name: entry.name.clone(),
            context: entry.limit.context,
            output: entry.limit.output,
            input_price: price(entry.cost.input),
            output_price: price(entry.cost.output),
            tools: entry.tool_call,
            reasoning: entry.reasoning,
            images: entry.attachment,
            embeds: entry.embeds,
            listed: entry.listed,
        })
    }

    /// Updates the models of `service` with a provider's own list, which is newer than the bundled
    /// one.
    pub fn lay(&mut self, service: &str, listing: &Listing) {
        self.services.entry(service.to_owned()).or_default().change(|models| {
            for listed in &listing.models {
                models.entry(listed.id.clone()).or_default().overlay(listed);
            }
        });
    }

    fn entries(&self, service: &str) -> Option<&BTreeMap<String, CatalogueEntry>> {
        self.services.get(service).map(Service::models)
    }
}

impl Service {
    fn models(&self) -> &BTreeMap<String, CatalogueEntry> {
        self.models.get_or_init(|| {
            let models = self.text.map(|text| serde_json::from_str(text.get())).transpose();
            // A test reads all that are bundled.
            models
                .inspect_err(|error| tracing::error!(%error, "bundled models"))
                .ok()
                .flatten()
                .unwrap_or_default()
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<String, CatalogueEntry>)) {
        self.models();
        let mut models = self.models.take().unwrap_or_default();
        change(&mut models);
        self.models = OnceLock::from(models);
    }
}

impl CatalogueEntry {
    fn overlay(&mut self, listed: &ListedModel) {
        fn newer<T>(known: &mut Option<T>, said: Option<T>) {
            if said.is_some() {
                *known = said;
            }
        }
        self.listed = true;
        self.embeds |= listed.embeds;
        newer(&mut self.limit.context, listed.context);
        newer(&mut self.limit.output, listed.output);
        newer(&mut self.tool_call, listed.tools);
        newer(&mut self.reasoning, listed.reasoning);
        newer(&mut self.attachment, listed.images);
        newer(&mut self.name, (listed.name != listed.id).then(|| listed.name.clone()));
        if let Some(price) = &listed.price {
            self.cost.overlay(price);
        }
    }
}

impl Cost {
    fn overlay(&mut self, price: &ListedPrice) {
        self.input = Some(dollars(price.input));
        self.output = Some(dollars(price.output));
        self.cache_read = price.cache_read.map(dollars).or(self.cache_read);
        self.cache_write = price.cache_write.map(dollars).or(self.cache_write);
    }
}

/// Returns millionths of a dollar as dollars.
fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}

impl Facts {
    /// Returns the price of an average turn, in dollars for a million tokens: agents read about ten
    /// times as much as they write.
    pub fn blended_price(&self) -> Option<f64> {
        Some((10.0 * self.input_price? + self.output_price?) / 11.0)
    }

    /// Returns true if the model is known to be able to do the loop's work.
    pub fn is_capable(&self) -> bool {
        self.tools == Some(true) && !self.embeds && self.context.unwrap_or(0) >= 32_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::listing::ListedPrice;

    #[test]
    fn every_service_that_is_bundled_can_be_read() {
        let catalogue = Catalogue::parse(openkoi_components::models()).unwrap();
        let (date, source) = catalogue.provenance();
        assert!(date.len() == 10 && !source.is_empty());
        for (name, service) in &catalogue.services {
            let text = service.text.unwrap().get();
            let models: BTreeMap<String, Value> = serde_json::from_str(text).unwrap();
            assert!(!models.is_empty(), "{name}");
            let names: Vec<&str> = models.keys().map(String::as_str).collect();
            assert_eq!(catalogue.models(name).collect::<Vec<_>>(), names, "{name}");
        }
    }

    #[test]
    fn what_the_host_is_given_has_the_models_that_were_asked_for() {
        let catalogue = Catalogue::parse(BUNDLED).unwrap();

        let services = [("mine", "nowhere"), ("mine", "pond"), ("sea", "sea")];
        let given = catalogue.of(services, &BTreeSet::from(["carp"]));

        let carp = &given["providers"]["mine"]["models"]["carp"];
        assert_eq!(
            (&carp["cost"]["cache_read"], &carp["limit"]["output"]),
            (&json!(0.5), &json!(4_000))
        );
        assert_eq!(given["providers"]["sea"]["models"], json!({}));
        let other = catalogue.of(services, &BTreeSet::from(["eel"]));
        assert_eq!(other["providers"]["mine"]["models"], json!({}));
    }

    const BUNDLED: &str = r#"{"providers": {"pond": {"models": {"carp": {
        "name": "Carp", "tool_call": true, "limit": {"context": 64000, "output": 4000},
        "cost": {"input": 2, "output": 10, "cache_read": 0.5}}}}}}"#;

    fn listed(id: &str) -> ListedModel {
        ListedModel { id: id.to_owned(), name: id.to_owned(), ..ListedModel::default() }
    }

    #[test]
    fn what_a_provider_lists_is_newer_and_what_it_does_not_say_stays() {
        let mut catalogue = Catalogue::parse(BUNDLED).unwrap();
        let price = ListedPrice {
            input: 1_000_000,
            output: 4_000_000,
            cache_read: None,
            cache_write: None,
        };
        let carp = ListedModel { context: Some(128_000), price: Some(price), ..listed("carp") };
        let listing = Listing { models: vec![carp, listed("pike")], ..Listing::default() };

        catalogue.lay("pond", &listing);

        let carp = catalogue.facts("pond", "carp").unwrap();
        assert_eq!(
            (carp.name.as_deref(), carp.context, carp.output),
            (Some("Carp"), Some(128_000), Some(4_000))
        );
        assert_eq!((carp.input_price, carp.output_price), (Some(1.0), Some(4.0)));
        assert!(carp.listed && carp.is_capable());
        assert_eq!(catalogue.models("pond").collect::<Vec<_>>(), ["carp", "pike"]);
        let pike = catalogue.facts("pond", "pike").unwrap();
        assert_eq!((pike.input_price, pike.is_capable()), (None, false));
    }

    #[test]
    fn a_service_that_nobody_knew_is_there_once_it_is_listed() {
        let mut catalogue = Catalogue::parse(BUNDLED).unwrap();

        catalogue.lay("lake", &Listing { models: vec![listed("eel")], ..Listing::default() });

        assert_eq!(catalogue.services.keys().collect::<Vec<_>>(), ["lake", "pond"]);
        assert_eq!(catalogue.facts("lake", "eel").map(|facts| facts.listed), Some(true));
        assert_eq!(catalogue.facts("lake", "carp"), None);
    }
}
