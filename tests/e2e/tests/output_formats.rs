//! What is printed, and where: the result on standard output, everything else on standard error.

use std::path::Path;

use openkoi_test_support::{Home, Kind, OpenAi, Run, Terminal, openai, reply, skip::skip, turn};
use serde_json::{Value, json};

use crate::world::{LONG, TASK, lines, scripted};

/// The fields of the record that ends a run.
const RECORD: [&str; 10] = [
    "duration_ms",
    "is_error",
    "num_turns",
    "result",
    "schema_version",
    "session_id",
    "task_id",
    "total_cost_usd",
    "type",
    "usage",
];

fn answering() -> Home {
    scripted([turn().executor().say("Forty-two.")])
}

fn fixing() -> Home {
    let kind = Kind::Shell;
    scripted([
        turn().executor().after("write_file").say("Fixed."),
        turn().executor().write(kind.source(), kind.fix()),
    ])
}

/// Fails unless `record` is the record of a run that ended well with `result`.
#[track_caller]
fn assert_record(record: &Value, result: &str, run: &Run) {
    for field in RECORD {
        assert!(record.get(field).is_some(), "`{field}` is missing: {run}");
    }
    assert_eq!(record["is_error"], false, "{run}");
    assert_eq!(record["result"], result, "{run}");
    for id in ["session_id", "task_id"] {
        let id = record[id].as_str().unwrap();
        assert!(openkoi_test_support::normal::is_id(id), "{id} is a whole id: {run}");
    }
}

#[test]
fn text_is_the_answer_and_no_more() {
    let run = answering().openkoi(["what is it?", "-i", "0"]).run().expect_code(0);

    assert_eq!(run.stdout, "Forty-two.\n");
}

#[test]
fn json_is_one_record() {
    let run = answering().openkoi(["what is it?", "-i", "0", "--output-format", "json"]).run();

    assert_record(&run.json(), "Forty-two.", &run);
}

#[test]
fn stream_json_is_an_event_a_line_and_the_record_last() {
    let run = fixing().openkoi([TASK, "--output-format", "stream-json"]).timeout(LONG).run();

    let events = run.expect_code(0).json_lines();
    assert!(events.iter().all(|event| event["type"].is_string()), "each line has a type");
    let kinds: Vec<&str> =
        events.iter().filter_map(|event| event["data"]["event"].as_str()).collect();
    // The checks on the untouched tree come first, so the last evaluation is the one that counts.
    let place = |kind: &str| kinds.iter().rposition(|known| *known == kind);
    let order = [
        "task.started",
        "plan.made",
        "iteration.started",
        "call.finished",
        "evaluation.finished",
        "iteration.decided",
        "task.finished",
    ];
    let places = order.map(place);
    assert!(places.iter().all(Option::is_some), "{kinds:?}");
    assert!(places.is_sorted(), "{kinds:?}");
    let last = events.last().unwrap();
    assert_eq!(last["result"], "Fixed.");
    assert!(RECORD.iter().all(|field| last.get(field).is_some()), "{last}");
}

#[test]
fn stream_json_numbers_the_entries_of_the_journal_and_goes_on_with_them_when_resumed() {
    let home = scripted([turn().executor().say("No.")]);
    let format = ["--output-format", "stream-json"];

    let first = home.openkoi([TASK, "-i", "1"]).args(format).timeout(LONG).run();
    let id = first.json_lines().last().unwrap()["task_id"].as_str().unwrap().to_owned();
    let second = home.openkoi(["resume", &id, "-i", "2"]).args(format).timeout(LONG).run();

    let lines = [first.json_lines(), second.json_lines()].concat();
    let (events, others): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["type"] == "event");
    let numbers: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{second}");
    assert!(others.iter().all(|line| line.get("seq").is_none()), "{second}");
    let verified = home.openkoi(["task", "verify", &id, "--json"]).run().expect_code(0).json();
    assert_eq!(verified["entries"].as_u64(), numbers.last().copied(), "{verified}");
}

#[test]
fn an_error_is_a_record_too() {
    let home = scripted([turn().executor().say("No.")]);

    let run = home.openkoi([TASK, "-i", "1", "--output-format", "json"]).timeout(LONG).run();

    assert_eq!(run.code, 1, "{run}");
    assert_eq!(run.json()["is_error"], true, "{run}");
}

