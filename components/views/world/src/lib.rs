//! The world as earlier tasks saw it: tools and programs, fields of work, the user.

mod human;
mod map;
mod tools;

use openkoi_sdk::{
    Failure, Result, export_view,
    view::{
        Document, View, arguments,
        facts::{Atlas, Time},
    },
};
use serde::Deserialize;

/// The component.
struct World;

/// What the reports are given.
#[derive(Deserialize)]
struct Given {
    time: Time,
    atlas: Atlas,
    /// The tool that one of them is about.
    #[serde(default)]
    name: String,
}

impl View for World {
    fn render(name: &str, text: &str) -> Result<Document> {
        let given: Given = arguments(text)?;
        match name {
            "map" => Ok(map::map(&given.atlas)),
            "tools" => tools::tools(&given.atlas, &given.time),
            "tool" => tools::tool(&given.atlas, &given.name),
            "domains" => Ok(map::domains(&given.atlas)),
            "human" => Ok(human::human(&given.atlas.human)),
            other => Err(Failure::NotFound(format!("the report `{other}`"))),
        }
    }
}

export_view!(World);
