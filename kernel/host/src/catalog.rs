//! The components that are here.
//!
//! Built-ins are a static index: listing them parses nothing, asking for a manifest parses that one, and the
//! code of a component is unpacked when it is first called.

mod section;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use openkoi_core::hash;
use wasmtime::component::Component;

use crate::{
    admission::{self, AdmissionError},
    engine::{EngineError, Loaded, Machine},
    manifest::{Kind, LimitRequest, Manifest, ManifestError},
};

/// The largest component that is looked at, in bytes.
pub const COMPONENT_BYTES: usize = 16 << 20;

/// Unpacks code into memory; says whether it filled that to its end.
pub type Unpack = fn(&[u8], &mut [u8]) -> bool;

/// A component that came with the program.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// SHA-256 of the WebAssembly bytes, in hexadecimal.
    pub digest: &'static str,
    /// Its manifest as JSON.
    pub manifest: &'static str,
    /// Its native code.
    pub native: &'static [u8],
    /// What unpacks the code, if it is packed.
    pub unpack: Option<Unpack>,
    /// Bytes of WebAssembly it was compiled from.
    pub wasm_len: usize,
    /// Bytes of native code, unpacked.
    pub native_len: usize,
}

/// Why a component cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// There is none of that name.
    #[error("there is no component `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// There is one of that name already.
    #[error("there is a component `{name}` already")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// It is larger than any honest one.
    #[error("it has {size} bytes; at most {COMPONENT_BYTES} are taken")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// It is something else.
    #[error("it is no WebAssembly component: {0}")]
    NotAComponent(String),
    /// Its manifest is not accepted.
    #[error("the manifest of {component}: {source}")]
    Manifest {
        /// Which component, if it is known.
        component: String,
        /// What is wrong.
        source: ManifestError,
    },
    /// It is not admitted.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// Its code is not accepted.
    #[error("`{component}` cannot be compiled: {source}")]
    Code {
        /// The component.
        component: String,
        /// Why.
        source: EngineError,
    },
    /// What was embedded is damaged.
    #[error("the embedded code of `{component}` is damaged: {reason}")]
    Damaged {
        /// The component.
        component: String,
        /// Why.
        reason: String,
    },
    /// The engine does not start.
    #[error("components cannot be run: {0}")]
    Engine(#[source] EngineError),
}

/// What lists show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its kind.
    pub kind: Kind,
    /// SHA-256 of the WebAssembly bytes, in hexadecimal.
    pub digest: &'a str,
    /// Bytes of WebAssembly.
    pub wasm_len: usize,
    /// Whether it came with the program.
    pub built_in: bool,
}

/// Where the code of a component is.
#[derive(Clone, Debug)]
enum Source {
    Embedded(Embedded),
    Compiled(Component),
}

/// One component.
#[derive(Debug)]
pub struct Entry {
    name: String,
    kind: Kind,
    digest: String,
    wasm_len: usize,
    source: Source,
    /// What the user set instead of what the manifest asks for.
    limits: LimitRequest,
    manifest: OnceLock<Result<Arc<Manifest>, CatalogError>>,
    loaded: Arc<OnceLock<Result<LoadedOpaque, CatalogError>>>,
}

/// [`Loaded`] without its insides in debug output.
#[derive(Clone)]
struct LoadedOpaque(Loaded);

impl std::fmt::Debug for LoadedOpaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Loaded")
    }
}

/// The components that are here. Clones share the engine and what is loaded.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    entries: BTreeMap<String, Arc<Entry>>,
    machine: Arc<OnceLock<Result<Machine, CatalogError>>>,
}

impl Catalog {
    /// Makes a catalog of built-ins. Nothing is parsed or unpacked.
    #[must_use]
    pub fn new(built_in: impl IntoIterator<Item = Embedded>) -> Self {
        let entries = built_in.into_iter().map(|embedded| {
            let entry = Entry {
                name: embedded.name.to_owned(),
                kind: embedded.kind,
                digest: embedded.digest.to_owned(),
                wasm_len: embedded.wasm_len,
                source: Source::Embedded(embedded),
                limits: LimitRequest::default(),
                manifest: OnceLock::new(),
                loaded: Arc::default(),
            };
            (entry.name.clone(), Arc::new(entry))
        });
        Self { entries: entries.collect(), machine: Arc::default() }
    }

    /// Returns the same components with these limits laid over those that the manifests of built-ins ask for. The
    /// engine and what is loaded are shared with this catalog. A name that is not here limits nothing.
    #[must_use]
    pub fn limited(&self, limits: &BTreeMap<String, LimitRequest>) -> Self {
        let mut limited = self.clone();
        for (name, own) in limits {
            let entry = limited.entries.get_mut(name);
            if let Some(entry) = entry.filter(|entry| entry.listed().built_in) {
                *entry = Arc::new(entry.limited(own));
            }
        }
        limited
    }

