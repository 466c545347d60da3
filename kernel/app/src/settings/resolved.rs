//! The settings as typed and complete values.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use openkoi_brokers::secrets::KeepIn;
use openkoi_core::{
    evaluation::NamedCheck,
    message::ReasoningEffort,
    network::NetworkRules,
    task,
    trust::{Trust, TrustLevel},
};

use openkoi_host::kinds::provider::OfferedPrice;

use super::{
    key::{hosts, number},
    layers::{Layers, Origin, Setting},
};
use crate::environment::{Environment, HOME};

/// Limits of one task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskLimits {
    /// The most iterations.
    pub iterations: u32,
    /// The score from which work is accepted, 0 to 1.
    pub quality: f64,
    /// The most fresh tokens, if there is a limit.
    pub tokens: Option<u64>,
    /// The most money, in millionths of a dollar.
    pub cost_micros: u64,
    /// The most seconds, if there is a limit.
    pub seconds: Option<u64>,
    /// The most rounds of tool calls in an iteration.
    pub tool_rounds: u32,
    /// The most tokens of one turn.
    pub turn_tokens: u32,
    /// The same, if it was set: it holds for models whose own limit no list knows.
    pub own_turn_tokens: Option<u64>,
}

/// The settings of the sandbox for programs that a tool starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSettings {
    /// True if programs run in a sandbox.
    pub on: bool,
    /// Further directories they may read.
    pub read: Vec<PathBuf>,
    /// Further directories they may write.
    pub write: Vec<PathBuf>,
    /// The hosts that they reach.
    pub network: NetworkRules,
    /// The most bytes that a program writes into its layer and its temporary directory.
    pub disk: u64,
    /// The most bytes of a program's output that are kept in a file.
    pub output: u64,
    /// The most bytes that are kept so of all programs of a task.
    pub outputs: u64,
}

/// The settings of the keys that `openkoi connect` keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The choice between the key ring of the session and a file.
    pub store: KeepIn,
    /// Directories of the key ring's programs, if they are not those of the system.
    pub programs: Vec<PathBuf>,
}

/// How requests leave, as the user says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteSettings {
    /// The proxy for all requests, or `off` for none.
    pub proxy: Option<String>,
    /// Hosts that are reached without it.
    pub no_proxy: Vec<String>,
    /// Certificates that are trusted beside those of the system.
    pub certificates: Vec<PathBuf>,
    /// Names that may lead into the local network.
    pub private_hosts: Vec<String>,
}

/// Where the daemon is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// True if it is reached at all.
    pub enabled: bool,
    /// The address that it listens at.
    pub address: String,
    /// The port.
    pub port: u16,
    /// True if others than this machine may reach it.
    pub expose: bool,
    /// The token that every request has to carry, if one is set.
    pub token: Option<String>,
}

/// How the daemon works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaemonSettings {
    /// True if a command that needs it may start it.
    pub autostart: bool,
    /// The most tasks at once. One that waits for an answer does not count.
    pub concurrency: u32,
    /// The most money of all tasks of a day, in millionths of a dollar, from which on it begins none.
    pub day_micros: Option<u64>,
    /// How long a task waits for an answer, in minutes, before it goes on without one; 0 is for ever.
    pub answer_minutes: u64,
}

/// How a person is told of what waits for them, and of what has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    /// How a terminal tells of it: a word of [`super::key::TERMINAL_ALERTS`].
    pub terminal: String,
    /// True if the desktop tells of tasks that run in the background.
    pub desktop: bool,
    /// How long something goes on before it is told of. Somebody who looks at it has answered a question by then, and has no need to
    /// be called back to a task that ended sooner.
    pub after: Duration,
    /// Directories of the desktop's programs, if they are not those of the system.
    pub programs: Vec<PathBuf>,
}

/// How long what finished tasks leave behind is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The days; 0 is for ever.
    pub days: u64,
    /// The most bytes that everything may take when `openkoi prune` runs, if there is a limit.
    pub bytes: Option<u64>,
}

