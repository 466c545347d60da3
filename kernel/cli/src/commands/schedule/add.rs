//! A new schedule, of times or of files.

use std::path::Path;

use openkoi_app::{
    error::AppError,
    request::Limits,
    schedules::{self, Missed, QUIET_MS, Spec, Trigger},
};

use super::{
    done::{told, unless_daemon_runs},
    list::next_words,
};
use crate::{
    context::Context,
    error::CommandError,
    flags::{LimitFlags, dollars},
    reply::Reply,
};

/// Arguments of `openkoi schedule add`.
#[derive(Debug, clap::Args)]
pub(in crate::commands) struct AddFlags {
    /// When: plain words or a cron expression, in quotes
    #[arg(value_name = "WHEN")]
    when: String,
    /// What to do
    #[arg(value_name = "TASK", required = true)]
    words: Vec<String>,
    /// The time zone, such as Europe/Berlin; without it, that of the system
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// What happens when nobody was there at the time: once begins the task as soon as it can, skip leaves it out
    #[arg(long, value_name = "WHAT", default_value = "once", value_parser = missed)]
    missed: Missed,
    /// The limits of each run.
    #[command(flatten)]
    limits: LimitFlags,
    /// Begin no run when the runs of a day have cost this many US dollars
    #[arg(long, value_name = "USD", value_parser = dollars)]
    max_cost_per_day: Option<f64>,
}

/// The flags of what begins by itself, whatever makes it begin.
#[derive(Debug, clap::Args)]
pub(in crate::commands) struct WatchFlags {
    /// Begin when nothing has changed for this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    quiet_for: Option<u64>,
    /// The limits of each run.
    #[command(flatten)]
    limits: LimitFlags,
    /// Begin no run when the runs of a day have cost this many US dollars
    #[arg(long, value_name = "USD", value_parser = dollars)]
    max_cost_per_day: Option<f64>,
}

fn missed(text: &str) -> Result<Missed, String> {
    match text {
        "once" => Ok(Missed::Once),
        "skip" => Ok(Missed::Skip),
        _ => Err("it is once or skip".to_owned()),
    }
}

/// Adds a schedule of times.
pub(super) fn add(flags: AddFlags, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let now_ms = context.app.now_ms();
    let trigger = schedules::at_times(&flags.when, flags.timezone.as_deref(), now_ms);
    let trigger = trigger.map_err(AppError::from)?;
    let text = words(&flags.words)?;
    let spec = Spec {
        trigger,
        missed: flags.missed,
        limits: limits(&flags.limits, context)?,
        day_usd: flags.max_cost_per_day,
    };
    keep(&text, &context.workspace()?, spec, json, context)
}

/// Adds a schedule of files.
pub(in crate::commands) fn add_watch(
    path: &Path,
    text: &str,
    flags: &WatchFlags,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let path = schedules::watched(&context.absolute(path)).map_err(AppError::from)?;
    let trigger = Trigger::Files {
        path: path.display().to_string(),
        quiet_ms: flags.quiet_for.map_or(QUIET_MS, |seconds| seconds * 1_000),
    };
    let spec = Spec {
        trigger,
        missed: Missed::Skip,
        limits: limits(&flags.limits, context)?,
        day_usd: flags.max_cost_per_day,
    };
    keep(text, &context.workspace()?, spec, json, context)
}

fn keep(
    text: &str,
    workspace: &Path,
    spec: Spec,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let schedule = schedules::add(&context.app, text, workspace, spec)?;
    let words = match next_words(&schedule, context.app.now_ms()) {
        Some(next) => format!("begins its task on {next}"),
        None => "begins its task when files change".to_owned(),
    };
    let notice = unless_daemon_runs(context, "nothing runs")?;
    Ok(told(schedule, &words, notice, (json, context)))
}

/// Returns the limits of each run, once it is known that the settings allow them.
fn limits(flags: &LimitFlags, context: &Context) -> Result<Limits, CommandError> {
    let limits = flags.limits();
    // A limit that is refused would be refused each time.
    context.settings_with(|layers| limits.lay(layers))?;
    Ok(limits)
}

/// Returns the words of a task as one text.
pub(in crate::commands) fn words(words: &[String]) -> Result<String, CommandError> {
    let text = words.join(" ");
    if text.trim().is_empty() {
        return Err(CommandError::usage("the task is empty"));
    }
    Ok(text)
}
