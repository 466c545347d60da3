use super::*;
use serde_json::json;

fn problem(status: u16, body: &str) -> Problem {
    diagnose(status, body.as_bytes()).problem
}

/// An error in the form of Chat Completions.
fn chat(code: &str, message: &str) -> String {
    chat_value(code, message).to_string()
}

fn chat_value(code: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": code } })
}

/// An error in the form of Messages.
fn messages(kind: &str, message: &str) -> String {
    json!({ "type": "error", "error": { "type": kind, "message": message } }).to_string()
}

#[test]
fn every_way_to_say_that_a_conversation_is_too_long_is_understood() {
    let wrapped = json!({ "error": { "message": "Provider returned error", "code": 400, "metadata": {
        "raw": "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens.\"}}" } } });
    let azure = json!({ "error": { "code": "invalid_request", "message": "The request is invalid.",
        "innererror": { "code": "context_length_exceeded" } } });
    let cases = [
        (400, messages("invalid_request_error", "prompt is too long: 202609 tokens > 200000 maximum")),
        (400, messages("invalid_request_error", "input length and `max_tokens` exceed context limit: 174167 + 64000 > 200000, decrease input length or `max_tokens` and try again")),
        (413, messages("request_too_large", "Request exceeds the maximum size")),
        (400, chat("context_length_exceeded", "This model's maximum context length is 8192 tokens. However, you requested 8334 tokens (338 in the messages, 7996 in the completion).")),
        (400, azure.to_string()),
        (400, "[{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\",\"message\":\"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).\"}}]".to_owned()),
        (400, chat("", "ValidationException: Input is too long for requested model.")),
        (400, chat("", "Malformed input request: expected maxLength: 200000, actual: 300000")),
        (400, wrapped.to_string()),
        (400, chat("400", "litellm.BadRequestError: ContextWindowExceededError: prompt is too long: 210000 tokens > 200000 maximum")),
        (400, json!({ "object": "error", "message": "This model's maximum context length is 131072 tokens. However, you requested 351430 tokens.", "code": 400 }).to_string()),
        (400, json!({ "error": { "code": 400, "message": "the request exceeds the available context size, try increasing it", "type": "exceed_context_size_error" } }).to_string()),
        (400, chat("invalid_parameter_error", "Range of input length should be [1, 129024]")),
        (400, chat("", "length of prompt_tokens (163280) must be less than max_seq_len (32768)")),
        (500, "{\"error\":\"input exceeds context length\"}".to_owned()),
        (400, "{\"error\":\"the prompt is longer than the context length currently available to the model\"}".to_owned()),
        (400, chat("", "This model's maximum prompt length is 131072 but the request contains 537812 tokens.")),
        (400, json!({ "error": "Trying to keep the first 9012 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input" }).to_string()),
        (500, json!({ "error": { "message": "The number of tokens to keep from the initial prompt is greater than the context length." } }).to_string()),
        (400, chat("", "9012 tokens are too many for a context size of 4096")),
        (400, chat("", "Your input exceeds the context window of this model. Please adjust your input and try again.")),
    ];

    for (status, body) in cases {
        assert_eq!(problem(status, &body), Problem::ContextOverflow, "{status} {body}");
    }
}

#[test]
fn what_only_speaks_of_tokens_or_of_context_is_not_taken_for_it() {
    let cases = [
        (400, chat("", "max_tokens must be less than or equal to 4096"), Problem::InvalidRequest),
        (
            400,
            messages(
                "invalid_request_error",
                "max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens",
            ),
            Problem::InvalidRequest,
        ),
        (
            429,
            chat(
                "rate_limit_exceeded",
                "Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000, Requested 4000. Please try again in 6s.",
            ),
            Problem::RateLimited,
        ),
        (
            413,
            chat(
                "rate_limit_exceeded",
                "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 7012, please reduce the length of the messages",
            ),
            Problem::RateLimited,
        ),
        (
            400,
            chat(
                "",
                "the token limit of your rate limit tier does not allow this context length to exceed",
            ),
            Problem::InvalidRequest,
        ),
        (
            504,
            "context deadline exceeded while the context length was counted".to_owned(),
            Problem::Overloaded,
        ),
        (
            500,
            chat(
                "",
                "Failed to load the model: not enough memory for a context length of 32768 tokens",
            ),
            Problem::Overloaded,
        ),
        (
            400,
            chat("", "metadata: the value is too long, the context of a request takes 16 pairs"),
            Problem::InvalidRequest,
        ),
        (
            422,
            json!({ "detail": "field required", "body": "my context length is not enough tokens" })
                .to_string(),
            Problem::InvalidRequest,
        ),
        (401, chat("", "prompt is too long"), Problem::Credentials),
        (429, chat("", "maximum context length"), Problem::RateLimited),
    ];

    for (status, body, expected) in cases {
        assert_eq!(problem(status, &body), expected, "{status} {body}");
    }
}

