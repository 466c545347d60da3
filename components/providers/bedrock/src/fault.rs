//! The meaning of an error of the service.
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html>

use openkoi_provider_wire::fault;
use openkoi_sdk::provider::{Diagnosis, Header, Problem, header};
use serde_json::Value;

/// Reads an error response.
pub(crate) fn diagnose(status: u16, headers: &[Header], body: &[u8]) -> Diagnosis {
    // The sentence is read as for all formats; so is all of an error that is not of AWS.
    let diagnosis = fault::diagnose(status, body);
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = header(headers, "x-amzn-errortype");
    let kind = kind.as_deref().or(value["__type"].as_str()).unwrap_or_default();
    of_kind(diagnosis, kind, &value)
}

/// Reads an error that came inside of a successful response.
pub(crate) fn in_stream(kind: &str, error: &Value) -> Diagnosis {
    let mut diagnosis = fault::in_stream(error);
    let said = ["message", "Message"].map(|name| error[name].as_str().unwrap_or_default());
    if said.iter().all(|message| message.is_empty()) {
        kind.clone_into(&mut diagnosis.message);
    }
    of_kind(diagnosis, kind, error)
}

fn of_kind(mut diagnosis: Diagnosis, kind: &str, error: &Value) -> Diagnosis {
    let message = error["Message"].as_str().filter(|message| !message.is_empty());
    if let Some(message) = message.filter(|_| error["message"].is_null()) {
        message.clone_into(&mut diagnosis.message);
    }
    say(&mut diagnosis, kind);
    diagnosis
}

/// Decides what an error of this kind means. `com.amazon.x#KindException:http://…` is `KindException`.
fn say(diagnosis: &mut Diagnosis, kind: &str) {
    let kind = kind.split(':').next().unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or_default().to_ascii_lowercase();
    let text = diagnosis.message.to_lowercase();
    let says = |words: &str| text.contains(words);
    diagnosis.problem = match kind.strip_suffix("exception").unwrap_or(&kind) {
        // A quota of the day: it is not over in a minute.
        "throttling" if says("per day") => Problem::Quota,
        "throttling" | "toomanyrequests" => Problem::RateLimited,
        "servicequotaexceeded" => Problem::Quota,
        "serviceunavailable" | "internalserver" | "internalfailure" | "modelnotready"
        | "modeltimeout" | "modelerror" | "modelstreamerror" => Problem::Overloaded,
        // Not the key is wrong, and nobody should be sent to look at it.
        "invalidsignature" | "requestexpired" if is_clock(&text) => {
            let message = format!("the clock of this machine is wrong: {}", diagnosis.message);
            diagnosis.message = message;
            Problem::InvalidRequest
        }
        "unrecognizedclient"
        | "invalidsignature"
        | "expiredtoken"
        | "requestexpired"
        | "incompletesignature"
        | "missingauthenticationtoken"
        | "invalidclienttokenid" => Problem::Credentials,
        "accessdenied" if says("authentication failed") || says("bearer token") => {
            Problem::Credentials
        }
        "accessdenied" => Problem::Forbidden,
        "resourcenotfound" => Problem::UnknownModel,
        "validation" => validation(diagnosis.problem, &text),
        // An answer without a kind: keys of Bedrock's own are refused like this.
        _ if says("authentication failed") => Problem::Credentials,
        _ => diagnosis.problem,
    };
}

/// Returns whether the signature is wrong only because of its time.
fn is_clock(text: &str) -> bool {
    ["signature expired", "signature not yet current"].iter().any(|words| text.contains(words))
}

