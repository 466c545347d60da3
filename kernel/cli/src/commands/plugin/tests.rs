use std::{fs, sync::Arc};

use openkoi_host::manifest::Manifest;
use serde_json::{Value, json};

use super::*;
use crate::testing::{InJson, World, narrow, text};

const TOOL: &str = r#"
[component]
name = "pond"
version = "1.2.3"
kind = "tool"
publisher = "koi"
description = "Looks \u001b[2Jafter a pond."

[[tool]]
name = "feed"
description = """
Feeds the fish. """
effect = "send"
idempotent = true
domain = "pond"
target = "/fish"
parameters = '{"type":"object"}'
[[tool.capability]]
interface = "http"
allow = ["GET https://pond.example/*"]
why = "Asks what they like."
[[tool.capability]]
interface = "process"
commands = ["feeder"]
network = true
why = "Opens the feeder."
[[tool.capability]]
interface = "model"
roles = ["small"]
max-tokens = 500
why = "Names the fish."
[[tool.capability]]
interface = "files"
access = "write"
why = "Keeps a diary."

[[tool]]
name = "look"
description = "Looks."
effect = "read"
domain = "pond"
parameters = '{"type":"object"}'

[limits]
memory-mib = 64
cpu-ms = 500
"#;

const PROVIDER: &str = r#"
[component]
name = "brook"
version = "0.1.0"
kind = "provider"
publisher = "koi"
description = "Models of the brook."

[[credential]]
name = "key"
environment = ["BROOK_KEY", "BROOK_TOKEN"]
inject = "bearer"
required = true

[[credential]]
name = "extra"
environment = ["BROOK_EXTRA"]
inject = "bearer"

[provider]
base-url = "https://brook.example/v1"
"#;

fn inspected(manifest: &str, origin: Origin) -> Inspected {
    Inspected {
        manifest: Arc::new(Manifest::parse(manifest).unwrap()),
        digest: "abc123".to_owned(),
        origin,
    }
}

#[test]
fn a_tool_is_shown_with_what_it_asks_for_and_why() {
    assert_eq!(
        text(&inspected(TOOL, Origin::File)),
        "component    pond\n\
         kind         tool\n\
         version      1.2.3\n\
         publisher    koi\n\
         origin       a file, not installed\n\
         digest       abc123\n\
         imports      files, http, model, process, log, progress\n\
         \n\
         Looks \\x1b[2Jafter a pond.\n\
         \n\
         Tool feed\n\
         effect       send, may be repeated\n\
         domain       pond\n\
         Feeds the fish.\n\
         - http: GET https://pond.example/*\n  \
           Asks what they like.\n\
         - process: feeder, with network\n  \
           Opens the feeder.\n\
         - model: small, at most 500 tokens\n  \
           Names the fish.\n\
         - files: write\n  \
           Keeps a diary.\n\
         \n\
         Tool look\n\
         effect       read\n\
         domain       pond\n\
         Looks.\n\
         \n\
         Limits of a call\n\
         memory-mib = 64, cpu-ms = 500\n"
    );
}

#[test]
fn a_provider_is_shown_with_the_credentials_that_it_never_sees() {
    assert_eq!(
        text(&inspected(PROVIDER, Origin::BuiltIn)),
        "component    brook\n\
         kind         provider\n\
         version      0.1.0\n\
         publisher    koi\n\
         origin       came with OpenKoi\n\
         digest       abc123\n\
         imports      log\n\
         \n\
         Models of the brook.\n\
         \n\
         Credentials, which it never sees\n\
         key (required): BROOK_KEY, BROOK_TOKEN\n\
         extra (optional): BROOK_EXTRA\n"
    );
}

#[test]
fn a_component_for_programs_has_its_tools_with_their_schemas() {
    let capability = |interface: &str, scope: Value, why: &str| json!({ "interface": interface, "scope": scope, "why": why });
    let feed = json!({
        "name": "feed",
        "description": "Feeds the fish. ",
        "effect": "send",
        "idempotent": true,
        "domain": "pond",
        "target": "/fish",
        "parameters": { "type": "object" },
        "capabilities": [
            capability("http", json!(["GET https://pond.example/*"]), "Asks what they like."),
            capability("process", json!(["feeder", "with network"]), "Opens the feeder."),
            capability("model", json!(["small", "at most 500 tokens"]), "Names the fish."),
            capability("files", json!(["write"]), "Keeps a diary."),
        ],
    });
    let look = json!({
        "name": "look",
        "description": "Looks.",
        "effect": "read",
        "idempotent": false,
        "domain": "pond",
        "target": null,
        "parameters": { "type": "object" },
        "capabilities": [],
    });

    assert_eq!(
        inspected(TOOL, Origin::File).json(),
        json!({
            "name": "pond",
            "kind": "tool",
            "version": "1.2.3",
            "publisher": "koi",
            "description": "Looks \x1b[2Jafter a pond.",
            "built_in": false,
            "installed": false,
            "digest": "abc123",
            "imports": ["files", "http", "model", "process", "log", "progress"],
            "capabilities": [],
            "credentials": [],
            "tools": [feed, look],
            "limits": { "memory-mib": 64, "cpu-ms": 500 },
        })
    );
}

