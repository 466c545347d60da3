//! The modes of the terminal, which are put back however the program ends.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// The terminal as it was before something changed it, for an end of the program that runs nothing else.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// A terminal that shows no keys and sends no signals until this is dropped.
pub(crate) struct Hidden(());

impl Hidden {
    /// Hides the keys. What was typed before is thrown away.
    ///
    /// # Errors
    ///
    /// When standard input is no terminal.
    pub(crate) fn begin() -> io::Result<Self> {
        let modes = tcgetattr(io::stdin())?;
        let mut silent = modes.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        before().get_or_insert(modes);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(()))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        restore();
    }
}

/// Remembers the terminal as it is, for [`restore`].
pub(crate) fn remember() {
    if let Ok(modes) = tcgetattr(io::stdin()) {
        before().get_or_insert(modes);
    }
}

/// Makes the terminal what it was.
pub(crate) fn restore() {
    if let Some(modes) = before().take() {
        set(&modes);
    }
}

/// Does what [`restore`] does unless a thread is about to change the terminal, which may be the one that asks.
pub(crate) fn restore_now() {
    if let Ok(mut before) = BEFORE.try_lock()
        && let Some(modes) = before.take()
    {
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
