//! One call of a component: a fresh store with its limits, run to its end or dropped.
//!
//! Each call (for a provider, each stream) has a store of its own, so the next does not see what a guest leaves in its
//! memory. A fault inside ends that call.

mod call_log;
mod cpu_meter;
mod fault_counter;
mod guest_state;
mod limiter;
mod limits;
mod trap;
mod wasi;

use std::{future::Future, sync::Arc, time::Duration};

use openkoi_core::{failure::Failure, port::Clock};
use wasmtime::{Store, UpdateDeadline};

pub(crate) use call_log::{CallLog, Spooled};
pub(crate) use fault_counter::FaultCounter;
pub(crate) use guest_state::{Caller, GuestState, Reader};
pub(crate) use limits::{CallLimits, LimitHit};

use crate::{
    engine::{Engine, Ticker},
    sabotage::{Guard, off},
};
use cpu_meter::{CpuMeter, Metered};

/// Runs the steps of one guest within their limits, and counts its faults.
pub(crate) struct Watch {
    component: Arc<str>,
    limits: CallLimits,
    meter: Arc<CpuMeter>,
    ticker: Arc<Ticker>,
    log: Arc<CallLog>,
    faults: Arc<FaultCounter>,
    clock: Arc<dyn Clock>,
}

/// Makes a store around `state`, and its watch.
pub(crate) fn store(
    engine: &Engine,
    faults: &Arc<FaultCounter>,
    state: GuestState,
) -> (Store<GuestState>, Watch) {
    let (limits, meter) = (state.limits.clone(), CpuMeter::new());
    let watch = Watch {
        component: Arc::clone(&state.component),
        limits: limits.clone(),
        meter: Arc::clone(&meter),
        ticker: engine.ticker(),
        log: Arc::clone(&state.log),
        faults: Arc::clone(faults),
        clock: Arc::clone(&state.brokers.clock),
    };
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| &mut state.limiter);
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

    /// Starts the running time anew, for the next step of a stream.
    pub(crate) fn rewind(&self) {
        self.meter.reset();
    }

    pub(crate) fn log(&self) -> &CallLog {
        &self.log
    }

    fn broken(&self, error: &wasmtime::Error) -> Failure {
        let (failure, is_fault) = trap::explain(&self.component, &self.limits, error, &self.log);
        tracing::debug!(component = %self.component, %failure, "a call ended early");
        if is_fault {
            self.faults.count(&self.component, self.clock.monotonic_ms());
        }
        failure
    }
}
