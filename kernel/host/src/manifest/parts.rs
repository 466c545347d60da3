//! The parts of a manifest, as `component.toml` has them.

use std::collections::BTreeMap;

use openkoi_core::{
    capability::{Access, Grant},
    credential::{Inject, InjectWord, Login, ProfileStore, SecretSource, VariablePair},
    evaluation::Tier,
    pattern::{CommandRule, HttpRule},
    signature::Signature,
    tool::{Effect, Schema},
};
use serde::Deserialize;

use crate::world::{AskedWith, Kind, ScopeKey, interface};

/// The largest manifest that is read, in bytes.
pub const MANIFEST_BYTES: usize = 1 << 20;
/// The largest JSON Schema of a tool, in bytes.
pub const SCHEMA_BYTES: usize = 64 << 10;
/// The longest description, in bytes.
pub const DESCRIPTION_BYTES: usize = 4 << 10;
/// The most tools of one component.
pub const MOST_TOOLS: usize = 128;

/// A component's manifest, checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// Name, version, kind and publisher.
    pub component: About,
    /// The tools.
    #[serde(default, rename = "tool")]
    pub tools: Vec<ToolEntry>,
    /// The capabilities of kinds without tools.
    #[serde(default, rename = "capability")]
    pub capabilities: Vec<Capability>,
    /// The credentials that the host adds to its requests.
    #[serde(default, rename = "credential")]
    pub credentials: Vec<CredentialEntry>,
    /// The part of a provider.
    pub provider: Option<ProviderEntry>,
    /// The part of an evaluator.
    pub evaluator: Option<EvaluatorEntry>,
    /// The part of a view.
    pub view: Option<ViewEntry>,
    /// The requests by which a service calls the host.
    pub webhook: Option<WebhookEntry>,
    /// The limits that its calls ask for.
    #[serde(default)]
    pub limits: LimitRequest,
}

/// Name, version, kind and publisher of a component.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct About {
    /// The name, unique in the catalog.
    pub name: String,
    /// The version of the component.
    pub version: String,
    /// The kind.
    pub kind: Kind,
    /// The publisher.
    pub publisher: String,
    /// A description for people.
    pub description: String,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToolEntry {
    /// The name by which the model calls it.
    pub name: String,
    /// Earlier names, by which it can still be called where no tool has the name.
    #[serde(default)]
    pub formerly: Vec<String>,
    /// The description that the model reads.
    pub description: String,
    /// The effect of a call.
    pub effect: Effect,
    /// True if calling it twice has the effect of calling it once.
    #[serde(default)]
    pub idempotent: bool,
    /// The domain whose trust level applies.
    pub domain: String,
    /// A JSON pointer to the argument that names the target of a call.
    pub target: Option<String>,
    /// The JSON Schema of the arguments, as text.
    pub parameters: String,
    /// The JSON Schema of the arguments, parsed.
    #[serde(skip)]
    pub schema: Schema,
    /// The capabilities that it asks for.
    #[serde(default, rename = "capability")]
    pub capabilities: Vec<Capability>,
}

/// A capability that is asked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Capability {
    /// The interface of the host.
    pub interface: String,
    /// The reason, for the person who grants it.
    pub why: String,
    /// For `files`: reading or writing.
    pub access: Option<Access>,
    /// For `http`: rules for requests.
    #[serde(default)]
    pub allow: Vec<HttpRule>,
    /// For `process`: rules for commands.
    #[serde(default)]
    pub commands: Vec<CommandRule>,
    /// For `process`: true if the commands need the network.
    #[serde(default)]
    pub network: bool,
    /// For `model`: the roles to ask.
    #[serde(default)]
    pub roles: Vec<String>,
    /// For `model`: the most tokens of one turn.
    pub max_tokens: Option<u32>,
}

/// One credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CredentialEntry {
    /// The name.
    pub name: String,
    /// The variables that may hold it, in order.
    #[serde(default)]
    pub environment: Vec<String>,
    /// The pair of variables of a key that signs.
    pub pair: Option<VariablePair>,
    /// The store in which another program keeps it.
    pub store: Option<CredentialStore>,
    /// The place of the credential in a request.
    pub inject: Inject,
    /// The addresses that it is for, with all paths below them. A provider has its base URL instead.
    #[serde(default)]
    pub urls: Vec<String>,
    /// True if requests without it fail. A request that names it fails without it anyway.
    #[serde(default)]
    pub required: bool,
    /// The login that issues it, if there is one.
    pub login: Option<Login>,
}

