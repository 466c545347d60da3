//! `openkoi daemon`: what works in the background.

mod service;
mod shown;

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Subcommand;
use openkoi_app::{
    monotonic_ms,
    own::{self, DaemonState, End},
    pause, served,
    settings::Settings,
    thread, worker,
};
use openkoi_core::{id::TaskId, port::Cancellation};
use openkoi_daemon::{DaemonError, Start};

use self::shown::{DaemonStatus, Told};
use crate::{
    context::Context, env, error::CommandError, exit::Exit, interrupt::Interrupts, reply::Reply,
};

/// How long a start or a stop is waited for, in milliseconds.
const PATIENCE_MS: u64 = 15_000;
/// How often it is looked meanwhile.
const GLANCE: Duration = Duration::from_millis(25);
/// The lines of the log that are shown.
const LINES: usize = 50;

/// Arguments of `openkoi daemon`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, the status is shown
    #[command(subcommand)]
    command: Option<DaemonCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum DaemonCommand {
    /// Run in the foreground, until Ctrl-C
    Run {
        /// Leave the terminal; `openkoi daemon start` does it
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Start in the background
    Start,
    /// Stop; tasks pause, and go on with the next start
    Stop,
    /// Stop and start again, with the program and the settings as they are now
    Restart,
    /// Show whether it runs, where it is reached, and what waits
    Status,
    /// Show the end of its log
    Logs {
        /// The number of lines
        #[arg(short = 'n', long, value_name = "N", default_value_t = LINES)]
        lines: usize,
        /// Go on with what is logged from now on, until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
    /// Start it with your session from now on (systemd or launchd)
    Install,
    /// Start it with your session no more
    Uninstall,
    /// Open the web page in your browser
    Open {
        /// Print the link and open nothing
        #[arg(long)]
        print: bool,
    },
    /// Print the token of the API
    Token {
        /// Make another one first; the old one holds no more
        #[arg(long)]
        rotate: bool,
    },
    /// Run one task of the queue
    #[command(hide = true)]
    Work {
        /// The task
        task: String,
    },
}

/// Runs the subcommand, or shows the status.
///
/// # Errors
///
/// When the daemon cannot be started or stopped, or the home cannot be used.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let json = args.json;
    let reply = match args.command.unwrap_or(DaemonCommand::Status) {
        DaemonCommand::Run { detached } => return foreground(detached, context),
        DaemonCommand::Work { task } => return work(&TaskId::new(task), context),
        DaemonCommand::Logs { lines, follow } => return logs(lines, follow, context),
        DaemonCommand::Start => Reply::new(start(context)?, json),
        DaemonCommand::Stop => Reply::new(stop(context)?, json),
        DaemonCommand::Restart => {
            stop(context)?;
            Reply::new(start(context)?, json)
        }
        DaemonCommand::Status => {
            let status = DaemonStatus::of(context)?;
            let exit = if status.runs() { Exit::Accepted } else { Exit::NotAccepted };
            Reply::new(status, json).ending(exit)
        }
        DaemonCommand::Install => Reply::new(service::install(context, &program()?)?, json),
        DaemonCommand::Uninstall => Reply::new(service::uninstall(context)?, json),
        DaemonCommand::Open { print } => Reply::new(open(print, context)?, json),
        DaemonCommand::Token { rotate } => {
            let token = match rotate {
                true => served::new_token(&context.app)?,
                false => served::token(&context.app)?,
            };
            Reply::new(Told::secret("token", token), json)
        }
    };
    reply.print(context)
}

/// Returns this program, as it is to be started again.
fn program() -> Result<PathBuf, CommandError> {
    env::program()
        .map_err(|error| CommandError::failed(format!("the program cannot find itself: {error}")))
}

/// Returns the settings of the user. What a project says is nothing to the daemon.
fn settings(context: &Context) -> Result<Settings, CommandError> {
    Ok(context.app.settings(context.paths()?.data(), |_| Ok(()))?)
}

fn foreground(detached: bool, context: &Context) -> Result<Exit, CommandError> {
    let settings = settings(context)?;
    if detached {
        own::leave_terminal().map_err(|error| CommandError::failed(error.to_string()))?;
    }
    crate::log::start(&settings.log_level, context.verbose().max(1));
    let manager = own::Manager::of(context.environment());
    let told = manager.clone();
    let printer = context.printer;
    let ready = move |state: &DaemonState| {
        let place = state.url.as_deref().unwrap_or("not reached by anybody: `api.enabled` is off");
        printer.notice(&format!("openkoi {} runs: {place}", state.version));
        told.ready();
    };
    thread::block(async {
        let interrupts = Interrupts::listen()?;
        let start = Start {
            program: program()?,
            settings,
            cancellation: Arc::new(interrupts.clone()),
            ready: Box::new(ready),
        };
        let running = openkoi_daemon::run(&context.app, start);
        let ended = tokio::select! {
            ended = running => ended,
            () = manager.stay_alive() => Ok(()),
        };
        manager.stopping();
        ended.map(|()| Exit::Accepted).map_err(CommandError::from)
    })
}

impl From<DaemonError> for CommandError {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::App(error) => error.into(),
            error @ DaemonError::Settings(_) => Self::from_error(Exit::Configuration, &error),
            error @ DaemonError::Listen { .. } => Self::from_error(Exit::Configuration, &error)
                .hint("set another `api.port` in the configuration"),
        }
    }
}

