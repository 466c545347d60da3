//! The meaning of an error of the service.
//!
//! Errors are `google.rpc.Status`: a code, a sentence, and details that say more than both
//! (<https://ai.google.dev/gemini-api/docs/troubleshooting>). Here is what only this vendor says; the rest is read as
//! for every vendor.

use openkoi_provider_wire::fault;
use openkoi_sdk::provider::{Diagnosis, Problem};
use serde_json::Value;

/// Reads an error response.
pub(crate) fn diagnose(status: u16, body: &[u8]) -> Diagnosis {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    refined(fault::diagnose(status, body), &value)
}

/// Reads an error that came inside of a successful response; it is the same document, and names its status itself.
pub(crate) fn in_stream(error: &Value) -> Diagnosis {
    refined(fault::in_stream(error), error)
}

fn refined(mut diagnosis: Diagnosis, value: &Value) -> Diagnosis {
    // Some endpoints wrap the error in a list.
    let error = &value.get(0).unwrap_or(value)["error"];
    if let Some(problem) = problem(error) {
        diagnosis.problem = problem;
    }
    if diagnosis.problem == Problem::Quota {
        // The service says when to come back even where the day's quota is used up.
        diagnosis.retry_after_ms = None;
    }
    diagnosis
}

fn problem(error: &Value) -> Option<Problem> {
    let message = error["message"].as_str().unwrap_or_default().to_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    match error["status"].as_str()? {
        "INVALID_ARGUMENT" if reasons(error).any(|reason| reason == "API_KEY_INVALID") => {
            Some(Problem::Credentials)
        }
        "INVALID_ARGUMENT" if says(OVERFLOW_TEXTS) => Some(Problem::ContextOverflow),
        "PERMISSION_DENIED" if says(KEY_TEXTS) => Some(Problem::Credentials),
        "FAILED_PRECONDITION" => Some(Problem::Forbidden),
        "RESOURCE_EXHAUSTED" if says(MONEY_TEXTS) || violations(error).any(is_used_up) => {
            Some(Problem::Quota)
        }
        "RESOURCE_EXHAUSTED" if violations(error).next().is_some() => Some(Problem::RateLimited),
        _ => None,
    }
}

/// A key that is missing or blocked comes as a permission that is missing.
const KEY_TEXTS: &[&str] =
    &["unregistered callers", "api key was reported as leaked", "api key has been suspended"];
const MONEY_TEXTS: &[&str] = &["credits are depleted", "spending cap", "spend cap"];
/// The size of a request in bytes, beside its tokens.
const OVERFLOW_TEXTS: &[&str] = &["request payload size exceeds the limit"];

fn reasons(error: &Value) -> impl Iterator<Item = &str> {
    details(error).filter_map(|detail| detail["reason"].as_str())
}

fn violations(error: &Value) -> impl Iterator<Item = &Value> {
    details(error).filter_map(|detail| detail["violations"].as_array()).flatten()
}

fn details(error: &Value) -> impl Iterator<Item = &Value> {
    error["details"].as_array().into_iter().flatten()
}

/// Returns whether waiting a while does not help: the day's quota is used up, or there never was any.
fn is_used_up(violation: &Value) -> bool {
    let id = violation["quotaId"].as_str().unwrap_or_default();
    id.contains("PerDay") || violation["quotaValue"] == "0"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOO_MANY_TOKENS: &str =
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
    const TOO_MANY_BYTES: &str = "Request payload size exceeds the limit: 20971520 bytes.";
    const LEAKED: &str = "Your API key was reported as leaked. Please use another API key.";

    fn error(code: u16, status: &str, message: &str, details: &Value) -> Diagnosis {
        let error =
            json!({ "code": code, "status": status, "message": message, "details": details });
        diagnose(code, json!({ "error": error }).to_string().as_bytes())
    }

    fn exhausted(quota: &Value) -> Diagnosis {
        let message = "You exceeded your current quota, please check your plan and billing details. Please retry in \
                       38.5s.";
        let details = json!([
            { "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": quota },
            { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38s" },
        ]);
        error(429, "RESOURCE_EXHAUSTED", message, &details)
    }

    #[test]
    fn a_quota_of_a_minute_is_waited_for_and_one_of_a_day_is_not() {
        let minute =
            exhausted(&json!([{ "quotaId": "GenerateRequestsPerMinutePerProjectPerModel" }]));
        let day = exhausted(&json!([
            { "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" },
            { "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20" },
        ]));
        let none =
            exhausted(&json!([{ "quotaId": "TokensPerMinute-FreeTier", "quotaValue": "0" }]));

        assert_eq!((minute.problem, minute.retry_after_ms), (Problem::RateLimited, Some(38_500)));
        assert_eq!((day.problem, day.retry_after_ms), (Problem::Quota, None));
        assert_eq!((none.problem, none.retry_after_ms), (Problem::Quota, None));
    }

    #[test]
    fn each_status_of_the_vendor_has_its_meaning() {
        let cases = [
            (400, "INVALID_ARGUMENT", "API key not valid.", Problem::Credentials),
            (400, "INVALID_ARGUMENT", "Request contains an invalid one.", Problem::InvalidRequest),
            (400, "INVALID_ARGUMENT", TOO_MANY_TOKENS, Problem::ContextOverflow),
            (400, "INVALID_ARGUMENT", TOO_MANY_BYTES, Problem::ContextOverflow),
            (400, "FAILED_PRECONDITION", "User location is not supported", Problem::Forbidden),
            (401, "UNAUTHENTICATED", "invalid authentication credentials", Problem::Credentials),
            (403, "PERMISSION_DENIED", "doesn't allow unregistered callers", Problem::Credentials),
            (403, "PERMISSION_DENIED", LEAKED, Problem::Credentials),
            (403, "PERMISSION_DENIED", "The caller does not have permission", Problem::Forbidden),
            (404, "NOT_FOUND", "models/x is not found for API version v1", Problem::UnknownModel),
            (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted", Problem::RateLimited),
            (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", Problem::Quota),
            (500, "INTERNAL", "An internal error has occurred.", Problem::Overloaded),
            (503, "UNAVAILABLE", "The model is overloaded.", Problem::Overloaded),
            (504, "DEADLINE_EXCEEDED", "Deadline expired.", Problem::Overloaded),
        ];

        for (code, status, message, expected) in cases {
            let diagnosis = error(code, status, message, &json!([]));
            assert_eq!(diagnosis.problem, expected, "{message}");
        }
    }

    #[test]
    fn the_reason_in_the_details_counts_whatever_the_sentence_is() {
        let details = json!([{ "reason": "API_KEY_INVALID", "domain": "googleapis.com" }]);
        let expired = error(400, "INVALID_ARGUMENT", "API key expired. Please renew it.", &details);

        assert_eq!(expired.problem, Problem::Credentials);
    }

    #[test]
    fn an_error_in_a_list_and_a_page_are_read() {
        let list = b"[{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}]";

        assert_eq!(diagnose(503, list).message, "busy");
        assert_eq!(diagnose(502, b"<html></html>").problem, Problem::Overloaded);
    }
}
