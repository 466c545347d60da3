//! Why an attempt gave no turn, in words for a person, and whether another may.

use std::time::Duration;

use openkoi_brokers::egress::{EgressError, EgressErrorKind};
use openkoi_core::{
    failure::Failure,
    message::Received,
    port::{ModelError, ModelTrouble},
};

use crate::{
    bindings::provider::exports::openkoi::provider::codec::{Diagnosis, Problem},
    text,
};

/// The longest message, in characters.
const MESSAGE: usize = 500;
/// The limit that a codec names where a conversation is longer than the model can read, if it knows that before the
/// provider is asked.
const CONTEXT: &str = "context-tokens";

/// The longest clause for a progress line, in characters.
const CLAUSE: usize = 80;

/// An attempt that gave no turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttemptError {
    pub(super) cause: ModelError,
    /// Whether the same request may be sent again.
    pub(super) again: bool,
    /// How long the provider asks to be left alone.
    pub(super) wait: Option<Duration>,
    /// Whether the provider was not there, rather than refused.
    pub(super) unavailable: bool,
    /// Whether the provider would not take the credential, and nothing else was said.
    pub(super) unauthorized: bool,
}

impl AttemptError {
    /// A error that sending again does not mend.
    pub(super) fn of(kind: ModelTrouble, provider: &str, message: &str, hint: &str) -> Self {
        let message = text::one_line(message, MESSAGE);
        let cause = ModelError {
            kind,
            message: format!("`{provider}`: {message}"),
            hint: text::one_line(hint, MESSAGE),
            received: None,
        };
        Self { cause, again: false, wait: None, unavailable: false, unauthorized: false }
    }

    fn again(mut self, wait: Option<Duration>) -> Self {
        self.again = true;
        self.wait = wait;
        self
    }

    fn unavailable(mut self) -> Self {
        self.unavailable = true;
        self
    }

    /// Returns the first sentence of the message, cut where it is long, for a line that passes by. The whole of it
    /// is in the error that the attempts end with.
    pub(super) fn clause(&self) -> String {
        let message = self.cause.message.as_str();
        let first = message.split_once(". ").map_or(message, |(first, _)| first);
        text::one_line(first.trim_end_matches('.'), CLAUSE)
    }

    /// Keeps what had arrived of the turn.
    pub(super) fn received(mut self, received: Option<Received>) -> Self {
        self.cause.received = received.map(Box::new);
        self
    }

    /// Once something of the answer was shown, nobody is asked again: another answer would take the place of one
    /// that somebody has read, or acted on.
    pub(super) fn used(mut self, used: bool) -> Self {
        if let Some(received) = self.cause.received.as_mut().filter(|_| used) {
            received.shown = true;
            self.again = false;
            self.unauthorized = false;
        }
        self
    }

    /// Whether something of the answer was shown.
    pub(super) fn is_used(&self) -> bool {
        self.cause.received.as_ref().is_some_and(|received| received.shown)
    }

    pub(super) fn unauthorized(mut self, unauthorized: bool) -> Self {
        self.unauthorized = unauthorized;
        self
    }

    /// What the egress broker says.
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
                of(ModelTrouble::Unreachable).again(error.retry_after).unavailable()
            }
        }
    }

    /// What the codec says of an error response, or of an error inside of a good one.
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
            Problem::Overloaded => of(ModelTrouble::Unreachable, "").again(wait).unavailable(),
            Problem::Quota => of(ModelTrouble::Quota, "the account has no credit left"),
            Problem::ContextOverflow => of(ModelTrouble::Overflow, ""),
            Problem::Credentials => of(ModelTrouble::Credentials, "check the key"),
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
                of(ModelTrouble::Unreachable, "").again(wait).unavailable()
            }
            Problem::Other if status == 429 => of(ModelTrouble::RateLimited, "").again(wait),
            Problem::Other => of(ModelTrouble::Invalid, ""),
        }
    }

    /// What the codec, or the host about the codec, says.
    pub(super) fn of_failure(provider: &str, failure: &Failure) -> Self {
        let of = |kind| Self::of(kind, provider, &failure.to_string(), "");
        match failure {
            Failure::Unavailable { message, retry_after_ms, .. } => {
                Self::of(ModelTrouble::Unreachable, provider, message, "")
                    .again(retry_after_ms.map(Duration::from_millis))
                    .unavailable()
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

/// Whether another provider may do better with the same request.
pub(super) fn is_worth_another(kind: ModelTrouble) -> bool {
    match kind {
        ModelTrouble::Credentials
        | ModelTrouble::Quota
        | ModelTrouble::RateLimited
        | ModelTrouble::Unreachable
        | ModelTrouble::UnknownModel => true,
        // What one vendor refuses is not carried to the next behind the user's back.
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
    fn only_what_may_pass_is_sent_again() {
        let again = [
            (Problem::RateLimited, 429),
            (Problem::Overloaded, 529),
            (Problem::Other, 500),
            (Problem::Other, 503),
            (Problem::Other, 429),
        ];
        for (problem, status) in again {
            assert!(diagnosed(problem, status).again, "{problem:?} {status}");
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
            assert!(!error.again && !error.unavailable, "{problem:?} {status}");
        }
    }

    #[test]
    fn once_something_was_shown_nobody_is_asked_again() {
        for (problem, status) in [(Problem::Overloaded, 529), (Problem::RateLimited, 429)] {
            let broken = || diagnosed(problem, status).received(Some(Received::default()));
            let (unseen, seen) = (broken().used(false), broken().used(true));
            assert!(unseen.again && !unseen.is_used(), "{problem:?}");
            assert!(!seen.again && seen.is_used(), "{problem:?}");
        }
    }

    #[test]
    fn a_codec_that_says_that_a_conversation_is_too_long_is_believed() {
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
