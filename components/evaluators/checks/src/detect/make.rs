//! Makefiles, for what no runner of a language covers.

use std::collections::BTreeSet;

use super::project::Project;
use crate::plan::{Category, Plan};
use crate::report::Reporter;

/// Targets by what they are about; of several with one meaning the first is taken.
const TARGETS: [(&str, Category); 7] = [
    ("build", Category::Build),
    ("test", Category::Test),
    ("tests", Category::Test),
    ("check", Category::Test),
    ("typecheck", Category::Types),
    ("types", Category::Types),
    ("lint", Category::Lint),
];

/// Returns the declared targets for categories that are not `covered`.
pub(crate) fn plans(project: &Project<'_>, covered: &BTreeSet<Category>) -> Vec<Plan> {
    let declared = declared(project);
    let mut covered = covered.clone();
    let mut plans = Vec::new();
    for (target, category) in TARGETS {
        if declared.contains(target) && covered.insert(category) {
            let (name, command) = (format!("make:{target}"), format!("make {target}"));
            let reporter =
                if category == Category::Test { Reporter::Any } else { Reporter::Nothing };
            plans.push(project.plan(&name, category, &command).read_by(reporter));
        }
    }
    plans
}

fn declared(project: &Project<'_>) -> BTreeSet<String> {
    let names = ["GNUmakefile", "makefile", "Makefile"];
    let Some(text) = names.iter().find_map(|name| project.read(name)) else {
        return BTreeSet::new();
    };
    let rules = text.lines().filter(|line| !line.starts_with(['\t', ' ', '#', '.']));
    rules
        .filter_map(|line| line.split_once(':'))
        .filter(|(_, rest)| !rest.starts_with('='))
        .flat_map(|(targets, _)| targets.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use crate::world::tests::Fake;

    #[test]
    fn only_declared_targets_are_run_and_one_for_each_purpose() {
        let world = Fake::default().file(
            "Makefile",
            "check := yes\n.PHONY: lint\nall: build\nbuild:\n\tcc a.c\ntest tests: build\n\t./run\n",
        );

        assert_eq!(found(&world), ["make:build: make build", "make:test: make test"]);
    }

    #[test]
    fn a_makefile_beside_a_runner_only_fills_gaps() {
        let world = Fake::default()
            .file("Cargo.toml", "")
            .file("Makefile", "test:\n\tcargo test\nlint:\n\tx\n");

        let ids = found(&world);

        assert_eq!(ids[2..], ["make:lint: make lint"]);
    }
}
