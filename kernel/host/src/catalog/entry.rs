//! One component of the catalog: its bytes, its manifest, and the part of that which is in force.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use openkoi_brokers::disk;
use openkoi_core::{capability::Grant, grant::ComponentGrant, hash};
use wasmtime::component::Component;

use super::{
    error::{COMPONENT_BYTES, CatalogError},
    reading,
};
use crate::{
    admission,
    embedded::{Embedded, Form},
    engine::{
        Engine, EngineError,
        compiler::{Compiler, Origin},
    },
    linker::{Exports, Linked, Linkers},
    manifest::{Kind, LimitRequest, Manifest, ManifestError},
    sabotage::{Guard, off},
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
    /// The file that it was installed in.
    Installed(PathBuf),
}

type Parsed = OnceLock<Result<Arc<Manifest>, CatalogError>>;

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
    /// What a person granted. Without it a built-in has all that it asks for, and any other component nothing.
    granted: Option<Arc<ComponentGrant>>,
    asked: Parsed,
    in_force: Parsed,
    loaded: Arc<OnceLock<Result<Linked, CatalogError>>>,
}

impl CatalogEntry {
    /// Makes the entry of a component that came with the program.
    pub(super) fn built_in(embedded: Embedded) -> Self {
        Self {
            name: embedded.name.to_owned(),
            kind: embedded.kind,
            digest: embedded.digest.to_owned(),
            wasm_len: embedded.wasm_len,
            source: Source::Embedded(embedded),
            limits: LimitRequest::default(),
            granted: None,
            asked: OnceLock::new(),
            in_force: OnceLock::new(),
            loaded: Arc::default(),
        }
    }

    /// Makes the entry of a component that was admitted and compiled here.
    pub(super) fn compiled(
        manifest: Manifest,
        digest: String,
        wasm_len: usize,
        code: Component,
    ) -> Self {
        Self::foreign(manifest, digest, wasm_len, Source::Compiled(code))
    }

    /// Makes the entry of a component that was installed earlier, by another process perhaps.
    pub(super) fn installed(
        manifest: Manifest,
        digest: String,
        wasm_len: usize,
        place: PathBuf,
    ) -> Self {
        Self::foreign(manifest, digest, wasm_len, Source::Installed(place))
    }

    fn foreign(manifest: Manifest, digest: String, wasm_len: usize, source: Source) -> Self {
        Self {
            name: manifest.component.name.clone(),
            kind: manifest.component.kind,
            digest,
            wasm_len,
            source,
            limits: LimitRequest::default(),
            granted: None,
            asked: OnceLock::from(Ok(Arc::new(manifest))),
            in_force: OnceLock::new(),
            loaded: Arc::default(),
        }
    }

    /// Returns the same component with further limits of the user.
    pub(super) fn limited(&self, limits: &LimitRequest) -> Self {
        Self { limits: limits.over(&self.limits), ..self.anew() }
    }

    /// Returns the same component with another grant.
    pub(super) fn granted(&self, granted: ComponentGrant) -> Self {
        Self { granted: Some(Arc::new(granted)), ..self.anew() }
    }

    /// Returns the same component, with what depends on limits and grant to be worked out again.
    fn anew(&self) -> Self {
        Self {
            name: self.name.clone(),
            kind: self.kind,
            digest: self.digest.clone(),
            wasm_len: self.wasm_len,
            source: self.source.clone(),
            limits: self.limits.clone(),
            granted: self.granted.clone(),
            asked: self.asked.clone(),
            in_force: OnceLock::new(),
            loaded: Arc::clone(&self.loaded),
        }
    }

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

