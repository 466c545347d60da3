//! What is the same for both formats: lists, embeddings, the manifest and the prices.

use openkoi_provider_wire::testing::{body, endpoint, header, message, request, result};
use openkoi_sdk::provider::{
    Blob, Codec, CompletionRequest, Embeddings, ModelEntry, Part, Price, Speaker,
};
use serde_json::{Value, json};

use crate::OpenAi;

fn entry(id: &str, name: &str, context: Option<u64>, output: Option<u64>) -> ModelEntry {
    ModelEntry { name: name.to_owned(), context, output, ..ModelEntry::of(id) }
}

#[test]
fn lists_of_models_are_read_in_all_their_forms() {
    let forms = [
        (
            json!({ "object": "list", "data": [{ "id": "a", "object": "model" }] }),
            entry("a", "a", None, None),
        ),
        (
            json!([{ "id": "b", "display_name": "B", "context_length": 9 }]),
            entry("b", "B", Some(9), None),
        ),
        (
            json!({ "data": [{ "id": "c", "name": "C", "context_length": 9, "top_provider": { "max_completion_tokens": 5 } }] }),
            entry("c", "C", Some(9), Some(5)),
        ),
        (
            json!({ "data": [{ "id": "d", "context_window": 9, "max_completion_tokens": 5 }, { "object": "model" }] }),
            entry("d", "d", Some(9), Some(5)),
        ),
    ];

    for (form, expected) in forms {
        assert_eq!(
            OpenAi::decode_models(form.to_string().as_bytes()),
            Ok(vec![expected]),
            "{form}"
        );
    }
    assert!(OpenAi::decode_models(b"{\"data\":{}}").is_err());
    assert!(OpenAi::decode_models(b"<html>").is_err());
    assert_eq!(
        OpenAi::encode_models(&endpoint("https://x.test/v1/", &[])).unwrap().url,
        "https://x.test/v1/models"
    );
}

#[test]
fn a_service_that_counts_by_purpose_is_told_it() {
    let options =
        [("initiator_header", "X-Initiator"), ("image_header", "X-Vision"), ("api", "by-model")];
    let endpoint = endpoint("https://x.test", &options);
    let headers = |parts: Vec<Part>| {
        let messages = vec![message(Speaker::User, parts)];
        let request = CompletionRequest { messages, ..request("m") };
        let encoded = OpenAi::encode(&endpoint, &request).unwrap();
        let own = |name: &str| header(&encoded, name).map(str::to_owned);
        (own("X-Initiator"), own("X-Vision"))
    };
    let image = Blob { media_type: "image/png".to_owned(), bytes: vec![1] };

    assert_eq!(headers(vec![Part::Text("hi".into())]), (Some("user".into()), None));
    let seen = headers(vec![Part::Text("see".into()), Part::Attachment(image)]);
    assert_eq!(seen, (Some("user".into()), Some("true".into())));
    assert_eq!(headers(vec![result("a", "read", "ok")]).0.as_deref(), Some("agent"));
}

#[test]
fn a_service_that_refuses_limits_and_wants_instructions_gets_what_it_takes() {
    let options = [("api", "responses"), ("sampling", "false"), ("instructions", "always")];
    let messages = vec![message(Speaker::User, vec![Part::Text("hi".into())])];
    let asked = CompletionRequest {
        messages,
        max_tokens: Some(100),
        temperature: Some(0.5),
        system: String::new(),
        ..request("gpt-x")
    };

    let encoded = OpenAi::encode(&endpoint("https://x.test/codex", &options), &asked).unwrap();

    assert_eq!(encoded.url, "https://x.test/codex/responses");
    assert_eq!(
        body(&encoded),
        json!({
            "model": "gpt-x", "instructions": "", "store": false, "stream": true,
            "input": [{ "role": "user", "content": [{ "type": "input_text", "text": "hi" }] }],
        })
    );
    let chat = OpenAi::encode(&endpoint("https://x.test", &[("sampling", "false")]), &asked);
    let chat = body(&chat.unwrap());
    assert!(chat["max_tokens"].is_null() && chat["temperature"].is_null(), "{chat}");
}

#[test]
fn what_a_model_can_do_and_costs_is_read_where_a_service_says_it() {
    let list = json!({ "data": [
        { "id": "v/able", "supported_parameters": ["tools", "reasoning"],
          "architecture": { "input_modalities": ["text", "image"] },
          "pricing": { "prompt": "0.000003", "completion": "0.000015", "input_cache_read": "0.0000003" } },
        { "id": "v/auto", "supported_parameters": [], "pricing": { "prompt": "-1", "completion": "-1" } },
        { "id": "v/embed-1" },
        { "id": "copilot", "capabilities": { "type": "chat", "supports": { "tool_calls": true, "vision": false },
          "limits": { "max_prompt_tokens": 9, "max_context_window_tokens": 12, "max_output_tokens": 3 } } },
        { "id": "mistral", "max_context_length": 8, "capabilities": { "function_calling": true, "vision": true } },
    ] });

    let models = OpenAi::decode_models(list.to_string().as_bytes()).unwrap();

    let price = Price {
        input: 3_000_000,
        output: 15_000_000,
        cache_read: Some(300_000),
        cache_write: None,
    };
    let able = ModelEntry {
        tools: Some(true),
        images: Some(true),
        reasoning: Some(true),
        price: Some(price),
        ..ModelEntry::of("v/able")
    };
    let auto =
        ModelEntry { tools: Some(false), reasoning: Some(false), ..ModelEntry::of("v/auto") };
    let embeds = ModelEntry { embeds: true, ..ModelEntry::of("v/embed-1") };
    let copilot = ModelEntry {
        context: Some(9),
        output: Some(3),
        tools: Some(true),
        images: Some(false),
        ..ModelEntry::of("copilot")
    };
    let mistral = ModelEntry {
        context: Some(8),
        tools: Some(true),
        images: Some(true),
        ..ModelEntry::of("mistral")
    };
    assert_eq!(models, [able, auto, embeds, copilot, mistral]);
}

