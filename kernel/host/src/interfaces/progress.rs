//! `progress`: messages that the user may see while a call runs.

use openkoi_core::event::Event;

use crate::{
    bindings::imports::openkoi::host::progress::Host,
    instance::GuestState,
    sabotage::{Guard, off},
    text,
};

/// The longest report, in characters.
const REPORT_CHARACTERS: usize = 200;

impl Host for GuestState {
    async fn report(&mut self, message: String) -> wasmtime::Result<()> {
        self.charge(message.len())?;
        let Some(caller) = self.caller.clone() else { return Ok(()) };
        {
            let mut state = self.log.state();
            // Each report is a line of the journal.
            if state.reported >= self.limits.progress_reports && !off(Guard::HostProgress) {
                return Ok(());
            }
            state.reported += 1;
        }
        let event = Event::ProgressReported {
            origin: self.component.to_string(),
            message: text::one_line(&message, REPORT_CHARACTERS),
        };
        if let Err(error) = caller.scope.gate.recorder().note(&caller.scope.key, event) {
            // A journal that is broken ends the run at the next event that matters.
            tracing::warn!(%error, "a progress report was not recorded");
        }
        Ok(())
    }
}
