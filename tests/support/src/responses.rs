//! A strict server for OpenAI's Responses API, after its public API reference
//! (<https://platform.openai.com/docs/api-reference/responses>), the order of its streamed events after
//! <https://platform.openai.com/docs/api-reference/responses-streaming>.
//!
//! Nothing is stored here, so whatever a model has to know again is in the request: calls with their results, and
//! the encrypted reasoning that led to them, unchanged and in its place.

mod answer;
mod input;
mod read;
mod request;
mod sent;

use serde_json::{Value, json};

use crate::{
    openai,
    server::{Answer, Conversation, Endpoint, Problem, Received, Server, Wire, reply::Reply},
};

/// The server.
pub type OpenAiResponses = Server<Responses>;

/// The wire format of Responses.
#[derive(Debug, Default)]
pub struct Responses {
    sent: sent::Sent,
}

impl Wire for Responses {
    const NAME: &'static str = "openai";
    const KEY_VARIABLE: &'static str = openai::Chat::KEY_VARIABLE;
    const KEY: &'static str = "koi-test-key-for-responses";
    const MODEL: &'static str = "gpt-5.5";

    fn options() -> Vec<(&'static str, &'static str)> {
        // By itself the format is only chosen at the vendor's own address.
        vec![("api", "responses")]
    }

    fn endpoint(&self, request: &Received) -> Option<Endpoint> {
        match (request.method.as_str(), request.path.as_str(), &request.query) {
            ("GET", "/v1/models", _) => Some(Endpoint::Models),
            ("POST", "/v1/responses", None) => Some(Endpoint::Completion),
            _ => None,
        }
    }

    fn check_headers(&self, request: &Received) -> Vec<String> {
        openai::check_headers(request, Self::KEY)
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
        let (answer, items) = answer::answer(&request.body, reply, number);
        self.sent.keep(items);
        answer
    }

    fn models(&self) -> Value {
        let model = json!({ "id": Self::MODEL, "object": "model", "created": 1_740_000_000,
            "owned_by": "openai" });
        json!({ "object": "list", "data": [model] })
    }

    fn error(&self, _status: u16, kind: &str, message: &str) -> Value {
        openai::error(kind, message, None)
    }

    fn problem(problem: Problem) -> Option<Reply> {
        Some(match problem {
            Problem::WrongKey => openai::wrong_key(),
            Problem::Forbidden => openai::region_refused(),
            Problem::Quota => openai::quota_used_up(),
            Problem::RateLimited => openai::rate_limited(Some("2")),
            Problem::Overloaded => overloaded(),
            Problem::ServerError => openai::server_error(),
            Problem::Overflow => context_overflow(),
            Problem::UnknownModel => unknown_model(Self::MODEL),
            Problem::BadRequest => bad_request(),
            Problem::Refused => openai::content_refused(),
        })
    }

    fn in_stream(problem: Problem, said: &str) -> Vec<Reply> {
        // A response fails with the codes of the reference and some more; the event has one of every kind.
        let (code, fails) = match problem {
            Problem::Quota => ("insufficient_quota", true),
            Problem::RateLimited => ("rate_limit_exceeded", true),
            Problem::Overloaded => ("server_is_overloaded", true),
            Problem::ServerError => ("server_error", true),
            Problem::Overflow => ("context_length_exceeded", true),
            Problem::Refused => ("invalid_prompt", true),
            Problem::WrongKey => ("invalid_api_key", false),
            Problem::Forbidden => ("unsupported_country_region_territory", false),
            Problem::UnknownModel => ("model_not_found", false),
            Problem::BadRequest => ("invalid_value", false),
        };
        let message = "An error. Please try again in 1s.";
        let error = json!({ "code": code, "message": message, "param": null });
        let mut flat = error.clone();
        flat["type"] = "error".into();
        let events = [flat, json!({ "type": "error", "error": error })];
        let failed = fails.then(|| failed(code, message));
        events.into_iter().chain(failed).map(|last| broken_off(said, last)).collect()
    }
}

/// The vendor has too much to do, and says so in a stream that it has begun: the code is all that tells it.
pub fn overloaded() -> Reply {
    let message = "Our servers are currently overloaded. Please try again later.";
    failed_in_stream("server_is_overloaded", message)
}

/// The conversation is too long. Of a stream the vendor only finds out once it has begun.
pub fn context_overflow() -> Reply {
    let message = "Your input exceeds the context window of this model. Please adjust your input and try again.";
    let error = json!({ "type": "invalid_request_error", "code": "context_length_exceeded",
        "message": message, "param": "input" });
    stream(&[answer::head(), json!({ "type": "error", "error": error })])
}

/// The model does not exist, which is not a 404 here.
pub fn unknown_model(model: &str) -> Reply {
    let message = format!("The requested model '{model}' does not exist.");
    Reply::json(400, &openai::error("invalid_request_error", &message, Some("model_not_found")))
}

/// A parameter is wrong.
pub fn bad_request() -> Reply {
    let message = "Unsupported parameter: 'temperature' is not supported with this model.";
    Reply::json(400, &openai::error("invalid_request_error", message, None))
}

/// A stream that begins well and then brings an error, with its fields as the reference has them.
pub fn error_in_stream() -> Reply {
    let message = "The server had an error processing your request. Sorry about that!";
    let error =
        json!({ "type": "error", "code": "server_error", "message": message, "param": null });
    broken_off("Hal", error)
}

/// A stream that says something, if it is not empty, and then brings this event.
fn broken_off(said: &str, last: Value) -> Reply {
    let text = (!said.is_empty()).then(|| answer::delta(said));
    let events: Vec<Value> = [answer::head()].into_iter().chain(text).chain([last]).collect();
    stream(&events)
}

/// A stream whose response fails with this code.
pub fn failed_in_stream(code: &str, message: &str) -> Reply {
    broken_off("", failed(code, message))
}

fn failed(code: &str, message: &str) -> Value {
    let mut failed = answer::head();
    failed["type"] = "response.failed".into();
    failed["response"]["status"] = "failed".into();
    failed["response"]["error"] = json!({ "code": code, "message": message });
    failed
}

fn stream(events: &[Value]) -> Reply {
    let body: String = (0..).zip(events).map(|(at, event)| answer::event(at, event)).collect();
    Reply::raw(200, &[("content-type", answer::STREAM)], body)
}