fn work(task: &TaskId, context: &Context) -> Result<Exit, CommandError> {
    crate::log::start(&settings(context)?.log_level, context.verbose());
    thread::block(async {
        let interrupts = Interrupts::listen()?;
        let cancellation: Arc<dyn Cancellation> = Arc::new(interrupts);
        worker::work(&context.app, task, cancellation).await?;
        Ok(Exit::Accepted)
    })
}

/// Starts the daemon in the background unless it runs, and waits until it is ready.
///
/// # Errors
///
/// When it cannot be started, or ends at once; the log says why.
fn start(context: &Context) -> Result<DaemonStatus, CommandError> {
    if own::running(&context.app)?.is_none() {
        begin(context)?;
    }
    DaemonStatus::of(context)
}

/// Starts the daemon in the background, and waits until it is ready.
///
/// # Errors
///
/// When it cannot be started, or ends at once.
pub(crate) fn begin(context: &Context) -> Result<(), CommandError> {
    // It would fail where nobody sees it.
    settings(context)?;
    // Who looks after the daemon starts it again if it dies, so it is not to be left out.
    let mut started = match service::start(context) {
        true => None,
        false => Some(own::daemon(&context.app, &program()?)?),
    };
    let until = monotonic_ms() + PATIENCE_MS;
    thread::block(async {
        loop {
            if own::running(&context.app)?.is_some_and(|state| !state.version.is_empty()) {
                return Ok(());
            }
            let has_ended = started.as_mut().is_some_and(own::Detached::has_ended);
            if has_ended || monotonic_ms() >= until {
                return Err(not_started(context)?);
            }
            pause(GLANCE).await;
        }
    })
}

/// Returns the error for a daemon that ended at once, with the reason that it logged.
fn not_started(context: &Context) -> Result<CommandError, CommandError> {
    let logged = own::log_end(&context.app, LINES)?;
    let reason = logged.iter().rev().find_map(|line| line.strip_prefix("error: "));
    let message = match reason {
        Some(reason) => format!("the daemon did not start: {reason}"),
        None => "the daemon did not start".to_owned(),
    };
    Ok(CommandError::new(Exit::Configuration, message).hint("openkoi daemon run"))
}

fn stop(context: &Context) -> Result<Told, CommandError> {
    let Some(state) = own::running(&context.app)? else {
        return Ok(Told::notice("stopped", "the daemon does not run"));
    };
    let ended = |error: std::io::Error| CommandError::failed(error.to_string());
    if let Some(process) = context.storage()?.daemon()? {
        process.end(End::Terminate).map_err(ended)?;
    }
    let until = monotonic_ms() + PATIENCE_MS;
    thread::block(async {
        while own::running(&context.app)?.is_some_and(|now| now.pid == state.pid) {
            if monotonic_ms() >= until {
                let message = format!("the daemon (process {}) does not end", state.pid);
                return Err(CommandError::failed(message).hint(format!("kill -9 {}", state.pid)));
            }
            pause(GLANCE).await;
        }
        Ok(Told::notice("stopped", "the daemon has stopped; its tasks go on with the next start"))
    })
}

fn logs(lines: usize, follow: bool, context: &Context) -> Result<Exit, CommandError> {
    let shown = own::log_end(&context.app, lines)?;
    if shown.is_empty() && !follow {
        context.printer.notice("there is no log yet; a daemon that systemd started logs to `journalctl --user -u openkoi`");
    }
    let text: String = shown.iter().map(|line| format!("{line}\n")).collect();
    context.printer.verbatim(&text)?;
    if !follow {
        return Ok(Exit::Accepted);
    }
    thread::block(async {
        let interrupts = Interrupts::listen()?;
        let mut tail = own::LogTail::at_end(&context.app)?;
        loop {
            tokio::select! {
                text = tail.next() => context.printer.verbatim(&text)?,
                () = interrupts.cancelled() => return Ok(Exit::Accepted),
            }
        }
    })
}

fn open(print: bool, context: &Context) -> Result<Told, CommandError> {
    let url = own::running(&context.app)?.and_then(|state| state.url);
    let Some(url) = url else {
        let error =
            CommandError::new(Exit::NotAccepted, "the daemon does not run, so there is no page");
        return Err(error.hint("openkoi daemon start"));
    };
    let link = format!("{url}/#code={}", served::code(&context.app)?);
    if !print && !own::open_in_browser(&link) {
        context.printer.notice("no browser can be opened from here; open this link yourself");
    }
    Ok(Told::secret("link", link))
}
