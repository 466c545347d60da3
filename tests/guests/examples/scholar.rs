//! A learner that does what the text of its task says.
#![expect(clippy::panic, reason = "one of them is to break")]

use openkoi_sdk::{
    Failure, Result,
    learner::{Learner, Learning, Lesson, Outcome, Scope},
    memory, model, records,
};

/// The learner.
pub struct Scholar;

impl Learner for Scholar {
    fn observe(outcome: &Outcome) -> Result<Lesson> {
        let everything = records::Query { task: None, since_ms: None, limit: u32::MAX };
        let text = match outcome.text.as_str() {
            "records" => format!("{} tasks", records::tasks(&everything)?.len()),
            "recall" => format!("{} learnings", memory::recall("x", 1)?.len()),
            "ask small" => model::complete("small", &model::Prompt::new("s", "u"))?.text(),
            "ask executor" => model::complete("executor", &model::Prompt::new("s", "u"))?.text(),
            "fail" => return Err(Failure::failed("nothing was learnt")),
            "panic" => panic!("as it was told"),
            other => format!("{other}: {} checks", outcome.checks.len()),
        };
        let learning = Learning {
            text,
            categories: Vec::new(),
            scope: Scope::Workspace,
            confidence: 0.5,
            evidence: vec![outcome.task.clone()],
            replaces: None,
        };
        let count = if outcome.text == "many" { 11 } else { 1 };
        Ok(Lesson { learnings: vec![learning; count], proposals: Vec::new() })
    }
}

#[cfg(target_family = "wasm")]
const _: () = {
    #[used]
    #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
    #[unsafe(link_section = "openkoi:manifest")]
    static MANIFEST: [u8; include_bytes!("scholar.toml").len()] = *include_bytes!("scholar.toml");
    type Exported = openkoi_sdk::learner::Adapter<Scholar>;
    openkoi_sdk::bindings::learner::export!(Exported with_types_in openkoi_sdk::bindings::learner);
};
