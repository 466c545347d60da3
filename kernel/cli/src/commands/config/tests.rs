use serde_json::json;
use std::fs;

use super::*;
use crate::{
    exit::Exit,
    testing::{InJson, World, narrow, text},
};

fn shown(world: &World, prefix: &str) -> Result<Reply, CommandError> {
    run(&Args { prefix: Some(prefix.to_owned()), json: false }, &world.context())
}

fn line(key: &str, value: impl Into<toml::Value>, origin: &str, used: bool) -> SettingRow {
    SettingRow { key: key.to_owned(), value: value.into(), origin: origin.to_owned(), used }
}

#[test]
fn each_setting_stands_with_its_origin() {
    let world = World::new();
    world.keep("config.toml", "[limits]\niterations = 7\ncost_usd = 0.5\n");

    let printed = world.printed(shown(&world, "limits"));

    let text = "limits.cost_usd = 0.5       # /world/home/config.toml:3\n\
                limits.iterations = 7       # /world/home/config.toml:2\n\
                limits.quality = 0.8        # default\n\
                limits.tool_rounds = 200    # default\n\
                limits.turn_tokens = 32000  # default\n";
    assert_eq!(printed, (text.to_owned(), Exit::Accepted));
}

#[test]
fn a_variable_and_a_project_are_told_as_origins() {
    let world = World::new();
    fs::create_dir(world.workspace().join(".openkoi")).unwrap();
    let project = world.workspace().join(".openkoi/config.toml");
    fs::write(project, "[limits]\niterations = 2\n").unwrap();
    let context = world.context_with([("OPENKOI_MODEL", "scripted/demo")]);
    let args = |prefix: &str| Args { prefix: Some(prefix.to_owned()), json: false };

    let model = world.printed(run(&args("model"), &context)).0;
    let iterations = world.printed(run(&args("limits.iterations"), &context)).0;

    assert_eq!(model, "model = \"scripted/demo\"  # OPENKOI_MODEL\n");
    assert_eq!(
        iterations,
        "limits.iterations = 2  # /world/work/.openkoi/config.toml:2 (project)\n"
    );
}

#[test]
fn secrets_are_hidden_from_people_and_from_programs() {
    let world = World::new();
    world.keep(
        "config.toml",
        "[api]\ntoken = \"s3cr3t\"\n\
         [providers.scripted]\nscript = \"a\"\napi_key_env = \"POND_KEY\"\nMy_Password = \"s3cr3t\"\n",
    );

    let text = world.printed(shown(&world, "")).0;
    let args = Args { prefix: None, json: true };
    let document = world.document(run(&args, &world.context())).to_string();

    for told in [&text, &document] {
        assert!(!told.contains("s3cr3t"), "{told}");
        assert!(told.contains("POND_KEY"), "the name of a variable is no secret: {told}");
    }
    assert!(text.contains("api.token = \"[hidden]\""), "{text}");
    assert!(text.contains("providers.scripted.My_Password = \"[hidden]\""), "{text}");
}

#[test]
fn a_number_that_is_called_a_token_is_not_a_secret() {
    let world = World::new();

    let text = world.printed(shown(&world, "limits.turn_tokens")).0;

    assert_eq!(text, "limits.turn_tokens = 32000  # default\n");
}

#[test]
fn a_setting_that_nothing_reads_yet_says_so() {
    let world = World::new();
    world.keep("config.toml", "[redaction.categories]\nemails = true\n");

    let text = world.printed(shown(&world, "redaction")).0;

    let expected =
        "redaction.categories.emails = true  # /world/home/config.toml:2; not used yet\n";
    assert_eq!(text, expected);
}

#[test]
fn settings_for_programs_keep_their_types() {
    let settings = SettingList(vec![
        line("limits.quality", 0.8, "default", true),
        line("sandbox.read", vec!["/a".to_owned()], "config.toml:2", true),
        line("api.port", 1234, "config.toml:3", false),
    ]);

    assert_eq!(
        settings.json(),
        json!({ "settings": [
            { "key": "limits.quality", "value": 0.8, "origin": "default", "used": true },
            { "key": "sandbox.read", "value": ["/a"], "origin": "config.toml:2", "used": true },
            { "key": "api.port", "value": 1234, "origin": "config.toml:3", "used": false },
        ] })
    );
}

#[test]
fn one_long_value_does_not_push_all_origins_to_the_right() {
    let settings = SettingList(vec![
        line("a", "x", "default", true),
        line("b", "y".repeat(60), "default", true),
        line("c", "one\ntwo\x1b", "default", true),
    ]);

    let expected = format!(
        "a = \"x\"            # default\nb = \"{}\"  # default\nc = {}  # default\n",
        "y".repeat(60),
        "\"one\\ntwo\\u001B\"",
    );
    let printed = text(&settings);
    assert_eq!(printed.lines().nth(1), expected.lines().nth(1));
    assert!(!printed.contains('\x1b'), "{printed}");
    assert_eq!(
        printed.lines().next().unwrap().find('#'),
        printed.lines().nth(2).unwrap().find('#')
    );
    assert_eq!(narrow(&settings), printed);
}

#[test]
fn a_file_that_is_not_toml_is_named_with_its_line() {
    let world = World::new();
    world.keep("config.toml", "model = \"a/b\"\nlimits = [\n");

    let error = shown(&world, "").err().unwrap();

    assert_eq!(error.kind, Exit::Configuration);
    assert!(world.placed(&error.message).starts_with("/world/home/config.toml:"), "{error}");
}

#[test]
fn a_prefix_that_nothing_begins_with_is_a_mistake_and_asks_what_was_meant() {
    let world = World::new();
    let refused = |prefix: &str| shown(&world, prefix).err().unwrap();

    let error = refused("limts");
    assert_eq!((error.kind, error.hints), (Exit::Usage, vec!["did you mean `limits`?".to_owned()]));
    assert_eq!(refused("zebra").hints, ["openkoi config"]);
    assert!(refused("roles.planner").message.contains("is not set"));
}
