//! From a parsed line to the command that does it. Commands that return a
//! [`Reply`](crate::reply::Reply) are printed here; those that talk while they work, or have
//! several forms, print by themselves.

use crate::{
    args::{self, Action, CliCommand},
    commands::{
        approvals, chat, completions, config, connect, daemon, dashboard, demo, disconnect, doctor,
        learn, man, memory, mind, models, plugin, prune, reflect, resume, rewind, run, schedule,
        session, skill, soul, status, task, think, trust, undo, watch, webhook, world,
    },
    context::Context,
    error::CommandError,
    exit::Exit,
    request::{ChatRequest, LineRequest},
};

/// Does the action of a line.
///
/// # Errors
///
/// The error of the command.
pub(crate) fn dispatch(action: Action, context: &Context) -> Result<Exit, CommandError> {
    match action {
        Action::Page(text) => {
            context.printer.raw(text.as_bytes())?;
            Ok(Exit::Accepted)
        }
        Action::Names(kind) => completions::names(&kind, context),
        Action::Task(flags) => match LineRequest::of(*flags, context)? {
            LineRequest::Task(request) => run::run(&request, context),
            LineRequest::Chat(request) => chat::run(*request, context),
        },
        Action::Command(command) => self::command(*command, context),
    }
}

fn command(command: CliCommand, context: &Context) -> Result<Exit, CommandError> {
    match command {
        CliCommand::Demo(flags) => demo::run(flags.0, context),
        CliCommand::Think(flags) => think::run(*flags.0, context),
        CliCommand::Chat(flags) => chat::run(ChatRequest::of(&flags, context)?, context),
        CliCommand::Resume(flags) => resume::run(flags.0, context),
        CliCommand::Session(args) => session::run(args.0, context),
        CliCommand::Task(args) => task::run(args.0, context),
        CliCommand::Status(args) => status::run(&args, context),
        CliCommand::Dashboard(args) => dashboard::run(&args, context),
        CliCommand::Memory(args) => memory::run(args.0, context),
        CliCommand::Skill(args) => skill::run(args.0, context),
        CliCommand::Learn(args) => learn::run(args.0, context),
        CliCommand::Soul(args) => soul::run(args.0, context),
        CliCommand::Mind(args) => mind::run(&args, context)?.print(context),
        CliCommand::Reflect(args) => reflect::run(&args, context)?.print(context),
        CliCommand::World(args) => world::run(args.0, context),
        CliCommand::Trust(args) => trust::run(args.0, context)?.print(context),
        CliCommand::Schedule(args) => schedule::run(*args.0, context)?.print(context),
        CliCommand::Watch(args) => watch::run(&args, context)?.print(context),
        CliCommand::Webhook(args) => webhook::run(args.0, context)?.print(context),
        CliCommand::Undo(args) => undo::run(&args, context)?.print(context),
        CliCommand::Rewind(args) => rewind::run(args.0, context)?.print(context),
        CliCommand::Config(args) => config::run(&args, context)?.print(context),
        CliCommand::Connect(args) => connect::run(&args, context)?.print(context),
        CliCommand::Disconnect(args) => disconnect::run(&args, context)?.print(context),
        CliCommand::Doctor(args) => doctor::run(&args, context)?.print(context),
        CliCommand::Daemon(args) => daemon::run(args.0, context),
        CliCommand::Approvals(args) => approvals::run(args.0, context)?.print(context),
        CliCommand::Plugin(args) => plugin::run(args.0, context),
        CliCommand::Prune(args) => prune::run(&args, context)?.print(context),
        CliCommand::Completions(args) => completions::run(&args, args::command(), context),
        CliCommand::Models(args) => models::run(&args, context)?.print(context),
        CliCommand::Man(args) => man::run(&args, args::command(), context),
    }
}
