use openkoi_app::models::{Connection, CredentialState};

use super::*;
use crate::{exit::Exit, testing::World};

fn facts(price: Option<(f64, f64)>, context: Option<u64>) -> Facts {
    Facts {
        context,
        input_price: price.map(|(input, _)| input),
        output_price: price.map(|(_, output)| output),
        ..Facts::default()
    }
}

#[test]
fn a_model_is_described_by_what_matters_for_a_choice() {
    let whole = Facts {
        reasoning: Some(true),
        images: Some(true),
        ..facts(Some((2.5, 10.0)), Some(200_000))
    };

    assert_eq!(described(&whole), "reads 200.0k, $2.5/$10 per million, reasons, sees");
    assert_eq!(described(&facts(Some((0.0, 0.0)), None)), "free");
    assert_eq!(described(&facts(None, Some(8_192))), "reads 8192");
    assert_eq!(described(&Facts::default()), "");
}

#[test]
fn what_a_model_is_known_not_to_do_is_not_said() {
    let facts = Facts { reasoning: Some(false), images: Some(false), ..Facts::default() };

    assert_eq!(described(&facts), "");
}

fn connection(models: &[&str], default_model: Option<&str>) -> Connection {
    Connection {
        price: None,
        name: "mine".to_owned(),
        component: "scripted".to_owned(),
        base_url: String::new(),
        options: Vec::new(),
        sources: Vec::new(),
        stores: Vec::new(),
        found: CredentialState::NotNeeded,
        default_model: default_model.map(str::to_owned),
        small_model: None,
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        login: None,
        headers: Vec::new(),
        inject: None,
        service: None,
    }
}

#[test]
fn the_own_choice_of_a_connection_comes_first() {
    let connections =
        Connections { ready: vec![connection(&["a", "c"], Some("b"))], ..Connections::default() };

    let choices = choices(&connections, &Catalogue::default());

    let names: Vec<&str> = choices.iter().map(|choice| choice.argument.as_str()).collect();
    assert_eq!(names, ["mine/b", "mine/a", "mine/c"]);
}

#[test]
fn models_that_embed_or_call_no_tools_are_not_offered() {
    let world = World::new();
    world.keep(
        "config.toml",
        "[providers.mine]\ncomponent = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n",
    );
    world.keep("credentials/mine.key", "sk-1\n");
    let listing = serde_json::json!({
        "schema_version": 1, "fetched_at_ms": 7, "base_url": "http://127.0.0.1:9/v1",
        "models": [
            { "id": "embeds", "name": "embeds", "embeds": true },
            { "id": "mute", "name": "mute", "tools": false },
            { "id": "able", "name": "able", "tools": true, "context": 32_000 },
            { "id": "unknown", "name": "unknown" },
        ],
    });
    world.keep("cache/models/mine.json", &listing.to_string());
    let context = world.context();
    let connections = context.connections(&context.settings().unwrap()).unwrap();

    let choices = choices(&connections, &context.catalogue(&connections).unwrap());

    let choice = |argument: &str, description: &str| Choice {
        argument: argument.to_owned(),
        description: description.to_owned(),
    };
    assert_eq!(choices, [choice("mine/able", "reads 32.0k"), choice("mine/unknown", "")]);
}

#[test]
fn where_nobody_can_pick_the_models_are_named_as_flags() {
    let world = World::new();
    world.keep(
        "config.toml",
        "[providers.mine]\ncomponent = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
         models = [\"swim\"]\n",
    );
    world.keep("credentials/mine.key", "sk-1\n");
    let context = world.context();

    let error = pick(&context, &context.settings().unwrap()).unwrap_err();

    assert_eq!((error.kind, error.hints), (Exit::Usage, vec!["-m mine/swim".to_owned()]));
}
