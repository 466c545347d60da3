//! Keys of AWS: an id, a secret that signs, and for a session a token.
//!
//! They come from the variables, or from the shared files that all tools of AWS read: `credentials` and `config`
//! below `~/.aws`. Only keys that stand there are used. A profile that has to ask somebody for its keys (a program,
//! a login, another role) is named with what its user can do instead.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use super::{Secret, SecretError};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The variable of the id.
pub(super) const ID: &str = "AWS_ACCESS_KEY_ID";
/// The variable of the secret.
pub(super) const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

/// The largest shared file that is read. Some list hundreds of profiles.
const LARGEST: u64 = 1 << 20;

/// Settings of a profile that make its keys come from elsewhere, whatever else it says.
const ELSEWHERE: [&str; 7] = [
    "role_arn",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
    "credential_source",
];

type Environment = HashMap<OsString, OsString>;
/// The settings of one profile, by their names in small letters.
type Section = BTreeMap<String, Zeroizing<String>>;

/// Returns a variable that is set and not blank.
pub(super) fn variable(environment: &Environment, name: &str) -> Option<String> {
    let value = environment.get(OsStr::new(name))?.to_str()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Whether both halves of the keys are among the variables.
pub(super) fn has_variables(environment: &Environment) -> bool {
    [ID, SECRET].into_iter().all(|name| variable(environment, name).is_some())
}

/// Reads the keys from the variables; nothing if there is no id.
pub(super) fn from_variables(environment: &Environment) -> Result<Option<Secret>, SecretError> {
    let value = |name| variable(environment, name).map(String::into_bytes);
    let Some(id) = variable(environment, ID) else { return Ok(None) };
    let secret = value(SECRET).ok_or(SecretError::Half { there: ID, missing: SECRET })?;
    Ok(Some(Secret::signing(id, secret, value(TOKEN))))
}

/// The shared files.
pub(super) struct Shared<'a> {
    environment: &'a Environment,
}

impl<'a> Shared<'a> {
    pub(super) fn of(environment: &'a Environment) -> Self {
        Self { environment }
    }

    /// Whether there is one, without reading it.
    pub(super) fn exists(&self) -> bool {
        [self.credentials(), self.config()].into_iter().flatten().any(|path| path.is_file())
    }

    /// Reads the keys of the user's profile; nothing if there is no profile, and none was asked for.
    pub(super) fn keys(&self) -> Result<Option<Secret>, SecretError> {
        let profile = self.profile();
        let own = section(self.credentials(), |name| name == profile)?;
        let config = section(self.config(), |name| profile_of_config(name) == Some(&profile))?;
        let Some((own, config)) = either(own, config) else {
            if variable(self.environment, "AWS_PROFILE").is_none() {
                return Ok(None);
            }
            return Err(unfit(&profile, "is in neither of its shared files".to_owned()));
        };
        let sections = [&own, &config];
        let says = |name: &str| sections.iter().any(|section| section.contains_key(name));
        if let Some(way) = ELSEWHERE.into_iter().find(|name| says(name)) {
            return Err(elsewhere(&profile, way));
        }
        match sections.iter().find_map(|section| keys_of(section, &profile).transpose()) {
            Some(keys) => keys.map(Some),
            None if says("credential_process") => Err(elsewhere(&profile, "credential_process")),
            None => Err(unfit(&profile, "has no `aws_access_key_id`".to_owned())),
        }
    }

    /// Reads the region of the user's profile. A file that cannot be read has none.
    pub(super) fn region(&self) -> Option<String> {
        let profile = self.profile();
        let config = section(self.config(), |name| profile_of_config(name) == Some(&profile));
        let region = config.ok().flatten()?.remove("region")?;
        (!region.is_empty()).then(|| region.as_str().to_owned())
    }

    fn profile(&self) -> String {
        variable(self.environment, "AWS_PROFILE").unwrap_or_else(|| "default".to_owned())
    }