#[test]
fn credentials_for_programs_are_names_and_no_values() {
    let json = inspected(PROVIDER, Origin::BuiltIn).json();

    assert_eq!(
        json["credentials"],
        json!([
            {
                "name": "key",
                "environment": ["BROOK_KEY", "BROOK_TOKEN"],
                "external": [],
                "required": true,
                "urls": [],
            },
            {
                "name": "extra",
                "environment": ["BROOK_EXTRA"],
                "external": [],
                "required": false,
                "urls": [],
            },
        ])
    );
    assert_eq!((&json["tools"], &json["limits"]), (&json!([]), &json!({})));
}

fn component(name: &str, description: &str) -> Component {
    Component {
        name: name.to_owned(),
        kind: "tool",
        version: "1.2.3".to_owned(),
        digest: "abc123".to_owned(),
        size: 311_000,
        built_in: true,
        tools: vec!["feed".to_owned(), "look".to_owned()],
        description: description.to_owned(),
    }
}

#[test]
fn each_component_is_a_row_that_gives_way_where_the_terminal_is_narrow() {
    let list = ComponentTable(vec![component("pond", "Looks after\n a pond.\x07")]);

    assert_eq!(
        text(&list),
        "NAME  KIND  VERSION       SIZE  WHAT IT DOES\n\
         pond  tool  1.2.3    303.7 KiB  Looks after  a pond.\\x07\n"
    );
    assert_eq!(
        narrow(&list),
        "NAME  KIND  VERSION       SIZE  WHAT IT…\n\
         pond  tool  1.2.3    303.7 KiB  Looks a…\n"
    );
}

#[test]
fn a_component_that_was_installed_says_so_beside_its_version() {
    let installed = Component { built_in: false, ..component("pond", "Looks.") };

    assert_eq!(
        text(&ComponentTable(vec![installed])),
        "NAME  KIND  VERSION               SIZE  WHAT IT DOES\n\
         pond  tool  1.2.3 installed  303.7 KiB  Looks.\n"
    );
}

#[test]
fn a_list_of_components_for_programs_has_exact_sizes() {
    assert_eq!(
        ComponentTable(vec![component("pond", "Looks.")]).json(),
        json!({ "components": [{
            "name": "pond",
            "kind": "tool",
            "version": "1.2.3",
            "digest": "abc123",
            "bytes": 311_000,
            "built_in": true,
            "tools": ["feed", "look"],
            "description": "Looks.",
        }] })
    );
    assert_eq!(ComponentTable(Vec::new()).json(), json!({ "components": [] }));
}

fn inspect_by_name(world: &World, name: Option<&str>) -> Result<Reply, CommandError> {
    inspect(name.map(str::to_owned), true, &world.context())
}

#[test]
fn every_component_that_came_along_can_be_listed_and_inspected() {
    let world = World::new();

    let list = world.document(list(true, &world.context()));

    let listed = list["components"].as_array().unwrap();
    assert_eq!(listed.len(), openkoi_components::all().len());
    for component in listed {
        let shown = world.document(inspect_by_name(&world, component["name"].as_str()));
        for key in ["name", "kind", "version", "digest", "built_in", "description"] {
            assert_eq!(shown[key], component[key], "{key}");
        }
    }
}

#[test]
fn an_unknown_component_is_asked_about() {
    let world = World::new();

    let slip = inspect_by_name(&world, Some("serach")).err().unwrap();

    let expected = CommandError::usage("there is no component `serach`");
    assert_eq!(slip, expected.hint("did you mean `search`?").hint("openkoi plugin list"));
}

#[test]
fn a_file_that_is_not_a_component_is_refused() {
    let world = World::new();
    fs::write(world.workspace().join("pond.wasm"), "not wasm").unwrap();

    let error = inspect_by_name(&world, Some("pond.wasm")).err().unwrap();

    assert_eq!(error.kind, Exit::Denied);
}

#[test]
fn where_nobody_can_pick_the_components_are_named() {
    let world = World::new();

    let error = inspect_by_name(&world, None).err().unwrap();

    assert_eq!(error.message, "which component? there is no terminal to pick on");
    assert!(error.hints.contains(&"openkoi plugin inspect search   (tool)".to_owned()), "{error}");
}
