//! The user's configuration of git, as a program may see it.
//!
//! The home is closed to programs, and git ends at a configuration that it may see and not open. So each program is given
//! a copy of what changes how git works (identity, aliases, formats, filters …) without what holds secrets or starts
//! helpers: credentials, signing, addresses. git itself reads the files, with their includes and the conditions of these.

use super::ProcessSettings;
use super::find::{find, path};
use crate::durable;
use openkoi_core::hash;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// The longest time that git may take to list a configuration.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of a configuration, or of a file that it names.
const LONGEST: u64 = 1 << 20;

/// Sections that are passed on whole, but for [`LEFT_OUT`].
const SECTIONS: [&str; 43] = [
    "add",
    "advice",
    "alias",
    "apply",
    "author",
    "blame",
    "branch",
    "checkout",
    "clean",
    "color",
    "column",
    "commit",
    "committer",
    "diff",
    "feature",
    "fetch",
    "filter",
    "format",
    "gc",
    "grep",
    "help",
    "i18n",
    "index",
    "init",
    "log",
    "merge",
    "notes",
    "pack",
    "pretty",
    "pull",
    "push",
    "rebase",
    "rerere",
    "revert",
    "safe",
    "stash",
    "status",
    "submodule",
    "switch",
    "tag",
    "user",
    "versionsort",
    "worktree",
];

/// Keys of `core` that are passed on. Others name programs and places.
const CORE: [&str; 14] = [
    "abbrev",
    "autocrlf",
    "bigfilethreshold",
    "checkstat",
    "commentchar",
    "eol",
    "filemode",
    "ignorecase",
    "precomposeunicode",
    "quotepath",
    "safecrlf",
    "symlinks",
    "trustctime",
    "whitespace",
];

/// Keys of those sections that sign, or name a file or a program of the user's.
const LEFT_OUT: [&str; 9] = [
    "commit.gpgsign",
    "commit.template",
    "diff.external",
    "diff.orderfile",
    "format.signaturefile",
    "init.templatedir",
    "push.gpgsign",
    "tag.gpgsign",
    "user.signingkey",
];

/// Returns the variable that gives a program its copy of the user's configuration, or nothing where there is none.
pub(super) async fn configuration(
    settings: &ProcessSettings,
    workspace: &Path,
    directory: &Path,
) -> Option<(OsString, OsString)> {
    let places = Places::of(settings)?;
    if !places.all().any(|place| place.exists()) {
        return None;
    }
    let git = find("git", settings, workspace)?;
    let listed = list(&git, settings, workspace, directory).await.unwrap_or_else(|why| {
        tracing::warn!("programs see no configuration of git: {why}");
        String::new()
    });
    let mut text = written(&listed);
    for (key, usual) in [("excludesfile", &places.ignore), ("attributesfile", &places.attributes)] {
        let named = named(&listed, &format!("core.{key}")).and_then(|path| places.home(path));
        // Where there is none the copy is empty, and git does not look into the home.
        if let Some(kept) = keep(settings, &contents(named.as_ref().unwrap_or(usual)), key) {
            text.push_str(&entry("core", None, key, Some(&kept.to_string_lossy())));
        }
    }
    let copy = keep(settings, text.as_bytes(), "config")?;
    Some(("GIT_CONFIG_GLOBAL".into(), copy.into()))
}

/// Where git looks for a user's configuration.
struct Places {
    home: PathBuf,
    config: Vec<PathBuf>,
    ignore: PathBuf,
    attributes: PathBuf,
}

impl Places {
    fn of(settings: &ProcessSettings) -> Option<Self> {
        let variable = |name: &str| settings.environment.get(OsStr::new(name)).map(PathBuf::from);
        let home = variable("HOME").filter(|home| home.is_absolute())?;
        let below = variable("XDG_CONFIG_HOME").filter(|place| place.is_absolute());
        let below = below.unwrap_or_else(|| home.join(".config")).join("git");
        let config = match variable("GIT_CONFIG_GLOBAL") {
            Some(named) => vec![named],
            None => vec![home.join(".gitconfig"), below.join("config")],
        };
        Some(Self {
            config,
            ignore: below.join("ignore"),
            attributes: below.join("attributes"),
            home,
        })
    }

    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.config.iter().chain([&self.ignore, &self.attributes])
    }

    /// Returns the path that a value names, which may begin with the home.
    fn home(&self, value: &str) -> Option<PathBuf> {
        let path = match value.strip_prefix("~/") {
            Some(below) => self.home.join(below),
            None => PathBuf::from(value),
        };
        path.is_absolute().then_some(path)
    }
}

