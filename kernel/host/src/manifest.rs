//! What a component says of itself: its name, its tools, what it asks for and why.
//!
//! The text is the component's `component.toml`, embedded as the custom section `openkoi:manifest`; built-ins
//! carry it as JSON. Listing tools, asking for consent and describing credentials rest on it and run no
//! guest. Unknown keys are errors: a key that is not understood may have been a restriction.

mod check;
mod error;

use std::collections::BTreeMap;

use openkoi_core::{
    capability::{Access, Grant},
    credential::{Inject, Login, ProfileStore, SecretSource, VariablePair},
    evaluation::Tier,
    pattern::{CommandRule, HttpRule},
    tool::{Effect, Schema},
};
use serde::{Deserialize, Serialize};

pub use error::ManifestError;

/// The largest manifest that is read, in bytes.
pub const MANIFEST_BYTES: usize = 1 << 20;
/// The largest JSON Schema of a tool, in bytes.
pub const SCHEMA_BYTES: usize = 64 << 10;
/// The longest description, in bytes.
pub const DESCRIPTION_BYTES: usize = 4 << 10;
/// The most tools of one component.
pub const MOST_TOOLS: usize = 128;

/// What a component is; it fixes the world that it exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Serves models.
    Provider,
    /// Has tools.
    Tool,
    /// Links to a service.
    Integration,
    /// Judges.
    Evaluator,
    /// Takes part in a deliberation.
    Agency,
    /// Changes text on its way.
    Filter,
    /// Renders a document.
    View,
    /// Learns from outcomes.
    Learner,
    /// Embeds texts.
    Embedder,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Provider,
        Self::Tool,
        Self::Integration,
        Self::Evaluator,
        Self::Agency,
        Self::Filter,
        Self::View,
        Self::Learner,
        Self::Embedder,
    ];

    /// Returns the kind that a manifest's word means.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the word of the manifest.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Tool => "tool",
            Self::Integration => "integration",
            Self::Evaluator => "evaluator",
            Self::Agency => "agency",
            Self::Filter => "filter",
            Self::View => "view",
            Self::Learner => "learner",
            Self::Embedder => "embedder",
        }
    }
}

/// A component's manifest, checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// What the component is.
    pub component: About,
    /// Its tools.
    #[serde(default, rename = "tool")]
    pub tools: Vec<ToolEntry>,
    /// What it asks for, for kinds without tools.
    #[serde(default, rename = "capability")]
    pub capabilities: Vec<Capability>,
    /// The credentials that the host adds to its requests.
    #[serde(default, rename = "credential")]
    pub credentials: Vec<CredentialEntry>,
    /// For providers.
    pub provider: Option<ProviderEntry>,
    /// For evaluators.
    pub evaluator: Option<EvaluatorEntry>,
    /// What its calls may take.
    #[serde(default)]
    pub limits: LimitRequest,
}

/// What a component is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct About {
    /// Unique in the catalog.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its kind.
    pub kind: Kind,
    /// Who made it.
    pub publisher: String,
    /// What it does, for a person.
    pub description: String,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToolEntry {
    /// Its name, as the model sees it.
    pub name: String,
    /// What the model reads.
    pub description: String,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether doing it twice is the same as doing it once.
    #[serde(default)]
    pub idempotent: bool,
    /// The domain whose trust level holds.
    pub domain: String,
    /// JSON pointer to the argument that names what is acted on.
    pub target: Option<String>,
    /// JSON Schema of its arguments, as text.
    pub parameters: String,
    /// The same, parsed.
    #[serde(skip)]
    pub schema: Schema,
    /// What it asks for.
    #[serde(default, rename = "capability")]
    pub capabilities: Vec<Capability>,
}