impl CredentialEntry {
    /// Returns true if it signs requests.
    #[must_use]
    pub fn signs(&self) -> bool {
        matches!(self.inject, Inject::SigV4 { .. })
    }

    /// Returns true if it is not sent and checks what a service signed.
    #[must_use]
    pub fn is_for_webhooks(&self) -> bool {
        self.inject == Inject::Word(InjectWord::Nowhere)
    }

    /// Returns the sources besides its variables, in order.
    pub fn others(&self) -> impl Iterator<Item = SecretSource> {
        let pair = self.pair.iter().map(|pair| SecretSource::Pair(Box::new(pair.clone())));
        let store = self.store.iter().map(|store| match store {
            CredentialStore::IniProfile(store) => SecretSource::Profile(Box::new(store.clone())),
        });
        pair.chain(store)
    }
}

/// A store of another program, by its format.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "format", rename_all = "kebab-case")]
pub enum CredentialStore {
    /// INI files with a section for each profile.
    IniProfile(ProfileStore),
}

/// The transport of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// Over HTTP.
    #[default]
    Http,
    /// Within the process: the encoded request is the response.
    Local,
}

/// The part of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProviderEntry {
    /// The base URL, unless the user sets another. `{name}` is a placeholder for the option of this name.
    #[serde(default)]
    pub base_url: String,
    /// The base URL of the list of models, if it is another. With a base URL of the user's, the list is there too.
    #[serde(default)]
    pub lists_url: String,
    /// The variable by which the vendor's own programs set the base URL, or the part of it that varies.
    #[serde(default)]
    pub base_url_environment: String,
    /// The transport.
    #[serde(default)]
    pub transport: Wire,
    /// A notice that the user sees whenever it answers.
    #[serde(default)]
    pub notice: String,
    /// The model for work.
    #[serde(default)]
    pub default_model: String,
    /// The model for small things.
    #[serde(default)]
    pub small_model: String,
    /// The settings that the codec gets.
    #[serde(default, rename = "option")]
    pub options: Vec<OptionEntry>,
    /// Other services with the same wire format.
    #[serde(default, rename = "preset")]
    pub presets: Vec<PresetEntry>,
}

/// A setting of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OptionEntry {
    /// The key in `[providers.NAME]`.
    pub name: String,
    /// True if the setting is a path. The codec gets the file's contents.
    #[serde(default)]
    pub file: bool,
    /// A description for people.
    #[serde(default)]
    pub description: String,
    /// The variables that set it if the user does not, in order.
    #[serde(default)]
    pub environment: Vec<String>,
    /// The setting in a credential's profile that sets it if neither the user nor a variable does.
    #[serde(default)]
    pub profile_setting: String,
}

/// Another service with the wire format of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PresetEntry {
    /// The name.
    pub name: String,
    /// The base URL.
    pub base_url: String,
    /// The variables that may hold it, in order.
    #[serde(default)]
    pub environment: Vec<String>,
    /// The model for work.
    #[serde(default)]
    pub default_model: String,
    /// The model for small things.
    #[serde(default)]
    pub small_model: String,
    /// The name under which the bundled list has its models, if it is not its own.
    #[serde(default)]
    pub models_of: String,
    /// The login that issues its credential, if there is one.
    pub login: Option<Login>,
    /// The store in which another program keeps a token for it.
    pub store: Option<StoreEntry>,
    /// Settings that the service needs. The user's settings override them.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Headers to add to each request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// The store in which another program keeps a token. The user allows reading it by the name of the preset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StoreEntry {
    /// The program's usual name.
    pub program: String,
    /// The file; `~/` is the user's home.
    pub path: String,
    /// A JSON pointer to the token.
    pub token: String,
    /// A JSON pointer to its expiry, in milliseconds since 1970.
    #[serde(default)]
    pub expires: String,
    /// The service under which the keychain has it, on systems with one.
    #[serde(default)]
    pub keychain: String,
    /// The place of the token in a request.
    pub inject: Inject,
}

/// The part of an evaluator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EvaluatorEntry {
    /// The tier of its evidence.
    pub tier: Tier,
    /// Words in lower case. If there are any, the evaluator is not asked about an answer without any of them, as long as
    /// no file changed and no check has a baseline.
    #[serde(default)]
    pub answer_words: Vec<String>,
}

