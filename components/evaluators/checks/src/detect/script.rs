//! A plain script of tests.

use super::project::Project;
use crate::plan::Plan;

const SCRIPTS: [&str; 4] = ["test.sh", "tests.sh", "run_tests.sh", "run-tests.sh"];
const NESTED: [(&str, &str); 6] = [
    ("tests", "tests/run.sh"),
    ("test", "test/run.sh"),
    ("tests", "tests/test.sh"),
    ("tests", "tests/run_tests.sh"),
    ("tests", "tests/run-tests.sh"),
    ("scripts", "scripts/test.sh"),
];

/// Returns the project's test script, unless `make` or a package script runs it anyway.
pub(crate) fn plans(project: &Project<'_>) -> Option<Plan> {
    if is_part(project) {
        return None;
    }
    let own = SCRIPTS.into_iter().find(|name| project.has(name));
    let nested = || {
        let (_, path) = NESTED
            .into_iter()
            .find(|(folder, path)| project.has_folder(folder) && project.read(path).is_some())?;
        Some(path)
    };
    let script = own.or_else(nested)?;
    let run_elsewhere = ["Makefile", "makefile", "GNUmakefile", "package.json"]
        .iter()
        .any(|file| project.text(file).contains(script));
    if run_elsewhere {
        return None;
    }
    let shell = if project.text(script).starts_with("#!") && bash(&project.text(script)) {
        "bash"
    } else {
        "sh"
    };
    Some(project.plan("script", &format!("{shell} {script}")))
}

/// Returns whether the directory is one in which its parent's scripts lie.
fn is_part(project: &Project<'_>) -> bool {
    let name = project.directory.rsplit('/').next().unwrap_or("");
    ["tests", "test", "scripts"].contains(&name)
}

fn bash(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.contains("bash"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use crate::world::tests::Fake;

    #[test]
    fn a_script_runs_with_the_shell_that_it_names() {
        let plain = Fake::default().file("test.sh", "echo ok a");
        let named = Fake::default().file("tests/run.sh", "#!/usr/bin/env bash\necho ok a");

        assert_eq!(found(&plain), ["script:test: sh test.sh"]);
        assert_eq!(found(&named), ["script:test: bash tests/run.sh"]);
    }

    #[test]
    fn a_script_that_make_runs_is_not_run_twice() {
        let world =
            Fake::default().file("test.sh", "echo ok a").file("Makefile", "test:\n\tsh test.sh\n");

        assert_eq!(found(&world), ["make:test: make test"]);
    }
}
