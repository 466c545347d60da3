//! Attempts to get at things that were not granted.

use std::{collections::BTreeMap, env, fs, io::Read, time::SystemTime};

use openkoi_sdk::{Failure, Result, files, http, log, model, process, state, tool::Output};
use serde_json::json;

use crate::text;

pub(crate) fn call(name: &str, argument: &str) -> Option<Result<Output>> {
    Some(match name {
        "probe" => probe(),
        "print" => print(argument),
        "read_file" => read_file(argument),
        "change_file" => change_file(argument),
        "fetch" => fetch(argument),
        "run" => run(argument),
        "ask_encoding" => ask_encoding(),
        "ask_model" => ask_model(argument, None),
        "ask_tokens" => ask_model("evaluator", Some(1_000_000)),
        "state" => counted(argument),
        "log_secretly" => log_secretly(argument),
        _ => return None,
    })
}

/// Looks for files, variables and handles with the standard library.
fn probe() -> Result<Output> {
    let seen = |path: &str| {
        fs::read_to_string(path).map_or_else(|e| e.kind().to_string(), |_| "read".to_owned())
    };
    let mut input = String::new();
    let input = std::io::stdin().read_to_string(&mut input).map(|_| input);
    let paths = ["/etc/passwd", "../x", "/proc/self/environ", ".", "/"];
    let files: BTreeMap<&str, String> = paths.into_iter().map(|path| (path, seen(path))).collect();
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    text(json!({
        "variables": env::vars().count(),
        "arguments": env::args().count(),
        "input": input.unwrap_or_default(),
        "files": files,
        "handles": open_handles(),
        "root": fs::read_dir("/").is_ok(),
        "nanoseconds": since.subsec_nanos() % 1_000_000,
    }))
}

/// Counts the numbers under which something is open besides the three standard streams.
fn open_handles() -> usize {
    #[cfg(target_family = "wasm")]
    {
        use std::{mem::ManuallyDrop, os::fd::FromRawFd};
        let opens = |number: i32| {
            #[expect(unsafe_code, reason = "a descriptor out of thin air is what is tested")]
            let file = ManuallyDrop::new(unsafe { fs::File::from_raw_fd(number) });
            let mut byte = [0];
            file.metadata().is_ok() || (&*file).read(&mut byte).is_ok()
        };
        (3..1_024).filter(|number| opens(*number)).count()
    }
    #[cfg(not(target_family = "wasm"))]
    0
}

fn print(argument: &str) -> Result<Output> {
    println!("{argument}");
    eprintln!("{argument}");
    text("printed")
}

fn read_file(path: &str) -> Result<Output> {
    let bytes = files::read_to_end(path, 1 << 20)?;
    text(String::from_utf8_lossy(&bytes))
}

fn ask_encoding() -> Result<Output> {
    text(format!("{:?}", files::FileSystem::encoding(&files::Host)?))
}

/// Writes a file, although the manifest of its tool asks for reading.
fn change_file(path: &str) -> Result<Output> {
    files::write(path, b"changed")?;
    text("changed")
}

/// Fetches a page, with a credential if one is named after the URL.
fn fetch(argument: &str) -> Result<Output> {
    let (url, credential) = argument.split_once(' ').unwrap_or((argument, ""));
    let request = http::Request::get(url);
    let named = !credential.is_empty();
    let response = if named { request.credential(credential).send() } else { request.send() }?;
    let bytes = response.bytes(1 << 20)?;
    text(String::from_utf8_lossy(&bytes))
}

fn run(line: &str) -> Result<Output> {
    let mut words = line.split(' ');
    let program = words.next().unwrap_or_default();
    let finished = process::Command::new(program).args(words).output(1 << 20)?;
    text(format!("{finished:?}"))
}

fn ask_model(role: &str, max_tokens: Option<u32>) -> Result<Output> {
    let prompt = model::Prompt::new("be brief", "hello");
    let prompt = match max_tokens {
        Some(most) => prompt.max_tokens(most),
        None => prompt,
    };
    let completion = model::complete(role, &prompt)?;
    text(format!("{:?}", completion.parts))
}

/// Counts its calls in the key-value space of the component, under the given key.
fn counted(key: &str) -> Result<Output> {
    let count: u32 = state::get(key)?.unwrap_or(0) + 1;
    state::set(key, &count)?;
    text(format!("{count} {:?}", state::keys("")?))
}

fn log_secretly(argument: &str) -> Result<Output> {
    log::error(argument);
    Err(Failure::failed("said it in the log"))
}
