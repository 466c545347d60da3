//! A strict server for Google's Gemini API, after its public API reference.
//!
//! It is as particular as the vendor is: a call without its answer, an answer without its call, a keyword of JSON
//! Schema that is not documented, a parameter that belongs to another generation of models. Signatures of thoughts
//! have to come back on the parts that they were sent on, unchanged.

mod answer;
mod content;
mod keywords;
mod read;
mod request;
mod signatures;

use serde_json::{Value, json};

use crate::server::{
    Answer, Conversation, Endpoint, Problem, Received, Server, Wire, reply::Reply,
};

/// The server.
pub type Google = Server<Gemini>;

/// The wire format of the Gemini API.
#[derive(Debug, Default)]
pub struct Gemini {
    sent: signatures::Sent,
}

/// A model of the generation before signatures were checked, whose calls have no ids.
pub const OLDER_MODEL: &str = "gemini-2.5-flash";

const STREAM: &str = ":streamGenerateContent";
const WHOLE: &str = ":generateContent";

/// Returns the model of a request's path, and whether its answer is streamed.
fn model_of(path: &str) -> Option<(&str, bool)> {
    let rest = path.strip_prefix("/v1beta/models/")?;
    let streamed = rest.strip_suffix(STREAM).map(|model| (model, true));
    streamed.or(rest.strip_suffix(WHOLE).map(|model| (model, false)))
}

/// Whether a model is of a generation that gives its calls ids and signs them.
fn signs(model: &str) -> bool {
    !["gemini-1", "gemini-2"].iter().any(|old| model.starts_with(old))
}

impl Wire for Gemini {
    const NAME: &'static str = "google";
    const KEY_VARIABLE: &'static str = "GOOGLE_API_KEY";
    const KEY: &'static str = "koi-test-key-for-gemini";
    const MODEL: &'static str = "gemini-4-hydrogen";
    const BASE: &'static str = "/v1beta";

    fn endpoint(&self, request: &Received) -> Option<Endpoint> {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1beta/models") => Some(Endpoint::Models),
            ("POST", path) => model_of(path).map(|_| Endpoint::Completion),
            _ => None,
        }
    }

    fn check_headers(&self, request: &Received) -> Vec<String> {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let mut faults = Vec::new();
        if header("x-goog-api-key") != Some(Self::KEY) {
            faults.push("the header `x-goog-api-key` is missing or wrong".to_owned());
        }
        for other in ["authorization", "x-api-key"] {
            if header(other).is_some() {
                faults.push(format!("`{other}` is another way to sign in"));
            }
        }
        if request.method == "POST" && header("content-type") != Some("application/json") {
            faults.push(format!("content-type is {:?}", header("content-type")));
        }
        faults.extend(query_fault(request));
        faults
    }

    fn check(&self, request: &Received) -> Vec<String> {
        let (model, _) = model_of(&request.path).unwrap_or_default();
        let mut faults = request::check(model, &request.body);
        faults.extend(self.sent.check(signs(model), &request.body));
        faults
    }

    fn conversation(&self, body: &Value) -> Conversation {
        read::conversation(body)
    }

    fn answer(&self, request: &Received, reply: &Reply, number: usize) -> Answer {
        let (model, streamed) = model_of(&request.path).unwrap_or_default();
        let (answer, parts) = answer::answer(model, streamed, reply, number);
        self.sent.keep(parts);
        answer
    }

    fn models(&self) -> Value {
        let model = |id: &str, name: &str| {
            json!({
                "name": format!("models/{id}"),
                "version": "001",
                "displayName": name,
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
                "thinking": true,
            })
        };
        json!({ "models": [
            model(Self::MODEL, "Gemini 4 Hydrogen"), model(OLDER_MODEL, "Gemini 2.5 Flash"),
        ] })
    }

    fn error(&self, status: u16, _kind: &str, message: &str) -> Value {
        let name = if status == 404 { "NOT_FOUND" } else { "INVALID_ARGUMENT" };
        error(status, name, message, None)
    }

    fn problem(problem: Problem) -> Option<Reply> {
        Some(match problem {
            Problem::WrongKey => wrong_key(),
            Problem::Forbidden => forbidden(),
            Problem::Quota => quota_used_up(),
            Problem::RateLimited => rate_limited("2s"),
            Problem::Overloaded => overloaded(),
            Problem::ServerError => server_error(),
            Problem::Overflow => context_overflow(),
            Problem::UnknownModel => unknown_model(Self::MODEL),
            Problem::BadRequest => bad_request(),
            Problem::Refused => prompt_blocked(),
        })
    }

    fn in_stream(problem: Problem, said: &str) -> Vec<Reply> {
        // The same document as with a status. A prompt that is refused is an answer in good order.
        let error = Self::problem(problem).and_then(|reply| reply.error());
        error.iter().map(|error| broken_off(said, error)).collect()
    }
}