/// One power that is asked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Capability {
    /// The host's interface.
    pub interface: String,
    /// Why, in words that a person can weigh.
    pub why: String,
    /// For `files`: how far.
    pub access: Option<Access>,
    /// For `http`: where to.
    #[serde(default)]
    pub allow: Vec<HttpRule>,
    /// For `process`: which programs.
    #[serde(default)]
    pub commands: Vec<CommandRule>,
    /// For `process`: whether they reach the network.
    #[serde(default)]
    pub network: bool,
    /// For `model`: which roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// For `model`: the most tokens of one turn.
    pub max_tokens: Option<u32>,
}

/// One credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CredentialEntry {
    /// Its name.
    pub name: String,
    /// The variables that discovery looks at, in order.
    #[serde(default)]
    pub environment: Vec<String>,
    /// The variables with keys that sign, where it is such.
    pub pair: Option<VariablePair>,
    /// Where other programs keep it.
    pub store: Option<CredentialStore>,
    /// Where it goes in a request.
    pub inject: Inject,
    /// Whether nothing works without it.
    #[serde(default)]
    pub required: bool,
    /// How a person logs in to get it, where that is possible.
    pub login: Option<Login>,
}

impl CredentialEntry {
    /// Returns where it is besides its own variables, in order.
    pub fn others(&self) -> impl Iterator<Item = SecretSource> {
        let pair = self.pair.iter().map(|pair| SecretSource::Pair(Box::new(pair.clone())));
        let store = self.store.iter().map(|store| match store {
            CredentialStore::IniProfile(store) => SecretSource::Profile(Box::new(store.clone())),
        });
        pair.chain(store)
    }
}

/// The store of other programs, by its format.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "format", rename_all = "kebab-case")]
pub enum CredentialStore {
    /// Files with a section for each profile.
    IniProfile(ProfileStore),
}

/// How a provider is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// Over HTTP.
    #[default]
    Http,
    /// Nothing is sent: the encoded body is the answer.
    Local,
}

/// What a provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProviderEntry {
    /// Where it is, unless the user says otherwise. `{name}` stands for the option of this name.
    #[serde(default)]
    pub base_url: String,
    /// Where its models are listed, if that is elsewhere. Wherever else the user says that it is, they are listed
    /// there.
    #[serde(default)]
    pub lists_url: String,
    /// The variable that says where it is, where the vendor's own programs have one: a URL, or what of
    /// `base-url` is different.
    #[serde(default)]
    pub base_url_environment: String,
    /// How it is reached.
    #[serde(default)]
    pub transport: Wire,
    /// What the user is told whenever it answers.
    #[serde(default)]
    pub notice: String,
    /// The model for work.
    #[serde(default)]
    pub default_model: String,
    /// The model for small things.
    #[serde(default)]
    pub small_model: String,
    /// Settings that are passed to the codec.
    #[serde(default, rename = "option")]
    pub options: Vec<OptionEntry>,
    /// Further services with the same wire format.
    #[serde(default, rename = "preset")]
    pub presets: Vec<PresetEntry>,
}

/// A setting of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OptionEntry {
    /// The key in `[providers.NAME]`.
    pub name: String,
    /// Whether the setting is a path, and the codec gets the file's contents.
    #[serde(default)]
    pub file: bool,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The variables that say it where the user does not, in order.
    #[serde(default)]
    pub environment: Vec<String>,
    /// The setting that says it where nothing else does, in a profile that a credential may come from.
    #[serde(default)]
    pub profile_setting: String,
}

