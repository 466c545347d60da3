//! The result of one check of the doctor.

use crate::{error::CommandError, output::Style};

/// The health of one thing that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Well,
    Note,
    Ill,
}

/// One thing that was checked.
#[derive(Debug)]
pub(super) struct Checkpoint {
    pub(super) area: &'static str,
    pub(super) health: Health,
    pub(super) words: String,
    pub(super) hints: Vec<String>,
}

impl Checkpoint {
    pub(super) fn well(area: &'static str, words: impl Into<String>) -> Self {
        Self { area, health: Health::Well, words: words.into(), hints: Vec::new() }
    }

    pub(super) fn note(area: &'static str, words: impl Into<String>) -> Self {
        Self { health: Health::Note, ..Self::well(area, words) }
    }

    pub(super) fn ill(area: &'static str, error: &CommandError) -> Self {
        let hints = error.hints.clone();
        Self { health: Health::Ill, hints, ..Self::well(area, &error.message) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl Health {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::Note => "note",
            Self::Ill => "error",
        }
    }

    pub(super) fn style(self) -> Style {
        match self {
            Self::Well => Style::Good,
            Self::Note => Style::Caution,
            Self::Ill => Style::Bad,
        }
    }
}
