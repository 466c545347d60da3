use std::{fs, path::Path};

use openkoi_app::models::{CredentialState, discover};
use serde_json::{Value, json};

use super::*;
use crate::testing::{InJson, World, narrow, text};

/// The settings of a provider of one's own, which takes a key.
const MINE: &str = "[providers.mine]\ncomponent = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
                    models = [\"swim\"]\n";

fn args() -> Args {
    Args { name: None, url: None, as_name: None, json: false }
}

fn connect(world: &World, name: &str) -> Result<Reply, CommandError> {
    run(&Args { name: Some(name.to_owned()), ..args() }, &world.context())
}

fn row<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find(|line| line.split_whitespace().next() == Some(name))
}

fn entry(document: &Value, name: &str) -> Value {
    let all = document["connections"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).cloned().unwrap_or(Value::Null)
}

#[test]
fn a_key_is_told_by_where_it_comes_from() {
    let world = World::new();
    world.keep("config.toml", MINE);
    world.keep("credentials/mine.key", "sk-1\n");

    let (told, _) = world.printed(connect(&world, "status"));

    // Nothing listens there.
    let expected = "mine      file  credentials/mine.key  nothing answers at http://127.0.0.1:9/v1";
    assert_eq!(row(&told, "mine"), Some(expected));
    assert!(!told.contains("sk-1"));
}

#[test]
fn connections_for_programs_have_their_source_and_no_secret() {
    let world = World::new();
    world.keep("config.toml", MINE);
    world.keep("credentials/mine.key", "sk-1\n");
    let args = Args { name: Some("status".to_owned()), json: true, ..args() };

    let document = world.document(run(&args, &world.context()));

    assert_eq!(
        entry(&document, "mine"),
        json!({
            "name": "mine",
            "source": "file",
            "place": "credentials/mine.key",
            "expires_at": null,
            "renewed": null,
            "issuer": null,
            "answers": false, "kind": "provider",
        })
    );
    assert!(!document.to_string().contains("sk-1"));
}

#[test]
fn a_variable_comes_before_a_saved_key() {
    let world = World::new();
    world.keep("config.toml", &format!("{MINE}api_key_env = \"POND_KEY\"\n"));
    world.keep("credentials/mine.key", "sk-1\n");
    let context = world.context_with([("POND_KEY", "sk-2")]);
    let args = Args { name: Some("status".to_owned()), ..args() };

    let (told, _) = world.printed(run(&args, &context));

    assert!(row(&told, "mine").unwrap().starts_with("mine      variable  POND_KEY"), "{told}");
}

#[test]
fn a_login_that_nothing_uses_is_shown_so_that_it_can_be_disconnected() {
    let world = World::new();
    let login = json!({
        "type": "oauth", "access_token": "t0k3n", "refresh_token": "r3n3w", "expires_at": 0,
    });
    world.keep("auth.json", &json!({ "providers": { "gone": login } }).to_string());

    let (told, _) = world.printed(connect(&world, "status"));
    let args = Args { name: Some("status".to_owned()), json: true, ..args() };
    let document = world.document(run(&args, &world.context()));

    let line = row(&told, "gone").unwrap();
    assert!(line.contains("login") && line.contains("auth.json, not in use"), "{line}");
    assert!(!told.contains("t0k3n") && !told.contains("r3n3w"), "{told}");
    let told = entry(&document, "gone");
    assert_eq!(
        (&told["source"], &told["place"]),
        (&json!("login"), &json!("auth.json, not in use"))
    );
    assert_eq!(told["expires_at"], Value::Null);
}

#[test]
fn an_unknown_provider_is_asked_about_or_pointed_to_the_list() {
    let world = World::new();
    world.keep("config.toml", MINE);

    let slip = connect(&world, "scritped").err().unwrap();
    let other = connect(&world, "zebra-crossing").err().unwrap();

    assert_eq!((slip.kind, other.kind), (Exit::Usage, Exit::Usage));
    assert_eq!(slip.message, "there is no provider `scritped`");
    assert_eq!(slip.hints, ["did you mean `scripted`?"]);
    assert_eq!(other.hints.len(), 1);
    assert!(other.hints[0].contains("mine"), "{other}");
}

#[test]
fn a_provider_that_needs_no_key_has_nothing_to_connect() {
    let world = World::new();

    let error = connect(&world, "scripted").err().unwrap();

    assert_eq!(error, CommandError::usage("`scripted` needs no key and no login"));
}

#[test]
fn where_nobody_can_pick_the_providers_that_can_be_connected_are_named() {
    let world = World::new();
    world.keep("config.toml", MINE);

    let error = run(&args(), &world.context()).err().unwrap();

    assert_eq!(error.message, "which provider? there is no terminal to pick on");
    assert!(error.hints.contains(&"openkoi connect mine   (keep a key)".to_owned()), "{error}");
    assert!(error.hints.iter().all(|hint| !hint.contains("scripted")), "{error}");
}

#[test]
fn what_can_be_connected_has_stores_of_other_programs_first() {
    let world = World::new();
    let context = world.context();
    let mut connections = discover(&context.app, &context.settings().unwrap()).unwrap();
    connections.closed = vec![("pond-cli".to_owned(), "~/.pond".to_owned())];

    let choices = choices(&connections, &[], &context.settings().unwrap());

    assert_eq!(
        choices[0],
        Choice {
            argument: "pond-cli".to_owned(),
            description: "let it read what another program keeps in ~/.pond".to_owned(),
        }
    );
    let ways = ["log in", "keep a key", "a server of your own"];
    assert!(choices[1..].iter().all(|one| ways.contains(&&*one.description)));
    for own in ["ollama", "openai-compatible"] {
        let choice = choices.iter().find(|one| one.argument == own).unwrap();
        assert_eq!(choice.description, "a server of your own", "{own}");
    }
}

