//! Components that came with the program.

use crate::manifest::Kind;

/// The largest WebAssembly of a built-in, in bytes.
const MOST: usize = 16 << 20;

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
    /// The form of the code.
    pub form: Form,
    /// The code, packed if `unpack` is set.
    pub code: &'static [u8],
    /// Unpacks the code, if it is packed.
    pub unpack: Option<Unpack>,
    /// Size of the WebAssembly that it was compiled from, in bytes.
    pub wasm_len: usize,
    /// Size of the unpacked code, in bytes.
    pub code_len: usize,
}

/// The form in which the code of a component came with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Compiled by the build of the program.
    Native,
    /// To be compiled when it is first used.
    WebAssembly,
}

impl Embedded {
    /// Returns its WebAssembly, or nothing if it is damaged.
    pub(crate) fn wasm(&self) -> Option<Vec<u8>> {
        let Some(unpack) = self.unpack else { return Some(self.code.to_vec()) };
        let mut wasm = vec![0; self.code_len.min(MOST)];
        unpack(self.code, &mut wasm).then_some(wasm)
    }
}
