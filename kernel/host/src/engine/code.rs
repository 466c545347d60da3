//! The code of built-ins in memory.
//!
//! Packed code is unpacked into the pages in which it will run. wasmtime's own loading copies it into memory of its
//! own: every byte is written twice, and twice as many pages are touched. Code that is not packed runs where the
//! system mapped it with the program, and takes memory for the touched pages alone.
//!
//! Pages are writable while they are filled and read-only afterwards; those with code become executable then. No page
//! is writable and executable at once. Components that are compiled outside lie in wasmtime's own memory, of
//! which [`Pages`] makes the code executable too.

use std::{
    collections::BTreeSet,
    ptr::{self, NonNull},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use wasmtime::{Config, CustomCodeMemory, Engine, component::Component};

use super::{compiler::Made, error::EngineError};
use crate::embedded::{Embedded, Unpack};

/// The largest built-in, unpacked, in bytes.
const MOST: usize = 256 << 20;

/// True where code may run in the pages it was unpacked into. Processors other than x86-64 have to be told of new
/// code, and wasmtime does that for memory of its own only.
const IN_PLACE: bool = cfg!(target_arch = "x86_64");

/// Lets wasmtime run code in memory that is not its own.
pub(super) fn configure(config: &mut Config) {
    if IN_PLACE {
        config.with_custom_code_memory(Some(Arc::new(Pages)));
    }
}

/// Unpacks and loads the code of a built-in. The error says what is damaged.
///
/// # Safety
///
/// The code was made by the build of this program: it is run unchecked.
#[expect(
    unsafe_code,
    reason = "native code is trusted because of where it comes from, which no type says"
)]
pub(super) unsafe fn load(engine: &Engine, code: &Embedded) -> Result<Component, EngineError> {
    let Some(unpack) = code.unpack else {
        // SAFETY: the caller's promise.
        return unsafe { run_where_it_lies(engine, code.code) };
    };
    let image = Image::unpack(code, unpack)?;
    if !IN_PLACE {
        // SAFETY: the caller's promise.
        return Ok(unsafe { Component::deserialize(engine, image.bytes()) }?);
    }
    image.seal()?;
    // SAFETY: the caller's promise; and the memory is read-only, nobody else knows it, and it is never given back
    // once wasmtime has accepted it.
    let component = unsafe { Component::deserialize_raw(engine, image.memory) }?;
    std::mem::forget(image);
    Ok(component)
}

/// Loads code from the pages in which the program itself is mapped.
///
/// # Safety
///
/// As [`load`].
#[expect(unsafe_code, reason = "as for `load`")]
unsafe fn run_where_it_lies(
    engine: &Engine,
    code: &'static [u8],
) -> Result<Component, EngineError> {
    let start = code.as_ptr().addr();
    if !IN_PLACE || !start.is_multiple_of(rustix::param::page_size()) || !is_first(start) {
        // SAFETY: the caller's promise.
        return Ok(unsafe { Component::deserialize(engine, code) }?);
    }
    // SAFETY: the caller's promise; and what is part of the program is read-only and stays.
    Ok(unsafe { Component::deserialize_raw(engine, NonNull::from(code)) }?)
}

/// Loads code that our compiler made. It lies in wasmtime's own memory, which is given back with the component.
///
/// # Safety
///
/// As [`load`]: the code is run unchecked.
#[expect(unsafe_code, reason = "as for `load`")]
pub(super) unsafe fn load_made(engine: &Engine, made: &Made) -> Result<Component, EngineError> {
    // SAFETY: the caller's promise.
    Ok(unsafe { Component::deserialize(engine, made.bytes()) }?)
}

/// Returns true at the first call with this address. wasmtime keeps one list of code for all engines of a process,
/// and an address can be in it once; later engines load a copy.
fn is_first(start: usize) -> bool {
    static TAKEN: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner).insert(start)
}

/// Pages with unpacked code. Dropping it unmaps them, so it is forgotten once a component runs in them.
struct Image {
    memory: NonNull<[u8]>,
}

impl Image {
    fn unpack(code: &Embedded, unpack: Unpack) -> Result<Self, EngineError> {
        if code.code_len > MOST {
            return Err(EngineError("it is larger than any component".to_owned()));
        }
        let mut image = Self::map(code.code_len)?;
        if !unpack(code.code, image.bytes_mut()) {
            return Err(EngineError("it cannot be unpacked to the size that was noted".to_owned()));
        }
        Ok(image)
    }

