//! The wire formats, and a long stream of each.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use openkoi_codec_anthropic::Anthropic;
use openkoi_codec_bedrock::Bedrock;
use openkoi_codec_google::Google;
use openkoi_codec_ollama::Ollama;
use openkoi_codec_openai::OpenAi;
use openkoi_sdk::provider::{
    Codec, CompletionRequest, Decoder, Endpoint, Event, Message, ToolChoice,
};
use openkoi_test_support::{
    anthropic::Messages,
    bedrock::Converse,
    google::Gemini,
    ollama::Native,
    openai::Chat,
    reply,
    responses::Responses,
    server::{Answer, Conversation, Received, Wire},
};

use crate::tape::{Pieces, Recording};

/// How much text the server writes at once. What has more than 10,000 bytes it cuts into large pieces, which no model
/// does; these have nine and a half thousand.
const CHARACTERS: usize = 7_600;

/// A wire format with both of its readers.
pub(crate) struct Format {
    /// Its name in tables.
    pub name: &'static str,
    /// The component that reads it.
    pub component: &'static str,
    /// A model that is spoken to in it.
    pub model: &'static str,
    /// The settings that it needs.
    pub options: Vec<(&'static str, &'static str)>,
    /// Reads a stream natively: how many bytes of text it has, and when the first was there.
    pub native: fn(&mut Pieces) -> (usize, Option<Instant>),
    answer: fn() -> Answer,
}

/// Returns every format that has a strict server. A new one is one line, and a package in `codecs`.
pub(crate) fn formats() -> Vec<Format> {
    vec![
        Format::of::<Messages, Anthropic>("anthropic"),
        Format::of::<Converse, Bedrock>("bedrock"),
        Format::of::<Gemini, Google>("google"),
        Format::of::<Native, Ollama>("ollama"),
        Format::of::<Chat, OpenAi>("openai chat"),
        Format::of::<Responses, OpenAi>("openai responses"),
    ]
}

impl Format {
    fn of<W: Wire, C: Codec>(name: &'static str) -> Self {
        Self {
            name,
            component: W::COMPONENT,
            model: W::MODEL,
            options: W::options(),
            native: native::<C>,
            answer: answer::<W, C>,
        }
    }

    /// Returns a stream of about so many bytes: what the server writes, with the events in its middle repeated.
    pub(crate) fn record(&self, bytes: usize) -> Arc<Recording> {
        let answer = (self.answer)();
        let kind = answer.headers.iter().find(|(name, _)| name == "content-type");
        let kind = kind.map_or("", |(_, value)| value.as_str());
        let events = events(&answer.body, kind);
        assert!(events.len() > 100, "{} is not a long stream", self.name);
        Arc::new(Recording::new(events, bytes, |pieces| (self.native)(pieces).0))
    }
}

/// Lets the server answer what the codec asks.
fn answer<W: Wire, C: Codec>() -> Answer {
    let options = W::options().into_iter();
    let endpoint = Endpoint {
        base_url: format!("https://api.example.com{}", W::BASE),
        options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    };
    let request = C::encode(&endpoint, &request(W::MODEL)).expect("it can be asked");
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let target = request.url.trim_start_matches("https://api.example.com");
    let (path, query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let received = Received {
        method: request.method,
        path: path.to_owned(),
        query: query.map(str::to_owned),
        headers: BTreeMap::new(),
        body: serde_json::from_str(&text).expect("a request is JSON"),
        text,
        conversation: Conversation::default(),
    };
    let long: String =
        "Grüße – „fertig“, said the fish. ".chars().cycle().take(CHARACTERS).collect();
    W::default().answer(&received, &reply(&long), 1)
}

fn request(model: &str) -> CompletionRequest {
    CompletionRequest {
        model: model.to_owned(),
        role: "executor".to_owned(),
        system: String::new(),
        messages: vec![Message::user("say much")],
        tools: Vec::new(),
        tool_choice: ToolChoice::Automatic,
        max_tokens: None,
        temperature: None,
        effort: None,
        schema: None,
    }
}

fn native<C: Codec>(pieces: &mut Pieces) -> (usize, Option<Instant>) {
    let mut decoder = C::decoder(200, &[]);
    let (mut text, mut first) = (0, None);
    let mut take = |events: Vec<Event>| {
        for event in events {
            if let Event::Text(more) = event {
                first.get_or_insert_with(Instant::now);
                text += more.len();
            }
        }
    };
    for piece in pieces {
        let mut events = Vec::new();
        decoder.push(&piece, &mut events).expect("the stream is well formed");
        take(events);
    }
    let mut events = Vec::new();
    decoder.finish(&mut events).expect("the stream is whole");
    take(events);
    (text, first)
}

/// Cuts a stream behind each of its events, however its type puts them one after the other.
fn events(body: &[u8], kind: &str) -> Vec<Vec<u8>> {
    let mut rest = body;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let length = match kind {
            "application/vnd.amazon.eventstream" => prelude(rest),
            kind if kind.starts_with("text/event-stream") => {
                after(rest, b"\n\n").min(after(rest, b"\r\n\r\n"))
            }
            _ => after(rest, b"\n"),
        };
        let (event, more) = rest.split_at(length.min(rest.len()));
        events.push(event.to_vec());
        rest = more;
    }
    events
}

fn after(bytes: &[u8], end: &[u8]) -> usize {
    let found = bytes.windows(end.len()).position(|window| window == end);
    found.map_or(bytes.len(), |at| at + end.len())
}

/// A frame begins with its own length.
fn prelude(bytes: &[u8]) -> usize {
    let length = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length));
    usize::try_from(length).ok().filter(|length| *length > 0).unwrap_or(bytes.len())
}
