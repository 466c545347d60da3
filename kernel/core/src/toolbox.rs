//! The tools of a run.

use crate::{
    failure::Failure,
    message::ToolCall,
    port::Pending,
    scope::Scope,
    tool::{Tool, ToolOutput},
};

/// The tools that one run may use.
pub trait Toolbox: Send + Sync {
    /// Returns the tools, sorted by name.
    fn tools(&self) -> Vec<Tool>;

    /// Runs a call that the gate has let pass. Arguments are valid JSON of an object.
    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>>;
}
