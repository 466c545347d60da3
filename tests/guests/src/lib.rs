//! A component that misbehaves, one way for each of its tools. The tests of the host call each of them.
//!
//! Components that Rust cannot express (a loop in the start function, a memory that begins too large, proposals that
//! are off) are written as WebAssembly text beside those tests.

// A guest that panics is the point here.
#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "misbehaviour is what this crate is for"
)]

mod floods;
mod handles;
mod probes;

use std::sync::atomic::{AtomicU32, Ordering};

use openkoi_sdk::{
    Failure, Result, export_tool,
    tool::{self, Context, Output, Tool},
};
use serde_json::Value;

/// Every behaviour. The tests of the host have at least one test for each.
pub const BEHAVIOURS: &[&str] = &[
    "ask_encoding",
    "ask_model",
    "ask_tokens",
    "attach",
    "big_output",
    "big_string",
    "byte_flood",
    "call_deep",
    "call_flood",
    "change_file",
    "count_calls",
    "drop_twice",
    "escape",
    "exit",
    "fail",
    "fetch",
    "fetch_deep",
    "forge_handle",
    "fuzz",
    "grow",
    "handle_flood",
    "huge_output",
    "log_flood",
    "log_secretly",
    "many_attachments",
    "panic",
    "print",
    "print_flood",
    "probe",
    "progress_flood",
    "read_file",
    "recurse",
    "run",
    "sleep",
    "spin",
    "spin_in_pieces",
    "state",
    "trap",
    "use_after_drop",
];

struct Guest;

impl Tool for Guest {
    fn call(name: &str, json: &str, _: &Context) -> Result<Output> {
        let arguments: Value = serde_json::from_str(json)?;
        let argument = arguments.get("argument").and_then(Value::as_str).unwrap_or_default();
        match name {
            "spin" => spin(),
            "spin_in_pieces" => spin_in_pieces(),
            "recurse" => text(recurse(1)),
            "sleep" => sleep(argument),
            "panic" => panic!("the guest panics: {argument}"),
            "trap" => trap(),
            "exit" => std::process::exit(argument.parse().unwrap_or(0)),
            "fail" => Err(Failure::conflict(argument)),
            "count_calls" => count_calls(),
            "escape" => escape(),
            _ => floods::call(name)
                .or_else(|| probes::call(name, argument))
                .or_else(|| handles::call(name, argument))
                .unwrap_or_else(|| tool::unknown(name)),
        }
    }
}

export_tool!(Guest);

/// Answers with something that can be shown.
pub(crate) fn text(value: impl ToString) -> Result<Output> {
    Ok(Output::text(value.to_string()))
}

fn spin() -> ! {
    let mut number = 0_u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

/// Spins with calls of the host in between, so that each stretch is short.
fn spin_in_pieces() -> Result<Output> {
    let mut number = 0_u64;
    loop {
        for _ in 0..20_000_000 {
            number = std::hint::black_box(number.wrapping_add(1));
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Recurses without locals in memory, so that the call stack overflows before the guest's own stack does.
fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX {
        return depth;
    }
    recurse(std::hint::black_box(depth + 1)).wrapping_add(depth)
}

fn sleep(milliseconds: &str) -> Result<Output> {
    let milliseconds = milliseconds.parse().unwrap_or(0);
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    text("slept")
}

/// Traps without a message.
fn trap() -> ! {
    #[cfg(target_family = "wasm")]
    std::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort();
}

/// Counts calls in a static, which is 1 as long as each call has fresh memory.
fn count_calls() -> Result<Output> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    text(CALLS.fetch_add(1, Ordering::Relaxed) + 1)
}

fn escape() -> Result<Output> {
    let hostile = "a\u{1b}[2J\u{9b}31m\u{202e}b\r\u{8}c";
    Ok(Output::text(hostile).summary(format!("{hostile}\nsecond line")))
}
