//! The files of the skill that a source has.

use std::{collections::BTreeSet, path::Path, time::Duration};

use openkoi_brokers::{
    archive::{self, ArchiveError, ArchiveFile, ArchiveLimits},
    disk,
    egress::{EgressLimits, Request},
};
use openkoi_core::pattern::HttpRule;
use openkoi_storage::skills::{INSTALLED_BYTES, INSTALLED_FILES};

use super::{error::LearnError, origin::SkillOrigin};
use crate::{app::App, error::AppError, settings::Settings, thread};

/// The largest archive, in bytes: a repository may have a lot beside the skill.
const LARGEST: u64 = 64 << 20;
/// The most entries of an archive or a folder.
const ENTRIES: usize = 100_000;
/// So much more than its own size a stream of text may unpack to. That of zeros is a thousand times.
const RATIO: u64 = 200;
/// The longest wait for a server to begin, and for the whole answer.
const FIRST_BYTE: Duration = Duration::from_secs(30);
const TOTAL: Duration = Duration::from_secs(300);
/// What is fetched without a rule of its own: anything public, encrypted. A redirect leads from there to there alone.
const PUBLIC: &str = "GET https://*/**";

const SKILL: &str = "SKILL.md";

/// The files of a skill.
pub(super) struct Fetched {
    /// With their paths in the folder of the skill.
    pub(super) files: Vec<ArchiveFile>,
    /// What can be typed for the same skill.
    pub(super) source: String,
    /// The name of the folder that it was in; empty if nobody said one.
    pub(super) folder: String,
}

/// Reads the skill that `origin` names.
pub(super) fn fetched(
    app: &App,
    settings: &Settings,
    origin: &SkillOrigin,
) -> Result<Fetched, AppError> {
    let from = origin.typed(origin.below());
    let odd = |error| LearnError::Archive { from: from.clone(), error };
    if let SkillOrigin::Here { path, .. } = origin
        && disk::is_directory(path)
    {
        let all = |path: &str| is_part(path);
        let found = paths_of_folder(path).map_err(odd)?;
        let root = chosen(&found, "", origin)?;
        let path = path.join(&root);
        let files = archive::of_folder(&path, &limits(), all).map_err(odd)?;
        return Ok(Fetched { files, source: origin.typed(&root), folder: last(&path) });
    }
    let (bytes, name) = match origin.address(&settings.skill_archives) {
        Some(address) => (download(app, settings, &address)?, last(Path::new(&address))),
        None => {
            let SkillOrigin::Here { path, .. } = origin else {
                return Err(LearnError::NoSource(from).into());
            };
            (read(path).map_err(odd)?, last(path))
        }
    };
    if let Some(file) = alone(&bytes, &name) {
        return Ok(Fetched { files: vec![file], source: from, folder: String::new() });
    }
    if bytes.trim_ascii_start().starts_with(b"<") {
        return Err(LearnError::Page(from).into());
    }
    let found = archive::paths(&bytes, &limits()).map_err(odd)?;
    let top = top(&found);
    let root = chosen(&found, &top, origin)?;
    let start = if root.is_empty() { String::new() } else { format!("{root}/") };
    let is_wanted = |path: &str| path.strip_prefix(&start).is_some_and(is_part);
    let mut files = archive::unpack(&bytes, &limits(), is_wanted).map_err(odd)?;
    files.iter_mut().for_each(|file| file.path.drain(..start.len()).for_each(drop));
    let below = root.strip_prefix(&top).unwrap_or(&root).trim_start_matches('/');
    Ok(Fetched { files, source: origin.typed(below), folder: last(Path::new(&root)) })
}

fn limits() -> ArchiveLimits {
    ArchiveLimits { entries: ENTRIES, files: INSTALLED_FILES, bytes: INSTALLED_BYTES, ratio: RATIO }
}

