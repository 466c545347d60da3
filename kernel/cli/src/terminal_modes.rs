//! The modes of the terminal, which are put back however the program ends.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::{
    fs::{Mode, OFlags},
    stdio,
    termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcsetattr,
    },
};

/// Another screen than that of the shell, without a cursor, and the mouse: presses, the wheel and their places; and whether somebody
/// looks at it.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[?1004h";
/// The same, taken back.
const LEAVE: &[u8] = b"\x1b[?1004l\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l";

/// The terminal as it was before something changed it, for an end of the program that runs nothing else.
static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

/// What is to be put back.
struct Before {
    modes: Termios,
    /// True if the whole screen was taken.
    full: bool,
    /// Standard error, if what is written there goes nowhere for the time being.
    error: Option<OwnedFd>,
}

impl Before {
    fn of(modes: Termios) -> Self {
        Self { modes, full: false, error: None }
    }

    fn put_back(self) {
        if self.full {
            say(LEAVE);
        }
        if let Some(error) = self.error
            && let Err(error) = stdio::dup2_stderr(error)
        {
            tracing::debug!(%error, "standard error stays closed");
        }
        set(&self.modes);
    }
}

/// The whole screen, and each key as it is pressed, until this is dropped.
///
/// What is written to standard error meanwhile would be drawn over the screen; if that is a terminal, it goes nowhere.
pub(crate) struct FullScreen(());

impl FullScreen {
    /// Takes the screen.
    ///
    /// # Errors
    ///
    /// When standard input is no terminal.
    pub(crate) fn begin() -> io::Result<Self> {
        let modes = tcgetattr(io::stdin())?;
        let mut raw = modes.clone();
        raw.make_raw();
        // Dropped after the lock, if something fails halfway.
        let full = Self(());
        let mut before = before();
        let kept = before.get_or_insert(Before::of(modes));
        kept.full = true;
        if isatty(io::stderr()) {
            let nowhere =
                rustix::fs::open("/dev/null", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
            let error = rustix::io::fcntl_dupfd_cloexec(io::stderr(), 3)?;
            stdio::dup2_stderr(nowhere)?;
            kept.error.get_or_insert(error);
        }
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        say(ENTER);
        Ok(full)
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        restore();
    }
}

/// Writes to the terminal past the lock of standard output, which a thread that broke may hold.
fn say(mut bytes: &[u8]) {
    while let Ok(count @ 1..) = rustix::io::write(io::stdout(), bytes) {
        bytes = bytes.get(count..).unwrap_or_default();
    }
}

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
        before().get_or_insert(Before::of(modes));
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(()))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        restore();
    }
}

/// A terminal at which Esc and Ctrl-C end a line, too, until this is dropped. What is typed is changed as ever.
pub(crate) struct LineKeys(Termios);

impl LineKeys {
    /// The key Esc, as it ends a line.
    pub(crate) const ESC: u8 = 0x1b;
    /// Ctrl-C, as it ends a line.
    pub(crate) const CTRL_C: u8 = 3;
    /// What a special code is that no key has.
    const NO_KEY: u8 = 0;

    /// Begins to hear of both keys. What was typed before remains.
    ///
    /// # Errors
    ///
    /// When standard input is no terminal.
    pub(crate) fn begin() -> io::Result<Self> {
        let modes = tcgetattr(io::stdin())?;
        let mut lines = modes.clone();
        lines.special_codes[SpecialCodeIndex::VINTR] = Self::NO_KEY;
        lines.special_codes[SpecialCodeIndex::VEOL] = Self::ESC;
        lines.special_codes[SpecialCodeIndex::VEOL2] = Self::CTRL_C;
        before().get_or_insert(Before::of(modes));
        tcsetattr(io::stdin(), OptionalActions::Now, &lines)?;
        Ok(Self(lines))
    }

    /// Returns whether an Esc that was read is the beginning of another key, such as an arrow. The rest of that is thrown away.
    pub(crate) fn is_other_key(&self) -> bool {
        let mut keys = self.0.clone();
        keys.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
        keys.special_codes[SpecialCodeIndex::VMIN] = 0;
        // A tenth of a second: a key sends its bytes together.
        keys.special_codes[SpecialCodeIndex::VTIME] = 1;
        set(&keys);
        let rest = rustix::io::read(io::stdin(), &mut [0; 16]);
        set(&self.0);
        matches!(rest, Ok(1..))
    }
}

impl Drop for LineKeys {
    fn drop(&mut self) {
        restore();
    }
}

/// Remembers the terminal as it is, for [`restore`].
pub(crate) fn remember() {
    if let Ok(modes) = tcgetattr(io::stdin()) {
        before().get_or_insert(Before::of(modes));
    }
}

/// Makes the terminal what it was.
pub(crate) fn restore() {
    if let Some(before) = before().take() {
        before.put_back();
    }
}

/// Does what [`restore`] does unless a thread is about to change the terminal, which may be the one that asks.
pub(crate) fn restore_now() {
    if let Ok(mut before) = BEFORE.try_lock()
        && let Some(before) = before.take()
    {
        before.put_back();
    }
}

/// Makes the terminal hand on each key and show none. Ctrl-C remains a signal.
pub(crate) fn begin() {
    let Ok(modes) = tcgetattr(io::stdin()) else { return };
    let mut silent = modes.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
    silent.special_codes[SpecialCodeIndex::VMIN] = 0;
    silent.special_codes[SpecialCodeIndex::VTIME] = 0;
    before().get_or_insert(Before::of(modes));
    set(&silent);
}

fn set(modes: &Termios) {
    if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, modes) {
        tracing::debug!(%error, "the terminal keeps its modes");
    }
}

fn before() -> MutexGuard<'static, Option<Before>> {
    // A panic elsewhere does not make the modes untrue.
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}
