//! The tools of the catalog as one toolbox.

mod arguments;
mod known;
mod output;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_core::{
    effects::HeldBack,
    failure::Failure,
    id::TaskId,
    message::ToolCall,
    port::Pending,
    scope::Scope,
    tool::{Effect, Receipt, Tool, ToolOutput},
    toolbox::{EndedProgram, PreparedCall, Toolbox},
};
use wasmtime::component::InstancePre;

use self::known::KnownTool;
use crate::{
    bindings::tool::{
        ToolExportsPre,
        exports::openkoi::tool::tool::{Context, Output},
    },
    catalog::{Catalog, CatalogEntry, CatalogError},
    host::Host,
    instance::{CallLimits, Caller, GuestState, LimitHit, Spooled},
    layers::{CallLayer, Held},
    linker::Exports,
    manifest::{Kind, Manifest, ToolEntry},
    sabotage::{Guard, off},
    service::account::{Account, AccountSettings},
    workdir::{Workdir, layer_owner},
};

/// The exports of a tool.
pub(super) type Guest = ToolExportsPre<GuestState>;

impl Exports for Guest {
    const KIND: Kind = Kind::Tool;

    fn find(instance: InstancePre<GuestState>) -> wasmtime::Result<Self> {
        Self::new(instance)
    }
}

/// A toolbox could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolboxError {
    /// Two components have a tool of the same name.
    #[error("the tool `{tool}` is in both `{first}` and `{second}`; only one of them can be used")]
    Clash {
        /// The tool.
        tool: String,
        /// One component.
        first: String,
        /// The other.
        second: String,
    },
    /// A component cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// The user's decisions about tools.
#[derive(Clone, Debug, Default)]
pub struct ToolSettings {
    /// Components to leave out.
    pub without: Vec<String>,
    /// The accounts of components that declare credentials. One that is not in here has the account of its own name.
    pub accounts: BTreeMap<String, AccountSettings>,
}

/// The tools of the catalog in one workspace. Any number of runs may call them at the same time. A call is served by the
/// catalog that is in force when it begins, to its end.
pub struct CatalogTools {
    host: Host,
    workdir: Arc<Workdir>,
    settings: ToolSettings,
    collected: Mutex<Arc<Collected>>,
}

/// The tools of one catalog.
struct Collected {
    catalog: Arc<Catalog>,
    known: BTreeMap<String, KnownTool>,
}

impl Collected {
    fn of(
        host: &Host,
        catalog: Arc<Catalog>,
        settings: &ToolSettings,
    ) -> Result<Self, ToolboxError> {
        let mut known = BTreeMap::<String, KnownTool>::new();
        let used =
            |entry: &&CatalogEntry| !settings.without.iter().any(|name| name == entry.name());
        for entry in catalog.of_kind(Kind::Tool).filter(used) {
            let manifest = entry.manifest()?;
            let account = account(host, manifest, settings);
            for tool in &manifest.tools {
                let tool = known_tool(entry, tool, account.clone())?;
                if let Some(first) = known.get(&tool.tool.name) {
                    return Err(ToolboxError::Clash {
                        tool: tool.tool.name,
                        first: first.component.clone(),
                        second: tool.component,
                    });
                }
                known.insert(tool.tool.name.clone(), tool);
            }
        }
        Ok(Self { catalog, known })
    }
}

impl CatalogTools {
    /// Collects the tools of all components. No component is loaded.
    ///
    /// # Errors
    ///
    /// A manifest is not accepted, or two components have a tool of the same name.
    pub fn new(
        host: &Host,
        workdir: Arc<Workdir>,
        settings: &ToolSettings,
    ) -> Result<Self, ToolboxError> {
        let collected = Mutex::new(Arc::new(Collected::of(host, host.catalog(), settings)?));
        Ok(Self { host: host.clone(), workdir, settings: settings.clone(), collected })
    }

