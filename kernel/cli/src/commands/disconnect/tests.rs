use serde_json::{Value, json};
use std::fs;

use super::*;
use crate::testing::{InJson, World, text};

const MINE: &str = "[providers.mine]\ncomponent = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
                    api_key_env = \"POND_KEY\"\n";

fn world() -> World {
    let world = World::new();
    world.keep("config.toml", MINE);
    world
}

fn args(name: Option<&str>) -> Args {
    Args { name: name.map(str::to_owned), json: false }
}

fn disconnect(world: &World, name: &str) -> Result<Reply, CommandError> {
    run(&args(Some(name)), &world.context())
}

/// Keeps a login that no service has to be told about.
fn log_in(world: &World, names: &[&str]) {
    let login = |name: &&str| {
        let token = json!({ "type": "oauth", "access_token": "t0k3n", "expires_at": 0 });
        ((*name).to_owned(), token)
    };
    let providers: serde_json::Map<_, _> = names.iter().map(login).collect();
    world.keep("auth.json", &json!({ "providers": providers }).to_string());
}

fn logins(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.home().join("auth.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    document["providers"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_saved_key_is_removed_and_the_settings_stay() {
    let world = world();
    world.keep("credentials/mine.key", "sk-1\n");

    let printed = world.printed(disconnect(&world, "mine"));

    assert_eq!(printed, ("disconnected `mine`\n".to_owned(), Exit::Accepted));
    assert!(!world.home().join("credentials/mine.key").exists());
    assert_eq!(fs::read_to_string(world.home().join("config.toml")).unwrap(), MINE);
}

#[test]
fn what_was_disconnected_is_named_for_programs() {
    let world = world();
    world.keep("credentials/mine.key", "sk-1\n");
    let args = Args { name: Some("mine".to_owned()), json: true };

    let document = world.document(run(&args, &world.context()));

    assert_eq!(document, json!({ "disconnected": ["mine"], "schema_version": 1 }));
}

#[test]
fn a_login_is_forgotten_and_the_others_stay() {
    let world = world();
    log_in(&world, &["gone", "other"]);

    let printed = world.printed(disconnect(&world, "gone"));

    assert_eq!(printed.0, "disconnected `gone`\n");
    assert_eq!(logins(&world), ["other"]);
}

#[test]
fn all_forgets_every_login_and_no_key() {
    let world = world();
    log_in(&world, &["one", "two"]);
    world.keep("credentials/mine.key", "sk-1\n");

    let printed = world.printed(disconnect(&world, "all"));

    assert_eq!(printed.0, "disconnected `one`\ndisconnected `two`\n");
    assert_eq!(logins(&world), Vec::<String>::new());
    assert!(world.home().join("credentials/mine.key").exists());
}

#[test]
fn all_without_a_login_says_so() {
    let world = world();

    let printed = world.printed(disconnect(&world, "all"));

    assert_eq!(printed, ("there was no login\n".to_owned(), Exit::Accepted));
    assert_eq!(Disconnected(Vec::new()).json(), json!({ "disconnected": [] }));
}

#[test]
fn a_store_of_another_program_is_not_read_any_more_and_stays_as_it_is() {
    let world = world();
    let consents = json!({
        "schema_version": 1,
        "sources": { "pond-cli": { "place": "~/.pond", "granted_at_ms": 7 } },
    });
    world.keep("consents.json", &consents.to_string());

    let printed = world.printed(disconnect(&world, "pond-cli"));

    assert_eq!(printed.0, "disconnected `pond-cli`\n");
    let kept = fs::read_to_string(world.home().join("consents.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept, json!({ "schema_version": 1, "sources": {} }));
}

#[test]
fn a_misspelt_name_disconnects_nothing_and_is_asked_about() {
    let world = world();
    world.keep("credentials/mine.key", "sk-1\n");

    let error = disconnect(&world, "mnie").err().unwrap();

    let expected = CommandError::usage("there is no login and no saved key for `mnie`");
    assert_eq!(error, expected.hint("did you mean `mine`?").hint("openkoi connect status"));
    assert!(world.home().join("credentials/mine.key").exists());
}

#[test]
fn a_variable_is_nothing_that_could_be_disconnected() {
    let world = world();
    let context = world.context_with([("POND_KEY", "sk-2")]);

    let error = run(&args(Some("mine")), &context).err().unwrap();

    let expected = CommandError::usage("there is no login and no saved key for `mine`");
    assert_eq!(error, expected.hint("openkoi connect status"));
}

#[test]
fn without_a_name_and_without_anything_kept_there_is_nothing_to_pick() {
    let world = world();

    let error = run(&args(None), &world.context()).err().unwrap();

    let expected = CommandError::usage("nothing is connected that could be disconnected");
    assert_eq!(error, expected.hint("openkoi connect status"));
}

#[test]
fn where_nobody_can_pick_everything_that_is_kept_is_named() {
    let world = world();
    world.keep("credentials/mine.key", "sk-1\n");
    log_in(&world, &["gone"]);
    let consents = json!({
        "schema_version": 1,
        "sources": { "pond-cli": { "place": "~/.pond", "granted_at_ms": 7 } },
    });
    world.keep("consents.json", &consents.to_string());

    let error = run(&args(None), &world.context()).err().unwrap();

    assert_eq!(
        error.hints,
        [
            "openkoi disconnect gone   (login)",
            "openkoi disconnect mine   (saved key)",
            "openkoi disconnect pond-cli   (store of another program)",
        ]
    );
}

#[test]
fn a_name_cannot_drive_the_terminal() {
    assert_eq!(text(&Disconnected(vec!["a\x1b[2J".to_owned()])), "disconnected `a\\x1b[2J`\n");
}