/// What is learnt from tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearningMode {
    /// Facts, and what a small model says that a mended fault taught.
    On,
    /// Facts alone.
    Facts,
    /// Nothing.
    Off,
}

impl LearningMode {
    fn of(word: &str) -> Self {
        match word {
            "off" => Self::Off,
            "facts" => Self::Facts,
            _ => Self::On,
        }
    }
}

/// A provider of the configuration: one table `[providers.NAME]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfiguredProvider {
    /// The name, which is the first half of `provider/model`.
    pub name: String,
    /// The component that has its wire format. If absent, it is the one of the same name.
    pub component: Option<String>,
    /// The base URL. If absent, it is that of the component.
    pub base_url: Option<String>,
    /// The variable with the key. If absent, it is one that the component names.
    pub api_key_env: Option<String>,
    /// Models besides the known ones. The first is the default.
    pub models: Vec<String>,
    /// Changes to the login of the component.
    pub login: toml::Table,
    /// The price of its models. A part that is not set costs nothing, but what a cache reads or takes costs as much as
    /// other input.
    pub price: Option<OfferedPrice>,
    /// Values of settings that the component declares, as text. Relative paths are not resolved
    /// yet.
    pub options: Vec<(String, String)>,
    /// The directory of the file that configures it.
    pub directory: PathBuf,
    /// The user's home, for paths that begin with `~/`.
    pub home: Option<PathBuf>,
}

/// An account at a service that is no provider: one table `[accounts.NAME]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfiguredAccount {
    /// The name.
    pub name: String,
    /// The component that asks the service. If absent, it is the one of the same name.
    pub component: Option<String>,
    /// The variable with its key.
    pub api_key_env: Option<String>,
    /// Changes to the login of the component.
    pub login: toml::Table,
}

/// All settings of one workspace.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The model for roles without one of their own.
    pub model: Option<String>,
    /// Models by role, for roles with one of their own.
    pub roles: BTreeMap<String, String>,
    /// Models to try when the first is unavailable.
    pub fallback: Vec<String>,
    /// Models to try by role, in place of `fallback`.
    pub fallbacks: BTreeMap<String, Vec<String>>,
    /// Providers in the order of the file.
    pub providers: Vec<ConfiguredProvider>,
    /// Accounts at services that are no providers.
    pub accounts: Vec<ConfiguredAccount>,
    /// The account that a component uses, if the user named one, by component.
    pub used_accounts: BTreeMap<String, String>,
    /// Limits of one task.
    pub limits: TaskLimits,
    /// True if the project's own checks run.
    pub checks: bool,
    /// The longest time of one run of the checks, in seconds.
    pub checks_seconds: u64,
    /// The longest time of a quick look at files that were just written, in seconds; 0 for none.
    pub edit_seconds: u64,
    /// Commands that are checks of the project beside those that are found.
    pub named_checks: Vec<NamedCheck>,
    /// How much the models of these roles are asked to reason.
    pub efforts: BTreeMap<String, ReasoningEffort>,
    /// Names of tools that are left out.
    pub disabled_tools: Vec<String>,
    /// The address of the archive of a repository with skills.
    pub skill_archives: String,
    /// Names of skills that no task is given.
    pub disabled_skills: Vec<String>,
    /// Names of a project's evaluators that may judge in place of the bundled ones.
    pub trusted_evaluators: Vec<String>,
    /// The charset of files whose bytes do not tell it.
    pub encoding: Option<String>,
    /// The sandbox of programs.
    pub sandbox: SandboxSettings,
    /// How requests leave this machine.
    pub route: RouteSettings,
    /// The place of keys.
    pub credentials: Credentials,
    /// The trust levels: how far the agent may go without asking.
    pub trust: Trust,
    /// Limits of components, by component and by the manifest's name of the limit.
    pub component_limits: BTreeMap<String, BTreeMap<String, u64>>,
    /// Where events are sent, by the setting's last word: `on_task_complete` and its address.
    pub webhooks: BTreeMap<String, String>,
    /// How long what finished tasks leave behind is kept.
    pub retention: Retention,
    /// What is learnt from tasks.
    pub learning: LearningMode,
    /// Directories whose own SOUL.md counts.
    pub trusted_souls: Vec<String>,
    /// True if agencies are left out of the chamber whose record says that they change nothing.
    pub spares: bool,
    /// The level of the log: a word of [`super::key::LOG_LEVELS`].
    pub log_level: String,
    /// True if the user asks for redaction, which is not built yet.
    pub redaction: bool,
    /// Where the daemon is reached.
    pub api: ApiSettings,
    /// How the daemon works.
    pub daemon: DaemonSettings,
    /// How a person is told of what waits for them.
    pub alerts: AlertSettings,
    /// True if the user named the workspace for this call, so that it is the one that is meant.
    pub workspace_is_named: bool,
    /// The directory whose memories a task is told, if it is not the one that it works in.
    pub memories_of: Option<PathBuf>,
    layers: Layers,
}