#[test]
fn an_error_before_the_run_is_a_record_too() {
    let run = Home::new().openkoi([TASK, "--output-format", "json"]).run().expect_code(4);

    assert_eq!(run.json()["is_error"], true, "{run}");
}

#[test]
fn progress_goes_to_standard_error_in_the_known_form() {
    let run = fixing().openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert!(!lines(&run, "[EXEC]").is_empty() && !lines(&run, "[EVAL]").is_empty(), "{run}");
    assert!(run.stderr.contains("✓ Done. 1 iteration. 1 file changed."), "{run}");
    assert!(run.stdout.starts_with("Fixed."), "{run}");
    assert!(!run.stdout.contains("[EXEC]"), "{run}");
}

#[test]
fn quiet_prints_the_result_alone() {
    let run = fixing().openkoi([TASK, "--quiet"]).timeout(LONG).run().expect_code(0);

    assert_eq!(run.stderr, "", "{run}");
    assert!(run.stdout.starts_with("Fixed."), "{run}");
}

#[test]
fn a_file_gets_the_result_too() {
    let home = answering();

    let run = home.openkoi(["what is it?", "-i", "0", "-o", "answer.txt"]).run().expect_code(0);

    assert_eq!(home.read("answer.txt").trim_end(), "Forty-two.", "{run}");
}

#[test]
fn a_schema_makes_the_result_a_value_that_fits_it() {
    let schema = json!({
        "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"],
        "additionalProperties": false,
    });
    let home = scripted([turn().executor().say("{\"n\": 42}")])
        .file("schema.json", schema.to_string())
        .file("other.json", schema.to_string().replace("integer", "string"));
    let arguments = |file: &'static str| {
        ["what is it?", "-i", "0", "--json-schema", file, "--output-format", "json"]
    };

    let fits = home.openkoi(arguments("schema.json")).run().expect_code(0);
    let other = home.openkoi(arguments("other.json")).run();

    let record = fits.json();
    let result = record.get("structured_result").unwrap_or(&record["result"]);
    let value =
        result.as_str().map_or_else(|| result.clone(), |text| serde_json::from_str(text).unwrap());
    assert_eq!(value, json!({ "n": 42 }), "{fits}");
    assert_ne!(other.code, 0, "what does not fit is not a result: {other}");
}

#[test]
fn piped_input_is_part_of_the_task() {
    let home = scripted([
        turn().executor().once_said("<stdin>").once_said("needle in it").say("Seen."),
        turn().executor().say("Not seen."),
    ]);

    let run = home.openkoi(["look", "-i", "0"]).stdin("a needle in it").run().expect_code(0);
    assert_eq!(run.stdout, "Not seen.\n".replace("Not seen", "Seen"));

    let run = home.openkoi(["look", "-i", "0"]).run().expect_code(0);
    assert_eq!(run.stdout, "Not seen.\n", "nothing in the pipe is nothing");
}

#[test]
fn lists_are_tables_for_people_and_values_for_programs() {
    let home = answering();
    home.openkoi(["what is it?", "-i", "0"]).run().expect_code(0);

    for command in [["task", "list"], ["session", "list"]] {
        let table = home.openkoi(command).run().expect_code(0);
        assert!(table.stdout.lines().count() >= 2, "{table}");
        let value = home.openkoi(command).args(["--json"]).run().expect_code(0).json();
        assert!(!openkoi_test_support::normal::ids(&value.to_string()).is_empty(), "{value}");
    }
}

#[test]
fn a_finished_task_is_shown_replayed_and_verified_by_the_beginning_of_its_id() {
    let home = fixing();
    let run = home.openkoi([TASK, "--output-format", "json"]).timeout(LONG).run().expect_code(0);
    let record = run.json();
    let short = &record["task_id"].as_str().unwrap()[18..22];

    let shown = home.openkoi(["task", "show", short]).run().expect_code(0);
    let replayed = home.openkoi(["task", "replay", short]).run().expect_code(0);
    let verified = home.openkoi(["task", "verify", short]).run().expect_code(0);

    assert!(shown.stdout.contains("Fixed."), "{shown}");
    assert!(replayed.stdout.contains("Fixed."), "{replayed}");
    assert!(verified.said().contains("accepted"), "{verified}");
}