#[test]
fn embeddings_come_back_in_the_order_of_the_texts() {
    let asked = OpenAi::encode_embeddings(
        &endpoint("https://x.test/v1", &[]),
        "e",
        &["a".to_owned(), "b".to_owned()],
    );
    let answer = json!({ "data": [{ "index": 1, "embedding": [3, 4.5] }, { "index": 0, "embedding": [1, 2] }],
        "usage": { "total_tokens": 2 } });

    assert_eq!(
        body(&asked.unwrap()),
        json!({ "model": "e", "input": ["a", "b"], "encoding_format": "float" })
    );
    assert_eq!(
        OpenAi::decode_embeddings(answer.to_string().as_bytes()),
        Ok(Embeddings { vectors: vec![vec![1.0, 2.0], vec![3.0, 4.5]], tokens: Some(2) })
    );
    for broken in [
        json!({ "data": [{ "embedding": [1] }, { "embedding": [1, 2] }] }),
        json!({ "data": [{ "embedding": ["x"] }] }),
        json!({ "data": [{ "embedding": [1e300] }] }),
        json!({ "data": [{ "embedding": [] }] }),
        json!({ "error": "x" }),
    ] {
        assert!(OpenAi::decode_embeddings(broken.to_string().as_bytes()).is_err(), "{broken}");
    }
}

#[test]
fn the_bundled_prices_are_of_the_expected_shape() {
    let list: Value = serde_json::from_str(include_str!("../../../models.json")).unwrap();
    let number = |value: &Value| value.as_f64().is_some_and(|number| number >= 0.0);

    for (provider, models) in list["providers"].as_object().unwrap() {
        for (id, model) in models["models"].as_object().unwrap() {
            let context = model["limit"]["context"].as_u64().unwrap();
            let output = model["limit"]["output"].as_u64().unwrap();
            assert!(context >= output && output > 0, "{provider}/{id}");
            assert!(
                number(&model["cost"]["input"]) && number(&model["cost"]["output"]),
                "{provider}/{id}"
            );
            let cache_read = model["cost"]["cache_read"].as_f64().unwrap_or(0.0);
            assert!(cache_read <= model["cost"]["input"].as_f64().unwrap(), "{provider}/{id}");
        }
    }
}

#[test]
fn the_models_of_every_preset_have_prices_and_a_service_with_a_key_has_both() {
    let list: Value = serde_json::from_str(include_str!("../../../models.json")).unwrap();
    let presets = include_str!("../component.toml").split("[[provider.preset]]").skip(1);

    for preset in presets {
        let field = |name: &str| {
            let line = preset.lines().find(|line| line.starts_with(&format!("{name} = ")));
            line.and_then(|line| line.split('"').nth(1)).unwrap_or_default()
        };
        let models = ["default-model", "small-model"].map(field);
        let other = Some(field("models-of")).filter(|name| !name.is_empty());
        let service = other.unwrap_or_else(|| field("name"));
        let has_login = other.is_some() || preset.contains("[provider.preset.login]");
        let is_open = field("environment").is_empty() && !has_login;
        assert_eq!(models.contains(&""), is_open, "{service}");
        for model in models.into_iter().filter(|model| !model.is_empty()) {
            assert!(
                list["providers"][service]["models"][model]["cost"].is_object(),
                "{service}/{model}"
            );
        }
    }
}

#[test]
fn the_default_models_have_prices() {
    let list: Value = serde_json::from_str(include_str!("../../../models.json")).unwrap();
    let defaults = |manifest: &'static str| -> Vec<&'static str> {
        let provider = manifest.split("[[provider.").next().unwrap_or_default();
        let lines = provider.lines().filter(|line| line.contains("-model = "));
        lines.filter_map(|line| line.split('"').nth(1)).collect()
    };

    for (name, manifest) in [
        ("openai", include_str!("../component.toml")),
        ("anthropic", include_str!("../../anthropic/component.toml")),
        ("scripted", include_str!("../../scripted/component.toml")),
    ] {
        let models = defaults(manifest);
        assert_eq!(models.len(), 2, "{name}");
        for model in models {
            assert!(list["providers"][name]["models"][model]["cost"].is_object(), "{name}/{model}");
        }
    }
}