impl Settings {
    /// Reads the layers into fields.
    pub fn of(layers: Layers, environment: &Environment) -> Self {
        let read = Reader { layers: &layers, environment };
        Self {
            model: read.text(&["model"]),
            roles: read.below(&["roles"], |value| value.as_str().map(str::to_owned)),
            fallback: read.texts(&["fallback", "models"]),
            fallbacks: read.fallbacks(),
            providers: layers.providers().iter().map(|name| read.provider(name)).collect(),
            accounts: read.accounts(),
            used_accounts: read.used_accounts(),
            limits: read.limits(),
            checks: read.switch(&["checks", "enabled"]),
            checks_seconds: read.count(&["checks", "seconds"]),
            edit_seconds: read.count(&["checks", "edit_seconds"]),
            named_checks: read.named_checks(),
            efforts: read.below(&["effort"], |value| ReasoningEffort::of(value.as_str()?)),
            disabled_tools: read.texts(&["tools", "disabled"]),
            skill_archives: read.text(&["skills", "archives"]).unwrap_or_default(),
            disabled_skills: read.texts(&["skills", "disabled"]),
            trusted_evaluators: read.texts(&["evaluators", "trusted"]),
            encoding: read.text(&["files", "encoding"]),
            sandbox: read.sandbox(),
            route: read.route(),
            credentials: read.credentials(),
            trust: read.trust(),
            component_limits: read.component_limits(),
            webhooks: read.below(&["api", "webhooks"], |value| value.as_str().map(str::to_owned)),
            retention: read.retention(),
            learning: LearningMode::of(&read.text(&["learning", "mode"]).unwrap_or_default()),
            trusted_souls: read.texts(&["soul", "trusted"]),
            spares: read.text(&["think", "chamber"]).as_deref() == Some("auto"),
            log_level: read.text(&["log", "level"]).unwrap_or_default(),
            redaction: read.switch(&["redaction", "enabled"]),
            api: read.api(),
            daemon: read.daemon(),
            alerts: read.alerts(),
            workspace_is_named: false,
            memories_of: None,
            layers,
        }
    }

    /// Returns these settings without the models that they name.
    #[must_use]
    pub fn without_models(&self) -> Self {
        Self { model: None, roles: BTreeMap::new(), ..self.clone() }
    }

    /// Returns every value with its origin, sorted by key.
    pub fn all(&self) -> impl Iterator<Item = &Setting> {
        self.layers.all()
    }

    /// Returns the origin of a key's value.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.all().find(|setting| setting.path.join(".") == name).map(|setting| &setting.origin)
    }

    /// Returns the warnings about values that were passed over.
    pub fn warnings(&self) -> &[String] {
        self.layers.warnings()
    }

    /// Adds a warning for every component with limits that is not among `known`.
    pub(crate) fn check_components(&mut self, known: impl Fn() -> BTreeSet<String>) {
        if self.component_limits.is_empty() {
            return;
        }
        let known = known();
        for name in self.component_limits.keys().filter(|name| !known.contains(*name)) {
            self.layers.warn(format!("`component.{name}`: there is no such component"));
        }
    }

    /// Returns the limits and switches of a task.
    pub fn task(&self) -> task::TaskSettings {
        task::TaskSettings {
            max_iterations: self.limits.iterations,
            quality: self.limits.quality,
            checks: self.checks,
            max_tokens: self.limits.tokens,
            max_cost_micros: self.limits.cost_micros,
            max_time_ms: self.limits.seconds.map(|seconds| seconds.saturating_mul(1_000)),
            max_tool_rounds: self.limits.tool_rounds,
            max_turn_tokens: self.limits.turn_tokens,
            checks_seconds: self.checks_seconds,
            named_checks: self.named_checks.clone(),
            efforts: self.efforts.clone(),
            spares: self.spares,
            ..task::TaskSettings::STANDARD
        }
    }
}