/// Returns the user's configuration as git lists it: entries that end with a nul, of a key, a line feed and a value.
async fn list(
    git: &Path,
    settings: &ProcessSettings,
    workspace: &Path,
    directory: &Path,
) -> Result<String, String> {
    let variables = ["HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"];
    let known = variables.iter().filter_map(|name| {
        settings.environment.get(OsStr::new(name)).map(|value| (*name, value.clone()))
    });
    let child = tokio::process::Command::new(git)
        .args(["config", "--global", "--includes", "--list", "-z"])
        .env_clear()
        .envs(known)
        // Where `git` is a script of a version manager, it looks for the program itself.
        .env("PATH", path(settings, workspace))
        .env("GIT_OPTIONAL_LOCKS", "0")
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, child)
        .await
        .map_err(|_| "git takes too long to list it".to_owned())?
        .map_err(|error| error.to_string())?;
    if !output.status.success() || output.stdout.len() as u64 > LONGEST {
        return Err(format!("git cannot list it ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| "it is not UTF-8".to_owned())
}

fn entries(listed: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    listed.split('\0').filter(|one| !one.is_empty()).map(|one| match one.split_once('\n') {
        Some((key, value)) => (key, Some(value)),
        None => (one, None),
    })
}

/// Returns the last value of a key.
fn named<'a>(listed: &'a str, wanted: &str) -> Option<&'a str> {
    entries(listed).filter(|(key, _)| *key == wanted).last()?.1
}

/// Writes what is passed on in the form of git's files.
fn written(listed: &str) -> String {
    let mut text = String::new();
    for (name, value) in entries(listed) {
        let Some((section, rest)) = name.split_once('.') else { continue };
        let (subsection, key) = match rest.rsplit_once('.') {
            Some((subsection, key)) => (Some(subsection), key),
            None => (None, rest),
        };
        if passes(section, name, key)
            && !names_an_account(name)
            && !value.is_some_and(names_an_account)
        {
            text.push_str(&entry(section, subsection, key, value));
        }
    }
    text
}

/// Tells whether an entry is passed on.
fn passes(section: &str, name: &str, key: &str) -> bool {
    match section {
        "core" => CORE.contains(&key),
        _ => SECTIONS.contains(&section) && !LEFT_OUT.contains(&name),
    }
}

/// Tells whether a text has an address with a name or a password in it.
fn names_an_account(text: &str) -> bool {
    let mut addresses = text.split("://").skip(1);
    addresses.any(|rest| {
        rest.split(['/', '?', '#', ' ', '\'', '"']).next().is_some_and(|host| host.contains('@'))
    })
}

fn entry(section: &str, subsection: Option<&str>, key: &str, value: Option<&str>) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = match subsection {
        Some(subsection) => format!("[{section} \"{}\"]\n", quoted(subsection)),
        None => format!("[{section}]\n"),
    };
    match value {
        Some(value) => {
            let value = quoted(value).replace('\n', "\\n").replace('\t', "\\t");
            text.push_str(&format!("\t{key} = \"{value}\"\n"));
        }
        None => text.push_str(&format!("\t{key}\n")),
    }
    text
}

/// Returns what is in a regular file of the user's; nothing if there is none.
fn contents(path: &Path) -> Vec<u8> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() <= LONGEST => {
            std::fs::read(path).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Keeps a file where programs read and do not write, under the hash of what is in it.
fn keep(settings: &ProcessSettings, bytes: &[u8], kind: &str) -> Option<PathBuf> {
    let path = settings.spool.join(format!("git-{kind}-{}", hash::of_bytes(bytes)));
    if path.exists() {
        return Some(path);
    }
    let kept = durable::create_private_dir(&settings.spool)
        .and_then(|()| durable::put_atomic(&path, bytes, 0o600));
    kept.inspect_err(|error| tracing::warn!(%error, "programs see no configuration of git"))
        .ok()?;
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn what_holds_secrets_or_starts_helpers_is_not_passed_on() {
        let listed = "user.name\nGrace \"G\" Hopper\0user.signingkey\nAB12\0commit.gpgsign\ntrue\0\
                      credential.helper\nstore\0http.https://x.extraheader\nAuthorization: t\0\
                      url.https://t@x/.insteadof\nhttps://x/\0core.autocrlf\ninput\0\
                      core.sshcommand\nssh -i k\0core.hookspath\n/h\0github.token\nt\0\
                      alias.last\nlog -1\0alias.up\n!git push https://me:t@x/ HEAD\0\
                      submodule.lib.url\nhttps://t@x/lib\0filter.lfs.clean\ngit-lfs clean -- %f\0push.default\0";

        assert_eq!(
            written(listed),
            "[user]\n\tname = \"Grace \\\"G\\\" Hopper\"\n[core]\n\tautocrlf = \"input\"\n\
             [alias]\n\tlast = \"log -1\"\n[filter \"lfs\"]\n\tclean = \"git-lfs clean -- %f\"\n\
             [push]\n\tdefault\n"
        );
    }
}
