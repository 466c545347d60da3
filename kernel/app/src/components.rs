//! Components beside those that came with the program: added, updated and removed while tasks run, with what a person
//! granted to each.
//!
//! A grant is kept for the bytes that it was given to. Other bytes of the same name have it too if they ask for the same or
//! less; if they ask for more, a person is shown the difference first, and until then nothing changes.

use openkoi_core::grant::ComponentGrant;
use openkoi_host::catalog::current::ComponentOffer;

use crate::{app::App, error::AppError, host::catalog};

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
            None => self.storage()?.last_component_grant(&all.name)?,
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
        catalog(self)?.remove(name)?;
        self.storage()?.revoke_component_grants(name)?;
        Ok(())
    }
}
