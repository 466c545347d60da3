//! A world to run components in.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use openkoi_brokers::{
    egress::{Egress, EgressSettings},
    oauth::Logins,
    random::Random,
};
use openkoi_core::{
    approval::Answer,
    deliberation::{assessment::Assessment, motion::Motion},
    document::Document,
    effects::EffectLog,
    evaluation::{Subject, Verdict},
    evaluators::Evaluators,
    event::{Entry, Event},
    failure::Failure,
    gate::{Gate, Policy},
    grant::ComponentGrant,
    id::TaskId,
    learners::Learners,
    learning::{Lesson, SeenTask},
    message::{Prompt, Role, ToolCall, Turn},
    model::ModelError,
    port::{Clock, Model},
    recorder::{Mode, Recorder},
    scope::{Scope, Turns},
    tool::ToolOutput,
    toolbox::Toolbox,
    trust::{Trust, TrustLevel},
    unrecorded::Unrecorded,
    views::Views,
};
use openkoi_host::{
    Brokers, Host, Transport, Workdir,
    catalog::{Catalog, CatalogError, Embedded, current::CurrentCatalog},
    kinds::{
        agency::CatalogAgencies,
        evaluator::CatalogEvaluators,
        learner::CatalogLearners,
        provider::{CatalogModels, ModelSettings, ProviderSettings, Route},
        tool::{CatalogTools, ToolSettings},
        view::CatalogViews,
    },
    manifest::Kind,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    asking,
    fakes::{Memory, Patience, Person, TestClock, TurnScript},
    settings,
    web::{Canned, Web},
};

/// The name of the task of a world.
const TASK: &str = "01test";
/// The longest time of a call, whatever its manifest asks for.
const DEADLINE: Duration = Duration::from_secs(60);

