//! Too much of everything.

use std::hint::black_box;

use openkoi_sdk::{Result, http, log, progress, state, tool::Output};

use crate::text;

pub(crate) fn call(name: &str) -> Option<Result<Output>> {
    Some(match name {
        "grow" => grow(),
        "log_flood" => log_flood(),
        "call_flood" => call_flood(),
        "byte_flood" => byte_flood(),
        "big_string" => big_string(),
        "big_output" => text((0..5_000).map(|n| format!("line {n}\n")).collect::<String>()),
        "attach" => attach(),
        "many_attachments" => many_attachments(),
        "print_flood" => print_flood(),
        "huge_output" => text("x".repeat(5 << 20)),
        "handle_flood" => handle_flood(),
        "progress_flood" => progress_flood(),
        _ => return None,
    })
}

fn grow() -> Result<Output> {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1 << 20]));
        if held.len() > 100_000 {
            return text(held.len());
        }
    }
}

fn log_flood() -> Result<Output> {
    log::info(&"x".repeat(1 << 20));
    for number in 0..2_000 {
        log::info(&format!("\u{1b}]52;c;eA==\u{7}record {number}\r\u{202e}"));
    }
    text("logged")
}

/// Attaches two files that models read, and one that no model reads.
fn attach() -> Result<Output> {
    let output =
        Output::text("look").attach("image/png", vec![1]).attach("application/pdf", vec![2]);
    Ok(output.attach("text/html\n[forged]", vec![3]))
}

/// Attaches a million empty files.
fn many_attachments() -> Result<Output> {
    let mut output = Output::text("look");
    output.attachments.reserve_exact(1_000_000);
    for _ in 0..1_000_000 {
        output = output.attach("", Vec::new());
    }
    Ok(output)
}

/// Prints more than the host keeps, and little enough for a slow machine to take within the running time.
fn print_flood() -> Result<Output> {
    let line = "koi-printed-".repeat(5_000);
    for _ in 0..40 {
        println!("{line}");
    }
    text("printed")
}

fn call_flood() -> Result<Output> {
    for _ in 0..10_000_000 {
        log::trace("");
    }
    text("called")
}

/// Sends pieces that keep the limit of one call and exceed that of all calls together.
fn byte_flood() -> Result<Output> {
    let piece = "x".repeat(64 << 10);
    for _ in 0..100_000 {
        log::trace(&piece);
    }
    text("sent")
}

fn big_string() -> Result<Output> {
    state::set_bytes("key", &vec![0; 20 << 20])?;
    text("kept")
}

fn handle_flood() -> Result<Output> {
    let mut held = Vec::new();
    for _ in 0..2_000 {
        held.push(http::Request::get("https://api.example.com/").send()?);
    }
    text(held.len())
}

fn progress_flood() -> Result<Output> {
    for number in 0..1_000 {
        progress::report(&format!("\u{1b}[2Jstep {number}"));
    }
    text("reported")
}
