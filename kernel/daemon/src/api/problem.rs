//! Errors as RFC 9457 has them: what went wrong and what to do, as JSON.

use axum::http::StatusCode;
use openkoi_app::error::AppError;
use openkoi_core::port::JournalError;
use openkoi_storage::StorageError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What a client is told of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ProblemDetails {
    /// The kind of problem; `about:blank` says that the status says it all.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The status in words.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What went wrong, and what to do about it.
    pub(crate) detail: String,
}

/// An error of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) detail: String,
    /// Seconds after which it is worth trying again.
    pub(crate) retry_after: Option<u64>,
    /// Methods that the place has, where the method is the problem.
    pub(crate) allow: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None, allow: None }
    }

    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn details(&self) -> ProblemDetails {
        ProblemDetails {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        let status = match error {
            StorageError::NoSuch { .. } | StorageError::OtherKind { .. } => StatusCode::NOT_FOUND,
            StorageError::BadId(_) => StatusCode::BAD_REQUEST,
            StorageError::Ambiguous { .. }
            | StorageError::Owned { .. }
            | StorageError::Occupied { .. }
            | StorageError::Exists { .. } => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let status = match error {
            AppError::Storage(error) => return error.into(),
            AppError::Schedule(error) => return error.into(),
            AppError::OtherSubmission => StatusCode::CONFLICT,
            AppError::Workspace { .. } => StatusCode::NOT_FOUND,
            AppError::Settings(_) | AppError::Models(_) => StatusCode::UNPROCESSABLE_ENTITY,
            AppError::Undo(_) => StatusCode::CONFLICT,
            AppError::Report(openkoi_core::failure::Failure::NotFound(_)) => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.0)
    }
}