    fn credentials(&self) -> Option<PathBuf> {
        self.path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")
    }

    fn config(&self) -> Option<PathBuf> {
        self.path("AWS_CONFIG_FILE", ".aws/config")
    }

    fn path(&self, name: &str, usual: &str) -> Option<PathBuf> {
        let home = || variable(self.environment, "HOME").map(PathBuf::from);
        match variable(self.environment, name) {
            Some(path) => match path.strip_prefix("~/") {
                Some(rest) => Some(home()?.join(rest)),
                None => Some(PathBuf::from(path)),
            },
            None => Some(home()?.join(usual)),
        }
    }
}

fn either(one: Option<Section>, other: Option<Section>) -> Option<(Section, Section)> {
    (one.is_some() || other.is_some()).then(|| (one.unwrap_or_default(), other.unwrap_or_default()))
}

fn unfit(profile: &str, reason: String) -> SecretError {
    let profile = profile.chars().filter(|c| !c.is_control()).take(80).collect();
    SecretError::Profile { profile, reason }
}

fn elsewhere(profile: &str, way: &str) -> SecretError {
    let reason = format!(
        "gets its keys by `{way}`, which is not read here; put them into the environment: \
         eval \"$(aws configure export-credentials --profile {profile} --format env)\""
    );
    unfit(profile, reason)
}

fn keys_of(section: &Section, profile: &str) -> Result<Option<Secret>, SecretError> {
    let value = |name: &str| section.get(name).filter(|value| !value.is_empty());
    let Some(id) = value("aws_access_key_id") else { return Ok(None) };
    let secret = value("aws_secret_access_key")
        .ok_or_else(|| unfit(profile, "has no `aws_secret_access_key`".to_owned()))?;
    let token = value("aws_session_token").map(|token| token.as_bytes().to_vec());
    Ok(Some(Secret::signing(id.to_string(), secret.as_bytes().to_vec(), token)))
}

/// `config` calls every profile but the first `[profile NAME]`.
fn profile_of_config(name: &str) -> Option<&str> {
    if name == "default" {
        return Some(name);
    }
    let rest = name.strip_prefix("profile")?;
    let own = rest.trim_start();
    (own.len() < rest.len()).then(|| own.trim_matches(['"', '\'']))
}

/// Reads the section whose name `is_wanted`, if there are the file and the section. Sections of one name are one.
fn section(
    path: Option<PathBuf>,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Option<Section>, SecretError> {
    let Some(path) = path else { return Ok(None) };
    let read = read(&path).map_err(|source| SecretError::Io { path: path.clone(), source })?;
    let Some(bytes) = read else { return Ok(None) };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| SecretError::Unfit { path: path.clone(), reason: "it is no text" })?;
    let (mut found, mut inside) = (None::<Section>, false);
    // A line that is set in belongs to the setting above it, of which none matters here.
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#', ';'])) {
        if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            inside = is_wanted(name.trim());
            if inside {
                found.get_or_insert_default();
            }
        } else if let (true, Some((name, value))) = (inside, line.split_once('='))
            && let Some(section) = &mut found
        {
            let value = Zeroizing::new(without_comment(value).trim().to_owned());
            section.insert(name.trim().to_ascii_lowercase(), value);
        }
    }
    Ok(found)
}

/// A comment begins with a mark after white space.
fn without_comment(value: &str) -> &str {
    let marks = [" #", " ;", "\t#", "\t;"];
    let end = marks.into_iter().filter_map(|mark| value.find(mark)).min();
    end.map_or(value, |end| &value[..end])
}

/// Reads a shared file. Whose it is and who may read it is the business of the tools that write it, and it may well
/// be a link; what is no file is not waited for.
fn read(path: &std::path::Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let flags = libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = match std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(io::Error::other("it is no file of at most 1 MiB"));
    }
    // Room for all of it at once: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize));
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
