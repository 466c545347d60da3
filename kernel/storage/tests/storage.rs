//! What storage promises, through its public door.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

#[path = "storage/support.rs"]
mod support;

#[path = "storage/chain.rs"]
mod chain;
#[path = "storage/contents.rs"]
mod contents;
#[path = "storage/conversation.rs"]
mod conversation;
#[path = "storage/crash.rs"]
mod crash;
#[path = "storage/grants.rs"]
mod grants;
#[path = "storage/journal.rs"]
mod journal;
#[path = "storage/kills.rs"]
mod kills;
#[path = "storage/memory.rs"]
mod memory;
#[path = "storage/opener.rs"]
mod opener;
#[path = "storage/output.rs"]
mod output;
#[path = "storage/proposals.rs"]
mod proposals;
#[path = "storage/records.rs"]
mod records;
#[path = "storage/skills.rs"]
mod skills;
#[path = "storage/state.rs"]
mod state;
#[path = "storage/tasks.rs"]
mod tasks;
#[path = "storage/trust.rs"]
mod trust;
