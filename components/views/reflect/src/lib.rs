//! What was done, how it went, and where it was wrong: facts with their receipts, and differences with their probability of being
//! chance.

mod given;
mod growth;
mod honest;
mod today;
mod week;

use openkoi_figures::work::{self, Work};
use openkoi_sdk::{
    Failure, Result, export_view,
    view::{Document, Heading, Notice, View, arguments, paragraph},
};

use given::{EMPTY, Given};

/// The component.
struct Reflect;

impl View for Reflect {
    fn render(name: &str, text: &str) -> Result<Document> {
        let given: Given = arguments(text)?;
        let works = work::all(&given.undone)?;
        let document = match name {
            "overview" => overview(&given, &works),
            "today" => today::today(&given, &works),
            "week" => week::week(&given, &works),
            "growth" => growth::growth(&given, &works),
            "honest" => honest::honest(&given, &works),
            other => Err(Failure::NotFound(format!("report `{other}`"))),
        }?;
        Ok(document)
    }
}

/// Returns the beginning of each report.
fn overview(given: &Given, works: &[Work]) -> Result<Document> {
    let mut document = Document::new("Reflection");
    if works.is_empty() {
        document.push(Notice::new(EMPTY, ["openkoi demo"]));
    }
    document.push(Heading::new("today", "Today"));
    document.push(today::summary(given, works)?);
    document.push(Heading::new("week", "This week, by day"));
    document.push(week::by_day(given, works));
    document.push(Heading::new("growth", "Growth"));
    document.push(growth::progress(given, works));
    document.push(Heading::new("honest", "Honesty"));
    document.push(honest::summary(works)?);
    document.push(Heading::new("", ""));
    document.push(paragraph("More: openkoi reflect today, week, growth, honest"));
    Ok(document)
}

export_view!(Reflect);
