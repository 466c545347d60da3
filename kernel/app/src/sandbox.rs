//! The settings of programs that tools start: their environment, the files they may read, the place
//! of their output.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use openkoi_brokers::{
    disk, durable,
    egress::{Proxies, bundle},
    places,
    processes::{
        AUTHORITIES, Admission, Admitted, Command, Happening, Network, NetworkPolicy,
        ProcessSettings, Processes, ProgramLimits, SandboxMode,
    },
};
use openkoi_core::network::{NetworkRules, Reachable};

use crate::{
    app::App, environment::HOME, error::AppError, paths::PathsError, route::Route,
    settings::Settings, thread,
};

pub use openkoi_brokers::processes::{Consequence, Escape, SandboxReport, kill_all};

/// Returns the broker that starts programs, with the sandbox that tasks get.
///
/// # Errors
///
/// When there is no home.
pub fn processes(app: &App, settings: &Settings) -> Result<Processes, AppError> {
    processes_below(app, settings, app.paths()?.data())
}

/// Returns the broker as [`processes`] does. What programs write besides lies below `private`.
///
/// # Errors
///
/// When there is no home.
pub(crate) fn processes_below(
    app: &App,
    settings: &Settings,
    private: &Path,
) -> Result<Processes, AppError> {
    let kept = Kept {
        temporary: private.join("tmp"),
        spool: app.paths()?.tool_output(),
        caches: private.join("caches"),
        certificates: private.join("certificates.pem"),
    };
    processes_in(app, settings, kept)
}

/// The directories for what programs write besides.
struct Kept {
    temporary: PathBuf,
    spool: PathBuf,
    caches: PathBuf,
    certificates: PathBuf,
}

fn processes_in(app: &App, settings: &Settings, kept: Kept) -> Result<Processes, AppError> {
    let mut read = settings.sandbox.read.clone();
    // What the user trusts is passed on by name, and has to be there for programs.
    let trusted = AUTHORITIES.iter().filter_map(|name| app.environment().named(name));
    read.extend(trusted.map(PathBuf::from).filter(|path| path.is_absolute()));
    let home = app.environment().path(&HOME);
    read.extend(places::toolchains(home.as_deref(), &app.environment().snapshot()));
    let tried = app.paths()?.data().join("sandbox.json");
    let processes = Processes::new(ProcessSettings {
        environment: app.environment().snapshot(),
        temporary: kept.temporary,
        spool: kept.spool,
        read,
        caches: Some(kept.caches),
        secret: secret(app)?,
        certificates: certificates(app, settings, &kept.certificates)?,
        limits: ProgramLimits {
            disk: settings.sandbox.disk,
            output: settings.sandbox.output,
            outputs: settings.sandbox.outputs,
            ..ProgramLimits::default()
        },
        sandbox: if settings.sandbox.on { SandboxMode::Required } else { SandboxMode::Off },
    });
    Ok(processes.trying_out(tried))
}

/// Writes what programs trust into `file`: the certificates of the system and those of `network.ca`. Returns nothing where
/// there are none of these.
///
/// # Errors
///
/// When one cannot be read.
fn certificates(app: &App, settings: &Settings, file: &Path) -> Result<Option<PathBuf>, AppError> {
    let extra = Route::of(settings, app.environment()).roots()?;
    if extra.is_empty() {
        return Ok(None);
    }
    if let Some(parent) = file.parent() {
        durable::create_private_dir(parent).map_err(PathsError::from)?;
    }
    let bundle = bundle(&extra);
    if disk::read(file, bundle.len() as u64).ok().as_deref() != Some(bundle.as_bytes()) {
        durable::put_whole(file, bundle.as_bytes(), 0o600).map_err(PathsError::from)?;
    }
    Ok(Some(file.to_owned()))
}

/// What a program says when it is asked something short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramAnswer {
    /// True if it ended well, in time.
    pub is_good: bool,
    /// What it wrote.
    pub text: String,
}