    /// Returns the tools of the catalog that is in force now.
    fn collected(&self) -> Arc<Collected> {
        let catalog = self.host.catalog();
        let mut last = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&last.catalog, &catalog) {
            match Collected::of(&self.host, catalog, &self.settings) {
                Ok(collected) => *last = Arc::new(collected),
                // A component whose manifest cannot be used or whose tools clash is not put into a catalog.
                Err(error) => tracing::warn!(%error, "the tools stay as they were"),
            }
        }
        Arc::clone(&last)
    }

    async fn run(&self, call: &ToolCall, scope: Scope) -> Result<ToolOutput, Failure> {
        // A caller that has not asked for the prepared call is understood as well.
        let Collected { catalog, known } = &*self.collected();
        let PreparedCall { call, notes } = arguments::prepared(known, call)?;
        let known = known.get(&call.name);
        let known = known.ok_or_else(|| Failure::NotFound(format!("the tool `{}`", call.name)))?;
        let Answered { output: answer, receipts, spooled, running, notes: more } =
            self.ask(catalog, known, &call, scope).await?;
        let saver =
            output::Saver { brokers: &self.host.shared.brokers, directory: &self.workdir.output };
        let mut output = output::fit(answer, &spooled, &saver)?;
        output.receipts = receipts;
        output.running = running;
        let news: Vec<String> = self.workdir.news().into_iter().collect();
        Ok(output.noted(&notes).noted(&more).noted(&news))
    }

    async fn ask(
        &self,
        catalog: &Catalog,
        known: &KnownTool,
        call: &ToolCall,
        scope: Scope,
    ) -> Result<Answered, Failure> {
        let shared = &self.host.shared;
        let component = shared.ready::<Guest>(catalog, &known.component)?;
        let mut limits = known.limits.clone();
        limits.wall = limits.wall.min(scope.deadline);
        let (wall, task) = (limits.wall, scope.task.clone());
        let context = Context {
            call: scope.key.clone(),
            task: scope.task.to_string(),
            workspace: self.workdir.root.display().to_string(),
            deadline_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
        };
        let caller = Caller {
            scope,
            grant: known.grant.clone(),
            domain: known.tool.domain.clone(),
            keeps_effects: true,
            shows: known.tool.effect == Effect::Read,
            overwrites: known.tool.idempotent,
            workdir: Arc::clone(&self.workdir),
            account: known.account.clone(),
        };
        let data = GuestState::new(&known.component, limits.clone(), &shared.brokers, Some(caller));
        let (mut store, watch) = shared.store(data)?;
        let step = async {
            let tool = component.instantiate_async(&mut store).await?;
            let tool = tool.openkoi_tool_tool();
            tool.call_call(&mut store, &call.name, &call.arguments, &context).await
        };
        let answer = watch.step(wall, step).await?.map_err(Failure::from)?;
        if size(&answer) > limits.output && !off(Guard::HostOutput) {
            return Err(LimitHit::output(&limits).into());
        }
        let log = watch.log();
        let running = log.state().concerns_programs.then(|| self.workdir.background.lines(&task));
        Ok(Answered {
            running,
            output: answer,
            receipts: log.take_receipts(),
            spooled: log.take_spooled(),
            notes: log.take_notes(),
        })
    }
}

/// The answer of a guest, and what the host noted during the call.
struct Answered {
    output: Output,
    receipts: Vec<Receipt>,
    spooled: Vec<Spooled>,
    /// Programs that go on in the background, if the call was about them.
    running: Option<Vec<String>>,
    /// What the model has to know besides.
    notes: Vec<String>,
}

impl Toolbox for CatalogTools {
    fn holds_back(&self) -> bool {
        let asked = self.workdir.layers.is_some() && self.workdir.keeper.is_some();
        asked && self.host.shared.brokers.processes.layers().is_ok()
    }

    fn left_behind<'a>(
        &'a self,
        task: &'a TaskId,
        key: &'a str,
        command: &'a str,
    ) -> Pending<'a, Option<Box<dyn HeldBack>>> {
        let (Some(base), Some(keeper)) = (&self.workdir.layers, &self.workdir.keeper) else {
            return Box::pin(std::future::ready(None));
        };
        let (base, keeper) = (base.clone(), Arc::clone(keeper));
        let (seen, owner) = (Arc::clone(&self.workdir.seen), layer_owner(task, key));
        let command = command.to_owned();
        let find = move || CallLayer::left(&keeper, &base, &seen, &owner, &command);
        Box::pin(async move {
            let layer = tokio::task::spawn_blocking(find).await.ok().flatten()?;
            Some(Box::new(Held(layer)) as Box<dyn HeldBack>)
        })
    }

    fn has_programs(&self, task: &TaskId) -> bool {
        self.workdir.background.has(task)
    }

    fn end_programs<'a>(&'a self, task: &'a TaskId) -> Pending<'a, Vec<EndedProgram>> {
        Box::pin(self.workdir.background.end(task))
    }

    fn tools(&self) -> Vec<Tool> {
        self.collected().known.values().map(|known| known.tool.clone()).collect()
    }

    fn prepared(&self, call: &ToolCall) -> Result<PreparedCall, Failure> {
        arguments::prepared(&self.collected().known, call)
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        Box::pin(self.run(call, scope))
    }
}

/// Returns the account of a component, if it declares credentials. Of the variables and sources that its manifest names,
/// those are in force that were granted, and all of a built-in.
fn account(host: &Host, manifest: &Manifest, settings: &ToolSettings) -> Option<Arc<Account>> {
    if manifest.credentials.is_empty() {
        return None;
    }
    let own = settings.accounts.get(&manifest.component.name);
    Some(Arc::new(Account::new(&host.shared.backoffs, manifest, own)))
}

fn known_tool(
    entry: &CatalogEntry,
    tool: &ToolEntry,
    account: Option<Arc<Account>>,
) -> Result<KnownTool, CatalogError> {
    let limits = CallLimits::of(entry.kind(), &entry.manifest()?.limits);
    Ok(KnownTool {
        component: entry.name().to_owned(),
        tool: Tool {
            name: tool.name.clone(),
            description: crate::text::visible(&tool.description),
            parameters: tool.schema.clone(),
            effect: tool.effect,
            idempotent: tool.idempotent,
            domain: tool.domain.clone(),
            target: tool.target.clone(),
            origin: entry.name().to_owned(),
            deadline_ms: u64::try_from(limits.wall.as_millis()).unwrap_or(u64::MAX),
        },
        grant: entry.grant(Some(&tool.name))?,
        formerly: tool.formerly.clone(),
        limits,
        account,
    })
}

fn size(answer: &Output) -> u64 {
    let attachments: usize = answer.attachments.iter().map(|one| one.bytes.len()).sum();
    let structured = answer.structured.as_ref().map_or(0, String::len);
    (answer.text.len() + structured + attachments + answer.summary.len()) as u64
}
