//! The flags that several commands share, and those of tasks.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use openkoi_app::request::Limits;
use openkoi_core::message::ReasoningEffort;

use crate::output::ColourChoice;

/// The most iterations that can be asked for.
const MOST_ITERATIONS: i64 = 1_000;

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
pub struct GlobalFlags {
    /// Work in this directory instead of the current one
    #[arg(long, value_name = "DIR", global = true, help_heading = "Everywhere")]
    pub workspace: Option<PathBuf>,
    /// Use colour
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        help_heading = "Everywhere"
    )]
    pub color: ColourChoice,
    /// Show the arguments of calls, the sizes of outputs and the tokens of turns; twice adds the program's own log, three times that of its libraries
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Everywhere")]
    pub verbose: u8,
}

/// Flags that limit a run.
#[derive(Clone, Debug, Default, Args)]
pub struct LimitFlags {
    /// Stop after this many iterations; 0 executes once and evaluates nothing
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=MOST_ITERATIONS))]
    pub iterations: Option<u32>,
    /// Accept from this score, 0 to 1
    #[arg(long, value_name = "SCORE", value_parser = score)]
    pub quality: Option<f64>,
    /// Use this model: provider/model, or a bare name that one provider has; ? shows them all
    #[arg(short, long, value_name = "MODEL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub model: Option<String>,
    /// Ask the model for this much reasoning: low, medium or high
    #[arg(long, value_name = "LEVEL", value_parser = clap::builder::PossibleValuesParser::new(ReasoningEffort::WORDS))]
    pub effort: Option<String>,
    /// Stop before more than this many US dollars are spent
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub max_cost: Option<f64>,
    /// Stop before more than this many fresh tokens are used: those from a cache do not count
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=i64::MAX as u64))]
    pub max_tokens: Option<u64>,
    /// Stop after this many seconds of work; waits for you, for a busy provider and for the checks do not count
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub max_time: Option<u64>,
}

/// Flags for the output of a run.
#[derive(Clone, Debug, Default, Args)]
pub struct ShowFlags {
    /// Print the result only, no progress
    #[arg(short, long)]
    pub quiet: bool,
    /// Print the result as text, one JSON document, or one JSON event a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub output_format: RunFormat,
    /// Write the result to this file too; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The format of a run's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RunFormat {
    /// The answer
    #[default]
    Text,
    /// One record at the end
    Json,
    /// Every event as it happens, the record last
    StreamJson,
}

/// A task and its flags.
#[derive(Clone, Debug, Default, Args)]
pub struct TaskFlags {
    /// What to do; - reads it from standard input
    #[arg(value_name = "TASK")]
    pub words: Vec<String>,
    /// Limits of the run.
    #[command(flatten)]
    pub limits: LimitFlags,
    /// The output of the command.
    #[command(flatten)]
    pub show: ShowFlags,
    /// Redact secrets before anything is sent to a provider (not built yet, so it refuses to run)
    #[arg(long)]
    pub redact: bool,
    /// Give the result as JSON of this schema
    #[arg(long, value_name = "FILE")]
    pub json_schema: Option<PathBuf>,
    /// Go on with the last session of this directory
    #[arg(short, long = "continue", conflicts_with = "resume")]
    pub continue_last: bool,
    /// Go on with a session; without an id, pick one
    #[arg(short, long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// Go on in a copy of the session, so that it stays as it was
    #[arg(long)]
    pub fork: bool,
    /// Work in a new git worktree beside the repository, on a branch of its own
    #[arg(long)]
    pub worktree: bool,
    /// Hand the task to the daemon and go on; its id is printed
    #[arg(long, conflicts_with = "dry_run")]
    pub detach: bool,
    /// Work in a copy that is dropped at the end, and show what would have changed; programs reach no hosts
    #[arg(long, conflicts_with_all = ["worktree", "continue_last", "resume"])]
    pub dry_run: bool,
}

/// Flags of `openkoi think`.
#[derive(Clone, Debug, Default, Args)]
pub struct ThinkFlags {
    /// The task and its flags.
    #[command(flatten)]
    pub task: TaskFlags,
    /// Do nothing; show where each way would lead: steps, powers, cost, risks
    #[arg(long, conflicts_with_all = ["overrule", "dry_run", "worktree"])]
    pub simulate: bool,
    /// Do the work even if the chamber stops it, for this reason; it is kept in the journal
    #[arg(long = "override", value_name = "REASON", value_parser = reason)]
    pub overrule: Option<String>,
    /// Print one JSON document, as --output-format json does
    #[arg(long)]
    pub json: bool,
}

