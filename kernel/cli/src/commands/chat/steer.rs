//! What is typed while a turn runs, for the model: it reads it with the results of its next tools.

use std::{path::PathBuf, sync::Arc};

use openkoi_core::port::Steering;

use super::{mention, slash};
use crate::keyboard::Keys;

/// The lines that wait, up to the first one that is no message: commands and pictures wait for the end of the turn, and
/// what was typed after them with them.
#[derive(Debug)]
pub(super) struct Queue {
    /// The keys of the conversation.
    pub(super) keys: Arc<Keys>,
    /// The directory in which files are mentioned.
    pub(super) workspace: PathBuf,
    /// The person's home.
    pub(super) home: Option<PathBuf>,
}

impl Steering for Queue {
    fn take(&self) -> Option<String> {
        let texts: Vec<String> =
            std::iter::from_fn(|| self.keys.next_line_if(|line| self.message(line))).collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }
}

impl Queue {
    /// Returns the line with the files that it mentions, if it is a message that can be told now.
    fn message(&self, line: &str) -> Option<String> {
        let line = line.trim();
        if line.starts_with('!') || !matches!(slash::command(line), Ok(None)) {
            return None;
        }
        let sent = mention::with_files(line, &self.workspace, self.home.as_deref()).ok()?;
        sent.attachments.is_empty().then_some(sent.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn messages_are_told_in_order_until_something_has_to_wait() {
        let table: [(&[&str], Option<&str>, &str); 6] = [
            (&[], None, ""),
            (&["use tabs"], Some("use tabs"), ""),
            (&["one", " two "], Some("one\n\ntwo"), ""),
            (&["one", "/cost", "two"], Some("one"), "/cost\ntwo"),
            (&["!ls", "two"], None, "!ls\ntwo"),
            (&["see @/etc/passwd"], None, "see @/etc/passwd"),
        ];
        let world = World::new();
        for (lines, told, rest) in table {
            let keys = Arc::new(Keys::default());
            lines.iter().for_each(|line| keys.type_line(line));
            let queue = Queue { keys, workspace: world.workspace(), home: None };

            assert_eq!(queue.take().as_deref(), told, "{lines:?}");
            assert_eq!(queue.keys.unsent(), rest, "{lines:?}");
        }
    }
}
