//! Views: reports that are made of records when somebody looks, and kept nowhere.

use serde_json::Value;

use crate::{document::Document, failure::Failure, port::Pending};

/// A report that a view can render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The view that has it.
    pub view: String,
    /// Its name, unique in the view.
    pub name: String,
    /// What the person asks for it with.
    pub arguments: Vec<String>,
    /// The facts that it is given beside these. They are what the view's manifest asks for.
    pub given: Vec<Fact>,
}

/// Something that is known of the user's home and is no record of a task. A view is given those that its manifest asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The time: now, and the beginnings of the last days where the user is.
    Time,
    /// What earlier tasks tell of tools, programs, fields of work and the user.
    Atlas,
    /// What is remembered, with how it helped.
    Learnings,
    /// The tasks whose work is undone now.
    Undone,
    /// Trust levels, grants, and what outcomes say about them.
    Trust,
    /// SOUL.md with its history, and what is proposed for it.
    Soul,
}

impl Fact {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Time, Self::Atlas, Self::Learnings, Self::Undone, Self::Trust, Self::Soul];

    /// Returns the fact that a manifest's word means.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.word() == word)
    }

    /// Returns its word in a manifest, under which the view finds it among its arguments.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Atlas => "atlas",
            Self::Learnings => "learnings",
            Self::Undone => "undone",
            Self::Trust => "trust",
            Self::Soul => "soul",
        }
    }

    /// Returns the interface that a view has to be granted for it, if it tells what not everybody may know.
    #[must_use]
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Self::Time => None,
            Self::Atlas | Self::Undone | Self::Trust => Some("records"),
            Self::Learnings | Self::Soul => Some("memory"),
        }
    }
}

/// Those who render reports. They read, and change nothing.
pub trait Views: Send + Sync {
    /// Returns a report by its view and its name.
    ///
    /// # Errors
    ///
    /// There is none, or its view cannot be used.
    fn report(&self, view: &str, name: &str) -> Result<Report, Failure>;

    /// Renders a report. `arguments` is an object with the members that the report asks for.
    fn render<'a>(
        &'a self,
        report: &'a Report,
        arguments: &'a Value,
    ) -> Pending<'a, Result<Document, Failure>>;
}
