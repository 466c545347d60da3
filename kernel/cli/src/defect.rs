//! Panics of OpenKoi itself: one line says so, and the program ends.
//!
//! Release builds do not unwind (decision 0036). So that all builds behave alike, everything happens in the hook.

use std::{
    panic::{self, PanicHookInfo},
    process,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use openkoi_app::{environment::Environment, sandbox};

use crate::{
    env::RUST_BACKTRACE,
    exit::Exit,
    output::{ColourChoice, Printer},
    terminal_modes,
};

/// How long programs of tasks may take to be killed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes a panic of any thread end the program, with one line that says so and asks for a report.
///
/// With `RUST_BACKTRACE` the usual report of Rust comes before that line.
pub(crate) fn end_on_panic(environment: &Environment) {
    let usual = environment.get(&RUST_BACKTRACE).map(|_| panic::take_hook());
    let environment = environment.clone();
    let panicked = AtomicBool::new(false);
    panic::set_hook(Box::new(move |info| {
        if panicked.swap(true, Ordering::Relaxed) {
            // Another thread ends the program already.
            loop {
                thread::park();
            }
        }
        if let Some(usual) = &usual {
            usual(info);
        }
        terminal_modes::restore_now();
        Printer::new(&environment, ColourChoice::Auto, 0).notice(&line(info));
        kill_programs();
        process::exit(Exit::NotAccepted.code().into());
    }));
}

fn line(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("it gave no reason").replace('\n', " ");
    let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
    let version = env!("CARGO_PKG_VERSION");
    let place = place.unwrap_or_default();
    format!("openkoi broke: {message}{place} (version {version}); please report this")
}

/// Kills the programs that tasks have started, from a thread of its own: the one that panicked may hold their list.
fn kill_programs() {
    let (done, all) = mpsc::channel::<()>();
    let killer = thread::Builder::new().spawn(move || {
        sandbox::kill_all();
        drop(done);
    });
    // It has an answer when `done` is dropped.
    if killer.is_ok() && all.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
        tracing::debug!("programs of tasks may be left");
    }
}

#[cfg(test)]
mod tests {
    use std::{env, path::Path, process::Command};

    use super::*;

    #[test]
    #[ignore = "run by the test below, in a process of its own"]
    fn break_a_thread() {
        end_on_panic(&Environment::of([], Path::new("/")));
        let broken = thread::spawn(|| panic!("the pond\nis empty"));

        assert!(broken.join().is_err());
        panic!("the process went on");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a panic ends the whole process")]
    fn a_panic_of_any_thread_ends_the_program_with_one_line_and_a_code() {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "defect::tests::break_a_thread", "--ignored", "--nocapture"])
            .output()
            .unwrap();

        let told = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = told.lines().collect();
        assert!(
            matches!(lines[..], [line] if line.starts_with("openkoi broke: the pond is empty at ")),
            "{told}"
        );
        assert_eq!(output.status.code(), Some(Exit::NotAccepted.code().into()));
    }
}
