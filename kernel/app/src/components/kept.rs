//! Installed components in the home: for each a file with its bytes, whose name has a part of their digest, and one that says
//! which bytes count. That one is written last, in one step.

use std::path::{Path, PathBuf};

use openkoi_brokers::{disk, durable};
use openkoi_host::{
    catalog::{Installed, current::ComponentOffer},
    manifest::MANIFEST_BYTES,
};
use serde::{Deserialize, Serialize};

use crate::{app::App, error::AppError};

/// The mode of the files: nobody else may read what was granted to what.
const MODE: u32 = 0o600;
/// The end of the name of a file that says which bytes count.
const RECORD: &str = ".json";
/// The largest of them, in bytes. A manifest may need two bytes for one.
const RECORD_BYTES: u64 = 3 * MANIFEST_BYTES as u64;
/// How many digits of the digest are part of a file's name.
const DIGITS: usize = 16;

/// An installed component that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUsed {
    /// Its name.
    pub name: String,
    /// The reason, in words.
    pub why: String,
}

/// A component by its name, or why it is not used.
type FoundInstalled = Result<(String, Installed), NotUsed>;

/// What is kept of a component beside its bytes.
#[derive(Serialize, Deserialize)]
struct Record {
    digest: String,
    bytes: usize,
    manifest: String,
    installed_ms: u64,
}

impl Record {
    /// Returns the file with the bytes.
    fn wasm(&self, place: &Path, name: &str) -> PathBuf {
        let part = self.digest.get(..DIGITS).unwrap_or(&self.digest);
        place.join(format!("{name}-{part}.wasm"))
    }
}

/// Keeps the bytes of a component that was admitted, in the place of those of the same name.
pub(super) fn keep(app: &App, offer: &ComponentOffer, wasm: &[u8]) -> Result<(), AppError> {
    let place = app.paths()?.plugins();
    durable::create_private_dir(&place)?;
    let record = Record {
        digest: offer.digest.clone(),
        bytes: wasm.len(),
        manifest: offer.text.clone(),
        installed_ms: app.now_ms(),
    };
    let file = record.wasm(&place, &offer.name);
    durable::put_atomic(&file, wasm, MODE)?;
    let text = serde_json::to_vec_pretty(&record).unwrap_or_default();
    durable::put_atomic(&of(&place, &offer.name), &text, MODE)?;
    remove_bytes(&place, &offer.name, Some(&file));
    Ok(())
}

/// Returns the installed components by name, or why one cannot be read.
pub(super) fn installed(app: &App) -> Result<Vec<FoundInstalled>, AppError> {
    let place = app.paths()?.plugins();
    let found = names(&place).into_iter().map(|name| {
        let why = |why: String| NotUsed { name: name.clone(), why };
        let record = read(&of(&place, &name)).map_err(why)?;
        // Without its grant a component has nothing, which is said when it is called.
        let granted = app.storage().ok().and_then(|own| own.component_grant(&record.digest).ok());
        let installed = Installed {
            place: record.wasm(&place, &name),
            digest: record.digest,
            wasm_len: record.bytes,
            manifest: record.manifest,
            granted: granted.flatten().unwrap_or_default(),
        };
        Ok((name, installed))
    });
    Ok(found.collect())
}

/// Removes what is kept of a component, if anything is.
pub(super) fn remove(app: &App, name: &str) -> Result<(), AppError> {
    let place = app.paths()?.plugins();
    let record = of(&place, name);
    if disk::exists(&record) {
        disk::remove_file(&record)
            .map_err(|source| AppError::Unremoved { path: record, source })?;
    }
    remove_bytes(&place, name, None);
    Ok(())
}

/// Removes the files with bytes of a component, but for one. Without a record they are nobody's.
fn remove_bytes(place: &Path, name: &str, but: Option<&Path>) {
    for entry in disk::list(place).unwrap_or_default() {
        let path = place.join(&entry.name);
        let file = entry.name.to_string_lossy();
        let part = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        let part = part.and_then(|rest| rest.strip_suffix(".wasm"));
        let is_own = part.is_some_and(|part| {
            part.len() == DIGITS && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if is_own
            && Some(path.as_path()) != but
            && let Err(error) = disk::remove_file(&path)
        {
            tracing::debug!(%error, "bytes of a component stay");
        }
    }
}

fn of(place: &Path, name: &str) -> PathBuf {
    place.join(format!("{name}{RECORD}"))
}

/// Returns the names of the components in a directory, sorted.
pub(super) fn names(place: &Path) -> Vec<String> {
    let mut names: Vec<String> = disk::list(place)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|entry| Some(entry.name.to_str()?.strip_suffix(RECORD)?.to_owned()))
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    names
}

fn read(path: &Path) -> Result<Record, String> {
    let bytes = disk::read(path, RECORD_BYTES)
        .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
    serde_json::from_slice(&bytes)
        .map_err(|_| format!("`{}` is not what an installation writes", path.display()))
}
