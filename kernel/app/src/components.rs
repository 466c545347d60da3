//! Components beside those that came with the program: added, updated and removed while tasks run, with what a person
//! granted to each.
//!
//! A grant is kept for the bytes that it was given to. Other bytes of the same name have it too if they ask for the same or
//! less; if they ask for more, a person is shown the difference first, and until then nothing changes.

mod kept;

use openkoi_core::grant::ComponentGrant;
use openkoi_host::catalog::{Catalog, CatalogError, current::ComponentOffer};

use crate::{app::App, error::AppError, host::catalog};

pub use self::kept::NotUsed;

/// What became of an update.
#[derive(Clone, Debug, PartialEq)]
pub enum ComponentUpdate {
    /// It is in force for calls that begin from now on. This is the name of the component.
    Done(String),
    /// It asks for more than its predecessor was granted, and a person has to answer first.
    Waits(Box<ComponentOffer>),
}

impl App {
    /// Reads a component that a person is to be asked about. What it asks for is compared with what these bytes were
    /// granted, or else with what a component of its name was granted last.
    ///
    /// # Errors
    ///
    /// When it is not admitted, or the grants cannot be read.
    pub fn component_offer(&self, wasm: &[u8]) -> Result<ComponentOffer, AppError> {
        let current = catalog(self)?;
        let all = current.offer(wasm, &ComponentGrant::default())?;
        let granted = match self.storage()?.component_grant(&all.digest)? {
            Some(granted) => Some(granted),
            None if self.is_of_same_publisher(&all)? => {
                self.storage()?.last_component_grant(&all.name)?
            }
            None => None,
        };
        Ok(ComponentOffer { beyond: all.asked.beyond(&granted.unwrap_or_default()), ..all })
    }

    /// Keeps what a person granted to a component, and puts it into the catalog, in the place of one of the same name. Calls
    /// in flight end with what they began with. Returns the name.
    ///
    /// # Errors
    ///
    /// When the component cannot be used, or the grant cannot be kept. The catalog is as it was then.
    pub fn put_component(&self, wasm: &[u8], granted: &ComponentGrant) -> Result<String, AppError> {
        let current = catalog(self)?;
        let offer = current.offer(wasm, granted)?;
        let storage = self.storage()?;
        storage.keep_component_grant(&offer.digest, &offer.name, granted, self.now_ms())?;
        Ok(current.put(wasm, granted.clone())?)
    }

    /// Returns whether the component of the offer's name, if there is one, says the same publisher. Another's has not been granted
    /// anything.
    fn is_of_same_publisher(&self, offer: &ComponentOffer) -> Result<bool, AppError> {
        match catalog(self)?.snapshot().find(&offer.name) {
            Ok(entry) => {
                Ok(entry.asked()?.component.publisher == offer.manifest.component.publisher)
            }
            Err(_) => Ok(true),
        }
    }

    /// Puts a component into the catalog, and keeps it in the home for other processes and later ones. Returns the name.
    ///
    /// # Errors
    ///
    /// As [`App::put_component`], and when its bytes cannot be kept. What was there before is there then.
    pub fn install_component(
        &self,
        wasm: &[u8],
        granted: &ComponentGrant,
    ) -> Result<String, AppError> {
        let offer = catalog(self)?.offer(wasm, granted)?;
        // What cannot be compiled, or clashes with another, is not kept.
        let name = self.put_component(wasm, granted)?;
        kept::keep(self, &offer, wasm)?;
        Ok(name)
    }

    /// Returns a catalog with the components that were installed besides, and those of them that cannot be used.
    ///
    /// # Errors
    ///
    /// When there is no home.
    pub fn with_installed(&self, catalog: Catalog) -> Result<(Catalog, Vec<NotUsed>), AppError> {
        let (mut all, mut not_used) = (catalog, Vec::new());
        for found in kept::installed(self)? {
            let added = found.and_then(|(name, installed)| {
                let unfit = |error: CatalogError| NotUsed { name, why: error.to_string() };
                all.with_installed(installed).map_err(unfit)
            });
            match added {
                Ok(more) => all = more,
                Err(why) => not_used.push(why),
            }
        }
        Ok((all, not_used))
    }

    /// Returns the names of the components that were installed, usable or not.
    ///
    /// # Errors
    ///
    /// When there is no home.
    pub fn installed_components(&self) -> Result<Vec<String>, AppError> {
        Ok(kept::names(&self.paths()?.plugins()))
    }

    /// Puts another version of a component into the catalog, if it asks for nothing beyond what is granted.
    ///
    /// # Errors
    ///
    /// As [`App::put_component`].
    pub fn update_component(&self, wasm: &[u8]) -> Result<ComponentUpdate, AppError> {
        let offer = self.component_offer(wasm)?;
        if !offer.beyond.is_empty() {
            return Ok(ComponentUpdate::Waits(Box::new(offer)));
        }
        Ok(ComponentUpdate::Done(self.put_component(wasm, &offer.asked)?))
    }

    /// Removes a component and takes back what it was granted.
    ///
    /// # Errors
    ///
    /// When there is none of this name, it came with the program, or the grants cannot be written.
    pub fn remove_component(&self, name: &str) -> Result<(), AppError> {
        // One that cannot be used is in no catalog, and can be removed.
        match catalog(self)?.remove(name) {
            Err(CatalogError::Unknown { .. })
                if self.installed_components()?.iter().any(|kept| kept == name) => {}
            removed => removed?,
        }
        self.storage()?.revoke_component_grants(name)?;
        kept::remove(self, name)
    }
}
