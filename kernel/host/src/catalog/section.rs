//! Reads manifest, imports and exports of a component before it is compiled.

use wasmparser::{Encoding, Parser, Payload};

use super::error::{COMPONENT_BYTES, CatalogError};
use crate::{
    manifest::{MANIFEST_BYTES, ManifestError},
    sabotage::{Guard, off},
};

/// The custom section that holds the manifest.
pub(super) const SECTION: &str = "openkoi:manifest";

/// The parts of a component that admission looks at.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) manifest: String,
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

/// Reads the outline of `wasm`. Function bodies are passed over.
pub(super) fn outline(wasm: &[u8]) -> Result<Outline, CatalogError> {
    if wasm.len() > COMPONENT_BYTES && !off(Guard::HostSize) {
        return Err(CatalogError::TooLarge { size: wasm.len() });
    }
    let (mut manifest, mut imports, mut exports) = (None, Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(not_a_component)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                let what = "it is a core module; it has to be componentized first";
                return Err(CatalogError::NotAComponent(what.to_owned()));
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // The toolchain puts a section of the program into its core module; a packer would put it into
            // the component.
            Payload::CustomSection(section) if section.name() == SECTION => {
                if manifest.is_some() {
                    return Err(broken(ManifestError::Repeated));
                }
                manifest = Some(text(section.data())?);
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(not_a_component)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(not_a_component)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    let manifest = manifest.ok_or_else(|| broken(ManifestError::Missing))?;
    Ok(Outline { manifest, imports, exports })
}

fn text(data: &[u8]) -> Result<String, CatalogError> {
    if data.len() > MANIFEST_BYTES {
        return Err(broken(ManifestError::TooLarge { size: data.len() }));
    }
    let text = std::str::from_utf8(data).map_err(|_| broken(ManifestError::NotText))?;
    Ok(text.to_owned())
}

fn broken(source: ManifestError) -> CatalogError {
    CatalogError::Manifest { component: "the component".to_owned(), source }
}

fn not_a_component(error: wasmparser::BinaryReaderError) -> CatalogError {
    CatalogError::NotAComponent(crate::text::one_line(error.message(), 200))
}