/// An account of a tool, whose key may be in a file.
fn account(name: &str) -> AccountConnection {
    let key = format!("tool.{name}");
    AccountConnection {
        name: name.to_owned(),
        kind: openkoi_host::manifest::Kind::Tool,
        account: name.to_owned(),
        component: "notes".to_owned(),
        credential: "api-key".to_owned(),
        sources: vec![SecretSource::Saved(key.clone())],
        key,
        login: None,
    }
}

#[test]
fn an_account_is_told_beside_the_providers_with_what_it_is() {
    let world = World::new();
    world.keep("config.toml", MINE);
    world.keep("credentials/tool.work.key", "sk-2\n");
    let context = world.context();
    let settings = context.settings().unwrap();
    let connections = discover(&context.app, &settings).unwrap();
    let (secrets, logins) =
        (context.secrets(&settings).unwrap(), access::logins(&context.app, &settings).unwrap());
    let accounts = [account("home"), account("work")];

    let list = status::ConnectionList::of(&connections, &accounts, &secrets, &logins, &[]).unwrap();

    let (told, json) = (text(&list), list.json());
    assert_eq!(row(&told, "work"), Some("work      file  credentials/tool.work.key"));
    assert_eq!(row(&told, "home"), None, "it has no key");
    assert_eq!(entry(&json, "work")["kind"], "tool");
    assert!(!told.contains("sk-2"));
}

#[test]
fn a_provider_goes_before_an_account_of_its_name() {
    let world = World::new();
    world.keep("config.toml", MINE);
    let context = world.context();
    let connections = discover(&context.app, &context.settings().unwrap()).unwrap();
    let accounts = [account("mine"), account("work")];
    let found = |name: &str| {
        account_of(name, &connections, &accounts).map(|account| account.account.clone())
    };

    assert_eq!(found("work").as_deref(), Some("work"));
    assert_eq!(found("mine"), None);
    assert_eq!(found("tool.mine").as_deref(), Some("mine"));
    assert_eq!(found("other"), None);
    let choices = choices(&connections, &accounts, &context.settings().unwrap());
    let work = choices.iter().find(|one| one.argument == "work").unwrap();
    assert_eq!(work.description, "an account that `notes` uses");
}

#[test]
fn a_connected_provider_is_told_with_a_line_to_try_it() {
    let connected = |kept, model: Option<&str>, note: &str| Connected {
        name: "mine".to_owned(),
        model: model.map(str::to_owned),
        verified: kept == Some(openkoi_app::access::KeySlot::Keyring),
        is_silent: false,
        kept,
        note: note.to_owned(),
    };
    use openkoi_app::access::KeySlot::{File, Keyring};

    let file = connected(Some(File), Some("swim"), ": it lists 3 models\x1b");
    let bare = connected(None, None, "");
    let ring = connected(Some(Keyring), None, "");

    assert_eq!(
        text(&file),
        "connected `mine`: it lists 3 models\\x1b\ntry it: openkoi -m mine/swim \"say hello\"\n"
    );
    assert_eq!(
        (text(&bare), narrow(&bare)),
        ("connected `mine`\n".into(), "connected `mine`\n".into())
    );
    let json = [&file, &bare, &ring].map(InJson::json);
    assert_eq!(
        json,
        [
            json!({ "connected": "mine", "verified": false, "kept": "file", "model": "swim" }),
            json!({ "connected": "mine", "verified": false, "kept": null, "model": null }),
            json!({ "connected": "mine", "verified": true, "kept": "keyring", "model": null }),
        ]
    );
}

#[test]
fn a_server_of_ones_own_is_placed_by_a_flag_where_nobody_can_be_asked() {
    let world = World::new();

    let unplaced = connect(&world, "openai-compatible").err().unwrap();
    let url = Some("http://127.0.0.1:9".to_owned());
    let other = Args { name: Some("anthropic".to_owned()), url: url.clone(), ..args() };
    let other = run(&other, &world.context()).err().unwrap();
    world.keep("config.toml", MINE);
    let placed = run(&Args { name: Some("mine".to_owned()), url, ..args() }, &world.context());
    let placed = placed.err().unwrap();

    assert_eq!(unplaced.message, "which server? there is no terminal to ask on");
    assert_eq!(
        unplaced.hints[0],
        "openkoi connect openai-compatible --url http://127.0.0.1:8080/v1 < /dev/null"
    );
    assert!(other.message.contains("`--url` is for a server of your own"), "{other}");
    assert!(
        placed.hints[0].starts_with("change `base_url` under [providers.mine] in "),
        "{placed}"
    );
    assert!([unplaced, other, placed].iter().all(|error| error.kind == Exit::Usage));
}

#[test]
fn looking_at_connections_keeps_no_file() {
    let world = World::new();

    world.printed(connect(&world, "status"));

    let kept: Vec<_> =
        fs::read_dir(world.home()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(kept, ["config.toml"]);
}

#[test]
fn a_provider_whose_variable_is_not_set_is_missing() {
    let world = World::new();
    world.keep("config.toml", &format!("{MINE}api_key_env = \"POND_KEY\"\n"));
    let context = world.context();

    let connections = context.connections(&context.settings().unwrap()).unwrap();

    let mine = all(&connections).find(|one| one.name == "mine").unwrap();
    assert_eq!(mine.found, CredentialState::Missing);
    assert!(takes_key(mine));
    assert!(!Path::new(&world.home().join("credentials")).exists());
}
