//! What whole tasks over the strict servers have in common, whatever the wire format.

use openkoi_test_support::{
    Home, Kind, Received, Reply, Role, call, reply,
    server::{Server, Wire},
    verdict,
};
use serde_json::{Value, json};

use crate::world::{LONG, TASK};

/// The replies of a model that looks, fixes and says so; each travels as `way` has it.
pub(crate) fn honest(way: impl Fn(Reply) -> Reply) -> Vec<Reply> {
    let kind = Kind::Shell;
    let look = call("read_file", json!({ "path": "percent.sh" }))
        .and_call("read_file", json!({ "path": "test.sh" }))
        .to(Role::Executor)
        .at(0);
    let fix = call("write_file", json!({ "path": kind.source(), "contents": kind.fix() }));
    let done = reply("`percent` rounds now, and nothing of nothing is nothing – „fertig“.");
    let replies = [look, fix.after("read_file"), done.after("write_file"), verdict(9.0)];
    replies.into_iter().map(way).collect()
}

/// Runs the task in `home`, checks what both sides saw, and returns the turns.
pub(crate) fn fixes_in<W: Wire>(home: &Home, server: Server<W>, flags: &[&str]) -> Vec<Received> {
    let run = home.openkoi([&[TASK], flags].concat()).timeout(LONG).run();

    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("nothing of nothing is nothing – „fertig“."), "{run}");
    assert_eq!(home.read("percent.sh"), Kind::Shell.fix());
    assert_eq!(home.read("test.sh"), Kind::Shell.text("test.sh"));
    use Role::{Evaluator, Executor};
    assert_eq!(server.roles(), [Executor, Executor, Executor, Evaluator]);
    let turns = server.turns();
    server.finish();
    turns
}

/// As [`fixes_in`], in a world with nothing but this server.
pub(crate) fn fixes<W: Wire>(replies: Vec<Reply>) -> Vec<Received> {
    let server = Server::<W>::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);
    fixes_in(&home, server, &[])
}

/// Does the task where the first request meets `trouble`, which costs one turn more.
pub(crate) fn gets_over<W: Wire>(trouble: Reply) {
    five_turns::<W>([vec![trouble], honest(|reply| reply)].concat());
}

/// Does the task where the conversation is said to be too long in the middle.
pub(crate) fn shortens<W: Wire>(overflow: Reply) {
    let mut replies = honest(|reply| reply);
    replies.insert(2, overflow.after("write_file"));
    five_turns::<W>(replies);
}

fn five_turns<W: Wire>(replies: Vec<Reply>) {
    let server = Server::<W>::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert_eq!(server.turns().len(), 5);
    server.finish();
}

/// Returns the schema that a request wants its answer held to, wherever the format has it.
fn schema_of(turn: &Received) -> Option<Value> {
    const PLACES: [&str; 6] = [
        "/response_format/json_schema/schema",
        "/text/format/schema",
        "/output_config/format/schema",
        "/generationConfig/responseJsonSchema",
        "/outputConfig/textFormat/structure/jsonSchema/schema",
        "/format",
    ];
    let found = PLACES.iter().find_map(|place| turn.body.pointer(place))?;
    // One of the formats has it as a text.
    Some(found.as_str().map_or_else(|| found.clone(), |text| serde_json::from_str(text).unwrap()))
}

/// Asks for a result with a schema. Where the format has no room for it beside tools (`alone`), what is said first is
/// prose. `refusal` is the answer to the first request with the schema, if the server does not take it.
pub(crate) fn answers_by_schema<W: Wire>(alone: bool, refusal: Option<Reply>) {
    let schema = json!({
        "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"],
        "additionalProperties": false,
    });
    let is_refused = refusal.is_some();
    let prose = alone.then(|| reply("It is 42.").at(0));
    let replies: Vec<Reply> =
        prose.into_iter().chain(refusal).chain([reply("{\"n\": 42}")]).collect();
    let server = Server::<W>::start(replies);
    let home = Home::new().provider(&server).file("schema.json", schema.to_string());

    let run = home.openkoi(["what is it?", "-i", "0", "--json-schema", "schema.json"]).run();

    assert_eq!((run.code, run.stdout.as_str()), (0, "{\"n\":42}\n"), "{run}");
    let turns = server.turns();
    let held: Vec<bool> =
        turns.iter().map(|turn| schema_of(turn) == Some(schema.clone())).collect();
    let expected = [alone.then_some(false), Some(true), is_refused.then_some(false)];
    assert_eq!(held, expected.into_iter().flatten().collect::<Vec<_>>());
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0).json();
    let id = listed["tasks"][0]["id"].as_str().unwrap();
    home.openkoi(["task", "verify", id]).run().expect_code(0);
    server.finish();
}

/// Makes the tests of results with a schema.
macro_rules! schemas {
    ($wire:ty, alone: $alone:expr) => {
        #[test]
        fn a_result_is_held_to_its_schema_by_the_provider() {
            crate::whole_task::answers_by_schema::<$wire>($alone, None);
        }

        #[test]
        fn a_provider_that_refuses_the_schema_is_asked_without_it() {
            use openkoi_test_support::server::{Problem, Wire};
            let refusal = <$wire as Wire>::problem(Problem::BadRequest);
            crate::whole_task::answers_by_schema::<$wire>($alone, refusal);
        }
    };
}
pub(crate) use schemas;

/// Makes the tests that every wire format has.
macro_rules! whole_tasks {
    ($wire:ty) => {
        #[test]
        fn a_task_is_planned_done_and_judged() {
            crate::whole_task::fixes::<$wire>(crate::whole_task::honest(|reply| reply));
        }

        #[test]
        fn a_task_survives_streams_of_single_bytes() {
            let byte_by_byte = openkoi_test_support::Reply::byte_by_byte;
            crate::whole_task::fixes::<$wire>(crate::whole_task::honest(byte_by_byte));
        }

        #[test]
        fn a_task_survives_streams_cut_anywhere() {
            for seed in 1..=4 {
                let cut = crate::whole_task::honest(|reply| reply.cut_by(seed));
                crate::whole_task::fixes::<$wire>(cut);
            }
        }
    };
}
pub(crate) use whole_tasks;