/// Returns what is wrong with the query: streams are asked for as events, and a key has no place in an address.
fn query_fault(request: &Received) -> Option<String> {
    let query = request.query.as_deref().unwrap_or_default();
    if query.split('&').any(|pair| pair.starts_with("key=")) {
        return Some("the key is in the query".to_owned());
    }
    let expected = match model_of(&request.path) {
        Some((_, true)) => "alt=sse",
        Some((_, false)) => "",
        None if query.starts_with("pageSize=") => query,
        None => "",
    };
    (query != expected).then(|| format!("the query is `{query}`"))
}

fn error(code: u16, status: &str, message: &str, details: Option<Value>) -> Value {
    let mut error = json!({ "code": code, "message": message, "status": status });
    if let Some(details) = details {
        error["details"] = details;
    }
    json!({ "error": error })
}

/// The key is wrong.
pub fn wrong_key() -> Reply {
    let message = "API key not valid. Please pass a valid API key.";
    let details = json!([
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": { "service": "generativelanguage.googleapis.com" } },
        { "@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US",
            "message": message },
    ]);
    Reply::json(400, &error(400, "INVALID_ARGUMENT", message, Some(details)))
}

/// The key's project may not use the service.
pub fn forbidden() -> Reply {
    let message = "Generative Language API has not been used in project 123456789012 before or it is disabled.";
    let details = json!([{ "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED", "domain": "googleapis.com" }]);
    Reply::json(403, &error(403, "PERMISSION_DENIED", message, Some(details)))
}

/// The service is not offered where the request came from.
pub fn region_refused() -> Reply {
    let message = "User location is not supported for the API use.";
    Reply::json(400, &error(400, "FAILED_PRECONDITION", message, None))
}

fn exhausted(period: &str, retry_delay: &str) -> Reply {
    let message = format!(
        "You exceeded your current quota, please check your plan and billing details. For more information on this \
         error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. \n* Quota exceeded for metric: \
         generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 20, model: {}\nPlease retry \
         in {retry_delay}.",
        Gemini::MODEL
    );
    let details = json!([
        { "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
            "quotaId": format!("GenerateRequests{period}PerProjectPerModel-FreeTier"),
            "quotaDimensions": { "location": "global", "model": Gemini::MODEL },
            "quotaValue": "20" }] },
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay },
    ]);
    Reply::json(429, &error(429, "RESOURCE_EXHAUSTED", &message, Some(details)))
}

/// The day's quota is used up. The vendor names a short wait even then.
pub fn quota_used_up() -> Reply {
    exhausted("PerDay", "38s")
}

/// Too many requests in a minute; the wait is in the body, as a duration.
pub fn rate_limited(retry_delay: &str) -> Reply {
    exhausted("PerMinute", retry_delay)
}

/// The vendor has too much to do.
pub fn overloaded() -> Reply {
    let message = "The model is overloaded. Please try again later.";
    Reply::json(503, &error(503, "UNAVAILABLE", message, None))
}

/// The vendor's own fault.
pub fn server_error() -> Reply {
    let message = "An internal error has occurred. Please retry or report in \
                   https://developers.generativeai.google/guide/troubleshooting";
    Reply::json(500, &error(500, "INTERNAL", message, None))
}

