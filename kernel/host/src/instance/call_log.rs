//! What a call leaves behind, however it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use openkoi_core::tool::Receipt;

use crate::text;

/// Bytes of captured standard output and error that are kept.
const CAPTURED: usize = 8 << 10;

/// What a call leaves behind, however it ends.
#[derive(Debug, Default)]
pub(crate) struct CallLog(Mutex<CallLogState>);

#[derive(Debug, Default)]
pub(crate) struct CallLogState {
    /// The last message at level `error`: what a panic says before it traps.
    pub(crate) last_error: Option<String>,
    /// Log records that were kept.
    pub(crate) logged: u64,
    /// Log records that were dropped.
    pub(crate) dropped: u64,
    /// Progress reports that were kept.
    pub(crate) reported: u64,
    /// Programs that ended.
    pub(crate) receipts: Vec<Receipt>,
    /// The beginning of what was written to standard output and error.
    pub(crate) captured: Vec<u8>,
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

    /// Returns the programs that ended, and forgets them.
    pub(crate) fn take_receipts(&self) -> Vec<Receipt> {
        std::mem::take(&mut self.state().receipts)
    }

    /// Returns what the guest said last of why it broke.
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
