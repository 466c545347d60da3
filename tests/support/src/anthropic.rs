//! A strict server for Anthropic's Messages API, after its public API reference.
//!
//! Thoughts that the server signed have to come back unchanged in a round of tools, as the vendor's own
//! check of signatures demands.

mod answer;
mod message;
mod read;
mod request;
mod thinking;

use serde_json::{Value, json};

use crate::server::{
    Answer, Conversation, Endpoint, Problem, Received, Server, Wire, reply::Reply,
};

/// The server.
pub type Anthropic = Server<Messages>;

/// The wire format of Messages.
#[derive(Debug, Default)]
pub struct Messages {
    sent: thinking::Sent,
}

/// The version of the API, which every request names.
pub const VERSION: &str = "2023-06-01";

impl Wire for Messages {
    const NAME: &'static str = "anthropic";
    const KEY_VARIABLE: &'static str = "ANTHROPIC_API_KEY";
    const KEY: &'static str = "koi-test-key-for-messages";
    const MODEL: &'static str = "claude-sonnet-4-5";

    fn endpoint(&self, request: &Received) -> Option<Endpoint> {
        match (request.method.as_str(), request.path.as_str(), &request.query) {
            ("GET", "/v1/models", _) => Some(Endpoint::Models),
            ("POST", "/v1/messages", None) => Some(Endpoint::Completion),
            _ => None,
        }
    }

    fn check_headers(&self, request: &Received) -> Vec<String> {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let expected = [("x-api-key", Self::KEY), ("anthropic-version", VERSION)];
        let json = ("content-type", "application/json");
        let post = (request.method == "POST").then_some(json);
        let wrong =
            expected.into_iter().chain(post).filter(|(name, value)| header(name) != Some(value));
        let mut faults: Vec<String> =
            wrong.map(|(name, _)| format!("the header `{name}` is missing or wrong")).collect();
        if header("authorization").is_some() {
            faults.push("`authorization` beside `x-api-key`".to_owned());
        }
        faults
    }

    fn check(&self, request: &Received) -> Vec<String> {
        let mut faults = request::check(&request.body);
        faults.extend(self.sent.check(&request.body));
        faults
    }

    fn conversation(&self, body: &Value) -> Conversation {
        read::conversation(body)
    }

    fn answer(&self, request: &Received, reply: &Reply, number: usize) -> Answer {
        let (answer, content) = answer::answer(&request.body, reply, number);
        self.sent.keep(content);
        answer
    }

    fn models(&self) -> Value {
        let model = json!({
            "type": "model",
            "id": Self::MODEL,
            "display_name": "Claude Sonnet 4.5",
            "created_at": "2025-09-29T00:00:00Z",
        });
        json!({ "data": [model], "has_more": false, "first_id": Self::MODEL, "last_id": Self::MODEL })
    }

    fn error(&self, _status: u16, kind: &str, message: &str) -> Value {
        error(kind, message)
    }

    fn problem(problem: Problem) -> Option<Reply> {
        Some(match problem {
            Problem::WrongKey => wrong_key(),
            Problem::Forbidden => forbidden(),
            Problem::Quota => quota_used_up(),
            Problem::RateLimited => rate_limited(Some("2")),
            Problem::Overloaded => overloaded(),
            Problem::ServerError => server_error(),
            Problem::Overflow => context_overflow(),
            Problem::UnknownModel => unknown_model(Self::MODEL),
            Problem::BadRequest => bad_request(),
            // Refusals are an ordinary answer with `stop_reason: "refusal"`.
            Problem::Refused => return None,
        })
    }

    fn in_stream(problem: Problem, said: &str) -> Vec<Reply> {
        // Every kind of error may come as an event: <https://docs.claude.com/en/api/errors>.
        let error = Self::problem(problem).and_then(|reply| reply.error());
        error.iter().map(|error| broken_off(said, error)).collect()
    }
}

fn error(kind: &str, message: &str) -> Value {
    let id = "req_011CSHoEeqs5C35K2UUqR7Fy";
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": id })
}

/// The key is wrong.
pub fn wrong_key() -> Reply {
    Reply::json(401, &error("authentication_error", "invalid x-api-key"))
}

/// The account has no money left.
pub fn quota_used_up() -> Reply {
    let message = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing \
                   to upgrade or purchase credits.";
    Reply::json(400, &error("invalid_request_error", message))
}

/// Too many requests; `retry_after` is the header's value.
pub fn rate_limited(retry_after: Option<&str>) -> Reply {
    let message = "This request would exceed your organization's rate limit of 50,000 input tokens per minute.";
    let reply = Reply::json(429, &error("rate_limit_error", message));
    retry_after.into_iter().fold(reply, |reply, value| reply.header("retry-after", value))
}

/// The vendor's own fault.
pub fn server_error() -> Reply {
    Reply::json(500, &error("api_error", "Internal server error"))
}

/// The vendor has too much to do.
pub fn overloaded() -> Reply {
    Reply::json(529, &error("overloaded_error", "Overloaded"))
}

/// The key may not do this.
pub fn forbidden() -> Reply {
    let message = "Your API key does not have permission to use the specified resource.";
    Reply::json(403, &error("permission_error", message))
}

/// A parameter is wrong.
pub fn bad_request() -> Reply {
    let message = "messages.0.content: Input should be a valid list";
    Reply::json(400, &error("invalid_request_error", message))
}

/// The conversation is too long.
pub fn context_overflow() -> Reply {
    let message = "prompt is too long: 202609 tokens > 200000 maximum";
    Reply::json(400, &error("invalid_request_error", message))
}

/// The model does not exist.
pub fn unknown_model(model: &str) -> Reply {
    Reply::json(404, &error("not_found_error", &format!("model: {model}")))
}

/// A stream that begins well and then brings an error.
pub fn error_in_stream() -> Reply {
    broken_off("Hal", &error("overloaded_error", "Overloaded"))
}

/// A stream that says something, if it is not empty, and then brings this error.
fn broken_off(said: &str, error: &Value) -> Reply {
    let start = json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message",
        "role": "assistant", "content": [], "model": Messages::MODEL, "stop_reason": null,
        "stop_sequence": null, "usage": { "input_tokens": 100, "output_tokens": 1 } } });
    let block = json!({ "type": "content_block_start", "index": 0,
        "content_block": { "type": "text", "text": "" } });
    let delta = json!({ "type": "content_block_delta", "index": 0,
        "delta": { "type": "text_delta", "text": said } });
    let text = if said.is_empty() { Vec::new() } else { vec![&block, &delta] };
    let events = [&start].into_iter().chain(text).chain([error]);
    let body: String = events
        .map(|event| {
            let kind = event["type"].as_str().unwrap_or_default();
            format!("event: {kind}\ndata: {event}\n\n")
        })
        .collect();
    Reply::raw(200, &[("content-type", "text/event-stream; charset=utf-8")], body)
}
