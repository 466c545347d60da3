//! A provider's exchange: the request, the key, and the turn that the answer becomes (security.md, H).

use std::sync::Mutex;

use openkoi_brokers::egress::Injection;
use openkoi_core::{
    credential::{SecretSource, VariablePair},
    message::{Message, Part, Prompt, Role, StopReason, ToolCall, Turn},
    model::{ModelError, ModelTrouble},
    port::{Delta, Model},
};
use openkoi_host::kinds::provider::ProviderSettings;
use openkoi_testing::{Canned, World};

use crate::guests::provider_world;

pub(crate) const STREAM: &str = "usage 10 1\nthought hm\ntext hel\ntext lo\nreasoning opaque\n\
    call 0 a read_file\ncall 1  write_file\nargs 1 {\"b\":\nargs 0 {}\nargs 1 2}\nusage - 7\nend\n";

pub(crate) fn prompt(text: &str) -> Prompt {
    Prompt { messages: vec![Message::user(text)], ..Prompt::default() }
}

pub(crate) fn world() -> World {
    let mut world = provider_world();
    world.variable("CODEC_API_KEY", "sk-canary-0123456789");
    world
}

pub(crate) async fn ask(world: &mut World, text: &str) -> Result<Turn, ModelError> {
    world.complete(ProviderSettings::default(), "large", &prompt(text)).await
}

fn whole() -> Vec<Part> {
    let call = |id: &str, name: &str, arguments: &str| {
        Part::ToolCall(ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        })
    };
    let state = "opaque".to_owned();
    vec![
        Part::Text("hello".to_owned()),
        Part::Reasoning(openkoi_core::message::Reasoning { text: String::new(), state }),
        call("a", "read_file", "{}"),
        call("call_3", "write_file", "{\"b\":2}"),
    ]
}

#[tokio::test]
async fn a_stream_becomes_a_turn_and_is_shown_on_the_way() {
    let mut world = world();
    world.answer(Canned::ok(STREAM));
    let models = world.models(ProviderSettings::default(), "large");
    let shown = Mutex::new(Vec::new());

    let turn = models
        .complete(&Role::new("planner"), &prompt("hi"), &|delta| {
            let line = match delta {
                Delta::Text(text) => format!("text {text}"),
                Delta::Thought(text) => format!("thought {text}"),
                Delta::Waiting(text) => format!("waiting {text}"),
                Delta::Resting(rests) => format!("resting {rests}"),
            };
            shown.lock().expect("nobody panicked").push(line);
            true
        })
        .await
        .expect("it answers");

    assert_eq!(turn.parts, whole());
    assert_eq!((turn.stop, turn.model.as_str()), (StopReason::ToolCalls, "large"));
    assert_eq!((turn.usage.input, turn.usage.output), (Some(10), Some(7)));
    assert_eq!(shown.into_inner().expect("nobody panicked"), ["thought hm", "text hel", "text lo"]);
    let request = &world.web().requests()[0];
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://api.example.com/v1/turn")
    );
    assert_eq!(request.body, b"large planner plain: hi");
}

#[tokio::test]
async fn a_stream_may_be_cut_anywhere() {
    for at in 0..=STREAM.len() {
        let mut world = world();
        world.answer(Canned::ok(&STREAM[..at]).chunk(&STREAM[at..]));
        assert_eq!(ask(&mut world, "hi").await.expect("it answers").parts, whole(), "cut at {at}");
    }
    let mut world = world();
    let bytes = STREAM.bytes().fold(Canned::status(200), |canned, byte| canned.chunk([byte]));
    world.answer(bytes);
    assert_eq!(ask(&mut world, "hi").await.expect("it answers").parts, whole());
}

#[tokio::test]
async fn the_broker_adds_a_key_to_requests_to_its_own_host() {
    let mut world = world();
    world.answer(Canned::ok("end\n"));

    ask(&mut world, "hi").await.expect("it answers");

    let request = &world.web().requests()[0];
    let [credential] = request.credentials.as_slice() else { panic!("no key") };
    assert_eq!(credential.host, "api.example.com");
    assert_eq!(credential.inject, Injection::Bearer);
    let rules: Vec<String> = request.rules.iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["https://api.example.com/v1/**"]);
}

