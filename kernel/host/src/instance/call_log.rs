//! The record of one call, which is read even when the call traps.

use std::sync::{Mutex, MutexGuard, PoisonError};

use openkoi_core::tool::Receipt;

use crate::text;

/// The most bytes of captured standard output and error.
const CAPTURED: usize = 8 << 10;

/// The record of one call. The store writes it, and the caller reads it however the call ends.
#[derive(Debug, Default)]
pub(crate) struct CallLog(Mutex<CallLogState>);

#[derive(Debug, Default)]
pub(crate) struct CallLogState {
    /// The last message at level `error`, which is where a panic goes before it traps.
    pub(crate) last_error: Option<String>,
    /// Number of log records that were kept.
    pub(crate) logged: u64,
    /// Number of log records that were dropped.
    pub(crate) dropped: u64,
    /// Number of progress reports that were kept.
    pub(crate) reported: u64,
    /// Receipts of the programs that ended.
    pub(crate) receipts: Vec<Receipt>,
    /// The outputs of programs of which the guest was given the beginning and the end alone.
    pub(crate) spooled: Vec<Spooled>,
    /// Whether the call started, looked at or stopped a program in the background.
    pub(crate) concerns_programs: bool,
    /// What the model has to know besides the tool's answer.
    pub(crate) notes: Vec<String>,
    /// The beginning of standard output and error, in the order of writing.
    pub(crate) captured: Vec<u8>,
}

/// An output of a program that is kept in a file because it is too long for a guest.
#[derive(Debug)]
pub(crate) struct Spooled {
    /// The file with all of it.
    pub(crate) path: String,
    /// The number of bytes that the guest was not given.
    pub(crate) omitted: u64,
}

impl CallLog {
    pub(crate) fn state(&self) -> MutexGuard<'_, CallLogState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn capture(&self, bytes: &[u8]) {
        let mut state = self.state();
        let room = CAPTURED.saturating_sub(state.captured.len());
        state.captured.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Returns the receipts of the programs that ended, and removes them.
    pub(crate) fn take_receipts(&self) -> Vec<Receipt> {
        std::mem::take(&mut self.state().receipts)
    }

    /// Returns the outputs that are kept in files, and forgets them.
    pub(crate) fn take_spooled(&self) -> Vec<Spooled> {
        std::mem::take(&mut self.state().spooled)
    }

    /// Returns what the model has to know besides, and forgets it.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().notes)
    }

    /// Returns the guest's last error message, or else its last printed line.
    pub(crate) fn last_words(&self) -> Option<String> {
        let state = self.state();
        let captured = || {
            let text = String::from_utf8_lossy(&state.captured);
            let line = text.lines().rev().find(|line| !line.trim().is_empty());
            line.map(|line| text::one_line(line, 500))
        };
        state.last_error.clone().or_else(captured)
    }
}
