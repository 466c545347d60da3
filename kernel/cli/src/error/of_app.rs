//! Errors of the application, in the words and with the exit codes of the command line.

use openkoi_app::{
    access::LoginError,
    consents::ConsentsError,
    editing::EditError,
    error::AppError,
    learn::LearnError,
    models::ModelsError,
    paths::PathsError,
    schedules::ScheduleError,
    settings::SettingsError,
    suggest,
    undo::{UndoError, UndoLogError},
};
use openkoi_core::failure::Failure;
use openkoi_storage::{Candidate, StorageError};

use super::CommandError;
use crate::exit::Exit;

impl From<AppError> for CommandError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Paths(error) => error.into(),
            AppError::Settings(error) => error.into(),
            AppError::Models(error) => error.into(),
            AppError::Storage(error) => error.into(),
            AppError::Consents(error) => error.into(),
            AppError::Login(error) => error.into(),
            AppError::Undo(error) => error.into(),
            AppError::Worktree(error) => Self::from_error(Exit::Usage, &error)
                .hint("`--worktree` needs a git repository with a commit"),
            AppError::Memory(error) => Self::usage(error.to_string()),
            AppError::SoulChange(error) => Self::from_error(Exit::NotAccepted, &error),
            AppError::Learn(error) => error.into(),
            AppError::Edit(EditError::NoEditor) => {
                Self::usage(EditError::NoEditor.to_string()).hint("export EDITOR=vi")
            }
            AppError::Edit(error) => Self::from_error(Exit::NotAccepted, &error),
            AppError::DryRun(error) => Self::from_error(Exit::Usage, &error),
            AppError::Workspace { path, source } => workspace(&path.display().to_string(), &source),
            AppError::Report(Failure::NotFound(what)) => Self::usage(format!("there is no {what}")),
            AppError::Schedule(error) => error.into(),
            AppError::Webhook(error) => Self::from_error(Exit::Configuration, &error),
            AppError::OtherSubmission | AppError::Handed(_) | AppError::NoSession => {
                Self::usage(error.to_string())
            }
            AppError::Component { .. }
            | AppError::Catalogue(_)
            | AppError::Embedder(_)
            | AppError::Records(_)
            | AppError::Unwritten(_)
            | AppError::Unremoved { .. }
            | AppError::Report(_)
            | AppError::Thread(_)
            | AppError::Queue(_)
            | AppError::Random(_) => Self::from_error(Exit::NotAccepted, &error),
            AppError::Soul { .. }
            | AppError::Provider(_)
            | AppError::Tools(_)
            | AppError::Clash(_)
            | AppError::Unfit(_)
            | AppError::Snapshots(_)
            | AppError::Program(_)
            | AppError::OptionFile { .. }
            | AppError::ComponentLimits { .. }
            | AppError::Proxy { .. }
            | AppError::Certificates { .. } => Self::from_error(Exit::Configuration, &error),
        }
    }
}

impl From<LearnError> for CommandError {
    fn from(error: LearnError) -> Self {
        let exit = match error {
            LearnError::Unreachable { .. }
            | LearnError::Refused { .. }
            | LearnError::Unwritable(_)
            | LearnError::Place { .. } => Exit::NotAccepted,
            _ => Exit::Usage,
        };
        let told = Self::from_error(exit, &error);
        match error {
            LearnError::Several { found, .. } => {
                let shown = found.into_iter().take(20);
                told.hints(shown.map(|one| format!("openkoi learn --install {one}")))
            }
            LearnError::NoSource(_) => told.hint("openkoi learn --install owner/repo/path"),
            LearnError::Refused { status: 401 | 403 | 404, .. } => {
                told.hint("only what is public can be fetched; download it, and name the file")
            }
            LearnError::Unpinned(name) => {
                told.hint(format!("openkoi learn --uninstall {name}, then install it"))
            }
            _ => told,
        }
    }
}

impl From<ScheduleError> for CommandError {
    fn from(error: ScheduleError) -> Self {
        let exit = match error {
            ScheduleError::Plan(_) | ScheduleError::Zone(_) | ScheduleError::Unwatched { .. } => {
                Exit::Usage
            }
            ScheduleError::Unreadable(_) => Exit::Configuration,
            ScheduleError::Overlaps(_) => Exit::NotAccepted,
            ScheduleError::Spent { .. } => Exit::Budget,
        };
        Self::from_error(exit, &error)
    }
}

fn workspace(shown: &str, error: &std::io::Error) -> CommandError {
    let message = match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no directory `{shown}`"),
        std::io::ErrorKind::NotADirectory => format!("`{shown}` is not a directory"),
        _ => format!("cannot read the directory `{shown}`: {error}"),
    };
    CommandError::configuration(message).hint("--workspace DIR")
}

impl From<PathsError> for CommandError {
    fn from(error: PathsError) -> Self {
        let told = Self::from_error(Exit::Configuration, &error);
        match error {
            PathsError::Homeless => told.hint("export OPENKOI_HOME=/path/to/a/directory"),
            _ => told.hint("set OPENKOI_HOME to a directory you can write"),
        }
    }
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        Self::from_error(Exit::Configuration, &error)
    }
}

impl From<ConsentsError> for CommandError {
    fn from(error: ConsentsError) -> Self {
        let told = Self::from_error(Exit::Configuration, &error);
        match error {
            ConsentsError::Unfit { .. } => {
                told.hint("remove it, and connect again what you had allowed")
            }
            ConsentsError::Unkept(_) => told,
        }
    }
}

