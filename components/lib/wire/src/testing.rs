//! Helpers of the tests of codecs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "only tests use it, and they end where it does"
)]

use openkoi_sdk::{
    Failure,
    provider::{
        Blob, Broken, CompletionRequest, Decoder, Effort, Endpoint, Event, HttpRequest, Message,
        Part, Problem, Reasoning, Speaker, ToolCall, ToolChoice, ToolResult, ToolSpec,
    },
};
use proptest::prelude::*;
use serde_json::Value;

/// The events that were read of a body, and why they are not all.
pub type Outcome = (Vec<Event>, Result<(), Broken>);

/// Reads `body` whole, cut in two at each byte, and byte by byte; all must agree.
pub fn read<D: Decoder + Default>(body: &str) -> Result<Vec<Event>, Broken> {
    read_bytes::<D>(body.as_bytes())
}

/// As [`read`], for a body that is not text.
pub fn read_bytes<D: Decoder + Default>(bytes: &[u8]) -> Result<Vec<Event>, Broken> {
    let (events, end) = outcome::<D>(bytes);
    end.map(|()| events)
}

/// As [`read`], for a body of which something is wrong.
pub fn outcome<D: Decoder + Default>(bytes: &[u8]) -> Outcome {
    let whole = read_pieces::<D>(&[bytes]);
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(read_pieces::<D>(&[head, tail]), whole, "cut at {cut}");
    }
    assert_eq!(read_pieces::<D>(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    whole
}

/// Reads a body in which the service reports an error: what came before that in short, what it means, its sentence.
pub fn reported<D: Decoder + Default>(bytes: &[u8]) -> (Vec<String>, Problem, String) {
    let (events, end) = outcome::<D>(bytes);
    match end {
        Err(Broken::Reported(diagnosis)) => (short(&events), diagnosis.problem, diagnosis.message),
        end => panic!("no error is reported: {events:?}, {end:?}"),
    }
}

/// Reads a body that is none: why it cannot be read.
pub fn unreadable<D: Decoder + Default>(bytes: &[u8]) -> Failure {
    match outcome::<D>(bytes) {
        (_, Err(Broken::Unreadable(failure))) => failure,
        outcome => panic!("it can be read: {outcome:?}"),
    }
}

fn read_pieces<D: Decoder + Default>(pieces: &[&[u8]]) -> Outcome {
    let mut decoder = D::default();
    let mut events = Vec::new();
    let mut steps = pieces.iter();
    let end = steps.try_for_each(|piece| decoder.push(piece, &mut events));
    let end = end.and_then(|()| decoder.finish(&mut events));
    (events, end)
}

/// An attachment of two bytes.
pub fn attached(media_type: &str) -> Part {
    Part::Attachment(Blob { media_type: media_type.to_owned(), bytes: vec![1, 2] })
}

/// Events in short: one line each.
pub fn short(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| match event {
            Event::Text(text) => format!("text {text}"),
            Event::Thought(text) => format!("thought {text}"),
            Event::Reasoning(reasoning) => {
                format!("reasoning {} {}", reasoning.text, reasoning.state)
            }
            Event::CallStarted(call) => format!("call {} {} {}", call.index, call.id, call.name),
            Event::CallArguments(call) => format!("arguments {} {}", call.index, call.json),
            Event::Usage(usage) => format!(
                "usage {:?} {:?} {:?} {:?} {:?}",
                usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning
            )
            .replace("Some(", "")
            .replace(')', ""),
            Event::Model(model) => format!("model {model}"),
            Event::Finished(reason) => format!("finished {reason:?}").replace("StopReason::", ""),
            Event::Failed(diagnosis) => format!("failed {:?}", diagnosis.problem),
        })
        .collect()
}

/// Data lines as a stream of events.
pub fn stream(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("data: {line}\n\n")).collect()
}

/// A request that says `hello` and nothing else.
pub fn request(model: &str) -> CompletionRequest {
    CompletionRequest {
        model: model.to_owned(),
        role: "executor".to_owned(),
        system: String::new(),
        messages: vec![Message::user("hello")],
        tools: Vec::new(),
        tool_choice: ToolChoice::Automatic,
        max_tokens: None,
        temperature: None,
        effort: None,
        schema: None,
    }
}

