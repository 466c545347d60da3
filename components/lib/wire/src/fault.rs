//! The meaning of an error of a service.
//!
//! Services agree on little: the same fault comes as a status, as a code, as a type, or only as a sentence, and
//! gateways wrap the sentences of others. The order of the questions below matters. A sentence about the length of the
//! conversation is only believed where no rate limit is meant, because both talk of tokens and limits.

use openkoi_sdk::provider::{Diagnosis, Problem};
use serde_json::Value;

/// The part of a body that is searched. The telling sentence stands at its beginning.
const SEARCHED: usize = 16 * 1024;
/// The longest message that is passed on, in characters.
const MESSAGE: usize = 600;

/// Reads an error response.
pub fn diagnose(status: u16, body: &[u8]) -> Diagnosis {
    Fault::read(status, body).diagnosis()
}

/// Reads an error that came inside of a successful response, where only its own words tell what it is.
pub fn in_stream(error: &Value) -> Diagnosis {
    Fault::of(0, error, &error.to_string()).diagnosis()
}

/// The diagnosis of an answer that the service broke off for no reason that it gives.
pub fn broken_off(message: impl Into<String>) -> Diagnosis {
    Diagnosis { problem: Problem::Overloaded, message: message.into(), retry_after_ms: None }
}

/// The signs by which the meaning of an error is known.
struct Fault {
    status: u16,
    /// Codes and types, in lower case.
    kinds: Vec<String>,
    message: String,
    /// All of the body, in lower case.
    text: String,
}

impl Fault {
    fn read(status: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&body[..body.len().min(SEARCHED)]);
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of(status, &value, &text),
            Err(_) => Self::of(status, &Value::Null, &text),
        }
    }

    fn of(status: u16, value: &Value, text: &str) -> Self {
        // A list of one error is what some compatible services send.
        let value = value.get(0).unwrap_or(value);
        let error = value.get("error").unwrap_or(value);
        let code = [&error["code"], &value["code"]].into_iter().find_map(Value::as_u64);
        let status = match code.and_then(|code| u16::try_from(code).ok()) {
            // Other numbers are the service's own.
            Some(code) if status == 0 && (400..600).contains(&code) => code,
            _ => status,
        };
        Self {
            status,
            kinds: kinds(value, error),
            message: message(value, error, text, status),
            text: text.to_lowercase(),
        }
    }

    fn diagnosis(self) -> Diagnosis {
        Diagnosis { problem: self.problem(), retry_after_ms: self.wait(), message: self.message }
    }

    fn problem(&self) -> Problem {
        if self.is_overflow() {
            Problem::ContextOverflow
        } else if self.is_quota() {
            Problem::Quota
        } else if self.says_kind(REFUSAL_KINDS) {
            Problem::Refused
        } else {
            self.by_status()
        }
    }

    fn is_overflow(&self) -> bool {
        if self.says_kind(OVERFLOW_KINDS) {
            return true;
        }
        // Local servers report it with status 500.
        let possible = matches!(self.status, 0 | 400 | 413 | 422 | 500..=599);
        let told = || tells_of_overflow(&self.text) || compares_context(&self.message);
        possible && !self.is_rate() && told()
    }

    /// Returns whether the error speaks of a rate, whatever its status is.
    fn is_rate(&self) -> bool {
        self.says_kind(RATE_KINDS) || self.says(RATE_TEXTS)
    }

    fn is_quota(&self) -> bool {
        if self.status == 402 || self.says_kind(QUOTA_KINDS) {
            return true;
        }
        // Where the body says when to come back, it is a rate that was called a quota.
        let possible = matches!(self.status, 0 | 400 | 403 | 429);
        possible && self.says(QUOTA_TEXTS) && self.wait().is_none()
    }

    fn by_status(&self) -> Problem {
        match self.status {
            401 => Problem::Credentials,
            403 if self.says(CREDENTIAL_TEXTS) => Problem::Credentials,
            403 => Problem::Forbidden,
            404 if self.text.contains("model") || self.says_kind(MODEL_KINDS) => {
                Problem::UnknownModel
            }
            404 => Problem::Other,
            413 if self.is_rate() => Problem::RateLimited,
            413 => Problem::ContextOverflow,
            429 if self.says_kind(OVERLOAD_KINDS) => Problem::Overloaded,
            429 => Problem::RateLimited,
            408 | 498 | 500..=599 => Problem::Overloaded,
            0 | 200..=299 => self.by_kind().or_else(|| self.by_words()).unwrap_or(Problem::Other),
            400..=499 => self.by_kind().unwrap_or(Problem::InvalidRequest),
            _ => Problem::Other,
        }
    }

    fn by_kind(&self) -> Option<Problem> {
        if self.says_kind(CREDENTIAL_KINDS) || self.says(CREDENTIAL_TEXTS) {
            Some(Problem::Credentials)
        } else if self.says_kind(MODEL_KINDS) || self.says_model() {
            Some(Problem::UnknownModel)
        } else if self.says_kind(RATE_KINDS) {
            Some(Problem::RateLimited)
        } else if self.says_kind(OVERLOAD_KINDS) {
            Some(Problem::Overloaded)
        } else if self.says_kind(FORBIDDEN_KINDS) {
            Some(Problem::Forbidden)
        } else {
            self.says_kind(INVALID_KINDS).then_some(Problem::InvalidRequest)
        }
    }

    /// The meaning that the sentence alone gives.
    fn by_words(&self) -> Option<Problem> {
        if self.is_rate() {
            Some(Problem::RateLimited)
        } else {
            self.says(OVERLOAD_TEXTS).then_some(Problem::Overloaded)
        }
    }

    /// Returns whether the sentence says that there is no such model.
    fn says_model(&self) -> bool {
        let message = self.message.to_lowercase();
        message.contains("model") && MODEL_TEXTS.iter().any(|text| message.contains(text))
    }

    fn says(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.text.contains(text))
    }

    fn says_kind(&self, kinds: &[&str]) -> bool {
        self.kinds.iter().any(|kind| kinds.contains(&kind.as_str()))
    }

    /// The time to wait, where the sentence says it: `try again in 1m2.5s`, `"retryDelay": "38s"`.
    fn wait(&self) -> Option<u64> {
        ["try again in ", "retry in ", "\"retrydelay\": \"", "\"retrydelay\":\""]
            .iter()
            .find_map(|lead| self.text.split_once(lead))
            .and_then(|(_, rest)| duration_ms(rest))
    }
}

