//! Something that the change made easier.

use openkoi_sdk::evaluator::{Finding, Severity};

/// The dimension of what is found here.
pub(crate) const DIMENSION: &str = "tests-kept";

/// Something that was made easier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    severity: Severity,
    message: String,
    path: String,
    line: u32,
}

impl Observation {
    /// Notes something at a line of a file, from 1, as critical.
    pub(crate) fn new(path: &str, line: u32, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { severity: Severity::Critical, message, path: path.to_owned(), line: line.max(1) }
    }

    /// Grades it otherwise.
    pub(crate) fn graded(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Returns it as a finding; where the task asks for it, as a note.
    pub(crate) fn finding(self, wanted: bool) -> Finding {
        let (severity, message) = match wanted {
            true => {
                (Severity::Note, format!("{} (the task speaks of changing tests)", self.message))
            }
            false => (self.severity, self.message),
        };
        let evidence = format!("{}:{}", self.path, self.line);
        Finding { severity, message, evidence, dimension: DIMENSION.to_owned() }
    }
}