#[test]
fn every_status_and_code_has_its_meaning() {
    let cases = [
        (400, chat("invalid_value", "Invalid value"), Problem::InvalidRequest),
        (400, chat("model_not_found", "The requested model 'x' does not exist."), Problem::UnknownModel),
        (400, chat("", "x is not a valid model ID"), Problem::UnknownModel),
        (400, chat("", "API key not valid. Please pass a valid API key."), Problem::Credentials),
        (400, messages("invalid_request_error", "Your credit balance is too low to access the API."), Problem::Quota),
        (401, chat("invalid_api_key", "Incorrect API key provided"), Problem::Credentials),
        (402, chat("", "Insufficient Balance"), Problem::Quota),
        (403, messages("permission_error", "not allowed"), Problem::Forbidden),
        (403, chat("", "Invalid API key"), Problem::Credentials),
        (404, messages("not_found_error", "model: claude-x"), Problem::UnknownModel),
        (404, "404 page not found".to_owned(), Problem::Other),
        (408, String::new(), Problem::Overloaded),
        (413, "<html>Request Entity Too Large</html>".to_owned(), Problem::ContextOverflow),
        (422, json!({ "detail": "field required" }).to_string(), Problem::InvalidRequest),
        (429, messages("rate_limit_error", "slow down"), Problem::RateLimited),
        (429, chat("insufficient_quota", "You exceeded your current quota, please check your plan."), Problem::Quota),
        (429, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"You exceeded your current quota. Please retry in 38.5s.\"}}".to_owned(), Problem::RateLimited),
        (429, json!({ "error": { "type": "engine_overloaded_error", "message": "busy" } }).to_string(), Problem::Overloaded),
        (500, messages("api_error", "internal"), Problem::Overloaded),
        (503, "upstream connect error".to_owned(), Problem::Overloaded),
        (529, messages("overloaded_error", "Overloaded"), Problem::Overloaded),
        (302, String::new(), Problem::Other),
    ];

    for (status, body, expected) in cases {
        assert_eq!(problem(status, &body), expected, "{status} {body}");
    }
}

#[test]
fn the_message_is_the_sentence_for_people() {
    let message = |status: u16, body: &str| diagnose(status, body.as_bytes()).message;

    assert_eq!(message(400, &chat("x", " no ")), "no");
    assert_eq!(message(500, "{\"error\":\"broken\"}"), "broken");
    assert_eq!(message(400, "{\"detail\":\"why\"}"), "why");
    assert_eq!(message(503, "try later"), "try later");
    assert_eq!(
        message(502, "<html><body>Bad Gateway</body></html>"),
        "the provider answered with status 502"
    );
    assert_eq!(message(500, ""), "the provider answered with status 500");
    assert_eq!(
        message(
            400,
            "{\"error\":{\"message\":\"Provider returned error\",\"metadata\":{\"raw\":\"{\\\"error\\\":{\\\"message\\\":\\\"inner\\\"}}\"}}}"
        ),
        "inner"
    );
    assert_eq!(message(500, &"é".repeat(2000)).chars().count(), MESSAGE);
}

#[test]
fn the_wait_is_read_from_the_sentence() {
    let wait = |text: &str| diagnose(429, chat("", text).as_bytes()).retry_after_ms;

    assert_eq!(wait("Please try again in 1.2s. Visit"), Some(1_200));
    assert_eq!(wait("Please try again in 350ms."), Some(350));
    assert_eq!(wait("Please try again in 6m0.5s."), Some(360_500));
    assert_eq!(wait("try again in 1h2m3s"), Some(3_723_000));
    assert_eq!(wait("Try again in 5 minutes"), Some(300_000));
    assert_eq!(wait("try again in a moment"), None);
    assert_eq!(wait("try again in 99999999999999999999999 days"), Some(u64::MAX));
    assert_eq!(wait("later"), None);
    assert_eq!(
        diagnose(429, b"{\"error\":{\"details\":[{\"retryDelay\": \"38s\"}]}}").retry_after_ms,
        Some(38_000)
    );
}

#[test]
fn an_error_inside_of_a_stream_is_known_by_its_own_words() {
    let kind = |kind: &str| json!({ "type": "error", "error": { "type": kind, "message": "x" } });
    // As a failed response says it: no type, no status, and a sentence about nothing.
    let code = |code: Value| json!({ "error": { "code": code, "message": "Sorry" } });
    let only = |message: &str| json!({ "error": message });
    let cases = [
        (kind("overloaded_error"), Problem::Overloaded),
        (kind("rate_limit_error"), Problem::RateLimited),
        (kind("authentication_error"), Problem::Credentials),
        (code(json!(502)), Problem::Overloaded),
        (code(json!(401)), Problem::Credentials),
        (code(json!(429)), Problem::RateLimited),
        // A number of the service's own is not a status.
        (code(json!(1302)), Problem::Other),
        (code(json!(200)), Problem::Other),
        (code(json!("server_is_overloaded")), Problem::Overloaded),
        (code(json!("unsupported_country_region_territory")), Problem::Forbidden),
        (code(json!("invalid_prompt")), Problem::Refused),
        (only("The engine is currently overloaded"), Problem::Overloaded),
        (only("Too many requests, slow down"), Problem::RateLimited),
        (only("Incorrect API key provided"), Problem::Credentials),
        (only("your credit balance is too low"), Problem::Quota),
        (only("no idea"), Problem::Other),
    ];

    for (error, problem) in cases {
        assert_eq!(in_stream(&error).problem, problem, "{error}");
    }
    let wait = in_stream(&chat_value("rate_limit_exceeded", "Please try again in 6s."));
    assert_eq!((wait.problem, wait.retry_after_ms), (Problem::RateLimited, Some(6_000)));
}

#[test]
fn a_conversation_that_is_too_long_is_told_apart_inside_of_a_stream_too() {
    let message = "Your input exceeds the context window of this model. Please adjust your input and try again.";
    let errors = [
        json!({ "error": { "code": "context_length_exceeded", "message": "too long" } }),
        json!({ "type": "error", "error": { "type": "invalid_request_error", "code": null, "message": message } }),
        json!({ "type": "error", "code": "context_length_exceeded", "message": message, "param": null }),
    ];

    for error in errors {
        assert_eq!(in_stream(&error).problem, Problem::ContextOverflow, "{error}");
    }
}
