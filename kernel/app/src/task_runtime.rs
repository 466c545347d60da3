//! The wiring that the tasks of one workspace share: brokers, storage and host become the ports of
//! a run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use openkoi_brokers::{clock::SystemClock, scratch::Scratch, snapshot::Keeper};
use openkoi_core::{
    approval::{Answer, ApprovalRequest, Rule},
    evaluation::Rubric,
    event::{DirectiveSentence, Entry},
    gate::Policy,
    id::SessionId,
    memory::Note,
    message::Role,
    model::ModelCard,
    port::{
        Approver, Cancellation, Delta, JournalError, Listener, Model, Pending, Proposals,
        ResultSchema, Steering, Vectors,
    },
    run::{Briefing, Ports},
    task::own_words,
    tool::{Effect, Tool},
    toolbox::{Joined, Toolbox},
    trust::Trust,
};
use openkoi_host::{
    Host, Workdir,
    kinds::{
        agency::CatalogAgencies,
        evaluator::CatalogEvaluators,
        provider::CatalogModels,
        tool::{CatalogTools, ToolSettings},
    },
};
use openkoi_storage::Storage;

use crate::{
    accounts,
    agencies::RunAgencies,
    app::App,
    briefing,
    error::AppError,
    evaluators::{SessionEvaluators, SessionVerdicts},
    host::{self, Kept},
    learn::proposals::StoredProposals,
    learning, memory, models,
    models::{Connection, Listing, Routes},
    places, rules, sandbox,
    settings::{LearningMode, Settings},
    skills::{self, Chosen, LoadedSkills, Nearness, SkillRoom, SkillSet, tool, tool::SkillTools},
    soul, surroundings,
    toolbox::{QuickLooks, WithDiagnostics, WithFailPoints, WithRules, Without},
    trust, webhooks,
    workspace::{self, Occupancy, SnapshotWorkspace},
};

/// The side of a run that a person or a program sees.
#[derive(Clone)]
pub struct Surface {
    /// Answers whether an effect is allowed when the policy says to ask.
    pub approver: Arc<dyn Approver>,
    /// Gets the events of the run.
    pub listener: Arc<dyn Listener>,
    /// Says when the run is to be cancelled.
    pub cancellation: Arc<dyn Cancellation>,
    /// What the person says while the run goes on.
    pub steering: Option<Arc<dyn Steering>>,
    /// The form that the result has to have, if one was asked for.
    pub result: Option<Arc<dyn ResultSchema>>,
    /// Tells why a run does not go on yet, in one sentence.
    pub waiting: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Surface {
    /// Returns the surface of what goes on beside or after a run: it shows nothing, and nobody is asked.
    pub fn unseen(cancellation: Arc<dyn Cancellation>) -> Self {
        Self {
            approver: Arc::new(Unseen),
            listener: Arc::new(Unseen),
            cancellation,
            steering: None,
            result: None,
            waiting: Arc::new(|_: &str| {}),
        }
    }
}

/// Nobody who sees or answers anything, or wants the end.
pub(crate) struct Unseen;

impl Approver for Unseen {
    fn ask<'a>(&'a self, _: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        Box::pin(std::future::ready(None))
    }

    fn remember(&self, _: &Rule) -> Result<(), JournalError> {
        Ok(())
    }
}

impl Listener for Unseen {
    fn event(&self, _: &Entry) {}

    fn delta(&self, _: &Role, _: Delta<'_>) -> bool {
        false
    }
}

