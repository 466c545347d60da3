use openkoi_sdk::provider::{
    Broken, Decoder, Event, Message, Part, Problem, Speaker, StopReason, ToolCall, ToolResult,
    Usage,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn endpoint(options: &[(&str, &str)]) -> Endpoint {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Endpoint { base_url: String::new(), options: options.collect() }
}

fn body(script: &str, request: &CompletionRequest) -> Result<Vec<u8>> {
    Ok(Scripted::encode(&endpoint(&[("script", script)]), request)?.body)
}

fn read(pieces: &[&[u8]]) -> Result<Vec<Event>, Broken> {
    let mut decoder = Scripted::decoder(200, &[]);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut events)?;
    }
    decoder.finish(&mut events)?;
    Ok(events)
}

/// What the script answers to `hello`, read whole, cut at each byte, and byte by byte.
fn answer(script: &str) -> Result<Vec<Event>, Broken> {
    let mut request = request("executor");
    request.messages = vec![Message::user("hello")];
    let body = body(script, &request)?;
    let whole = read(&[&body]);
    for cut in 0..=body.len() {
        assert_eq!(read(&[&body[..cut], &body[cut..]]), whole, "cut at {cut}");
    }
    assert_eq!(read(&body.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    whole
}

fn text(events: &[Event]) -> String {
    let texts = events.iter().filter_map(|event| match event {
        Event::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn usage(events: &[Event]) -> Option<Usage> {
    events.iter().find_map(|event| match event {
        Event::Usage(usage) => Some(*usage),
        _ => None,
    })
}

#[test]
fn a_turn_arrives_in_pieces_with_everything_it_has() {
    let script = json!({
        "think": "hm", "say": "Grüße an alle, die das hier lesen und noch weiter lesen wollen 😀",
        "call": [{ "tool": "read_file", "arguments": { "path": "a" } }, { "tool": "shell", "raw": "{oops", "id": "mine" }],
        "usage": { "input": 7, "output": 5, "cache-read": 3 },
    });

    let events = answer(&script.to_string()).unwrap();

    let said = |event: &Event| matches!(event, Event::Text(_));
    assert!(events.iter().filter(|event| said(event)).count() > 2, "the text comes in pieces");
    assert_eq!(text(&events), script["say"]);
    let rest: Vec<Event> = events.into_iter().filter(|event| !said(event)).collect();
    let started = |index, id: &str, name: &str| {
        Event::CallStarted(openkoi_sdk::provider::CallStart {
            index,
            id: id.to_owned(),
            name: name.to_owned(),
        })
    };
    let arguments = |index, json: &str| {
        Event::CallArguments(openkoi_sdk::provider::CallDelta { index, json: json.to_owned() })
    };
    assert_eq!(
        rest,
        [
            Event::Model("file".to_owned()),
            Event::Thought("hm".to_owned()),
            Event::Reasoning(openkoi_sdk::provider::Reasoning {
                text: "hm".to_owned(),
                state: "{\"format\":\"scripted\"}".to_owned()
            }),
            started(0, "call_0_0", "read_file"),
            arguments(0, "{\"path\":\"a\"}"),
            started(1, "mine", "shell"),
            arguments(1, "{oops"),
            Event::Usage(Usage {
                input: Some(7),
                output: Some(5),
                cache_read: Some(3),
                ..Usage::UNKNOWN
            }),
            Event::Finished(StopReason::ToolCalls),
        ]
    );
}

#[test]
fn every_reason_to_stop_can_be_played() {
    let stop = |script: &str| answer(script).unwrap().pop();
    let cases = [
        ("finished", StopReason::Finished),
        ("length", StopReason::Length),
        ("filtered", StopReason::Filtered),
        ("refused", StopReason::Refused),
        ("paused", StopReason::Paused),
        ("tool-calls", StopReason::ToolCalls),
        ("odd", StopReason::Other("odd".to_owned())),
    ];

    for (name, reason) in cases {
        assert_eq!(stop(&format!("{{\"stop\": \"{name}\"}}")), Some(Event::Finished(reason)));
    }
    assert_eq!(stop("{}"), Some(Event::Finished(StopReason::Finished)));
}

#[test]
fn a_cut_answer_ends_after_its_bytes_and_without_an_end() {
    let mut request = request("executor");
    request.messages = vec![Message::user("hello")];
    let body = body(r#"{"say": "Grüße an alle", "cut": 3}"#, &request).unwrap();
    let mut decoder = Scripted::decoder(200, &[]);

    // The third byte is the first of `ü`'s two: only what is whole before it is said.
    let mut events = Vec::new();
    decoder.push(&body, &mut events).unwrap();
    assert_eq!(text(&events), "Gr");
    let interrupted = Failure::unavailable("the scripted answer was interrupted");
    assert_eq!(decoder.finish(&mut events), Err(interrupted.into()));
    assert!(answer(r#"{"say": "short", "cut": 999}"#).is_err());
}

#[test]
fn a_failure_comes_after_its_bytes_and_has_the_meaning_of_its_status() {
    let failure =
        |error: &str| answer(&format!("{{\"say\": \"hello\", \"error\": {error}}}")).unwrap_err();
    let reported = |problem, message: &str, retry_after_ms| {
        Broken::Reported(Diagnosis { problem, message: message.to_owned(), retry_after_ms })
    };

    assert_eq!(
        failure(r#"{"status": 529, "message": "busy", "retry-after-ms": 20, "after": 2}"#),
        reported(Problem::Overloaded, "busy", Some(20))
    );
    assert_eq!(
        failure(r#"{"status": 402, "message": "broke"}"#),
        reported(Problem::Quota, "broke", None)
    );
    assert_eq!(
        failure(r#"{"status": 400, "message": "no"}"#),
        reported(Problem::Other, "no", None)
    );
}

#[test]
fn a_huge_answer_is_small_on_its_way() {
    let script = r#"{"say": "begin", "repeat": {"text": "ab", "times": 1000000}}"#;
    let mut request = request("executor");
    request.messages = vec![Message::user("hello")];

    let body = body(script, &request).unwrap();
    let events = read(&[&body]).unwrap();

    assert!(body.len() < 500);
    assert_eq!(text(&events).len(), 5 + 2_000_000);
    assert!(events.len() < 1_000);
    assert_eq!(usage(&events).unwrap().output, Some(500_002));
}

#[test]
fn usage_is_estimated_from_the_lengths_where_the_script_does_not_say() {
    let usage = usage(&answer(r#"{"say": "12345678"}"#).unwrap()).unwrap();

    assert_eq!((usage.output, usage.cache_read), (Some(2), None));
    assert!(usage.input > Some(0));
}

#[test]
fn a_model_needs_what_it_plays() {
    let refused = |model: &str, options: &[(&str, &str)]| {
        let mut request = request("executor");
        request.model = model.to_owned();
        Scripted::encode(&endpoint(options), &request).unwrap_err().to_string()
    };

    assert!(refused("file", &[]).starts_with("`/options/script`: is needed"));
    assert_eq!(refused("demo", &[("scenario", "other")]), "the scenario `other` does not exist");
    assert_eq!(refused("gpt", &[("script", "{}")]), "the scripted model `gpt` does not exist");
    let listed =
        Scripted::decode_models(&Scripted::encode_models(&endpoint(&[])).unwrap().body).unwrap();
    assert_eq!(listed.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["demo", "file"]);
}

/// A workspace in memory, with the tools that the scenario uses.
struct Workspace(std::collections::BTreeMap<String, String>);

impl Workspace {
    fn of(demo: &Value, folder: &std::path::Path) -> Self {
        let files = demo["files"].as_array().unwrap().iter().map(|file| {
            let source = folder.join(file["source"].as_str().unwrap());
            (file["path"].as_str().unwrap().to_owned(), std::fs::read_to_string(source).unwrap())
        });
        Self(files.collect())
    }

    fn call(&mut self, call: &ToolCall) -> String {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
        if call.name == "plan" {
            return "noted".to_owned();
        }
        let path = arguments["path"].as_str().unwrap();
        let contents = self.0.get_mut(path).unwrap();
        let edits = match call.name.as_str() {
            "read_file" => return contents.clone(),
            "edit_file" => match arguments["edits"].as_array() {
                Some(edits) => edits.clone(),
                None => vec![arguments.clone()],
            },
            other => panic!("the scenario called {other}"),
        };
        for edit in edits {
            let old = edit["old_string"].as_str().unwrap();
            assert_eq!(contents.matches(old).count(), 1, "{old:?} in {path}");
            *contents = contents.replace(old, edit["new_string"].as_str().unwrap());
        }
        "edited".to_owned()
    }
}

fn turn(request: &CompletionRequest) -> Vec<Part> {
    let body = Scripted::encode(&endpoint(&[]), request).unwrap().body;
    let mut parts: Vec<Part> = Vec::new();
    for event in read(&[&body]).unwrap() {
        match (event, parts.last_mut()) {
            (Event::Text(more), Some(Part::Text(text))) => text.push_str(&more),
            (Event::Text(text), _) => parts.push(Part::Text(text)),
            (Event::CallStarted(start), _) => parts.push(Part::ToolCall(ToolCall {
                id: start.id,
                name: start.name,
                arguments: String::new(),
            })),
            (Event::CallArguments(more), Some(Part::ToolCall(call))) => {
                call.arguments.push_str(&more.json)
            }
            _ => {}
        }
    }
    parts
}

/// Lets the executor work until it answers without a call, and returns the answer.
fn work(messages: &mut Vec<Message>, workspace: &mut Workspace) -> String {
    loop {
        let mut request = request("executor");
        request.model = "demo".to_owned();
        request.messages.clone_from(messages);
        let parts = turn(&request);
        messages.push(Message { speaker: Speaker::Assistant, parts: parts.clone() });
        let results: Vec<Part> = parts
            .iter()
            .filter_map(|part| match part {
                Part::ToolCall(call) => Some(Part::ToolResult(ToolResult {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    content: workspace.call(call),
                    is_error: false,
                })),
                _ => None,
            })
            .collect();
        if results.is_empty() {
            return Message { speaker: Speaker::Assistant, parts }.text();
        }
        messages.push(Message { speaker: Speaker::User, parts: results });
    }
}

fn arguments_of(role: &str, prompt: &str) -> Value {
    let mut request = request(role);
    request.model = "demo".to_owned();
    request.messages = vec![Message::user(prompt)];
    match &turn(&request)[..] {
        [Part::ToolCall(call)] => serde_json::from_str(&call.arguments).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// What the loop would send, for each of the bundled projects: a plan, a first try that leaves a test red, findings, the
/// right fix, and a verdict on each of the two.
#[test]
fn the_scenario_plays_each_of_its_projects_to_the_end() {
    for (flavour, red) in [
        ("rust", "the_ends_have_no_hyphen"),
        ("python", "test_nonsense_is_refused"),
        ("node", "a doubled quote stands for one"),
        ("shell", "the ends have no hyphen"),
    ] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(flavour);
        let demo: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("demo.json")).unwrap())
                .unwrap();
        assert_eq!(demo["flavour"], flavour);
        let task = format!("<task>\n{}\n</task>\n", demo["task"].as_str().unwrap());
        let mut workspace = Workspace::of(&demo, &folder);
        let before = workspace.0.clone();

        let mut messages = vec![Message::user(task.clone())];
        let plan = arguments_of("executor", &format!("{task}\n<workspace>\nfiles\n</workspace>"));
        let claim = work(&mut messages, &mut workspace);
        let half = workspace.0.clone();
        messages.push(Message::user(format!(
            "<findings iteration=\"1\">\n- [check {flavour}:test] failed: {red}\n</findings>"
        )));
        let end = work(&mut messages, &mut workspace);

        assert_eq!(
            (&plan["criteria"][0]["check"], &plan["criteria"][0]["tests"][1]),
            (&json!("test"), &json!(red)),
            "{flavour}"
        );
        assert_ne!(claim, end, "{flavour}");
        let changed = |one: &Workspace, other: &std::collections::BTreeMap<String, String>| {
            one.0.iter().filter(|(path, contents)| other[*path] != **contents).count()
        };
        assert_eq!(changed(&workspace, &half), 1, "{flavour}");
        assert_eq!(changed(&workspace, &before), 1, "{flavour}: the tests stay as they are");
        for (files, score) in [(&half, 7.0), (&workspace.0, 9.0)] {
            let diff: String = files.values().map(String::as_str).collect();
            let prompt = format!(
                "{task}<diff>\n{diff}\n</diff>\n- correctness (60 % of the whole)\n- style (40 % of the whole)\n"
            );
            let verdict = arguments_of("evaluator", &prompt);
            assert_eq!(
                verdict["scores"],
                json!([{ "dimension": "correctness", "score": score }, { "dimension": "style", "score": score }]),
                "{flavour}"
            );
        }
    }
}

#[test]
fn the_scenario_says_what_it_is_when_it_is_given_another_task() {
    let mut request = request("executor");
    request.model = "demo".to_owned();
    request.messages = vec![Message::user("<task>\nbake a cake\n</task>")];

    assert!(matches!(&turn(&request)[..], [Part::Text(text)] if text.starts_with("I am a script")));
}

proptest! {
    #[test]
    fn any_text_survives_the_way(say in ".{0,200}", raw in ".{0,80}") {
        let script = json!({ "say": say.replace("{{", ""), "call": [{ "tool": "t", "raw": raw }] }).to_string();
        let mut request = request("executor");
        request.messages = vec![Message::user("hello")];

        let events = read(&[&body(&script, &request).unwrap()]).unwrap();

        prop_assert_eq!(text(&events), say.replace("{{", ""));
        let json: String = events.iter().filter_map(|event| match event {
            Event::CallArguments(more) => Some(more.json.as_str()),
            _ => None,
        }).collect();
        prop_assert_eq!(json, raw);
    }

    #[test]
    fn no_script_makes_the_codec_panic(script in "[\\[\\]{}\":,a-z0-9 ]{0,60}") {
        let mut request = request("executor");
        request.messages = vec![Message::user("hello")];
        if let Ok(body) = body(&script, &request) {
            let ones: Vec<&[u8]> = body.chunks(1).collect();
            prop_assert_eq!(read(&ones), read(&[&body]));
        }
    }
}
