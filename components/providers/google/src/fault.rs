//! What an error of the service means.
//!
//! Errors are `google.rpc.Status`: a code, a sentence, and details that say more than both
//! (<https://ai.google.dev/gemini-api/docs/troubleshooting>). Here is what only this vendor says; the rest is read as for
//! every vendor.

use openkoi_provider_wire::fault;
use openkoi_sdk::provider::{Diagnosis, Problem};
use serde_json::Value;

/// Reads an error response.
pub fn diagnose(status: u16, body: &[u8]) -> Diagnosis {
    let mut diagnosis = fault::diagnose(status, body);
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    // Some endpoints wrap the error in a list.
    let error = &value.get(0).unwrap_or(&value)["error"];
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

/// Whether waiting a while does not help: the day's quota is used up, or there never was any.
fn is_used_up(violation: &Value) -> bool {
    let id = violation["quotaId"].as_str().unwrap_or_default();
    id.contains("PerDay") || violation["quotaValue"] == "0"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let invalid = json!([{ "reason": "API_KEY_INVALID", "domain": "googleapis.com" }]);
        let none = json!([]);
        let cases = [
            (
                error(
                    400,
                    "INVALID_ARGUMENT",
                    "API key not valid. Please pass a valid API key.",
                    &invalid,
                ),
                Problem::Credentials,
            ),
            (
                error(
                    400,
                    "INVALID_ARGUMENT",
                    "API key expired. Please renew the API key.",
                    &invalid,
                ),
                Problem::Credentials,
            ),
            (
                error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", &none),
                Problem::InvalidRequest,
            ),
            (
                error(
                    400,
                    "INVALID_ARGUMENT",
                    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                    &none,
                ),
                Problem::ContextOverflow,
            ),
            (
                error(
                    400,
                    "INVALID_ARGUMENT",
                    "Request payload size exceeds the limit: 20971520 bytes.",
                    &none,
                ),
                Problem::ContextOverflow,
            ),
            (
                error(
                    400,
                    "FAILED_PRECONDITION",
                    "User location is not supported for the API use.",
                    &none,
                ),
                Problem::Forbidden,
            ),
            (
                error(
                    401,
                    "UNAUTHENTICATED",
                    "Request had invalid authentication credentials.",
                    &none,
                ),
                Problem::Credentials,
            ),
            (
                error(
                    403,
                    "PERMISSION_DENIED",
                    "Method doesn't allow unregistered callers.",
                    &none,
                ),
                Problem::Credentials,
            ),
            (
                error(
                    403,
                    "PERMISSION_DENIED",
                    "Your API key was reported as leaked. Please use another API key.",
                    &none,
                ),
                Problem::Credentials,
            ),
            (
                error(403, "PERMISSION_DENIED", "The caller does not have permission", &none),
                Problem::Forbidden,
            ),
            (
                error(
                    404,
                    "NOT_FOUND",
                    "models/x is not found for API version v1beta, or is not supported for generateContent.",
                    &none,
                ),
                Problem::UnknownModel,
            ),
            (
                error(
                    429,
                    "RESOURCE_EXHAUSTED",
                    "Resource has been exhausted (e.g. check quota).",
                    &none,
                ),
                Problem::RateLimited,
            ),
            (
                error(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", &none),
                Problem::Quota,
            ),
            (error(500, "INTERNAL", "An internal error has occurred.", &none), Problem::Overloaded),
            (
                error(
                    503,
                    "UNAVAILABLE",
                    "The model is overloaded. Please try again later.",
                    &none,
                ),
                Problem::Overloaded,
            ),
            (
                error(
                    504,
                    "DEADLINE_EXCEEDED",
                    "Deadline expired before operation could complete.",
                    &none,
                ),
                Problem::Overloaded,
            ),
        ];

        for (diagnosis, expected) in cases {
            assert_eq!(diagnosis.problem, expected, "{}", diagnosis.message);
        }
    }

    #[test]
    fn an_error_in_a_list_and_a_page_are_read() {
        let list = b"[{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}]";

        assert_eq!(diagnose(503, list).message, "busy");
        assert_eq!(diagnose(502, b"<html></html>").problem, Problem::Overloaded);
    }
}