/// Another service with the same wire format.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PresetEntry {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub base_url: String,
    /// The variables that discovery looks at, in order.
    #[serde(default)]
    pub environment: Vec<String>,
    /// The model for work.
    #[serde(default)]
    pub default_model: String,
    /// The model for small things.
    #[serde(default)]
    pub small_model: String,
    /// The provider whose models of the bundled list it has, where that is not its own name.
    #[serde(default)]
    pub models_of: String,
    /// How a person logs in to get its credential, where that is possible.
    pub login: Option<Login>,
    /// Where another program keeps a token for it.
    pub store: Option<StoreEntry>,
    /// Settings that the service needs; the user's own go before them.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Headers that it wants to see with each request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// Where another program keeps a token. It is read only if the user says so, by the name of the preset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StoreEntry {
    /// The program, as people call it.
    pub program: String,
    /// Its file; `~/` is the user's home.
    pub path: String,
    /// JSON pointer to the token.
    pub token: String,
    /// JSON pointer to the time when it ends, in milliseconds since 1970.
    #[serde(default)]
    pub expires: String,
    /// The service under which it is in the keychain, on systems that have one.
    #[serde(default)]
    pub keychain: String,
    /// Where the token goes in a request.
    pub inject: Inject,
}

/// What an evaluator says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EvaluatorEntry {
    /// What its evidence is worth.
    pub tier: Tier,
    /// If there are any, it has nothing to say of an answer that has none of them anywhere in it, whatever their
    /// case, where nothing changed and nothing was checked before. It is not woken for such an answer.
    #[serde(default)]
    pub answer_words: Vec<String>,
}

/// Limits that a component asks for; what is absent is the host's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitRequest {
    /// Linear memory.
    pub memory_mib: Option<u64>,
    /// Time from beginning to end.
    pub wall_ms: Option<u64>,
    /// Running time.
    pub cpu_ms: Option<u64>,
    /// Calls of the host.
    pub host_calls: Option<u64>,
    /// Bytes to and from the host.
    pub host_bytes_mib: Option<u64>,
    /// Bytes of the answer.
    pub output_kib: Option<u64>,
}

impl LimitRequest {
    /// Returns these limits, and where they say nothing those of `other`.
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
    /// Reads and checks a manifest, TOML or JSON.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MANIFEST_BYTES {
            return Err(ManifestError::TooLarge { size: text.len() });
        }
        let mut manifest: Self = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| ManifestError::syntax(&error))?
        } else {
            toml::from_str(text).map_err(|error| ManifestError::syntax(&error))?
        };
        check::check(&mut manifest)?;
        Ok(manifest)
    }

    /// Returns the entry of a tool.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&ToolEntry> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Returns what is asked for on behalf of one tool, or of the component where it has none.
    #[must_use]
    pub fn grant(&self, tool: Option<&str>) -> Grant {
        let own = tool.and_then(|name| self.tool(name)).map(|tool| tool.capabilities.as_slice());
        let mut grant = Grant::default();
        for asked in self.capabilities.iter().chain(own.unwrap_or_default()) {
            asked.add_to(&mut grant);
        }
        grant
    }

    /// Returns the most tokens of a model's turn on behalf of one tool.
    #[must_use]
    pub fn max_tokens(&self, tool: Option<&str>) -> Option<u32> {
        let own = tool.and_then(|name| self.tool(name)).map(|tool| tool.capabilities.as_slice());
        let all = self.capabilities.iter().chain(own.unwrap_or_default());
        all.filter_map(|asked| asked.max_tokens).max()
    }

    /// Returns whether any part of the component asks for `interface`.
    #[must_use]
    pub fn asks_for(&self, interface: &str) -> bool {
        let tools = self.tools.iter().flat_map(|tool| &tool.capabilities);
        self.capabilities.iter().chain(tools).any(|asked| asked.interface == interface)
    }
}

impl Capability {
    fn add_to(&self, grant: &mut Grant) {
        match self.interface.as_str() {
            "files" => grant.files = grant.files.max(Some(self.access.unwrap_or(Access::Read))),
            "http" => grant.http.extend(self.allow.iter().cloned()),
            "process" => {
                grant.commands.extend(self.commands.iter().cloned());
                grant.network |= self.network;
            }
            "model" => grant.roles.extend(self.roles.iter().cloned()),
            "state" => grant.state = true,
            "records" => grant.records = true,
            "memory" => grant.memory = true,
            _ => {}
        }
    }
}
