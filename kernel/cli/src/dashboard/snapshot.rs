//! All that the dashboard shows, once.

use openkoi_core::document::{Block, Document, Heading};

use super::{message::Tab, read::Reader};
use crate::{context::Context, error::CommandError, output::Output, reply::Reply};

/// Returns what is there now.
///
/// # Errors
///
/// When something of it cannot be read.
pub(super) fn reply(json: bool, context: &Context) -> Result<Reply, CommandError> {
    let mut reader = Reader::new(context, openkoi_app::day::zone_here());
    let mut document = Document::new("Dashboard");
    for tab in Tab::ALL {
        document.push(Heading::new(tab.title().to_lowercase(), tab.title()));
        document.blocks.extend(reader.list(tab, false)?.document.blocks.into_iter().map(below));
    }
    Ok(Reply::new(Snapshot(document), json))
}

/// Puts a block below the heading of its tab.
fn below(block: Block) -> Block {
    match block {
        Block::Heading(heading) => {
            Block::Heading(Heading { level: (heading.level + 1).min(4), ..heading })
        }
        other => other,
    }
}

struct Snapshot(Document);

impl Output for Snapshot {
    fn document(&self) -> Document {
        self.0.clone()
    }
}
