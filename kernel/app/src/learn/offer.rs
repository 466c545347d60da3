//! What is in a skill, before it is installed, and the installation.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use openkoi_brokers::{archive::ArchiveFile, disk, durable};
use openkoi_storage::skills::{
    self, PIN_FILE, Skill, SkillNotice, SkillPin, SkillProblem, digest_of_files, unseen,
};

use super::{
    error::LearnError,
    fetch::{Fetched, fetched},
    managed::{self, ManagedSkill, STAGING},
    origin::SkillOrigin,
};
use crate::{app::App, error::AppError, settings::Settings};

/// The most addresses that are listed.
const LINKS: usize = 100;
/// Ends of the names of files that programs run.
const SCRIPTS: [&str; 20] = [
    "sh", "bash", "zsh", "fish", "py", "js", "mjs", "cjs", "ts", "rb", "pl", "php", "lua", "ps1",
    "bat", "cmd", "exe", "jar", "wasm", "awk",
];
const MODE: u32 = 0o600;
const PROGRAM_MODE: u32 = 0o700;

/// A skill that was fetched and is not installed yet. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct SkillOffer {
    /// The skill.
    pub skill: Skill,
    /// Its pin, if it is installed.
    pub pin: SkillPin,
    /// Its files, with their paths in its folder.
    pub files: Vec<ArchiveFile>,
    /// The skill of its name that is installed.
    pub replaces: Option<ManagedSkill>,
    staging: Staging,
    home: PathBuf,
}

/// What a file of a skill is for, as far as it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileUse {
    /// It can be run.
    Script,
    /// It is text.
    Text,
    /// It is something else.
    Binary,
}

impl FileUse {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

/// A file of a skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedFile {
    /// Its path in the folder of the skill.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// What it is for.
    pub is_for: FileUse,
}

/// Fetches the skill of a source that was typed in the directory of the application.
///
/// # Errors
///
/// When there is no such source, it cannot be fetched, or what is there is no skill.
pub fn offered(app: &App, settings: &Settings, typed: &str) -> Result<SkillOffer, AppError> {
    let origin = SkillOrigin::of(typed, app.environment().directory(), &settings.skill_archives)?;
    SkillOffer::of(app, fetched(app, settings, &origin)?)
}

/// Fetches an installed skill again.
///
/// # Errors
///
/// As [`offered`], and when it is not known where it came from.
pub fn of_managed(
    app: &App,
    settings: &Settings,
    skill: &ManagedSkill,
) -> Result<SkillOffer, AppError> {
    let pin = skill.pin.as_ref().ok_or_else(|| LearnError::Unpinned(skill.name.clone()))?;
    offered(app, settings, &pin.source)
}

impl SkillOffer {
    fn of(app: &App, fetched: Fetched) -> Result<Self, AppError> {
        let Fetched { mut files, source, folder } = fetched;
        // Other programs find it by this name alone.
        for file in files.iter_mut().filter(|file| file.path.eq_ignore_ascii_case("SKILL.md")) {
            "SKILL.md".clone_into(&mut file.path);
        }
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        let home = app.paths()?.home().to_owned();
        app.paths()?.prepare()?;
        sweep(&managed::place(&home), app.now_ms());
        let staging = Staging::new(&managed::place(&home), &app.new_id()?, &folder);
        staging.write(&files)?;
        let skill = Skill::at(&staging.skill).map_err(|SkillProblem { reason, .. }| {
            LearnError::Skill(SkillProblem { path: PathBuf::from(&source), reason })
        })?;
        let pairs = files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice()));
        let pin = SkillPin::new(source, digest_of_files(pairs), app.now_ms());
        let replaces = managed::find(&home, &skill.name).ok();
        Ok(Self { skill, pin, files, replaces, staging, home })
    }

    /// Returns whether the skill is installed already, just as it is.
    pub fn is_installed(&self) -> bool {
        self.replaces.as_ref().is_some_and(|installed| {
            let has = installed.pin.as_ref().map(|pin| &pin.digest);
            has == Some(&self.pin.digest) && installed.is_as_installed()
        })
    }

    /// Returns its files, with what they are for.
    pub fn listed(&self) -> Vec<OfferedFile> {
        let listed = self.files.iter().map(|file| OfferedFile {
            path: file.path.clone(),
            bytes: file.bytes.len() as u64,
            is_for: use_of(file),
        });
        listed.collect()
    }

    /// Returns the addresses that are written in it, each once.
    pub fn links(&self) -> Vec<String> {
        let texts = self.files.iter().filter_map(|file| std::str::from_utf8(&file.bytes).ok());
        let found: BTreeSet<&str> = texts.flat_map(addresses).collect();
        found.into_iter().take(LINKS).map(str::to_owned).collect()
    }

    /// Returns what is doubtful about it, with the file that each is about.
    pub fn doubts(&self) -> Vec<(String, SkillNotice)> {
        let own = skills::check(&self.skill).into_iter().map(|one| ("SKILL.md".to_owned(), one));
        own.chain(self.files.iter().flat_map(|file| self.hidden_in(file))).collect()
    }

    /// Returns where a file has characters that nobody sees, but for the text of the skill, which is checked with it.
    fn hidden_in(&self, file: &ArchiveFile) -> Vec<(String, SkillNotice)> {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { return Vec::new() };
        let last = if file.path == "SKILL.md" { self.skill.body_line - 1 } else { usize::MAX };
        let lines = (1..).zip(text.lines()).take_while(|(line, _)| *line <= last);
        let found = lines.filter_map(|(line, text)| {
            let text = unseen(text.trim_start_matches('\u{feff}'))?;
            Some((file.path.clone(), SkillNotice { line, text, is_fault: false }))
        });
        found.collect()
    }

    /// Installs it, in the place of the one of its name, in one step.
    ///
    /// # Errors
    ///
    /// When it cannot be put in its place; what was there is there then.
    pub fn install(self) -> Result<PathBuf, AppError> {
        let place = managed::place(&self.home).join(&self.skill.name);
        let pin = serde_json::to_vec_pretty(&self.pin).unwrap_or_default();
        durable::put_atomic(&self.staging.skill.join(PIN_FILE), &pin, MODE)
            .map_err(LearnError::from)?;
        let new = &self.staging.skill;
        let failed = |error| LearnError::Place { path: place.clone(), error };
        match disk::exists(&place) {
            // The old one is removed with the place in which the new one was put together.
            true => disk::exchange(new, &place).map_err(failed)?,
            false => disk::rename(new, &place).map_err(failed)?,
        }
        Ok(place)
    }
}

