//! Go modules.

use super::project::Project;
use crate::plan::{Category, Plan};
use crate::report::Reporter;

/// Returns the checks of a Go module.
pub(crate) fn plans(project: &Project<'_>) -> Vec<Plan> {
    if !project.has("go.mod") {
        return Vec::new();
    }
    vec![
        project.plan("go:build", Category::Build, "go build -o /dev/null ./..."),
        project.plan("go:vet", Category::Lint, "go vet ./...").after("go:build"),
        project.plan("go:test", Category::Test, "go test -json ./...").read_by(Reporter::Go),
    ]
}
