//! The one place that wires: brokers, storage and host become the ports of a run.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use openkoi_brokers::{
    clock::SystemClock,
    egress::{Egress, EgressSettings},
    failpoint::{self, Point},
    oauth::Logins,
    places,
    processes::{ProcessSettings, Processes, SandboxMode},
    random::Random,
    secrets::SecretStore,
};
use openkoi_core::{
    failure::Failure,
    gate::{Policy, target_of},
    id::{SessionId, TaskId},
    message::{Role, ToolCall},
    port::{Clock, Listener, Pending, Ports, Scope, StateStore, Toolbox},
    run::Briefing,
    tool::{Tool, ToolOutput},
};
use openkoi_host::{
    Brokers, Host, Place,
    catalog::{Catalog, Embedded},
    kinds::{
        evaluator::Judges,
        provider::{ModelSettings, Models, ProviderSettings, Route},
        tool::{ToolSettings, Tools},
    },
    manifest::{Kind, LimitRequest},
};
use openkoi_storage::Storage;

use crate::{
    approver::Terminal,
    briefing::{self, Skilled},
    context::Context,
    env::{Environment, HOME},
    error::CommandError,
    exit::Exit,
    interrupt::Interrupts,
    models::{self, Catalogue, Connection, Listing, Routes, Stateless},
    rules::NestedRules,
    settings::Settings,
    workspace::Directory,
};

/// The largest file that a provider's setting may name.
const LARGEST_OPTION: u64 = 16 << 20;

/// Everything that runs in one workspace share.
pub struct Runtime {
    /// The storage.
    pub storage: Arc<Storage>,
    /// What the user is told because of the model that answers; empty for nothing.
    pub notice: String,
    /// The workspace.
    pub directory: Arc<Directory>,
    models: Arc<Models>,
    /// Providers of the run whose list of models was kept and is no longer fresh.
    stale: Vec<Connection>,
    tools: Arc<Chosen>,
    judges: Arc<Judges>,
    skilled: Skilled,
    policy: Policy,
    clock: Arc<Machine>,
    random: Random,
    prompt: crate::output::Prompt,
}

impl Runtime {
    /// Wires a runtime for `workspace`. No component is loaded, nothing is sent and nothing is run.
    ///
    /// # Errors
    ///
    /// When a provider is set up wrongly, there is none, or the storage cannot be opened.
    pub fn new(
        context: &Context,
        settings: &Settings,
        workspace: &Path,
    ) -> Result<Self, CommandError> {
        let mut connections = context.connections(settings)?;
        models::probe(context, settings, &mut connections)?;
        let catalogue = context.catalogue(&connections)?;
        let routes = connections.routes(settings, &catalogue)?;
        let storage = Arc::new(context.storage()?);
        let clock = Arc::new(Machine);
        let secrets = context.secrets(settings)?;
        let host = host(context, settings, storage.clone(), clock.clone(), secrets)?;
        if !settings.sandbox.on {
            context.printer.warning("the sandbox is off: programs may do whatever you may");
        }
        let models = Models::new(&host, model_settings(&routes, &catalogue)?)
            .map_err(|error| CommandError::from_error(Exit::Configuration, &error))?;
        let skilled = Skilled::load(context.paths()?.home(), workspace);
        let place = Arc::new(place(context, settings, workspace)?);
        let rubrics = skilled.rubrics();
        let tools = Tools::new(&host, Arc::clone(&place), &ToolSettings::default())
            .map_err(|error| CommandError::from_error(Exit::Configuration, &error))?;
        let judges = Judges::new(&host, place, rubrics, &[])
            .map_err(|error| CommandError::from_error(Exit::Configuration, &error))?;
        let directory = Directory::new(workspace, context.paths()?)
            .map_err(|error| CommandError::from_error(Exit::Configuration, &error))?;
        Ok(Self {
            notice: models.notice(&Role::new(Role::EXECUTOR)).unwrap_or_default().to_owned(),
            policy: policy(settings, &storage)?,
            tools: Arc::new(Chosen::new(tools, &settings.disabled_tools, workspace)),
            judges: Arc::new(judges),
            models: Arc::new(models),
            stale: stale(context, &routes)?,
            directory: Arc::new(directory),
            storage,
            skilled,
            clock,
            random: Random::default(),
            prompt: context.prompt,
        })
    }

    /// Returns the ports of a run that `listener` watches and `interrupts` may end.
    pub fn ports(&self, listener: Arc<dyn Listener>, interrupts: &Interrupts) -> Ports {
        Ports {
            model: self.models.clone(),
            toolbox: self.tools.clone(),
            evaluators: self.judges.clone(),
            workspace: self.directory.clone(),
            journal: self.storage.clone(),
            approver: Arc::new(Terminal::new(self.prompt, Arc::clone(&self.storage))),
            listener,
            clock: self.clock.clone(),
            cancellation: Arc::new(interrupts.clone()),
        }
    }

