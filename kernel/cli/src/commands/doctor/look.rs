//! The checks of the doctor, one function for each.

use std::{io, path::Path, time::Duration};

use openkoi_app::{
    access::{KeySlot, SecretSource, SecretStore},
    alerts,
    components::NotUsed,
    file::{self, FileKind, FileStatus},
    models::{self, Connection, Connections, CredentialState},
    sandbox::{self, Consequence, Escape},
    settings::Settings,
};
use openkoi_core::network::NetworkRules;
use openkoi_host::manifest::Manifest;

use super::checkpoint::Checkpoint;
use crate::{commands::plugin, context::Context, error::CommandError, output::shortened};

/// Programs that run a project's checks, with what they are for and what they are asked.
const TOOLCHAINS: [(&str, &str, &str); 7] = [
    ("cargo", "Rust", "--version"),
    ("python3", "Python", "--version"),
    ("node", "Node.js", "--version"),
    ("go", "Go", "version"),
    ("make", "Makefiles", "--version"),
    ("sh", "shell scripts", ""),
    ("git", "version control", "--version"),
];
/// The most columns of what a program says.
const SAID: usize = 120;
/// The longest wait for the version of a program.
const PATIENCE: Duration = Duration::from_secs(2);

/// Checks everything. Checks that need something broken are left out.
pub(super) fn everything(context: &Context) -> Vec<Checkpoint> {
    let mut findings = vec![home(context)];
    match context.settings() {
        Ok(settings) => {
            findings.push(configuration(&settings, context));
            findings.push(database(context));
            findings.push(sandbox(&settings, context));
            findings.push(network(&settings, context));
            findings.extend(providers(&settings, context));
            findings.push(toolchains(&settings, context));
            findings.push(desktop(&settings, context));
        }
        Err(error) => findings.push(Checkpoint::ill("settings", &error)),
    }
    findings.push(components(context));
    findings
}

fn home(context: &Context) -> Checkpoint {
    let paths = match context.paths() {
        Ok(paths) => paths,
        Err(error) => return Checkpoint::ill("home", &error),
    };
    let home = paths.home();
    match file::status(home) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Checkpoint::note(
            "home",
            format!("{} is not there yet; the first task makes it", home.display()),
        ),
        Err(error) => Checkpoint::ill("home", &CommandError::configuration(error.to_string())),
        Ok(status) if status.mode & 0o077 != 0 => {
            let message = format!("{} can be entered by others", home.display());
            let error = CommandError::configuration(message);
            Checkpoint::ill("home", &error.hint(format!("chmod 700 {}", home.display())))
        }
        Ok(_) => exposed_keys(home)
            .unwrap_or_else(|| Checkpoint::well("home", home.display().to_string())),
    }
}

/// Returns an ill checkpoint if a key file can be read by others.
fn exposed_keys(home: &Path) -> Option<Checkpoint> {
    let directory = home.join("credentials");
    let listing = file::list(&directory).ok()?;
    let mut keys = listing.into_iter().map(|entry| directory.join(entry.name));
    let path = keys.find(|path| {
        let is_open = |one: FileStatus| one.kind == FileKind::File && one.mode & 0o077 != 0;
        file::link_status(path).is_ok_and(is_open)
    })?;
    let error = CommandError::configuration(format!("`{}` can be read by others", path.display()));
    Some(Checkpoint::ill("home", &error.hint(format!("chmod 600 {}", path.display()))))
}

fn configuration(settings: &Settings, context: &Context) -> Checkpoint {
    let set =
        settings.all().filter(|setting| setting.origin != openkoi_app::settings::Origin::Default);
    let (set, odd) = (set.count(), settings.warnings().len());
    let file = context.paths().map(|paths| paths.config().display().to_string());
    let words = format!("{set} settings besides the defaults ({})", file.unwrap_or_default());
    if odd > 0 {
        return Checkpoint::note("settings", format!("{words}, {odd} passed over"));
    }
    Checkpoint::well("settings", words)
}

