//! Reads what a component is, before anything of it is compiled.

use super::{error::CatalogError, section};
use crate::{admission, manifest::Manifest};

/// Reads the manifest of a component that is admitted, and looks at nothing else of it.
///
/// # Errors
///
/// The reason why the component cannot be used.
pub fn read(wasm: &[u8]) -> Result<Manifest, CatalogError> {
    read_with_text(wasm).map(|(manifest, _)| manifest)
}

/// As [`read`], with the manifest as its author wrote it.
pub(super) fn read_with_text(wasm: &[u8]) -> Result<(Manifest, String), CatalogError> {
    let outline = section::outline(wasm)?;
    let manifest = Manifest::parse(&outline.manifest).map_err(|source| CatalogError::Manifest {
        component: "the component".to_owned(),
        source,
    })?;
    admission::admit(&manifest, &outline.imports, &outline.exports)?;
    Ok((manifest, outline.manifest))
}
