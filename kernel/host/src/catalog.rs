//! The installed components.
//!
//! Built-ins are a static index: listing them parses nothing, asking for a manifest parses that one, and the
//! code of a component is unpacked, or compiled, when it is first called. A catalog does not change: one with a further component
//! is another catalog, and calls in flight end on theirs.

mod error;
mod section;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use openkoi_core::hash;
use wasmtime::component::Component;

pub use crate::embedded::{Embedded, Form, Unpack};
pub use error::{COMPONENT_BYTES, CatalogError};

use crate::{
    admission,
    engine::{
        Engine, EngineError,
        compiler::{Compiler, Origin},
    },
    linker::{Linkers, Loaded},
    manifest::{Kind, LimitRequest, Manifest, ManifestError},
};

/// A component as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedComponent<'a> {
    /// The name.
    pub name: &'a str,
    /// The kind.
    pub kind: Kind,
    /// SHA-256 of the WebAssembly bytes, in hexadecimal.
    pub digest: &'a str,
    /// Size of the WebAssembly, in bytes.
    pub wasm_len: usize,
    /// True for a component that came with the program.
    pub built_in: bool,
}

/// The origin of a component's code.
#[derive(Clone, Debug)]
enum Source {
    Embedded(Embedded),
    Compiled(Component),
}

/// One component of the catalog.
#[derive(Debug)]
pub struct CatalogEntry {
    name: String,
    kind: Kind,
    digest: String,
    wasm_len: usize,
    source: Source,
    /// Limits of the user; they override those of the manifest.
    limits: LimitRequest,
    manifest: OnceLock<Result<Arc<Manifest>, CatalogError>>,
    loaded: Arc<OnceLock<Result<LoadedOpaque, CatalogError>>>,
}

/// [`Loaded`], which debug output does not open.
#[derive(Clone)]
struct LoadedOpaque(Loaded);

impl std::fmt::Debug for LoadedOpaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Loaded")
    }
}

/// The installed components. Clones share the engine and all loaded components.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    entries: BTreeMap<String, Arc<CatalogEntry>>,
    engine: Arc<OnceLock<Result<Engine, CatalogError>>>,
    linkers: Arc<Linkers>,
    compiler: Compiler,
}

impl Catalog {
    /// Makes a catalog of built-ins with the limits that their manifests ask for. Nothing is parsed or unpacked.
    #[must_use]
    pub fn new(built_in: impl IntoIterator<Item = Embedded>) -> Self {
        let entries = built_in.into_iter().map(|embedded| {
            let entry = CatalogEntry {
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
        Self { entries: entries.collect(), ..Self::default() }
    }

    /// Returns the same components with limits of the user laid over those that the manifests of built-ins ask for.
    /// Both catalogs share the engine and what is loaded. A name that is not here limits nothing.
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

    /// Returns the same components, with the code that is compiled here kept in `directory`, for other processes too.
    /// Without it nothing is kept.
    #[must_use]
    pub fn keeping(&self, directory: PathBuf) -> Self {
        Self { compiler: Compiler::keeping(directory), ..self.clone() }
    }

    /// Returns a catalog with one more component, and the name of it. This catalog stays as it is; both share the
    /// engine and what is loaded.
    ///
    /// The manifest in the WebAssembly bytes is read first. A component that is admitted is then compiled in a
    /// process that can do nothing else, which takes a second.
    ///
    /// # Errors
    ///
    /// The reason why the component cannot be used.
    pub fn with_component(&self, wasm: &[u8]) -> Result<(Self, String), CatalogError> {
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
        let digest = hash::of_bytes(wasm);
        let engine = self.engine()?;
        let component = match engine.kept(&self.compiler, &digest) {
            Some(component) => component,
            None => engine.make(&self.compiler, wasm, &digest, Origin::Foreign).map_err(broken)?,
        };
        let entry = CatalogEntry {
            name: name.clone(),
            kind: manifest.component.kind,
            digest,
            wasm_len: wasm.len(),
            source: Source::Compiled(component),
            limits: LimitRequest::default(),
            manifest: OnceLock::from(Ok(Arc::new(manifest))),
            loaded: Arc::default(),
        };
        let mut more = self.clone();
        more.entries.insert(name.clone(), Arc::new(entry));
        Ok((more, name))
    }

    /// Returns all components, sorted by name.
    pub fn list(&self) -> impl Iterator<Item = ListedComponent<'_>> {
        self.entries.values().map(|entry| entry.listed())
    }

    /// Returns the component `name`.
    ///
    /// # Errors
    ///
    /// [`CatalogError::Unknown`].
    pub fn find(&self, name: &str) -> Result<&CatalogEntry, CatalogError> {
        let unknown = || CatalogError::Unknown { name: crate::text::one_line(name, 80) };
        self.entries.get(name).map(Arc::as_ref).ok_or_else(unknown)
    }

    /// Returns the components of one kind, sorted by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &CatalogEntry> {
        self.entries.values().map(Arc::as_ref).filter(move |entry| entry.kind == kind)
    }

    /// Returns the engine, which is started at the first call.
    pub(crate) fn engine(&self) -> Result<&Engine, CatalogError> {
        let started = self.engine.get_or_init(|| Engine::start().map_err(CatalogError::Engine));
        started.as_ref().map_err(Clone::clone)
    }

    /// Returns a component ready to be called. The first call loads it.
    pub(crate) fn load(&self, entry: &CatalogEntry) -> Result<Loaded, CatalogError> {
        let engine = self.engine()?;
        let load = || entry.load(self, engine).map(LoadedOpaque);
        let loaded = entry.loaded.get_or_init(load);
        loaded.as_ref().map(|loaded| loaded.0.clone()).map_err(Clone::clone)
    }
}

impl CatalogEntry {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the SHA-256 of the WebAssembly bytes, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns true if it came with this program.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(self.source, Source::Embedded(_))
    }

