//! An agency that does what the text of its motion says.
#![expect(clippy::panic, reason = "one of them is to break")]

use openkoi_sdk::{
    Failure, Result,
    agency::{Agency, Assessment, Caveat, Citation, Motion, Verdict},
    files, model, records,
};

/// The agency.
pub struct Councillor;

impl Agency for Councillor {
    fn assess(motion: &Motion) -> Result<Assessment> {
        let everything = records::Query { task: None, since_ms: None, limit: u32::MAX };
        let reason = match motion.text.as_str() {
            "records" => format!("{} assessments", records::assessments(&everything)?.len()),
            "read" => format!("{} bytes", files::read_to_end("a.txt", 100)?.len()),
            "write" => {
                files::write("a.txt", b"changed")?;
                "written".to_owned()
            }
            "ask small" => model::complete("small", &model::Prompt::new("s", "u"))?.text(),
            "ask executor" => model::complete("executor", &model::Prompt::new("s", "u"))?.text(),
            "flood" => "x".repeat(2 << 20),
            "hang" => loop {
                std::hint::black_box(());
            },
            "fail" => return Err(Failure::failed("it has no opinion")),
            "panic" => panic!("as it was told"),
            other => format!(
                "{other}: {} steps, {} computed",
                motion.plan.len(),
                motion.observations.len()
            ),
        };
        let places =
            ["a.txt:1", "a.txt:3", "a.txt:9", "b.txt:1", "../a.txt:1", "/etc/hosts:1", "a.txt:x"];
        let places = places.map(|place| Citation::Place(place.to_owned()));
        let caveat = Caveat { text: "look".to_owned(), citations: places.to_vec() };
        Ok(Assessment {
            verdict: Verdict::ApproveWithCaveats,
            confidence: 0.5,
            success: 0.5,
            reason,
            caveats: vec![caveat],
            question: None,
            alternative: None,
        })
    }
}

#[cfg(target_family = "wasm")]
const _: () = {
    #[used]
    #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
    #[unsafe(link_section = "openkoi:manifest")]
    static MANIFEST: [u8; include_bytes!("councillor.toml").len()] =
        *include_bytes!("councillor.toml");
    type Exported = openkoi_sdk::agency::Adapter<Councillor>;
    openkoi_sdk::bindings::agency::export!(Exported with_types_in openkoi_sdk::bindings::agency);
};
