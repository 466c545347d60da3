//! What a component says of itself, taken from its own bytes. Only what the index needs is looked at; the host
//! reads the manifest with all its rules.

use wasmparser::{Parser, Payload};

use crate::{error::BuildError, guests::Guest};

const SECTION: &str = "openkoi:manifest";
const KINDS: [&str; 9] = [
    "agency",
    "embedder",
    "evaluator",
    "filter",
    "integration",
    "learner",
    "provider",
    "tool",
    "view",
];

/// The part of a manifest by which a component is found, and the whole of it as JSON.
#[derive(Clone)]
pub(crate) struct Manifest {
    /// The component's name.
    pub(crate) name: String,
    /// Its kind.
    pub(crate) kind: String,
    /// The whole manifest, compact.
    pub(crate) json: String,
}

/// Reads the manifest of `guest`.
pub(crate) fn read(guest: &Guest) -> Result<Manifest, BuildError> {
    let problem =
        |problem: String| BuildError::Manifest { package: guest.package.clone(), problem };
    let text = section(&guest.wasm).ok_or_else(|| {
        problem("it has no manifest; is there an `export_…!` for its type?".to_owned())
    })?;
    let text =
        std::str::from_utf8(text).map_err(|_| problem("component.toml is not UTF-8".to_owned()))?;
    let table: toml::Table =
        text.parse().map_err(|error| problem(format!("component.toml: {error}")))?;
    let field = |name: &str| -> Result<String, BuildError> {
        let value = table.get("component").and_then(|component| component.get(name)?.as_str());
        let value =
            value.ok_or_else(|| problem(format!("component.toml: [component] needs `{name}`")))?;
        Ok(value.to_owned())
    };
    for required in ["version", "publisher", "description"] {
        field(required)?;
    }
    let (name, kind) = (field("name")?, field("kind")?);
    if !is_name(&name) {
        return Err(problem(format!("component.toml: `{name}` is no name; use a-z, 0-9 and `-`")));
    }
    if !KINDS.contains(&kind.as_str()) {
        return Err(problem(format!(
            "component.toml: `{kind}` is no kind; one of {}",
            KINDS.join(", ")
        )));
    }
    let json = serde_json::to_string(&table).map_err(|error| problem(error.to_string()))?;
    Ok(Manifest { name, kind, json })
}

fn is_name(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(rest)
}

/// Finds the section, which lies in the core module inside of the component.
fn section(wasm: &[u8]) -> Option<&[u8]> {
    let mut payloads = Parser::new(0).parse_all(wasm).filter_map(Result::ok);
    payloads.find_map(|payload| match payload {
        Payload::CustomSection(section) if section.name() == SECTION => Some(section.data()),
        _ => None,
    })
}
