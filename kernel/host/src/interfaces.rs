//! The interfaces of `openkoi:host`, one module each: count the call, pass the gate, do the work.

pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod model;
mod own_server;
pub(crate) mod process;
pub(crate) mod progress;
pub(crate) mod records;
pub(crate) mod state;
pub(crate) mod wasi;

use std::{future::Future, time::Duration};

use openkoi_core::failure::Failure;
use wasmtime::component::{HasSelf, Linker};

use crate::{
    bindings::imports::openkoi::{host, types::failures},
    instance::{GuestState, LimitHit},
};

/// Adds the functions of one interface to a linker.
pub(crate) type Link = fn(&mut Linker<GuestState>) -> wasmtime::Result<()>;

/// Makes the rows of [`LINKS`]: the module of each interface that this host offers, whose name is that of its row.
macro_rules! links {
    ($($interface:ident),* $(,)?) => {
        [$((stringify!($interface), |linker| {
            host::$interface::add_to_linker::<GuestState, HasSelf<GuestState>>(linker, |state| state)
        })),*]
    };
}

/// The interfaces that this host offers.
const LINKS: &[(&str, Link)] =
    &links![log, progress, http, model, state, files, process, records, memory];

/// Returns what adds an interface to a linker, if this host offers it.
pub(crate) fn link(name: &str) -> Option<Link> {
    LINKS.iter().find(|(interface, _)| *interface == name).map(|(_, link)| *link)
}

/// The error of a host function: a failure goes to the guest; a limit or a trap ends it.
pub(crate) enum Stop {
    Failure(Failure),
    Limit(LimitHit),
    Trap(wasmtime::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<LimitHit> for Stop {
    fn from(hit: LimitHit) -> Self {
        Self::Limit(hit)
    }
}

impl From<wasmtime::component::ResourceTableError> for Stop {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

/// The result of a function of a generated trait.
pub(crate) type WitResult<T> = wasmtime::Result<Result<T, failures::Failure>>;

/// Turns the result of a host function into that of a generated trait.
pub(crate) fn wit_result<T>(result: Result<T, Stop>) -> WitResult<T> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Failure(failure)) => Ok(Err(failure.into())),
        Err(Stop::Limit(hit)) => Err(hit.into()),
        Err(Stop::Trap(error)) => Err(error),
    }
}

/// Runs blocking `work` on a thread for it, and returns within `deadline`.
pub(crate) async fn blocking<T: Send + 'static>(
    deadline: Duration,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let joined = within(deadline, tokio::task::spawn_blocking(work)).await?;
    joined.map_err(|error| Failure::Failed(format!("the host's own work broke off: {error}")))?
}

/// Waits for `work` until `deadline`, the limit of one call of the host.
pub(crate) async fn within<F: Future>(deadline: Duration, work: F) -> Result<F::Output, Failure> {
    tokio::time::timeout(deadline, work).await.map_err(|_| Failure::Limited {
        name: "host-call-ms".to_owned(),
        value: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
        knob: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::INTERFACES;

    #[test]
    fn an_interface_is_offered_if_it_can_be_linked() {
        for interface in INTERFACES {
            assert_eq!(link(interface.name).is_some(), interface.offered, "{}", interface.name);
        }
        assert!(LINKS.iter().all(|(name, _)| INTERFACES.iter().any(|one| one.name == *name)));
    }
}
