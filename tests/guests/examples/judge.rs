//! An evaluator that says what its task tells it to say.

use openkoi_sdk::{
    Failure, Result,
    evaluator::{Evaluator, Finding, Score, Severity, Subject, Verdict},
    files,
};

/// The evaluator.
pub struct Judge;

impl Evaluator for Judge {
    fn evaluate(subject: &Subject) -> Result<Verdict> {
        let value = match subject.task.as_str() {
            "nan" => f64::NAN,
            "infinite" => f64::INFINITY,
            "eleven" => 11.0,
            "negative" => -0.5,
            "fail" => return Err(Failure::failed("it cannot be judged")),
            "look" => {
                files::read_to_end("score.txt", 100).map(|bytes| f64::from(bytes[0]) / 255.0)?
            }
            _ => 0.5,
        };
        Ok(Verdict {
            scores: vec![Score { dimension: "correctness".to_owned(), value }],
            findings: vec![Finding {
                severity: Severity::Minor,
                message: format!("{} bytes of diff\u{1b}[2J", subject.diff.len()),
                evidence: "src/lib.rs:1".to_owned(),
                dimension: "correctness".to_owned(),
            }],
            ..Verdict::new(format!("iteration {}", subject.iteration))
        })
    }
}

#[cfg(target_family = "wasm")]
const _: () = {
    #[used]
    #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
    #[unsafe(link_section = "openkoi:manifest")]
    static MANIFEST: [u8; include_bytes!("judge.toml").len()] = *include_bytes!("judge.toml");
    type Exported = openkoi_sdk::evaluator::Adapter<Judge>;
    openkoi_sdk::bindings::evaluator::export!(Exported with_types_in openkoi_sdk::bindings::evaluator);
};
