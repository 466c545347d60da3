//! Names of things: newtypes over short text, so that a task's id cannot stand where a session's belongs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Returns the last eight characters of an id, which is how a person sees it.
///
/// The beginning of an id is a time; its end is what tells two of one day apart.
pub fn short(id: &str) -> &str {
    let start = id.len().saturating_sub(8);
    id.get(start..).unwrap_or(id)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes `text` as an id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the whole id.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the last eight characters, which is how a person sees it.
            pub fn short(&self) -> &str {
                short(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A task: what the user asked, with its limits. Its run has the same id.
    TaskId
}
id! {
    /// A session: one conversation, or one task by itself.
    SessionId
}
id! {
    /// One state of the workspace, named by its contents.
    TreeId
}
