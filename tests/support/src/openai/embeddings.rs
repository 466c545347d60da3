//! Texts as vectors. Two texts of the same letters mean the same here, whatever their words.

use serde_json::{Value, json};

/// The most texts of a request.
const MOST: usize = 2_048;
/// Fields that the reference has.
const FIELDS: [&str; 5] = ["model", "input", "encoding_format", "dimensions", "user"];

/// A model of a service that speaks this format and does not say what was taken.
const SILENT: &str = "text-embedding-silent";

/// Returns the answer to a request, or what is wrong with it.
pub(super) fn answer(body: &Value) -> Result<Value, Vec<String>> {
    let fields = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let unknown = fields.filter(|name| !FIELDS.contains(name));
    let mut faults: Vec<String> = unknown.map(|name| format!("unknown field: {name}")).collect();
    if !body["model"].as_str().is_some_and(|model| model.starts_with("text-embedding-")) {
        faults.push(format!("not a model that embeds: {}", body["model"]));
    }
    let texts = body["input"].as_array().map(Vec::as_slice).unwrap_or_default();
    if texts.is_empty() || texts.len() > MOST {
        faults.push(format!("input: from 1 to {MOST} texts, not {}", texts.len()));
    }
    if texts.iter().any(|text| text.as_str().is_none_or(str::is_empty)) {
        faults.push("input: a text is empty or none".to_owned());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let vectors = texts.iter().filter_map(Value::as_str).map(letters).enumerate();
    let data: Vec<Value> = vectors
        .map(
            |(index, vector)| json!({ "object": "embedding", "index": index, "embedding": vector }),
        )
        .collect();
    let mut answer = json!({ "object": "list", "data": data, "model": body["model"] });
    if body["model"] != SILENT {
        answer["usage"] = json!({ "prompt_tokens": 8, "total_tokens": 8 });
    }
    Ok(answer)
}

/// How often a text has each letter, against the mean.
fn letters(text: &str) -> Vec<f64> {
    let text = text.to_lowercase();
    let count = |letter: char| text.chars().filter(|one| *one == letter).count() as f64;
    let counts: Vec<f64> = ('a'..='z').map(count).collect();
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    counts.into_iter().map(|one| one - mean).collect()
}
