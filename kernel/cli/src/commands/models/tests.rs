use openkoi_app::models::Listing;
use serde_json::{Value, json};

use super::*;
use crate::{
    exit::Exit,
    testing::{InJson, MINUTE, NOW, World, narrow, text},
};

const MINE: &str =
    "[providers.mine]\ncomponent = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n";

fn row(model: &str, facts: Facts, roles: &[&str]) -> ModelRow {
    ModelRow {
        provider: "mine".to_owned(),
        model: model.to_owned(),
        facts,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

fn large() -> Facts {
    Facts {
        name: Some("Swim Large".to_owned()),
        context: Some(200_000),
        output: Some(8_192),
        input_price: Some(2.5),
        output_price: Some(10.0),
        tools: Some(true),
        reasoning: Some(true),
        images: Some(false),
        embeds: false,
        listed: true,
    }
}

fn listed(rows: Vec<ModelRow>) -> ModelTable {
    ModelTable {
        rows,
        fetched: vec![("mine".to_owned(), NOW - 5 * MINUTE)],
        failed: Vec::new(),
        date: "2026-02-01".to_owned(),
        source: "models.example".to_owned(),
    }
}

#[test]
fn each_model_is_a_row_with_what_it_reads_writes_costs_and_can() {
    let embedder = Facts { embeds: true, images: Some(true), ..Facts::default() };

    let list = listed(vec![
        row("swim-large", large(), &["executor", "planner"]),
        row("swim-tiny", embedder, &[]),
    ]);

    assert_eq!(
        text(&list),
        "MODEL             READS  WRITES  PER MILLION  CAN                ROLES\n\
         mine/swim-large  200.0k    8192   $2.5 / $10  tools reasoning    executor planner\n\
         mine/swim-tiny                                images embeddings\n\
         \n\
         5 min ago  mine listed its models\n\
         2 models; what no provider says is of 2026-02-01\n"
    );
}

#[test]
fn on_a_narrow_terminal_names_are_whole_and_cannot_drive_it() {
    let facts = Facts { context: Some(32_000), ..Facts::default() };

    let list = listed(vec![row("swim\x1b[2J-with-a-long-name", facts, &[])]);

    let text = narrow(&list);
    assert_eq!(
        text.lines().take(2).collect::<Vec<_>>(),
        ["mine/swim\\x1b[2J-with-a-long-name", "  READS 32.0k"]
    );
}

#[test]
fn a_list_without_models_says_how_many_there_are() {
    let empty = ModelTable { fetched: Vec::new(), ..listed(Vec::new()) };

    assert_eq!(
        text(&empty),
        "MODEL  READS  WRITES  PER MILLION  CAN  ROLES\n\n\
         0 models; what no provider says is of 2026-02-01\n"
    );
    assert_eq!(
        empty.json(),
        json!({
            "models": [],
            "unavailable": [],
            "bundled": { "date": "2026-02-01", "source": "models.example" },
        })
    );
}

#[test]
fn whoever_gave_no_list_is_named_with_the_reason_on_one_line() {
    let failed = vec![("mine".to_owned(), "it said:\n\x1b[2Jno".to_owned())];

    let list = ModelTable { failed, fetched: Vec::new(), ..listed(Vec::new()) };

    let text = text(&list);
    assert!(text.contains("\nmine gave no list: it said: \\x1b[2Jno\n0 models;"), "{text}");
    assert_eq!(
        list.json()["unavailable"],
        json!([{ "provider": "mine", "reason": "it said:\n\x1b[2Jno" }])
    );
}

#[test]
fn a_model_for_programs_says_null_for_what_nobody_knows() {
    let unknown = Facts::default();

    let list = listed(vec![row("swim-large", large(), &["executor"]), row("odd", unknown, &[])]);

    assert_eq!(
        list.json()["models"],
        json!([
            {
                "provider": "mine",
                "model": "swim-large",
                "name": "Swim Large",
                "context": 200_000,
                "output": 8_192,
                "cost": { "input": 2.5, "output": 10.0 },
                "tools": true,
                "reasoning": true,
                "images": false,
                "embeddings": false,
                "listed": true,
                "listed_at_ms": NOW - 5 * MINUTE,
                "roles": ["executor"],
            },
            {
                "provider": "mine",
                "model": "odd",
                "name": null,
                "context": null,
                "output": null,
                "cost": { "input": null, "output": null },
                "tools": null,
                "reasoning": null,
                "images": null,
                "embeddings": false,
                "listed": false,
                "listed_at_ms": null,
                "roles": [],
            },
        ])
    );
}

#[test]
fn a_price_is_shown_only_where_both_sides_are_known() {
    let price = |input_price, output_price| {
        row("m", Facts { input_price, output_price, ..Facts::default() }, &[]).price()
    };

    assert_eq!(price(Some(0.0), Some(0.0)), "$0 / $0");
    assert_eq!(price(Some(0.15), Some(0.6)), "$0.15 / $0.6");
    assert_eq!(price(Some(1.0), None), "");
    assert_eq!(price(None, Some(1.0)), "");
}

#[test]
fn every_word_has_to_be_in_the_name_in_any_case() {
    let row = row("swim-large", large(), &[]);
    let has =
        |words: &[&str]| row.has(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());

    assert!(has(&[]));
    assert!(has(&["mine/swim"]));
    assert!(has(&["large", "swim"]));
    assert!(has(&["swim large"]), "the name for people counts too");
    assert!(!has(&["swim", "tiny"]));
}

fn args(words: &[&str], provider: Option<&str>) -> Args {
    Args {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        provider: provider.map(str::to_owned),
        refresh: false,
        offline: true,
        json: true,
    }
}

/// A world with a provider that listed two models ten minutes ago.
fn world() -> World {
    let world = World::new();
    world.keep("config.toml", MINE);
    world.keep("credentials/mine.key", "sk-1\n");
    let listing = json!({
        "schema_version": 1,
        "fetched_at_ms": NOW - 10 * MINUTE,
        "base_url": "http://127.0.0.1:9/v1",
        "models": [
            { "id": "swim-large", "name": "Swim Large", "context": 200_000, "tools": true },
            { "id": "swim-tiny", "name": "swim-tiny" },
        ],
    });
    world.keep("cache/models/mine.json", &listing.to_string());
    let kept = Listing::read(&world.home(), "mine", "http://127.0.0.1:9/v1");
    assert!(kept.unwrap().is_fresh(NOW));
    world
}

fn names(document: &Value) -> Vec<&str> {
    let models = document["models"].as_array().unwrap();
    models.iter().map(|model| model["model"].as_str().unwrap()).collect()
}

#[test]
fn offline_what_was_listed_before_is_shown() {
    let world = world();

    let document = world.document(run(&args(&[], None), &world.context()));

    assert_eq!(names(&document), ["swim-large", "swim-tiny"]);
    assert_eq!(document["models"][0]["listed_at_ms"], NOW - 10 * MINUTE);
    assert_eq!(document["models"][0]["name"], "Swim Large");
    assert_eq!(document["unavailable"], json!([]));
}

#[test]
fn words_narrow_the_list() {
    let world = world();

    let document = world.document(run(&args(&["TINY"], None), &world.context()));

    assert_eq!(names(&document), ["swim-tiny"]);
}

#[test]
fn a_list_that_is_fresh_is_not_asked_for_again() {
    let world = world();
    let online = Args { offline: false, ..args(&[], None) };

    // Nobody listens at that address: asking would be told as unavailable.
    let document = world.document(run(&online, &world.context()));

    assert_eq!(names(&document), ["swim-large", "swim-tiny"]);
    assert_eq!(document["unavailable"], json!([]));
}

#[test]
fn a_provider_by_name_is_shown_alone_and_an_unknown_one_is_told() {
    let world = world();

    let scripted = world.document(run(&args(&[], Some("scripted")), &world.context()));
    let unknown = run(&args(&[], Some("mnie")), &world.context()).err().unwrap();

    assert_eq!(names(&scripted), ["demo", "file"]);
    assert_eq!(scripted["models"][0]["provider"], "scripted");
    assert_eq!(
        (unknown.kind, unknown.message.as_str()),
        (Exit::Usage, "there is no provider `mnie`")
    );
    assert_eq!(unknown.hints, ["did you mean `mine`?"]);
}

#[test]
fn without_a_connection_the_ways_to_one_are_told() {
    let world = World::new();

    let error = run(&args(&[], None), &world.context()).err().unwrap();

    assert_eq!(error.kind, Exit::Credentials);
    assert!(error.hints.iter().any(|hint| hint.starts_with("openkoi connect ")), "{error}");
}
