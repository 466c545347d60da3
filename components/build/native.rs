//! Compiles components ahead of time, two at once, and keeps what it compiled: code is looked up by the bytes
//! it was made of and by everything that decides what the compiler makes of them.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine};

use crate::{
    BuildError, Component, at, config,
    guests::{Guest, Layout},
    manifest, symbols,
};

const THREADS: usize = 2;

/// The level that packs tightest. It takes seconds at build time, and unpacks as fast as any other.
const TIGHT: i32 = 22;

/// Compiles all of `guests`.
pub fn compile(layout: &Layout, guests: &[Guest]) -> Result<Vec<Component>, BuildError> {
    let engine = engine().map_err(|error| BuildError::Compile {
        package: "any component".to_owned(),
        problem: format!("{error:#}"),
    })?;
    let cache = layout.guests.join("native");
    at(&cache, fs::create_dir_all(&cache))?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(guest) = guests.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(component(&engine, &cache, guest).map(|component| (guest, component)));
        }
        done
    };
    let done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    let done = done.into_iter().collect::<Result<Vec<_>, _>>()?;
    refuse_duplicates(&done)?;
    Ok(done.into_iter().map(|(_, component)| component).collect())
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

fn component(engine: &Engine, cache: &Path, guest: &Guest) -> Result<Component, BuildError> {
    let manifest = manifest::read(guest)?;
    let digest: String =
        Sha256::digest(&guest.wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    let native = cache.join(format!("{digest}-{:016x}.bare.zst", compatibility(engine)));
    if !native.exists() {
        precompile(engine, guest, &native)?;
    }
    Ok(Component {
        name: manifest.name,
        kind: manifest.kind,
        manifest: manifest.json,
        digest,
        wasm_length: guest.wasm.len(),
        native_length: uncompressed_length(&native)?,
        native,
    })
}

fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Written beside and renamed: builds of two profiles may be at it at once.
fn precompile(engine: &Engine, guest: &Guest, native: &Path) -> Result<(), BuildError> {
    let code = engine.precompile_component(&guest.wasm).map_err(|error| BuildError::Compile {
        package: guest.package.clone(),
        problem: format!("{error:#}"),
    })?;
    let unfinished: PathBuf = native.with_extension(format!("{}.tmp", std::process::id()));
    let code = symbols::without(code);
    let packed = at(native, pack(&code))?;
    at(&unfinished, fs::write(&unfinished, packed))?;
    at(native, fs::rename(&unfinished, native))
}

fn pack(code: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(zstd_safe::compress_bound(code.len()));
    zstd_safe::compress(&mut packed, code, TIGHT)
        .map_err(|code| io::Error::other(zstd_safe::get_error_name(code)))?;
    Ok(packed)
}

fn uncompressed_length(native: &Path) -> Result<usize, BuildError> {
    let bytes = at(native, fs::read(native))?;
    let length = zstd_safe::get_frame_content_size(&bytes).ok().flatten();
    let length = length.and_then(|length| usize::try_from(length).ok());
    length.ok_or_else(|| BuildError::Compile {
        package: native.display().to_string(),
        problem: "the compiled code is cut off".to_owned(),
    })
}

fn refuse_duplicates(done: &[(&Guest, Component)]) -> Result<(), BuildError> {
    for (at, (guest, component)) in done.iter().enumerate() {
        if let Some((other, _)) = done[..at].iter().find(|(_, other)| other.name == component.name)
        {
            let (first, second) = (other.package.clone(), guest.package.clone());
            return Err(BuildError::Duplicate(first, second, component.name.clone()));
        }
    }
    Ok(())
}
