//! Turns errors of the brokers into failures, and failures into those of the contract and back.

use openkoi_brokers::{
    egress::{EgressError, EgressErrorKind},
    files::FileError,
    processes::ProcessError,
};
use openkoi_core::failure::Failure;

use crate::bindings::imports::openkoi::types::failures as wit;

pub(crate) fn of_files(error: FileError) -> Failure {
    let text = error.to_string();
    match error {
        FileError::Denied { what, hint } => Failure::Denied { what, hint },
        FileError::NotFound { path } => Failure::NotFound(path),
        FileError::Conflict { .. } => Failure::Conflict(text),
        FileError::TooLarge { limit, .. } => {
            Failure::Limited { name: "file-bytes".to_owned(), value: limit, knob: String::new() }
        }
        FileError::NotAFile { .. } => Failure::Invalid { field: String::new(), message: text },
        FileError::Io { .. } => Failure::Failed(text),
    }
}

pub(crate) fn of_process(error: ProcessError) -> Failure {
    let text = error.to_string();
    match error {
        ProcessError::NotFound { program } => Failure::NotFound(format!("the program `{program}`")),
        ProcessError::Denied { what } => Failure::Denied { what, hint: String::new() },
        ProcessError::Sandbox { .. } => {
            Failure::Denied { what: text, hint: "set `sandbox = \"off\"`".to_owned() }
        }
        ProcessError::Io { source, .. } => Failure::Failed(format!("{text}: {source}")),
    }
}

pub(crate) fn of_egress(error: EgressError) -> Failure {
    match error.kind {
        EgressErrorKind::Denied => {
            Failure::Denied { what: error.message, hint: error.hint.unwrap_or_default() }
        }
        EgressErrorKind::InvalidRequest => {
            Failure::Invalid { field: String::new(), message: error.message }
        }
        EgressErrorKind::TooLarge => Failure::Limited {
            name: "http-body-bytes".to_owned(),
            value: crate::resources::BODY_BYTES,
            knob: String::new(),
        },
        _ => Failure::Unavailable {
            message: error.message,
            request_sent: error.request_sent,
            retry_after_ms: error.retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok()),
        },
    }
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid { field, message } => {
                Self::Invalid(wit::InvalidInput { field, message })
            }
            Failure::Denied { what, hint } => Self::Denied(wit::Denial { what, hint }),
            Failure::NotFound(what) => Self::NotFound(what),
            Failure::Conflict(what) => Self::Conflict(what),
            Failure::Unavailable { message, request_sent, retry_after_ms } => {
                Self::Unavailable(wit::Outage { message, request_sent, retry_after_ms })
            }
            Failure::Limited { name, value, knob } => {
                Self::Limited(wit::Limit { name, value, knob })
            }
            Failure::Cancelled => Self::Cancelled,
            Failure::Unsupported(what) => Self::Unsupported(what),
            failure @ Failure::Trapped { .. } => Self::Failed(failure.to_string()),
            Failure::Failed(what) => Self::Failed(what),
        }
    }
}

/// Takes a guest's failure, with its text made safe to show.
impl From<wit::Failure> for Failure {
    fn from(failure: wit::Failure) -> Self {
        let clean = |text: String| shown(&text);
        match failure {
            wit::Failure::Invalid(input) => {
                Self::Invalid { field: clean(input.field), message: clean(input.message) }
            }
            wit::Failure::Denied(denial) => {
                Self::Denied { what: clean(denial.what), hint: clean(denial.hint) }
            }
            wit::Failure::NotFound(what) => Self::NotFound(clean(what)),
            wit::Failure::Conflict(what) => Self::Conflict(clean(what)),
            wit::Failure::Unavailable(outage) => Self::Unavailable {
                message: clean(outage.message),
                request_sent: outage.request_sent,
                retry_after_ms: outage.retry_after_ms,
            },
            wit::Failure::Limited(limit) => Self::Limited {
                name: clean(limit.name),
                value: limit.value,
                knob: clean(limit.knob),
            },
            wit::Failure::Cancelled => Self::Cancelled,
            wit::Failure::Unsupported(what) => Self::Unsupported(clean(what)),
            wit::Failure::Failed(what) => Self::Failed(clean(what)),
        }
    }
}

/// Makes a guest's sentence safe to show and caps its length. New lines stay: the messages of compilers have some.
fn shown(text: &str) -> String {
    const LONGEST: usize = 16 << 10;
    crate::text::visible(crate::text::cut(text, LONGEST))
}
