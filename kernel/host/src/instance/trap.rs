//! Explains why a guest ended early.

use openkoi_core::failure::Failure;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::{CallLimits, LimitHit, call_log::CallLog};
use crate::text;

/// The longest message of a trap, in bytes.
const LONGEST: usize = 4 << 10;

/// Turns the error of a call into a failure. The second value is true if the component is at fault.
pub(super) fn explain(
    component: &str,
    limits: &CallLimits,
    error: &wasmtime::Error,
    log: &CallLog,
) -> (Failure, bool) {
    if let Some(hit) =
        error.downcast_ref::<LimitHit>().copied().or_else(|| limit_in_words(error, limits))
    {
        return (hit.into(), hit.is_fault());
    }
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        let message = format!("it ended itself with exit code {code}");
        return (Failure::Trapped { component: component.to_owned(), message }, false);
    }
    let mut message = match (log.last_words(), error.downcast_ref::<Trap>()) {
        (Some(words), _) => words,
        (None, Some(trap)) => trap.to_string(),
        (None, None) => text::one_line(&error.root_cause().to_string(), 500),
    };
    if let Some(frames) = frames(error) {
        message.push('\n');
        message.push_str(&frames);
    }
    let message = text::cut(&message, LONGEST).to_owned();
    (Failure::Trapped { component: component.to_owned(), message }, true)
}

/// Recognises two limits for which wasmtime has a sentence but no type.
fn limit_in_words(error: &wasmtime::Error, limits: &CallLimits) -> Option<LimitHit> {
    let text = error.root_cause().to_string();
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return Some(LimitHit::host_call_bytes(limits));
    }
    text.contains("store handle limit exceeded").then(|| LimitHit::handles(limits))
}

fn frames(error: &wasmtime::Error) -> Option<String> {
    let trace = error.downcast_ref::<WasmBacktrace>()?;
    let shown = text::visible(&trace.to_string());
    let frames: Vec<&str> = shown
        .lines()
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("note:"))
        .take(8)
        .collect();
    (!frames.is_empty()).then(|| frames.join("\n"))
}