/// Flags of `openkoi demo`.
#[derive(Clone, Debug, Default, Args)]
pub struct DemoFlags {
    /// The kind of project: rust, python, node or shell; without one, the first that this machine can run
    #[arg(value_name = "KIND")]
    pub kind: Option<String>,
    /// Keep the temporary project and say where it is
    #[arg(long)]
    pub keep: bool,
    /// The output of the command.
    #[command(flatten)]
    pub show: ShowFlags,
}

/// Flags of `openkoi chat`.
#[derive(Clone, Debug, Default, Args)]
pub struct ChatFlags {
    /// Take up this chat again; without an id, pick one
    #[arg(short, long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// Take up the last chat of this directory again
    #[arg(short, long = "continue", conflicts_with = "resume")]
    pub continue_last: bool,
    /// Go on in a copy of the session, so that it stays as it was
    #[arg(long)]
    pub fork: bool,
    /// Limits of each turn of the conversation.
    #[command(flatten)]
    pub limits: LimitFlags,
}

/// Flags of `openkoi resume`.
#[derive(Clone, Debug, Default, Args)]
pub struct ResumeFlags {
    /// The task; without one, pick it
    pub id: Option<String>,
    /// Do the work although the chamber stopped it, for this reason; it is kept in the journal
    #[arg(long = "override", value_name = "REASON", value_parser = reason)]
    pub overrule: Option<String>,
    /// Limits from here on; what is not given stays as it was.
    #[command(flatten)]
    pub limits: LimitFlags,
    /// The output of the command.
    #[command(flatten)]
    pub show: ShowFlags,
}

impl LimitFlags {
    /// Returns the limits that the flags ask for.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            iterations: self.iterations,
            quality: self.quality,
            model: self.model.clone(),
            effort: self.effort.clone(),
            cost_usd: self.max_cost,
            tokens: self.max_tokens,
            seconds: self.max_time,
        }
    }
}

impl TaskFlags {
    /// Reads `-r "go on with the docs"` as a task in a session to be picked. An id has no white
    /// space, so the text is not one.
    pub(crate) fn settle_resume(&mut self) {
        let Some(text) = &self.resume else { return };
        if text.contains(char::is_whitespace) {
            self.words.insert(0, text.clone());
            self.resume = Some(String::new());
        }
    }
}

/// Parses a reason, which says something.
fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a reason says why".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// Parses a score from 0 to 1.
fn score(text: &str) -> Result<f64, String> {
    let score = text.parse::<f64>().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| "a score is a number from 0 to 1".to_owned())
}

/// Parses an amount of dollars, with or without `$`.
pub(crate) fn dollars(text: &str) -> Result<f64, String> {
    let amount = text.strip_prefix('$').unwrap_or(text).parse::<f64>().ok();
    let amount = amount.filter(|amount| (0.0..=1_000_000.0).contains(amount));
    amount.ok_or_else(|| "an amount is a number of US dollars, for example 0.50".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_a_number_from_0_to_1() {
        let scores = ["0", "1", "0.5", "1e-3"].map(|text| score(text).unwrap());
        assert_eq!(scores, [0.0, 1.0, 0.5, 0.001]);

        for odd in ["-0.1", "1.01", "NaN", "inf", "", "half", "0,5", "50%"] {
            assert_eq!(score(odd).unwrap_err(), "a score is a number from 0 to 1", "{odd:?}");
        }
    }

    #[test]
    fn an_amount_may_have_the_sign_of_the_dollar_in_front() {
        let amounts = ["0", "0.50", "$2", "$0.05", "1000000"].map(|text| dollars(text).unwrap());
        assert_eq!(amounts, [0.0, 0.5, 2.0, 0.05, 1_000_000.0]);

        let message = "an amount is a number of US dollars, for example 0.50";
        for odd in ["-1", "$-1", "$$1", "1$", "1000001", "NaN", "inf", "", "$", "1,50", "2 USD"] {
            assert_eq!(dollars(odd).unwrap_err(), message, "{odd:?}");
        }
    }

    fn settled(resume: Option<&str>, words: &[&str]) -> (Option<String>, Vec<String>) {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let mut flags =
            TaskFlags { resume: resume.map(str::to_owned), words, ..TaskFlags::default() };
        flags.settle_resume();
        (flags.resume, flags.words)
    }

    #[test]
    fn a_sentence_behind_resume_is_the_task_and_a_word_the_session() {
        assert_eq!(
            settled(Some("go on"), &["with it"]),
            (Some(String::new()), vec!["go on".to_owned(), "with it".to_owned()])
        );
        assert_eq!(
            settled(Some("abc1"), &["go on"]),
            (Some("abc1".to_owned()), vec!["go on".to_owned()])
        );
        assert_eq!(settled(Some(""), &["go on"]).0.as_deref(), Some(""));
        assert_eq!(settled(None, &["go on"]), (None, vec!["go on".to_owned()]));
    }
}
