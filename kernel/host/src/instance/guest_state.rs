//! The data of a store while a guest runs in it.

use std::sync::Arc;

use openkoi_core::{
    capability::{Coverage, Grant, Use},
    failure::Failure,
    scope::Scope,
};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::{CallLimits, LimitHit, call_log::CallLog, limiter::StoreLimiter, wasi};
use crate::{
    brokers::Brokers,
    copies::{CallCopy, Watch},
    effects::KeptBy,
    layers::CallLayer,
    sabotage::{Guard, off},
    service::account::Account,
    workdir::Workdir,
};

/// Somebody outside of a run, for whom a guest reads what is kept.
pub(crate) struct Reader {
    /// The capabilities of the call.
    pub(crate) grant: Grant,
    /// The workspace that they are in.
    pub(crate) workspace: String,
}

/// The call of a run that a guest serves. Providers and views are called without one.
pub(crate) struct Caller {
    /// The surroundings of the call.
    pub(crate) scope: Scope,
    /// The capabilities of the call.
    pub(crate) grant: Grant,
    /// The domain whose trust level applies.
    pub(crate) domain: String,
    /// Whether what it changes in the workspace is the run's: checks and judges change nothing in its name.
    pub(crate) keeps_effects: bool,
    /// Whether the call only reads, so that a model is shown what it reads.
    pub(crate) shows: bool,
    /// Whether the call says what a file shall be, and not what of it shall change.
    pub(crate) overwrites: bool,
    /// The directories of the run.
    pub(crate) workdir: Arc<Workdir>,
    /// The account whose credentials its requests may carry, if the component declares any.
    pub(crate) account: Option<Arc<Account>>,
}

impl Caller {
    /// Returns who keeps what the call changes; nobody if it changes nothing in the run's name.
    pub(crate) fn kept_by(&self) -> Option<KeptBy> {
        let keeper = self.workdir.keeper.clone().filter(|_| self.keeps_effects)?;
        let (log, seen) = (Arc::clone(&self.scope.effects), Arc::clone(&self.workdir.seen));
        Some(KeptBy { keeper, log, seen })
    }
}

/// The data of a store: limits and counters, the log of the call, and the ways out.
pub(crate) struct GuestState {
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    pub(super) limiter: StoreLimiter,
    pub(crate) limits: CallLimits,
    pub(crate) component: Arc<str>,
    pub(crate) brokers: Arc<Brokers>,
    pub(crate) caller: Option<Arc<Caller>>,
    reader: Option<Arc<Reader>>,
    pub(crate) log: Arc<CallLog>,
    /// The layer of the call, once a program ran.
    pub(crate) layer: Option<Arc<CallLayer>>,
    /// The copy that its programs run in, where there is no layer and they have to see files in another state.
    pub(crate) copy: Option<Arc<CallCopy>>,
    /// The files of the workspace before its first program, where neither is and nobody keeps what is changed.
    pub(crate) watch: Option<Arc<Watch>>,
    /// When the call began, in milliseconds of the monotonic clock.
    pub(crate) begun_ms: u64,
    calls: u64,
    bytes: u64,
}

impl GuestState {
    pub(crate) fn new(
        component: &str,
        limits: CallLimits,
        brokers: &Arc<Brokers>,
        caller: Option<Caller>,
    ) -> Self {
        let log = Arc::new(CallLog::default());
        Self {
            table: ResourceTable::new(),
            wasi: wasi::context(&log, &brokers.clock),
            limiter: StoreLimiter::new(limits.clone()),
            limits,
            component: Arc::from(component),
            brokers: Arc::clone(brokers),
            caller: caller.map(Arc::new),
            reader: None,
            log,
            layer: None,
            copy: None,
            watch: None,
            begun_ms: brokers.clock.monotonic_ms(),
            calls: 0,
            bytes: 0,
        }
    }

    /// Returns the state of a guest that reads for somebody outside of a run.
    pub(crate) fn reading(
        component: &str,
        limits: CallLimits,
        brokers: &Arc<Brokers>,
        reader: Reader,
    ) -> Self {
        let reader = Some(Arc::new(reader));
        Self { reader, ..Self::new(component, limits, brokers, None) }
    }

    /// Returns files of the workspace that programs of the call rewrote, where that is known.
    pub(crate) fn rewritten(&self) -> impl Future<Output = Vec<String>> + Send + 'static {
        let (layer, copy, watch) = (self.layer.clone(), self.copy.clone(), self.watch.clone());
        let look = move || match (layer, copy, watch) {
            (Some(layer), _, _) => layer.rewritten(),
            (None, Some(copy), _) => copy.rewritten(),
            (None, None, Some(watch)) => watch.rewritten(),
            (None, None, None) => Vec::new(),
        };
        let looked = tokio::task::spawn_blocking(look);
        async move { looked.await.unwrap_or_default() }
    }

    /// Counts a call of the host that passes `bytes`.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), LimitHit> {
        self.calls += 1;
        if self.calls > self.limits.host_calls && !off(Guard::HostCalls) {
            return Err(LimitHit::host_calls(&self.limits));
        }
        self.charge_bytes(bytes)
    }

    /// Counts bytes passed to or from the guest.
    pub(crate) fn charge_bytes(&mut self, bytes: usize) -> Result<(), LimitHit> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.bytes > self.limits.host_bytes && !off(Guard::HostBytes) {
            return Err(LimitHit::host_bytes(&self.limits));
        }
        Ok(())
    }

    /// Returns the call that the guest serves.
    pub(crate) fn caller(&self) -> Result<Arc<Caller>, Failure> {
        let nobody = || Failure::Unsupported("there is no run that it could be for".to_owned());
        self.caller.clone().ok_or_else(nobody)
    }

    /// Lets a use pass that only reads what is kept, and returns the workspace that it is for. Outside of a run there is no
    /// gate, and the grant decides alone.
    pub(crate) async fn pass_reading(&mut self, wanted: &Use<'_>) -> Result<String, Failure> {
        let Some(reader) = &self.reader else {
            let caller = self.pass(wanted).await?;
            return Ok(caller.workdir.root.to_string_lossy().into_owned());
        };
        match reader.grant.coverage(wanted) {
            Coverage::Named => Ok(reader.workspace.clone()),
            Coverage::Wildcard | Coverage::None => {
                Err(reader.grant.refusal(&self.component, wanted))
            }
        }
    }

    /// Asks the gate to let a use of a capability pass.
    pub(crate) async fn pass(&mut self, wanted: &Use<'_>) -> Result<Arc<Caller>, Failure> {
        let caller = self.caller()?;
        let Caller { scope, grant, domain, .. } = &*caller;
        scope.gate.pass_use(&scope.key, &self.component, domain, grant, wanted).await?;
        Ok(caller)
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
