//! The result of connecting a provider.

use openkoi_app::access::KeySlot;
use serde_json::{Value, json};

use crate::output::{Output, Page};

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
    fn text(&self, page: &mut Page) {
        if self.is_silent {
            page.line(format!("kept what `{}` needs{}", self.name, self.note));
            return;
        }
        page.line(format!("connected `{}`{}", self.name, self.note));
        if let Some(model) = &self.model {
            page.line(format!("try it: openkoi -m {}/{model} \"say hello\"", self.name));
        }
    }

    fn json(&self) -> Value {
        json!({ "connected": self.name, "verified": self.verified, "kept": self.kept.map(word), "model": self.model })
    }
}

/// Returns the word for a place, for JSON.
fn word(place: KeySlot) -> &'static str {
    match place {
        KeySlot::File => "file",
        KeySlot::Keyring => "keyring",
    }
}
