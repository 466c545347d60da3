//! The toolbox: names, arguments, outputs.

use std::os::unix::fs::PermissionsExt;

use openkoi_core::{failure::Failure, toolbox::Toolbox};
use openkoi_host::kinds::tool::{CatalogTools, ToolSettings, ToolboxError};
use openkoi_testing::World;

use crate::{
    guests::{argument, failure_of, tool_world},
    raw,
};

#[tokio::test]
async fn arguments_are_checked_against_the_schema_before_a_call() {
    let mut world = tool_world();
    let table = [
        (r#"{"argument":["x"]}"#, "/argument", "has to be string, not array"),
        ("[]", "", "the arguments must be a JSON object, not []"),
    ];
    for (arguments, at, sentence) in table {
        let failure = world.call_tool("spin", arguments).await.unwrap_err();
        let (field, message) = (at.to_owned(), sentence.to_owned());
        assert_eq!(failure, Failure::Invalid { field, message });
    }
    assert_eq!(world.call_tool("spin", "{").await.unwrap_err().word(), "invalid");
}

#[tokio::test]
async fn a_call_with_one_meaning_is_prepared_once_for_all_to_see() {
    let mut world = tool_world();

    let output = world.call_tool("attach", r#"{}{"argument":1,"extra":2}"#).await;

    let text = output.expect("it answers").text;
    assert!(
        text.ends_with("[`extra` is no argument of `attach` and was left out; there are argument]"),
        "{text}"
    );
}

#[tokio::test]
async fn an_unknown_tool_is_not_found() {
    let mut world = tool_world();
    assert_eq!(failure_of(&mut world, "no_such_tool", "").await.word(), "not_found");
}

#[tokio::test]
async fn attachments_that_no_model_reads_are_left_out_and_named() {
    let mut world = tool_world();

    let output = world.call_tool("attach", &argument("")).await.expect("it answers");

    let kept: Vec<&str> = output.attachments.iter().map(|one| one.media_type.as_str()).collect();
    assert_eq!(kept, ["image/png", "application/pdf"]);
    assert!(
        output.text.starts_with("look\n[an attachment is left out: `text/html"),
        "{}",
        output.text
    );
    assert_eq!(output.text.lines().count(), 2, "{}", output.text);
}

#[tokio::test]
async fn a_long_output_is_cut_and_kept_whole() {
    let mut world = tool_world();

    let output = world.call_tool("big_output", &argument("")).await.expect("it answers");

    let path = output.saved.expect("it is saved");
    let whole = std::fs::read_to_string(&path).expect("it can be read");
    assert_eq!(whole.lines().count(), 5_000);
    assert!(output.text.starts_with("line 0\n") && output.text.ends_with("line 4999\n"));
    assert!(output.text.contains(&path) && output.text.contains("5000 lines"));
    assert!(output.text.lines().count() <= 2_003 && output.text.len() < 52 << 10);
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let read =
        world.call_tool("read_file", &argument(&path)).await.expect("a component may read it");
    assert!(read.text.starts_with("line 0\n"));
}

#[tokio::test]
async fn an_output_cannot_drive_a_terminal() {
    let mut world = tool_world();

    let output = world.call_tool("escape", &argument("")).await.expect("it answers");

    assert_eq!(output.text, "a␛[2J<U+009B>31m<U+202E>b␍␈c");
    assert_eq!(output.summary, "a␛[2J<U+009B>31m<U+202E>b ␈c second line");
}

#[tokio::test]
async fn a_description_cannot_drive_a_terminal() {
    let text = raw::manifest("x", "t")
        .replace("description = \"d\"\neffect", "description = \"a\\u001b[2J\\u202eb\"\neffect");
    let mut world = World::new();
    world.load(raw::with_manifest(
        raw::bare("(memory (export \"memory\") 1)", &format!("{}{}", raw::REALLOC, raw::TRAPPING)),
        &text,
    ));

    assert_eq!(world.toolbox().tools()[0].description, "a␛[2J<U+202E>b");
}

#[tokio::test]
async fn two_components_with_one_tool_are_refused_with_both_names() {
    let mut world = World::new();
    for name in ["first", "second"] {
        world.load(raw::tool(name, "same_name", raw::TRAPPING));
    }

    let clash = CatalogTools::new(&world.host(), world.workdir(), &ToolSettings::default());

    let clash = clash.err().expect("they clash");
    let (first, second) = ("first".to_owned(), "second".to_owned());
    assert_eq!(clash, ToolboxError::Clash { tool: "same_name".to_owned(), first, second });

    let without = ToolSettings { without: vec!["second".to_owned()], ..ToolSettings::default() };
    let tools = CatalogTools::new(&world.host(), world.workdir(), &without).expect("one is left");
    assert_eq!(tools.tools().len(), 1);
}
