//! `openkoi watch`: a task that begins when files change.

use std::path::PathBuf;

use openkoi_app::schedules::Trigger;

use super::schedule::{WatchFlags, add_watch, listed, words};
use crate::{context::Context, error::CommandError, reply::Reply};

/// Arguments of `openkoi watch`.
///
/// The task begins when nothing has changed for a while. What git ignores does not count, nor what a run of the task changes itself; while one
/// goes on, no other begins. `openkoi schedule pause`, `resume`, `run` and `remove` hold for it too.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file or directory to watch; without it, what is watched is listed
    #[arg(value_name = "PATH", requires = "words")]
    path: Option<PathBuf>,
    /// What to do
    #[arg(value_name = "TASK")]
    words: Vec<String>,
    #[command(flatten)]
    flags: WatchFlags,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Adds a watch, or lists them.
///
/// # Errors
///
/// When there is no such file, or the storage cannot be used.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    match &args.path {
        None => listed(|trigger| matches!(trigger, Trigger::Files { .. }), args.json, context),
        Some(path) => add_watch(path, &words(&args.words)?, &args.flags, args.json, context),
    }
}
