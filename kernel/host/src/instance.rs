//! One call of a component: a fresh store with its limits, run to its end or dropped.
//!
//! A store is used for one call (or, for a provider, one stream) and never again, so nothing that a guest
//! leaves in its memory is seen by the next. Whatever goes wrong inside ends this call only.

mod call_log;
mod guest_state;
mod limiter;
mod limits;
mod meter;
mod quarantine;
mod trap;
mod wasi;

use std::{future::Future, sync::Arc, time::Duration};

use openkoi_core::{failure::Failure, port::Clock};
use wasmtime::{Store, UpdateDeadline};

pub(crate) use call_log::Traces;
pub(crate) use guest_state::{Call, Run};
pub use limits::{LimitHit, Limits};
pub use quarantine::Quarantined;
pub(crate) use quarantine::Strikes;

use crate::{
    engine::{Engine, Ticker},
    sabotage::{Guard, off},
};
use meter::{Meter, Metered};

/// What one step of a guest runs under, apart from its store.
pub(crate) struct Watch {
    component: Arc<str>,
    limits: Limits,
    meter: Arc<Meter>,
    ticker: Arc<Ticker>,
    traces: Arc<Traces>,
    strikes: Arc<Strikes>,
    clock: Arc<dyn Clock>,
}

/// Makes a store for `call`, and what watches it.
pub(crate) fn store(engine: &Engine, strikes: &Arc<Strikes>, call: Call) -> (Store<Call>, Watch) {
    let (limits, meter) = (call.limits.clone(), Meter::new());
    let watch = Watch {
        component: Arc::clone(&call.component),
        limits: limits.clone(),
        meter: Arc::clone(&meter),
        ticker: engine.ticker(),
        traces: Arc::clone(&call.traces),
        strikes: Arc::clone(strikes),
        clock: Arc::clone(&call.brokers.clock),
    };
    let mut store = Store::new(engine.wasmtime(), call);
    store.limiter(|call| &mut call.ceiling);
    if !off(Guard::HostCallBytes) {
        store.set_hostcall_fuel(usize::try_from(limits.host_call_bytes).unwrap_or(usize::MAX));
    }
    if !off(Guard::HostHandles) {
        store.set_max_component_handles(limits.handles);
    }
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if meter.spent() > limits.cpu && !off(Guard::HostCpu) {
            return Err(LimitHit::cpu(&limits).into());
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    (store, watch)
}

impl Watch {
    /// Runs one step of the guest until it ends or `wall` has passed. A trap counts against the component.
    pub(crate) async fn step<T>(
        &self,
        wall: Duration,
        step: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Failure> {
        let wall = if off(Guard::HostWall) { Duration::MAX } else { wall };
        let metered = Metered::new(step, Arc::clone(&self.meter), Arc::clone(&self.ticker));
        match tokio::time::timeout(wall, metered).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(LimitHit::wall(wall).into()),
        }
    }

    /// Gives the next step of a stream its own running time.
    pub(crate) fn rewind(&self) {
        self.meter.reset();
    }

    pub(crate) fn traces(&self) -> &Traces {
        &self.traces
    }

    fn broken(&self, error: &wasmtime::Error) -> Failure {
        let (failure, is_fault) = trap::explain(&self.component, &self.limits, error, &self.traces);
        tracing::debug!(component = %self.component, %failure, "a call ended early");
        if is_fault {
            self.strikes.strike(&self.component, self.clock.monotonic_ms());
        }
        failure
    }
}