impl Cancellation for Unseen {
    fn cancelled(&self) -> Pending<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// The skills of one run.
pub(crate) struct RunSkills {
    /// Those that its model may open, if there are any.
    tools: Option<SkillTools>,
    /// What its work is judged by, for each kind of work.
    rubrics: BTreeMap<String, Rubric>,
}

impl RunSkills {
    /// Returns those of a run that shows none to its model.
    pub(crate) fn none() -> Self {
        Self { tools: None, rubrics: BTreeMap::new() }
    }
}

/// The directory for copies of the workspace, below that for what programs write.
const COPIES: &str = "copies";

/// The ports for tasks of one workspace, made for one set of settings. Several tasks may use it at
/// once.
pub struct TaskRuntime {
    app: Arc<App>,
    storage: Arc<Storage>,
    host: Host,
    proposals: Arc<dyn Proposals>,
    keeper: Arc<Keeper>,
    models: Arc<CatalogModels>,
    /// Providers whose saved list of models is out of date.
    stale: Vec<Connection>,
    pub(crate) workdir: Arc<Workdir>,
    toolbox: Arc<dyn Toolbox>,
    evaluators: Arc<CatalogEvaluators>,
    skills: SkillSet,
    meaning: Option<memory::Meaning>,
    settings: Settings,
    workspace: PathBuf,
    policy: Policy,
    notices: Vec<String>,
    warnings: Vec<String>,
}

impl TaskRuntime {
    /// Wires a runtime for `workspace`. If no provider is connected, servers on this machine are
    /// asked for their models.
    ///
    /// # Errors
    ///
    /// When no provider is connected, one is set up wrongly, or the storage cannot be opened.
    pub fn new(app: &Arc<App>, settings: &Settings, workspace: &Path) -> Result<Self, AppError> {
        Self::beside(app, settings, workspace, Vec::new())
    }

    /// Wires a runtime as [`TaskRuntime::new`] does, whose models may also call the tools of other toolboxes.
    ///
    /// # Errors
    ///
    /// As [`TaskRuntime::new`], and when two toolboxes offer a tool of the same name.
    pub fn beside(
        app: &Arc<App>,
        settings: &Settings,
        workspace: &Path,
        others: Vec<Arc<dyn Toolbox>>,
    ) -> Result<Self, AppError> {
        let mut connections = models::discover(app, settings)?;
        models::probe(app, settings, &mut connections)?;
        let catalogue = models::catalogue(app, &connections)?;
        let routes = connections.routes(settings, &catalogue)?;
        let storage = app.storage()?;
        webhooks::sync(app, settings)?;
        let private = places::private(app, workspace)?;
        let outbound = app.outbound(settings)?;
        let host = host::host(app, settings, Kept::of(&storage), outbound, &private)?;
        let output = settings.limits.own_turn_tokens;
        let models =
            CatalogModels::new(&host, models::model_settings(&routes, &catalogue, output)?)?;
        let models = Arc::new(models);
        let skills = SkillSet::new(app, settings, workspace)?;
        let loaded = skills.load_ahead(app.now_ms());
        for problem in loaded.problems() {
            tracing::warn!(%problem, "a skill is left out");
        }
        let keeper = workspace::keeper(workspace, app.paths()?, storage.clone())?;
        let workdir = Arc::new(workdir(app, settings, &keeper, &private)?);
        let evaluators = Arc::new(CatalogEvaluators::new(&host, Arc::clone(&workdir), &[])?);
        // A task that is not evaluated runs no checks.
        let is_checked = settings.checks && settings.limits.iterations > 0;
        let looks = is_checked.then(|| QuickLooks::new(evaluators.clone(), settings.edit_seconds));
        let tools = tools(app, &host, &workdir, settings, workspace, others)?;
        let toolbox = diagnosed(app, tools, settings, workspace, &private, looks)?;
        let trust = trust::in_force(app, settings, &storage, workspace)?;
        let policy = Policy { trust, ..Policy::default() };
        Ok(Self {
            app: Arc::clone(app),
            keeper,
            notices: models
                .notice(&Role::new(Role::EXECUTOR))
                .map(str::to_owned)
                .into_iter()
                .collect(),
            warnings: warnings(settings, &policy.trust, toolbox.as_ref())
                .into_iter()
                .chain(places::warning(app, settings, workspace, &private)?)
                .chain(connections.warnings)
                .chain(loaded.untrusted())
                .chain(loaded.changed())
                .chain(rules::notices(skills.root(), workspace))
                .collect(),
            policy: Policy { doubt: places::doubt(app, settings, workspace)?, ..policy },
            stale: stale(app, &routes)?,
            workdir,
            toolbox,
            evaluators,
            proposals: Arc::new(StoredProposals {
                app: Arc::clone(app),
                storage: Arc::clone(&storage),
            }),
            meaning: memory::Meaning::new(&host, &models, &routes, &storage),
            storage,
            skills,
            models,
            host,
            settings: settings.clone(),
            workspace: workspace.to_owned(),
        })
    }

