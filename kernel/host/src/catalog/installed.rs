//! Components that a person installed, as they are kept between processes: what each is and asks for is there at once; its bytes
//! are read when its code is needed and not kept.

use std::path::PathBuf;

use openkoi_core::grant::ComponentGrant;

use super::{Catalog, CatalogEntry, CatalogError};
use crate::manifest::Manifest;

/// A component that a person installed.
#[derive(Clone, Debug)]
pub struct Installed {
    /// SHA-256 of the WebAssembly bytes, in hexadecimal.
    pub digest: String,
    /// Size of the WebAssembly, in bytes.
    pub wasm_len: usize,
    /// The manifest, as its author wrote it.
    pub manifest: String,
    /// The file with the bytes.
    pub place: PathBuf,
    /// What a person granted to these bytes.
    pub granted: ComponentGrant,
}

impl Catalog {
    /// Returns a catalog with a component that was installed earlier, in the place of one of the same name that did not come
    /// with the program. Its bytes are not looked at yet.
    ///
    /// # Errors
    ///
    /// Its manifest is not accepted, or the program has a component or a tool of its name by now.
    pub fn with_installed(&self, installed: Installed) -> Result<Self, CatalogError> {
        let Installed { digest, wasm_len, manifest, place, granted } = installed;
        let manifest = Manifest::parse(&manifest).map_err(|source| CatalogError::Manifest {
            component: "an installed component".to_owned(),
            source,
        })?;
        self.replaceable(&manifest.component.name)?;
        let entry = CatalogEntry::installed(manifest, digest, wasm_len, place).granted(granted);
        self.without_clash(&entry)?;
        Ok(self.with(entry))
    }
}
