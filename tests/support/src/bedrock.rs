//! A strict server for the ConverseStream operation of Amazon Bedrock, after its public API reference.
//!
//! It checks the signature of every request by itself, with the secret that it knows, and answers in the binary
//! stream of events. Thoughts that it signed have to come back unchanged in a round of tools.

mod answer;
mod eventstream;
mod message;
mod read;
mod request;
mod signature;
mod thinking;

use serde_json::{Value, json};

use crate::server::{
    Answer, Conversation, Endpoint, Problem, Received, Server, Wire, reply::Reply,
};

/// The server.
pub type Bedrock = Server<Converse>;

/// The wire format of Converse.
#[derive(Debug, Default)]
pub struct Converse {
    sent: thinking::Sent,
}

/// The id of the keys, which is public.
pub const ID: &str = "AKIDKOITESTKEYS";
/// The token of the session.
pub const TOKEN: &str = "koi-test-token-of-a-session//////////wEXAMPLE==";
/// The region that signatures are good for.
pub const REGION: &str = "eu-central-1";
/// A key of Bedrock's own, which is sent instead of a signature.
pub const API_KEY: &str = "koi-test-api-key-for-bedrock";

impl Wire for Converse {
    const NAME: &'static str = "bedrock";
    const KEY_VARIABLE: &'static str = "AWS_SECRET_ACCESS_KEY";
    const KEY: &'static str = "koi-test-secret-for/converse+EXAMPLE";
    const MODEL: &'static str = "global.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const BASE: &'static str = "";
    const SIGNED: bool = true;

    fn environment() -> Vec<(&'static str, &'static str)> {
        vec![
            ("AWS_ACCESS_KEY_ID", ID),
            (Self::KEY_VARIABLE, Self::KEY),
            ("AWS_SESSION_TOKEN", TOKEN),
            ("AWS_REGION", REGION),
        ]
    }

    fn endpoint(&self, request: &Received) -> Option<Endpoint> {
        // By the control plane, which is another host unless the user says where the service is.
        if (request.method.as_str(), request.path.as_str()) == ("GET", "/inference-profiles") {
            let wanted = request.query.as_deref() == Some("maxResults=1000&type=SYSTEM_DEFINED");
            return wanted.then_some(Endpoint::Models);
        }
        let model = request.path.strip_prefix("/model/")?.strip_suffix("/converse-stream")?;
        // One segment, in which a colon and a slash are encoded as the SDKs of the vendor do.
        let proper = !model.is_empty() && !model.contains(['/', ':']);
        let post = request.method == "POST" && request.query.is_none();
        (post && proper).then_some(Endpoint::Completion)
    }

    fn check_headers(&self, request: &Received) -> Vec<String> {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let mut faults = Vec::new();
        if request.method == "POST" && header("content-type") != Some("application/json") {
            faults.push("the header `content-type` is missing or wrong".to_owned());
        }
        match header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
            Some(API_KEY) => {}
            Some(_) => faults.push("Authentication failed".to_owned()),
            None => faults.extend(signature::check(request, std::time::SystemTime::now())),
        }
        faults
    }

    fn check(&self, request: &Received) -> Vec<String> {
        let mut faults = request::check(&request.body, &model(request));
        faults.extend(self.sent.check(&request.body));
        faults
    }

    fn conversation(&self, body: &Value) -> Conversation {
        read::conversation(body)
    }

    fn answer(&self, _request: &Received, reply: &Reply, number: usize) -> Answer {
        let (answer, content) = answer::answer(reply, number);
        self.sent.keep(content);
        answer
    }

    fn models(&self) -> Value {
        let profile = |id: &str, name: &str| {
            json!({
                "inferenceProfileId": id,
                "inferenceProfileArn": format!("arn:aws:bedrock:{REGION}::inference-profile/{id}"),
                "inferenceProfileName": name,
                "models": [{ "modelArn": format!("arn:aws:bedrock:{REGION}::foundation-model/m") }],
                "status": "ACTIVE",
                "type": "SYSTEM_DEFINED",
            })
        };
        json!({ "inferenceProfileSummaries": [profile(Self::MODEL, "Global Claude Sonnet 4.5")] })
    }

    fn error(&self, _status: u16, _kind: &str, message: &str) -> Value {
        json!({ "message": message })
    }

    fn problem(problem: Problem) -> Option<Reply> {
        Some(match problem {
            Problem::WrongKey => wrong_key(),
            Problem::Forbidden => forbidden(),
            Problem::Quota => quota_used_up(),
            Problem::RateLimited => throttled(),
            Problem::Overloaded => overloaded(),
            Problem::ServerError => server_error(),
            Problem::Overflow => context_overflow(),
            Problem::UnknownModel => unknown_model(),
            Problem::BadRequest => bad_request(),
            // A guardrail is an ordinary answer with `stopReason: "guardrail_intervened"`.
            Problem::Refused => return None,
        })
    }

    fn in_stream(problem: Problem, said: &str) -> Vec<Reply> {
        // The exceptions of the stream's shape in the reference; key, permission and model are looked at before.
        let kinds: &[&str] = match problem {
            Problem::Quota | Problem::RateLimited => &["throttlingException"],
            Problem::Overloaded => &["serviceUnavailableException"],
            Problem::ServerError => &["internalServerException", "modelStreamErrorException"],
            Problem::Overflow | Problem::BadRequest => &["validationException"],
            Problem::WrongKey | Problem::Forbidden | Problem::UnknownModel | Problem::Refused => {
                &[]
            }
        };
        let error = Self::problem(problem).and_then(|reply| reply.error()).unwrap_or_default();
        kinds.iter().map(|kind| broken_off(said, kind, &error)).collect()
    }
}