    fn map(length: usize) -> Result<Self, EngineError> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        #[expect(unsafe_code, reason = "no safe way gives whole pages whose access can be changed")]
        // SAFETY: the system chooses an address where nothing is.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), length, access, flags()) };
        let start = NonNull::new(start.map_err(unmapped)?.cast::<u8>());
        let start = start.ok_or_else(|| EngineError("there is no memory at zero".to_owned()))?;
        Ok(Self { memory: NonNull::slice_from_raw_parts(start, length) })
    }

    fn bytes(&self) -> &[u8] {
        #[expect(unsafe_code, reason = "the compiler does not know of the mapping")]
        // SAFETY: it was mapped with this length, readable and zeroed, and lives as long as `self`.
        unsafe {
            self.memory.as_ref()
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        #[expect(unsafe_code, reason = "the compiler does not know of the mapping")]
        // SAFETY: as in `bytes`, and nothing is sealed yet: sealing takes the last that is done with `self`.
        unsafe {
            self.memory.as_mut()
        }
    }

    /// Makes the pages read-only.
    fn seal(&self) -> Result<(), EngineError> {
        let (start, length) = (self.memory.as_ptr().cast(), self.memory.len());
        #[expect(unsafe_code, reason = "access to memory is changed by its address")]
        // SAFETY: the pages are those of this mapping, and nobody has borrowed them for writing.
        unsafe { mprotect(start, length, MprotectFlags::READ) }.map_err(unmapped)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "memory that was mapped is given back by its address")]
        // SAFETY: the mapping is this image's own, and no component was made of it.
        let given_back = unsafe { munmap(self.memory.as_ptr().cast(), self.memory.len()) };
        if let Err(error) = given_back {
            tracing::debug!(%error, "memory is not given back");
        }
    }
}

/// Maps all pages at once where the system can do that: one by one, each costs a page fault.
fn flags() -> MapFlags {
    #[cfg(target_os = "linux")]
    return MapFlags::PRIVATE | MapFlags::POPULATE;
    #[cfg(not(target_os = "linux"))]
    MapFlags::PRIVATE
}

fn unmapped(error: rustix::io::Errno) -> EngineError {
    EngineError(format!("no memory for its code: {error}"))
}

/// Makes pages executable and back.
struct Pages;

impl Pages {
    fn protect(start: *const u8, length: usize, access: MprotectFlags) -> wasmtime::Result<()> {
        #[expect(unsafe_code, reason = "access to memory is changed by its address")]
        // SAFETY: wasmtime names whole pages of one image of code, and changes them only while nothing in them runs
        // or is borrowed.
        let changed = unsafe { mprotect(start.cast_mut().cast(), length, access) };
        Ok(changed?)
    }
}

impl CustomCodeMemory for Pages {
    fn required_alignment(&self) -> usize {
        rustix::param::page_size()
    }

