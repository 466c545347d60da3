//! Shared places that a program has for itself: `/tmp` and its kin.
//!
//! A directory of its own stands in for each. What the program is given and lies in such a place, as a workspace below `/tmp`
//! does, is mounted in that directory where it would be; what leads there is read-only.

use crate::durable::create_private_dir;
use crate::layer::StandIns;
use crate::processes::caches::Caches;
use crate::processes::{Command, ProcessSettings};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Places that every program may expect to write to and that all programs of a machine share, with the name of what
/// stands in for them. The last one may hold the others' sources.
const SHARED: [(&str, &str); 3] = [("shm", "/dev/shm"), ("var", "/var/tmp"), ("tmp", "/tmp")];

/// What a program is given, by its real path.
struct Given {
    path: PathBuf,
    /// Whether all of it is open to the program, or closed by mounts of the layer.
    is_open: bool,
}

/// Makes the directories in the program's temporary directory that stand in for shared places, where it has mounts of its
/// own. A place stays as it is where the program is given all of it, or something in it of which a part is closed.
pub(super) fn make(
    settings: &ProcessSettings,
    command: &Command,
    own: [&Path; 2],
    caches: &Caches,
) -> io::Result<StandIns> {
    let mut made = StandIns::default();
    if command.layer.is_none() {
        return Ok(made);
    }
    let given = given(settings, command, own, caches);
    for (name, place) in SHARED {
        let place = Path::new(place);
        let inside: Vec<&Given> =
            given.iter().filter(|given| given.path.starts_with(place)).collect();
        if !inside.is_empty() && !can_hold(place, &inside, own) {
            continue;
        }
        let source = own[1].join(name);
        create_private_dir(&source).map_err(io::Error::other)?;
        for given in inside {
            let Ok(below) = given.path.strip_prefix(place) else { continue };
            let target = source.join(below);
            let Some(parent) = target.parent() else { continue };
            fs::create_dir_all(parent)?;
            match given.path.is_dir() {
                true => fs::create_dir_all(&target)?,
                false => drop(fs::File::create(&target)?),
            }
            // Its first directory leads there and is nothing else.
            let first = below.iter().next().map(|first| source.join(first));
            made.ways.extend(first.filter(|first| *first != target && !made.ways.contains(first)));
            made.inside.push((given.path.clone(), target));
        }
        // A home in it is there, though empty but for what is given, and as closed as the way to it.
        let home = settings.environment.get(OsStr::new("HOME")).map(Path::new);
        let below =
            home.filter(|home| home.is_dir()).and_then(|home| home.strip_prefix(place).ok());
        if let Some(first) = below.and_then(|below| below.iter().next()) {
            fs::create_dir_all(source.join(below.unwrap_or(Path::new(""))))?;
            let (first, named) = (source.join(first), place.join(first));
            let is_given = given.iter().any(|given| given.path == named);
            made.ways.extend(Some(first).filter(|first| !is_given && !made.ways.contains(first)));
        }
        made.own.push((source, place.to_owned()));
    }
    Ok(made)
}

/// Tells whether what is given in a place can be mounted in a directory that stands in for it.
fn can_hold(place: &Path, inside: &[&Given], [workspace, temporary]: [&Path; 2]) -> bool {
    let is_whole = |given: &&Given| given.path == place || !given.is_open;
    !inside.iter().any(is_whole) && !temporary.starts_with(workspace) && StandIns::are_possible()
}

/// Returns everything that a program is given and that is there, without what lies in something else of it.
fn given(
    settings: &ProcessSettings,
    command: &Command,
    own: [&Path; 2],
    caches: &Caches,
) -> Vec<Given> {
    let real = |path: &Path| path.canonicalize().ok();
    let secret: Vec<PathBuf> = settings.secret.iter().filter_map(|path| real(path)).collect();
    let named = settings.secret.iter().chain(&secret);
    let holds_secret = |path: &Path| named.clone().any(|secret| secret.starts_with(path));
    let others = settings.read.iter().chain(&command.read).chain(&command.write);
    let others = others.chain(&settings.certificates).chain([&settings.spool]);
    let others = others.chain(caches.overlays.iter().map(|side| &side.path));
    let others = others.map(PathBuf::as_path).chain(caches.directories()).filter_map(real);
    let others = others.map(|path| Given { is_open: !holds_secret(&path), path });
    let own = own.into_iter().filter_map(real).map(|path| Given { path, is_open: true });
    let mut all: Vec<Given> = others.chain(own).collect();
    // Of two that are the same, the one that is closed in part counts.
    all.sort_unstable_by(|one, other| (&one.path, one.is_open).cmp(&(&other.path, other.is_open)));
    let mut kept: Vec<Given> = Vec::new();
    for one in all {
        match kept.last_mut() {
            Some(last) if one.path.starts_with(&last.path) => {}
            _ => kept.push(one),
        }
    }
    kept
}
