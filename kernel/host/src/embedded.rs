//! Components that came with the program.

use crate::manifest::Kind;

/// Unpacks code into memory, and returns whether it filled that to its end.
pub type Unpack = fn(&[u8], &mut [u8]) -> bool;

/// A component that came with the program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The name in the catalog.
    pub name: &'static str,
    /// The kind.
    pub kind: Kind,
    /// SHA-256 of the WebAssembly bytes, in hexadecimal.
    pub digest: &'static str,
    /// The manifest as JSON.
    pub manifest: &'static str,
    /// The native code, packed if `unpack` is set.
    pub native: &'static [u8],
    /// Unpacks the code, if it is packed.
    pub unpack: Option<Unpack>,
    /// Size of the WebAssembly that it was compiled from, in bytes.
    pub wasm_len: usize,
    /// Size of the unpacked native code, in bytes.
    pub native_len: usize,
}
