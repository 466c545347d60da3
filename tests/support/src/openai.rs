//! A strict server for OpenAI's Chat Completions API, after its public API reference.
//!
//! What the reference calls an error is one here: parameters that a reasoning model does not take, tool
//! results without their calls, fields that do not exist.

mod answer;
mod embeddings;
mod read;
mod request;

pub(crate) use request::reasons;
use serde_json::{Value, json};

use crate::server::{
    Answer, Conversation, Endpoint, Problem, Received, Server, Wire, reply::Reply,
};

/// The server.
pub type OpenAi = Server<Chat>;

/// The wire format of Chat Completions.
#[derive(Debug, Default)]
pub struct Chat;

/// A model that reasons, for tests about its parameters.
pub const REASONING_MODEL: &str = "o4-mini";

impl Wire for Chat {
    const NAME: &'static str = "openai";
    const KEY_VARIABLE: &'static str = "OPENAI_API_KEY";
    const KEY: &'static str = "koi-test-key-for-chat-completions";
    const MODEL: &'static str = "gpt-4.1";

    fn endpoint(&self, request: &Received) -> Option<Endpoint> {
        match (request.method.as_str(), request.path.as_str(), &request.query) {
            ("GET", "/v1/models", _) => Some(Endpoint::Models),
            ("POST", "/v1/chat/completions", None) => Some(Endpoint::Completion),
            ("POST", "/v1/embeddings", None) => Some(Endpoint::Embeddings),
            _ => None,
        }
    }

    fn check_headers(&self, request: &Received) -> Vec<String> {
        check_headers(request, Self::KEY)
    }

    fn check(&self, request: &Received) -> Vec<String> {
        request::check(&request.body)
    }

    fn conversation(&self, body: &Value) -> Conversation {
        read::conversation(body)
    }

    fn answer(&self, request: &Received, reply: &Reply, number: usize) -> Answer {
        answer::answer(&request.body, reply, number)
    }

    fn models(&self) -> Value {
        let model = |id: &str| json!({ "id": id, "object": "model", "created": 1_740_000_000, "owned_by": "openai" });
        json!({ "object": "list", "data": [model(Self::MODEL), model(REASONING_MODEL)] })
    }

    fn embeddings(&self, body: &Value) -> Result<Value, Vec<String>> {
        embeddings::answer(body)
    }

    fn error(&self, _status: u16, kind: &str, message: &str) -> Value {
        error(kind, message, None)
    }

    fn problem(problem: Problem) -> Option<Reply> {
        Some(match problem {
            Problem::WrongKey => wrong_key(),
            Problem::Forbidden => region_refused(),
            Problem::Quota => quota_used_up(),
            Problem::RateLimited => rate_limited(Some("2")),
            Problem::Overloaded => overloaded(),
            Problem::ServerError => server_error(),
            Problem::Overflow => context_overflow(),
            Problem::UnknownModel => unknown_model(Self::MODEL),
            Problem::BadRequest => bad_request(),
            Problem::Refused => content_refused(),
        })
    }

    fn in_stream(problem: Problem, said: &str) -> Vec<Reply> {
        // The same document as with a status, as the data of an event.
        let error = Self::problem(problem).and_then(|reply| reply.error());
        error.iter().map(|error| broken_off(said, error)).collect()
    }
}

/// Returns what is wrong with the headers of a request, for each of the vendor's formats.
pub(crate) fn check_headers(request: &Received, key: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let authorization = format!("Bearer {key}");
    if header("authorization") != Some(&authorization) {
        faults.push(format!("authorization is {:?}", header("authorization").map(shorten)));
    }
    if request.method == "POST" && header("content-type") != Some("application/json") {
        faults.push(format!("content-type is {:?}", header("content-type")));
    }
    if header("x-api-key").is_some() {
        faults.push("x-api-key is another vendor's header".to_owned());
    }
    faults
}

/// Returns the beginning of a secret, for messages.
fn shorten(text: &str) -> String {
    text.chars().take(12).chain("…".chars()).collect()
}

/// An error in the format of the vendor.
pub(crate) fn error(kind: &str, message: &str, code: Option<&str>) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

/// The key is wrong.
pub fn wrong_key() -> Reply {
    let message = "Incorrect API key provided: koi-test*****************ions. You can find your API key at \
                   https://platform.openai.com/account/api-keys.";
    Reply::json(401, &error("invalid_request_error", message, Some("invalid_api_key")))
}

/// The account has no money left.
pub fn quota_used_up() -> Reply {
    let message = "You exceeded your current quota, please check your plan and billing details.";
    Reply::json(429, &error("insufficient_quota", message, Some("insufficient_quota")))
}

/// Too many requests; `retry_after` is the header's value.
pub fn rate_limited(retry_after: Option<&str>) -> Reply {
    let message = "Rate limit reached for gpt-4.1 in organization org-test on requests per min (RPM): \
                   Limit 3, Used 3, Requested 1. Please try again in 1s.";
    let reply = Reply::json(429, &error("requests", message, Some("rate_limit_exceeded")));
    retry_after.into_iter().fold(reply, |reply, value| reply.header("retry-after", value))
}

/// The vendor's own fault.
pub fn server_error() -> Reply {
    let message = "The server had an error while processing your request. Sorry about that!";
    Reply::json(500, &error("server_error", message, None))
}

/// The service is not offered where the request came from.
pub fn region_refused() -> Reply {
    let message = "Country, region, or territory not supported";
    let code = Some("unsupported_country_region_territory");
    Reply::json(403, &error("request_forbidden", message, code))
}

/// The vendor has too much to do.
pub fn overloaded() -> Reply {
    let message = "The engine is currently overloaded, please try again later";
    Reply::json(503, &error("server_error", message, None))
}

/// A parameter is wrong.
pub fn bad_request() -> Reply {
    let message = "Invalid type for 'temperature': expected a decimal, but got a string instead.";
    Reply::json(400, &error("invalid_request_error", message, Some("invalid_type")))
}

/// The vendor's filter refused the prompt.
pub fn content_refused() -> Reply {
    let message = "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please \
                   try again with a different prompt.";
    Reply::json(400, &error("invalid_request_error", message, Some("invalid_prompt")))
}

/// The conversation is too long.
pub fn context_overflow() -> Reply {
    let message = "This model's maximum context length is 8192 tokens. However, you requested 8334 tokens (338 \
                   in the messages, 7996 in the completion). Please reduce the length of the messages or \
                   completion.";
    let code = Some("context_length_exceeded");
    Reply::json(400, &error("invalid_request_error", message, code))
}

/// The model does not exist.
pub fn unknown_model(model: &str) -> Reply {
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    Reply::json(404, &error("invalid_request_error", &message, Some("model_not_found")))
}

/// A stream that begins well and then brings an error.
pub fn error_in_stream() -> Reply {
    let message = "The server had an error processing your request.";
    broken_off("Hal", &error("server_error", message, None))
}

/// A stream that says something, if it is not empty, and then brings this error.
fn broken_off(said: &str, error: &Value) -> Reply {
    let chunk = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_740_000_000,
        "model": Chat::MODEL, "choices": [{ "index": 0, "finish_reason": null,
            "delta": { "role": "assistant", "content": said } }] });
    let body = format!("data: {chunk}\n\ndata: {error}\n\n");
    Reply::raw(200, &[("content-type", "text/event-stream")], body)
}