#[test]
fn a_journal_that_was_altered_is_not_verified_though_a_replay_would_not_notice() {
    let home = fixing();
    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0).json();
    let id = listed["tasks"][0]["id"].as_str().unwrap();
    home.openkoi(["task", "verify", id]).run().expect_code(0);

    // A ground of the gate's in the journal, which no replay asks for again; of the same length, so that the file stays whole.
    let (told, altered) = (r#""because":"trust:act""#, r#""because":"answer:ok""#);
    replace_in(&home.path().join("data/openkoi.db"), told, altered);
    let run = home.openkoi(["task", "verify", id]).run();

    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains(" is not verified: entry "), "{run}");
    assert!(run.stderr.contains(", gate.decided) was altered after it was written"), "{run}");
}

/// Replaces the text where it stands first in a file.
fn replace_in(file: &Path, text: &str, by: &str) {
    assert_eq!(text.len(), by.len());
    let mut bytes = std::fs::read(file).unwrap();
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes());
    let at = at.unwrap();
    bytes[at..at + by.len()].copy_from_slice(by.as_bytes());
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn no_colour_is_printed_into_a_pipe_unless_asked_for() {
    let plain = fixing().openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let asked = fixing().openkoi([TASK, "--color", "always"]).timeout(LONG).run().expect_code(0);

    assert!(!plain.said().contains('\u{1b}'), "{plain}");
    assert!(asked.stderr.contains('\u{1b}'), "{asked}");
}

const QUESTION: [&str; 3] = ["say hello", "-i", "0"];

#[test]
fn text_that_a_program_was_shown_is_kept_and_not_superseded() {
    let server = OpenAi::start([openai::error_in_stream(), reply("Hello.")]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(QUESTION).args(["--output-format", "stream-json"]).run();

    let run = run.expect_code(5);
    let events = run.json_lines();
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    let deltas: Vec<&Value> = of("delta").into_iter().map(|delta| &delta["text"]).collect();
    assert_eq!(deltas, [&json!("Hal")], "{run}");
    assert_eq!(of("error")[0]["error"]["received"], "Hal", "{run}");
    assert_eq!(server.turns().len(), 1, "nobody is asked again: {run}");
    let failed = of("event").into_iter().find(|event| event["data"]["event"] == "turn.failed");
    let failed = &failed.unwrap()["data"];
    assert_eq!(failed["error"]["received"]["parts"], json!([{ "text": "Hal" }]), "{run}");
    assert!(failed["spent"]["tokens"].as_u64() > Some(0), "{failed}");
    let hints = of("error")[0]["error"]["hints"].to_string();
    let id = hints.split("openkoi resume ").nth(1).and_then(|rest| rest.split('"').next());

    let resumed = home.openkoi(["resume", id.unwrap()]).run();

    assert_eq!(resumed.expect_code(0).stdout, "Hello.\n");
    server.finish();
}

#[test]
fn text_that_streamed_by_on_a_terminal_is_not_superseded() {
    if !Terminal::is_available() {
        skip("text_that_streamed_by_on_a_terminal_is_not_superseded", "there is no `script`");
        return;
    }
    let server = OpenAi::start([openai::error_in_stream()]);
    let home = Home::new().provider(&server).env("NO_COLOR", "1");

    let mut terminal = home.openkoi(QUESTION).at_a_terminal();

    assert_eq!(terminal.ends(), 5, "{}", terminal.shown());
    let shown = terminal.shown();
    assert_eq!(shown.matches("Hal").count(), 1, "it is on the screen already: {shown}");
    assert!(shown.contains("the answer that had begun is kept"), "{shown}");
    server.finish();
}

#[test]
fn text_that_nobody_was_shown_is_begun_anew() {
    for quiet in [Vec::new(), vec!["-q"]] {
        let server = OpenAi::start([openai::error_in_stream(), reply("Hello.")]);
        let home = Home::new().provider(&server);

        let run = home.openkoi(QUESTION).args(quiet).run().expect_code(0);

        assert_eq!(run.stdout, "Hello.\n", "{run}");
        server.finish();
    }
}

#[test]
fn what_arrived_of_an_answer_stands_with_the_error_where_it_was_not_shown() {
    let late = openai::quota_used_up().if_asked();
    let server = OpenAi::start([openai::error_in_stream(), late]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(QUESTION).run().expect_code(5);

    assert!(run.stderr.contains("\n  received: Hal\n"), "{run}");
    assert_eq!(run.stdout, "", "half an answer is none: {run}");
    server.finish();
}