    /// Returns the application that the runtime belongs to.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Returns the storage, in which tasks have their journals.
    pub fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    /// Returns the host of components.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Returns what keeps the proposals of learners.
    pub(crate) fn proposals(&self) -> &dyn Proposals {
        &*self.proposals
    }

    /// Returns what turns texts into vectors, if there is something.
    pub(crate) fn meaning(&self) -> Option<&memory::Meaning> {
        self.meaning.as_ref()
    }

    /// Returns the settings that it was made for.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the directory that its tasks work in.
    pub(crate) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Returns the notices of the executor's provider, for the user.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Returns the card of the model that a role resolves to.
    pub fn card(&self, role: &Role) -> ModelCard {
        self.models.card(role)
    }

    /// Returns the tools that a model may call, by name.
    pub fn tools(&self) -> Vec<Tool> {
        self.toolbox.tools()
    }

    /// Returns the skills as they are now.
    pub fn skills(&self) -> LoadedSkills {
        self.skills.load()
    }

    /// Returns warnings about settings that make tasks less safe than usual.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the ports of a run that `surface` watches.
    pub(crate) fn ports(
        &self,
        session: &SessionId,
        surface: Surface,
        occupancy: Arc<Occupancy>,
        skills: RunSkills,
    ) -> Result<Ports, AppError> {
        let workspace = Arc::new(SnapshotWorkspace::new(Arc::clone(&self.keeper), occupancy));
        let earlier = SessionVerdicts {
            storage: Arc::clone(&self.storage),
            session: session.clone(),
            now_ms: self.app.now_ms(),
        };
        let evaluators = SessionEvaluators::new(
            self.evaluators.clone(),
            workspace.clone(),
            earlier,
            skills.rubrics,
        );
        let toolbox: Arc<dyn Toolbox> = match skills.tools {
            Some(skills) => {
                let skills = Arc::new(skills) as Arc<dyn Toolbox>;
                Arc::new(Joined::new([self.toolbox.clone(), skills])?)
            }
            None => self.toolbox.clone(),
        };
        Ok(Ports {
            model: self.models.clone(),
            toolbox,
            evaluators: Arc::new(evaluators),
            agencies: Arc::new(self.agencies()),
            workspace,
            journal: self.storage.clone(),
            approver: surface.approver,
            listener: surface.listener,
            clock: Arc::new(SystemClock),
            cancellation: surface.cancellation,
            steering: surface.steering,
            result: surface.result,
        })
    }

    /// Returns the agencies of a run.
    pub(crate) fn agencies(&self) -> RunAgencies {
        let place = self.settings.memories_of.as_ref().unwrap_or(&self.workspace);
        RunAgencies {
            catalog: CatalogAgencies::new(&self.host, Arc::clone(&self.workdir)),
            storage: Arc::clone(&self.storage),
            workspace: place.display().to_string(),
        }
    }

    /// Returns what the user wants a task with this text to be held to.
    pub(crate) async fn directive(
        &self,
        task: &str,
        notes: &[Note],
    ) -> Result<Vec<DirectiveSentence>, AppError> {
        let soul = soul::read(&self.app, &self.settings, &self.workspace)?;
        if let Some(notice) = soul.notice(&self.workspace) {
            tracing::warn!("{notice}");
        }
        let character = soul::character(&self.app, &self.storage)?;
        Ok(soul::directive(task, &soul, &character, notes, self.meaning.as_ref()).await)
    }

    /// Starts to renew, beside the run, the saved lists of models that are out of date.
    pub(crate) fn renew_lists(&self) -> Result<(), AppError> {
        models::renew(&self.models, &self.stale, self.app.paths()?.home(), self.app.now_ms());
        Ok(())
    }