/// Reads values that [`Layers`] has checked already.
struct Reader<'a> {
    layers: &'a Layers,
    environment: &'a Environment,
}

impl Reader<'_> {
    fn api(&self) -> ApiSettings {
        ApiSettings {
            enabled: self.switch(&["api", "enabled"]),
            address: self.text(&["api", "address"]).unwrap_or_default(),
            port: u16::try_from(self.count(&["api", "port"])).unwrap_or_default(),
            expose: self.switch(&["api", "expose"]),
            token: self.text(&["api", "token"]).filter(|token| !token.is_empty()),
        }
    }

    fn daemon(&self) -> DaemonSettings {
        let day = self.layers.get(&["daemon", "day_usd"]).and_then(number);
        DaemonSettings {
            autostart: self.switch(&["daemon", "autostart"]),
            concurrency: u32::try_from(self.count(&["daemon", "concurrency"])).unwrap_or(1),
            day_micros: day.map(|dollars| (dollars * 1e6).round() as u64),
            answer_minutes: self.count(&["daemon", "answer_minutes"]),
        }
    }

    fn alerts(&self) -> AlertSettings {
        AlertSettings {
            terminal: self.text(&["alerts", "terminal"]).unwrap_or_default(),
            desktop: self.switch(&["alerts", "desktop"]),
            after: Duration::from_secs(self.count(&["alerts", "after_seconds"])),
            programs: self.paths(&["alerts", "programs"]),
        }
    }

    fn named_checks(&self) -> Vec<NamedCheck> {
        let of = |category: &'static str| {
            let commands = self.texts(&["checks", category]).into_iter();
            commands.map(move |command| NamedCheck { category: category.to_owned(), command })
        };
        ["build", "test", "lint", "types"].into_iter().flat_map(of).collect()
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        self.layers.get(path)?.as_str().map(str::to_owned)
    }

    fn switch(&self, path: &[&str]) -> bool {
        self.layers.get(path).and_then(toml::Value::as_bool).unwrap_or(false)
    }

    fn number(&self, path: &[&str]) -> f64 {
        self.layers.get(path).and_then(number).unwrap_or(0.0)
    }

    fn count(&self, path: &[&str]) -> u64 {
        self.limit(path).unwrap_or(0)
    }

    /// Returns a number that may be absent, which is no limit.
    fn limit(&self, path: &[&str]) -> Option<u64> {
        u64::try_from(self.layers.get(path)?.as_integer()?).ok()
    }

    /// Tells whether a value was set by anybody.
    fn is_set(&self, key: &str) -> bool {
        let mut set = self.layers.all().filter(|setting| setting.origin != Origin::Default);
        set.any(|setting| setting.path.join(".") == key)
    }

    fn texts(&self, path: &[&str]) -> Vec<String> {
        let list = self.layers.get(path).and_then(toml::Value::as_array);
        let texts = list.into_iter().flatten().filter_map(toml::Value::as_str);
        texts.map(str::to_owned).collect()
    }

    /// Returns the values directly below a table.
    fn below<T>(
        &self,
        table: &[&str],
        read: impl Fn(&toml::Value) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let found = self.layers.all().filter_map(|setting| {
            let (last, parents) = setting.path.split_last()?;
            let value = (parents == table).then(|| read(&setting.value))??;
            Some((last.clone(), value))
        });
        found.collect()
    }

    /// Returns a table with the tables below it.
    fn table(&self, table: &[&str]) -> toml::Table {
        let mut whole = toml::Table::new();
        for setting in self.layers.all() {
            let Some(rest) = strip(&setting.path, table) else { continue };
            let Some((last, parents)) = rest.split_last() else { continue };
            let place = parents.iter().try_fold(&mut whole, |place, name| {
                let inner = toml::Value::Table(toml::Table::new());
                place.entry(name.clone()).or_insert(inner).as_table_mut()
            });
            if let Some(place) = place {
                place.insert(last.clone(), setting.value.clone());
            }
        }
        whole
    }

    fn limits(&self) -> TaskLimits {
        let small = |path: &[&str]| u32::try_from(self.count(path)).unwrap_or(u32::MAX);
        TaskLimits {
            iterations: small(&["limits", "iterations"]),
            quality: self.number(&["limits", "quality"]),
            tokens: self.limit(&["limits", "tokens"]),
            cost_micros: micros(self.number(&["limits", "cost_usd"])),
            seconds: self.limit(&["limits", "seconds"]),
            tool_rounds: small(&["limits", "tool_rounds"]),
            turn_tokens: small(&["limits", "turn_tokens"]),
            own_turn_tokens: self
                .limit(&["limits", "turn_tokens"])
                .filter(|_| self.is_set("limits.turn_tokens")),
        }
    }

    fn sandbox(&self) -> SandboxSettings {
        SandboxSettings {
            on: self.text(&["sandbox", "mode"]).as_deref() != Some("off"),
            read: self.paths(&["sandbox", "read"]),
            write: self.paths(&["sandbox", "write"]),
            network: self.layers.get(&["sandbox", "network"]).and_then(hosts).unwrap_or_default(),
            disk: self.count(&["sandbox", "disk_mib"]).saturating_mul(1 << 20),
            output: self.count(&["sandbox", "output_mib"]).saturating_mul(1 << 20),
            outputs: self.count(&["sandbox", "outputs_mib"]).saturating_mul(1 << 20),
        }
    }

    fn retention(&self) -> Retention {
        let size = self.layers.get(&["retention", "size_gb"]).and_then(number);
        Retention {
            days: self.count(&["retention", "days"]),
            bytes: size.map(|size| (size * 1e9).round() as u64),
        }
    }

    fn credentials(&self) -> Credentials {
        let store = match self.text(&["credentials", "store"]).as_deref() {
            Some("keyring") => KeepIn::Keyring,
            Some("file") => KeepIn::File,
            _ => KeepIn::Auto,
        };
        Credentials { store, programs: self.paths(&["credentials", "programs"]) }
    }

    fn route(&self) -> RouteSettings {
        RouteSettings {
            proxy: self.text(&["network", "proxy"]).filter(|text| !text.is_empty()),
            no_proxy: self.texts(&["network", "no_proxy"]),
            certificates: self.paths(&["network", "ca"]),
            private_hosts: self.texts(&["network", "private_hosts"]),
        }
    }

    fn trust(&self) -> Trust {
        let level = |value: &toml::Value| value.as_str()?.parse::<TrustLevel>().ok();
        Trust {
            domains: self.below(&["trust", "domains"], level),
            // A level that cannot be read counts as the lowest, not as the standard one.
            fallback: self
                .layers
                .get(&["trust", "default"])
                .and_then(level)
                .unwrap_or(TrustLevel::Ask),
            ..Trust::default()
        }
    }

    fn fallbacks(&self) -> BTreeMap<String, Vec<String>> {
        let roles = self.below(&["fallback"], |value| value.is_array().then_some(()));
        let own = roles.into_keys().filter(|role| role != "models");
        own.map(|role| (role.clone(), self.texts(&["fallback", &role]))).collect()
    }

    fn component_limits(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut limits: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for setting in self.layers.all() {
            let [table, component, kind, limit] = setting.path.as_slice() else { continue };
            let value = setting.value.as_integer().and_then(|whole| u64::try_from(whole).ok());
            if let (true, Some(value)) = (table == "component" && kind == "limits", value) {
                limits.entry(component.clone()).or_default().insert(limit.clone(), value);
            }
        }
        limits
    }

    fn accounts(&self) -> Vec<ConfiguredAccount> {
        let named = self.layers.all().filter_map(|setting| match setting.path.as_slice() {
            [table, name, _, ..] if table == "accounts" => Some(name.as_str()),
            _ => None,
        });
        let names: BTreeSet<&str> = named.collect();
        let text = |name: &str, key: &str| {
            self.text(&["accounts", name, key]).filter(|text| !text.is_empty())
        };
        let account = |name: &str| ConfiguredAccount {
            name: name.to_owned(),
            component: text(name, "component"),
            api_key_env: text(name, "api_key_env"),
            login: self.table(&["accounts", name, "login"]),
        };
        names.into_iter().map(account).collect()
    }

    fn used_accounts(&self) -> BTreeMap<String, String> {
        let used = self.layers.all().filter_map(|setting| match setting.path.as_slice() {
            [table, component, key] if table == "component" && key == "account" => {
                Some((component.clone(), setting.value.as_str()?.to_owned()))
            }
            _ => None,
        });
        used.collect()
    }

    fn provider(&self, name: &str) -> ConfiguredProvider {
        let own = ["component", "base_url", "api_key_env", "models"];
        let values = self.below(&["providers", name], |value| Some(option_text(value)));
        let take = |key: &str| values.get(key).filter(|text| !text.is_empty()).cloned();
        let options = values.iter().filter(|(key, _)| !own.contains(&key.as_str()));
        ConfiguredProvider {
            name: name.to_owned(),
            component: take("component"),
            base_url: take("base_url").map(|url| url.trim_end_matches('/').to_owned()),
            api_key_env: take("api_key_env"),
            models: self.texts(&["providers", name, "models"]),
            login: self.table(&["providers", name, "login"]),
            price: self.price(name),
            options: options.map(|(key, value)| (key.clone(), value.clone())).collect(),
            directory: self.directory_of(name),
            home: self.environment.path(&HOME),
        }
    }

    fn price(&self, provider: &str) -> Option<OfferedPrice> {
        let prices = self.below(&["providers", provider, "price"], number);
        let part = |name: &str| prices.get(name).map(|dollars| micros(*dollars));
        (!prices.is_empty()).then(|| OfferedPrice {
            input: part("input").unwrap_or(0),
            output: part("output").unwrap_or(0),
            cache_read: part("cache_read"),
            cache_write: part("cache_write"),
        })
    }

    fn directory_of(&self, provider: &str) -> PathBuf {
        let setting = self.layers.all().find(|setting| {
            setting.path.first().is_some_and(|table| table == "providers")
                && setting.path.get(1).is_some_and(|name| name == provider)
        });
        let file = setting.and_then(|setting| match &setting.origin {
            Origin::User { path, .. } | Origin::Project { path, .. } => path.parent(),
            _ => None,
        });
        file.unwrap_or_else(|| self.environment.directory()).to_owned()
    }

    fn paths(&self, path: &[&str]) -> Vec<PathBuf> {
        let (directory, home) = (self.environment.directory(), self.environment.path(&HOME));
        let texts = self.texts(path);
        texts.iter().map(|text| expand(text, directory, home.as_deref())).collect()
    }
}

/// Returns `text` as an absolute path. `~/` stands for the user's home, and other relative paths
/// are relative to `directory`.
pub(crate) fn expand(text: &str, directory: &Path, home: Option<&Path>) -> PathBuf {
    let below = text.strip_prefix("~/").zip(home);
    below.map_or_else(|| directory.join(text), |(rest, home)| home.join(rest))
}

fn strip<'a>(path: &'a [String], table: &[&str]) -> Option<&'a [String]> {
    let (head, rest) = path.split_at_checked(table.len())?;
    (head == table).then_some(rest)
}

fn option_text(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns dollars as millionths. The range was checked when the value was read.
fn micros(dollars: f64) -> u64 {
    (dollars * 1_000_000.0).round() as u64
}
