//! The components that come with OpenKoi, built from source and embedded.
//!
//! The build script compiles every folder `components/<kind>/<name>` that has a `component.toml`, first to
//! WebAssembly and then ahead of time for this target, and embeds the result with a static index. What is rarely used stays
//! WebAssembly. So a command
//! that runs no component touches none of these bytes, and listing components and tools runs no guest.

/// One component as it is embedded.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its name, unique among all.
    pub name: &'static str,
    /// Its kind, as the manifest names it.
    pub kind: &'static str,
    /// The SHA-256 of the WebAssembly, in hexadecimal.
    pub digest: &'static str,
    /// The manifest as JSON text, converted from `component.toml`.
    pub manifest: &'static str,
    /// The form of the code.
    pub form: Form,
    /// The code, as [`Self::unpacked_by`] takes it; or as it is run, from the beginning of a page on.
    pub code: &'static [u8],
    /// The name of the component that it is packed against.
    pub against: Option<&'static str>,
    /// The length of the WebAssembly, in bytes.
    pub wasm_length: usize,
    /// The length of the code once it is unpacked, in bytes.
    pub code_length: usize,
}

/// The form in which the code of a component is embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Compiled, for what most tasks use.
    Native,
    /// As it is to be compiled at its first use: less than half of what it would be.
    WebAssembly,
}

/// The type of [`unpack`].
pub type Unpack = fn(&[u8], &mut [u8]) -> bool;

impl Embedded {
    /// Returns what unpacks its code, if that is packed.
    #[must_use]
    pub fn unpacked_by(&self) -> Option<Unpack> {
        match (self.form, self.against) {
            (Form::Native, None) => None,
            (Form::Native, Some(SECOND)) => Some(unpack_by_second),
            (Form::Native, Some(_)) => Some(unpack),
            (Form::WebAssembly, Some(FIRST)) => Some(unpack_by_first),
            (Form::WebAssembly, _) => Some(unpack),
        }
    }
}

/// The packed component that some others are packed against: they share its tables.
const SECOND: &str = "files";

/// The component in WebAssembly that the others in WebAssembly are packed against.
const FIRST: &str = "bedrock";

/// Bytes that begin with a page, of the size that pages have where code is run in place.
#[repr(C, align(4096))]
struct Paged<T: ?Sized>(T);

/// The code that other code is packed against, itself the code of a component.
static BASE: &Paged<[u8]> = include!(concat!(env!("OUT_DIR"), "/base.rs"));

/// Sorted by kind and name.
static COMPONENTS: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/components.rs"));

/// Paths below `skills/` and texts, sorted.
static SKILLS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/skills.rs"));

/// A project that a demonstration is shown on.
#[derive(Clone, Copy, Debug)]
pub struct Demo {
    /// Its description, as JSON text: `flavour`, `title`, `needs`, `command`, `task`, `files`.
    pub description: &'static str,
    /// Path below the demonstration's folder and text of every file.
    pub files: &'static [(&'static str, &'static str)],
}

static DEMOS: &[Demo] = include!(concat!(env!("OUT_DIR"), "/demos.rs"));

/// Returns the projects of the demonstrations, sorted by flavour.
pub fn demos() -> &'static [Demo] {
    DEMOS
}

/// Unpacks compiled code that is packed against the base; returns whether it filled `into` to its end.
///
/// It is here so that the package that packs also unpacks.
#[must_use]
pub fn unpack(native: &[u8], into: &mut [u8]) -> bool {
    unpack_by(&BASE.0, native, into)
}

/// As [`unpack`], of code that is packed against that of another component, which is unpacked first.
fn unpack_by_second(native: &[u8], into: &mut [u8]) -> bool {
    let Some(second) = find(SECOND) else { return false };
    let mut code = vec![0; second.code_length];
    unpack(second.code, &mut code) && unpack_by(&code, native, into)
}

/// As [`unpack`], of WebAssembly that is packed against the first in that form, which is unpacked before.
fn unpack_by_first(wasm: &[u8], into: &mut [u8]) -> bool {
    let Some(first) = find(FIRST) else { return false };
    let mut code = vec![0; first.code_length];
    unpack(first.code, &mut code) && unpack_by(&code, wasm, into)
}

fn unpack_by(dictionary: &[u8], native: &[u8], into: &mut [u8]) -> bool {
    let length = into.len();
    let mut context = zstd_safe::DCtx::create();
    let filled = context.decompress_using_dict(into, native, dictionary);
    length > 0 && filled.is_ok_and(|filled| filled == length)
}

/// Returns every component, sorted by kind and name.
pub fn all() -> &'static [Embedded] {
    COMPONENTS
}

/// Returns the component called `name`.
pub fn find(name: &str) -> Option<&'static Embedded> {
    COMPONENTS.iter().find(|component| component.name == name)
}

/// Returns what is known of models and their prices, as JSON text.
pub fn models() -> &'static str {
    include_str!("../models.json")
}

/// Returns the bundled skills: the path of each `SKILL.md` below `skills/`, and its text, in which the front matter is in
/// JSON.
pub fn skills() -> &'static [(&'static str, &'static str)] {
    SKILLS
}
