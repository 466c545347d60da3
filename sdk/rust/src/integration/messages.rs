//! Short ways to make what is said.

use super::{Outgoing, Place, Reception, Tone};

impl Place {
    /// Returns a conversation, outside of its threads.
    pub fn of(conversation: impl Into<String>) -> Self {
        Self { conversation: conversation.into(), thread: None }
    }
}

impl Outgoing {
    /// Returns a message of text alone to a conversation.
    pub fn text(conversation: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            place: Place::of(conversation),
            title: String::new(),
            text: text.into(),
            tone: Tone::Neutral,
            fields: Vec::new(),
            links: Vec::new(),
            buttons: Vec::new(),
            attachments: Vec::new(),
            footer: String::new(),
            mentions: Vec::new(),
            replaces: None,
        }
    }
}

impl Default for Reception {
    /// An event that is of no interest to people.
    fn default() -> Self {
        Self { happenings: Vec::new(), reply: None, alarm: None }
    }
}
