//! Targets of makefiles, recipes of `just` and tasks of Task, for what no runner of a language covers.

use std::collections::BTreeSet;

use super::project::Project;
use crate::plan::{Category, Plan, Standing};

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

/// A program that runs targets of a file.
struct Program {
    name: &'static str,
    files: &'static [&'static str],
    declared: fn(&str) -> BTreeSet<String>,
}

const PROGRAMS: [Program; 3] = [
    Program { name: "make", files: &["GNUmakefile", "makefile", "Makefile"], declared: rules },
    Program { name: "just", files: &["justfile", "Justfile", ".justfile"], declared: recipes },
    Program {
        name: "task",
        files: &["Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml"],
        declared: tasks,
    },
];

/// Returns the declared targets for categories that are not `covered`.
pub(crate) fn plans(project: &Project<'_>, mut covered: BTreeSet<Category>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for program in PROGRAMS {
        let Some(text) = program.files.iter().find_map(|file| project.read(file)) else { continue };
        let declared = (program.declared)(&text);
        for (target, category) in TARGETS {
            if declared.contains(target) && covered.insert(category) {
                let plan = project.plan(program.name, &format!("{} {target}", program.name));
                let mut plan = plan.called(&format!("{}:{target}", program.name), category);
                if is_run_from_above(project, program.name) {
                    plan.standing = Standing::Covered;
                }
                plans.push(plan);
            }
        }
    }
    plans
}

/// Returns whether a makefile above goes into this directory: then its targets are run from there.
fn is_run_from_above(project: &Project<'_>, program: &str) -> bool {
    program == "make"
        && project.upwards().skip(1).any(|directory| {
            let path = super::project::below(directory, "Makefile");
            let text = project.world.read(&path).unwrap_or_default();
            text.contains("$(MAKE) -C") || text.contains("make -C")
        })
}

/// `test tests: build`
fn rules(text: &str) -> BTreeSet<String> {
    let rules = text.lines().filter(|line| !line.starts_with(['\t', ' ', '#', '.']));
    rules
        .filter_map(|line| line.split_once(':'))
        .filter(|(_, rest)| !rest.starts_with('='))
        .flat_map(|(targets, _)| targets.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// `@test filter='': build`
fn recipes(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with(['\t', ' ', '#', '[']));
    let heads =
        lines.filter_map(|line| line.split_once(':')).filter(|(_, rest)| !rest.starts_with('='));
    let name = |(head, _): (&str, &str)| head.split_whitespace().next().map(str::to_owned);
    heads.filter_map(name).map(|name| name.trim_start_matches('@').to_owned()).collect()
}

/// The keys one level below `tasks:`.
fn tasks(text: &str) -> BTreeSet<String> {
    let inside = text.lines().skip_while(|line| line.trim_end() != "tasks:").skip(1);
    let inside = inside.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let mut names = BTreeSet::new();
    let mut level = None;
    for line in inside.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    {
        let indent = line.len() - line.trim_start().len();
        if *level.get_or_insert(indent) == indent
            && let Some((name, _)) = line.trim().split_once(':')
        {
            names.insert(name.trim_matches(['"', '\'']).to_owned());
        }
    }
    names
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

    #[test]
    fn recipes_and_tasks_are_targets_too() {
        let just = Fake::default()
            .file("justfile", "x := 'test: no'\n[private]\n@test filter='':\n  ./run\n");
        let task = Fake::default()
            .file("Taskfile.yml", "version: '3'\ntasks:\n  lint:\n    cmds:\n      - test: x\n  \"test\":\n    cmd: ./run\nx:\n");

        assert_eq!(found(&just), ["just:test: just test"]);
        assert_eq!(found(&task), ["task:test: task test", "task:lint: task lint"]);
    }
}
