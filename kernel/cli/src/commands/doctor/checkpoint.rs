//! The result of one check of the doctor.

use openkoi_core::document::{Notice, Tone};

use crate::error::CommandError;

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

    /// Returns what a person is told.
    pub(super) fn notice(&self) -> Notice {
        Notice {
            tone: self.health.tone(),
            about: self.area.to_owned(),
            text: vec![(&self.words).into()],
            hints: self.hints.clone(),
        }
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

    fn tone(self) -> Tone {
        match self {
            Self::Well => Tone::Good,
            Self::Note => Tone::Warning,
            Self::Ill => Tone::Bad,
        }
    }
}
