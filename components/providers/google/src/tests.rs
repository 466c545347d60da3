//! Lists of models, embeddings, and the facts about models.

use openkoi_provider_wire::testing::{body, endpoint};
use openkoi_sdk::{
    Failure,
    provider::{Codec, Embeddings, ModelEntry},
};
use serde_json::{Value, json};

use crate::Google;

const OFFICIAL: &str = "https://generativelanguage.googleapis.com/v1beta";

#[test]
fn the_list_of_models_is_asked_for_and_read() {
    let asked = Google::encode_models(&endpoint(OFFICIAL, &[])).unwrap();
    let list = json!({ "models": [
        { "name": "models/gemini-x", "displayName": "Gemini X", "inputTokenLimit": 9, "outputTokenLimit": 5,
          "thinking": true, "supportedGenerationMethods": ["generateContent", "countTokens"] },
        { "name": "models/gemini-embedding-x", "displayName": "Embedding X", "inputTokenLimit": 2,
          "outputTokenLimit": 1, "supportedGenerationMethods": ["embedContent"] },
        { "name": "models/imagen-x", "supportedGenerationMethods": ["predict"] },
        { "name": "tunedModels/mine" },
        { "displayName": "nameless" },
    ] });

    assert_eq!(asked.url, format!("{OFFICIAL}/models?pageSize=1000"));
    assert_eq!(
        Google::decode_models(list.to_string().as_bytes()),
        Ok(vec![
            ModelEntry {
                name: "Gemini X".to_owned(),
                context: Some(9),
                output: Some(5),
                reasoning: Some(true),
                ..ModelEntry::of("gemini-x")
            },
            ModelEntry {
                name: "Embedding X".to_owned(),
                context: Some(2),
                output: Some(1),
                embeds: true,
                ..ModelEntry::of("gemini-embedding-x")
            },
            ModelEntry::of("tunedModels/mine"),
        ])
    );
    assert!(Google::decode_models(b"{}").is_err());
    assert!(Google::decode_models(b"<html>").is_err());
}

#[test]
fn embeddings_are_asked_for_in_one_request_and_read_in_order() {
    let texts = ["a".to_owned(), "b".to_owned()];
    let asked = Google::encode_embeddings(&endpoint(OFFICIAL, &[]), "gemini-embedding-x", &texts);
    let answer = json!({ "embeddings": [{ "values": [1, 2] }, { "values": [3, 4.5] }],
        "usageMetadata": { "promptTokenCount": 2 } });

    let asked = asked.unwrap();
    assert_eq!(asked.url, format!("{OFFICIAL}/models/gemini-embedding-x:batchEmbedContents"));
    assert_eq!(
        body(&asked),
        json!({ "requests": [
            { "model": "models/gemini-embedding-x", "content": { "parts": [{ "text": "a" }] } },
            { "model": "models/gemini-embedding-x", "content": { "parts": [{ "text": "b" }] } },
        ] })
    );
    assert_eq!(
        Google::decode_embeddings(answer.to_string().as_bytes()),
        Ok(Embeddings { vectors: vec![vec![1.0, 2.0], vec![3.0, 4.5]], tokens: Some(2) })
    );
    for broken in [
        json!({ "embeddings": [{ "values": [1] }, { "values": [1, 2] }] }),
        json!({ "embeddings": [{ "values": ["x"] }] }),
        json!({ "embeddings": [{ "values": [1e300] }] }),
        json!({ "embeddings": [{ "values": [] }] }),
        json!({ "error": "x" }),
    ] {
        assert!(Google::decode_embeddings(broken.to_string().as_bytes()).is_err(), "{broken}");
    }
    let elsewhere = Google::encode_embeddings(&endpoint(OFFICIAL, &[]), "../files", &texts);
    assert!(matches!(elsewhere, Err(Failure::Invalid(_))));
}

#[test]
fn the_models_of_the_manifest_have_prices() {
    let list: Value = serde_json::from_str(include_str!("../../../models.json")).unwrap();
    let manifest = include_str!("../component.toml");
    let lines = manifest.lines().filter(|line| line.contains("-model = "));
    let models: Vec<&str> = lines.filter_map(|line| line.split('"').nth(1)).collect();

    assert_eq!(models.len(), 2);
    for model in models {
        assert!(list["providers"]["google"]["models"][model]["cost"].is_object(), "{model}");
    }
}