    /// Returns the trust of the user and the rules as they are now, for a task of a session: an answer to an earlier one may have
    /// left a rule, and its conversation may hold what others wrote.
    pub(crate) fn policy(&self, session: &SessionId) -> Result<Policy, AppError> {
        let trust = trust::in_force(&self.app, &self.settings, &self.storage, &self.workspace)?;
        let (rules, read) = (self.storage.rules()?, self.storage.read_outside(session)?);
        Ok(Policy { trust, rules, read, ..self.policy.clone() })
    }

    /// Returns what a task with this text is told besides, and the skills of its run.
    ///
    /// # Errors
    ///
    /// When what is remembered cannot be read.
    pub(crate) async fn briefing(&self, task: &str) -> Result<(Briefing, RunSkills), AppError> {
        let (settings, environment) = (&self.settings, self.app.environment());
        let now = self.app.now_ms();
        let (loaded, room) = (self.skills.of_task(now), self.room_of_skills());
        let meaning = self.meaning_of(task, &loaded).await?;
        let near = self.nearness(&loaded, meaning.as_ref())?;
        let asking = memory::Asking {
            workspace: settings.memories_of.as_ref().unwrap_or(&self.workspace),
            task,
            meaning: meaning.as_ref(),
            window: self.card(&Role::new(Role::EXECUTOR)).context,
        };
        let chosen = match loaded.usable().next() {
            Some(_) => {
                let records = skills::records(&self.app, &self.storage)?;
                loaded.chosen(task, near.skills.as_deref(), &records, room)
            }
            None => Chosen::default(),
        };
        let can_be_opened = self.opens_skills() && chosen.can_be_opened();
        let has_layers =
            || sandbox::processes(&self.app, settings).is_ok_and(|all| all.layers().is_ok());
        let told = chosen.told(room.listed, can_be_opened);
        let (place, window) = (asking.workspace, asking.window);
        let notes = memory::notes(&self.app, &self.storage, self.meaning.as_ref(), asking).await?;
        let first =
            surroundings::surroundings(settings, environment, &self.workspace, has_layers, now);
        let mut surroundings = vec![first];
        if settings.learning != LearningMode::Off {
            surroundings.extend(learning::lines(&self.storage, place, window, &notes)?);
        }
        let briefing = Briefing {
            instructions: briefing::instructions(self.skills.root(), &self.workspace, &told),
            surroundings: surroundings.join("\n"),
            notes,
            directive: Vec::new(),
            skills: chosen.whole.iter().map(|skill| loaded.use_of(skill)).collect(),
        };
        let tools = can_be_opened.then(|| SkillTools::new(Arc::clone(&loaded), room.whole));
        Ok((briefing, RunSkills { tools, rubrics: loaded.rubrics(task, near.judges.as_deref()) }))
    }

    /// Returns the skills of a run with this task that goes on.
    ///
    /// # Errors
    ///
    /// When what is known of skills cannot be read.
    pub(crate) async fn skills_of(&self, task: &str) -> Result<RunSkills, AppError> {
        let loaded = self.skills.of_task(self.app.now_ms());
        let meaning = self.meaning_of(task, &loaded).await?;
        let near = self.nearness(&loaded, meaning.as_ref())?;
        let can_be_opened = self.opens_skills() && loaded.usable().next().is_some();
        let rubrics = loaded.rubrics(task, near.judges.as_deref());
        let room = self.room_of_skills();
        let tools = can_be_opened.then(|| SkillTools::new(loaded, room.whole));
        Ok(RunSkills { tools, rubrics })
    }

    /// Returns what a task means, if there is something to compare that with and no long wait for it.
    async fn meaning_of(
        &self,
        task: &str,
        loaded: &LoadedSkills,
    ) -> Result<Option<Vectors>, AppError> {
        let is_wanted = loaded.have_choice() || self.storage.remembers()?;
        let ready = self.meaning.as_ref().filter(|meaning| is_wanted && meaning.is_ready());
        Ok(memory::vector(ready, &own_words(task)).await)
    }

