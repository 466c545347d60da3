//! The checks that a workspace has. Only what the project itself declares is run: its manifests, its scripts, its
//! configured linters, the commands that its instructions name.
//!
//! [`walk`] says in which directories they are looked for. In each, runners that need more than a marker are found by
//! their own module, all others by the [table](crate::runner), and then those that only fill gaps: targets of
//! makefiles and their like, a script of tests, commands of `AGENTS.md`. A check that covers the directories below
//! stands for those in them.
//!
//! What is found on the untouched tree must be found again later, or it is taken for gone: so ids and commands depend on
//! the project's own files and on what is installed, and on nothing else. The change only adds directories that the
//! walk does not reach, and says what runs first.

pub(crate) mod cargo;
mod configured;
mod named;
mod node;
pub(crate) mod project;
mod python;
pub(crate) mod reach;
mod script;
mod target;
pub(crate) mod walk;

use std::collections::BTreeSet;

use openkoi_sdk::evaluator::{Change, Subject};

use crate::plan::{Category, Plan, Standing};
use crate::runner::{RUNNERS, Runner};
use crate::world::World;
use project::{Project, is_in};

/// Returns the checks that the configuration names and those of the workspace, in the order in which they are run.
pub(crate) fn all(world: &dyn World, subject: &Subject, changes: &[Change]) -> Vec<Plan> {
    let mut all = configured::plans(&subject.commands);
    all.extend(plans(world, changes));
    all
}

/// Returns the checks of the workspace, in the order in which they are run.
pub(crate) fn plans(world: &dyn World, changes: &[Change]) -> Vec<Plan> {
    let projects = walk::projects(world, changes);
    let mut found = Found::default();
    for project in &projects {
        found.of(project);
    }
    let mut plans = found.plans;
    // What the change can touch is run first; the sort keeps all other order.
    plans.sort_by_key(|plan| !is_touched(&plan.directory, changes));
    plans
}

fn is_touched(directory: &str, changes: &[Change]) -> bool {
    changes.iter().any(|change| is_in(&change.path, directory))
}

/// The checks of the directories that were looked at.
#[derive(Default)]
struct Found {
    plans: Vec<Plan>,
    /// Runners whose checks cover what is below a directory.
    covering: Vec<(String, &'static Runner)>,
}

impl Found {
    /// Adds the checks of one directory. Those above it come first.
    fn of(&mut self, project: &Project<'_>) {
        let own = of_project(project);
        for plan in own {
            if self.is_covered(project, &plan) || self.is_known(&plan) {
                continue;
            }
            if project.is_any(plan.runner.covering) {
                self.covering.push((plan.directory.clone(), plan.runner));
            }
            self.plans.push(plan);
        }
    }

    fn is_covered(&self, project: &Project<'_>, plan: &Plan) -> bool {
        let above = |(directory, runner): &(String, &'static Runner)| {
            runner.check == plan.runner.check && is_in(&plan.directory, directory)
        };
        match plan.standing {
            Standing::Covered => true,
            Standing::Apart => false,
            Standing::Usual => {
                self.covering.iter().any(above) && !project.is_any(plan.runner.apart)
            }
        }
    }

    /// Returns whether the same command runs in the same directory anyway.
    fn is_known(&self, plan: &Plan) -> bool {
        let same = |known: &Plan| {
            known.id == plan.id
                || (known.directory == plan.directory && known.arguments == plan.arguments)
        };
        self.plans.iter().any(same)
    }
}

/// The checks of one directory.
fn of_project(project: &Project<'_>) -> Vec<Plan> {
    let mut plans = cargo::plans(project);
    plans.extend(python::plans(project));
    plans.extend(node::plans(project));
    let declared = categories(&plans);
    for runner in RUNNERS {
        let known = plans.iter().any(|plan| plan.runner.check == runner.check);
        let idle = runner.fills && declared.contains(&runner.category);
        if !known && !idle && project.is_any(runner.at) {
            plans.extend(of_row(project, runner));
        }
    }
    let covered = categories(&plans);
    plans.extend(target::plans(project, covered));
    plans.extend(script::plans(project));
    let covered = categories(&plans);
    plans.extend(named::plans(project, covered));
    plans
}

fn categories(plans: &[Plan]) -> BTreeSet<Category> {
    plans.iter().map(|plan| plan.category).collect()
}

/// The check of a row, with the first command whose marker holds.
fn of_row(project: &Project<'_>, runner: &'static Runner) -> Option<Plan> {
    let (_, command) = runner.run.iter().find(|(marker, _)| project.is_marked(marker))?;
    Some(Plan::new(runner, &project.directory, &reach::spelled(project, command)))
}

#[cfg(test)]
mod tests;
