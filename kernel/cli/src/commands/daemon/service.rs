//! The daemon as a service of the user's session: a unit of systemd, or an agent of launchd.

use std::path::{Path, PathBuf};

use openkoi_app::{
    environment::{HOME, OPENKOI_CONFIG, OPENKOI_DATA, OPENKOI_HOME, XDG_CONFIG_HOME},
    file, own,
};

use super::shown::Told;
use crate::{context::Context, error::CommandError, exit::Exit};

/// The name of the service.
const NAME: &str = "openkoi";
/// The name of the agent.
const LABEL: &str = "dev.openkoi.daemon";

/// The longest file of a service that is read.
const LONGEST: u64 = 64 << 10;

/// Writes the service, and starts it where its manager answers.
///
/// # Errors
///
/// When its file cannot be written.
pub(super) fn install(context: &Context, program: &Path) -> Result<Told, CommandError> {
    let path = path(context)?;
    let text = match cfg!(target_os = "macos") {
        true => agent(context, program),
        false => unit(context, program),
    };
    write(&path, &text)?;
    let shown = path.display();
    if cfg!(target_os = "macos") {
        let started = own::succeeds("launchctl", &["load", "-w", &path.display().to_string()]);
        return Ok(Told::notice(
            "installed",
            &match started {
                true => format!("{shown} is written and started"),
                false => format!("{shown} is written; it starts with your next login"),
            },
        ));
    }
    let started = own::succeeds("systemctl", &["--user", "daemon-reload"])
        && own::succeeds("systemctl", &["--user", "enable", "--now", NAME]);
    Ok(Told::notice(
        "installed",
        &match started {
            true => format!(
                "{shown} is written and started; `loginctl enable-linger` lets it run without a login"
            ),
            false => format!(
                "{shown} is written, but systemd does not answer here; `systemctl --user enable --now {NAME}` starts it"
            ),
        },
    ))
}

/// Has the manager of services start the daemon, if it looks after the one of this home. Returns whether it says that it did.
pub(super) fn start(context: &Context) -> bool {
    let Some(path) = path(context).ok().filter(|path| is_of_this_home(context, path)) else {
        return false;
    };
    match cfg!(target_os = "macos") {
        // It is loaded already, or not.
        true => {
            own::succeeds("launchctl", &["start", LABEL])
                || own::succeeds("launchctl", &["load", "-w", &path.display().to_string()])
        }
        false => own::succeeds("systemctl", &["--user", "start", NAME]),
    }
}

/// Returns whether the service is for the home that is used now, and not for another one of the same user.
fn is_of_this_home(context: &Context, path: &Path) -> bool {
    let Ok(text) = file::read_text(path, LONGEST) else { return false };
    match cfg!(target_os = "macos") {
        true => text.contains(&agent_variables(context)),
        false => {
            let lines = text.lines().filter(|line| line.starts_with("Environment="));
            lines.eq(unit_variables(context).lines())
        }
    }
}

/// Stops the service and removes its file.
///
/// # Errors
///
/// When its file cannot be removed.
pub(super) fn uninstall(context: &Context) -> Result<Told, CommandError> {
    let path = path(context)?;
    if !file::exists(&path) {
        return Ok(Told::notice("uninstalled", "there is no service of openkoi"));
    }
    let stopped = match cfg!(target_os = "macos") {
        true => own::succeeds("launchctl", &["unload", "-w", &path.display().to_string()]),
        false => own::succeeds("systemctl", &["--user", "disable", "--now", NAME]),
    };
    if !stopped {
        context.printer.notice("the service's manager does not answer; a daemon that runs goes on");
    }
    file::remove_file(&path).map_err(|error| {
        CommandError::failed(format!("`{}` cannot be removed: {error}", path.display()))
    })?;
    Ok(Told::notice("uninstalled", &format!("{} is removed", path.display())))
}

fn path(context: &Context) -> Result<PathBuf, CommandError> {
    let environment = context.environment();
    let home = environment.path(&HOME).ok_or_else(|| {
        CommandError::new(
            Exit::Configuration,
            "HOME is not set, so there is no place for a service",
        )
    })?;
    if cfg!(target_os = "macos") {
        return Ok(home.join("Library/LaunchAgents").join(format!("{LABEL}.plist")));
    }
    let config = environment.path(&XDG_CONFIG_HOME).unwrap_or_else(|| home.join(".config"));
    Ok(config.join("systemd/user").join(format!("{NAME}.service")))
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    let directory = path.parent().unwrap_or(path);
    let written = file::create_private_directory(directory)
        .and_then(|()| file::put(path, text.as_bytes(), 0o644));
    written.map_err(|error| {
        CommandError::failed(format!("`{}` cannot be written: {error}", path.display()))
    })
}

/// Returns the variables that say where the home is, as they are now.
fn variables(context: &Context) -> Vec<(&'static str, String)> {
    let environment = context.environment();
    let named = [&OPENKOI_HOME, &OPENKOI_CONFIG, &OPENKOI_DATA].into_iter();
    let set = named.filter_map(|variable| Some((variable.name, environment.path(variable)?)));
    set.map(|(name, path)| (name, path.display().to_string())).collect()
}

fn unit_variables(context: &Context) -> String {
    variables(context)
        .into_iter()
        .map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}"))))
        .collect()
}

/// Returns the variables of an agent, as a dictionary.
fn agent_variables(context: &Context) -> String {
    let variables: String = variables(context)
        .into_iter()
        .map(|(name, value)| format!("    <key>{name}</key><string>{}</string>\n", xml(&value)))
        .collect();
    format!("<dict>\n{variables}  </dict>\n")
}

/// Returns a unit of systemd. It closes what the sandbox of programs does not need open: the sandbox makes namespaces, so
/// these stay allowed.
fn unit(context: &Context, program: &Path) -> String {
    let variables = unit_variables(context);
    format!(
        "[Unit]\n\
         Description=OpenKoi: tasks in the background\n\
         Documentation=man:openkoi(1)\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={} daemon run\n\
         {variables}\
         WorkingDirectory=%h\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         WatchdogSec=300\n\
         TimeoutStopSec=20\n\
         KillMode=mixed\n\
         UMask=0077\n\
         NoNewPrivileges=yes\n\
         RestrictRealtime=yes\n\
         RestrictSUIDSGID=yes\n\
         LockPersonality=yes\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        quoted(&program.display().to_string())
    )
}

/// Quotes a word for systemd, which would read `%` and `$` in it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('%', "%%").replace('$', "$$"))
}

/// Returns an agent of launchd.
fn agent(context: &Context, program: &Path) -> String {
    let variables = agent_variables(context);
    let log = own::log_file(&context.app).map(|path| path.display().to_string());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n\
         <dict>\n\
         \x20 <key>Label</key><string>{LABEL}</string>\n\
         \x20 <key>ProgramArguments</key>\n\
         \x20 <array><string>{}</string><string>daemon</string><string>run</string></array>\n\
         \x20 <key>EnvironmentVariables</key>\n\
         \x20 {variables}\
         \x20 <key>RunAtLoad</key><true/>\n\
         \x20 <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n\
         \x20 <key>StandardErrorPath</key><string>{}</string>\n\
         </dict>\n\
         </plist>\n",
        xml(&program.display().to_string()),
        xml(&log.unwrap_or_default())
    )
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_would_read_is_escaped() {
        assert_eq!(quoted("/opt/a b/koi"), "\"/opt/a b/koi\"");
        assert_eq!(quoted("/50%/$x/\"y\""), "\"/50%%/$$x/\\\"y\\\"\"");
    }
}
