use std::fs;

use std::path::Path;

use openkoi_app::settings::Setting;
use openkoi_core::port::ResultSchema as _;
use serde_json::json;

use super::*;
use crate::{
    flags::{RunFormat, ShowFlags},
    testing::World,
};

fn words(text: &str) -> TaskFlags {
    TaskFlags { words: vec![text.to_owned()], ..TaskFlags::default() }
}

fn setting(settings: &Settings, key: &str) -> (String, String) {
    let named = |setting: &&Setting| setting.path.join(".") == key;
    let found = settings.all().find(named).unwrap();
    (found.value.to_string(), found.origin.to_string())
}

#[test]
fn piped_input_is_appended_as_a_block_and_an_empty_pipe_adds_nothing() {
    assert_eq!(with_input("why?".into(), "it broke\n\n"), "why?\n\n<stdin>\nit broke\n</stdin>");
    assert_eq!(with_input("why?".into(), " \n"), "why?");
}

#[test]
fn a_document_that_is_no_schema_is_told_before_anything_is_paid() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("schema.json");
    for odd in ["[1]", "{\"type\": \"nonsense\"}", "{\"$ref\": \"https://example.com/a\"}"] {
        fs::write(&path, odd).unwrap();

        assert_eq!(read_schema(&path).unwrap_err().kind, Exit::Usage, "{odd}");
    }
    fs::write(&path, "true").unwrap();
    assert!(read_schema(&path).is_ok());
}

#[test]
fn an_unreadable_schema_says_what_is_the_matter() {
    let world = World::new();
    let unfit = |name: &str, text: Option<&str>| {
        let path = world.workspace().join(name);
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        world.placed(&read_schema(&path).unwrap_err().message)
    };

    assert_eq!(
        unfit("gone.json", None),
        "cannot use the schema `/world/work/gone.json`: No such file or directory (os error 2)"
    );
    assert_eq!(
        unfit("odd.json", Some("{")),
        "cannot use the schema `/world/work/odd.json`: EOF while parsing an object at line 1 column 1"
    );
    assert_eq!(
        unfit("large.json", Some(&" ".repeat(1 + LARGEST_SCHEMA as usize))),
        "cannot use the schema `/world/work/large.json`: it is not a file of at most 1 MiB"
    );
    let directory = read_schema(&world.workspace()).unwrap_err();
    assert!(directory.message.ends_with("it is not a file of at most 1 MiB"), "{directory}");
}

#[test]
fn a_schema_that_is_an_object_is_read_whole() {
    let world = World::new();
    let path = world.workspace().join("schema.json");
    fs::write(&path, "{\"type\": \"object\"}").unwrap();

    assert_eq!(read_schema(&path).unwrap().schema(), &json!({ "type": "object" }));
}

#[test]
fn the_session_is_the_one_that_the_flags_mean() {
    let named = |id: &str, fork| SessionChoice::Named { id: id.to_owned(), fork };

    assert_eq!(chosen(false, None, false), SessionChoice::New);
    assert_eq!(chosen(true, None, true), SessionChoice::Last { fork: true });
    assert_eq!(chosen(false, Some("abc"), false), named("abc", false));
    assert_eq!(chosen(false, Some(""), true), named("", true));
}

