//! Progress that the user may see while a call runs.

/// Says in a few words what the component is doing now. Cut at 200 characters; natively, nothing happens.
pub fn report(message: &str) {
    if cfg!(target_family = "wasm") {
        crate::bindings::host::openkoi::host::progress::report(message);
    }
}
