//! A tool of the catalog as the host knows it.

use std::sync::Arc;

use openkoi_core::{capability::Grant, tool::Tool};

use crate::{instance::CallLimits, service::account::Account};

/// One tool, with the limits and the grant of its calls.
pub(super) struct KnownTool {
    pub(super) component: String,
    pub(super) tool: Tool,
    /// Names that it had in earlier versions.
    pub(super) formerly: Vec<String>,
    pub(super) limits: CallLimits,
    pub(super) grant: Grant,
    /// The account whose credentials its requests may carry.
    pub(super) account: Option<Arc<Account>>,
}
