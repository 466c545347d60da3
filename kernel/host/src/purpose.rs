//! What a layer is made for.

/// What the programs over a layer are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A call of a tool.
    Call,
    /// A call on trial: nothing of what it changes is in the workspace before a person has seen it.
    Trial,
    /// To go on after it: ignored directories are the real ones, so that what is built and written there is seen at once.
    Background,
    /// A check or a judge. What they change is dropped.
    Evaluation,
}
