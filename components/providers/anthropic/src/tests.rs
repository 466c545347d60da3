//! Lists of models.

use openkoi_provider_wire::testing::{endpoint, header};
use openkoi_sdk::{
    Failure,
    provider::{Codec, ModelEntry},
};

use crate::Anthropic;

#[test]
fn the_list_of_models_is_asked_for_and_read() {
    let asked = Anthropic::encode_models(&endpoint("https://api.anthropic.com", &[])).unwrap();
    let answer = br#"{"data":[{"type":"model","id":"claude-x","display_name":"Claude X","max_input_tokens":9,"max_tokens":5,"capabilities":{"image_input":{"supported":true}}},{"id":"claude-y"}],"has_more":true}"#;

    assert_eq!(asked.url, "https://api.anthropic.com/v1/models?limit=1000");
    assert_eq!(header(&asked, "anthropic-version"), Some("2023-06-01"));
    assert_eq!(
        Anthropic::decode_models(answer),
        Ok(vec![
            ModelEntry {
                name: "Claude X".to_owned(),
                context: Some(9),
                output: Some(5),
                tools: Some(true),
                images: Some(true),
                ..ModelEntry::of("claude-x")
            },
            ModelEntry { tools: Some(true), ..ModelEntry::of("claude-y") },
        ])
    );
    assert!(Anthropic::decode_models(b"{}").is_err());
}

#[test]
fn there_are_no_embeddings() {
    let asked = Anthropic::encode_embeddings(&endpoint("https://x.test", &[]), "m", &[]);

    assert!(matches!(asked, Err(Failure::Unsupported(_))));
}