fn last(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Returns whether a file in the folder of a skill belongs to it: what is hidden is of other programs.
fn is_part(path: &str) -> bool {
    path.split('/').all(|name| !name.starts_with('.') && name != "__MACOSX")
}

fn paths_of_folder(path: &Path) -> Result<Vec<String>, ArchiveError> {
    let found = std::cell::RefCell::new(Vec::new());
    archive::of_folder(path, &limits(), |path| {
        found.borrow_mut().push(path.to_owned());
        false
    })?;
    Ok(found.into_inner())
}

fn read(path: &Path) -> Result<Vec<u8>, ArchiveError> {
    disk::read(path, LARGEST).map_err(ArchiveError::Unreadable)
}

/// Returns the file of a skill that came without a folder.
fn alone(bytes: &[u8], name: &str) -> Option<ArchiveFile> {
    let is_text = name.to_lowercase().ends_with(".md");
    is_text.then(|| ArchiveFile {
        path: SKILL.to_owned(),
        bytes: bytes.to_vec(),
        is_program: false,
    })
}

/// Returns the folder that everything is in, as in the archive of a repository; empty if there is none.
fn top(paths: &[String]) -> String {
    let tops: BTreeSet<&str> =
        paths.iter().map(|path| path.split_once('/').map_or("", |(top, _)| top)).collect();
    match tops.into_iter().collect::<Vec<_>>().as_slice() {
        [only] => (*only).to_owned(),
        _ => String::new(),
    }
}

/// Returns the folder with the skill that is meant.
fn chosen(paths: &[String], top: &str, origin: &SkillOrigin) -> Result<String, LearnError> {
    let below = origin.below();
    let folders: BTreeSet<&str> = paths.iter().filter_map(|path| folder_of(path)).collect();
    let join = |top: &str, below: &str| format!("{top}/{below}").trim_matches('/').to_owned();
    let meant = join(top, below);
    let exact = [meant.as_str(), below].into_iter().find(|folder| folders.contains(folder));
    if let Some(exact) = exact {
        return Ok(exact.to_owned());
    }
    let inside = format!("{meant}/");
    let is_inside = |folder: &&&str| meant.is_empty() || folder.starts_with(&inside);
    let mut found: Vec<&str> = folders.iter().filter(is_inside).copied().collect();
    if found.is_empty() {
        // People name a skill by its last folder.
        let ending = format!("/{below}");
        found = folders.iter().filter(|folder| folder.ends_with(&ending)).copied().collect();
    }
    let from = origin.typed(below);
    match found.as_slice() {
        [] => Err(LearnError::NoSkill(from)),
        [only] => Ok((*only).to_owned()),
        several => {
            let typed = |folder: &&str| {
                let below = folder.strip_prefix(top).unwrap_or(folder);
                origin.typed(below.trim_start_matches('/'))
            };
            Err(LearnError::Several { from, found: several.iter().map(typed).collect() })
        }
    }
}

/// Returns the folder of a path that is that of a `SKILL.md`.
fn folder_of(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    name.eq_ignore_ascii_case(SKILL).then_some(folder)
}

/// Fetches an address whole. What the person typed literally may lie in the local network.
fn download(app: &App, settings: &Settings, address: &str) -> Result<Vec<u8>, AppError> {
    let own = own_rule(address);
    let is_clear = !address.starts_with("https://");
    if is_clear && !own.as_ref().is_some_and(|rule| rule.private) {
        return Err(LearnError::Insecure(address.to_owned()).into());
    }
    let public: Option<HttpRule> = PUBLIC.parse().ok();
    let request = Request {
        caller: "learn".to_owned(),
        method: "GET".to_owned(),
        url: address.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        credentials: Vec::new(),
        rules: own.into_iter().chain(public).collect(),
        limits: EgressLimits {
            first_byte: FIRST_BYTE,
            total: TOTAL,
            body_bytes: LARGEST,
            redirects: 5,
            ..EgressLimits::standard()
        },
    };
    let egress = app.outbound(settings)?.egress;
    let failed = |error| LearnError::Unreachable { address: address.to_owned(), error };
    thread::block(async {
        let mut answer = egress.send(request).await.map_err(failed)?;
        if answer.status != 200 {
            let (address, status) = (address.to_owned(), answer.status);
            return Err(AppError::from(LearnError::Refused { address, status }));
        }
        Ok(answer.body.read_to_end().await.map_err(failed)?)
    })
}

/// Returns the rule for the host of an address, which it spells out.
fn own_rule(address: &str) -> Option<HttpRule> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?']).next()?;
    format!("GET {scheme}://{host}/**").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(typed: &str) -> SkillOrigin {
        SkillOrigin::of(typed, Path::new("/nowhere"), "https://host.test/{owner}/{repo}/{ref}")
            .unwrap()
    }

    fn chosen_of(paths: &[&str], typed: &str) -> Result<String, LearnError> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        chosen(&paths, &top(&paths), &origin(typed))
    }

    #[test]
    fn the_skill_that_is_meant_is_found_in_an_archive() {
        let repository = ["r-1/README.md", "r-1/skills/pdf/SKILL.md", "r-1/skills/doc/SKILL.md"];
        for (typed, folder) in [
            ("a/r/skills/pdf", "r-1/skills/pdf"),
            ("a/r/pdf", "r-1/skills/pdf"),
            ("https://host.test/x.zip#skills/doc", "r-1/skills/doc"),
        ] {
            assert_eq!(chosen_of(&repository, typed).unwrap(), folder);
        }
        let alone = ["pdf/SKILL.md", "pdf/form.md"];
        assert_eq!(chosen_of(&alone, "https://host.test/x.zip#pdf").unwrap(), "pdf");
        assert_eq!(chosen_of(&["SKILL.md", "a/SKILL.md"], "a/r").unwrap(), "");
        assert_eq!(chosen_of(&["r/SKILL.md", "r/a/SKILL.md"], "a/r").unwrap(), "r");
        assert_eq!(chosen_of(&["r/a/skill.md", "r/b"], "a/r").unwrap(), "r/a");
    }

    #[test]
    fn where_none_or_several_are_meant_that_is_said_with_what_to_type() {
        let repository = ["r-1/skills/pdf/SKILL.md", "r-1/skills/doc/SKILL.md"];
        let several = chosen_of(&repository, "a/r");
        let Err(LearnError::Several { found, .. }) = several else { panic!("{several:?}") };
        assert_eq!(found, ["a/r/skills/doc", "a/r/skills/pdf"]);
        assert!(matches!(chosen_of(&repository, "a/r/none"), Err(LearnError::NoSkill(_))));
        assert!(matches!(chosen_of(&["README.md"], "a/r"), Err(LearnError::NoSkill(_))));
    }
}