/// An endpoint with options.
pub fn endpoint(base_url: &str, options: &[(&str, &str)]) -> Endpoint {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Endpoint { base_url: base_url.to_owned(), options: options.collect() }
}

/// A tool without parameters.
pub fn tool(name: &str) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: format!("does {name}"),
        parameters: "{\"type\":\"object\",\"properties\":{}}".to_owned(),
    }
}

/// A call.
pub fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    })
}

/// An answer to a call.
pub fn result(id: &str, name: &str, content: &str) -> Part {
    Part::ToolResult(ToolResult {
        id: id.to_owned(),
        name: name.to_owned(),
        content: content.to_owned(),
        is_error: false,
    })
}

/// A message.
pub fn message(speaker: Speaker, parts: Vec<Part>) -> Message {
    Message { speaker, parts }
}

/// The body of a request.
pub fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// The value of a request's header.
pub fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    found.map(|header| std::str::from_utf8(&header.value).unwrap())
}

fn part() -> impl Strategy<Value = Part> {
    let one_of = |texts: &[&'static str]| prop::sample::select(texts.to_vec());
    let id = one_of(&["", "a", "b", "functions.x:0", "\u{1b}[0m"]);
    let name = one_of(&["", "read", "../x", "é"]);
    let json = one_of(&["", "{}", "{\"a\":1}", "[1", "null", "7"]);
    let state = one_of(&[
        "",
        "{\"format\":\"chat\",\"field\":\"reasoning_content\",\"text\":\"t\"}",
        "{\"format\":\"chat\",\"blocks\":[{\"type\":\"x\"}]}",
        "{\"format\":\"responses\",\"item\":{\"type\":\"reasoning\",\"encrypted_content\":\"e\"}}",
        "{\"format\":\"converse\",\"block\":{\"reasoningText\":{\"text\":\"t\",\"signature\":\"s\"}}}",
        "{\"format\":\"messages\",\"block\":{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"}}",
    ]);
    prop_oneof![
        "[ a\n\u{0}é]{0,4}".prop_map(Part::Text),
        proptest::sample::select(vec!["image/png", "application/pdf", "image/svg+xml"])
            .prop_map(attached),
        (id.clone(), name.clone(), json).prop_map(|(id, name, json)| call(id, name, json)),
        (id, name, ".{0,3}", any::<bool>()).prop_map(|(id, name, content, is_error)| {
            let (id, name) = (id.to_owned(), name.to_owned());
            Part::ToolResult(ToolResult { id, name, content, is_error })
        }),
        state.prop_map(|state| Part::Reasoning(Reasoning {
            text: "t".to_owned(),
            state: state.to_owned(),
        })),
    ]
}

/// Requests with any conversation, however wrong.
pub fn any_request(models: &'static [&'static str]) -> impl Strategy<Value = CompletionRequest> {
    let speaker = prop_oneof![Just(Speaker::User), Just(Speaker::Assistant)];
    let message = (speaker, prop::collection::vec(part(), 0..4))
        .prop_map(|(speaker, parts)| Message { speaker, parts });
    let effort = prop_oneof![Just(Effort::Low), Just(Effort::Medium), Just(Effort::High)];
    let choice = prop_oneof![
        Just(ToolChoice::Automatic),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        Just(ToolChoice::Named("read".to_owned())),
    ];
    (
        prop::sample::select(models),
        prop::collection::vec(message, 0..6),
        choice,
        prop::option::of(effort),
        prop::option::of(any::<u32>()),
        prop::option::of(any::<f64>()),
        any::<bool>(),
    )
        .prop_map(|(model, messages, tool_choice, effort, max_tokens, temperature, system)| {
            CompletionRequest {
                messages,
                tools: vec![tool("read")],
                tool_choice,
                effort,
                max_tokens,
                temperature,
                system: if system { "be good".to_owned() } else { String::new() },
                ..request(model)
            }
        })
}
