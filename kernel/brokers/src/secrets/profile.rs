//! Keys that sign requests, in files of profiles that the tools of a service share.
//!
//! The format is that of INI files with one section for each profile; the names of files, sections and settings are
//! data ([`ProfileStore`]). Only keys that the files hold are used. A profile whose keys come from a program, a login
//! or another role is an error that says what its user can do instead.

use super::variables::{Variables, variable};
use super::{Secret, SecretError};
use openkoi_core::credential::{ProfileFile, ProfileStore};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest file that is read. Some list hundreds of profiles.
const LARGEST: u64 = 1 << 20;

/// The settings of one profile, by their names in small letters.
type Section = BTreeMap<String, Zeroizing<String>>;

/// The profiles of one store, as the environment places and chooses them.
pub(super) struct Profiles<'a> {
    pub(super) store: &'a ProfileStore,
    pub(super) variables: &'a Variables,
}

impl Profiles<'_> {
    /// Tells whether one of the files exists, without reading it.
    pub(super) fn exist(&self) -> bool {
        let mut paths = self.store.files.iter().filter_map(|file| self.path(file));
        paths.any(|path| path.is_file())
    }

    /// Reads the keys of the user's profile. Returns nothing if no file has the profile and no variable names it.
    pub(super) fn keys(&self) -> Result<Option<Secret>, SecretError> {
        let store = self.store;
        let profile = self.name();
        let sections = self.sections(&profile)?;
        if sections.is_empty() {
            if variable(self.variables, &store.profile_environment).is_none() {
                return Ok(None);
            }
            return Err(self.unfit(&profile, "is in none of its files".to_owned()));
        }
        let has = |name: &&String| sections.iter().any(|section| section.contains_key(*name));
        if let Some(setting) = store.elsewhere.iter().find(has) {
            return Err(self.elsewhere(&profile, setting));
        }
        match sections.iter().find_map(|section| self.keys_of(section, &profile).transpose()) {
            Some(keys) => keys.map(Some),
            None => Err(match store.otherwise.iter().find(has) {
                Some(setting) => self.elsewhere(&profile, setting),
                None => self.unfit(&profile, format!("has no `{}`", store.id)),
            }),
        }
    }

    /// Reads a setting of the user's profile that is not a secret. Files that cannot be read count as empty.
    pub(super) fn setting(&self, name: &str) -> Option<String> {
        let sections = self.sections(&self.name()).ok()?;
        let value = sections.iter().find_map(|section| section.get(name))?;
        (!value.is_empty()).then(|| value.as_str().to_owned())
    }

    /// Returns the name of the user's profile.
    fn name(&self) -> String {
        let named = variable(self.variables, &self.store.profile_environment);
        named.unwrap_or_else(|| self.store.profile.clone())
    }

    /// Returns the sections that the files have for a profile.
    fn sections(&self, profile: &str) -> Result<Vec<Section>, SecretError> {
        let mut found = Vec::new();
        for file in &self.store.files {
            let Some(path) = self.path(file) else { continue };
            let wanted =
                |title: &str| profile_of(file, title, &self.store.profile) == Some(profile);
            found.extend(section(&path, wanted)?);
        }
        Ok(found)
    }

    fn path(&self, file: &ProfileFile) -> Option<PathBuf> {
        let path = variable(self.variables, &file.environment).unwrap_or_else(|| file.path.clone());
        match path.strip_prefix("~/") {
            Some(below) => Some(PathBuf::from(variable(self.variables, "HOME")?).join(below)),
            None => Some(PathBuf::from(path)),
        }
    }

    fn keys_of(&self, section: &Section, profile: &str) -> Result<Option<Secret>, SecretError> {
        let store = self.store;
        let value = |name: &str| section.get(name).filter(|value| !value.is_empty());
        let Some(id) = value(&store.id) else { return Ok(None) };
        let secret = value(&store.secret)
            .ok_or_else(|| self.unfit(profile, format!("has no `{}`", store.secret)))?;
        let token = value(&store.token).map(|token| token.as_bytes().to_vec());
        Ok(Some(Secret::signing(id.to_string(), secret.as_bytes().to_vec(), token)))
    }

    /// Returns the error for a profile that gets its keys from elsewhere, by `setting`.
    fn elsewhere(&self, profile: &str, setting: &str) -> SecretError {
        let advice = match self.store.advice.as_str() {
            "" => String::new(),
            advice => format!("; {}", advice.replace("{profile}", profile)),
        };
        let reason = format!("gets its keys by `{setting}`, which is not read here{advice}");
        self.unfit(profile, reason)
    }

    fn unfit(&self, profile: &str, reason: String) -> SecretError {
        let profile = profile.chars().filter(|c| !c.is_control()).take(80).collect();
        SecretError::Profile { program: self.store.program.clone(), profile, reason }
    }
}

/// Returns the profile that a section of `file` belongs to, if it belongs to one.
fn profile_of<'a>(file: &ProfileFile, title: &'a str, default: &str) -> Option<&'a str> {
    if file.prefix.is_empty() || title == default {
        return Some(title);
    }
    let rest = title.strip_prefix(&file.prefix)?;
    let own = rest.trim_start();
    (own.len() < rest.len()).then(|| own.trim_matches(['"', '\'']))
}

/// Reads the section whose title is wanted. Returns nothing without the file or the section; sections of one title are
/// joined.
fn section(path: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Option<Section>, SecretError> {
    let read = read(path).map_err(|source| SecretError::Io { path: path.to_owned(), source })?;
    let Some(bytes) = read else { return Ok(None) };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| SecretError::Unfit { path: path.to_owned(), reason: "it is not a text" })?;
    let (mut found, mut inside) = (None::<Section>, false);
    // An indented line belongs to the setting above it; no setting that is used here has such lines.
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

/// Cuts off a comment, which begins with a mark after white space.
fn without_comment(value: &str) -> &str {
    let marks = [" #", " ;", "\t#", "\t;"];
    let end = marks.into_iter().filter_map(|mark| value.find(mark)).min();
    end.map_or(value, |end| &value[..end])
}

/// Reads a shared file, nothing if there is none. Its owner and mode are left to the tools that write it, and it may
/// be a link. A pipe is refused instead of waited for.
fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let flags = libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = match std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(io::Error::other("it is not a file of at most 1 MiB"));
    }
    // Room for all of it at once: a buffer that grows leaves copies in memory that are not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize));
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
