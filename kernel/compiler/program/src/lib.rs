//! The compiler of components: a program that reads WebAssembly and writes native code, and can do nothing else.
//!
//! It is an executable of its own, packed into OpenKoi and started from memory, so that bytes of strangers are parsed and
//! compiled in a process in which there is nothing to take: before it reads anything it gives up files, sockets, programs,
//! signals, memory that can be run, and all but some memory and time ([`confine`]).
//!
//! ```text
//! openkoi-compiler-program ACT CONFINEMENT TARGET MEMORY SECONDS   < WebAssembly   > one byte, and what it announces
//! ```
//!
//! | act | does |
//! |---|---|
//! | `compile` | compiles standard input for the machine TARGET: `c` and the code, or `r` and why it is refused |
//! | `attempt` | tries what it should not be able to do: `a` and the names of what it could, each followed by a comma |
//! | `spin` | takes time without an end |
//!
//! CONFINEMENT is `confined` or `open`; where this system cannot confine it the answer is `u` and why. `open` is for builds
//! of OpenKoi, and for bytes that came with it.

#![warn(clippy::disallowed_methods)]

mod attempt;
mod config;
mod confine;
#[path = "../../src/protocol.rs"]
mod protocol;
mod symbols;

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

use protocol::{ATTEMPTED, CODE, CONFINED, REFUSED, UNCONFINED};

/// What is to be done, from the command line.
struct Request {
    act: String,
    is_confined: bool,
    target: String,
    limits: confine::Limits,
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let answer = match Request::read() {
        Some(request) => answer(&request),
        None => (REFUSED, b"this program is started by OpenKoi alone".to_vec()),
    };
    let mut out = io::stdout().lock();
    let written = out.write_all(&[answer.0]).and_then(|()| out.write_all(&answer.1));
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

impl Request {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the arguments of the program are read"
    )]
    fn read() -> Option<Self> {
        let mut arguments = std::env::args().skip(1);
        let (act, confinement, target) = (arguments.next()?, arguments.next()?, arguments.next()?);
        let mut number = || arguments.next()?.parse().ok();
        let limits = confine::Limits { memory: number()?, seconds: number()? };
        Some(Self { act, is_confined: confinement == CONFINED, target, limits })
    }
}

fn answer(request: &Request) -> (u8, Vec<u8>) {
    if request.is_confined
        && let Err(reason) = confine::enter(request.limits)
    {
        return (UNCONFINED, reason.into_bytes());
    }
    match request.act.as_str() {
        "compile" => {
            let mut wasm = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut wasm).map_err(|error| error.to_string());
            match read.and_then(|_| compile(&wasm, &request.target)) {
                Ok(code) => (CODE, symbols::without(code)),
                Err(reason) => (REFUSED, reason.into_bytes()),
            }
        }
        "attempt" => (ATTEMPTED, attempt::all(request.limits).into_bytes()),
        "spin" => loop {
            std::hint::spin_loop();
        },
        other => (REFUSED, format!("`{other}` is not known here").into_bytes()),
    }
}

/// The target is named, so that the code runs on every machine of that kind and not on this one's processor only.
fn compile(wasm: &[u8], target: &str) -> Result<Vec<u8>, String> {
    let mut config = wasmtime::Config::new();
    config::configure(&mut config);
    let engine = config.target(target).and_then(|config| wasmtime::Engine::new(config));
    engine.and_then(|engine| precompile(&engine, wasm)).map_err(|error| format!("{error:#}"))
}

#[cfg(feature = "cranelift")]
fn precompile(engine: &wasmtime::Engine, wasm: &[u8]) -> wasmtime::Result<Vec<u8>> {
    engine.precompile_component(wasm)
}

#[cfg(not(feature = "cranelift"))]
fn precompile(_engine: &wasmtime::Engine, _wasm: &[u8]) -> wasmtime::Result<Vec<u8>> {
    Err(wasmtime::Error::msg("this build has no compiler in it"))
}