/// Returns the meaning of a refused request. The limit of the conversation was looked for already.
fn validation(known: Problem, text: &str) -> Problem {
    const TOO_LONG: [&str; 4] = [
        "too many input tokens",
        "input tokens exceeded",
        "exceeds maximum length",
        "too large for model",
    ];
    const NO_MODEL: [&str; 4] = [
        "model identifier is invalid",
        "on-demand throughput isn",
        "model id is invalid",
        "model is not supported",
    ];
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    if known == Problem::ContextOverflow || says(&TOO_LONG) {
        Problem::ContextOverflow
    } else if says(&NO_MODEL) {
        Problem::UnknownModel
    } else {
        Problem::InvalidRequest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosed(status: u16, kind: &str, message: &str) -> Diagnosis {
        let headers = [Header::new("x-amzn-ErrorType", kind)];
        let body = serde_json::json!({ "message": message }).to_string();
        diagnose(status, &headers, body.as_bytes())
    }

    #[test]
    fn every_kind_has_its_meaning() {
        let cases = [
            (429, "ThrottlingException", "Too many requests, please wait.", Problem::RateLimited),
            (429, "ThrottlingException", "Too many tokens per day, please wait.", Problem::Quota),
            (400, "ServiceQuotaExceededException", "x", Problem::Quota),
            (503, "ServiceUnavailableException", "x", Problem::Overloaded),
            (429, "ModelNotReadyException", "x", Problem::Overloaded),
            (408, "ModelTimeoutException", "x", Problem::Overloaded),
            (424, "ModelErrorException", "x", Problem::Overloaded),
            (424, "ModelStreamErrorException", "x", Problem::Overloaded),
            (500, "InternalServerException", "x", Problem::Overloaded),
            (403, "UnrecognizedClientException", "x", Problem::Credentials),
            (403, "InvalidSignatureException", "x", Problem::Credentials),
            (403, "ExpiredTokenException", "x", Problem::Credentials),
            (403, "AccessDeniedException", "You don't have access", Problem::Forbidden),
            (403, "AccessDeniedException", "Bearer Token has expired", Problem::Credentials),
            (404, "ResourceNotFoundException", "x", Problem::UnknownModel),
            (400, "ValidationException", "Malformed input request", Problem::InvalidRequest),
            (
                400,
                "ValidationException",
                "The provided model identifier is invalid.",
                Problem::UnknownModel,
            ),
        ];
        for (status, kind, message, problem) in cases {
            for form in [kind.to_owned(), format!("com.amazon.coral#{kind}:http://x/")] {
                assert_eq!(diagnosed(status, &form, message).problem, problem, "{form} {message}");
            }
        }
    }

    #[test]
    fn every_way_to_say_that_the_conversation_is_too_long_is_understood() {
        for message in [
            "Input is too long for requested model.",
            "The model returned the following errors: prompt is too long: 211 tokens > 200 maximum",
            "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
            "400 Bad Request: Too many input tokens. Max input tokens: 8, request input token count: 9",
            "The model returned the following errors: input length and `max_tokens` exceed context limit: 1 + 2 > 2",
        ] {
            let problem = diagnosed(400, "ValidationException", message).problem;
            assert_eq!(problem, Problem::ContextOverflow, "{message}");
        }
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let said = "Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z";

        let diagnosis = diagnosed(403, "InvalidSignatureException", said);

        assert_eq!(diagnosis.problem, Problem::InvalidRequest);
        assert_eq!(diagnosis.message, format!("the clock of this machine is wrong: {said}"));
    }

    #[test]
    fn the_kind_may_be_in_the_body_and_the_sentence_in_capitals() {
        let body =
            br#"{"__type":"com.amazon.coral.service#ExpiredTokenException","Message":"old"}"#;
        let diagnosis = diagnose(403, &[], body);
        assert_eq!((diagnosis.problem, diagnosis.message.as_str()), (Problem::Credentials, "old"));

        let body =
            br#"{"Message":"Authentication failed: Please make sure your API Key is valid."}"#;
        assert_eq!(diagnose(403, &[], body).problem, Problem::Credentials);
        assert_eq!(diagnose(502, &[], b"<html>").problem, Problem::Overloaded);
    }

    #[test]
    fn inside_of_a_stream_every_exception_has_the_meaning_of_its_status() {
        let cases = [
            ("throttlingException", "Too many requests", Problem::RateLimited),
            ("throttlingException", "Too many tokens per day", Problem::Quota),
            ("modelStreamErrorException", "sorry", Problem::Overloaded),
            ("internalServerException", "sorry", Problem::Overloaded),
            ("serviceUnavailableException", "sorry", Problem::Overloaded),
            ("validationException", "no", Problem::InvalidRequest),
            (
                "validationException",
                "Input is too long for requested model.",
                Problem::ContextOverflow,
            ),
            ("surprise", "", Problem::Other),
        ];
        for (kind, message, problem) in cases {
            for name in ["message", "Message"] {
                let diagnosis = in_stream(kind, &serde_json::json!({ name: message }));
                let said = if message.is_empty() { kind } else { message };
                assert_eq!((diagnosis.problem, diagnosis.message.as_str()), (problem, said));
            }
        }
    }
}
