//! The result of connecting a provider.

use openkoi_app::access::KeySlot;
use openkoi_core::document::{Block, Document, Pairs};

use crate::output::Output;

/// A provider that was connected.
pub(super) struct Connected {
    pub(super) name: String,
    /// A model to try it with.
    pub(super) model: Option<String>,
    /// True if the provider has accepted the credential.
    pub(super) verified: bool,
    /// True if nothing answered, so that what is kept may be of no use.
    pub(super) is_silent: bool,
    /// The place where a key is kept.
    pub(super) kept: Option<KeySlot>,
    pub(super) note: String,
}

impl Output for Connected {
    fn document(&self) -> Document {
        let (name, note) = (&self.name, &self.note);
        let words = match self.is_silent {
            true => format!("kept what `{name}` needs{note}"),
            false => format!("connected `{name}`{note}"),
        };
        let model = self.model.as_ref().filter(|_| !self.is_silent);
        let next = model.map(|model| {
            Block::paragraph(format!("try it: openkoi -m {name}/{model} \"say hello\""))
        });
        let facts = Pairs::new("")
            .for_programs("connected", name)
            .for_programs("verified", self.verified)
            .for_programs("kept", self.kept.map(word))
            .for_programs("model", self.model.as_ref());
        Document::new("Connected").with(Block::paragraph(words)).with_all(next).with(facts)
    }
}

/// Returns the word for a place, for programs.
fn word(place: KeySlot) -> &'static str {
    match place {
        KeySlot::File => "file",
        KeySlot::Keyring => "keyring",
    }
}
