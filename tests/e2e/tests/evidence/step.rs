//! One thing that is done to a workspace: by the model with a tool, or directly, which tells what the tool should do.

use std::{fs, path::Path, process::Command};

use openkoi_test_support::script::Turn;
use serde_json::{Value, json};

/// One thing that is done to a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A file is written.
    Write { path: String, bytes: Vec<u8> },
    /// Texts are replaced, one after the other.
    Edit { path: String, edits: Vec<(String, String)> },
    /// A file is removed.
    Remove { path: String },
    /// A command is run.
    Run { command: String },
}

impl Step {
    /// Adds the call to what a model does in one turn.
    pub(crate) fn called(&self, turn: Turn) -> Turn {
        match self {
            Self::Write { path, bytes } => turn.write(path, &String::from_utf8_lossy(bytes)),
            Self::Edit { path, edits } => {
                let edits =
                    edits.iter().map(|(old, new)| json!({ "old_string": old, "new_string": new }));
                turn.call(
                    "edit_file",
                    json!({ "path": path, "edits": edits.collect::<Vec<Value>>() }),
                )
            }
            Self::Remove { path } => turn.call("remove_file", json!({ "path": path })),
            Self::Run { command } => turn.shell(command),
        }
    }

    /// Does it in `directory` by itself.
    pub(crate) fn apply(&self, directory: &Path) {
        match self {
            Self::Write { path, bytes } => {
                let path = directory.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            Self::Edit { path, edits } => {
                let place = directory.join(path);
                let before =
                    fs::read_to_string(&place).unwrap_or_else(|error| panic!("{path}: {error}"));
                fs::write(
                    place,
                    edits.iter().fold(before, |text, edit| replaced(path, &text, edit)),
                )
                .unwrap();
            }
            Self::Remove { path } => {
                fs::remove_file(directory.join(path))
                    .unwrap_or_else(|error| panic!("{path}: {error}"));
            }
            Self::Run { command } => {
                let output = Command::new("sh")
                    .args(["-c", command])
                    .current_dir(directory)
                    .output()
                    .unwrap();
                assert!(output.status.success(), "{command}: {output:?}");
            }
        }
    }
}

fn replaced(path: &str, text: &str, (old, new): &(String, String)) -> String {
    assert_eq!(text.matches(old.as_str()).count(), 1, "`{old}` is not once in {path}:\n{text}");
    text.replacen(old.as_str(), new, 1)
}