#[test]
fn flags_lie_over_the_files_and_are_told_as_the_origin() {
    let world = World::new();
    world.keep("config.toml", "[limits]\niterations = 7\nseconds = 10\n");
    let flags = LimitFlags {
        iterations: Some(2),
        quality: Some(0.9),
        model: Some("scripted/demo".to_owned()),
        max_cost: Some(0.5),
        max_tokens: Some(1_000),
        max_time: None,
        effort: Some("high".to_owned()),
    };

    let settings = settings(&flags, &world.context()).unwrap();

    let told = |key: &str| {
        let (value, origin) = setting(&settings, key);
        (value, world.placed(&origin))
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(told("limits.iterations"), pair("2", "--iterations"));
    assert_eq!(told("limits.quality"), pair("0.9", "--quality"));
    assert_eq!(told("model"), pair("\"scripted/demo\"", "--model"));
    assert_eq!(told("limits.cost_usd"), pair("0.5", "--max-cost"));
    assert_eq!(told("limits.tokens"), pair("1000", "--max-tokens"));
    assert_eq!(told("effort.executor"), pair("\"high\"", "--effort"));
    assert_eq!(told("limits.seconds"), pair("10", "/world/home/config.toml:3"));
}

#[test]
fn more_tokens_than_a_file_can_say_are_the_most_that_it_can() {
    let world = World::new();
    let flags = LimitFlags { max_tokens: Some(u64::MAX), ..LimitFlags::default() };

    let settings = settings(&flags, &world.context()).unwrap();

    assert_eq!(setting(&settings, "limits.tokens").0, i64::MAX.to_string());
}

#[test]
fn whoever_asks_for_redaction_is_not_served_without_it() {
    let world = World::new();
    let flag = LineRequest::of(TaskFlags { redact: true, ..words("fix it") }, &world.context());
    world.keep("config.toml", "[redaction]\nenabled = true\n");
    let configured = ChatRequest::of(&ChatFlags::default(), &world.context());

    let told = "asks for redaction, which is not built yet; nothing was run";
    let expected = |asked: &str, kind| {
        CommandError::new(kind, format!("{asked} {told}")).hint("without it, nothing is redacted")
    };
    assert_eq!(flag.unwrap_err(), expected("`--redact`", Exit::Usage));
    let place = "`redaction.enabled` in the configuration";
    assert_eq!(configured.unwrap_err(), expected(place, Exit::Configuration));
}

#[test]
fn an_empty_task_shows_how_to_give_one() {
    let world = World::new();

    for flags in [words(""), words(" \n"), TaskFlags::default()] {
        let error = LineRequest::of(flags, &world.context()).unwrap_err();

        assert_eq!(
            error,
            CommandError::usage("the task is empty")
                .hint("openkoi \"fix the failing test\"")
                .hint("openkoi - < FILE")
                .hint("openkoi --help")
        );
    }
}

#[test]
fn a_session_without_a_task_is_a_chat() {
    let world = World::new();
    let flags = TaskFlags { resume: Some("abc".to_owned()), ..TaskFlags::default() };

    let LineRequest::Chat(chat) = LineRequest::of(flags, &world.context()).unwrap() else {
        panic!("not a chat")
    };

    let named = SessionChoice::Named { id: "abc".to_owned(), fork: false };
    assert_eq!((chat.session, chat.workspace), (named, world.workspace()));
}

#[test]
fn a_wrong_file_is_told_before_standard_input_is_waited_for() {
    let world = World::new();
    let flags = TaskFlags { json_schema: Some(PathBuf::from("gone.json")), ..words("fix it") };

    let error = LineRequest::of(flags, &world.context()).unwrap_err();

    let message = world.placed(&error.message);
    assert!(message.starts_with("cannot use the schema `/world/work/gone.json`"), "{message}");
}

#[test]
fn a_workspace_that_is_not_there_is_told() {
    let world = World::new();
    let global =
        crate::flags::GlobalFlags { workspace: Some(PathBuf::from("gone")), ..Default::default() };
    let environment = world.context().environment().clone();

    let error = ChatRequest::of(&ChatFlags::default(), &Context::new(environment, global));

    let error = error.unwrap_err();
    assert_eq!(world.placed(&error.message), "there is no directory `/world/work/gone`");
    assert_eq!(error.hints, ["--workspace DIR"]);
}

#[test]
fn a_relative_file_is_seen_from_the_directory_of_the_start() {
    let world = World::new();
    let flags = ShowFlags {
        output: Some(PathBuf::from("../out.txt")),
        output_format: RunFormat::Json,
        quiet: false,
    };

    let show = Show::of(flags, &world.context()).unwrap();

    assert_eq!(show.output.as_deref(), Some(world.workspace().join("../out.txt").as_path()));
    assert_eq!(world.context().absolute(Path::new("/a")), Path::new("/a"));
}
