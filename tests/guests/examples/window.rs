//! A view that shows what its argument says.
#![expect(clippy::panic, reason = "one of them is to break")]

use openkoi_sdk::{
    Failure, Result, memory, records,
    view::{
        Column, ColumnKind, Document, Pairs, Table, View, arguments, count, facts::Time, paragraph,
        text,
    },
};
use serde_json::Value;

/// The view.
pub struct Window;

impl View for Window {
    fn render(name: &str, text_of: &str) -> Result<Document> {
        let given: Value = arguments(text_of)?;
        let time: Option<Time> =
            given.get("time").and_then(|time| serde_json::from_value(time.clone()).ok());
        let everything = records::Query { task: None, since_ms: None, limit: u32::MAX };
        let document = Document::new(name);
        Ok(match given["say"].as_str().unwrap_or_default() {
            "records" => document.with(Pairs::new("").pair(
                "tasks",
                "tasks",
                count(records::tasks(&everything)?.len()),
            )),
            "decisions" => document.with(Pairs::new("").pair(
                "all",
                "all",
                count(records::decisions(&everything)?.len()),
            )),
            "recall" => document.with(Pairs::new("").pair(
                "all",
                "all",
                count(memory::recall("x", 1)?.len()),
            )),
            "time" => document.with(Pairs::new("").pair(
                "now",
                "now",
                count(time.map_or(0, |time| time.now_ms)),
            )),
            "short row" => {
                let columns = [
                    Column::new("a", "A", ColumnKind::Text),
                    Column::new("b", "B", ColumnKind::Text),
                ];
                let mut table = Table::new("t", columns);
                table.row([text("x")]);
                document.with(table)
            }
            "flood" => (0..100_000)
                .fold(document, |document, _| document.with(paragraph("x".repeat(1_000)))),
            "fail" => return Err(Failure::NotFound("fish".to_owned())),
            "panic" => panic!("as it was told"),
            other => document.with(paragraph(other)),
        })
    }
}

#[cfg(target_family = "wasm")]
const _: () = {
    #[used]
    #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
    #[unsafe(link_section = "openkoi:manifest")]
    static MANIFEST: [u8; include_bytes!("window.toml").len()] = *include_bytes!("window.toml");
    type Exported = openkoi_sdk::view::Adapter<Window>;
    openkoi_sdk::bindings::view::export!(Exported with_types_in openkoi_sdk::bindings::view);
};
