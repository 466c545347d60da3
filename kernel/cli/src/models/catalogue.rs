//! What is known of models: the bundled list in the models.dev shape, with what providers said of theirs laid over.

use serde_json::{Map, Value, json};

use super::listing::{Listed, Listing};
use crate::error::CommandError;

/// Prices, limits and powers of models, by service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue(Value);

/// What is known of one model. What nobody says is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// A name for people.
    pub name: Option<String>,
    /// Tokens it reads.
    pub context: Option<u64>,
    /// Tokens it writes.
    pub output: Option<u64>,
    /// Dollars for a million tokens of a request.
    pub input_price: Option<f64>,
    /// Dollars for a million tokens of an answer.
    pub output_price: Option<f64>,
    /// Whether it calls tools.
    pub tools: Option<bool>,
    /// Whether it reasons before it answers.
    pub reasoning: Option<bool>,
    /// Whether it reads images.
    pub images: Option<bool>,
    /// Whether it turns text into vectors instead of answering.
    pub embeds: bool,
    /// Whether the provider lists it, as far as is known.
    pub listed: bool,
}

impl Catalogue {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// When it is not of the expected shape; it is a defect of this program.
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        let broken = |error| CommandError::failed(format!("the list of models is broken: {error}"));
        serde_json::from_str(text).map(Self).map_err(broken)
    }

    /// Returns the whole list, in the shape in which it is bundled.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// Returns when the bundled list was made, and of what.
    pub fn provenance(&self) -> (&str, &str) {
        let text = |key: &str| self.0[key].as_str().unwrap_or_default();
        (text("date"), text("source"))
    }

    /// Returns the names of a service's models, sorted.
    pub fn models(&self, service: &str) -> impl Iterator<Item = &str> {
        let models = self.0["providers"][service]["models"].as_object();
        models.into_iter().flat_map(|models| models.keys().map(String::as_str))
    }

    /// Returns the names of the services.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        let services = self.0["providers"].as_object();
        services.into_iter().flat_map(|services| services.keys().map(String::as_str))
    }

    /// Returns what is known of a model.
    pub fn facts(&self, service: &str, model: &str) -> Option<Facts> {
        let entry = self.0["providers"][service]["models"].get(model)?;
        let price = |key: &str| entry["cost"][key].as_f64().filter(|dollars| *dollars >= 0.0);
        Some(Facts {
            name: entry["name"].as_str().map(str::to_owned),
            context: entry["limit"]["context"].as_u64(),
            output: entry["limit"]["output"].as_u64(),
            input_price: price("input"),
            output_price: price("output"),
            tools: entry["tool_call"].as_bool(),
            reasoning: entry["reasoning"].as_bool(),
            images: entry["attachment"].as_bool(),
            embeds: entry["embeds"] == true,
            listed: entry["listed"] == true,
        })
    }

    /// Lays what a provider lists over what is bundled for `service`: its word is newer.
    pub fn lay(&mut self, service: &str, listing: &Listing) {
        let Some(services) = self.0["providers"].as_object_mut() else { return };
        let own = services.entry(service.to_owned()).or_insert_with(|| json!({ "models": {} }));
        let Some(models) = own["models"].as_object_mut() else { return };
        for listed in &listing.models {
            let entry = models.entry(listed.id.clone()).or_insert_with(|| json!({}));
            if let Some(entry) = entry.as_object_mut() {
                overlay(entry, listed);
            }
        }
    }
}

fn overlay(entry: &mut Map<String, Value>, listed: &Listed) {
    let mut set = |path: [&str; 2], value: Option<Value>| {
        let Some(value) = value else { return };
        let [table, key] = path;
        if key.is_empty() {
            entry.insert(table.to_owned(), value);
        } else if let Some(table) = entry.entry(table).or_insert_with(|| json!({})).as_object_mut()
        {
            table.insert(key.to_owned(), value);
        }
    };
    set(["listed", ""], Some(json!(true)));
    set(["limit", "context"], listed.context.map(Value::from));
    set(["limit", "output"], listed.output.map(Value::from));
    set(["tool_call", ""], listed.tools.map(Value::from));
    set(["reasoning", ""], listed.reasoning.map(Value::from));
    set(["attachment", ""], listed.images.map(Value::from));
    set(["embeds", ""], listed.embeds.then_some(json!(true)));
    if listed.name != listed.id {
        set(["name", ""], Some(json!(listed.name)));
    }
    if let Some(price) = &listed.price {
        set(["cost", "input"], Some(dollars(price.input)));
        set(["cost", "output"], Some(dollars(price.output)));
        set(["cost", "cache_read"], price.cache_read.map(dollars));
        set(["cost", "cache_write"], price.cache_write.map(dollars));
    }
}

/// Millionths of a dollar as dollars.
fn dollars(micros: u64) -> Value {
    json!(micros as f64 / 1e6)
}

impl Facts {
    /// Returns what an average turn costs, in dollars a million tokens: agents read some ten times what they
    /// write.
    pub fn blended_price(&self) -> Option<f64> {
        Some((10.0 * self.input_price? + self.output_price?) / 11.0)
    }

    /// Whether it is known to be able to do the loop's work.
    pub fn is_capable(&self) -> bool {
        self.tools == Some(true) && !self.embeds && self.context.unwrap_or(0) >= 32_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::listing::ListedPrice;

    const BUNDLED: &str = r#"{"providers": {"pond": {"models": {"carp": {
        "name": "Carp", "tool_call": true, "limit": {"context": 64000, "output": 4000},
        "cost": {"input": 2, "output": 10, "cache_read": 0.5}}}}}}"#;

    fn listed(id: &str) -> Listed {
        Listed { id: id.to_owned(), name: id.to_owned(), ..Listed::default() }
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
        let carp = Listed { context: Some(128_000), price: Some(price), ..listed("carp") };
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

        assert_eq!(catalogue.services().collect::<Vec<_>>(), ["lake", "pond"]);
        assert_eq!(catalogue.facts("lake", "eel").map(|facts| facts.listed), Some(true));
        assert_eq!(catalogue.facts("lake", "carp"), None);
    }
}
