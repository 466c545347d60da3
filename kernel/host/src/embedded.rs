//! Components that came with the program.

use crate::manifest::Kind;

/// Unpacks code into memory; says whether it filled that to its end.
pub type Unpack = fn(&[u8], &mut [u8]) -> bool;

/// A component that came with the program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// SHA-256 of the WebAssembly bytes, in hexadecimal.
    pub digest: &'static str,
    /// Its manifest as JSON.
    pub manifest: &'static str,
    /// Its native code.
    pub native: &'static [u8],
    /// What unpacks the code, if it is packed.
    pub unpack: Option<Unpack>,
    /// Bytes of WebAssembly it was compiled from.
    pub wasm_len: usize,
    /// Bytes of native code, unpacked.
    pub native_len: usize,
}
