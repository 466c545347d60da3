//! Errors of attempts to get a turn, with what decides about the next attempt.

use std::time::Duration;

use openkoi_brokers::egress::{EgressError, EgressErrorKind};
use openkoi_core::{
    failure::Failure,
    message::Received,
    model::{ModelError, ModelTrouble},
};

use crate::{
    bindings::provider::exports::openkoi::provider::codec::{Diagnosis, Problem},
    service::error::ServiceError,
    text,
};

/// The longest message, in characters.
const MESSAGE: usize = 500;
/// The limit that a codec names if it knows, before the provider is asked, that a conversation is longer than the model
/// can read.
const CONTEXT: &str = "context-tokens";

/// The longest clause of a progress line, in characters.
const CLAUSE: usize = 80;

/// The error of an attempt that gave no turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttemptError {
    pub(super) cause: ModelError,
    /// True if the same request may be sent again.
    pub(super) retryable: bool,
    /// The wait that the provider asks for.
    pub(super) retry_after: Option<Duration>,
    /// True if the provider could not be reached or was overloaded; false if it refused.
    pub(super) unavailable: bool,
    /// True if the provider refused the credential before it answered anything else.
    pub(super) unauthorized: bool,
    /// True if nothing took the connection, or whatever took it does not speak HTTP.
    pub(super) unserved: bool,
    /// True if the request may have been carried out.
    pub(super) sent: bool,
}

impl AttemptError {
    /// Makes an error that sending again does not fix.
    pub(super) fn of(kind: ModelTrouble, provider: &str, message: &str, hint: &str) -> Self {
        let message = text::one_line(message, MESSAGE);
        let cause = ModelError {
            kind,
            message: format!("`{provider}`: {message}"),
            hint: text::one_line(hint, MESSAGE),
            received: None,
        };
        Self {
            cause,
            retryable: false,
            retry_after: None,
            unavailable: false,
            unauthorized: false,
            unserved: false,
            sent: false,
        }
    }

    fn again(mut self, wait: Option<Duration>) -> Self {
        self.retryable = true;
        self.retry_after = wait;
        self
    }

    fn unavailable(mut self) -> Self {
        self.unavailable = true;
        self
    }

    /// Notes that the service may have done some of the work.
    fn sent(mut self) -> Self {
        self.sent = true;
        self
    }

    /// Returns the first sentence of the message, cut if it is long, for a progress line. The error that the attempts
    /// end with has all of it.
    pub(super) fn clause(&self) -> String {
        let message = self.cause.message.as_str();
        let first = message.split_once(". ").map_or(message, |(first, _)| first);
        text::one_line(first.trim_end_matches('.'), CLAUSE)
    }

    /// Keeps the part of the turn that had arrived.
    pub(super) fn received(mut self, received: Option<Received>) -> Self {
        self.cause.received = received.map(Box::new);
        self
    }

    /// Notes that a part of the answer was shown. The request is not sent again then: another answer would take the
    /// place of one that somebody has read or acted on.
    pub(super) fn shown(mut self, shown: bool) -> Self {
        if let Some(received) = self.cause.received.as_mut().filter(|_| shown) {
            received.shown = true;
            self.retryable = false;
            self.unauthorized = false;
        }
        self
    }

    /// Returns true if a part of the answer was shown.
    pub(super) fn is_shown(&self) -> bool {
        self.cause.received.as_ref().is_some_and(|received| received.shown)
    }

    pub(super) fn unauthorized(mut self, unauthorized: bool) -> Self {
        self.unauthorized = unauthorized;
        self
    }

    /// Notes that an answer had begun, so that a server is there.
    pub(super) fn answered(mut self) -> Self {
        self.unserved = false;
        self
    }

    /// Makes the error of a request that the egress broker did not complete.
    pub(super) fn of_egress(provider: &str, error: &EgressError) -> Self {
        let hint = error.hint.clone().unwrap_or_default();
        let of = |kind| Self::of(kind, provider, &error.message, &hint);
        match error.kind {
            EgressErrorKind::Denied => of(ModelTrouble::Denied),
            EgressErrorKind::InvalidRequest | EgressErrorKind::TooLarge => {
                of(ModelTrouble::Invalid)
            }
            EgressErrorKind::Tls => of(ModelTrouble::Unreachable).unavailable(),
            EgressErrorKind::Resolve
            | EgressErrorKind::Connect
            | EgressErrorKind::Timeout { .. }
            | EgressErrorKind::Interrupted => {
                let unserved =
                    matches!(error.kind, EgressErrorKind::Connect | EgressErrorKind::Interrupted);
                let sent = error.request_sent;
                let error = of(ModelTrouble::Unreachable).again(error.retry_after).unavailable();
                Self { unserved, sent, ..error }
            }
        }
    }