#[tokio::test]
async fn a_codec_may_name_the_credential_that_its_manifest_declares() {
    let mut world = world();
    world.answer(Canned::ok("end\n"));

    ask(&mut world, "with api-key").await.expect("it answers");
    let error = ask(&mut world, "with another").await.expect_err("it is not declared");

    assert_eq!(error.kind, ModelTrouble::Denied);
    assert!(error.message.contains("declares no credential `another`"), "{error}");
    assert_eq!(world.web().requests().len(), 1);
}

#[tokio::test]
async fn a_codec_cannot_send_anywhere_else() {
    let mut world = world();
    for url in [
        "https://evil.example.com/v1/turn",
        "https://api.example.com/v2/turn",
        "http://api.example.com/v1/turn",
    ] {
        let error = ask(&mut world, &format!("goto {url}")).await.expect_err(url);
        assert_eq!(error.kind, ModelTrouble::Denied, "{error}");
    }
    assert!(world.web().requests().is_empty());
}

#[tokio::test]
async fn without_a_key_nothing_is_sent_and_the_hint_is_a_command() {
    let mut world = provider_world();

    let error = ask(&mut world, "hi").await.expect_err("there is no key");

    assert_eq!(error.kind, ModelTrouble::Credentials);
    assert!(error.message.contains("CODEC_API_KEY"), "{error}");
    assert_eq!(error.hint, "export CODEC_API_KEY=…");
    assert!(world.web().requests().is_empty());
}

#[tokio::test]
async fn a_service_of_the_users_own_does_not_get_the_vendors_key() {
    let mut world = world();
    let elsewhere = |url: &str| ProviderSettings {
        base_url: Some(url.to_owned()),
        ..ProviderSettings::default()
    };

    let error = world.complete(elsewhere("https://mine.example.org"), "m", &prompt("hi")).await;

    assert_eq!(error.expect_err("no key for it").kind, ModelTrouble::Credentials);
    world.answer(Canned::ok("end\n"));
    let local = world.complete(elsewhere("http://127.0.0.1:11434"), "m", &prompt("hi")).await;
    local.expect("one on this machine needs none");
    assert!(world.web().requests()[0].credentials.is_empty());
}

#[tokio::test]
async fn a_key_is_not_sent_in_the_clear() {
    let mut world = world();
    let settings = ProviderSettings {
        base_url: Some("http://api.example.com".to_owned()),
        credential: vec![SecretSource::Variable("CODEC_API_KEY".to_owned())],
        ..ProviderSettings::default()
    };
    let error = world.complete(settings, "m", &prompt("hi")).await.expect_err("it is refused");
    assert_eq!(error.kind, ModelTrouble::Denied);
    assert!(world.web().requests().is_empty());
}

#[tokio::test]
async fn each_kind_of_refusal_is_recognised_and_not_retried() {
    let table = [
        (400, ModelTrouble::Invalid),
        (401, ModelTrouble::Credentials),
        (402, ModelTrouble::Quota),
        (403, ModelTrouble::Invalid),
        (404, ModelTrouble::UnknownModel),
        (413, ModelTrouble::Overflow),
        (422, ModelTrouble::Invalid),
    ];
    for (status, kind) in table {
        let mut world = world();
        world.answer(Canned::status(status).chunk("no\u{1b}[2J: sk-canary-0123456789"));
        let error = ask(&mut world, "hi").await.expect_err("it is refused");
        assert_eq!(error.kind, kind, "{status}");
        assert_eq!(error.message, "`test`: no␛[2J: [redacted]");
        assert_eq!(world.web().requests().len(), 1);
    }
}

#[tokio::test]
async fn a_codec_that_spins_ends_the_turn_and_not_the_host() {
    let mut world = world();
    world.answer(Canned::ok("text a\nspin\n")).answer(Canned::ok("text b\nend\n"));

    let error = ask(&mut world, "hi").await.expect_err("it spins");

    assert!(error.message.contains("cpu-ms"), "{error}");
    assert_eq!(ask(&mut world, "hi").await.expect("it answers").text(), "b");
}

