//! Lists of models, and embeddings.

use openkoi_provider_wire::lists;
use openkoi_sdk::{
    Failure, Result,
    provider::{Embeddings, ModelEntry, Price},
};
use serde_json::Value;

/// Names under which services say how much a model reads.
const CONTEXT: [&str; 7] = [
    "context_window",
    "context_length",
    "max_context_length",
    "max_model_len",
    "max_input_tokens",
    "max_prompt_tokens",
    "max_context_window_tokens",
];
/// Names under which they say how much it writes.
const OUTPUT: [&str; 3] = ["max_completion_tokens", "max_output_tokens", "max_output_length"];

/// Reads a list of models.
///
/// # Errors
///
/// If `body` is not one.
pub(crate) fn models(body: &[u8]) -> Result<Vec<ModelEntry>> {
    let list = lists::entries(body, &["", "/data", "/models"])?;
    Ok(list.iter().filter_map(model).collect())
}

fn model(value: &Value) -> Option<ModelEntry> {
    let id = value["id"].as_str().or(value["name"].as_str()).filter(|id| !id.is_empty())?;
    let name = [&value["display_name"], &value["name"]].into_iter().find_map(Value::as_str);
    // OpenRouter has limits of the best host, Mistral an object of powers, and Copilot one of both.
    let own = &value["capabilities"];
    let places = [value, &value["top_provider"], &own["limits"]];
    let number = |names: &[&str]| {
        places.iter().find_map(|place| names.iter().find_map(|name| place[*name].as_u64()))
    };
    let power = |names: [&str; 2]| {
        let [mine, supported] = [&own[names[0]], &own["supports"][names[1]]];
        mine.as_bool().or(supported.as_bool())
    };
    Some(ModelEntry {
        name: name.filter(|name| !name.is_empty()).unwrap_or(id).to_owned(),
        context: number(&CONTEXT),
        output: number(&OUTPUT),
        tools: among(&value["supported_parameters"], "tools")
            .or(power(["function_calling", "tool_calls"])),
        images: among(&value["architecture"]["input_modalities"], "image")
            .or(power(["vision", "vision"])),
        reasoning: among(&value["supported_parameters"], "reasoning"),
        embeds: embeds(id, value),
        price: price(&value["pricing"]),
        ..ModelEntry::of(id)
    })
}

/// Returns whether a list has a word; nothing where there is no list.
fn among(list: &Value, word: &str) -> Option<bool> {
    Some(list.as_array()?.iter().any(|entry| entry == word))
}

/// Few services say what a model is for; its name does.
fn embeds(id: &str, value: &Value) -> bool {
    let kind = [&value["type"], &value["capabilities"]["type"]].into_iter().find_map(Value::as_str);
    let said = kind.map(|kind| kind.contains("embedding"));
    said.unwrap_or_else(|| id.contains("embed"))
}

/// OpenRouter's prices are dollars for one token, as text.
fn price(value: &Value) -> Option<Price> {
    let price = Price::per_token(&value["prompt"], &value["completion"])?;
    Some(price.cached_per_token(&value["input_cache_read"], &value["input_cache_write"]))
}

/// Reads embeddings, in the order of the texts.
///
/// # Errors
///
/// If `body` holds none, or vectors of different lengths.
pub(crate) fn embeddings(body: &[u8]) -> Result<Embeddings> {
    let value: Value = serde_json::from_slice(body)?;
    let list = value["data"]
        .as_array()
        .ok_or_else(|| Failure::failed("the provider's answer holds no embeddings"))?;
    let mut vectors = Vec::with_capacity(list.len());
    for (place, entry) in (0..).zip(list) {
        vectors.push((entry["index"].as_u64().unwrap_or(place), vector(&entry["embedding"])?));
    }
    vectors.sort_by_key(|(place, _)| *place);
    let vectors: Vec<Vec<f32>> = vectors.into_iter().map(|(_, vector)| vector).collect();
    if vectors.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
        return Err(Failure::failed("the provider's embeddings have different lengths"));
    }
    // Some services count under the one name, some under the other.
    let usage = &value["usage"];
    let tokens = usage["prompt_tokens"].as_u64().or_else(|| usage["total_tokens"].as_u64());
    Ok(Embeddings { vectors, tokens })
}

fn vector(value: &Value) -> Result<Vec<f32>> {
    let numbers = value.as_array().filter(|numbers| !numbers.is_empty());
    let vector: Option<Vec<f32>> = numbers
        .into_iter()
        .flatten()
        .map(|number| number.as_f64().map(|number| number as f32).filter(|x| x.is_finite()))
        .collect();
    match vector {
        Some(vector) if !vector.is_empty() => Ok(vector),
        _ => Err(Failure::failed("the provider sent an embedding that is not a vector")),
    }
}