/// Asks a program something short in the sandbox that tasks get, such as for its version, and waits `patience` for the
/// answer. Nothing of it stays in the home.
///
/// # Errors
///
/// When it cannot be started.
pub fn ask(
    app: &App,
    settings: &Settings,
    workspace: &Path,
    question: &[&str],
    patience: Duration,
) -> Result<ProgramAnswer, AppError> {
    let [program, arguments @ ..] = question else { return Ok(ProgramAnswer::default()) };
    let place = app.environment().temporary().join(format!("openkoi-{}", app.new_id()?));
    let caches = place.join("caches");
    let certificates = place.join("certificates.pem");
    let kept = Kept { temporary: place.clone(), spool: place.clone(), caches, certificates };
    let processes = processes_in(app, settings, kept)?;
    let command = Command {
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        ..Command::new(*program, workspace)
    };
    let answer = thread::block(async {
        let mut child = processes.spawn(command).await?;
        let mut answer = ProgramAnswer::default();
        let mut late = std::pin::pin!(crate::pause(patience));
        loop {
            let happening = tokio::select! {
                () = &mut late => return Ok(answer),
                happening = child.next() => happening,
            };
            match happening {
                None => return Ok(answer),
                Some(Happening::Stdout(bytes) | Happening::Stderr(bytes)) => {
                    answer.text.push_str(&String::from_utf8_lossy(&bytes));
                }
                Some(Happening::Exited(exit)) => answer.is_good = exit.code == Some(0),
            }
        }
    });
    if let Err(error) = disk::remove_tree(&place)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a temporary directory stays");
    }
    answer
}

/// How a command line ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineEnd {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// Number of bytes of output that were too many to be shown.
    pub omitted: u64,
}

/// Runs a command line that a person typed, in the sandbox that tasks get, and hands its output on as it comes.
/// Returns nothing if it was stopped, with everything that it had started.
///
/// # Errors
///
/// When it cannot be started.
pub async fn run_line(
    app: &App,
    settings: &Settings,
    workspace: &Path,
    line: &str,
    mut show: impl FnMut(&[u8]),
    stop: impl Future<Output = ()>,
) -> Result<Option<LineEnd>, AppError> {
    let command = Command {
        arguments: vec!["-c".to_owned(), line.to_owned()],
        network: of_person(&settings.sandbox.network, app.proxies(settings)?),
        write: settings.sandbox.write.clone(),
        ..Command::new("sh", workspace)
    };
    // The start is waited for: only what has a child can be ended.
    let private = crate::places::private(app, workspace)?;
    let mut child = processes_below(app, settings, &private)?.spawn(command).await?;
    let mut stop = std::pin::pin!(stop);
    let mut end = LineEnd::default();
    loop {
        let happening = tokio::select! {
            () = &mut stop => return Ok(None),
            happening = child.next() => happening,
        };
        match happening {
            None => return Ok(Some(end)),
            Some(Happening::Stdout(bytes) | Happening::Stderr(bytes)) => show(&bytes),
            Some(Happening::Exited(exit)) => {
                end = LineEnd { code: exit.code, omitted: exit.omitted };
            }
        }
    }
}

/// Returns the network of a command line that a person typed: its hosts are the person's choice, unless the network is
/// closed.
fn of_person(rules: &NetworkRules, proxies: Proxies) -> Network {
    match rules {
        NetworkRules::Open => Network::Open,
        NetworkRules::Closed => Network::Closed,
        rules => Network::Named(Arc::new(HostsOfPerson { rules: rules.clone(), proxies })),
    }
}

struct HostsOfPerson {
    rules: NetworkRules,
    proxies: Proxies,
}

impl NetworkPolicy for HostsOfPerson {
    fn proxies(&self) -> Option<&Proxies> {
        Some(&self.proxies)
    }

    fn admit<'a>(&'a self, host: &'a str, port: u16) -> Admitted<'a> {
        let admission = match self.rules.reach(host, port) {
            Some(Reachable::Anywhere) => Admission::Private,
            Some(Reachable::Public) | None => Admission::Public,
        };
        Box::pin(std::future::ready(Ok(admission)))
    }
}

/// Returns the paths that neither programs nor file tools may read.
///
/// # Errors
///
/// When there is no home.
pub(crate) fn secret(app: &App) -> Result<Vec<PathBuf>, AppError> {
    let paths = app.paths()?;
    let mut secret = vec![paths.home().to_owned(), paths.data().to_owned()];
    secret
        .extend(app.environment().path(&HOME).iter().flat_map(|home| places::secrets_below(home)));
    Ok(secret)
}
