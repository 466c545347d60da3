//! A provider that was connected, as it is told.

use openkoi_app::access::KeySlot;
use serde_json::{Value, json};

use crate::output::{Output, Page};

/// What came of it.
pub(super) struct Connected {
    pub(super) name: String,
    /// A model to try it with.
    pub(super) model: Option<String>,
    /// Whether the provider has said that the credential is good.
    pub(super) verified: bool,
    /// Where a key is kept.
    pub(super) kept: Option<KeySlot>,
    pub(super) note: String,
}

impl Output for Connected {
    fn text(&self, page: &mut Page) {
        page.line(format!("connected `{}`{}", self.name, self.note));
        if let Some(model) = &self.model {
            page.line(format!("try it: openkoi -m {}/{model} \"say hello\"", self.name));
        }
    }

    fn json(&self) -> Value {
        json!({ "connected": self.name, "verified": self.verified, "kept": self.kept.map(word), "model": self.model })
    }
}

/// Returns the word for a place of keys.
fn word(place: KeySlot) -> &'static str {
    match place {
        KeySlot::File => "file",
        KeySlot::Keyring => "keyring",
    }
}
