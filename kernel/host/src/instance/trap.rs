//! Explains why a guest ended early.

use openkoi_core::failure::Failure;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::{CallLimits, LimitHit, call_log::CallLog};
use crate::text;

/// The longest message of a trap, in bytes.
const LONGEST: usize = 4 << 10;
/// Most frames of a trap that are shown.
const FRAMES: usize = 8;

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

/// Lists the innermost functions, by their names in the source.
fn frames(error: &wasmtime::Error) -> Option<String> {
    let trace = error.downcast_ref::<WasmBacktrace>()?;
    let named = trace.frames().iter().enumerate().take(FRAMES).map(|(number, frame)| {
        let name = frame.func_name().map_or_else(
            || format!("function {}", frame.func_index()),
            |name| format!("{:#}", rustc_demangle::demangle(name)),
        );
        let module = frame.module().name().unwrap_or("?");
        format!("{number}: {}", text::visible(&format!("{module}!{name}")))
    });
    let frames: Vec<String> = named.collect();
    (!frames.is_empty()).then(|| frames.join("\n"))
}
