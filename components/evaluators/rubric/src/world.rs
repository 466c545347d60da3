//! The outside of this component, as a trait, so that all of it can be tested natively.

use openkoi_sdk::model::{self, Completion, Prompt};
use openkoi_sdk::{Result, files, progress};

/// The most bytes of a file that is looked at.
const FILE_BYTES: u64 = 2 * 1024 * 1024;

/// The role that judges.
const ROLE: &str = "evaluator";

/// A model and the workspace, to be read.
pub(crate) trait World {
    /// Asks the model for one turn.
    fn complete(&self, prompt: &Prompt) -> Result<Completion>;
    /// Returns a file's bytes.
    fn read(&self, path: &str) -> Result<Vec<u8>>;
    /// Returns a directory's entries; directories end with `/`.
    fn list(&self, path: &str) -> Result<Vec<String>>;
    /// Says what is being done.
    fn say(&self, message: &str);
}

/// The world of a component: its host.
pub(crate) struct Host;

impl World for Host {
    fn complete(&self, prompt: &Prompt) -> Result<Completion> {
        model::complete(ROLE, prompt)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        files::read_to_end(path, FILE_BYTES)
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        let path = if path.is_empty() { "." } else { path };
        let name = |entry: files::Entry| match entry.stat.is_directory() {
            true => format!("{}/", entry.name),
            false => entry.name,
        };
        Ok(files::list(path)?.into_iter().map(name).collect())
    }

    fn say(&self, message: &str) {
        progress::report(message);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use openkoi_sdk::Failure;
    use openkoi_sdk::conversation::{Part, StopReason, ToolCall, Usage};
    use std::cell::RefCell;
    use std::collections::{BTreeMap, VecDeque};

    /// A workspace of texts and a model that says what was written down for it.
    #[derive(Default)]
    pub(crate) struct Fake {
        files: BTreeMap<String, Vec<u8>>,
        turns: RefCell<VecDeque<Vec<Part>>>,
        pub asked: RefCell<Vec<Prompt>>,
    }

    impl Fake {
        pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
            self.files.insert(path.to_owned(), text.as_bytes().to_vec());
            self
        }

        pub(crate) fn calls(self, tool: &str, arguments: &str) -> Self {
            let id = format!("call-{}", self.turns.borrow().len());
            let call = ToolCall { id, name: tool.to_owned(), arguments: arguments.to_owned() };
            self.turns.borrow_mut().push_back(vec![Part::ToolCall(call)]);
            self
        }

        pub(crate) fn says(self, text: &str) -> Self {
            self.turns.borrow_mut().push_back(vec![Part::Text(text.to_owned())]);
            self
        }

        /// The text of the last message of each prompt.
        pub(crate) fn heard(&self) -> Vec<String> {
            let asked = self.asked.borrow();
            asked
                .iter()
                .map(|prompt| {
                    let last = prompt.messages.last().unwrap();
                    let part = |part: &Part| match part {
                        Part::Text(text) => text.clone(),
                        Part::ToolResult(result) => result.content.clone(),
                        other => panic!("not expected: {other:?}"),
                    };
                    last.parts.iter().map(part).collect::<Vec<_>>().join("\n")
                })
                .collect()
        }
    }

    impl World for Fake {
        fn complete(&self, prompt: &Prompt) -> Result<Completion> {
            self.asked.borrow_mut().push(prompt.clone());
            let parts = self.turns.borrow_mut().pop_front();
            let parts = parts.ok_or_else(|| Failure::failed("nothing more was written down"))?;
            let (stop, model) = (StopReason::Finished, "judge".to_owned());
            Ok(Completion { parts, stop, usage: Usage::UNKNOWN, model })
        }

        fn read(&self, path: &str) -> Result<Vec<u8>> {
            self.files.get(path).cloned().ok_or_else(|| Failure::not_found(format!("`{path}`")))
        }

        fn list(&self, path: &str) -> Result<Vec<String>> {
            let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
            let names = self.files.keys().filter_map(|file| file.strip_prefix(&prefix));
            Ok(names.map(str::to_owned).collect())
        }

        fn say(&self, _message: &str) {}
    }
}
