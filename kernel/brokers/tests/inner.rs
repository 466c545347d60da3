//! Programs of OpenKoi's own. The system's shell stands in for one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test needs is there, or the test fails"
)]

use openkoi_brokers::inner::{InnerError, InnerLimits, ask};
use std::fs;
use std::time::{Duration, Instant};

fn limits() -> InnerLimits {
    InnerLimits { deadline: Duration::from_secs(20), answer: 4 << 20 }
}

/// Asks a shell that runs `script`.
fn shell(script: &str, question: &[u8], limits: &InnerLimits) -> Result<Vec<u8>, InnerError> {
    let place = tempfile::tempdir().unwrap();
    let program = fs::read("/bin/sh").unwrap();
    let answer =
        ask(&program, &["-c".to_owned(), script.to_owned()], question, limits, Some(place.path()));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "nothing stays");
    answer
}

#[test]
fn a_question_and_an_answer_that_fill_their_pipes_pass_at_once() {
    let question = vec![b'x'; 3 << 20];

    assert_eq!(shell("cat", &question, &limits()).unwrap(), question);
    assert_eq!(shell("echo early; exit 0", &question, &limits()).unwrap(), b"early\n");
}

#[test]
fn a_program_that_fails_gave_no_answer() {
    let failed = shell("echo half; exit 3", b"", &limits());
    assert!(matches!(failed, Err(InnerError::Ended(_))), "{failed:?}");
    let killed = shell("echo half; kill -9 $$", b"", &limits());
    assert!(matches!(killed, Err(InnerError::Ended(_))), "{killed:?}");
    let place = tempfile::tempdir().unwrap();
    let broken = ask(b"no program", &[], b"", &limits(), Some(place.path()));
    assert!(matches!(broken, Err(InnerError::Start(_))), "{broken:?}");
}

#[test]
fn a_program_of_our_own_sees_no_environment() {
    let seen = String::from_utf8(shell("env || true", b"", &limits()).unwrap()).unwrap();

    assert!(std::env::var_os("HOME").is_some() && !seen.contains("HOME="), "{seen}");
    assert_eq!(shell("pwd", b"", &limits()).unwrap(), b"/\n");
}

#[test]
fn a_program_of_our_own_ends_at_its_deadline() {
    let started = Instant::now();
    let short = InnerLimits { deadline: Duration::from_millis(300), ..limits() };

    let slow = shell("exec sleep 3", b"", &short);

    assert!(matches!(slow, Err(InnerError::Late(_))), "{slow:?}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[test]
fn the_answer_of_a_program_of_our_own_has_an_end() {
    let short = InnerLimits { answer: 1000, ..limits() };

    assert_eq!(shell("printf %01000d 0", b"", &short).unwrap().len(), 1000);
    let long = shell("printf %01001d 0", b"", &short);
    assert!(matches!(long, Err(InnerError::TooLong(1000))), "{long:?}");
}
