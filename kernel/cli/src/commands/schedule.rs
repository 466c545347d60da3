//! `openkoi schedule`: tasks that begin by themselves.

mod add;
mod done;
mod list;

use clap::Subcommand;
use openkoi_app::schedules::{self, Schedule};

use self::{add::AddFlags, done::told};
use crate::{context::Context, error::CommandError, output::Choice, reply::Reply};

pub(super) use self::{
    add::{WatchFlags, add_watch, words},
    done::{notice, unless_daemon_runs},
    list::listed,
};

/// Arguments of `openkoi schedule`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, schedules are listed
    #[command(subcommand)]
    command: Option<ScheduleCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum ScheduleCommand {
    /// Let a task begin again and again: openkoi schedule add "every weekday at 9" "review what changed"
    ///
    /// A time is said in plain words ("every day at 18:30", "every monday and thursday at 8", "on the 1st at 9", "hourly", "every 15
    /// minutes") or as a cron expression of five fields ("0 9 * * 1-5"). A time that clocks skip counts when they go on, and one that
    /// they show twice counts once. While a run goes on, the next one is left out.
    Add(Box<AddFlags>),
    /// List what begins by itself, with when it is due and how it went last
    List,
    /// Let a schedule begin nothing until it is resumed
    Pause(Chosen),
    /// Let a schedule go on; what was due in between is not made up for
    Resume(Chosen),
    /// Begin the task of a schedule now
    Run(Chosen),
    /// Remove a schedule; its tasks stay
    Remove(Chosen),
}

#[derive(Debug, clap::Args)]
struct Chosen {
    /// The schedule; without it, pick one
    id: Option<String>,
}

/// Runs the subcommand, or lists schedules.
///
/// # Errors
///
/// When there is no such schedule, its words are not understood, or the storage cannot be used.
pub fn run(args: Args, context: &Context) -> Result<Reply, CommandError> {
    let json = args.json;
    match args.command.unwrap_or(ScheduleCommand::List) {
        ScheduleCommand::Add(flags) => add::add(*flags, json, context),
        ScheduleCommand::List => listed(|_| true, json, context),
        ScheduleCommand::Pause(id) => pause(id, true, json, context),
        ScheduleCommand::Resume(id) => pause(id, false, json, context),
        ScheduleCommand::Run(id) => run_now(id, json, context),
        ScheduleCommand::Remove(id) => {
            let schedule = chosen(id, "remove", context)?;
            context.storage()?.remove_schedule(&schedule.record.id)?;
            Ok(told(schedule, "is removed", None, (json, context)))
        }
    }
}

fn pause(id: Chosen, paused: bool, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let schedule = chosen(id, if paused { "pause" } else { "resume" }, context)?;
    let storage = context.storage()?;
    storage.pause_schedule(&schedule.record.id, paused, context.app.now_ms())?;
    let words = if paused { "begins nothing until it is resumed" } else { "goes on" };
    let notice = if paused { None } else { unless_daemon_runs(context, "nothing begins")? };
    Ok(told(schedule, words, notice, (json, context)))
}

fn run_now(id: Chosen, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let schedule = chosen(id, "run", context)?;
    let now_ms = context.app.now_ms();
    let moment = format!("now-{}", context.app.new_id()?);
    let task = schedules::begin(&context.app, &schedule, &moment, now_ms, now_ms)?;
    let notice = unless_daemon_runs(context, "it waits")?;
    let words = format!("begins now, as task {}", task.short());
    Ok(told(schedule, &words, notice, (json, context)))
}

/// Returns the schedule that is meant.
fn chosen(id: Chosen, command: &str, context: &Context) -> Result<Schedule, CommandError> {
    let storage = context.storage()?;
    let id = match id.id {
        Some(id) => id,
        None => {
            let found = storage.schedules()?;
            let choice = |one: &openkoi_storage::schedules::ScheduleRecord| Choice {
                argument: one
                    .id
                    .get(one.id.len().saturating_sub(8)..)
                    .unwrap_or(&one.id)
                    .to_owned(),
                description: one.text.clone(),
            };
            let choices: Vec<Choice> = found.iter().map(choice).collect();
            context.questions.pick("schedule", &format!("openkoi schedule {command}"), &choices)?
        }
    };
    Ok(Schedule::of(storage.find_schedule(&id)?).map_err(openkoi_app::error::AppError::from)?)
}
