//! `openkoi skill`: which skills there are, what they did for tasks, and whether they are as they should be.

mod check;
pub(crate) mod find;
mod make;
mod ranked;
pub(super) mod shown;

use clap::Subcommand;
use openkoi_app::{
    settings,
    skills::{KnownSkill, LoadedSkills},
    suggest,
};
use openkoi_storage::skills::{SkillKind, SkillSource};

use crate::{context::Context, error::CommandError, exit::Exit, output::Choice, reply::Reply};

use self::{
    find::{loaded, records, unknown},
    shown::{SkillDetails, SkillList},
};

/// Arguments of `openkoi skill`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it the skills are listed
    #[command(subcommand)]
    pub command: Option<SkillCommand>,
}

/// The subcommands of `openkoi skill`.
#[derive(Debug, Subcommand)]
pub enum SkillCommand {
    /// List the skills of this directory and your own
    List {
        /// Those too that are not used, with the reason
        #[arg(short, long)]
        all: bool,
        /// Those for tasks, as they fit this task: the best first
        #[arg(long = "for", value_name = "TASK", conflicts_with = "all")]
        task: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a skill: its text, its files, what is doubtful about it, and how tasks ended with it
    Show {
        /// Its name; without it, pick one
        name: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the beginning of a skill
    New {
        /// Its name: small letters, digits and hyphens
        name: String,
        /// What it does, and when it is of use
        #[arg(short, long, value_name = "TEXT")]
        description: Option<String>,
        /// For all your projects, and not in this one
        #[arg(long)]
        user: bool,
        /// An evaluator, which judges work
        #[arg(long)]
        evaluator: bool,
    },
    /// Hold skills against the Agent Skills specification; the exit code is 1 if one is not as it has to be
    Check {
        /// A name, or the path of a skill; without it, all of this directory and your own
        skill: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Keep a skill from all tasks
    Disable {
        /// Its name; without it, pick one
        name: Vec<String>,
    },
    /// Let a skill be used again
    Enable {
        /// Its name; without it, pick one
        name: Vec<String>,
    },
}

/// Runs the subcommand, or lists the skills.
///
/// # Errors
///
/// When there is no such skill, or a file cannot be written.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    match args.command.unwrap_or(SkillCommand::List { all: false, task: None, json: false }) {
        SkillCommand::List { task: Some(task), json, .. } => {
            Reply::new(ranked::ranking(&task, context)?, json).print(context)
        }
        SkillCommand::List { all, json, .. } => listed(all, json, context)?.print(context),
        SkillCommand::Show { name, json } => {
            let skills = loaded(context)?;
            let name = chosen(joined(&name), &skills, "openkoi skill show", context, |_| true)?;
            details(&skills, &name, json, context)?.print(context)
        }
        SkillCommand::New { name, description, user, evaluator } => {
            let kind = if evaluator { SkillKind::Evaluator } else { SkillKind::Task };
            make::run(&make::NewSkill { name, description, user, kind }, context)
        }
        SkillCommand::Check { skill, json } => check::run(joined(&skill).as_deref(), json, context),
        SkillCommand::Disable { name } => disable(joined(&name), context),
        SkillCommand::Enable { name } => enable(joined(&name), context),
    }
}

/// Returns the skills as a list.
pub(crate) fn listed(all: bool, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let (skills, records) = (loaded(context)?, records(context)?);
    Ok(Reply::new(SkillList { skills, records, all }, json))
}

/// Returns the details of one of these skills.
pub(crate) fn details(
    skills: &LoadedSkills,
    name: &str,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    Ok(Reply::new(SkillDetails::of(skills, name, &records(context)?)?, json))
}

/// Returns a name that was typed, also one with blanks that nobody put into quotes.
fn joined(name: &[String]) -> Option<String> {
    (!name.is_empty()).then(|| name.join(" "))
}

fn disable(name: Option<String>, context: &Context) -> Result<Exit, CommandError> {
    let (skills, mut disabled) = (loaded(context)?, context.settings()?.disabled_skills);
    let is_on = |known: &KnownSkill<'_>| !disabled.contains(&known.skill.name) && !stays(known);
    let name = chosen(name, &skills, "openkoi skill disable", context, is_on)?;
    let known: Vec<KnownSkill<'_>> = skills.all().filter(|one| one.skill.name == name).collect();
    if !known.is_empty() && known.iter().all(stays) {
        let error = CommandError::usage(format!(
            "`{name}` comes with OpenKoi and judges where nothing else does, so it stays"
        ));
        return Err(error.hint(format!("openkoi skill new {name} --user --evaluator")));
    }
    if known.is_empty() {
        return Err(unknown(&name, &skills));
    }
    if disabled.contains(&name) {
        context.printer.notice(&format!("{name} is disabled already"));
        return Ok(Exit::Accepted);
    }
    disabled.push(name.clone());
    keep(&disabled, context)?;
    context.printer.notice(&format!("{name} is given to no task; openkoi skill enable {name}"));
    Ok(Exit::Accepted)
}

/// Returns whether a skill cannot be disabled: a bundled evaluator judges where there is no other.
fn stays(known: &KnownSkill<'_>) -> bool {
    known.skill.kind == SkillKind::Evaluator && known.skill.source == SkillSource::Bundled
}

fn enable(name: Option<String>, context: &Context) -> Result<Exit, CommandError> {
    let mut disabled = context.settings()?.disabled_skills;
    let name = match name {
        Some(name) => name,
        None => {
            let choice =
                |name: &String| Choice { argument: name.clone(), description: String::new() };
            let choices: Vec<Choice> = disabled.iter().map(choice).collect();
            context.questions.pick("disabled skill", "openkoi skill enable", &choices)?
        }
    };
    if !disabled.contains(&name) {
        let question = suggest::question(&suggest::closest(&name, disabled));
        let error = CommandError::usage(format!("`{name}` is not disabled"));
        return Err(error.hints(question).hint("openkoi skill list --all"));
    }
    disabled.retain(|one| *one != name);
    keep(&disabled, context)?;
    context.printer.notice(&format!("{name} can be used again"));
    Ok(Exit::Accepted)
}

/// Keeps the names of disabled skills in the user's configuration.
fn keep(disabled: &[String], context: &Context) -> Result<(), CommandError> {
    let paths = context.paths()?;
    paths.prepare().map_err(openkoi_app::error::AppError::from)?;
    let kept = settings::set_texts(paths.config(), "skills", "disabled", disabled);
    Ok(kept.map_err(openkoi_app::error::AppError::from)?)
}

/// Returns the name that was typed, or the one that the person picks from those that `may` be chosen.
fn chosen(
    name: Option<String>,
    skills: &LoadedSkills,
    usage: &str,
    context: &Context,
    may: impl Fn(&KnownSkill<'_>) -> bool,
) -> Result<String, CommandError> {
    if let Some(name) = name {
        return Ok(name);
    }
    let choices = skills.all().filter(|known| may(known)).map(|known| Choice {
        argument: known.skill.name.clone(),
        description: known.skill.description.clone(),
    });
    context.questions.pick("skill", usage, &choices.collect::<Vec<_>>())
}
