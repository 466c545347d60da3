//! Makes native code of WebAssembly, in a process that can do nothing else, and keeps it.
//!
//! Compiling reads bytes of strangers with half a million lines of code, and takes whatever time and memory it takes. So it
//! happens outside: a process gets the bytes and answers with code, and gives up all that it had before it reads
//! (`openkoi-compiler`). What it answered is kept where the catalog says, under the hash of the bytes and that of the compiler,
//! and believed again only if it was kept there. Where nothing can be kept, or what is there cannot be believed, it is
//! compiled again.

use std::{path::PathBuf, time::Duration};

use openkoi_brokers::{
    inner::{self, InnerError, InnerLimits},
    sealed::SealedStore,
};
use openkoi_compiler::{Act, Answer, Limits};

use super::error::EngineError;
use crate::sabotage::{Guard, off};

/// What compiling may take.
const LIMITS: Limits = Limits { memory: 2 << 30, seconds: 60 };
/// Other processes may have the processor meanwhile.
const DEADLINE: Duration = Duration::from_secs(180);
/// The most code, in bytes.
const MOST: usize = 256 << 20;
/// How many digits of the compiler's hash are part of a name.
const DIGITS: usize = 32;

/// The origin of the bytes that are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// They came with the program.
    BuiltIn,
    /// They are somebody's.
    Foreign,
}

/// Native code that our compiler made.
pub(crate) struct Made(Vec<u8>);

impl Made {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The compiler, and where its code is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compiler {
    kept: Option<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    place: PathBuf,
    store: SealedStore,
}

impl Compiler {
    /// Returns a compiler that keeps its code in this directory.
    pub(crate) fn keeping(place: PathBuf) -> Self {
        Self { kept: Some(Kept { store: SealedStore::new(place.clone()), place }) }
    }

    /// Returns the code that is kept of bytes with this hash, if it can be believed.
    pub(crate) fn kept(&self, digest: &str) -> Option<Made> {
        self.kept.as_ref()?.store.get(&name(digest)).map(Made)
    }

    /// Returns whether there is code of bytes with this hash. Whether it can be believed is seen when it is read.
    pub(crate) fn keeps(&self, digest: &str) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.store.has(&name(digest)))
    }

    /// Compiles bytes with this hash, and keeps the code.
    pub(crate) fn make(
        &self,
        wasm: &[u8],
        digest: &str,
        origin: Origin,
    ) -> Result<Made, EngineError> {
        let code = match self.ask(Act::Compile, wasm, Some(LIMITS), DEADLINE)? {
            // It read nothing yet. Our own bytes are no danger to whoever compiles them.
            Answer::Unconfined(reason) if origin == Origin::BuiltIn => {
                tracing::debug!(reason, "a built-in is compiled without confinement");
                self.ask(Act::Compile, wasm, None, DEADLINE)?
            }
            answer => answer,
        };
        let code = match code {
            Answer::Code(code) => code,
            Answer::Refused(reason) => return Err(EngineError::of(&reason)),
            Answer::Unconfined(reason) => {
                return Err(EngineError::of(&format!("it would not be confined: {reason}")));
            }
            Answer::Attempted(_) => return Err(EngineError::of("the compiler did something else")),
        };
        if let Some(kept) = &self.kept
            && let Err(error) = kept.store.put(&name(digest), &code)
        {
            tracing::debug!(%error, "compiled code is not kept");
        }
        Ok(Made(code))
    }

    /// Asks the compiler, which gives up everything but `limits` first. Without limits it gives up nothing.
    fn ask(
        &self,
        act: Act,
        wasm: &[u8],
        limits: Option<Limits>,
        deadline: Duration,
    ) -> Result<Answer, EngineError> {
        let limits = limits.filter(|_| !off(Guard::CompilerConfined));
        let damaged = || EngineError::of("the compiler in this program is damaged");
        let program = openkoi_compiler::unpack().ok_or_else(damaged)?;
        let arguments = openkoi_compiler::arguments(act, openkoi_compiler::target(), limits);
        let most = InnerLimits { deadline, answer: MOST };
        let place = self.kept.as_ref().map(|kept| kept.place.as_path());
        let written = inner::ask(&program, &arguments, wasm, &most, place).map_err(unanswered)?;
        Answer::of(written).ok_or_else(|| EngineError::of("the compiler did not answer"))
    }
}

/// Another compiler may make other code of the same bytes.
fn name(digest: &str) -> String {
    let compiler = openkoi_compiler::digest();
    format!("{digest}-{}", compiler.get(..DIGITS).unwrap_or(compiler))
}

fn unanswered(error: InnerError) -> EngineError {
    let reason = match &error {
        InnerError::Ended(_) => {
            format!("compiling it takes more than it may, or breaks the compiler: {error}")
        }
        InnerError::Start(source) | InnerError::Pipe(source) => format!("{error}: {source}"),
        InnerError::Late(_) | InnerError::TooLong(_) => format!("compiling it: {error}"),
    };
    EngineError::of(&reason)
}

/// What the compiler's process can do, and what it takes; for tests.
#[doc(hidden)]
pub mod probe {
    use std::time::Duration;

    use super::{Act, Answer, Compiler, EngineError, LIMITS, Limits};

    /// Returns the names of what the compiler's process could do that it should not be able to.
    ///
    /// # Errors
    ///
    /// It cannot be asked.
    pub fn attempts() -> Result<Vec<String>, EngineError> {
        match Compiler::default().ask(Act::Attempt, b"", Some(LIMITS), Duration::from_secs(20))? {
            Answer::Attempted(done) => Ok(done),
            other => Err(EngineError::of(&format!("{other:?}"))),
        }
    }

    /// Lets the compiler's process take a second of the processor and more, for some time.
    ///
    /// # Errors
    ///
    /// How it ended.
    pub fn spin(deadline: Duration) -> Result<(), EngineError> {
        let limits = Limits { seconds: 1, ..LIMITS };
        Compiler::default().ask(Act::Spin, b"", Some(limits), deadline).map(|_| ())
    }
}
