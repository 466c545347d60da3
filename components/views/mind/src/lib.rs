//! How work is deliberated and judged, and who was right: what agencies said before a task and judges after an iteration, beside what
//! became of the work.

mod calibrate;
mod chamber;
mod known;

use std::collections::BTreeSet;

use openkoi_figures::work;
use openkoi_sdk::{
    Failure, Result, export_view, records,
    view::{Document, Heading, View, arguments, paragraph},
};
use serde::Deserialize;

use known::Known;

/// The component.
struct Mind;

/// What the reports are given.
#[derive(Deserialize)]
struct Given {
    undone: BTreeSet<String>,
}

impl View for Mind {
    fn render(name: &str, text: &str) -> Result<Document> {
        let given: Given = arguments(text)?;
        let assessments = records::assessments(&work::everything())?;
        let known = Known::new(work::all(&given.undone)?, assessments);
        match name {
            "overview" => overview(&known),
            "parliament" => Ok(chamber::parliament(&known)),
            "agencies" => Ok(chamber::agencies(&known)),
            "dissent" => Ok(chamber::dissent(&known)),
            "calibrate" => calibrate::calibrate(&known),
            other => Err(Failure::NotFound(format!("report `{other}`"))),
        }
    }
}

/// Returns the beginning of each report.
fn overview(known: &Known) -> Result<Document> {
    let mut document = Document::new("Mind");
    document.push(Heading::new("parliament", "The last deliberation"));
    chamber::last(known, &mut document);
    document.push(Heading::new("agencies", "Agencies"));
    chamber::list(known, &mut document);
    document.push(Heading::new("calibration", "Who was right"));
    calibrate::list(&calibrate::predictors(known)?, &mut document);
    document.push(Heading::new("", ""));
    document.push(paragraph("More: openkoi mind parliament, agencies, dissent, calibrate"));
    Ok(document)
}

export_view!(Mind);