    /// Returns how near skills are to what a task means. What is not known yet is made known beside the task.
    fn nearness(
        &self,
        loaded: &Arc<LoadedSkills>,
        meaning: Option<&Vectors>,
    ) -> Result<Nearness, AppError> {
        if !loaded.have_choice() {
            return Ok(Nearness::default());
        }
        let (near, is_wanting) = match meaning {
            Some(meaning) => loaded.nearness(&self.storage, meaning)?,
            None => (Nearness::default(), true),
        };
        if let (Some(meaning), true) = (&self.meaning, is_wanting) {
            skills::embed_skills_beside(loaded, &self.storage, meaning);
        }
        Ok(near)
    }

    fn room_of_skills(&self) -> SkillRoom {
        SkillRoom::of(self.card(&Role::new(Role::EXECUTOR)).context)
    }

    /// Returns whether there is a tool for skills: the user may have disabled it, and another one may have its name.
    fn opens_skills(&self) -> bool {
        let is_disabled = self.settings.disabled_tools.iter().any(|name| name == tool::NAME);
        !is_disabled && !self.toolbox.tools().iter().any(|other| other.name == tool::NAME)
    }
}

fn tools(
    app: &App,
    host: &Host,
    workdir: &Arc<Workdir>,
    settings: &Settings,
    workspace: &Path,
    others: Vec<Arc<dyn Toolbox>>,
) -> Result<Arc<dyn Toolbox>, AppError> {
    let accounts = accounts::in_use(app, settings)?;
    let own = ToolSettings { accounts, ..ToolSettings::default() };
    let tools = CatalogTools::new(host, Arc::clone(workdir), &own)?;
    let tools = Arc::new(tools) as Arc<dyn Toolbox>;
    let joined = Joined::new([tools].into_iter().chain(others))?;
    let chosen = Without::new(Arc::new(joined), &settings.disabled_tools);
    let guarded = WithFailPoints(Arc::new(chosen));
    Ok(Arc::new(WithRules::new(Arc::new(guarded), workspace)))
}

fn diagnosed(
    app: &App,
    tools: Arc<dyn Toolbox>,
    settings: &Settings,
    workspace: &Path,
    private: &Path,
    looks: Option<QuickLooks>,
) -> Result<Arc<dyn Toolbox>, AppError> {
    let scratch = private.join("parsers");
    let processes = sandbox::processes_below(app, settings, private)?;
    processes.end_left();
    Scratch::sweep(&private.join(COPIES));
    Ok(Arc::new(WithDiagnostics::new(tools, processes, workspace, scratch, looks)))
}

fn workdir(
    app: &App,
    settings: &Settings,
    keeper: &Arc<Keeper>,
    private: &Path,
) -> Result<Workdir, AppError> {
    let mut workdir = Workdir::new(keeper.root(), app.paths()?.tool_output());
    workdir.keeper = Some(Arc::clone(keeper));
    workdir.layers = Some(private.join("layers")).filter(|_| settings.sandbox.on);
    workdir.copies = Some(private.join(COPIES)).filter(|_| settings.sandbox.on);
    workdir.private = sandbox::secret(app)?;
    workdir.network = settings.sandbox.network.clone();
    workdir.proxies = app.proxies(settings)?;
    workdir.encoding.clone_from(&settings.encoding);
    workdir.writable.clone_from(&settings.sandbox.write);
    Ok(workdir)
}

fn warnings(settings: &Settings, trust: &Trust, toolbox: &dyn Toolbox) -> Vec<String> {
    let off = "the sandbox is off: programs may do whatever you may";
    let before = "programs have no layers here (`openkoi doctor` says why), so you are asked about commands before they run, \
                  and not about what they would change";
    let mut levels = trust.domains.values().chain([&trust.fallback]);
    let asks_before = levels.any(|level| level.tries(Effect::Execute)) && !toolbox.holds_back();
    let off = (!settings.sandbox.on).then_some(off);
    off.into_iter().chain(asks_before.then_some(before)).map(str::to_owned).collect()
}

fn stale(app: &App, routes: &Routes) -> Result<Vec<Connection>, AppError> {
    let home = app.paths()?.home();
    let is_stale = |one: &&Connection| {
        let listing = Listing::read(home, &one.name, &one.base_url);
        listing.is_some_and(|listing| !listing.is_fresh(app.now_ms()))
    };
    Ok(routes.connections.iter().filter(is_stale).cloned().collect())
}