    /// Returns true for a component that came with the program.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(self.source, Source::Embedded(_))
    }

    /// Returns the manifest as its author wrote it, parsed at the first call.
    ///
    /// # Errors
    ///
    /// [`CatalogError::Manifest`].
    pub fn asked(&self) -> Result<&Arc<Manifest>, CatalogError> {
        let parsed = self.asked.get_or_init(|| match &self.source {
            Source::Embedded(embedded) => {
                let parsed = Manifest::of_built_in(embedded.manifest);
                parsed.map(Arc::new).map_err(|source| self.broken(source))
            }
            Source::Compiled(_) | Source::Installed(_) => Err(self.broken(ManifestError::Missing)),
        });
        parsed.as_ref().map_err(Clone::clone)
    }

    /// Returns the manifest that is in force: with the user's limits, and without variables, addresses and sources of
    /// credentials that are not granted.
    ///
    /// # Errors
    ///
    /// [`CatalogError::Manifest`], and [`CatalogError::NotGranted`] for a provider whose address is not granted.
    pub fn manifest(&self) -> Result<&Arc<Manifest>, CatalogError> {
        let read = self.in_force.get_or_init(|| self.cut());
        read.as_ref().map_err(Clone::clone)
    }

    fn cut(&self) -> Result<Arc<Manifest>, CatalogError> {
        let asked = self.asked()?;
        let limits = self.limits.over(&asked.limits);
        // The usual case of each start: a built-in as its author wrote it.
        if self.grant_in_force().is_none() && limits == asked.limits {
            return Ok(Arc::clone(asked));
        }
        let mut manifest = match self.grant_in_force() {
            Some(granted) => asked.under(&granted),
            None => Manifest::clone(asked),
        };
        let address = |manifest: &Manifest| {
            manifest.provider.as_ref().map(|own| own.base_url.clone()).unwrap_or_default()
        };
        if address(&manifest) != address(asked) {
            let (component, what) = (self.name.clone(), format!("`{}`", address(asked)));
            return Err(CatalogError::NotGranted { component, what });
        }
        manifest.limits = limits;
        Ok(Arc::new(manifest))
    }

    /// Returns the grant that cuts down what is asked for, or `None` if all of it is in force.
    fn grant_in_force(&self) -> Option<Arc<ComponentGrant>> {
        let closed = !self.is_built_in() && !off(Guard::HostUngranted);
        let nothing = || closed.then(Arc::default);
        self.granted.clone().or_else(nothing)
    }

    /// Returns the powers of one tool, or of the component if it has no tools: those that are asked for and granted.
    ///
    /// # Errors
    ///
    /// [`CatalogError::Manifest`].
    pub fn grant(&self, tool: Option<&str>) -> Result<Grant, CatalogError> {
        let asked = self.asked()?;
        Ok(match self.grant_in_force() {
            Some(granted) => asked.granted(tool, &granted),
            None => asked.grant(tool),
        })
    }

    /// Returns what lists show.
    pub(super) fn listed(&self) -> ListedComponent<'_> {
        ListedComponent {
            name: &self.name,
            kind: self.kind,
            digest: &self.digest,
            wasm_len: self.wasm_len,
            built_in: self.is_built_in(),
        }
    }

    /// Returns the exports. The first call loads the code and resolves its imports.
    pub(super) fn load<K: Exports>(
        &self,
        engine: &Engine,
        compiler: &Compiler,
        linkers: &Linkers,
    ) -> Result<K, CatalogError> {
        let loaded = self.loaded.get_or_init(|| {
            let code = self.code(engine, compiler)?;
            linkers.link::<K>(&code).map_err(|source| self.unfit(source))
        });
        let linked = loaded.as_ref().map_err(Clone::clone)?;
        linked.exports().ok_or_else(|| CatalogError::Kind {
            component: self.name.clone(),
            kind: self.kind.word(),
            wanted: K::KIND.word(),
        })
    }

    /// Returns whether its code is loaded, came with the program, or is kept.
    pub(super) fn is_compiled(&self, compiler: &Compiler) -> bool {
        match &self.source {
            Source::Embedded(Embedded { form: Form::WebAssembly, digest, .. }) => {
                self.loaded.get().is_some() || compiler.keeps(digest)
            }
            Source::Installed(_) => self.loaded.get().is_some() || compiler.keeps(&self.digest),
            _ => true,
        }
    }

    fn code(&self, engine: &Engine, compiler: &Compiler) -> Result<Component, CatalogError> {
        let embedded = match &self.source {
            Source::Compiled(component) => return Ok(component.clone()),
            Source::Installed(place) => {
                let component = match engine.kept(compiler, &self.digest) {
                    Some(component) => component,
                    None => self.compile_installed(place, engine, compiler)?,
                };
                self.admit(engine, &component)?;
                return Ok(component);
            }
            Source::Embedded(embedded) => embedded,
        };
        let component = match embedded.form {
            Form::Native => {
                engine.deserialize_native(embedded).map_err(|error| self.damaged(error))?
            }
            Form::WebAssembly => self.compile(embedded, engine, compiler)?,
        };
        self.admit(engine, &component)?;
        Ok(component)
    }

    /// Compiles a built-in that is rarely used, or loads what is kept of it.
    fn compile(
        &self,
        embedded: &Embedded,
        engine: &Engine,
        compiler: &Compiler,
    ) -> Result<Component, CatalogError> {
        if let Some(component) = engine.kept(compiler, embedded.digest) {
            return Ok(component);
        }
        let wasm = embedded.wasm();
        let wasm = wasm.ok_or_else(|| self.damaged("it cannot be unpacked"))?;
        let made = engine.make(compiler, &wasm, embedded.digest, Origin::BuiltIn);
        made.map_err(|source| self.unfit(source))
    }

    /// Compiles the bytes of a component that was installed, if they are still those.
    fn compile_installed(
        &self,
        place: &Path,
        engine: &Engine,
        compiler: &Compiler,
    ) -> Result<Component, CatalogError> {
        let wasm = disk::read(place, COMPONENT_BYTES as u64).map_err(|error| {
            self.damaged(format!("`{}` cannot be read: {error}", place.display()))
        })?;
        if hash::of_bytes(&wasm) != self.digest && !off(Guard::HostInstalled) {
            let other = format!("`{}` is not what was installed", place.display());
            return Err(self.damaged(other));
        }
        if reading::read(&wasm)? != **self.asked()? {
            return Err(self.damaged("its manifest is not the one that was installed"));
        }
        let made = engine.make(compiler, &wasm, &self.digest, Origin::Foreign);
        made.map_err(|source| self.unfit(source))
    }

    /// Built-ins pass the same check as other components.
    fn admit(&self, engine: &Engine, component: &Component) -> Result<(), CatalogError> {
        let shape = component.component_type();
        let names = |name: &str| name.to_owned();
        let imports: Vec<String> =
            shape.imports(engine.wasmtime()).map(|(name, _)| names(name)).collect();
        let exports: Vec<String> =
            shape.exports(engine.wasmtime()).map(|(name, _)| names(name)).collect();
        Ok(admission::admit(self.asked()?, &imports, &exports)?)
    }

    fn broken(&self, source: ManifestError) -> CatalogError {
        CatalogError::Manifest { component: format!("`{}`", self.name), source }
    }

    fn unfit(&self, source: EngineError) -> CatalogError {
        CatalogError::Code { component: self.name.clone(), source }
    }

    fn damaged(&self, reason: impl ToString) -> CatalogError {
        CatalogError::Damaged { component: self.name.clone(), reason: reason.to_string() }
    }
}
