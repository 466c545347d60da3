//! How far the agent may go in each domain, and what it did unasked.

mod audit;
mod show;

use openkoi_sdk::{
    Failure, Result, export_view,
    view::{Document, View, arguments},
};

/// The component.
struct Trust;

impl View for Trust {
    fn render(name: &str, text: &str) -> Result<Document> {
        match name {
            "show" => Ok(show::show(&arguments(text)?)),
            "audit" => audit::audit(&arguments(text)?),
            other => Err(Failure::NotFound(format!("report `{other}`"))),
        }
    }
}

export_view!(Trust);
