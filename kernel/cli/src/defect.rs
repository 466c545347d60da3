//! Panics of OpenKoi itself, reported in one line.

use std::{
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::{Mutex, PoisonError},
};

use openkoi_app::environment::Environment;

use crate::{
    env::RUST_BACKTRACE,
    exit::Exit,
    output::{ColourChoice, Printer},
};

/// The message and the place of the first panic.
static BROKEN: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work`. If it panics, one line says so and asks for a report.
///
/// With `RUST_BACKTRACE` the usual report of Rust comes before that line.
pub(crate) fn guarded(environment: &Environment, work: impl FnOnce() -> Exit) -> Exit {
    let usual = environment.get(&RUST_BACKTRACE).map(|_| panic::take_hook());
    panic::set_hook(Box::new(move |info| {
        if let Some(usual) = &usual {
            usual(info);
        }
        note(info);
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let what = BROKEN.lock().unwrap_or_else(PoisonError::into_inner).take();
        let what = what.unwrap_or_else(|| "for no reason that is known".to_owned());
        let printer = Printer::new(environment, ColourChoice::Auto, 0);
        let version = env!("CARGO_PKG_VERSION");
        printer.notice(&format!("openkoi broke: {what} (version {version}); please report this"));
        Exit::NotAccepted
    })
}

fn note(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("it gave no reason").replace('\n', " ");
    let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
    let mut broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
    broken.get_or_insert(format!("{message}{}", place.unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_panic_ends_with_a_code_and_not_with_an_abort() {
        let environment = Environment::of([], Path::new("/"));

        let exit = guarded(&environment, || panic!("the pond is empty"));

        drop(panic::take_hook());
        assert_eq!(exit, Exit::NotAccepted);
    }
}