    /// Adds a component from its WebAssembly bytes: reads its manifest, decides whether it is admitted and
    /// only then compiles it, which takes seconds. Returns its name.
    ///
    /// # Errors
    ///
    /// Nothing was added.
    pub fn add_bytes(&mut self, wasm: &[u8]) -> Result<String, CatalogError> {
        let outline = section::outline(wasm)?;
        let manifest = Manifest::parse(&outline.manifest).map_err(|source| {
            CatalogError::Manifest { component: "the component".to_owned(), source }
        })?;
        let name = manifest.component.name.clone();
        if self.entries.contains_key(&name) {
            return Err(CatalogError::Duplicate { name });
        }
        admission::admit(&manifest, &outline.imports, &outline.exports)?;
        let broken = |source: EngineError| CatalogError::Code { component: name.clone(), source };
        let component = self.machine()?.compile(wasm).map_err(broken)?;
        let entry = Entry {
            name: name.clone(),
            kind: manifest.component.kind,
            digest: hash::of_bytes(wasm),
            wasm_len: wasm.len(),
            source: Source::Compiled(component),
            limits: LimitRequest::default(),
            manifest: OnceLock::from(Ok(Arc::new(manifest))),
            loaded: Arc::default(),
        };
        self.entries.insert(name.clone(), Arc::new(entry));
        Ok(name)
    }

    /// Returns all components, sorted by name.
    pub fn list(&self) -> impl Iterator<Item = Listed<'_>> {
        self.entries.values().map(|entry| entry.listed())
    }

    /// Returns the component `name`.
    ///
    /// # Errors
    ///
    /// [`CatalogError::Unknown`].
    pub fn find(&self, name: &str) -> Result<&Entry, CatalogError> {
        let unknown = || CatalogError::Unknown { name: crate::text::one_line(name, 80) };
        self.entries.get(name).map(Arc::as_ref).ok_or_else(unknown)
    }

    /// Returns the components of one kind, sorted by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(Arc::as_ref).filter(move |entry| entry.kind == kind)
    }

    /// Returns the engine, which is started at the first call.
    pub(crate) fn machine(&self) -> Result<&Machine, CatalogError> {
        let started = self.machine.get_or_init(|| Machine::start().map_err(CatalogError::Engine));
        started.as_ref().map_err(Clone::clone)
    }

    /// Returns a component ready to be called, made so at the first call.
    pub(crate) fn load(&self, entry: &Entry) -> Result<Loaded, CatalogError> {
        let machine = self.machine()?;
        let loaded = entry.loaded.get_or_init(|| entry.load(machine).map(LoadedOpaque));
        loaded.as_ref().map(|loaded| loaded.0.clone()).map_err(Clone::clone)
    }
}

impl Entry {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the SHA-256 of its WebAssembly bytes, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns its manifest, parsed at the first call.
    ///
    /// # Errors
    ///
    /// [`CatalogError::Manifest`].
    pub fn manifest(&self) -> Result<&Arc<Manifest>, CatalogError> {
        let parsed = self.manifest.get_or_init(|| match &self.source {
            Source::Embedded(embedded) => self.parse(embedded.manifest),
            Source::Compiled(_) => Err(self.broken(ManifestError::Missing)),
        });
        parsed.as_ref().map_err(Clone::clone)
    }

    fn parse(&self, text: &str) -> Result<Arc<Manifest>, CatalogError> {
        let mut manifest = Manifest::parse(text).map_err(|source| self.broken(source))?;
        manifest.limits = self.limits.over(&manifest.limits);
        Ok(Arc::new(manifest))
    }

    fn broken(&self, source: ManifestError) -> CatalogError {
        CatalogError::Manifest { component: format!("`{}`", self.name), source }
    }

    fn listed(&self) -> Listed<'_> {
        Listed {
            name: &self.name,
            kind: self.kind,
            digest: &self.digest,
            wasm_len: self.wasm_len,
            built_in: matches!(self.source, Source::Embedded(_)),
        }
    }

    fn limited(&self, limits: &LimitRequest) -> Self {
        Self {
            name: self.name.clone(),
            kind: self.kind,
            digest: self.digest.clone(),
            wasm_len: self.wasm_len,
            source: self.source.clone(),
            limits: limits.clone(),
            manifest: OnceLock::new(),
            loaded: Arc::clone(&self.loaded),
        }
    }

    fn load(&self, machine: &Machine) -> Result<Loaded, CatalogError> {
        let broken = |source| CatalogError::Code { component: self.name.clone(), source };
        let manifest = self.manifest()?;
        let component = match &self.source {
            Source::Compiled(component) => component.clone(),
            Source::Embedded(embedded) => {
                let component = machine.revive(embedded).map_err(|error| self.damaged(error))?;
                self.admit(machine, manifest, &component)?;
                component
            }
        };
        machine.link(self.kind, &component).map_err(broken)
    }

    /// Built-ins meet the same check as everybody else.
    fn admit(
        &self,
        machine: &Machine,
        manifest: &Manifest,
        component: &Component,
    ) -> Result<(), CatalogError> {
        let shape = component.component_type();
        let names = |name: &str| name.to_owned();
        let imports: Vec<String> =
            shape.imports(machine.engine()).map(|(name, _)| names(name)).collect();
        let exports: Vec<String> =
            shape.exports(machine.engine()).map(|(name, _)| names(name)).collect();
        Ok(admission::admit(manifest, &imports, &exports)?)
    }

    fn damaged(&self, reason: impl ToString) -> CatalogError {
        CatalogError::Damaged { component: self.name.clone(), reason: reason.to_string() }
    }
}
