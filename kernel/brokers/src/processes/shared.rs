//! A network that the programs of one task have in common.

use super::network::PORT;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The most places in a network before their ports begin anew.
const PLACES: u16 = 1_000;

/// Namespaces of a program, held open from outside.
#[derive(Debug, Default)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there are no namespaces here"))]
pub(super) struct Namespaces {
    /// The users, if they are not the host's.
    pub(super) users: Option<OwnedFd>,
    /// The mounts.
    pub(super) mounts: Option<OwnedFd>,
    /// The network, if it is not the host's.
    pub(super) network: Option<OwnedFd>,
}

/// A network that several programs share: what one of them listens on, the others reach. It begins with the first
/// program in the background, and ends with this value and the programs in it. Where programs have no network of their
/// own, they share nothing here.
#[derive(Debug, Default)]
pub struct SharedNetwork {
    begun: Mutex<Option<Arc<Namespaces>>>,
    places: AtomicU16,
}

/// The place of one program in a shared network.
#[derive(Debug, Clone)]
pub struct NetworkPlace {
    network: Arc<SharedNetwork>,
    port: u16,
}

impl SharedNetwork {
    /// Returns a place for one more program. Each has a way to the hosts that it may reach of its own.
    #[must_use]
    pub fn place(self: &Arc<Self>) -> NetworkPlace {
        let number = self.places.fetch_add(1, Ordering::Relaxed) % PLACES;
        NetworkPlace { network: Arc::clone(self), port: PORT + 1 + number }
    }

    fn begun(&self) -> std::sync::MutexGuard<'_, Option<Arc<Namespaces>>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NetworkPlace {
    /// Returns the port of the program's way out.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the namespaces to enter, if there are some yet.
    pub(super) fn begun(&self) -> Option<Arc<Namespaces>> {
        self.network.begun().clone()
    }

    /// Lets the later programs enter the network of the first.
    pub(super) fn begin(&self, namespaces: &Arc<Namespaces>) {
        if namespaces.network.is_some() {
            self.network.begun().get_or_insert_with(|| Arc::clone(namespaces));
        }
    }
}
