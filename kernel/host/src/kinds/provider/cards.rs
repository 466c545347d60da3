//! Cards of models, from a catalogue in the models.dev shape.
//!
//! ```json
//! { "providers": { "NAME": { "models": { "ID": {
//!     "limit": { "context": 200000, "output": 64000 },
//!     "cost": { "input": 3.0, "output": 15.0, "cache_read": 0.3, "cache_write": 3.75 },
//!     "attachment": true } } } } }
//! ```

use openkoi_core::{
    ledger::Price,
    model::{ModelCard, PriceSource},
};
use serde_json::Value;

use super::settings::OfferedPrice;

/// The card of an unknown model: small enough for all current ones.
const CONTEXT: u64 = 128_000;
const OUTPUT: u64 = 8_192;

/// What the user's settings say of a provider's models.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Configured {
    /// Their price.
    pub(super) price: Option<OfferedPrice>,
    /// True if the models cost nothing unless the user set a price.
    pub(super) free: bool,
    /// The most tokens of a turn, where the catalogue does not know them.
    pub(super) output: Option<u64>,
}

/// Returns the card of `provider/model`; `keys` are the names under which the catalogue may have the
/// provider, the likeliest first.
pub(super) fn card(
    catalogue: &Value,
    provider: &str,
    keys: &[&str],
    model: &str,
    configured: Configured,
) -> ModelCard {
    let entry = entry(catalogue, keys, model);
    let listed = || entry.and_then(|entry| price(entry.get("cost")?));
    let (price, price_source) = match (configured.price, configured.free) {
        (Some(price), _) => (Some(in_dollars(price)), PriceSource::Configured),
        (None, true) => (Some(Price::FREE), PriceSource::Free),
        (None, false) => match listed() {
            Some(price) => (Some(price), PriceSource::Known),
            None => (None, PriceSource::Ceiling),
        },
    };
    let limit = |key: &str, unknown: u64| {
        let known = entry.and_then(|entry| entry.get("limit")?.get(key)?.as_u64());
        known.filter(|tokens| *tokens > 0).unwrap_or(unknown)
    };
    ModelCard {
        name: format!("{provider}/{model}"),
        context: limit("context", CONTEXT),
        output: limit("output", configured.output.unwrap_or(OUTPUT)),
        price,
        price_source,
    }
}

/// Returns the most tokens that a model writes in one turn, if the catalogue knows.
pub(super) fn output(catalogue: &Value, keys: &[&str], model: &str) -> Option<u32> {
    let known = entry(catalogue, keys, model)?.get("limit")?.get("output")?.as_u64()?;
    u32::try_from(known).ok().filter(|tokens| *tokens > 0)
}

fn in_dollars(price: OfferedPrice) -> Price {
    let dollars = |micros: u64| micros as f64 / 1e6;
    Price {
        input: dollars(price.input),
        output: dollars(price.output),
        cache_read: price.cache_read.map(dollars),
        cache_write: price.cache_write.map(dollars),
    }
}

/// Returns true if the catalogue says that the model reads text alone.
pub(super) fn is_blind(catalogue: &Value, keys: &[&str], model: &str) -> bool {
    entry(catalogue, keys, model).is_some_and(|entry| entry["attachment"] == false)
}

fn entry<'a>(catalogue: &'a Value, keys: &[&str], model: &str) -> Option<&'a Value> {
    keys.iter().find_map(|key| catalogue.get("providers")?.get(key)?.get("models")?.get(model))
}

/// Reads a price. One that is negative or not a number is left out.
fn price(cost: &Value) -> Option<Price> {
    let per_million = |key: &str| {
        let dollars = cost.get(key)?.as_f64()?;
        (dollars.is_finite() && dollars >= 0.0).then_some(dollars)
    };
    Some(Price {
        input: per_million("input")?,
        output: per_million("output")?,
        cache_read: per_million("cache_read"),
        cache_write: per_million("cache_write"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_known_model_has_its_numbers_and_an_unknown_one_no_price() {
        let catalogue = json!({ "providers": { "wire": { "models": { "large": {
            "limit": { "context": 200_000, "output": 64_000 },
            "cost": { "input": 3.0, "output": 15.0, "cache_read": 0.3 } } } } } });

        let keys = ["mine", "wire"];
        let known = card(&catalogue, "mine", &keys, "large", Configured::default());
        let unknown = card(&catalogue, "mine", &keys, "small", Configured::default());

        let price = Price { input: 3.0, output: 15.0, cache_read: Some(0.3), cache_write: None };
        assert_eq!((known.name.as_str(), known.context), ("mine/large", 200_000));
        assert_eq!(known.price, Some(price));
        assert_eq!((unknown.context, unknown.output, unknown.price), (CONTEXT, OUTPUT, None));
        let asked = Configured { output: Some(20_000), ..Configured::default() };
        let outputs = ["large", "small"].map(|m| card(&catalogue, "mine", &keys, m, asked).output);
        assert_eq!(outputs, [64_000, 20_000]);
    }

    #[test]
    fn the_users_price_goes_first_and_what_runs_here_costs_nothing() {
        let catalogue = json!({ "providers": { "p": { "models": { "known": {
            "cost": { "input": 3.0, "output": 15.0 } } } } } });
        let own =
            OfferedPrice { input: 500_000, output: 2_000_000, cache_read: None, cache_write: None };
        let set = Price { input: 0.5, output: 2.0, cache_read: None, cache_write: None };
        let listed = Price { input: 3.0, output: 15.0, cache_read: None, cache_write: None };
        for (model, configured, free, price, source) in [
            ("known", None, false, Some(listed), PriceSource::Known),
            ("known", Some(own), false, Some(set), PriceSource::Configured),
            ("known", None, true, Some(Price::FREE), PriceSource::Free),
            ("known", Some(own), true, Some(set), PriceSource::Configured),
            ("other", None, false, None, PriceSource::Ceiling),
            ("other", Some(own), false, Some(set), PriceSource::Configured),
            ("other", None, true, Some(Price::FREE), PriceSource::Free),
        ] {
            let card = card(
                &catalogue,
                "p",
                &["p"],
                model,
                Configured { price: configured, free, output: None },
            );
            assert_eq!(
                (card.price, card.price_source),
                (price, source),
                "{model} {configured:?} {free}"
            );
        }
    }

    #[test]
    fn a_model_is_blind_if_the_catalogue_says_so() {
        let catalogue = json!({ "providers": { "p": { "models": {
            "reads": { "attachment": false }, "sees": { "attachment": true }, "perhaps": {} } } } });
        let blind = |model| is_blind(&catalogue, &["mine", "p"], model);
        assert_eq!(["reads", "sees", "perhaps", "unheard"].map(blind), [true, false, false, false]);
    }

    #[test]
    fn a_negative_price_is_left_out() {
        let catalogue = json!({ "providers": { "p": { "models": { "m": {
            "cost": { "input": -1.0, "output": 1.0 } } } } } });
        let card = card(&catalogue, "p", &["p"], "m", Configured::default());
        assert_eq!((card.price, card.price_source), (None, PriceSource::Ceiling));
    }
}