    /// Makes the error of a request that could not be made, or was not answered.
    pub(super) fn of_service(provider: &str, error: ServiceError) -> Self {
        let of = |kind, message: &str, hint: &str| Self::of(kind, provider, message, hint);
        match error {
            ServiceError::Credentials { message, hint } => {
                of(ModelTrouble::Credentials, &message, &hint)
            }
            ServiceError::Denied { what, hint } => of(ModelTrouble::Denied, &what, &hint),
            ServiceError::Invalid { message } => of(ModelTrouble::Invalid, &message, ""),
            ServiceError::Egress(error) => Self::of_egress(provider, &error),
            resting @ ServiceError::Resting { .. } => {
                of(ModelTrouble::Unreachable, &resting.to_string(), "")
            }
        }
    }

    /// Notes whether the request may be sent again once it was sent.
    pub(super) fn repeatable(mut self, repeatable: bool) -> Self {
        self.retryable &= repeatable || !self.sent;
        self
    }

    /// Makes the error that a codec read in an error response, or in the stream of a good one.
    pub(super) fn of_diagnosis(
        provider: &str,
        status: u16,
        diagnosis: &Diagnosis,
        retry_after: Option<Duration>,
    ) -> Self {
        let wait = retry_after.or(diagnosis.retry_after_ms.map(Duration::from_millis));
        let message = if diagnosis.message.trim().is_empty() {
            format!("it answered with status {status}")
        } else {
            diagnosis.message.clone()
        };
        let of = |kind, hint: &str| Self::of(kind, provider, &message, hint);
        match diagnosis.problem {
            Problem::RateLimited => of(ModelTrouble::RateLimited, "").again(wait),
            Problem::Overloaded => {
                of(ModelTrouble::Unreachable, "").again(wait).unavailable().sent()
            }
            Problem::Quota => of(ModelTrouble::Quota, "the account has no credit left"),
            Problem::ContextOverflow => of(ModelTrouble::Overflow, ""),
            Problem::Credentials => of(ModelTrouble::Credentials, "check the key"),
            // No key changes that, and another provider may answer.
            Problem::Forbidden if is_about_region(&message) => of(
                ModelTrouble::Unreachable,
                "the provider refuses the region that the request comes from, with any key",
            ),
            Problem::Forbidden => of(ModelTrouble::Credentials, "the key may not do this"),
            Problem::UnknownModel => {
                of(ModelTrouble::UnknownModel, "openkoi config shows which model is set, and where")
            }
            Problem::InvalidRequest => of(ModelTrouble::Invalid, ""),
            Problem::Refused => of(
                ModelTrouble::Refused,
                "the provider does not answer this; another wording or model may",
            ),
            Problem::Other if status >= 500 || status == 408 => {
                of(ModelTrouble::Unreachable, "").again(wait).unavailable().sent()
            }
            Problem::Other if status == 429 => of(ModelTrouble::RateLimited, "").again(wait),
            Problem::Other => of(ModelTrouble::Invalid, ""),
        }
    }

    /// Makes the error of a codec that failed.
    pub(super) fn of_failure(provider: &str, failure: &Failure) -> Self {
        let of = |kind| Self::of(kind, provider, &failure.to_string(), "");
        match failure {
            Failure::Unavailable { message, retry_after_ms, request_sent } => {
                let error = Self::of(ModelTrouble::Unreachable, provider, message, "")
                    .again(retry_after_ms.map(Duration::from_millis))
                    .unavailable();
                Self { sent: *request_sent, ..error }
            }
            Failure::Limited { name, value, knob } if name == CONTEXT => {
                let known = if *value > 0 { format!(": {value} tokens") } else { String::new() };
                let message = format!("the conversation is longer than the model can read{known}");
                Self::of(ModelTrouble::Overflow, provider, &message, knob)
            }
            Failure::Denied { .. } => of(ModelTrouble::Denied),
            Failure::Trapped { .. } | Failure::Cancelled => of(ModelTrouble::Unreachable),
            _ => of(ModelTrouble::Invalid),
        }
    }
}

/// Returns true if a sentence says that a provider does not serve the place that a request comes from.
fn is_about_region(message: &str) -> bool {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    says(&["country", "region", "territory", "location"])
        && says(&["not supported", "unsupported", "not available", "unavailable", "not allowed"])
}

