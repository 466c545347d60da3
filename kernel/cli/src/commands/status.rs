//! `openkoi status`: costs, running tasks, and the models for the next task.

pub(crate) mod live;
pub(crate) mod shown;

use openkoi_app::{
    day,
    models::Routes,
    sandbox::{self, SandboxReport},
    settings::Settings,
};
use openkoi_core::{doubts::Doubts, network::NetworkRules};
use openkoi_storage::{
    Storage,
    skills::{Skill, SkillKind},
    tasks::{TaskRecord, TaskStatus},
    usage::{Doubted, Total},
};

use crate::{
    commands::skill::{self, shown::Known},
    context::Context,
    error::CommandError,
    exit::Exit,
    reply::Reply,
};

/// The number of tasks that can go on, or run, that are named.
const NAMED: usize = 5;
/// The number of open tasks among which those are looked for.
const LOOKED_AT: u32 = 100;

/// Arguments of `openkoi status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Watch the running task until it ends
    #[arg(long)]
    pub live: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows the status, or watches the running task.
///
/// # Errors
///
/// When the home, the settings or the storage cannot be read.
pub fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    if args.live {
        return live::watch(args.json, context);
    }
    Reply::new(StatusReport::of(context)?, args.json).print(context)
}

/// The status of the home: costs, tasks, models, skills and sandbox.
struct StatusReport {
    home: String,
    data: String,
    spent: Spent,
    counts: Vec<(TaskStatus, u64)>,
    /// Tasks that run or can be resumed.
    open: Vec<(TaskRecord, bool)>,
    models: Result<Routes, CommandError>,
    skills: SkillCount,
    sandbox: SandboxState,
}

#[derive(Default)]
struct Spent {
    today: Total,
    /// Of today, by role.
    roles: Vec<(String, Total)>,
    all: Total,
    /// Why the money is an upper limit, if it is.
    why: Option<String>,
}

struct SkillCount {
    tasks: usize,
    evaluators: usize,
    broken: usize,
    /// Those that a task may be given and the evaluators that judged one, with what is known of them.
    active: Vec<(String, Known)>,
}

enum SandboxState {
    Off,
    On(SandboxReport, NetworkRules),
}

impl StatusReport {
    fn of(context: &Context) -> Result<Self, CommandError> {
        let settings = context.settings()?;
        let paths = context.paths()?;
        let storage = context.existing_storage()?;
        // A missing model is part of the status, but a broken home is an error.
        context.consents()?;
        let mut report = Self {
            home: paths.home().display().to_string(),
            data: paths.data().display().to_string(),
            spent: Spent::default(),
            counts: Vec::new(),
            open: Vec::new(),
            models: routes(&settings, context),
            skills: skills(context)?,
            sandbox: sandbox(&settings, context)?,
        };
        if let Some(storage) = storage {
            let played = openkoi_app::models::playing(&context.app, &settings)?;
            report.look_at(&storage, context.printer.now_ms(), &played)?;
        }
        Ok(report)
    }

    fn look_at(
        &mut self,
        storage: &Storage,
        now_ms: u64,
        played: &[String],
    ) -> Result<(), CommandError> {
        let since_ms = day::began_ms(now_ms);
        let today = storage.spent_since(since_ms, played)?;
        let roles = storage.spent_by_role(since_ms, played)?;
        let all = storage.spent_since(0, played)?;
        let mut doubts = Doubts::default();
        if all.at_most {
            storage.doubt(Doubted::Since(0), &mut doubts)?;
        }
        self.spent = Spent { today, roles, all, why: doubts.reason() };
        self.counts = storage.task_counts()?;
        let named = [TaskStatus::Running, TaskStatus::Interrupted, TaskStatus::Paused];
        let open = storage.open_tasks(LOOKED_AT)?.into_iter();
        let open = open.filter(|task| named.contains(&task.status)).take(NAMED);
        let with_runs = |task: TaskRecord| {
            let runs = task.status == TaskStatus::Running;
            (task, runs)
        };
        self.open = open.map(with_runs).collect();
        Ok(())
    }
}

fn routes(settings: &Settings, context: &Context) -> Result<Routes, CommandError> {
    let connections = context.connections_of_runs(settings)?;
    Ok(connections.routes(settings, &context.catalogue(&connections)?)?)
}

fn skills(context: &Context) -> Result<SkillCount, CommandError> {
    let (found, records) = (skill::find::loaded(context)?, skill::find::records(context)?);
    let count = |kind| found.all().filter(|known| known.skill.kind == kind).count();
    let known = |skill: &Skill| Known::of(skill, found.place_of(skill), &records);
    let judges = found.all().map(|one| one.skill).filter(|one| one.kind == SkillKind::Evaluator);
    let judges = judges.filter(|skill| known(skill).tasks() > 0);
    let mut active: Vec<(String, Known)> =
        found.usable().chain(judges).map(|skill| (skill.name.clone(), known(skill))).collect();
    // Those that were used most, first.
    active.sort_by_key(|(_, known)| std::cmp::Reverse(known.tasks()));
    Ok(SkillCount {
        tasks: count(SkillKind::Task),
        evaluators: count(SkillKind::Evaluator),
        broken: found.problems().len(),
        active,
    })
}

fn sandbox(settings: &Settings, context: &Context) -> Result<SandboxState, CommandError> {
    if !settings.sandbox.on {
        return Ok(SandboxState::Off);
    }
    let report = sandbox::processes(&context.app, settings)?.sandbox_level();
    Ok(SandboxState::On(report, settings.sandbox.network.clone()))
}

#[cfg(test)]
mod tests;
