//! Layers over a workspace, tried before they are promised.

use super::namespace::{Namespace, attempt_in_child};
use crate::durable::create_private_dir;
use crate::layer::{Layer, LayerError, Mounts, StandIns};
use crate::processes::settings::Probe;
use crate::processes::{ProcessSettings, SandboxMode, SandboxPart};
use crate::random::Random;
use rustix::thread::UnshareFlags;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Makes a layer and mounts it in a process that then ends: whether that works depends on both file systems, and a
/// program must not fail for it.
pub(in crate::processes) fn layer(
    settings: &ProcessSettings,
    probe: Probe,
    base: &Path,
    workspace: &Path,
    through: Vec<PathBuf>,
) -> Result<Layer, LayerError> {
    let none = |reason: String| LayerError::Unavailable { reason };
    if settings.sandbox == SandboxMode::Off {
        return Err(none("programs run without a sandbox".to_owned()));
    }
    probe(SandboxPart::Layers).map_err(|error| none(error.to_string()))?;
    let (closed, shown) = (&settings.secret, &settings.spool);
    let layer = Layer::create(base, workspace, through, closed, shown)?;
    let mount = layer.mount();
    let prepared = Mounts::prepare(
        &mount,
        mount.workspace(),
        &settings.temporary,
        &StandIns::default(),
        &[],
        &[],
    );
    let tried = prepared.and_then(|mounts| {
        let namespace = Namespace::of_this_process();
        attempt_in_child(move || {
            namespace.enter(UnshareFlags::NEWNS)?;
            mounts.enter().map(drop)
        })
    });
    tried.map_err(|error| none(format!("no overlay can be mounted ({error})")))?;
    Ok(layer)
}

/// Tells whether there can be layers at all, for a directory of our own. Tried once.
pub(in crate::processes) fn layers(settings: &ProcessSettings, probe: Probe) -> Result<(), String> {
    static TRIED: OnceLock<Result<(), String>> = OnceLock::new();
    let tried = || TRIED.get_or_init(|| attempt(settings).map_err(|error| error.to_string()));
    let probed = probe(SandboxPart::Layers).map_err(|error| error.to_string());
    probed.and_then(|()| tried().clone()).map_err(|reason| {
        format!(
            "what a program changes is found by a walk of the workspace and not kept apart, and tests as they were run in a copy of it; modes and times of files that \
             they may not write can be changed by programs ({reason}); Linux 5.11 or \
             newer with user namespaces changes that"
        )
    })
}

fn attempt(settings: &ProcessSettings) -> io::Result<()> {
    let id = Random::default().id(crate::clock::SystemClock.now_ms()).map_err(io::Error::other)?;
    // A look at the machine leaves nothing: what is not there yet is not made.
    let there = settings.temporary.ancestors().find(|path| path.is_dir());
    let directory = there.unwrap_or(Path::new("/")).join(format!(".openkoi-{id}"));
    let workspace = directory.join("workspace");
    create_private_dir(&workspace).map_err(io::Error::other)?;
    let open = ProcessSettings { sandbox: SandboxMode::Required, ..settings.clone() };
    let made = layer(&open, |_| Ok(()), &directory.join("base"), &workspace, Vec::new());
    let made = made.map(drop).map_err(|error| match error {
        LayerError::Unavailable { reason } => io::Error::other(reason),
        error => io::Error::other(error),
    });
    std::fs::remove_dir_all(&directory)?;
    made
}