fn database(context: &Context) -> Checkpoint {
    let checked = context.existing_storage().and_then(|storage| {
        let Some(storage) = storage else { return Ok(None) };
        storage.check()?;
        Ok(Some(storage.path().display().to_string()))
    });
    match checked {
        Ok(Some(path)) => Checkpoint::well("database", format!("{path} is whole")),
        Ok(None) => Checkpoint::note("database", "there is none yet; the first task makes it"),
        Err(error) => Checkpoint::ill("database", &error),
    }
}

fn sandbox(settings: &Settings, context: &Context) -> Checkpoint {
    if !settings.sandbox.on {
        let words = "off: programs that a task starts may do what you may";
        return Checkpoint::note("sandbox", words).hint("mode = \"on\" under [sandbox]");
    }
    let processes = match sandbox::processes(&context.app, settings) {
        Ok(processes) => processes,
        Err(error) => return Checkpoint::ill("sandbox", &error.into()),
    };
    let report = processes.sandbox_level();
    let loopback = processes.loopback();
    let mut notes = report.notes;
    notes.extend(processes.layers().err());
    notes.extend(processes.own_processes().err());
    notes.extend(loopback.as_ref().err().cloned());
    let notes = notes.join("; ");
    if !report.available {
        let message = format!("missing, so no program is started: {notes}");
        let error = CommandError::configuration(message);
        return Checkpoint::ill(
            "sandbox",
            &error.hint("mode = \"off\" under [sandbox] does without"),
        );
    }
    let files = report.files.unwrap_or_default();
    let network = match (report.network, loopback.is_ok()) {
        (false, _) => "network open",
        (true, true) => "network closed but for loopback of a program's own",
        (true, false) => "network closed, no sockets at all",
    };
    let network = match (&settings.sandbox.network, loopback.is_ok()) {
        (NetworkRules::Open, _) => {
            "the network of this machine, because the configuration says so".to_owned()
        }
        (NetworkRules::Closed, _) | (_, false) => network.to_owned(),
        (rules, true) => format!("{network} and {}", rules.words()),
    };
    let words = format!("{files}, {network}");
    tried(&processes.escapes(), &words, &notes)
}

/// Says what a trial from inside found, beside what is known to be missing.
fn tried(found: &Result<Vec<Escape>, String>, words: &str, notes: &str) -> Checkpoint {
    let of = |consequence: Consequence| -> String {
        let found = found.iter().flatten().filter(|one| one.consequence() == consequence);
        found.map(|one| one.words()).collect::<Vec<_>>().join(", ")
    };
    let (fatal, leaks, said) =
        (of(Consequence::NotStarted), of(Consequence::NoSockets), of(Consequence::Said));
    if !fatal.is_empty() {
        let message = format!("no program is started, because a trial from inside could {fatal}");
        let error = CommandError::configuration(message);
        return Checkpoint::ill("sandbox", &error.hint("use a newer kernel"))
            .hint("mode = \"off\" under [sandbox] does without");
    }
    let mut notes: Vec<String> =
        Some(notes.to_owned()).filter(|it| !it.is_empty()).into_iter().collect();
    if !said.is_empty() {
        notes.push(format!("a trial from inside could {said}"));
    }
    if !leaks.is_empty() {
        notes.push(format!("programs have no sockets, because a trial from inside could {leaks}"));
    }
    if let Err(error) = found {
        notes.push(format!("what is forbidden could not be tried from inside: {error}"));
    }
    match notes.is_empty() {
        true => {
            Checkpoint::well("sandbox", format!("{words}; what is forbidden fails from inside"))
        }
        false => Checkpoint::note("sandbox", format!("{words}: {}", notes.join("; "))),
    }
}

/// Says how OpenKoi's own requests leave this machine.
fn network(settings: &Settings, context: &Context) -> Checkpoint {
    match context.app.route(settings) {
        Ok(words) => Checkpoint::well("network", words),
        Err(error) => Checkpoint::ill("network", &error.into()),
    }
}

