//! Checks the part of a view.

use std::collections::BTreeSet;

use openkoi_core::views::Fact;

use super::forms::{TOOL_NAME, name};
use crate::{
    manifest::{Manifest, ManifestError, ReportEntry},
    text,
};

/// The most reports of a view, and the most arguments of one.
const MOST: usize = 32;

pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    let Some(view) = &manifest.view else { return Ok(()) };
    let mut names = BTreeSet::new();
    for report in &view.reports {
        name("the report", &report.name, '_', TOOL_NAME)?;
        if !names.insert(&report.name) {
            return Err(wrong("report", format!("`{}` is declared twice", report.name)));
        }
        check_members(manifest, report)?;
    }
    match names.len() {
        1..=MOST => Ok(()),
        count => Err(wrong("report", format!("there are {count}, and 1 to {MOST} are taken"))),
    }
}

/// Checks that each member of a report's arguments has one meaning, and that the view asks for what it is given.
fn check_members(manifest: &Manifest, report: &ReportEntry) -> Result<(), ManifestError> {
    let mut members = BTreeSet::new();
    for argument in &report.arguments {
        name("the argument", argument, '_', TOOL_NAME)?;
        members.insert(argument.as_str());
    }
    for word in &report.given {
        let Some(fact) = Fact::of_word(word) else {
            let word = text::one_line(word, 64);
            return Err(wrong("given", format!("`{word}` is nothing that a view can be given")));
        };
        if let Some(interface) = fact.needs().filter(|needed| !manifest.asks_for(needed)) {
            let reason = format!("who wants `{word}` has to ask for `{interface}`");
            return Err(wrong("given", reason));
        }
        members.insert(fact.word());
    }
    if members.len() == report.arguments.len() + report.given.len() && members.len() <= MOST {
        return Ok(());
    }
    Err(wrong(
        "arguments",
        format!("those of `{}` are too many, or one is there twice", report.name),
    ))
}

fn wrong(key: &'static str, reason: String) -> ManifestError {
    ManifestError::Value { key, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: &str = r#"
        [component]
        name = "pond"
        version = "0.1.0"
        kind = "view"
        publisher = "openkoi"
        description = "Shows the pond."
        [[capability]]
        interface = "records"
        why = "It shows what is recorded."
        [[view.report]]
        name = "fish"
        arguments = ["name"]
        given = ["time", "atlas"]
    "#;

    #[test]
    fn a_view_names_its_reports_and_asks_for_what_they_are_given() {
        let manifest = Manifest::parse(VIEW).unwrap();
        assert_eq!(manifest.view.unwrap().reports[0].given, ["time", "atlas"]);

        for (from, to, said) in [
            ("\"time\", \"atlas\"", "\"time\", \"moon\"", "moon"),
            ("\"time\", \"atlas\"", "\"learnings\"", "memory"),
            ("\"time\", \"atlas\"", "\"time\", \"time\"", "twice"),
            ("[\"name\"]", "[\"time\"]", "twice"),
            ("\"fish\"", "\"Fish\"", "Fish"),
            ("[\"name\"]", "[\"na me\"]", "na me"),
        ] {
            assert!(VIEW.contains(from));
            let error = Manifest::parse(&VIEW.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let none = VIEW.split("[[view.report]]").next().unwrap();
        Manifest::parse(none).unwrap_err();
        Manifest::parse(&format!("{none}\n[view]\nreport = []")).unwrap_err();
    }
}
