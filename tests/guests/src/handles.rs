//! Misused handles, deep calls of the host, and calls with random arguments.

use openkoi_sdk::{
    Failure, Result,
    bindings::host::openkoi::{
        host::http::{self, Body},
        types::http_types::{Header as HttpHeader, HttpRequest},
    },
    files, log, model, process, progress, state,
    tool::Output,
};

use crate::text;

pub(crate) fn call(name: &str, argument: &str) -> Option<Result<Output>> {
    Some(match name {
        "forge_handle" => read_from(4_711),
        "use_after_drop" => use_after_drop(),
        "drop_twice" => drop_twice(),
        "call_deep" => text(call_deep(1)),
        "fetch_deep" => text(fetch_deep(1, argument)),
        "fuzz" => fuzz(argument),
        _ => return None,
    })
}

/// Reads from a body by the number of its handle.
fn read_from(handle: u32) -> Result<Output> {
    #[expect(unsafe_code, reason = "a handle out of thin air is what is tested")]
    let body = unsafe { Body::from_handle(handle) };
    let read = body.read(1).map_err(|_| Failure::failed("refused in a friendly way"))?;
    text(format!("{read:?}"))
}

/// Returns the number of the handle of a body that the guest was given.
fn given() -> Result<u32> {
    let request = HttpRequest {
        method: "GET".to_owned(),
        url: "https://api.example.com/".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        credential: None,
        repeatable: true,
    };
    let response = http::send(&request, None).map_err(|_| Failure::failed("nothing was given"))?;
    Ok(response.body.take_handle())
}

fn drop_body(handle: u32) {
    #[expect(unsafe_code, reason = "dropping by number is what is tested")]
    drop(unsafe { Body::from_handle(handle) });
}

fn use_after_drop() -> Result<Output> {
    let handle = given()?;
    drop_body(handle);
    read_from(handle)
}

fn drop_twice() -> Result<Output> {
    let handle = given()?;
    drop_body(handle);
    drop_body(handle);
    text("dropped twice")
}

/// Calls the host from every eighth depth of the stack, down to the last.
fn call_deep(depth: u64) -> u64 {
    if depth.is_multiple_of(8) && !call_host() {
        return depth;
    }
    call_deep(std::hint::black_box(depth + 1)).wrapping_add(depth)
}

/// A function of its own, so that its locals are not in each frame of the recursion.
#[inline(never)]
fn call_host() -> bool {
    state::get_bytes("key").is_ok()
}

/// Sends a request now and then on the way to the bottom of the stack: the deepest that the host does for a
/// guest.
fn fetch_deep(depth: u64, url: &str) -> u64 {
    if depth.is_multiple_of(512) && !call_web(url) {
        return depth;
    }
    fetch_deep(std::hint::black_box(depth + 1), url).wrapping_add(depth)
}

/// A function of its own, as [`call_host`]. Any answer of the host will do.
#[inline(never)]
fn call_web(url: &str) -> bool {
    let request = HttpRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        credential: None,
        repeatable: true,
    };
    http::send(&request, None).is_err()
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides.max(1)
    }

    fn number(&mut self) -> u64 {
        match self.roll(4) {
            0 => 0,
            1 => u64::MAX,
            2 => self.roll(1 << 30),
            _ => 1 << self.roll(63),
        }
    }

    fn word(&mut self) -> String {
        const PIECES: [&str; 16] = [
            "",
            "a",
            "/",
            "..",
            ".",
            "\0",
            "\u{1b}[2J",
            "é",
            "\u{202e}",
            "*",
            "sh",
            "https://",
            "localhost",
            ":",
            "%2e",
            "\r\n",
        ];
        let count = self.roll(6);
        (0..count).map(|_| PIECES[usize::try_from(self.roll(16)).unwrap_or(0)]).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let count = self.roll(200);
        (0..count).map(|_| u8::try_from(self.roll(256)).unwrap_or(0)).collect()
    }
}

/// Calls the interfaces with random arguments from a seed. The test is that they answer, with whatever result.
fn fuzz(seed: &str) -> Result<Output> {
    let mut dice = Dice(seed.parse().unwrap_or(1));
    let mut failures = 0_u32;
    for _ in 0..300 {
        let failed = match dice.roll(15) {
            0 => files::stat(&dice.word()).is_err(),
            1 => files::read_range(&dice.word(), dice.number(), dice.number() as u32).is_err(),
            2 => files::list(&dice.word()).is_err(),
            3 => files::write(&dice.word(), &dice.bytes()).is_err(),
            4 => files::rename(&dice.word(), &dice.word()).is_err(),
            5 => files::remove(&dice.word()).is_err(),
            6 => state::set_bytes(&dice.word(), &dice.bytes()).is_err(),
            7 => state::keys(&dice.word()).is_err(),
            8 => odd_request(&mut dice),
            9 => process::exists(&dice.word()).is_err(),
            10 => files::create_directory(&dice.word()).is_err(),
            11 => odd_program(&mut dice),
            12 => model::complete(&dice.word(), &model::Prompt::new(dice.word(), dice.word()))
                .is_err(),
            13 => files::FileSystem::encoding(&files::Host).is_err(),
            _ => {
                log::debug(&dice.word());
                progress::report(&dice.word());
                false
            }
        };
        failures += u32::from(failed);
    }
    text(failures)
}

fn odd_request(dice: &mut Dice) -> bool {
    let count = dice.roll(4);
    let headers = (0..count).map(|_| HttpHeader { name: dice.word(), value: dice.bytes() });
    let headers = headers.collect();
    let request = HttpRequest {
        method: dice.word(),
        url: format!("{}{}", if dice.roll(2) == 0 { "https://" } else { "" }, dice.word()),
        headers,
        body: dice.bytes(),
        credential: (dice.roll(2) == 0).then(|| dice.word()),
        repeatable: dice.roll(2) == 0,
    };
    let timeout = dice.number();
    let Ok(response) = http::send(&request, Some(timeout)) else { return true };
    response.body.read(dice.number() as u32).is_err()
}

/// A program that is not there, or not granted, or starts in an odd place with odd words.
fn odd_program(dice: &mut Dice) -> bool {
    let count = dice.roll(4);
    let words: Vec<String> = (0..count).map(|_| dice.word()).collect();
    let command = process::Command::new(dice.word()).args(words).directory(dice.word());
    command.env(dice.word(), dice.word()).output(dice.roll(1 << 20) as usize).is_err()
}