    /// Renews, beside the run, the lists of models that are no longer fresh.
    pub fn renew_lists(&self, home: &Path) {
        models::renew(&self.models, &self.stale, home, SystemClock.now_ms());
    }

    /// Returns what the user decided before.
    pub fn policy(&self) -> Policy {
        self.policy.clone()
    }

    /// Returns what holds in this workspace for a task with this text.
    pub fn briefing(&self, task: &str) -> Briefing {
        briefing::briefing(&self.skilled, task)
    }

    /// Returns a new id for a task.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn task_id(&self) -> Result<TaskId, CommandError> {
        Ok(TaskId::new(self.id()?))
    }

    /// Returns a new id for a session.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub fn session_id(&self) -> Result<SessionId, CommandError> {
        Ok(SessionId::new(self.id()?))
    }

    fn id(&self) -> Result<String, CommandError> {
        let id = self.random.id(SystemClock.now_ms());
        id.map_err(|error| CommandError::from_error(Exit::NotAccepted, &error))
    }
}

fn host(
    context: &Context,
    settings: &Settings,
    state: Arc<dyn StateStore>,
    clock: Arc<Machine>,
    secrets: SecretStore,
) -> Result<Host, CommandError> {
    let home = context.paths()?.home();
    let egress = Egress::new(secrets.clone(), EgressSettings::default());
    let mut catalog = Catalog::new(context.components().iter().filter_map(embedded));
    for unknown in catalog.limit(&limits(settings)?) {
        context.printer.warning(&format!("`component.{unknown}`: there is no such component"));
    }
    // Components are needed to the end of the program. The system takes their memory back at once; to take them
    // apart first would only keep the user waiting.
    std::mem::forget(catalog.clone());
    Ok(Host::new(
        catalog,
        Brokers {
            logins: Logins::new(home, egress.clone(), secrets.clone(), clock.clone()),
            transport: Arc::new(egress),
            secrets,
            processes: Processes::new(process_settings(context, settings)?),
            state,
            clock,
            random: Random::default(),
        },
    ))
}

fn stale(context: &Context, routes: &Routes) -> Result<Vec<Connection>, CommandError> {
    let home = context.paths()?.home();
    let is_stale = |one: &&Connection| {
        let listing = Listing::read(home, &one.name, &one.base_url);
        listing.is_some_and(|listing| !listing.is_fresh(context.printer.now_ms()))
    };
    Ok(routes.connections.iter().filter(is_stale).cloned().collect())
}

/// Returns the user's limits of components, by component.
fn limits(settings: &Settings) -> Result<BTreeMap<String, LimitRequest>, CommandError> {
    let requests = settings.component_limits.iter().map(|(name, limits)| {
        let request = serde_json::to_value(limits).and_then(serde_json::from_value);
        request.map(|request: LimitRequest| (name.clone(), request)).map_err(|error| {
            CommandError::configuration(format!("`component.{name}.limits`: {error}"))
        })
    });
    requests.collect()
}

/// Returns a bundled component as the catalog takes it. The build has checked its kind.
fn embedded(one: &openkoi_components::Embedded) -> Option<Embedded> {
    Some(Embedded {
        name: one.name,
        kind: Kind::of_word(one.kind)?,
        digest: one.digest,
        manifest: one.manifest,
        native: one.native,
        unpack: one.unpacked_by(),
        wasm_len: one.wasm_length,
        native_len: one.native_length,
    })
}

/// Returns the providers of `connections`, with credentials of `secrets`, for their lists of models alone. No
/// storage is opened.
///
/// # Errors
///
/// When a provider is set up wrongly.
pub fn listers(
    context: &Context,
    settings: &Settings,
    connections: &[Connection],
    secrets: SecretStore,
) -> Result<Models, CommandError> {
    let host = host(context, settings, Arc::new(Stateless), Arc::new(Machine), secrets)?;
    let routes = Routes { connections: connections.to_vec(), ..Routes::default() };
    Models::new(&host, model_settings(&routes, &Catalogue::default())?)
        .map_err(|error| CommandError::from_error(Exit::Configuration, &error))
}

fn model_settings(routes: &Routes, catalogue: &Catalogue) -> Result<ModelSettings, CommandError> {
    let roles = routes.roles.iter().map(|(role, chain)| {
        let chain = chain
            .iter()
            .map(|one| Route { provider: one.provider.clone(), model: one.model.clone() });
        (role.clone(), chain.collect())
    });
    let random = Random::default();
    Ok(ModelSettings {
        providers: routes.connections.iter().map(provider).collect::<Result<_, _>>()?,
        roles: roles.collect::<BTreeMap<_, _>>(),
        catalogue: catalogue.of(routes.services(), &routes.models()),
        chance: Arc::new(move || match random.bytes::<4>() {
            Ok(bytes) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
            // Without randomness a wait is as long as it may be.
            Err(_) => 1.0,
        }),
    })
}

