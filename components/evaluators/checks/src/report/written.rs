//! The place of a report behind the output of a run.

/// The line between a run's output and its report. It holds a `<`, which an XML report itself can only contain escaped.
pub(crate) const REPORT_MARK: &str = "\n<<<openkoi-report\n";

/// What stands behind the mark: the report that the runner wrote to a file.
pub(super) fn written(output: &str) -> Option<&str> {
    output.rsplit_once(REPORT_MARK).map(|(_, report)| report)
}