/// The conversation is too long.
pub fn context_overflow() -> Reply {
    let message =
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
    Reply::json(400, &error(400, "INVALID_ARGUMENT", message, None))
}

/// The model does not exist.
pub fn unknown_model(model: &str) -> Reply {
    let message = format!(
        "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call \
         ModelService.ListModels to see the list of available models and their supported methods."
    );
    Reply::json(404, &error(404, "NOT_FOUND", &message, None))
}

/// A parameter does not exist.
pub fn bad_request() -> Reply {
    let message = "Invalid JSON payload received. Unknown name \"temprature\" at 'generation_config': Cannot find \
                   field.";
    let details = json!([{ "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{ "field": "generation_config", "description": message }] }]);
    Reply::json(400, &error(400, "INVALID_ARGUMENT", message, Some(details)))
}

/// The prompt is one that the vendor does not answer.
pub fn prompt_blocked() -> Reply {
    let chunk = json!({
        "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" },
        "usageMetadata": { "promptTokenCount": 100, "totalTokenCount": 100 },
        "modelVersion": Gemini::MODEL,
        "responseId": "blocked",
    });
    Reply::raw(200, &[("content-type", "text/event-stream")], format!("data: {chunk}\r\n\r\n"))
}

/// A stream that begins well and then brings an error.
pub fn error_in_stream() -> Reply {
    let message = "The model is overloaded. Please try again later.";
    broken_off("Hal", &error(503, "UNAVAILABLE", message, None))
}

/// A stream that says something and then brings this error.
fn broken_off(said: &str, error: &Value) -> Reply {
    let chunk = json!({
        "candidates": [{ "content": { "parts": [{ "text": said }], "role": "model" }, "index": 0 }],
        "usageMetadata": { "promptTokenCount": 100, "totalTokenCount": 100 },
        "modelVersion": Gemini::MODEL,
        "responseId": "broken",
    });
    let body = format!("data: {chunk}\r\n\r\ndata: {error}\r\n\r\n");
    Reply::raw(200, &[("content-type", "text/event-stream")], body)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn received(path: &str, query: Option<&str>, headers: &[(&str, &str)]) -> Received {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Received {
            method: "POST".to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: headers.collect::<BTreeMap<_, _>>(),
            body: Value::Null,
            text: String::new(),
            conversation: Conversation::default(),
        }
    }

    const PATH: &str = "/v1beta/models/gemini-x:streamGenerateContent";
    const GOOD: [(&str, &str); 2] =
        [("x-goog-api-key", Gemini::KEY), ("content-type", "application/json")];

    #[test]
    fn the_key_is_in_its_header_and_nowhere_else() {
        let faults = |query: &str, headers: &[(&str, &str)]| {
            Gemini::default().check_headers(&received(PATH, Some(query), headers))
        };

        assert_eq!(faults("alt=sse", &GOOD), Vec::<String>::new());
        assert_eq!(faults("alt=sse&key=x", &GOOD), ["the key is in the query"]);
        assert_eq!(faults("alt=json", &GOOD), ["the query is `alt=json`"]);
        let bearer = [("authorization", "Bearer x"), ("content-type", "application/json")];
        assert_eq!(
            faults("alt=sse", &bearer),
            [
                "the header `x-goog-api-key` is missing or wrong",
                "`authorization` is another way to sign in"
            ]
        );
    }

    #[test]
    fn other_versions_and_methods_have_no_endpoint() {
        let endpoint = |path: &str| Gemini::default().endpoint(&received(path, None, &GOOD));

        assert_eq!(endpoint(PATH), Some(Endpoint::Completion));
        assert_eq!(endpoint("/v1beta/models/gemini-x:generateContent"), Some(Endpoint::Completion));
        assert_eq!(endpoint("/v1/models/gemini-x:streamGenerateContent"), None);
        assert_eq!(endpoint("/v1beta/models/gemini-x:countTokens"), None);
        assert_eq!(endpoint("/v1beta/models/models/x"), None);
    }

    #[test]
    fn every_problem_has_a_reply() {
        assert!(Problem::ALL.iter().all(|problem| Gemini::problem(*problem).is_some()));
    }
}