const OVERFLOW_KINDS: &[&str] = &[
    "context_length_exceeded",
    "context_window_exceeded",
    "model_context_window_exceeded",
    "string_above_max_length",
    "request_too_large",
];
const QUOTA_KINDS: &[&str] = &[
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "exceeded_current_quota_error",
    "insufficient_balance",
    "insufficient_user_quota",
];
const QUOTA_TEXTS: &[&str] = &[
    "exceeded your current quota",
    "credit balance is too low",
    "insufficient balance",
    "insufficient credits",
    "insufficient funds",
    "out of credits",
    "more credits",
    "spending limit",
    "billing hard limit",
];
const REFUSAL_KINDS: &[&str] = &[
    "content_filter",
    "content_policy_violation",
    "data_inspection_failed",
    "invalid_prompt",
    "responsibleaipolicyviolation",
];
const RATE_KINDS: &[&str] = &[
    "rate_limit_exceeded",
    "rate_limit_error",
    "rate_limit_reached_error",
    "too_many_requests",
    "tokens_per_minute",
    "429",
];
const RATE_TEXTS: &[&str] = &[
    "rate limit",
    "rate_limit",
    "ratelimit",
    "tokens per min",
    "requests per min",
    "tokens per day",
    "requests per day",
    "(tpm)",
    "(rpm)",
    "too many requests",
];
const OVERLOAD_KINDS: &[&str] = &[
    "overloaded_error",
    "engine_overloaded_error",
    "engine_overloaded",
    "server_error",
    "internal_server_error",
    "internal_error",
    "api_error",
    "timeout_error",
    "service_unavailable",
    "service_unavailable_error",
    "server_is_overloaded",
    "slow_down",
];
const OVERLOAD_TEXTS: &[&str] = &[
    "overloaded",
    "internal server error",
    "service unavailable",
    "temporarily unavailable",
    "try again later",
];
const CREDENTIAL_KINDS: &[&str] = &[
    "invalid_api_key",
    "authentication_error",
    "invalid_authentication_error",
    "incorrect_api_key_error",
];
const CREDENTIAL_TEXTS: &[&str] = &[
    "invalid api key",
    "incorrect api key",
    "api key not valid",
    "invalid x-api-key",
    "no api key",
    "missing api key",
];
const MODEL_KINDS: &[&str] = &["model_not_found", "not_found_error", "model_not_found_error"];
const MODEL_TEXTS: &[&str] = &[
    "does not exist",
    "not found",
    "no such model",
    "unknown model",
    "not a valid model",
    "invalid model",
    "is not available",
];
const FORBIDDEN_KINDS: &[&str] = &[
    "permission_error",
    "permission_denied",
    "permission_denied_error",
    "request_forbidden",
    "unsupported_country_region_territory",
];
const INVALID_KINDS: &[&str] = &["invalid_request_error", "invalid_argument"];

/// Sentences that say that the conversation is too long. Each line: all of these words.
const OVERFLOW_TEXTS: &[&[&str]] = &[
    &["prompt is too long"],
    &["input is too long"],
    &["exceed context limit"],
    &["maximum context length"],
    &["maximum prompt length"],
    &["context window", "exceed"],
    &["context length", "exceed"],
    &["longer than the context length"],
    &["context size", "exceed"],
    &["context_length_exceeded"],
    &["input token count", "exceeds the maximum number of tokens"],
    &["number of input tokens exceeds"],
    &["prompt token count", "exceeds the limit"],
    &["exceeded model token limit"],
    &["expected maxlength"],
    &["expected maxtokens"],
    &["range of input length should be"],
    &["length of prompt_tokens", "must be less than"],
    &["reduce the length of the messages"],
    &["`inputs` tokens", "must be <="],
    &["request_too_large"],
];