#[tokio::test]
async fn models_are_listed() {
    let mut world = world();
    world.answer(Canned::ok("large\nsm\u{1b}all\n"));
    let models = world.models(ProviderSettings::default(), "large");

    let listed = models.list_models("test").await.expect("it lists");

    let ids: Vec<_> = listed.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["large", "sm␛all"]);
    let request = &world.web().requests()[0];
    assert_eq!(request.url, "https://lists.example.com/v1/models");
    let [credential] = request.credentials.as_slice() else { panic!("no key") };
    assert_eq!(credential.host, "lists.example.com");
    let rules: Vec<String> = request.rules.iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["https://lists.example.com/v1/**"]);
    assert_eq!(models.notice(&Role::new("executor")), Some("answers are made up"));
    let card = models.card(&Role::new("executor"));
    assert_eq!((card.name.as_str(), card.price), ("test/large", None));
}

#[tokio::test]
async fn a_service_of_the_users_own_lists_its_models_itself() {
    let mut world = world();
    world.answer(Canned::ok("large\n"));
    let own = ProviderSettings {
        base_url: Some("https://mine.example.org/v2/".to_owned()),
        credential: vec![SecretSource::Variable("CODEC_API_KEY".to_owned())],
        ..ProviderSettings::default()
    };

    world.models(own, "large").list_models("test").await.expect("it lists");

    assert_eq!(world.web().requests()[0].url, "https://mine.example.org/v2/models");
}

#[tokio::test]
async fn settings_unknown_to_the_codec_are_refused() {
    let mut world = world();
    let host = world.host();
    let own = ProviderSettings {
        name: "p".to_owned(),
        component: "codec".to_owned(),
        options: vec![("surprise".to_owned(), "1".to_owned())],
        ..ProviderSettings::default()
    };
    let settings = openkoi_host::kinds::provider::ModelSettings {
        providers: vec![own],
        roles: [].into(),
        catalogue: serde_json::Value::Null,
        output: None,
        chance: std::sync::Arc::new(|| 0.0),
    };
    let error = openkoi_host::kinds::provider::CatalogModels::new(&host, settings)
        .expect_err("it is refused");
    assert_eq!(error.to_string(), "the provider `p` has no setting `surprise`; there are: tone");
}

#[tokio::test]
async fn the_value_of_a_placeholder_in_a_base_url_is_one_label() {
    let settings = |tone: &str| ProviderSettings {
        base_url: Some("https://runtime.{tone}.example.com".to_owned()),
        options: vec![("tone".to_owned(), tone.to_owned())],
        credential: vec![SecretSource::Variable("CODEC_API_KEY".to_owned())],
        ..ProviderSettings::default()
    };
    let mut good = world();
    good.answer(Canned::ok("end\n"));
    good.complete(settings("eu-west-1"), "m", &prompt("hi")).await.expect("it answers");
    let request = &good.web().requests()[0];
    assert_eq!(request.credentials[0].host, "runtime.eu-west-1.example.com");

    let refused = std::panic::catch_unwind(|| drop(world().models(settings("evil.org/"), "m")));
    assert!(refused.is_err(), "the key would go to runtime.evil.org");
}

#[tokio::test]
async fn keys_that_sign_are_not_sent_as_keys() {
    let mut world = provider_world();
    world.variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    world.variable("AWS_SECRET_ACCESS_KEY", "secret-canary-0123456789");
    let settings = ProviderSettings {
        credential: vec![SecretSource::Pair(Box::new(VariablePair {
            id: "AWS_ACCESS_KEY_ID".to_owned(),
            secret: "AWS_SECRET_ACCESS_KEY".to_owned(),
            token: "AWS_SESSION_TOKEN".to_owned(),
        }))],
        ..ProviderSettings::default()
    };

    let error = world.complete(settings, "m", &prompt("hi")).await.expect_err("it is refused");

    assert_eq!(error.kind, ModelTrouble::Credentials);
    assert!(world.web().requests().is_empty());
}
