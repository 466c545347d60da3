//! Compiles components ahead of time, two at once, packs them, and keeps both: code is looked up by the bytes it was
//! made of and by everything that decides what the compiler makes of them.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine};
use zstd_safe::CParameter;

use crate::{
    config,
    error::{BuildError, at},
    guests::{Guest, Layout},
    manifest::{self, Manifest},
    symbols,
};

const THREADS: usize = 2;

/// The level that packs tightest. It takes seconds at build time, and unpacks as fast as any other.
const TIGHT: i32 = 22;

/// How far back a packed component may refer: over all of itself and of what it is packed against.
const WINDOW_LOG: u32 = 24;

/// The component that is embedded as it is, and that nearly all others are packed against: they share the standard
/// library, the SDK and serde with it. It is loaded most often, and so without being unpacked.
const BASE: &str = "openai";

/// The component that those below are packed against instead, itself packed against the base: they share the tables of
/// charsets with it, which are larger than all else in which they are alike. Unpacking them unpacks it too.
const SECOND: &str = "files";
const BY_SECOND: [&str; 2] = ["search", "web"];

/// A component that is ready to be embedded.
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) digest: String,
    /// The manifest as compact JSON.
    pub(crate) manifest: String,
    pub(crate) wasm_length: usize,
    pub(crate) native_length: usize,
    /// The name of the component that the code is packed against. One component's is not packed.
    pub(crate) against: Option<&'static str>,
    /// The compiled code.
    pub(crate) native: PathBuf,
}

/// A component that is compiled, and not packed yet.
struct Image<'a> {
    guest: &'a Guest,
    manifest: Manifest,
    digest: String,
    code: PathBuf,
}

/// Compiles all of `guests`.
pub(crate) fn compile(layout: &Layout, guests: &[Guest]) -> Result<Vec<Component>, BuildError> {
    let engine = engine().map_err(|error| BuildError::Compile {
        package: "any component".to_owned(),
        problem: format!("{error:#}"),
    })?;
    let cache = layout.guests.join("native");
    at(&cache, fs::create_dir_all(&cache))?;
    let images = for_each(guests, |guest| image(&engine, &cache, guest))?;
    refuse_duplicates(&images)?;
    let (base, second) = (Dictionary::of(BASE, &images)?, Dictionary::of(SECOND, &images)?);
    for_each(&images, |image| {
        let by_second = BY_SECOND.contains(&image.manifest.name.as_str());
        component(image, if by_second { &second } else { &base })
    })
}

/// Code that other code is packed against.
struct Dictionary {
    name: &'static str,
    digest: String,
    code: Vec<u8>,
}

impl Dictionary {
    fn of(name: &'static str, images: &[Image<'_>]) -> Result<Self, BuildError> {
        let image = images.iter().find(|image| image.manifest.name == name);
        let image = image.ok_or_else(|| BuildError::Compile {
            package: name.to_owned(),
            problem: "others are packed against it, and it is not there".to_owned(),
        })?;
        let code = at(&image.code, fs::read(&image.code))?;
        Ok(Self { name, digest: image.digest.clone(), code })
    }
}

/// Works on all of `items`, some at once.
fn for_each<'a, T: Sync, R: Send>(
    items: &'a [T],
    work: impl Fn(&'a T) -> Result<R, BuildError> + Sync,
) -> Result<Vec<R>, BuildError> {
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(work(item));
        }
        done
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(some)).collect();
        // What a worker had done must not go missing without a word.
        let joined = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.flatten().collect()
    })
}

/// The target is named, so that the code runs on every machine of that kind and not on this one's processor only.
fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config::configure(&mut config);
    if let Ok(target) = env::var("TARGET") {
        config.target(&target)?;
    }
    Engine::new(&config)
}

fn image<'a>(engine: &Engine, cache: &Path, guest: &'a Guest) -> Result<Image<'a>, BuildError> {
    let manifest = manifest::read(guest)?;
    let digest: String =
        Sha256::digest(&guest.wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    let code = cache.join(format!("{digest}-{:016x}.code", compatibility(engine)));
    if !code.exists() {
        let native = engine.precompile_component(&guest.wasm).map_err(|error| {
            BuildError::Compile { package: guest.package.clone(), problem: format!("{error:#}") }
        })?;
        put(&code, &symbols::without(native))?;
    }
    Ok(Image { guest, manifest, digest, code })
}

/// Packs an image, unless it is what others are packed against as it is.
fn component(image: &Image<'_>, by: &Dictionary) -> Result<Component, BuildError> {
    let code = at(&image.code, fs::read(&image.code))?;
    let against = (image.digest != by.digest).then_some(by.name);
    let mut native = image.code.clone();
    if against.is_some() {
        native.set_extension(format!("{}.zst", &by.digest[..16]));
        if !native.exists() {
            put(&native, &at(&native, pack(&code, &by.code))?)?;
        }
    }
    let Manifest { name, kind, json } = image.manifest.clone();
    Ok(Component {
        name,
        kind,
        manifest: json,
        digest: image.digest.clone(),
        wasm_length: image.guest.wasm.len(),
        native_length: code.len(),
        against,
        native,
    })
}

fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Written beside and renamed: builds of two profiles may be at it at once.
fn put(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let unfinished = path.with_added_extension(format!("{}.tmp", std::process::id()));
    at(&unfinished, fs::write(&unfinished, bytes))?;
    at(path, fs::rename(&unfinished, path))
}

fn pack(code: &[u8], base: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(zstd_safe::compress_bound(code.len()));
    let mut context = zstd_safe::CCtx::create();
    let done = context
        .set_parameter(CParameter::CompressionLevel(TIGHT))
        .and_then(|_| context.set_parameter(CParameter::WindowLog(WINDOW_LOG)))
        .and_then(|_| context.ref_prefix(base))
        .and_then(|_| context.compress2(&mut packed, code));
    done.map_err(|code| io::Error::other(zstd_safe::get_error_name(code)))?;
    Ok(packed)
}

fn refuse_duplicates(images: &[Image<'_>]) -> Result<(), BuildError> {
    for (at, image) in images.iter().enumerate() {
        let name = &image.manifest.name;
        if let Some(other) = images[..at].iter().find(|other| other.manifest.name == *name) {
            let (first, second) = (other.guest.package.clone(), image.guest.package.clone());
            return Err(BuildError::Duplicate(first, second, name.clone()));
        }
    }
    Ok(())
}