/// A workspace, models, servers and a person, all made up, around the real host.
pub struct World {
    home: TempDir,
    catalog: Option<Catalog>,
    host: Option<Host>,
    memory: Arc<Memory>,
    person: Arc<Person>,
    turns: Arc<TurnScript>,
    web: Arc<Web>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<TestClock>,
    trust: TrustLevel,
    variables: Vec<(&'static str, &'static str)>,
    tools: ToolSettings,
    grants: BTreeMap<String, ComponentGrant>,
    current: Arc<CurrentCatalog>,
    deadline: Duration,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Makes a world with an empty workspace, in which granted uses need no approval.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Catalog::default())
    }

    /// Makes a world around components that are loaded already, so that many worlds share one compilation.
    #[must_use]
    pub fn of(catalog: Catalog) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(home.path().join("workspace")).expect("the workspace is made");
        Self {
            home,
            catalog: Some(catalog),
            host: None,
            memory: Arc::default(),
            person: Arc::default(),
            turns: Arc::default(),
            web: Arc::default(),
            transport: None,
            clock: Arc::new(TestClock::new()),
            trust: TrustLevel::Autonomous,
            variables: Vec::new(),
            tools: ToolSettings::default(),
            grants: BTreeMap::new(),
            current: Arc::default(),
            deadline: DEADLINE,
        }
    }

    /// Returns the workspace.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.home.path().join("workspace")
    }

    /// Returns the directory beside the workspace, where nothing is granted.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file of the workspace.
    pub fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap_or(&path)).expect("the directory is made");
        fs::write(path, contents).expect("the file is written");
    }

    /// Reads a file of the workspace, or nothing if it is not there.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root().join(path)).ok()
    }

    /// Loads a component. All components are loaded before the first call.
    ///
    /// # Panics
    ///
    /// It is not accepted.
    pub fn load(&mut self, wasm: impl AsRef<[u8]>) -> &mut Self {
        self.try_load(wasm).expect("the component is accepted");
        self
    }

    /// Loads a component, which may be refused. Returns its name.
    ///
    /// # Errors
    ///
    /// The reason why it is not accepted.
    pub fn try_load(&mut self, wasm: impl AsRef<[u8]>) -> Result<String, CatalogError> {
        let catalog = self.catalog.as_ref().expect("components are loaded before the first call");
        let (catalog, name) = catalog.with_component(wasm.as_ref())?;
        self.catalog = Some(catalog);
        Ok(name)
    }

    /// Loads the components that came with the program.
    pub fn load_built(&mut self, built_in: impl IntoIterator<Item = Embedded>) -> &mut Self {
        self.catalog = Some(Catalog::new(built_in));
        self
    }

    /// Lets the next request be answered with `canned`.
    pub fn answer(&mut self, canned: Canned) -> &mut Self {
        self.web.answer(canned);
        self
    }

    /// Sends requests by `transport` instead of the scripted servers.
    pub fn transport(&mut self, transport: Arc<dyn Transport>) -> &mut Self {
        self.transport = Some(transport);
        self
    }

    /// Lets a model answer the next question of a component with `turn`.
    pub fn turn(&mut self, turn: Turn) -> &mut Self {
        self.turns.push(turn);
        self
    }

    /// Lets each wait between attempts be over at once, for tests with real servers.
    pub fn hurry(&mut self) -> &mut Self {
        self.clock = Arc::new(TestClock::hurried());
        self
    }

    /// Sets the trust level, which decides about the need for approvals.
    pub fn trust(&mut self, level: TrustLevel) -> &mut Self {
        self.trust = level;
        self
    }

    /// Lets a person answer all questions in this way. Without it there is no person.
    pub fn person(&mut self, answer: Answer) -> &mut Self {
        self.person.will_answer(answer);
        self
    }

    /// Sets a variable that credentials are read from.
    pub fn variable(&mut self, name: &'static str, value: &'static str) -> &mut Self {
        self.variables.push((name, value));
        self
    }

    /// Sets the user's decisions about tools.
    pub fn tools(&mut self, settings: ToolSettings) -> &mut Self {
        self.tools = settings;
        self
    }

    /// Grants a component this, instead of all that it asks for, which is what components of a world have.
    pub fn grant(&mut self, component: &str, granted: ComponentGrant) -> &mut Self {
        self.grants.insert(component.to_owned(), granted);
        self
    }

    /// Returns the catalog that the host follows, which may be changed while calls run.
    pub fn current(&mut self) -> Arc<CurrentCatalog> {
        self.host();
        Arc::clone(&self.current)
    }

    /// Sets the longest time of a call.
    pub fn deadline(&mut self, deadline: Duration) -> &mut Self {
        self.deadline = deadline;
        self
    }

    /// Returns the host. Components have to be loaded before the first call of this.
    pub fn host(&mut self) -> Host {
        if let Some(host) = &self.host {
            return host.clone();
        }
        let catalog = self.catalog.take().expect("there is a catalog until there is a host");
        self.current = Arc::new(CurrentCatalog::new(self.granted(catalog)));
        let web: Arc<dyn Transport> = Arc::clone(&self.web) as Arc<dyn Transport>;
        let secrets = settings::secrets(self.home.path(), &self.variables);
        let egress = Egress::new(secrets.clone(), EgressSettings::default());
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let brokers = Brokers {
            transport: self.transport.clone().unwrap_or(web),
            logins: Logins::new(self.home.path(), egress, secrets.clone(), clock),
            secrets,
            processes: settings::processes(self.home.path()),
            state: Arc::clone(&self.memory) as _,
            records: Arc::new(Unrecorded),
            memory: Arc::new(Unrecorded),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            random: Random::default(),
        };
        let host = Host::following(Arc::clone(&self.current), BTreeMap::new(), brokers);
        self.host = Some(host.clone());
        host
    }

    /// Returns the catalog with a grant for each component that did not come with the program.
    fn granted(&self, catalog: Catalog) -> Catalog {
        let foreign = catalog.list().filter(|listed| !listed.built_in);
        let names: Vec<String> = foreign.map(|listed| listed.name.to_owned()).collect();
        names.iter().fold(catalog, |catalog, name| {
            let entry = catalog.find(name).expect("it is listed");
            let asked = || entry.asked().expect("the manifest is read").asked();
            let granted = self.grants.get(name).cloned().unwrap_or_else(asked);
            catalog.granting(name, granted)
        })
    }

    /// Returns the toolbox.
    ///
    /// # Panics
    ///
    /// The components do not go together.
    pub fn toolbox(&mut self) -> CatalogTools {
        let (workdir, settings) = (self.workdir(), self.tools.clone());
        CatalogTools::new(&self.host(), workdir, &settings).expect("the tools go together")
    }

    /// Calls a tool.
    ///
    /// # Errors
    ///
    /// The tool's failure.
    pub async fn call_tool(&mut self, name: &str, arguments: &str) -> Result<ToolOutput, Failure> {
        let toolbox = self.toolbox();
        self.call_tool_of(&toolbox, name, arguments).await
    }

    /// Calls a tool of a toolbox that is used again.
    ///
    /// # Errors
    ///
    /// The tool's failure.
    pub async fn call_tool_of(
        &self,
        toolbox: &CatalogTools,
        name: &str,
        arguments: &str,
    ) -> Result<ToolOutput, Failure> {
        let call = ToolCall {
            id: "call".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        let scope = self.scope();
        let gate = Arc::clone(&scope.gate);
        let result = toolbox.call(&call, scope).await;
        settle(&gate);
        result
    }

    /// Asks the evaluator of the world.
    ///
    /// # Errors
    ///
    /// Nothing was evaluated.
    ///
    /// # Panics
    ///
    /// There is none, or more than one.
    pub async fn evaluate(&mut self, subject: &Subject) -> Result<Verdict, Failure> {
        let judges =
            CatalogEvaluators::new(&self.host(), self.workdir(), &[]).expect("the evaluators load");
        let cards = judges.cards();
        let [card] = cards.as_slice() else { panic!("there are {} evaluators", cards.len()) };
        let scope = self.scope();
        let gate = Arc::clone(&scope.gate);
        let result = judges.evaluate(&card.name, subject, scope).await;
        settle(&gate);
        result
    }

    /// Has the learner of the world look at a finished task.
    ///
    /// # Errors
    ///
    /// Nothing was learnt.
    ///
    /// # Panics
    ///
    /// There is none, or more than one.
    pub async fn observe(&mut self, seen: &SeenTask) -> Result<Lesson, Failure> {
        let learners = CatalogLearners::new(&self.host(), self.workdir(), &[]);
        let names = learners.names();
        let [name] = names.as_slice() else { panic!("there are {} learners", names.len()) };
        let scope = self.scope();
        let gate = Arc::clone(&scope.gate);
        let result = learners.observe(name, seen, scope).await;
        settle(&gate);
        result
    }

    /// Has the agency of the world look at a motion.
    ///
    /// # Errors
    ///
    /// It abstains.
    ///
    /// # Panics
    ///
    /// There is none, or more than one.
    pub async fn assess(&mut self, motion: &Motion) -> Result<Assessment, Failure> {
        let agencies = CatalogAgencies::new(&self.host(), self.workdir());
        let cards = agencies.cards();
        let [card] = cards.as_slice() else { panic!("there are {} agencies", cards.len()) };
        let scope = self.scope();
        let gate = Arc::clone(&scope.gate);
        let result = agencies.assess(&card.name, motion, scope).await;
        settle(&gate);
        result
    }

    /// Has the one view of the world render a report.
    ///
    /// # Errors
    ///
    /// There is no such report, or it made no document.
    ///
    /// # Panics
    ///
    /// There is no view.
    pub async fn render(&mut self, report: &str, arguments: &Value) -> Result<Document, Failure> {
        let host = self.host();
        let views = CatalogViews::new(&host, "/work");
        let view =
            host.catalog().of_kind(Kind::View).next().expect("there is a view").name().to_owned();
        let report = views.report(&view, report)?;
        views.render(&report, arguments).await
    }

    /// Returns models that are all served by the one provider of the world, with these settings. Waits have
    /// their full length.
    ///
    /// # Panics
    ///
    /// There is no provider, or it is set up wrongly.
    pub fn models(&mut self, settings: ProviderSettings, model: &str) -> CatalogModels {
        let host = self.host();
        let catalog = host.catalog();
        let component = catalog.of_kind(Kind::Provider).next().expect("there is a provider");
        let own = ProviderSettings {
            name: if settings.name.is_empty() { "test".to_owned() } else { settings.name },
            component: component.name().to_owned(),
            ..settings
        };
        let route = Route { provider: own.name.clone(), model: model.to_owned() };
        let settings = ModelSettings {
            providers: vec![own],
            roles: BTreeMap::from([(Role::EXECUTOR.to_owned(), vec![route])]),
            catalogue: Value::Null,
            output: None,
            chance: Arc::new(|| 1.0),
        };
        CatalogModels::new(&host, settings).expect("the provider is set up rightly")
    }

    /// Asks the one provider of the world for a turn, and returns the text that was shown on the way too.
    ///
    /// # Errors
    ///
    /// There is no turn.
    pub async fn complete(
        &mut self,
        settings: ProviderSettings,
        model: &str,
        prompt: &Prompt,
    ) -> Result<Turn, ModelError> {
        let models = self.models(settings, model);
        models.complete(&Role::new(Role::EXECUTOR), prompt, &|_| false).await
    }

    /// Asks the one provider of the world for a turn, with its own settings and a prompt of one message.
    ///
    /// # Errors
    ///
    /// There is no turn.
    pub async fn ask(&mut self, model: &str, text: &str) -> Result<Turn, ModelError> {
        self.complete(ProviderSettings::default(), model, &asking(text)).await
    }

    /// Returns what was recorded.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.memory.entries()
    }

    /// Returns what components did or wanted to do outside, one line each, such as `http GET
    /// https://example.com` and `process sh -c ls`; what was refused says so.
    #[must_use]
    pub fn uses(&self) -> Vec<String> {
        let entries = self.entries().into_iter();
        let uses = entries.filter_map(|entry| match entry.event {
            Event::GateDecided { action, target, decision, .. } => {
                let allowed = matches!(decision, openkoi_core::decision::Decision::Allow { .. });
                Some(format!("{action} {target}{}", if allowed { "" } else { " (refused)" }))
            }
            _ => None,
        });
        uses.collect()
    }

    /// Returns the requests that were sent.
    #[must_use]
    pub fn web(&self) -> &Web {
        &self.web
    }

    /// Returns the person.
    #[must_use]
    pub fn asked(&self) -> &Person {
        &self.person
    }

    /// Returns the scripted models.
    #[must_use]
    pub fn model(&self) -> &TurnScript {
        &self.turns
    }

    /// Returns what surrounds a call.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let task = TaskId::new(TASK);
        let recorder = Recorder::new(
            task.clone(),
            Mode::Live,
            Vec::new(),
            Arc::clone(&self.memory) as _,
            Arc::clone(&self.memory) as _,
            Arc::clone(&self.clock) as _,
        );
        let recorder = Arc::new(recorder);
        let key = "i1/t1/c0";
        let trust = Trust { fallback: self.trust, ..Trust::default() };
        let policy = Policy { trust, ..Policy::default() };
        let gate = Gate::new(
            policy,
            Arc::clone(&self.person) as _,
            Arc::clone(&recorder),
            Arc::new(Patience),
        );
        Scope {
            task,
            key: key.to_owned(),
            deadline: self.deadline,
            gate: Arc::new(gate),
            turns: Arc::clone(&self.turns) as Arc<dyn Turns>,
            view: Arc::default(),
            effects: Arc::new(EffectLog::new(recorder, key)),
        }
    }

    /// Returns the directories of the components.
    #[must_use]
    pub fn workdir(&self) -> Arc<Workdir> {
        let mut workdir = Workdir::new(self.root(), self.home.path().join("output"));
        workdir.private = vec![self.home.path().join("credentials")];
        Arc::new(workdir)
    }
}

/// Commits what would wait for the run's next intent: here nothing follows a call.
fn settle(gate: &Gate) {
    gate.recorder().commit_waiting().expect("memory can be written");
}
