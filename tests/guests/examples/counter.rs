//! A tool that counts what it is told, and keeps the counts.

use openkoi_sdk::{
    Failure, Result, state,
    tool::{self, Context, Output, Tool},
};
use serde_json::Value;

/// The tool.
pub struct Counter;

impl Tool for Counter {
    fn call(name: &str, arguments: &str, _: &Context) -> Result<Output> {
        if name != "count" {
            return tool::unknown(name);
        }
        let asked: Value = serde_json::from_str(arguments)?;
        let word = asked.get("word").and_then(Value::as_str);
        let word = word.ok_or_else(|| Failure::invalid("/word", "is missing"))?;
        let count = state::get::<u64>(word)?.unwrap_or_default() + 1;
        state::set(word, &count)?;
        Ok(Output::text(format!("{word}: {count}")))
    }
}

#[cfg(target_family = "wasm")]
const _: () = {
    #[used]
    #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
    #[unsafe(link_section = "openkoi:manifest")]
    static MANIFEST: [u8; include_bytes!("counter.toml").len()] = *include_bytes!("counter.toml");
    type Exported = openkoi_sdk::tool::Adapter<Counter>;
    openkoi_sdk::bindings::tool::export!(Exported with_types_in openkoi_sdk::bindings::tool);
};