    /// Returns the manifest, parsed at the first call.
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

    fn listed(&self) -> ListedComponent<'_> {
        ListedComponent {
            name: &self.name,
            kind: self.kind,
            digest: &self.digest,
            wasm_len: self.wasm_len,
            built_in: self.is_built_in(),
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

    fn load(&self, catalog: &Catalog, engine: &Engine) -> Result<Loaded, CatalogError> {
        let broken = |source| CatalogError::Code { component: self.name.clone(), source };
        let manifest = self.manifest()?;
        let component = match &self.source {
            Source::Compiled(component) => component.clone(),
            Source::Embedded(embedded) => {
                let component = match embedded.form {
                    Form::Native => {
                        let component = engine.deserialize_native(embedded);
                        component.map_err(|error| self.damaged(error))?
                    }
                    Form::WebAssembly => self.compile(embedded, catalog, engine)?,
                };
                self.admit(engine, manifest, &component)?;
                component
            }
        };
        catalog.linkers.link(self.kind, &component).map_err(broken)
    }

    /// Compiles a built-in that is rarely used, or loads what is kept of it.
    fn compile(
        &self,
        embedded: &Embedded,
        catalog: &Catalog,
        engine: &Engine,
    ) -> Result<Component, CatalogError> {
        let broken = |source| CatalogError::Code { component: self.name.clone(), source };
        if let Some(component) = engine.kept(&catalog.compiler, embedded.digest) {
            return Ok(component);
        }
        let wasm = embedded.wasm();
        let wasm = wasm.ok_or_else(|| self.damaged("it cannot be unpacked"))?;
        let made = engine.make(&catalog.compiler, &wasm, embedded.digest, Origin::BuiltIn);
        made.map_err(broken)
    }

    /// Built-ins pass the same check as other components.
    fn admit(
        &self,
        engine: &Engine,
        manifest: &Manifest,
        component: &Component,
    ) -> Result<(), CatalogError> {
        let shape = component.component_type();
        let names = |name: &str| name.to_owned();
        let imports: Vec<String> =
            shape.imports(engine.wasmtime()).map(|(name, _)| names(name)).collect();
        let exports: Vec<String> =
            shape.exports(engine.wasmtime()).map(|(name, _)| names(name)).collect();
        Ok(admission::admit(manifest, &imports, &exports)?)
    }

    fn damaged(&self, reason: impl ToString) -> CatalogError {
        CatalogError::Damaged { component: self.name.clone(), reason: reason.to_string() }
    }
}