    fn publish_executable(&self, start: *const u8, length: usize) -> wasmtime::Result<()> {
        Self::protect(start, length, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    /// Read-only is enough: the memory is wasmtime's own and about to be unmapped, or an image that stays.
    fn unpublish_executable(&self, start: *const u8, length: usize) -> wasmtime::Result<()> {
        Self::protect(start, length, MprotectFlags::READ)
    }
}

#[cfg(all(test, target_os = "linux"))]
#[expect(clippy::unwrap_used, reason = "clippy does not see that these are tests")]
mod tests {
    use super::*;
    use crate::engine::compiler::{Compiler, Origin};
    use crate::{embedded::Form, manifest::Kind};

    const CODE: &str = r#"(component
        (core module $m (func (export "f") (result i32) (i32.const 7)))
        (core instance $i (instantiate $m))
        (func (export "f") (result s32) (canon lift (core func $i "f"))))"#;

    fn engine() -> Engine {
        let mut config = Config::new();
        super::super::config::configure(&mut config);
        configure(&mut config);
        Engine::new(&config).unwrap()
    }

    /// Code whose packing is the identity.
    fn embedded() -> Embedded {
        let wasm = wat::parse_str(CODE).unwrap();
        let compiled = Compiler::default().make(&wasm, "0", Origin::BuiltIn).unwrap();
        let native = compiled.bytes().to_vec().leak();
        Embedded {
            name: "x",
            kind: Kind::Tool,
            digest: "0",
            manifest: "",
            form: Form::Native,
            code: native,
            unpack: Some(|native, into| {
                into.copy_from_slice(native);
                true
            }),
            wasm_len: wasm.len(),
            code_len: native.len(),
        }
    }

    #[expect(unsafe_code, reason = "the test made the code itself")]
    fn load(engine: &Engine, embedded: &Embedded) -> Component {
        // SAFETY: the engine that loads it made it.
        unsafe { super::load(engine, embedded) }.unwrap()
    }

    /// Start, end and access of all mappings of this process.
    fn mapped() -> Vec<(usize, usize, String)> {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let of = |line: &str| {
            let (range, rest) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            (number(start), number(end), rest[..4].to_owned())
        };
        maps.lines().map(of).collect()
    }

    /// Access of the mappings that hold the image of a component.
    fn access(image: &std::ops::Range<*const u8>) -> Vec<String> {
        let inside = |(start, end, _): &(usize, usize, String)| {
            *start < image.end.addr() && *end > image.start.addr()
        };
        mapped().into_iter().filter(inside).map(|one| one.2).collect()
    }

    #[test]
    fn code_is_never_writable_once_it_may_run() {
        let engine = engine();
        let component = load(&engine, &embedded());

        let access = access(&component.image_range());
        assert!(access.iter().any(|one| one == "r-xp"), "{access:?}");
        assert!(access.iter().all(|one| ["r-xp", "r--p"].contains(&one.as_str())), "{access:?}");
        let mapped = mapped();
        assert!(mapped.iter().all(|one| !one.2.starts_with("rwx")), "{mapped:?}");
    }

    #[test]
    fn code_that_is_not_packed_runs_in_place_and_is_read_only_afterwards() {
        let (engine, other) = (engine(), engine());
        let mut lying = Image::map(embedded().code.len()).unwrap();
        lying.bytes_mut().copy_from_slice(embedded().code);
        lying.seal().unwrap();
        #[expect(unsafe_code, reason = "the test keeps the pages to its end")]
        // SAFETY: see the reason.
        let native: &'static [u8] = unsafe { lying.memory.as_ref() };
        let whole = Embedded { code: native, unpack: None, ..embedded() };

        let component = load(&engine, &whole);
        let image = component.image_range();
        assert_eq!(image.start, native.as_ptr());
        assert!(access(&image).iter().any(|one| one == "r-xp"), "{:?}", access(&image));

        // Another engine of the process takes a copy, and so does code that does not begin with a page.
        let second = load(&other, &whole);
        assert_ne!(second.image_range().start, native.as_ptr());
        drop(component);
        assert!(access(&image).iter().all(|one| one == "r--p"), "{:?}", access(&image));
        let odd = [&[0], embedded().code].concat().leak();
        load(&engine, &Embedded { code: &odd[1..], ..whole });
    }

    #[tokio::test]
    async fn unpacked_code_runs_in_its_pages_and_outlives_its_engine() {
        let engine = engine();
        let component = load(&engine, &embedded());
        let linker = wasmtime::component::Linker::<()>::new(&engine);
        let mut store = wasmtime::Store::new(&engine, ());
        store.set_epoch_deadline(1);
        drop(engine);

        let instance = linker.instantiate_async(&mut store, &component).await.unwrap();
        let f = instance.get_typed_func::<(), (i32,)>(&mut store, "f").unwrap();

        assert_eq!(f.call_async(&mut store, ()).await.unwrap(), (7,));
    }

    #[test]
    fn damaged_code_leaves_no_memory_mapped() {
        let good = embedded();
        let size = || mapped().iter().map(|(start, end, _)| end - start).sum::<usize>();
        let never: Unpack = |_, _| false;
        let huge = Embedded { code_len: 64 << 20, ..good };
        let before = size();

        assert!(Image::unpack(&huge, never).is_err());

        assert!(size() < before + (64 << 20), "memory is given back");
        assert!(Image::unpack(&Embedded { code_len: MOST + 1, ..good }, never).is_err());
        assert!(Image::unpack(&Embedded { code_len: 0, ..good }, never).is_err());
    }
}
