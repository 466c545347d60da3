//! `openkoi completions`: a script with which a shell completes lines. In bash, zsh and fish it asks the program for
//! the names of tasks, sessions, models, providers and components, with `openkoi __complete KIND`.

use std::collections::BTreeSet;

use clap::ValueEnum;
use clap_complete::Shell;
use openkoi_app::error::AppError;
use openkoi_core::{id, port::Records, records::RecordQuery};
use openkoi_storage::{proposals::KeptProposal, sessions::SessionQuery, tasks::TaskQuery};

use crate::{
    commands::skill,
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Choice, sanitise_line},
};

/// The word of the line with which a script asks for names.
pub(crate) const ASK: &str = "__complete";
/// The number of tasks, and of sessions, that are offered.
const OFFERED: u32 = 50;
/// The last calls whose tools are offered.
const LOOKED_AT: u32 = 1_000;

const BASH: &str = include_str!("completions/names.bash");
const ZSH: &str = include_str!("completions/names.zsh");
const FISH: &str = include_str!("completions/names.fish");

/// Arguments of `openkoi completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell; without it, pick one
    pub shell: Option<Shell>,
}

/// Prints the completions of the whole command line.
///
/// # Errors
///
/// When no shell is named or picked, or stdout cannot be written.
pub fn run(args: &Args, mut line: clap::Command, context: &Context) -> Result<Exit, CommandError> {
    let shell = match args.shell {
        Some(shell) => shell,
        None => pick(context)?,
    };
    context.printer.raw(&script(shell, &mut line))?;
    Ok(Exit::Accepted)
}

fn pick(context: &Context) -> Result<Shell, CommandError> {
    let choice = |shell: &Shell| Choice { argument: shell.to_string(), description: String::new() };
    let choices: Vec<Choice> = Shell::value_variants().iter().map(choice).collect();
    let picked = context.questions.pick("shell", "openkoi completions", &choices)?;
    Shell::from_str(&picked, true).map_err(CommandError::usage)
}

fn script(shell: Shell, line: &mut clap::Command) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, line, "openkoi", &mut script);
    let names = match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
        _ => "",
    };
    script.extend_from_slice(names.as_bytes());
    script
}

/// Prints the names of one kind, one a line, for a shell. Nothing is asked of the network, and what cannot be read has
/// no names.
///
/// # Errors
///
/// When stdout cannot be written.
pub(crate) fn names(kind: &str, context: &Context) -> Result<Exit, CommandError> {
    let names = known(kind, context).unwrap_or_default();
    let lines: String = names.iter().map(|name| format!("{}\n", sanitise_line(name))).collect();
    context.printer.raw(lines.as_bytes())?;
    Ok(Exit::Accepted)
}

fn known(kind: &str, context: &Context) -> Result<Vec<String>, CommandError> {
    match kind {
        "tasks" => {
            let Some(storage) = context.existing_storage()? else { return Ok(Vec::new()) };
            let query = TaskQuery { limit: Some(OFFERED), ..TaskQuery::default() };
            Ok(storage.tasks(&query)?.iter().map(|task| task.id.short().to_owned()).collect())
        }
        "sessions" => {
            let Some(storage) = context.existing_storage()? else { return Ok(Vec::new()) };
            let query = SessionQuery { limit: Some(OFFERED), ..SessionQuery::default() };
            Ok(storage.sessions(&query)?.iter().map(|one| one.id.short().to_owned()).collect())
        }
        "proposals" => {
            let storage = context.existing_storage()?;
            let kept = storage.map(|storage| storage.proposals(false)).transpose()?;
            let short = |one: &KeptProposal| id::short(&one.id).to_owned();
            Ok(kept.unwrap_or_default().iter().map(short).collect())
        }
        "skills" => {
            Ok(skill::find::loaded(context)?.all().map(|one| one.skill.name.clone()).collect())
        }
        "domains" => Ok(context.app.domains()?.into_iter().collect()),
        "tools" => {
            let Some(storage) = context.existing_storage()? else { return Ok(Vec::new()) };
            let last = RecordQuery { limit: LOOKED_AT, ..RecordQuery::default() };
            let calls = storage.calls(&last).map_err(AppError::Records)?;
            let names: BTreeSet<String> = calls.into_iter().map(|call| call.tool).collect();
            Ok(names.into_iter().collect())
        }
        "components" => {
            let built_in = context.components().iter().map(|one| one.name.to_owned());
            Ok(built_in.chain(context.app.installed_components()?).collect())
        }
        "providers" => {
            let all =
                context.connections(&context.app.settings(&context.workspace()?, |_| Ok(()))?)?;
            let all = all.ready.iter().chain(&all.on_request).chain(&all.missing);
            Ok(all.map(|connection| connection.name.clone()).collect())
        }
        "models" => {
            let all =
                context.connections(&context.app.settings(&context.workspace()?, |_| Ok(()))?)?;
            let catalogue = context.catalogue(&all)?;
            let of = all.ready.iter().flat_map(|connection| {
                let models = connection.models(&catalogue).into_iter();
                models.map(|(model, _)| connection.route_to(model).to_string()).collect::<Vec<_>>()
            });
            Ok(of.collect())
        }
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn the_script_of_every_shell_knows_every_command_and_the_flags_of_a_task() {
        for shell in Shell::value_variants() {
            let script = script(*shell, &mut crate::args::command());
            let script = String::from_utf8(script).unwrap();

            for known in crate::args::command().get_subcommands() {
                assert!(script.contains(known.get_name()), "{shell}: {}", known.get_name());
            }
            for flag in ["max-cost", "output-format", "continue"] {
                assert!(script.contains(flag), "{shell}: {flag}");
            }
        }
    }

    #[test]
    fn the_scripts_ask_for_names_that_there_are() {
        let world = World::new();
        let storage = world.storage();
        let task = world.ended(&storage, "1", "5e51", "one");
        let context = world.context();

        for script in [BASH, ZSH, FISH] {
            for kind in ["tasks", "sessions", "models", "providers", "components"] {
                assert!(script.contains(kind), "{kind}");
            }
        }
        assert_eq!(known("tasks", &context).unwrap(), [task.short()]);
        assert_eq!(known("sessions", &context).unwrap(), ["00005e51"]);
        assert!(known("components", &context).unwrap().contains(&"openai".to_owned()));
        assert!(known("providers", &context).unwrap().contains(&"anthropic".to_owned()));
        assert!(known("models", &context).is_ok());
        assert!(known("zebras", &context).unwrap().is_empty());
    }

    #[test]
    fn without_a_shell_and_a_terminal_the_shells_are_named() {
        let world = World::new();

        let error = run(&Args { shell: None }, crate::args::command(), &world.context());

        let error = error.unwrap_err();
        assert_eq!(error.kind, Exit::Usage);
        assert!(error.hints.iter().any(|hint| hint.contains("zsh")), "{error}");
    }
}