/// Returns the model that the path names.
fn model(request: &Received) -> String {
    let path = request.path.trim_start_matches("/model/");
    let id = path.split('/').next().unwrap_or_default();
    id.replace("%3A", ":").replace("%2F", "/")
}

fn error(status: u16, kind: &str, message: &str) -> Reply {
    let kind = format!("{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/");
    Reply::json(status, &json!({ "message": message })).header("x-amzn-errortype", &kind)
}

/// The keys are not known.
pub fn wrong_key() -> Reply {
    let message = "The security token included in the request is invalid.";
    error(403, "UnrecognizedClientException", message)
}

/// The signature is older than the vendor allows: the clock is wrong.
pub fn wrong_clock() -> Reply {
    let message = "Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z \
                   (20150830T124600Z - 5 min.)";
    error(403, "InvalidSignatureException", message)
}

/// The keys may not do this.
pub fn forbidden() -> Reply {
    let message = "You don't have access to the model with the specified model ID.";
    error(403, "AccessDeniedException", message)
}

/// What an account may take in a day is taken.
pub fn quota_used_up() -> Reply {
    let message = "Too many tokens per day, please wait before trying again.";
    error(429, "ThrottlingException", message)
}

/// Too many requests. The vendor does not say how long to wait.
pub fn throttled() -> Reply {
    error(429, "ThrottlingException", "Too many requests, please wait before trying again.")
}

/// The vendor has too much to do.
pub fn overloaded() -> Reply {
    let message = "Bedrock is unable to process your request.";
    error(503, "ServiceUnavailableException", message)
}

/// The vendor's own fault.
pub fn server_error() -> Reply {
    let message =
        "The system encountered an unexpected error during processing. Try your request again.";
    error(500, "InternalServerException", message)
}

/// The conversation is too long.
pub fn context_overflow() -> Reply {
    error(400, "ValidationException", "Input is too long for requested model.")
}

/// The model does not exist.
pub fn unknown_model() -> Reply {
    error(400, "ValidationException", "The provided model identifier is invalid.")
}

/// A parameter is wrong.
pub fn bad_request() -> Reply {
    let message = "The value at messages.0.content is empty.";
    error(400, "ValidationException", message)
}

/// A stream that begins well and then brings an error.
pub fn error_in_stream() -> Reply {
    let message = json!({ "message": "Too many requests, please wait before trying again." });
    broken_off("", "throttlingException", &message)
}

/// A stream that says something, if it is not empty, and then brings this exception.
fn broken_off(said: &str, kind: &str, error: &Value) -> Reply {
    let start = eventstream::event("messageStart", &json!({ "role": "assistant" }));
    let delta = json!({ "contentBlockIndex": 0, "delta": { "text": said } });
    let text = eventstream::event("contentBlockDelta", &delta);
    let text = if said.is_empty() { Vec::new() } else { text };
    let body = [start, text, eventstream::exception(kind, error)].concat();
    Reply::raw(200, &[("content-type", eventstream::TYPE)], body)
}
