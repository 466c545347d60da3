//! The catalog that is in force: a snapshot, swapped as a whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use openkoi_core::grant::{Beyond, ComponentGrant};

use super::{
    Catalog, CatalogEntry, CatalogError, Installed,
    reading::{read, read_with_text},
};
use crate::manifest::Manifest;

/// The catalog of a process. Whoever asks gets a [snapshot](Self::snapshot), which stays as it is: a component that is
/// added, updated or removed is so for calls that begin afterwards, and calls in flight end on the catalog that they
/// began with.
#[derive(Debug, Default)]
pub struct CurrentCatalog(RwLock<Arc<Catalog>>);

/// A component that a person is asked about, read from its bytes. It was admitted, and nothing of it has run.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentOffer {
    /// The name.
    pub name: String,
    /// SHA-256 of the bytes, in hexadecimal.
    pub digest: String,
    /// The manifest, with the reasons of its author.
    pub manifest: Manifest,
    /// The manifest as its author wrote it.
    pub text: String,
    /// What it asks for.
    pub asked: ComponentGrant,
    /// What it asks for beyond the grant of its predecessor; all of it, if there is none.
    pub beyond: Vec<Beyond>,
    /// Variables that it asks for, and that belong to a component of this catalog with another name, by variable.
    pub shared: BTreeMap<String, String>,
}

impl ComponentOffer {
    /// Returns the reasons that the author gives for asking for `one`.
    pub fn why(&self, one: &Beyond) -> impl Iterator<Item = &str> {
        let tool = one.tool.as_deref().and_then(|name| self.manifest.tool(name));
        let own = tool.map_or(self.manifest.capabilities.as_slice(), |tool| &tool.capabilities);
        let asks = own.iter().filter(move |asked| asked.interface == one.what);
        asks.map(|asked| asked.why.as_str())
    }
}

impl CurrentCatalog {
    /// Makes this catalog the first one in force.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self(RwLock::new(Arc::new(catalog)))
    }

    /// Returns the catalog that is in force now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads a component, and compares what it asks for with `granted`.
    ///
    /// # Errors
    ///
    /// The component is not admitted.
    pub fn offer(
        &self,
        wasm: &[u8],
        granted: &ComponentGrant,
    ) -> Result<ComponentOffer, CatalogError> {
        let (manifest, text) = read_with_text(wasm)?;
        let (name, asked) = (manifest.component.name.clone(), manifest.asked());
        let snapshot = self.snapshot();
        let variables: BTreeSet<&str> = asked.all_variables().collect();
        let mut shared = BTreeMap::new();
        for entry in snapshot.entries.values().filter(|entry| entry.name() != name) {
            for theirs in entry.asked()?.asked().all_variables() {
                if variables.contains(theirs) {
                    shared.insert(theirs.to_owned(), entry.name().to_owned());
                }
            }
        }
        Ok(ComponentOffer {
            digest: openkoi_core::hash::of_bytes(wasm),
            beyond: asked.beyond(granted),
            name,
            manifest,
            text,
            asked,
            shared,
        })
    }

    /// Adds a component, or puts it in the place of one of the same name, with what is granted to it. Returns the name.
    ///
    /// # Errors
    ///
    /// The component cannot be used, or one of this name came with the program.
    pub fn put(&self, wasm: &[u8], granted: ComponentGrant) -> Result<String, CatalogError> {
        let manifest = read(wasm)?;
        let name = manifest.component.name.clone();
        self.snapshot().replaceable(&name)?;
        // This takes a second, and others may change the catalog meanwhile.
        let entry = self.snapshot().compiled(wasm, manifest)?.granted(granted);
        self.swap(|catalog| {
            catalog.replaceable(&name)?;
            catalog.without_clash(&entry)?;
            Ok(catalog.with(entry))
        })?;
        Ok(name)
    }

    /// Removes a component.
    ///
    /// # Errors
    ///
    /// There is none of this name, or it came with the program.
    pub fn remove(&self, name: &str) -> Result<(), CatalogError> {
        self.swap(|catalog| {
            catalog.find(name)?;
            catalog.replaceable(name)?;
            let mut less = catalog.clone();
            less.entries.remove(name);
            Ok(less)
        })
    }

    /// Puts another grant in force for a component.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn grant(&self, name: &str, granted: ComponentGrant) -> Result<(), CatalogError> {
        self.swap(|catalog| {
            catalog.find(name)?;
            Ok(catalog.granting(name, granted))
        })
    }

    fn swap(
        &self,
        change: impl FnOnce(&Catalog) -> Result<Catalog, CatalogError>,
    ) -> Result<(), CatalogError> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(change(&current)?);
        Ok(())
    }
}

impl Catalog {
    /// Returns a catalog with a component that was installed earlier, in the place of one of the same name that did not come
    /// with the program. Its bytes are not looked at yet.
    ///
    /// # Errors
    ///
    /// Its manifest is not accepted, or the program has a component or a tool of its name by now.
    pub fn with_installed(&self, installed: Installed) -> Result<Self, CatalogError> {
        let Installed { digest, wasm_len, manifest, place, granted } = installed;
        let manifest = Manifest::parse(&manifest).map_err(|source| CatalogError::Manifest {
            component: "an installed component".to_owned(),
            source,
        })?;
        self.replaceable(&manifest.component.name)?;
        let entry = CatalogEntry::installed(manifest, digest, wasm_len, place).granted(granted);
        self.without_clash(&entry)?;
        Ok(self.with(entry))
    }

    /// Checks that no component that came with the program has this name.
    fn replaceable(&self, name: &str) -> Result<(), CatalogError> {
        match self.entries.get(name).filter(|entry| entry.is_built_in()) {
            Some(_) => Err(CatalogError::BuiltIn { name: name.to_owned() }),
            None => Ok(()),
        }
    }

    /// Checks that no other component has a tool of one of the entry's names.
    fn without_clash(&self, entry: &CatalogEntry) -> Result<(), CatalogError> {
        let manifest = entry.asked()?;
        for other in self.entries.values().filter(|other| other.name() != entry.name()) {
            let other = other.asked()?;
            let twice = manifest.tools.iter().find(|tool| other.tool(&tool.name).is_some());
            if let Some(tool) = twice {
                return Err(CatalogError::ToolClash {
                    tool: tool.name.clone(),
                    first: other.component.name.clone(),
                    second: entry.name().to_owned(),
                });
            }
        }
        Ok(())
    }
}
