//! The messages of an iteration.

use crate::message::Message;

/// The messages of an iteration, with the place of the one that opens the work.
pub(super) struct Conversation {
    pub(super) messages: Vec<Message>,
    /// Index of the present question, which always stays.
    pub(super) opening: usize,
}

impl Conversation {
    pub(super) fn push(&mut self, message: Message) {
        self.messages.push(message);
    }
}