fn providers(settings: &Settings, context: &Context) -> Vec<Checkpoint> {
    let connections = match context.connections_of_runs(settings) {
        Ok(connections) => connections,
        Err(error) => return vec![Checkpoint::ill("providers", &error)],
    };
    let secrets = match context.secrets(settings) {
        Ok(secrets) => secrets,
        Err(error) => return vec![Checkpoint::ill("home", &error)],
    };
    let silent = match models::silent(&context.app, settings, &connections.ready) {
        Ok(silent) => silent,
        Err(error) => return vec![Checkpoint::ill("providers", &error.into())],
    };
    let of = |one: &Connection| provider(one, &secrets, silent.contains(&one.name));
    let mut findings: Vec<Checkpoint> = connections.ready.iter().map(of).collect();
    findings.extend(keyring(&connections, &secrets));
    findings.extend(connections.warnings.iter().map(|odd| Checkpoint::note("providers", odd)));
    let routes = context
        .catalogue(&connections)
        .and_then(|catalogue| connections.routes(settings, &catalogue).map_err(CommandError::from));
    match routes {
        Ok(routes) => findings.extend(routes.executor().map(|executor| {
            if !silent.contains(&executor.provider) {
                return Checkpoint::well("model", executor.to_string());
            }
            let message = format!("{executor}, and nothing answers at its address");
            let error = CommandError::configuration(message);
            Checkpoint::ill("model", &error.hint("start the server, or name another model with -m"))
        })),
        // A home that has no key yet is not broken.
        Err(error) if connections.ready.is_empty() && settings.model.is_none() => {
            let note = Checkpoint::note("model", &error.message);
            findings.push(error.hints.iter().fold(note, |note, hint| note.hint(hint)));
        }
        Err(error) => findings.push(Checkpoint::ill("model", &error)),
    }
    findings.extend(wanting(&connections));
    findings
}

fn provider(connection: &Connection, secrets: &SecretStore, is_silent: bool) -> Checkpoint {
    let source = match &connection.found {
        CredentialState::At(SecretSource::Variable(name)) => {
            format!("key from the variable {name}")
        }
        CredentialState::At(SecretSource::Saved(name)) => match secrets.slot(name) {
            Some(KeySlot::Keyring) => "key from the key ring".to_owned(),
            _ => format!("key from credentials/{name}.key"),
        },
        CredentialState::At(SecretSource::Login(name)) => format!("login `{name}`"),
        CredentialState::At(source) => format!("keys from {source}"),
        CredentialState::NotNeeded => "no key needed".to_owned(),
        CredentialState::Missing => "no key".to_owned(),
    };
    let place = match connection.base_url.as_str() {
        "" => String::new(),
        url => format!(" at {url}"),
    };
    let words = format!("{}{place}, {source}", connection.name);
    if is_silent {
        return Checkpoint::note("provider", format!("{words}, and nothing answers there"));
    }
    Checkpoint::well("provider", words)
}

/// Checks that the keys in the key ring can be read, if there are any.
fn keyring(connections: &Connections, secrets: &SecretStore) -> Option<Checkpoint> {
    let kept = |connection: &&Connection| match &connection.found {
        CredentialState::At(SecretSource::Saved(name)) => {
            secrets.slot(name) == Some(KeySlot::Keyring)
        }
        _ => false,
    };
    let first = connections.ready.iter().find(kept)?;
    Some(match secrets.keyring() {
        Ok(()) => Checkpoint::well("key ring", "unlocked"),
        Err(trouble) => {
            let message = format!("keys are in the key ring, which cannot be used: {trouble}");
            let connect = format!("openkoi connect {}   (keeps a key in a file)", first.name);
            Checkpoint::ill("key ring", &CommandError::configuration(message).hint(connect))
        }
    })
}

/// Returns the providers without a key, on one line, because the catalog has many.
fn wanting(connections: &Connections) -> Option<Checkpoint> {
    let names: Vec<&str> = connections.missing.iter().map(|one| one.name.as_str()).collect();
    (!names.is_empty())
        .then(|| Checkpoint::well("providers", format!("no key for {}", names.join(", "))))
}

