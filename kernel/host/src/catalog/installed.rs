//! Components that a person installed, as they are kept between processes: what each is and asks for is there at once; its bytes
//! are read when its code is needed and not kept.

use std::path::PathBuf;

use openkoi_core::grant::ComponentGrant;

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
