//! `log`: messages for the developer of a component.

use crate::{
    bindings::imports::openkoi::host::log::{Host, Level},
    instance::GuestState,
    sabotage::{Guard, off},
    text,
};

/// The longest record, in bytes.
const RECORD_BYTES: usize = 4 << 10;

impl Host for GuestState {
    async fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.charge(message.len())?;
        let message = text::visible(text::cut(&message, RECORD_BYTES));
        let kept = {
            let mut state = self.log.state();
            if matches!(level, Level::Error) {
                state.last_error = Some(message.clone());
            }
            let kept = state.logged < self.limits.log_records || off(Guard::HostLog);
            if kept {
                state.logged += 1
            } else {
                state.dropped += 1
            }
            kept
        };
        if kept {
            emit(&self.component, level, &message);
        }
        Ok(())
    }
}

fn emit(component: &str, level: Level, message: &str) {
    // One target for all, so that a filter can name it.
    match level {
        Level::Trace => tracing::trace!(target: "openkoi::component", component, message),
        Level::Debug => tracing::debug!(target: "openkoi::component", component, message),
        Level::Info => tracing::info!(target: "openkoi::component", component, message),
        Level::Warn => tracing::warn!(target: "openkoi::component", component, message),
        Level::Error => tracing::error!(target: "openkoi::component", component, message),
    }
}