/// Removes what an installation that was killed has left a day ago.
fn sweep(place: &Path, now_ms: u64) {
    const OLD_MS: u64 = 24 * 3_600_000;
    for entry in disk::list(place).unwrap_or_default() {
        let path = place.join(&entry.name);
        let is_left = entry.name.to_string_lossy().starts_with(STAGING);
        let status = disk::link_status(&path).ok().filter(|_| is_left);
        let is_old = status.is_some_and(|found| found.modified_ms() + OLD_MS < now_ms);
        if is_old && let Err(error) = disk::remove_tree(&path) {
            tracing::debug!(%error, "what an installation left stays");
        }
    }
}

/// A hidden folder in which a skill is put together.
#[derive(Debug)]
struct Staging {
    root: PathBuf,
    skill: PathBuf,
}

impl Staging {
    fn new(place: &Path, id: &str, folder: &str) -> Self {
        let root = place.join(format!("{STAGING}{id}"));
        // The name counts where a skill says none.
        let folder = folder.trim_start_matches('.');
        let skill = root.join(if folder.is_empty() { "skill" } else { folder });
        Self { root, skill }
    }

    fn write(&self, files: &[ArchiveFile]) -> Result<(), LearnError> {
        for file in files {
            let path = self.skill.join(&file.path);
            durable::create_private_dir(path.parent().unwrap_or(&self.skill))?;
            let mode = if file.is_program { PROGRAM_MODE } else { MODE };
            durable::put_whole(&path, &file.bytes, mode)?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if disk::exists(&self.root)
            && let Err(error) = disk::remove_tree(&self.root)
        {
            tracing::warn!(%error, "what was fetched is not removed");
        }
    }
}

fn use_of(file: &ArchiveFile) -> FileUse {
    let end = file.path.rsplit_once('.').map(|(_, end)| end.to_lowercase()).unwrap_or_default();
    let starts = |magic: &[u8]| file.bytes.starts_with(magic);
    let magics: [&[u8]; 4] = [b"#!", b"\x7fELF", b"MZ", b"\0asm"];
    let is_run = file.is_program || magics.into_iter().any(starts);
    let is_text = !file.bytes.contains(&0) && std::str::from_utf8(&file.bytes).is_ok();
    match () {
        () if is_run || SCRIPTS.contains(&end.as_str()) => FileUse::Script,
        () if is_text => FileUse::Text,
        () => FileUse::Binary,
    }
}

/// Returns the addresses in a text.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let starts = ["https://", "http://"].into_iter().flat_map(|scheme| text.match_indices(scheme));
    starts.filter_map(|(at, scheme)| {
        let rest = text.get(at..)?;
        let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>()[]{}|\\^".contains(c);
        let address = rest.get(..rest.find(ends).unwrap_or(rest.len()))?;
        let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']);
        (address.len() > scheme.len()).then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_run_is_told_from_text() {
        let of = |path: &str, bytes: &[u8], is_program| {
            use_of(&ArchiveFile { path: path.to_owned(), bytes: bytes.to_vec(), is_program })
        };
        assert_eq!(of("a.md", b"text", false), FileUse::Text);
        assert_eq!(of("a", b"#!/bin/sh", false), FileUse::Script);
        assert_eq!(of("a.PY", b"x", false), FileUse::Script);
        assert_eq!(of("a", b"x", true), FileUse::Script);
        assert_eq!(of("a.png", b"\x89PNG\0", false), FileUse::Binary);
        assert_eq!(of("tool", b"\x7fELF\0", false), FileUse::Script);
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        let text =
            "See [it](https://a.test/x). curl http://b.test:80/y?z=1; `https://c.test` https://";
        let found: Vec<&str> = addresses(text).collect();
        assert_eq!(found, ["https://a.test/x", "https://c.test", "http://b.test:80/y?z=1"]);
    }
}
