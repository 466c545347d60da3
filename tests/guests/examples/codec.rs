//! A provider whose wire format is lines, so that a test can write a stream by hand:
//!
//! ```text
//! text hello            call 0 id name        usage 12 3
//! thought hm            args 0 {"a":1}        reasoning opaque
//! fail later            spin                  end finished
//! report 429 sorry      (an error as it would be with that status)
//! ```
//!
//! A vector is a line of numbers, and `tokens 7` says how many tokens the texts were.

use openkoi_sdk::{
    Failure, Result,
    provider::{
        Broken, CallDelta, CallStart, Codec, CompletionRequest, Decoder, Diagnosis, Embeddings,
        Endpoint, Event, Header, HttpRequest, ModelEntry, Part, Problem, Reasoning, StopReason,
        Usage,
    },
};

/// The codec.
pub struct Lines;

/// Reads a stream of lines.
#[derive(Default)]
pub struct Reader {
    rest: Vec<u8>,
}

impl Codec for Lines {
    type Decoder = Reader;

    fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
        let said = request.messages.iter().flat_map(|message| &message.parts);
        let mut texts = said.filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let last = texts.next_back().unwrap_or_default();
        // A message may tell the codec to break the rules.
        let url = match last.strip_prefix("goto ") {
            Some(url) => url.to_owned(),
            None => endpoint.url("/turn"),
        };
        let once = last.starts_with("once ");
        let tone = endpoint.option("tone").unwrap_or("plain");
        let body = format!("{} {} {tone}: {last}", request.model, request.role);
        let mut request = HttpRequest::get(url);
        request.method = "POST".to_owned();
        request.body = body.into_bytes();
        request.repeatable = !once;
        request.credential = last.strip_prefix("with ").map(str::to_owned);
        Ok(request.header("x-tone", tone))
    }

    fn decoder(_: u16, _: &[Header]) -> Reader {
        Reader::default()
    }

    fn diagnose(status: u16, _: &[Header], body: &[u8]) -> Diagnosis {
        diagnosis(status, String::from_utf8_lossy(body).into_owned())
    }

    fn encode_models(endpoint: &Endpoint) -> Result<HttpRequest> {
        Ok(HttpRequest::get(endpoint.url("/models")))
    }

    fn decode_models(body: &[u8]) -> Result<Vec<ModelEntry>> {
        let lines = String::from_utf8_lossy(body).into_owned();
        let entries = lines.lines().map(|id| ModelEntry {
            name: id.to_uppercase(),
            context: Some(1_000),
            ..ModelEntry::of(id)
        });
        Ok(entries.collect())
    }

    fn encode_embeddings(
        endpoint: &Endpoint,
        model: &str,
        texts: &[String],
    ) -> Result<HttpRequest> {
        let mut request = HttpRequest::get(endpoint.url("/vectors"));
        request.method = "POST".to_owned();
        request.body = format!("{model}: {}", texts.join("|")).into_bytes();
        Ok(request)
    }

    fn decode_embeddings(body: &[u8]) -> Result<Embeddings> {
        let lines = String::from_utf8_lossy(body).into_owned();
        let tokens = lines.lines().find_map(|line| line.strip_prefix("tokens ")?.parse().ok());
        let vectors = lines.lines().filter(|line| !line.starts_with("tokens "));
        let vector =
            |line: &str| line.split(' ').filter_map(|number| number.parse().ok()).collect();
        Ok(Embeddings { vectors: vectors.map(vector).collect(), tokens })
    }
}

fn diagnosis(status: u16, message: String) -> Diagnosis {
    let problem = match status {
        429 => Problem::RateLimited,
        401 => Problem::Credentials,
        402 => Problem::Quota,
        404 => Problem::UnknownModel,
        413 => Problem::ContextOverflow,
        451 => Problem::Refused,
        400..500 => Problem::InvalidRequest,
        _ => Problem::Overloaded,
    };
    // `wait 7` in a message asks for seconds.
    let wait = message.split_once("wait ").and_then(|(_, rest)| rest.parse::<u64>().ok());
    Diagnosis { problem, message, retry_after_ms: wait.map(|seconds| seconds * 1_000) }
}

impl Decoder for Reader {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            events.extend(event(String::from_utf8_lossy(&line).trim_end_matches('\n'))?);
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<Event>) -> Result<(), Broken> {
        if self.rest.is_empty() { Ok(()) } else { Err(Failure::unavailable("cut short").into()) }
    }
}

fn event(line: &str) -> Result<Option<Event>, Broken> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (first, later) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = |text: &str| text.parse().unwrap_or(0);
    Ok(Some(match word {
        "text" => Event::Text(rest.to_owned()),
        "thought" => Event::Thought(rest.to_owned()),
        "reasoning" => Event::Reasoning(Reasoning { text: String::new(), state: rest.to_owned() }),
        "call" => {
            let (id, name) = later.split_once(' ').unwrap_or((later, ""));
            let (id, name) = (id.to_owned(), name.to_owned());
            Event::CallStarted(CallStart { index: number(first), id, name })
        }
        "args" => Event::CallArguments(CallDelta { index: number(first), json: later.to_owned() }),
        "usage" => Event::Usage(Usage {
            input: first.parse().ok(),
            output: later.parse().ok(),
            cache_read: None,
            cache_write: None,
            reasoning: None,
        }),
        "fail" => return Err(Failure::unavailable(rest).into()),
        "report" => {
            let (status, message) = (number(first), later.to_owned());
            return Err(diagnosis(u16::try_from(status).unwrap_or(0), message).into());
        }
        "spin" => loop {
            std::hint::black_box(());
        },
        "end" => Event::Finished(match rest {
            "length" => StopReason::Length,
            _ => StopReason::Finished,
        }),
        _ => return Ok(None),
    }))
}

#[cfg(target_family = "wasm")]
const _: () = {
    #[used]
    #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
    #[unsafe(link_section = "openkoi:manifest")]
    static MANIFEST: [u8; include_bytes!("codec.toml").len()] = *include_bytes!("codec.toml");
    type Exported = openkoi_sdk::provider::Adapter<Lines>;
    openkoi_sdk::bindings::provider::export!(Exported with_types_in openkoi_sdk::bindings::provider);
};
