//! The modes of the terminal while keys are watched.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// The terminal as it was before keys were watched, for an end of the program that runs nothing else.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Makes the terminal show what is typed again, if it does not.
pub(crate) fn restore() {
    if let Some(modes) = before().take() {
        set(&modes);
    }
}

/// Makes the terminal hand on each key and show none. Ctrl-C remains a signal.
pub(crate) fn begin() {
    let Ok(modes) = tcgetattr(io::stdin()) else { return };
    let mut silent = modes.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
    silent.special_codes[SpecialCodeIndex::VMIN] = 0;
    silent.special_codes[SpecialCodeIndex::VTIME] = 0;
    before().get_or_insert(modes);
    set(&silent);
}

fn set(modes: &Termios) {
    if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, modes) {
        tracing::debug!(%error, "the terminal keeps its modes");
    }
}

fn before() -> MutexGuard<'static, Option<Termios>> {
    // A panic elsewhere does not make the modes untrue.
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}
