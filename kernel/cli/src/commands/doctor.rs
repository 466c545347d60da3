//! `openkoi doctor`: whether everything that a task needs is there. Nothing is changed, nothing leaves the machine.

mod look;

use serde_json::{Value, json};

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Output, Page, Style},
    reply::Reply,
};

/// Arguments of `openkoi doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Looks at everything.
///
/// # Errors
///
/// Never: what cannot be looked at is a finding.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let checkup = Checkup(look::everything(context));
    let exit = if checkup.is_well() { Exit::Accepted } else { Exit::Configuration };
    Ok(Reply::new(checkup, args.json).ending(exit))
}

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    Note,
    Ill,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    area: &'static str,
    health: Health,
    words: String,
    hints: Vec<String>,
}

impl Finding {
    fn well(area: &'static str, words: impl Into<String>) -> Self {
        Self { area, health: Health::Well, words: words.into(), hints: Vec::new() }
    }

    fn note(area: &'static str, words: impl Into<String>) -> Self {
        Self { health: Health::Note, ..Self::well(area, words) }
    }

    fn ill(area: &'static str, error: &CommandError) -> Self {
        let hints = error.hints.clone();
        Self { health: Health::Ill, hints, ..Self::well(area, &error.message) }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

struct Checkup(Vec<Finding>);

impl Checkup {
    fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.health != Health::Ill)
    }
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::Note => "note",
            Self::Ill => "error",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Well => Style::Good,
            Self::Note => Style::Caution,
            Self::Ill => Style::Bad,
        }
    }
}

impl Output for Checkup {
    fn text(&self, page: &mut Page) {
        for finding in &self.0 {
            let word =
                page.painted(finding.health.style(), &format!("{:<5}", finding.health.word()));
            page.marked(&word, &format!("{:<11} {}", finding.area, finding.words));
            finding.hints.iter().for_each(|hint| page.line(format!("        hint: {hint}")));
        }
    }

    fn json(&self) -> Value {
        let findings = self.0.iter().map(|finding| {
            json!({
                "area": finding.area,
                "status": finding.health.word(),
                "message": finding.words,
                "hints": finding.hints,
            })
        });
        json!({ "ok": self.is_well(), "findings": findings.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_no_illness() {
        let ill = Finding::ill("home", &CommandError::configuration("it is read-only"));

        assert!(Checkup(vec![Finding::well("a", "b"), Finding::note("c", "d")]).is_well());
        assert!(!Checkup(vec![Finding::well("a", "b"), ill]).is_well());
    }
}