/// The measures of what a model reads.
const CONTEXT_TEXTS: &[&str] = &[
    "context length",
    "context window",
    "context size",
    "context limit",
    "context overflow",
    "the context",
];
/// Words that say that one thing is more than another.
const EXCESS_TEXTS: &[&str] = &[
    "exceed",
    "overflow",
    "not enough",
    "too long",
    "too large",
    "too small",
    "too many",
    "longer than",
    "larger than",
    "greater than",
    "more than",
    "does not fit",
    "doesn't fit",
];
/// What else may not be enough: a server that has no room for a model's context has read no conversation yet.
const ROOM_TEXTS: &[&str] = &["memory", "vram", "allocate", "disk", "failed to load", "deadline"];

/// Returns whether a sentence says that something is more than the context, in whatever words. Only the sentence for
/// people is asked: what else is in a body may be the conversation itself.
fn compares_context(message: &str) -> bool {
    let message = message.to_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    says(CONTEXT_TEXTS) && says(EXCESS_TEXTS) && message.contains("token") && !says(ROOM_TEXTS)
}

fn tells_of_overflow(text: &str) -> bool {
    // A deadline of the service, in the words of a language that calls it a context.
    if text.contains("context deadline exceeded") {
        return false;
    }
    OVERFLOW_TEXTS.iter().any(|words| words.iter().all(|word| text.contains(word)))
}

fn kinds(value: &Value, error: &Value) -> Vec<String> {
    let inner = &error["innererror"];
    [
        &error["code"],
        &error["type"],
        &error["status"],
        &inner["code"],
        &value["code"],
        &value["type"],
    ]
    .into_iter()
    .filter_map(|kind| match kind {
        Value::String(text) => Some(text.to_lowercase()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
    .collect()
}

/// Finds the sentence that was meant for people.
fn message(value: &Value, error: &Value, text: &str, status: u16) -> String {
    // A gateway keeps what the service behind it said, which says more than its own sentence.
    let wrapped = error["metadata"]["raw"].as_str().map(|raw| {
        let inner: Value = serde_json::from_str(raw).unwrap_or(Value::Null);
        let sentence = inner["error"]["message"].as_str().or(inner["message"].as_str());
        sentence.unwrap_or(raw).to_owned()
    });
    let said = [&error["message"], error, &value["message"], &value["detail"], &error["detail"]]
        .into_iter()
        .find_map(Value::as_str)
        .map(str::to_owned);
    let plain = (value.is_null() && !text.trim_start().starts_with('<')).then(|| text.to_owned());
    let found =
        [wrapped, said, plain].into_iter().flatten().find(|sentence| !sentence.trim().is_empty());
    match found {
        Some(sentence) => sentence.trim().chars().take(MESSAGE).collect(),
        None if status == 0 => "the provider reported an error without saying which".to_owned(),
        None => format!("the provider answered with status {status}"),
    }
}

/// Reads `1h2m3.5s`, `20ms` and the like at the start of `text`. A number alone means seconds.
fn duration_ms(text: &str) -> Option<u64> {
    let mut total = 0.0;
    let mut rest = text;
    let mut found = false;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..end].trim_end_matches('.').parse::<f64>() else {
            break;
        };
        let (factor, unit) = unit(rest[end..].trim_start());
        total += number * factor;
        found = true;
        rest = &rest[end..].trim_start()[unit..];
        if unit == 0 {
            break;
        }
    }
    // A conversion of a float saturates, so the absurd becomes the largest wait.
    found.then_some(total as u64)
}

/// The milliseconds of the unit at the start of `text`, and its length.
fn unit(text: &str) -> (f64, usize) {
    const UNITS: &[(&str, f64)] = &[
        ("milliseconds", 1.0),
        ("ms", 1.0),
        ("seconds", 1000.0),
        ("second", 1000.0),
        ("sec", 1000.0),
        ("s", 1000.0),
        ("minutes", 60_000.0),
        ("minute", 60_000.0),
        ("min", 60_000.0),
        ("m", 60_000.0),
        ("hours", 3_600_000.0),
        ("hour", 3_600_000.0),
        ("h", 3_600_000.0),
        ("days", 86_400_000.0),
        ("day", 86_400_000.0),
        ("d", 86_400_000.0),
    ];
    UNITS
        .iter()
        .find(|(name, _)| text.starts_with(name))
        .map_or((1000.0, 0), |(name, factor)| (*factor, name.len()))
}

#[cfg(test)]
mod tests;
