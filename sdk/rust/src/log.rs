//! Messages for the developer of a component. They go to the host's log, never to the user's terminal.
//!
//! A record is cut at 4 KiB, and past 1,000 records in a call they are counted and dropped. Never log a
//! secret or a whole prompt.

use crate::bindings::host::openkoi::host::log;

pub use log::Level;

/// Writes one record. Natively, where there is no host, nothing is written.
pub fn write(level: Level, message: &str) {
    if cfg!(target_family = "wasm") {
        log::write(level, message);
    }
}

/// Writes what every step does.
pub fn trace(message: &str) {
    write(Level::Trace, message);
}

/// Writes what each unit of work does.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes what happens once in a call.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes what was coped with, badly.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Writes what a person must act on.
pub fn error(message: &str) {
    write(Level::Error, message);
}