/// Says who tells a person of tasks in the background. A machine without a desktop is as well as another.
fn desktop(settings: &Settings, context: &Context) -> Checkpoint {
    if !settings.alerts.desktop {
        return Checkpoint::note("desktop", "alerts are off (`alerts.desktop`)");
    }
    match alerts::desktop(&context.app, &settings.alerts) {
        Ok(desktop) => {
            let program = desktop.program();
            Checkpoint::well(
                "desktop",
                format!("`{program}` shows alerts of tasks in the background"),
            )
        }
        Err(why) => Checkpoint::note("desktop", format!("desktop alerts are not shown: {why}")),
    }
}

fn toolchains(settings: &Settings, context: &Context) -> Checkpoint {
    let workspace = context.workspace().unwrap_or_default();
    let processes = match sandbox::processes(&context.app, settings) {
        Ok(processes) => processes,
        Err(error) => return Checkpoint::ill("toolchains", &error.into()),
    };
    let (there, missing): (Vec<_>, Vec<_>) =
        TOOLCHAINS.iter().partition(|(program, ..)| processes.exists(program, &workspace));
    let names = |list: &[&(&str, &str, &str)]| {
        list.iter()
            .map(|(program, what, _)| format!("{program} ({what})"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if there.is_empty() {
        return Checkpoint::note("toolchains", "none found, so no project's checks can run");
    }
    let missing = match missing.is_empty() {
        true => String::new(),
        false => format!("; not found: {}", names(&missing)),
    };
    let words = format!("{}{missing}", names(&there));
    // A sandbox that is missing has a line of its own, and starts nothing.
    let starts = !settings.sandbox.on || processes.sandbox_level().available;
    let asked = there.iter().filter(|(.., question)| starts && !question.is_empty());
    let troubles: Vec<String> = asked
        .filter_map(|(program, _, question)| trouble(&[program, question], settings, context))
        .collect();
    if troubles.is_empty() {
        return Checkpoint::well("toolchains", words);
    }
    Checkpoint::note("toolchains", format!("{}; {words}", troubles.join("; ")))
}

/// Returns what is the matter with a program that is there and cannot say its version. It may only stand in the place of
/// one, as those of version managers do.
fn trouble(question: &[&str], settings: &Settings, context: &Context) -> Option<String> {
    let workspace = context.workspace().ok()?;
    let line = question.join(" ");
    let answer = match sandbox::ask(&context.app, settings, &workspace, question, PATIENCE) {
        Ok(answer) if answer.is_good => return None,
        Ok(answer) => answer,
        Err(error) => {
            let why = CommandError::from(error).message;
            return Some(format!("`{line}` cannot be started: {}", shortened(&why, SAID)));
        }
    };
    let said = answer.text.lines().map(str::trim).find(|line| !line.is_empty());
    Some(match said {
        Some(said) => format!("`{line}` fails: {}", shortened(said, SAID)),
        None => format!("`{line}` fails and says nothing"),
    })
}

fn components(context: &Context) -> Checkpoint {
    let mut names = Vec::new();
    for component in context.components() {
        match Manifest::parse(component.manifest) {
            Ok(manifest) => {
                names.push(format!("{} {}", component.name, manifest.component.version))
            }
            Err(error) => {
                let message = format!("the component `{}` is unfit: {error}", component.name);
                return Checkpoint::ill("components", &CommandError::failed(message));
            }
        }
    }
    let found = plugin::catalog(context).and_then(|own| Ok(context.app.with_installed(own)?));
    let (all, not_used) = match found {
        Ok(found) => found,
        Err(error) => return Checkpoint::ill("components", &error),
    };
    if let Some(NotUsed { name, why }) = not_used.into_iter().next() {
        let mend = format!("openkoi plugin remove {name}");
        return Checkpoint::note("components", format!("`{name}` is not used: {why}")).hint(mend);
    }
    let installed = all.list().filter(|one| !one.built_in);
    names.extend(installed.map(|one| format!("{} (installed)", one.name)));
    Checkpoint::well("components", names.join(", "))
}
