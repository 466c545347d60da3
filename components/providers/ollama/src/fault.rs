//! The meaning of an error of the service, and what a person can do about it.

use openkoi_provider_wire::fault;
use openkoi_sdk::provider::{Diagnosis, Problem};
use serde_json::Value;

/// Sentences that mean something else than their status says, with what to do.
const SENTENCES: [(&str, &str); 3] = [
    ("does not support tools", "it cannot work; take a model that calls tools"),
    ("does not support thinking", "`think = \"false\"` keeps it from being asked to"),
    ("requires more system memory", "a smaller model or a smaller `context` needs less"),
];

/// Reads an error response.
pub(crate) fn diagnose(status: u16, body: &[u8]) -> Diagnosis {
    let inner = inner(body);
    let mut diagnosis = fault::diagnose(status, inner.as_deref().unwrap_or(body));
    let known = SENTENCES.iter().find(|(sentence, _)| diagnosis.message.contains(sentence));
    if let Some((_, advice)) = known {
        diagnosis.problem = Problem::InvalidRequest;
        diagnosis.message = format!("{}; {advice}", diagnosis.message);
    }
    if diagnosis.problem == Problem::UnknownModel
        && let Some(model) = quoted(&diagnosis.message)
    {
        diagnosis.message = format!("{}; `ollama pull {model}` gets it", diagnosis.message);
    }
    diagnosis
}

/// Returns the error of the program behind the service, which newer versions pass on as a text of JSON.
fn inner(body: &[u8]) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = value["error"].as_str()?;
    let inner: Value = serde_json::from_str(text).ok()?;
    inner.is_object().then(|| text.as_bytes().to_vec())
}

fn quoted(sentence: &str) -> Option<&str> {
    let name = sentence.split(['\'', '"']).nth(1)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// Reads an error that came after a good beginning. Nearly always the program that runs the model has ended, or could
/// not make sense of what the model wrote: the next attempt goes well.
pub(crate) fn in_stream(line: &Value) -> Diagnosis {
    let mut diagnosis = diagnose(0, line.to_string().as_bytes());
    if diagnosis.problem == Problem::Other {
        diagnosis.problem = Problem::Overloaded;
    }
    diagnosis
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: u16, error: &str) -> (Problem, String) {
        let body = json!({ "error": error }).to_string();
        let diagnosis = diagnose(status, body.as_bytes());
        (diagnosis.problem, diagnosis.message)
    }

    #[test]
    fn a_model_that_is_not_there_can_be_fetched() {
        assert_eq!(
            told(404, "model 'qwen3:4b' not found"),
            (
                Problem::UnknownModel,
                "model 'qwen3:4b' not found; `ollama pull qwen3:4b` gets it".to_owned()
            )
        );
        assert_eq!(
            told(404, "model \"x\" not found, try pulling it first").1,
            "model \"x\" not found, try pulling it first; `ollama pull x` gets it"
        );
        // What somebody may paste into a shell has no surprises in it.
        assert_eq!(told(404, "model '$(reboot)' not found").1, "model '$(reboot)' not found");
    }

    #[test]
    fn a_conversation_that_is_too_long_is_known_in_the_words_of_every_version() {
        let program = json!({ "error": { "code": 400, "n_ctx": 512, "n_prompt_tokens": 2622,
            "message": "request (2622 tokens) exceeds the available context size (512 tokens), try increasing it",
            "type": "exceed_context_size_error" } });
        let sentences = [
            (400, "the input length exceeds the context length".to_owned()),
            (500, "input length exceeds maximum context length".to_owned()),
            (400, "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the context length in settings, or use a model with a longer context length".to_owned()),
            (400, program.to_string()),
        ];

        for (status, sentence) in sentences {
            assert_eq!(told(status, &sentence).0, Problem::ContextOverflow, "{sentence}");
        }
    }

    #[test]
    fn what_a_model_cannot_do_is_final_and_comes_with_advice() {
        let cases = [
            (400, "registry.ollama.ai/library/gemma3:4b does not support tools"),
            (400, "\"llama3.1\" does not support thinking"),
            (500, "model requires more system memory (20.0 GiB) than is available (7.1 GiB)"),
        ];

        for (status, sentence) in cases {
            let (problem, message) = told(status, sentence);
            assert_eq!(problem, Problem::InvalidRequest, "{sentence}");
            assert!(message.len() > sentence.len() + 20, "{message}");
        }
        let wrapped = json!({ "error": { "code": 400, "type": "invalid_request_error",
            "message": "Multimodal data provided, but model does not support multimodal requests." } });
        assert_eq!(told(400, &wrapped.to_string()).0, Problem::InvalidRequest);
        assert_eq!(told(400, "illegal base64 data at input byte 0").0, Problem::InvalidRequest);
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        let busy = "server busy, please try again.  maximum pending requests exceeded";

        assert_eq!(told(503, busy), (Problem::Overloaded, busy.to_owned()));
        assert_eq!(
            told(500, "llama runner process has terminated: exit status 2").0,
            Problem::Overloaded
        );
        assert_eq!(told(401, "unauthorized").0, Problem::Credentials);
        assert_eq!(diagnose(404, b"404 page not found").problem, Problem::Other);
    }

    #[test]
    fn an_error_inside_of_a_stream_is_passing_final_or_an_overflow() {
        let cases = [
            (
                "an error was encountered while running the model: unexpected EOF",
                Problem::Overloaded,
            ),
            ("the input length exceeds the context length", Problem::ContextOverflow),
            ("x does not support tools", Problem::InvalidRequest),
            ("model 'qwen3:4b' not found", Problem::UnknownModel),
        ];
        for (error, problem) in cases {
            assert_eq!(in_stream(&json!({ "error": error })).problem, problem, "{error}");
        }
    }
}
