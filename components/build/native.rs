//! Has components compiled ahead of time, two at once, by the program that OpenKoi itself has others compiled by. Packs
//! them, and keeps both: code is looked up by the bytes it was made of and by the compiler that made it.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use openkoi_compiler::{Act, Answer};
use sha2::{Digest, Sha256};
use zstd_safe::CParameter;

use crate::{
    error::{BuildError, at},
    guests::{Guest, Layout},
    manifest::{self, Manifest},
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

/// The components that are embedded compiled, because many tasks use them. Whatever is not in this list is embedded as
/// WebAssembly, and compiled where it is used for the first time.
const NATIVE: [&str; 11] = [
    "anthropic",
    "checks",
    "files",
    BASE,
    "google",
    "ollama",
    "rubric",
    "scripted",
    "search",
    "shell",
    "web",
];

/// The component in WebAssembly that the others in WebAssembly are packed against, itself packed against the base: texts and
/// tables are the same in native code.
const FIRST: &str = "bedrock";

/// The form in which a component is embedded, as the library calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Native,
    WebAssembly,
}

/// A component that is ready to be embedded.
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) digest: String,
    /// The manifest as compact JSON.
    pub(crate) manifest: String,
    pub(crate) wasm_length: usize,
    pub(crate) form: Form,
    pub(crate) code_length: usize,
    /// The name of the component that the code is packed against. The base is not packed.
    pub(crate) against: Option<&'static str>,
    /// The code.
    pub(crate) code: PathBuf,
}

impl Component {
    /// Whether it is the one that is not packed.
    pub(crate) fn is_base(&self) -> bool {
        self.name == BASE
    }
}

/// The code of a component in the form in which it is embedded, and not packed yet.
struct Image<'a> {
    guest: &'a Guest,
    manifest: Manifest,
    digest: String,
    form: Form,
    code: PathBuf,
}

/// Compiles all of `guests`.
pub(crate) fn compile(layout: &Layout, guests: &[Guest]) -> Result<Vec<Component>, BuildError> {
    let cache = layout.guests.join("native");
    at(&cache, fs::create_dir_all(&cache))?;
    let compiler = Compiler::unpack(&cache)?;
    let images = for_each(guests, |guest| image(&compiler, &cache, guest))?;
    refuse_duplicates(&images)?;
    let dictionary = |name| Dictionary::of(name, &images);
    let (base, second, first) = (dictionary(BASE)?, dictionary(SECOND)?, dictionary(FIRST)?);
    for_each(&images, |image| {
        let name = image.manifest.name.as_str();
        let against = match image.form {
            Form::Native if name == BASE => return as_it_is(image),
            Form::Native if BY_SECOND.contains(&name) => &second,
            Form::Native => &base,
            Form::WebAssembly if name == FIRST => &base,
            Form::WebAssembly => &first,
        };
        packed(image, against)
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

/// The compiler, as a file beside what it makes.
struct Compiler {
    program: PathBuf,
    target: String,
}

impl Compiler {
    fn unpack(cache: &Path) -> Result<Self, BuildError> {
        let own = openkoi_compiler::target().to_owned();
        let target = env::var("TARGET").unwrap_or(own);
        let program = cache.join(format!("compiler-{}", openkoi_compiler::digest()));
        let damaged = || io::Error::other("the compiler in this build is damaged");
        if !program.exists() {
            let bytes = openkoi_compiler::unpack().ok_or_else(damaged);
            put(&program, &at(&program, bytes)?)?;
        }
        at(&program, fs::set_permissions(&program, fs::Permissions::from_mode(0o700)))?;
        Ok(Self { program, target })
    }

    /// Says by which compiler code was made, and for which machine.
    fn mark(&self) -> String {
        format!("{}-{}", &openkoi_compiler::digest()[..16], self.target)
    }

    fn compile(&self, guest: &Guest) -> Result<Vec<u8>, BuildError> {
        let refused =
            |problem: String| BuildError::Compile { package: guest.package.clone(), problem };
        match Answer::of(at(&self.program, self.ask(&guest.wasm))?) {
            Some(Answer::Code(code)) => Ok(code),
            Some(Answer::Refused(problem)) => Err(refused(problem)),
            other => Err(refused(format!("the compiler says {other:?}"))),
        }
    }

    /// Gives the compiler WebAssembly and returns what it writes. It reads everything before it writes anything.
    fn ask(&self, wasm: &[u8]) -> io::Result<Vec<u8>> {
        let mut child = Command::new(&self.program)
            .args(openkoi_compiler::arguments(Act::Compile, &self.target, None))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(wasm)?;
        }
        let output = child.wait_with_output()?;
        let ended = || io::Error::other(format!("it ended early ({})", output.status));
        if output.status.success() { Ok(output.stdout) } else { Err(ended()) }
    }
}

fn image<'a>(compiler: &Compiler, cache: &Path, guest: &'a Guest) -> Result<Image<'a>, BuildError> {
    let manifest = manifest::read(guest)?;
    let digest: String =
        Sha256::digest(&guest.wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    let form = match NATIVE.contains(&manifest.name.as_str()) {
        true => Form::Native,
        false => Form::WebAssembly,
    };
    let code = match form {
        Form::Native => cache.join(format!("{digest}-{}.code", compiler.mark())),
        Form::WebAssembly => cache.join(format!("{digest}.wasm")),
    };
    if !code.exists() {
        match form {
            Form::Native => put(&code, &compiler.compile(guest)?)?,
            Form::WebAssembly => put(&code, &guest.wasm)?,
        }
    }
    Ok(Image { guest, manifest, digest, form, code })
}

/// Packs an image against the code of another component.
fn packed(image: &Image<'_>, by: &Dictionary) -> Result<Component, BuildError> {
    let code = at(&image.code, fs::read(&image.code))?;
    let path = image.code.with_added_extension(format!("{}.zst", &by.digest[..16]));
    if !path.exists() {
        put(&path, &at(&path, pack(&code, &by.code))?)?;
    }
    Ok(component(image, Some(by.name), code.len(), path))
}

fn as_it_is(image: &Image<'_>) -> Result<Component, BuildError> {
    let length = at(&image.code, fs::metadata(&image.code))?.len();
    Ok(component(image, None, usize::try_from(length).unwrap_or(usize::MAX), image.code.clone()))
}

fn component(
    image: &Image<'_>,
    against: Option<&'static str>,
    code_length: usize,
    code: PathBuf,
) -> Component {
    let Manifest { name, kind, json } = image.manifest.clone();
    Component {
        name,
        kind,
        manifest: json,
        digest: image.digest.clone(),
        wasm_length: image.guest.wasm.len(),
        form: image.form,
        code_length,
        against,
        code,
    }
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
