//! Keys that sign, in files of profiles that the tools of a service share.
//!
//! The format is that of INI files with one section for each profile. How its files, sections and settings are called
//! is data. Only keys that stand there are used. A profile that has to ask somebody for its keys (a program, a login,
//! another role) is named with what its user can do instead.

use super::pair::variable;
use super::{Secret, SecretError};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The largest file that is read. Some list hundreds of profiles.
const LARGEST: u64 = 1 << 20;

type Environment = HashMap<OsString, OsString>;
/// The settings of one profile, by their names in small letters.
type Section = BTreeMap<String, Zeroizing<String>>;

/// The files, and how what is in them is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProfileStore {
    /// The name under which the user lets it be read.
    pub name: String,
    /// Whose profiles they are, as people call it.
    pub program: String,
    /// Where the files are, as people are told.
    pub path: String,
    /// The variable that names the profile.
    pub profile_environment: String,
    /// The profile where that says nothing.
    pub profile: String,
    /// The files; of two that say the same the first counts.
    pub files: Vec<ProfileFile>,
    /// The setting with the id.
    pub id: String,
    /// The setting with the secret.
    pub secret: String,
    /// The setting with the token of a session.
    pub token: String,
    /// Settings that make the keys come from elsewhere, whatever else the profile says.
    #[serde(default)]
    pub elsewhere: Vec<String>,
    /// Settings that do so where the profile has no keys.
    #[serde(default)]
    pub otherwise: Vec<String>,
    /// What to do then; `{profile}` is the profile.
    #[serde(default)]
    pub advice: String,
}

/// One file of profiles.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProfileFile {
    /// Where it is; `~/` is the user's home.
    pub path: String,
    /// The variable that says where it is instead.
    pub environment: String,
    /// The word before the name in every section but that of the usual profile.
    #[serde(default)]
    pub prefix: String,
}

impl ProfileStore {
    /// Whether there is a file, without reading it.
    pub(super) fn exists(&self, environment: &Environment) -> bool {
        let paths = self.files.iter().filter_map(|file| file.place(environment));
        paths.into_iter().any(|path| path.is_file())
    }

    /// Reads the keys of the user's profile; nothing if there is no profile, and none was asked for.
    pub(super) fn keys(&self, environment: &Environment) -> Result<Option<Secret>, SecretError> {
        let profile = self.named(environment);
        let sections = self.sections(&profile, environment)?;
        if sections.is_empty() {
            if variable(environment, &self.profile_environment).is_none() {
                return Ok(None);
            }
            return Err(self.unfit(&profile, "is in none of its files".to_owned()));
        }
        let says = |name: &&String| sections.iter().any(|section| section.contains_key(*name));
        if let Some(way) = self.elsewhere.iter().find(says) {
            return Err(self.asks(&profile, way));
        }
        match sections.iter().find_map(|section| self.keys_of(section, &profile).transpose()) {
            Some(keys) => keys.map(Some),
            None => Err(match self.otherwise.iter().find(says) {
                Some(way) => self.asks(&profile, way),
                None => self.unfit(&profile, format!("has no `{}`", self.id)),
            }),
        }
    }

    /// Reads a setting of the user's profile that is no secret. Files that cannot be read have none.
    pub(super) fn setting(&self, name: &str, environment: &Environment) -> Option<String> {
        let sections = self.sections(&self.named(environment), environment).ok()?;
        let value = sections.iter().find_map(|section| section.get(name))?;
        (!value.is_empty()).then(|| value.as_str().to_owned())
    }

    fn named(&self, environment: &Environment) -> String {
        variable(environment, &self.profile_environment).unwrap_or_else(|| self.profile.clone())
    }

    /// Returns what the files say of a profile.
    fn sections(
        &self,
        profile: &str,
        environment: &Environment,
    ) -> Result<Vec<Section>, SecretError> {
        let mut found = Vec::new();
        for file in &self.files {
            let wanted = |name: &str| file.profile_of(name, &self.profile) == Some(profile);
            found.extend(section(file.place(environment), wanted)?);
        }
        Ok(found)
    }

    fn keys_of(&self, section: &Section, profile: &str) -> Result<Option<Secret>, SecretError> {
        let value = |name: &str| section.get(name).filter(|value| !value.is_empty());
        let Some(id) = value(&self.id) else { return Ok(None) };
        let secret = value(&self.secret)
            .ok_or_else(|| self.unfit(profile, format!("has no `{}`", self.secret)))?;
        let token = value(&self.token).map(|token| token.as_bytes().to_vec());
        Ok(Some(Secret::signing(id.to_string(), secret.as_bytes().to_vec(), token)))
    }

    fn asks(&self, profile: &str, way: &str) -> SecretError {
        let advice = match self.advice.as_str() {
            "" => String::new(),
            advice => format!("; {}", advice.replace("{profile}", profile)),
        };
        let reason = format!("gets its keys by `{way}`, which is not read here{advice}");
        self.unfit(profile, reason)
    }

    fn unfit(&self, profile: &str, reason: String) -> SecretError {
        let profile = profile.chars().filter(|c| !c.is_control()).take(80).collect();
        SecretError::Profile { program: self.program.clone(), profile, reason }
    }
}

impl ProfileFile {
    fn place(&self, environment: &Environment) -> Option<PathBuf> {
        let path = variable(environment, &self.environment).unwrap_or_else(|| self.path.clone());
        match path.strip_prefix("~/") {
            Some(below) => Some(PathBuf::from(variable(environment, "HOME")?).join(below)),
            None => Some(PathBuf::from(path)),
        }
    }

    /// Returns the profile that a section is of, if it is of one.
    fn profile_of<'a>(&self, section: &'a str, usual: &str) -> Option<&'a str> {
        if self.prefix.is_empty() || section == usual {
            return Some(section);
        }
        let rest = section.strip_prefix(&self.prefix)?;
        let own = rest.trim_start();
        (own.len() < rest.len()).then(|| own.trim_matches(['"', '\'']))
    }
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