impl From<StorageError> for CommandError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NoSuch { what, .. } => {
                let list = format!("openkoi {} list", command_of(what));
                Self::usage(error.to_string()).hint(list)
            }
            StorageError::Ambiguous { what, ref text, ref candidates } => {
                let message = format!("more than one {what} begins with `{text}`");
                let hint = |one: &Candidate| format!("{}   ({})", one.short, one.title);
                Self::usage(message).hints(candidates.iter().map(hint))
            }
            StorageError::OtherKind { what, ref meant, .. } => {
                let hint = |id: &String| format!("openkoi {} show {id}", command_of(what));
                Self::usage(error.to_string()).hints(meant.iter().map(hint))
            }
            StorageError::BadId(_) => Self::usage(error.to_string()),
            StorageError::Occupied { .. } => Self::new(Exit::Configuration, error.to_string()),
            StorageError::Owned { .. } => {
                Self::new(Exit::Configuration, format!("{error}: another process is running it"))
            }
            _ => Self::from_error(Exit::Configuration, &error),
        }
    }
}

impl From<LoginError> for CommandError {
    fn from(error: LoginError) -> Self {
        let kind = match &error {
            LoginError::Unreachable { .. } | LoginError::Answer { .. } => Exit::Provider,
            LoginError::Absent { .. }
            | LoginError::Ended { .. }
            | LoginError::Issuer { .. }
            | LoginError::Denied
            | LoginError::Expired
            | LoginError::Unfinished { .. }
            | LoginError::Refused { .. } => Exit::Credentials,
            _ => Exit::Configuration,
        };
        Self::from_error(kind, &error).hints(error.hint())
    }
}

impl From<UndoError> for CommandError {
    fn from(error: UndoError) -> Self {
        let told = Self::from_error(Exit::NotAccepted, &error);
        match error {
            UndoError::Undone(task) => told.hint(format!("openkoi undo {task} --redo")),
            UndoError::NoStep(task, _) => told.hint(format!("openkoi rewind {task}")),
            UndoError::Log(UndoLogError::Unreadable { .. }) => {
                Self { kind: Exit::Configuration, ..told }
            }
            UndoError::Log(UndoLogError::Unkept(_)) => Self { kind: Exit::Configuration, ..told }
                .hint("nothing is lost; run it again when there is room"),
            _ => told,
        }
    }
}

impl From<ModelsError> for CommandError {
    fn from(error: ModelsError) -> Self {
        let told = Self::new(kind(&error), error.to_string());
        match error {
            ModelsError::NoProvider { variables, first, closed } => {
                let told = Self { message: UNCONNECTED.to_owned(), ..told };
                let way = |name: &String| {
                    format!(
                        "openkoi connect {name}   (a login of another program is on this machine)"
                    )
                };
                let ways = ways_on(&variables, &first);
                let all = closed.iter().map(way).chain(ways);
                told.hints(all.take(MOST_WAYS))
            }
            ModelsError::NotConnected { provider, variables, stores } => {
                let other = stores.into_iter().filter(|store| *store != provider);
                told.hints(variables.first().map(|name| format!("export {name}=…")))
                    .hint(format!("openkoi connect {provider}"))
                    .hints(other.map(|store| format!("openkoi connect {store}")))
            }
            ModelsError::NoComponent { suggestions, provider, .. } => told
                .hints(suggest::question(&suggestions))
                .hint(format!("set `component` under [providers.{provider}]")),
            ModelsError::UnknownProvider { suggestions, known, .. } => {
                match suggest::question(&suggestions) {
                    Some(question) => told.hint(question),
                    None => told.hint(format!("there are {}", known.join(", "))),
                }
            }
            ModelsError::UnknownModel { suggestions, known, provider, model } => {
                let there = (!known.is_empty()).then(|| format!("there are {}", known.join(", ")));
                let question = suggest::question(&suggestions);
                told.hints(question).hints(there).hint(format!(
                    "if it is right: models = [\"{model}\"] under [providers.{provider}]"
                ))
            }
            ModelsError::Ambiguous { candidates, .. } => {
                told.hints(candidates.iter().map(|name| format!("-m {name}")))
            }
            ModelsError::Login { .. } | ModelsError::NoAccount { .. } => told,
            ModelsError::NoAccountComponent { account, suggestions, .. } => told
                .hints(suggest::question(&suggestions))
                .hint(format!("set `component` under [accounts.{account}]")),
            ModelsError::NoDefault { provider } => told.hint(format!("-m {provider}/MODEL")),
        }
    }
}

fn kind(error: &ModelsError) -> Exit {
    match error {
        ModelsError::NoProvider { .. } | ModelsError::NotConnected { .. } => Exit::Credentials,
        ModelsError::NoComponent { .. }
        | ModelsError::NoAccountComponent { .. }
        | ModelsError::NoAccount { .. }
        | ModelsError::Login { .. } => Exit::Configuration,
        _ => Exit::Usage,
    }
}

/// What was looked for, in a word each. `openkoi connect` lists the providers with their variables.
const UNCONNECTED: &str = "no provider is connected: no key in the environment or kept, no login of another \
                           program, no server of models on this machine";
/// The most ways on that a first run is told.
const MOST_WAYS: usize = 4;

fn ways_on(variables: &[String], first: &str) -> Vec<String> {
    let variable = variables.first().map(|name| format!("export {name}=…"));
    let others = [
        format!("openkoi connect {first}"),
        "openkoi demo   (shows the loop offline, with a scripted model)".to_owned(),
    ];
    variable.into_iter().chain(others).collect()
}

/// Returns the command that lists and shows things of this name.
fn command_of(what: &str) -> &str {
    if what == "proposal" { "learn" } else { what }
}

#[cfg(test)]
mod tests;
