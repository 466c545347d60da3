//! The manifest of a component: its name, its tools, the capabilities that it asks for, and why.
//!
//! The text is the component's `component.toml`, embedded as the custom section `openkoi:manifest`; built-ins
//! carry it as JSON. Listing tools, asking for consent and describing credentials need the manifest alone and run no
//! guest. Unknown keys are errors: a key that is not understood may be a restriction.

mod check;
mod error;
mod granted;
mod parts;
pub(crate) mod template;

pub use crate::world::Kind;
pub use error::ManifestError;
pub use parts::{
    About, Capability, CredentialEntry, CredentialStore, DESCRIPTION_BYTES, EvaluatorEntry,
    LimitRequest, MANIFEST_BYTES, MOST_TOOLS, Manifest, OptionEntry, PresetEntry, ProviderEntry,
    ReportEntry, SCHEMA_BYTES, StoreEntry, ToolEntry, ViewEntry, WebhookEntry, Wire,
};

impl Manifest {
    /// Reads and checks a manifest, TOML or JSON.
    ///
    /// # Errors
    ///
    /// The first fault that is found.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MANIFEST_BYTES {
            return Err(ManifestError::TooLarge { size: text.len() });
        }
        let mut manifest: Self = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| ManifestError::syntax(&error))?
        } else {
            toml::from_str(text).map_err(|error| ManifestError::syntax(&error))?
        };
        check::check(&mut manifest)?;
        Ok(manifest)
    }

    /// Reads a manifest that came with the program, as JSON. Tests hold it to all checks, so that a start does not.
    ///
    /// # Errors
    ///
    /// It is not what the build wrote.
    pub fn of_built_in(text: &str) -> Result<Self, ManifestError> {
        let mut manifest: Self =
            serde_json::from_str(text).map_err(|error| ManifestError::syntax(&error))?;
        for tool in &mut manifest.tools {
            tool.schema = check::read_schema(tool)?.into();
        }
        Ok(manifest)
    }
}
