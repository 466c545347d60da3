//! Lists of models, and embeddings.

use openkoi_provider_wire::lists;
use openkoi_sdk::{
    Failure, Result,
    provider::{Embeddings, ModelEntry},
};
use serde_json::Value;

/// Reads the answer of `GET /api/tags`.
///
/// # Errors
///
/// If `body` is not a list of models.
pub(crate) fn models(body: &[u8]) -> Result<Vec<ModelEntry>> {
    let list = lists::entries(body, &["/models"])?;
    Ok(list.iter().filter_map(model).collect())
}

fn model(value: &Value) -> Option<ModelEntry> {
    let id = value["model"].as_str().or(value["name"].as_str()).filter(|id| !id.is_empty())?;
    let details = &value["details"];
    // Newer versions say what a model can do and how much it reads.
    let can = |what: &str| Some(value["capabilities"].as_array()?.iter().any(|one| one == what));
    let family = details["family"].as_str().unwrap_or_default();
    Some(ModelEntry {
        name: match details["parameter_size"].as_str().filter(|size| !size.is_empty()) {
            Some(size) => format!("{id} ({size})"),
            None => id.to_owned(),
        },
        context: details["context_length"].as_u64(),
        tools: can("tools"),
        images: can("vision"),
        reasoning: can("thinking"),
        embeds: can("embedding").unwrap_or_else(|| family.contains("bert") || id.contains("embed")),
        ..ModelEntry::of(id)
    })
}

/// Reads the answer of `POST /api/embed`.
///
/// # Errors
///
/// If `body` holds no vectors, or vectors of different lengths.
pub(crate) fn embeddings(body: &[u8]) -> Result<Embeddings> {
    let value: Value = serde_json::from_slice(body)?;
    let list = value["embeddings"]
        .as_array()
        .ok_or_else(|| Failure::failed("the provider's answer holds no embeddings"))?;
    let vectors: Option<Vec<Vec<f32>>> = list.iter().map(vector).collect();
    match vectors {
        Some(vectors) if vectors.windows(2).all(|pair| pair[0].len() == pair[1].len()) => {
            Ok(Embeddings { vectors, tokens: value["prompt_eval_count"].as_u64() })
        }
        _ => Err(Failure::failed("the provider's embeddings are not vectors of one length")),
    }
}

fn vector(value: &Value) -> Option<Vec<f32>> {
    let numbers = value.as_array().filter(|numbers| !numbers.is_empty())?;
    let number = |number: &Value| number.as_f64().map(|x| x as f32).filter(|x| x.is_finite());
    numbers.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use openkoi_provider_wire::testing::{body, endpoint};
    use openkoi_sdk::provider::Codec;
    use serde_json::json;

    use super::*;
    use crate::Ollama;

    #[test]
    fn the_list_of_models_says_what_each_version_knows() {
        let list = json!({ "models": [
            { "name": "qwen3:4b", "model": "qwen3:4b", "size": 2_497_293_931_u64,
              "details": { "family": "qwen3", "parameter_size": "4.0B", "quantization_level": "Q4_K_M" } },
            { "name": "all-minilm:latest", "details": { "family": "bert", "parameter_size": "23M" } },
            { "model": "new:1b", "capabilities": ["completion", "tools", "vision"],
              "details": { "context_length": 40_960 } },
            { "size": 1 },
        ] });

        let asked = Ollama::encode_models(&endpoint("http://127.0.0.1:11434/", &[])).unwrap();
        let models = Ollama::decode_models(list.to_string().as_bytes()).unwrap();

        assert_eq!(asked.url, "http://127.0.0.1:11434/api/tags");
        let named =
            |id: &str, name: &str| ModelEntry { name: name.to_owned(), ..ModelEntry::of(id) };
        let embedding = named("all-minilm:latest", "all-minilm:latest (23M)");
        let new = ModelEntry {
            context: Some(40_960),
            tools: Some(true),
            images: Some(true),
            reasoning: Some(false),
            ..ModelEntry::of("new:1b")
        };
        assert_eq!(
            models,
            [named("qwen3:4b", "qwen3:4b (4.0B)"), ModelEntry { embeds: true, ..embedding }, new]
        );
        assert!(Ollama::decode_models(b"{}").is_err());
    }

    #[test]
    fn embeddings_are_asked_for_whole_and_read_in_order() {
        let texts = ["a".to_owned(), "b".to_owned()];
        let asked =
            Ollama::encode_embeddings(&endpoint("http://x.test", &[]), "e", &texts).unwrap();
        let answer = |vectors: Value| {
            let answer = json!({ "embeddings": vectors, "prompt_eval_count": 4 });
            Ollama::decode_embeddings(answer.to_string().as_bytes())
        };

        assert_eq!(asked.url, "http://x.test/api/embed");
        assert_eq!(body(&asked), json!({ "model": "e", "input": ["a", "b"], "truncate": false }));
        let vectors = vec![vec![1.0, 2.0], vec![3.0, 4.5]];
        let read = Embeddings { vectors, tokens: Some(4) };
        assert_eq!(answer(json!([[1, 2], [3, 4.5]])), Ok(read));
        for broken in
            [json!([[1], [1, 2]]), json!([["x"]]), json!([[]]), json!([[1e300]]), json!(1)]
        {
            assert!(answer(broken.clone()).is_err(), "{broken}");
        }
    }
}
