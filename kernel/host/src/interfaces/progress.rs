//! `progress`: what the user may see while a call runs.

use openkoi_core::event::Event;

use crate::{
    bindings::imports::openkoi::host::progress::Host,
    instance::Call,
    sabotage::{Guard, off},
    text,
};

/// The longest report, in characters.
const REPORT_CHARACTERS: usize = 200;

impl Host for Call {
    async fn report(&mut self, message: String) -> wasmtime::Result<()> {
        self.charge(message.len())?;
        let Some(run) = self.run.clone() else { return Ok(()) };
        {
            let mut left = self.traces.left();
            // Each report is a line of the journal.
            if left.reported >= self.limits.progress_reports && !off(Guard::HostProgress) {
                return Ok(());
            }
            left.reported += 1;
        }
        let event = Event::ProgressReported {
            origin: self.component.to_string(),
            message: text::one_line(&message, REPORT_CHARACTERS),
        };
        if let Err(error) = run.scope.gate.recorder().note(&run.scope.key, event) {
            // The next fact that matters fails too, and ends the run.
            tracing::warn!(%error, "a progress report was not recorded");
        }
        Ok(())
    }
}