/// The requests by which a service calls the host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WebhookEntry {
    /// Their methods, in capitals.
    pub methods: Vec<String>,
    /// The name of the credential that checks the signature.
    pub credential: String,
    /// How the service signs them, which the host checks before the guest sees one.
    pub signature: Signature,
    /// The greatest difference between the time of signing and that of arrival, in seconds.
    #[serde(default = "usual_tolerance")]
    pub seconds: u32,
}

fn usual_tolerance() -> u32 {
    300
}

/// The part of a view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ViewEntry {
    /// The reports that it renders.
    #[serde(rename = "report")]
    pub reports: Vec<ReportEntry>,
}

/// One report.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReportEntry {
    /// The name, unique in the view.
    pub name: String,
    /// What a person asks for it with.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The facts that it wants beside these, by their words.
    #[serde(default)]
    pub given: Vec<String>,
}

/// Limits that a component asks for. An absent one is the default of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitRequest {
    /// Linear memory, in MiB.
    pub memory_mib: Option<u64>,
    /// Time from beginning to end, in milliseconds.
    pub wall_ms: Option<u64>,
    /// Running time, in milliseconds.
    pub cpu_ms: Option<u64>,
    /// Number of calls of the host.
    pub host_calls: Option<u64>,
    /// Data to and from the host, in MiB.
    pub host_bytes_mib: Option<u64>,
    /// Result of a call, in KiB.
    pub output_kib: Option<u64>,
}

impl LimitRequest {
    /// Returns these limits, filled up with those of `other`.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        Self {
            memory_mib: self.memory_mib.or(other.memory_mib),
            wall_ms: self.wall_ms.or(other.wall_ms),
            cpu_ms: self.cpu_ms.or(other.cpu_ms),
            host_calls: self.host_calls.or(other.host_calls),
            host_bytes_mib: self.host_bytes_mib.or(other.host_bytes_mib),
            output_kib: self.output_kib.or(other.output_kib),
        }
    }
}

impl Manifest {
    /// Returns the entry of a tool.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&ToolEntry> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Returns the grant that one tool asks for, or the component if it has no tools.
    #[must_use]
    pub fn grant(&self, tool: Option<&str>) -> Grant {
        let own = tool.and_then(|name| self.tool(name)).map(|tool| tool.capabilities.as_slice());
        let mut grant = Grant::default();
        for asked in self.capabilities.iter().chain(own.unwrap_or_default()) {
            grant.add(&asked.grant());
        }
        grant
    }

    /// Returns the names of the tables that one kind has, as far as they are there.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &'static str> {
        let provider = self.provider.as_ref().map(|_| "provider");
        let evaluator = self.evaluator.as_ref().map(|_| "evaluator");
        let view = self.view.as_ref().map(|_| "view");
        let webhook = self.webhook.as_ref().map(|_| "webhook");
        provider.into_iter().chain(evaluator).chain(view).chain(webhook)
    }

    /// Returns true if the component or one of its tools asks for `interface`.
    #[must_use]
    pub fn asks_for(&self, interface: &str) -> bool {
        let tools = self.tools.iter().flat_map(|tool| &tool.capabilities);
        self.capabilities.iter().chain(tools).any(|asked| asked.interface == interface)
    }
}

impl Capability {
    /// Returns true if it has a value for `key`.
    pub(crate) fn has(&self, key: ScopeKey) -> bool {
        match key {
            ScopeKey::Access => self.access.is_some(),
            ScopeKey::Allow => !self.allow.is_empty(),
            ScopeKey::Commands => !self.commands.is_empty(),
            ScopeKey::Network => self.network,
            ScopeKey::Roles => !self.roles.is_empty(),
            ScopeKey::MaxTokens => self.max_tokens.is_some(),
        }
    }

    /// Returns the grant that it asks for.
    fn grant(&self) -> Grant {
        let whole = interface(&self.interface).filter(|one| one.asked == AskedWith::Whole);
        let roles = self.roles.iter().map(|role| (role.clone(), self.max_tokens));
        Grant {
            files: self.access,
            http: self.allow.clone(),
            commands: self.commands.clone(),
            network: self.network,
            roles: roles.collect(),
            whole: whole.map(|one| one.name.to_owned()).into_iter().collect(),
            asked: None,
        }
    }
}