/// Returns true if another provider may succeed with the same request.
pub(super) fn is_worth_another(kind: ModelTrouble) -> bool {
    match kind {
        ModelTrouble::Credentials
        | ModelTrouble::Quota
        | ModelTrouble::RateLimited
        | ModelTrouble::Unreachable
        | ModelTrouble::UnknownModel => true,
        // A request that one vendor refuses is not passed on to the next behind the user's back.
        ModelTrouble::Overflow
        | ModelTrouble::Invalid
        | ModelTrouble::Refused
        | ModelTrouble::Denied => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosed(problem: Problem, status: u16) -> AttemptError {
        let diagnosis = Diagnosis { problem, message: String::new(), retry_after_ms: None };
        AttemptError::of_diagnosis("p", status, &diagnosis, None)
    }

    #[test]
    fn requests_are_sent_again_after_problems_that_pass() {
        let again = [
            (Problem::RateLimited, 429),
            (Problem::Overloaded, 529),
            (Problem::Other, 500),
            (Problem::Other, 503),
            (Problem::Other, 429),
        ];
        for (problem, status) in again {
            assert!(diagnosed(problem, status).retryable, "{problem:?} {status}");
        }
        let never = [
            (Problem::Quota, 429),
            (Problem::ContextOverflow, 400),
            (Problem::Credentials, 401),
            (Problem::Forbidden, 403),
            (Problem::UnknownModel, 404),
            (Problem::InvalidRequest, 400),
            (Problem::InvalidRequest, 413),
            (Problem::Refused, 400),
            (Problem::Other, 422),
        ];
        for (problem, status) in never {
            let error = diagnosed(problem, status);
            assert!(!error.retryable && !error.unavailable, "{problem:?} {status}");
        }
    }

    #[test]
    fn a_region_that_is_refused_is_no_trouble_with_the_key() {
        let of = |message: &str| {
            let message = message.to_owned();
            let diagnosis =
                Diagnosis { problem: Problem::Forbidden, message, retry_after_ms: None };
            let cause = AttemptError::of_diagnosis("p", 403, &diagnosis, None).cause;
            (cause.kind, cause.hint)
        };

        for said in [
            "Country, region, or territory not supported",
            "User location is not supported for the API use.",
        ] {
            let (kind, hint) = of(said);
            assert_eq!(kind, ModelTrouble::Unreachable, "{said}");
            assert!(hint.contains("refuses the region"), "{hint}");
        }
        assert_eq!(
            of("this key may not use the model in this region").0,
            ModelTrouble::Credentials
        );
    }

    #[test]
    fn an_answer_that_was_shown_is_not_asked_for_again() {
        for (problem, status) in [(Problem::Overloaded, 529), (Problem::RateLimited, 429)] {
            let broken = || diagnosed(problem, status).received(Some(Received::default()));
            let (unseen, seen) = (broken().shown(false), broken().shown(true));
            assert!(unseen.retryable && !unseen.is_shown(), "{problem:?}");
            assert!(!seen.retryable && seen.is_shown(), "{problem:?}");
        }
    }

    #[test]
    fn a_codec_may_report_that_a_conversation_is_too_long() {
        let limited = |name: &str| {
            let (name, knob) = (name.to_owned(), String::new());
            AttemptError::of_failure("p", &Failure::Limited { name, value: 1, knob }).cause.kind
        };

        assert_eq!(limited(CONTEXT), ModelTrouble::Overflow);
        assert_eq!(limited("memory-bytes"), ModelTrouble::Invalid);
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        let hostile = format!("a\u{1b}[2J\n{}", "x".repeat(10_000));
        let error = AttemptError::of(ModelTrouble::Invalid, "p", &hostile, "");
        assert!(error.cause.message.starts_with("`p`: a␛[2J x"));
        assert!(error.cause.message.chars().count() <= MESSAGE + 5);
    }

    #[test]
    fn a_clause_is_short_and_the_message_stays_whole() {
        let said = [
            ("The engine is overloaded. Write to us", "`p`: The engine is overloaded".to_owned()),
            ("no route to api.example.com.", "`p`: no route to api.example.com".to_owned()),
            (&"<html>".repeat(60), format!("`p`: {}<h…", "<html>".repeat(12))),
        ];
        for (message, clause) in said {
            let error = AttemptError::of(ModelTrouble::Unreachable, "p", message, "");

            assert_eq!(error.clause().chars().count().max(CLAUSE), CLAUSE, "{message}");
            assert_eq!(error.clause(), clause);
            assert_eq!(error.cause.message, format!("`p`: {message}"));
        }
    }
}
