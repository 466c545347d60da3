//! Lists of models, and embeddings.

use openkoi_provider_wire::lists;
use openkoi_sdk::{
    Failure, Result,
    provider::{Embeddings, Endpoint, HttpRequest, ModelEntry},
};
use serde_json::{Value, json};

use crate::encode;

/// Reads a list of models. Those that neither answer nor embed (they draw, or speak over a socket) are left out.
///
/// # Errors
///
/// If `body` is not one.
pub(crate) fn models(body: &[u8]) -> Result<Vec<ModelEntry>> {
    let list = lists::entries(body, &["/models"])?;
    Ok(list.iter().filter_map(model).collect())
}

fn model(value: &Value) -> Option<ModelEntry> {
    let name = value["name"].as_str()?;
    let id = name.strip_prefix("models/").unwrap_or(name);
    let methods = value["supportedGenerationMethods"].as_array();
    let can = |method: &str| methods.is_some_and(|list| list.iter().any(|entry| entry == method));
    let answers = methods.is_none() || can("generateContent");
    if !answers && !can("embedContent") {
        return None;
    }
    Some(ModelEntry {
        name: value["displayName"].as_str().unwrap_or(id).to_owned(),
        context: value["inputTokenLimit"].as_u64(),
        output: value["outputTokenLimit"].as_u64(),
        reasoning: value["thinking"].as_bool(),
        embeds: !answers,
        ..ModelEntry::of(id)
    })
}

/// Writes the request for embeddings.
///
/// # Errors
///
/// [`Failure::Invalid`] for a name that is not a model's.
pub(crate) fn encode_embeddings(
    endpoint: &Endpoint,
    model: &str,
    texts: &[String],
) -> Result<HttpRequest> {
    let path = encode::model_path(model)?;
    let name = path.trim_start_matches('/');
    let one = |text: &String| json!({ "model": name, "content": { "parts": [{ "text": text }] } });
    let requests: Vec<Value> = texts.iter().map(one).collect();
    let url = encode::url(endpoint, &format!("{path}:batchEmbedContents"));
    Ok(HttpRequest::post_json(url, &json!({ "requests": requests }))?.repeatable())
}

/// Reads embeddings, which come in the order of the texts.
///
/// # Errors
///
/// If `body` holds none, or vectors of different lengths.
pub(crate) fn embeddings(body: &[u8]) -> Result<Embeddings> {
    let value: Value = serde_json::from_slice(body)?;
    let list = value["embeddings"]
        .as_array()
        .ok_or_else(|| Failure::failed("the provider's answer holds no embeddings"))?;
    let vectors: Option<Vec<Vec<f32>>> =
        list.iter().map(|entry| vector(&entry["values"])).collect();
    let vectors = vectors
        .ok_or_else(|| Failure::failed("the provider sent an embedding that is not a vector"))?;
    if vectors.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
        return Err(Failure::failed("the provider's embeddings have different lengths"));
    }
    Ok(Embeddings { vectors, tokens: value["usageMetadata"]["promptTokenCount"].as_u64() })
}

fn vector(value: &Value) -> Option<Vec<f32>> {
    let numbers = value.as_array().filter(|numbers| !numbers.is_empty())?;
    let number = |value: &Value| Some(value.as_f64()? as f32).filter(|number| number.is_finite());
    numbers.iter().map(number).collect()
}
