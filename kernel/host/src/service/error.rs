//! Errors between the host and a service, before a component reads an answer.

use openkoi_brokers::egress::EgressError;
use openkoi_core::failure::Failure;

use crate::failure;

/// A request to a service was not answered, or could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ServiceError {
    /// The credential is missing, or the service does not accept it any more.
    #[error("{message}")]
    Credentials {
        /// One sentence without secrets.
        message: String,
        /// What a person can do; may be empty.
        hint: String,
    },
    /// The credential is not for this request.
    #[error("{what}")]
    Denied {
        /// What was refused.
        what: String,
        /// What would be right; may be empty.
        hint: String,
    },
    /// The service is set up wrongly.
    #[error("{message}")]
    Invalid {
        /// One sentence.
        message: String,
    },
    /// The egress broker did not complete a request.
    #[error(transparent)]
    Egress(EgressError),
    /// The service failed several times in a row and is not asked for a while.
    #[error("it failed several times in a row and is left alone for {seconds} s")]
    Resting {
        /// What is left of the rest.
        seconds: u64,
    },
}

impl ServiceError {
    /// Makes the failure that the component gets, with the service's name in it.
    pub(crate) fn into_failure(self, service: &str) -> Failure {
        let named = |text: &str| format!("`{service}`: {text}");
        match self {
            Self::Credentials { message, hint } => Failure::Denied { what: named(&message), hint },
            Self::Denied { what, hint } => Failure::Denied { what: named(&what), hint },
            Self::Invalid { message } => Failure::Failed(named(&message)),
            Self::Egress(error) => failure::of_egress(error),
            Self::Resting { seconds } => Failure::Unavailable {
                message: named(&Self::Resting { seconds }.to_string()),
                request_sent: false,
                retry_after_ms: Some(seconds.saturating_mul(1_000)),
            },
        }
    }
}
