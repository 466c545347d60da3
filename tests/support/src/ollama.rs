//! A strict server for Ollama's own API, after <https://docs.ollama.com/api> and `api/types.go` of its source.
//!
//! It is stricter than the original in one thing: a request that does not say how much is read, or that allows to cut,
//! is a fault, because the original would cut without a word. Thoughts have to come back in a round of tools.

mod answer;
mod read;
mod request;
mod thinking;

use serde_json::{Value, json};

use crate::server::{
    Answer, Conversation, Endpoint, Problem, Received, Server, Wire, reply::Reply,
};

/// The server.
pub type Ollama = Server<Native>;

/// The native wire format.
#[derive(Debug, Default)]
pub struct Native {
    sent: thinking::Sent,
}

impl Wire for Native {
    const FILTERS: bool = false;
    const CACHES: bool = false;
    const NAME: &'static str = "ollama";
    const KEY_VARIABLE: &'static str = "OLLAMA_API_KEY";
    const KEY: &'static str = "koi-test-key-for-the-cloud";
    const MODEL: &'static str = "qwen3-coder:30b";
    const BASE: &'static str = "";

    /// A server on this machine asks for no key.
    fn environment() -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn endpoint(&self, request: &Received) -> Option<Endpoint> {
        match (request.method.as_str(), request.path.as_str(), &request.query) {
            ("GET", "/api/tags", None) => Some(Endpoint::Models),
            ("POST", "/api/chat", None) => Some(Endpoint::Completion),
            _ => None,
        }
    }

    fn check_headers(&self, request: &Received) -> Vec<String> {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let mut faults = Vec::new();
        if request.method == "POST" && header("content-type") != Some("application/json") {
            faults.push(format!("content-type is {:?}", header("content-type")));
        }
        let key = format!("Bearer {}", Self::KEY);
        if header("authorization").is_some_and(|value| value != key) {
            faults.push("the header `authorization` is wrong".to_owned());
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
        let (answer, message) = answer::answer(&request.body, reply, number);
        self.sent.keep(&message);
        answer
    }

    fn models(&self) -> Value {
        json!({ "models": [{
            "name": Self::MODEL,
            "model": Self::MODEL,
            "modified_at": "2026-06-19T16:26:52.429441648-07:00",
            "size": 2_497_293_931_u64,
            "digest": "359d7dd4bcdab3d86b87d73ac27966f4dbb9f5efdfcc75d34a8764a09474fae7",
            "details": { "parent_model": "", "format": "gguf", "family": "qwen3moe", "families": ["qwen3moe"],
                "parameter_size": "30.5B", "quantization_level": "Q4_K_M" },
        }] })
    }

    fn error(&self, _status: u16, _kind: &str, message: &str) -> Value {
        error(message)
    }

    fn problem(problem: Problem) -> Option<Reply> {
        Some(match problem {
            Problem::WrongKey => Reply::json(401, &error("unauthorized")),
            Problem::Forbidden => Reply::json(403, &error("this model requires a subscription")),
            Problem::RateLimited => Reply::json(429, &error("too many concurrent requests")),
            Problem::Overloaded => busy(),
            Problem::ServerError => runner_gone(),
            Problem::Overflow => context_overflow(),
            Problem::UnknownModel => unknown_model(Self::MODEL),
            Problem::BadRequest => Reply::json(400, &error("illegal base64 data at input byte 0")),
            // A machine of one's own has no account, and refuses nothing.
            Problem::Quota | Problem::Refused => return None,
        })
    }

    fn in_stream(problem: Problem, said: &str) -> Vec<Reply> {
        // A line with a sentence and no status, of what may happen once a model runs; the rest is looked at before.
        let message = match problem {
            Problem::ServerError => {
                "an error was encountered while running the model: unexpected EOF"
            }
            Problem::Overflow => "the input length exceeds the context length",
            _ => return Vec::new(),
        };
        vec![broken_off(said, message)]
    }
}

fn error(message: &str) -> Value {
    json!({ "error": message })
}

/// More requests wait than the server keeps.
pub fn busy() -> Reply {
    let message = "server busy, please try again.  maximum pending requests exceeded";
    Reply::json(503, &error(message))
}

/// The program that runs the model has ended.
pub fn runner_gone() -> Reply {
    Reply::json(500, &error("llama runner process has terminated: exit status 2"))
}

/// The conversation is too long, in the words of the program that runs the model.
pub fn context_overflow() -> Reply {
    let inner = json!({ "error": { "code": 400, "n_ctx": 16_384, "n_prompt_tokens": 20_001,
        "message": "request (20001 tokens) exceeds the available context size (16384 tokens), try increasing it",
        "type": "exceed_context_size_error" } });
    Reply::json(400, &error(&inner.to_string()))
}

/// The model was not pulled.
pub fn unknown_model(model: &str) -> Reply {
    Reply::json(404, &error(&format!("model '{model}' not found")))
}

/// The model calls no tools.
pub fn without_tools(model: &str) -> Reply {
    let message = format!("registry.ollama.ai/library/{model} does not support tools");
    Reply::json(400, &error(&message))
}

/// A stream that begins well and then brings an error.
pub fn error_in_stream() -> Reply {
    broken_off("Hal", "an error was encountered while running the model: unexpected EOF")
}

/// A stream that says something and then brings this error.
fn broken_off(said: &str, message: &str) -> Reply {
    let first = json!({ "model": Native::MODEL, "created_at": answer::CREATED,
        "message": { "role": "assistant", "content": said }, "done": false });
    let last = error(message);
    Reply::raw(200, &[("content-type", answer::NDJSON)], format!("{first}\n{last}\n"))
}