fn provider(connection: &Connection) -> Result<ProviderSettings, CommandError> {
    let mut options = Vec::new();
    for option in &connection.options {
        let value = match &option.file {
            Some(path) => read_option(&connection.name, path)?,
            None => option.value.clone(),
        };
        options.push((option.name.clone(), value));
    }
    Ok(ProviderSettings {
        name: connection.name.clone(),
        component: connection.component.clone(),
        base_url: Some(connection.base_url.clone()).filter(|url| !url.is_empty()),
        options,
        credential: connection.sources.clone(),
        login: connection.login.clone(),
        headers: connection.headers.clone(),
        inject: connection.inject.clone(),
    })
}

fn read_option(provider: &str, path: &Path) -> Result<String, CommandError> {
    let unfit = |reason: String| {
        CommandError::configuration(format!(
            "`providers.{provider}` names the file `{}`: {reason}",
            path.display()
        ))
    };
    let meta = fs::metadata(path).map_err(|error| unfit(error.to_string()))?;
    if !meta.is_file() || meta.len() > LARGEST_OPTION {
        return Err(unfit("it is no file of at most 16 MiB".to_owned()));
    }
    fs::read_to_string(path).map_err(|error| unfit(error.to_string()))
}

/// Returns what programs have in common. The doctor reports on the same settings.
///
/// # Errors
///
/// When there is no home.
pub fn process_settings(
    context: &Context,
    settings: &Settings,
) -> Result<ProcessSettings, CommandError> {
    let paths = context.paths()?;
    let mut secret = vec![paths.home().to_owned(), paths.data().to_owned()];
    secret.extend(secret_places(&context.environment));
    let mut read = settings.sandbox.read.clone();
    let user_home = context.environment.path(&HOME);
    read.extend(places::toolchains(user_home.as_deref(), &context.environment.snapshot()));
    Ok(ProcessSettings {
        environment: context.environment.snapshot(),
        temporary: paths.data().join("tmp"),
        spool: paths.home().join("tool-output"),
        read,
        secret,
        sandbox: if settings.sandbox.on { SandboxMode::Required } else { SandboxMode::Off },
    })
}

/// Returns the secret places below the user's home.
fn secret_places(environment: &Environment) -> Vec<PathBuf> {
    environment.path(&HOME).map(|home| places::secrets_below(&home)).unwrap_or_default()
}

fn place(context: &Context, settings: &Settings, workspace: &Path) -> Result<Place, CommandError> {
    let paths = context.paths()?;
    let mut place = Place::new(workspace, paths.home().join("tool-output"));
    place.private = vec![paths.home().to_owned(), paths.data().to_owned()];
    place.private.extend(secret_places(&context.environment));
    place.network = settings.sandbox.network;
    place.writable.clone_from(&settings.sandbox.write);
    Ok(place)
}

fn policy(settings: &Settings, storage: &Storage) -> Result<Policy, CommandError> {
    let mut trust = storage.trust(settings.trust.fallback)?;
    // What is configured is newer than what was granted only where it is less.
    for (domain, level) in &settings.trust.domains {
        let granted = trust.domains.entry(domain.clone()).or_insert(*level);
        *granted = (*granted).min(*level);
    }
    Ok(Policy { trust, rules: storage.rules()? })
}

/// The tools without those that the user left out, with the project's rules for what they touch.
struct Chosen {
    tools: Tools,
    listed: Vec<Tool>,
    rules: NestedRules,
}

impl Chosen {
    fn new(tools: Tools, without: &[String], workspace: &Path) -> Self {
        let mut listed = tools.tools();
        listed.retain(|tool| !without.contains(&tool.name));
        Self { tools, listed, rules: NestedRules::new(workspace) }
    }

    /// Returns what the project says about the place that a call touches, if the task does not know yet.
    fn rules_for(&self, task: &TaskId, call: &ToolCall) -> Option<String> {
        let tool = self.listed.iter().find(|tool| tool.name == call.name)?;
        tool.target.as_ref()?;
        self.rules.about(task, &target_of(tool, call))
    }
}

impl Toolbox for Chosen {
    fn tools(&self) -> Vec<Tool> {
        self.listed.clone()
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        Box::pin(async move {
            let failed = |error: std::io::Error| Failure::Failed(error.to_string());
            let task = scope.task.clone();
            failpoint::hit(Point::EffectBefore).map_err(failed)?;
            let mut output = self.tools.call(call, scope).await?;
            failpoint::hit(Point::EffectAfter).map_err(failed)?;
            output.text.extend(self.rules_for(&task, call));
            Ok(output)
        })
    }
}

/// The machine's time as the loop's clock.
#[derive(Debug)]
pub struct Machine;

impl Clock for Machine {
    fn now_ms(&self) -> u64 {
        SystemClock.now_ms()
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(SystemClock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) -> Pending<'static, ()> {
        Box::pin(SystemClock.sleep(duration))
    }
}
