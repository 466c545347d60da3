//! The keys of the configuration: their types, their defaults, and what a project's file may do
//! with them.
//!
//! In a name, `*` stands for one segment that the user chooses.

use openkoi_core::{
    message::ReasoningEffort,
    network::{GROUPS, NetworkRules, REGISTRIES},
};

use DefaultValue::{Absent, NoTexts, Number, Switch, Text, Whole};

use crate::suggest;

/// The kind of values that a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueKind {
    /// Any text.
    Text,
    /// A model: `provider/model`, or a bare name that one provider has.
    Model,
    /// A whole number in this range.
    Count(u64, u64),
    /// A number in this range.
    Number(f64, f64),
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// `"ask"`, `true`, `false`, or a list of hosts and groups of hosts.
    Hosts,
    /// Any value. The code that uses it checks it.
    Anything,
}

impl ValueKind {
    /// Returns a description of the allowed values, for messages.
    pub fn expected(self) -> String {
        match self {
            Self::Text => "text in quotes".to_owned(),
            Self::Model => "a model in quotes, for example \"provider/model\"".to_owned(),
            Self::Count(low, u64::MAX) => format!("a whole number from {low}"),
            Self::Count(low, high) => format!("a whole number from {low} to {high}"),
            Self::Number(low, f64::MAX) => format!("a number from {low}"),
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::Switch => "true or false".to_owned(),
            Self::Word(words) => format!("one of {}", quoted(words)),
            Self::Texts => "a list of texts in quotes".to_owned(),
            Self::Hosts => {
                let groups: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
                format!(
                    "\"ask\", true, false, or a list of hosts (\"docs.rs\", \"*.example.com\", \"localhost:8080\") \
                     and groups ({REGISTRIES}, {})",
                    groups.join(", ")
                )
            }
            Self::Anything => "a value".to_owned(),
        }
    }

    /// Returns true if `value` is of this kind.
    pub fn accepts(self, value: &toml::Value) -> bool {
        match self {
            Self::Text => value.is_str(),
            Self::Model => value.as_str().is_some_and(|text| !text.trim().is_empty()),
            Self::Count(low, high) => value
                .as_integer()
                .and_then(|number| u64::try_from(number).ok())
                .is_some_and(|number| (low..=high).contains(&number)),
            Self::Number(low, high) => {
                number(value).is_some_and(|number| (low..=high).contains(&number))
            }
            Self::Switch => value.is_bool(),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Texts => {
                value.as_array().is_some_and(|list| list.iter().all(toml::Value::is_str))
            }
            Self::Hosts => hosts(value).is_some(),
            Self::Anything => true,
        }
    }
}

/// Returns the hosts that programs reach, if the value says them.
pub fn hosts(value: &toml::Value) -> Option<NetworkRules> {
    match value {
        toml::Value::Boolean(true) => Some(NetworkRules::Open),
        toml::Value::Boolean(false) => Some(NetworkRules::Closed),
        toml::Value::String(word) if word == "ask" => Some(NetworkRules::Ask),
        toml::Value::Array(lines) => {
            let lines = lines.iter().map(|line| line.as_str().map(str::to_owned));
            NetworkRules::named(&lines.collect::<Option<Vec<_>>>()?).ok()
        }
        _ => None,
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// Returns a number that was written with or without a point.
pub fn number(value: &toml::Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

/// The rule for a key in a project's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectRule {
    /// The project may set it.
    Set,
    /// The project may lower it, but not below this.
    Lower(u64),
    /// The project may raise it, which asks for more care.
    Raise,
    /// The project may add to the list.
    Add,
    /// The project may turn it on, which asks for more care.
    TurnOn,
    /// The project may not touch it, for this reason.
    Refused(&'static str),
}

/// The value of a key that no file sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DefaultValue {
    /// None.
    Absent,
    /// A text.
    Text(&'static str),
    /// A whole number.
    Whole(u32),
    /// A number with a point.
    Number(f64),
    /// `true` or `false`.
    Switch(bool),
    /// A list with nothing in it.
    NoTexts,
}

impl DefaultValue {
    /// Returns the value as a file would have it, or nothing if it is absent.
    pub fn value(self) -> Option<toml::Value> {
        match self {
            Self::Absent => None,
            Self::Text(text) => Some(toml::Value::String(text.to_owned())),
            Self::Whole(number) => Some(toml::Value::Integer(number.into())),
            Self::Number(number) => Some(toml::Value::Float(number)),
            Self::Switch(on) => Some(toml::Value::Boolean(on)),
            Self::NoTexts => Some(toml::Value::Array(Vec::new())),
        }
    }
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// The dotted name.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: ValueKind,
    /// The default.
    pub default: DefaultValue,
    /// The rule for it in a project's file.
    pub project: ProjectRule,
    /// True if the program uses the value already.
    pub used: bool,
}

const ENDPOINT: ProjectRule = ProjectRule::Refused("a project may not choose where requests go");
/// The archive of a public repository, where most skills are.
const ARCHIVES: DefaultValue = Text("https://github.com/{owner}/{repo}/archive/{ref}.zip");
const MODELS: ProjectRule =
    ProjectRule::Refused("a project may not choose who sees its files and what that costs");
/// Rule for what a project could keep its work from being judged with.
const EVIDENCE: ProjectRule =
    ProjectRule::Refused("a project may not change how its work is checked");
const SANDBOX: ProjectRule = ProjectRule::Refused("a project may not change the sandbox");
const KEYS_KEPT: ProjectRule = ProjectRule::Refused("a project may not choose where keys are kept");
const TRUST: ProjectRule = ProjectRule::Refused("a project may not change how far it is trusted");
const SERVED: ProjectRule =
    ProjectRule::Refused("a project may not change what runs in the background");
const ACCOUNTS: ProjectRule =
    ProjectRule::Refused("a project may not choose whose account is used");
const PERSONAL: ProjectRule = ProjectRule::Refused("it belongs in your own configuration");

/// The words of `log.level`.
pub const LOG_LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
/// The words of `learning.mode`: with a model, without one, and not at all.
pub const LEARNING: &[&str] = &["on", "facts", "off"];
/// The words of `think.chamber`: every agency, or those that were seen to make a difference.
pub const CHAMBER: &[&str] = &["all", "auto"];
/// The words of `alerts.terminal`: as the terminal understands it, in one of the ways that there are, and not at all.
pub const TERMINAL_ALERTS: &[&str] = &["auto", "bell", "osc9", "osc777", "off"];
/// The words of `files.encoding`: the charsets that the tools of files can read and write.
const ENCODINGS: &[&str] = &[
    "utf-8",
    "gbk",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "koi8-r",
    "koi8-u",
    "ibm866",
    "macintosh",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
];
/// The highest price of a million tokens, in US dollars.
const MOST_PRICE: f64 = 1_000_000.0;
const EFFORT: ValueKind = ValueKind::Word(ReasoningEffort::WORDS);
const TRUST_LEVELS: &[&str] = &["ask", "suggest", "act", "autonomous"];

const fn key(
    name: &'static str,
    kind: ValueKind,
    default: DefaultValue,
    project: ProjectRule,
) -> Key {
    Key { name, kind, default, project, used: true }
}

const fn later(name: &'static str, kind: ValueKind, project: ProjectRule) -> Key {
    Key { name, kind, default: Absent, project, used: false }
}

/// All keys. A more particular name comes before one that covers it.
pub const KEYS: &[Key] = &[
    key("model", ValueKind::Model, Absent, MODELS),
    key("roles.planner", ValueKind::Model, Absent, MODELS),
    key("roles.executor", ValueKind::Model, Absent, MODELS),
    key("roles.evaluator", ValueKind::Model, Absent, MODELS),
    key("roles.small", ValueKind::Model, Absent, MODELS),
    key("roles.embedder", ValueKind::Model, Absent, MODELS),
    key("effort.planner", EFFORT, Absent, PERSONAL),
    key("effort.executor", EFFORT, Absent, PERSONAL),
    key("effort.evaluator", EFFORT, Absent, PERSONAL),
    key("effort.small", EFFORT, Absent, PERSONAL),
    key("fallback.models", ValueKind::Texts, NoTexts, PERSONAL),
    key("fallback.planner", ValueKind::Texts, Absent, PERSONAL),
    key("fallback.executor", ValueKind::Texts, Absent, PERSONAL),
    key("fallback.evaluator", ValueKind::Texts, Absent, PERSONAL),
    key("fallback.small", ValueKind::Texts, Absent, PERSONAL),
    key("limits.iterations", ValueKind::Count(0, 1_000), Whole(3), ProjectRule::Lower(1)),
    key("limits.quality", ValueKind::Number(0.0, 1.0), Number(0.8), ProjectRule::Raise),
    key("limits.tokens", ValueKind::Count(1, u64::MAX), Absent, ProjectRule::Lower(0)),
    key("limits.cost_usd", ValueKind::Number(0.0, 1_000_000.0), Number(5.0), ProjectRule::Lower(0)),
    key("limits.seconds", ValueKind::Count(1, 31_536_000), Absent, ProjectRule::Lower(0)),
    key("limits.tool_rounds", ValueKind::Count(1, 10_000), Whole(200), ProjectRule::Lower(1)),
    key("limits.turn_tokens", ValueKind::Count(1_000, 1_000_000), Whole(32_000), EVIDENCE),
    key("checks.enabled", ValueKind::Switch, Switch(true), EVIDENCE),
    key("checks.seconds", ValueKind::Count(1, 86_400), Whole(600), EVIDENCE),
    key("checks.edit_seconds", ValueKind::Count(0, 60), Whole(2), EVIDENCE),
    key("checks.build", ValueKind::Texts, NoTexts, ProjectRule::Add),
    key("checks.test", ValueKind::Texts, NoTexts, ProjectRule::Add),
    key("checks.lint", ValueKind::Texts, NoTexts, ProjectRule::Add),
    key("checks.types", ValueKind::Texts, NoTexts, ProjectRule::Add),
    key("evaluators.trusted", ValueKind::Texts, NoTexts, TRUST),
    key("skills.archives", ValueKind::Text, ARCHIVES, ENDPOINT),
    key("skills.disabled", ValueKind::Texts, NoTexts, PERSONAL),
    key("tools.disabled", ValueKind::Texts, NoTexts, ProjectRule::Add),
    key("files.encoding", ValueKind::Word(ENCODINGS), Absent, ProjectRule::Set),
    key("sandbox.mode", ValueKind::Word(&["on", "off"]), Text("on"), SANDBOX),
    key("sandbox.read", ValueKind::Texts, NoTexts, SANDBOX),
    key("sandbox.write", ValueKind::Texts, NoTexts, SANDBOX),
    key("sandbox.network", ValueKind::Hosts, Text("ask"), SANDBOX),
    key("sandbox.disk_mib", ValueKind::Count(1, 1 << 40), Whole(20_480), SANDBOX),
    key("sandbox.output_mib", ValueKind::Count(1, 1 << 40), Whole(1_024), SANDBOX),
    key("sandbox.outputs_mib", ValueKind::Count(1, 1 << 40), Whole(4_096), SANDBOX),
    key("network.proxy", ValueKind::Text, Absent, ENDPOINT),
    key("network.no_proxy", ValueKind::Texts, NoTexts, ENDPOINT),
    key("network.ca", ValueKind::Texts, NoTexts, ENDPOINT),
    key("network.private_hosts", ValueKind::Texts, NoTexts, ENDPOINT),
    key(
        "credentials.store",
        ValueKind::Word(&["auto", "keyring", "file"]),
        Text("auto"),
        KEYS_KEPT,
    ),
    key("credentials.programs", ValueKind::Texts, NoTexts, KEYS_KEPT),
    key("trust.default", ValueKind::Word(TRUST_LEVELS), Text("act"), TRUST),
    key("trust.domains.*", ValueKind::Word(TRUST_LEVELS), Absent, TRUST),
    key("retention.days", ValueKind::Count(0, 36_500), Whole(90), PERSONAL),
    key("retention.size_gb", ValueKind::Number(0.0, 1_000_000.0), Absent, PERSONAL),
    key("learning.mode", ValueKind::Word(LEARNING), Text("on"), PERSONAL),
    key("soul.trusted", ValueKind::Texts, NoTexts, TRUST),
    key("think.chamber", ValueKind::Word(CHAMBER), Text("all"), PERSONAL),
    key("alerts.terminal", ValueKind::Word(TERMINAL_ALERTS), Text("auto"), PERSONAL),
    key("alerts.desktop", ValueKind::Switch, Switch(true), PERSONAL),
    key("alerts.after_seconds", ValueKind::Count(0, 86_400), Whole(20), PERSONAL),
    key("alerts.programs", ValueKind::Texts, NoTexts, PERSONAL),
    key("log.level", ValueKind::Word(LOG_LEVELS), Text("warn"), PERSONAL),
    key("providers.*.component", ValueKind::Text, Absent, ENDPOINT),
    key("providers.*.base_url", ValueKind::Text, Absent, ENDPOINT),
    key("providers.*.api_key_env", ValueKind::Text, Absent, ENDPOINT),
    key("providers.*.models", ValueKind::Texts, Absent, ENDPOINT),
    key("providers.*.price.input", ValueKind::Number(0.0, MOST_PRICE), Absent, ENDPOINT),
    key("providers.*.price.output", ValueKind::Number(0.0, MOST_PRICE), Absent, ENDPOINT),
    key("providers.*.price.cache_read", ValueKind::Number(0.0, MOST_PRICE), Absent, ENDPOINT),
    key("providers.*.price.cache_write", ValueKind::Number(0.0, MOST_PRICE), Absent, ENDPOINT),
    key("providers.*.login.*", ValueKind::Anything, Absent, ENDPOINT),
    key("providers.*.login.*.*", ValueKind::Anything, Absent, ENDPOINT),
    key("providers.*.*", ValueKind::Anything, Absent, ENDPOINT),
    key("accounts.*.component", ValueKind::Text, Absent, ACCOUNTS),
    key("accounts.*.api_key_env", ValueKind::Text, Absent, ACCOUNTS),
    key("accounts.*.login.*", ValueKind::Anything, Absent, ACCOUNTS),
    key("accounts.*.login.*.*", ValueKind::Anything, Absent, ACCOUNTS),
    key("component.*.account", ValueKind::Text, Absent, ACCOUNTS),
    key("component.*.limits.memory-mib", ValueKind::Count(1, 4_096), Absent, PERSONAL),
    key("component.*.limits.wall-ms", ValueKind::Count(1, 86_400_000), Absent, PERSONAL),
    key("component.*.limits.cpu-ms", ValueKind::Count(1, 86_400_000), Absent, PERSONAL),
    key("component.*.limits.host-calls", ValueKind::Count(1, 1_000_000_000), Absent, PERSONAL),
    key("component.*.limits.host-bytes-mib", ValueKind::Count(1, 65_536), Absent, PERSONAL),
    key("component.*.limits.output-kib", ValueKind::Count(1, 1_048_576), Absent, PERSONAL),
    key("api.enabled", ValueKind::Switch, Switch(true), SERVED),
    key("api.port", ValueKind::Count(1, 65_535), Whole(9_742), SERVED),
    key("api.address", ValueKind::Text, Text("127.0.0.1"), SERVED),
    key("api.expose", ValueKind::Switch, Switch(false), SERVED),
    key("api.token", ValueKind::Text, Absent, SERVED),
    key("daemon.autostart", ValueKind::Switch, Switch(false), SERVED),
    key("daemon.concurrency", ValueKind::Count(1, 64), Whole(2), SERVED),
    key("daemon.day_usd", ValueKind::Number(0.0, 1_000_000.0), Absent, SERVED),
    key("daemon.answer_minutes", ValueKind::Count(0, 525_600), Whole(1_440), SERVED),
    key("api.webhooks.on_task_complete", ValueKind::Text, Absent, ENDPOINT),
    key("api.webhooks.on_task_failed", ValueKind::Text, Absent, ENDPOINT),
    key("api.webhooks.on_task_needs_approval", ValueKind::Text, Absent, ENDPOINT),
    key("api.webhooks.on_budget_warning", ValueKind::Text, Absent, ENDPOINT),
    later("redaction.enabled", ValueKind::Switch, ProjectRule::TurnOn),
    later("redaction.categories.*", ValueKind::Switch, PERSONAL),
    later("redaction.custom_patterns", ValueKind::Anything, PERSONAL),
    later("redaction.literal_secrets", ValueKind::Texts, PERSONAL),
];

impl Key {
    /// Returns the key that `path` names.
    pub fn find(path: &[String]) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.covers(path))
    }

    /// Returns true if `path` is a table of known keys, so that an empty table is fine.
    pub fn is_table(path: &[String]) -> bool {
        KEYS.iter().any(|key| {
            let segments: Vec<&str> = key.name.split('.').collect();
            segments.len() > path.len()
                && segments.iter().zip(path).all(|(name, typed)| *name == "*" || name == typed)
        })
    }

    fn covers(&self, path: &[String]) -> bool {
        let mut segments = self.name.split('.');
        let mut fits =
            |typed: &String| segments.next().is_some_and(|name| name == "*" || name == typed);
        path.iter().all(&mut fits) && segments.next().is_none()
    }

    /// Returns true if the value is a secret that must not be printed.
    pub fn is_secret(&self) -> bool {
        matches!(self.name, "api.token" | "redaction.literal_secrets" | "network.proxy")
    }

    /// Returns the names close to an unknown one, the closest first.
    pub fn suggestions(path: &[String]) -> Vec<String> {
        let typed = path.join(".");
        let known = KEYS.iter().map(|key| filled(key.name, path));
        let mut found = suggest::closest(&typed, known);
        // A key that was written outside its table: `iterations` for `limits.iterations`.
        if found.is_empty() {
            let last = path.last().cloned().unwrap_or_default();
            let ends = KEYS.iter().filter(|key| key.name.rsplit('.').next() == Some(&last));
            found.extend(ends.map(|key| key.name.to_owned()).take(1));
        }
        found
    }
}

/// Returns `name` with the user's own segments in place of `*`.
fn filled(name: &str, path: &[String]) -> String {
    let segments = name.split('.').enumerate().map(|(index, segment)| match path.get(index) {
        Some(typed) if segment == "*" => typed.as_str(),
        _ => segment,
    });
    segments.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> Vec<String> {
        name.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn every_default_is_of_its_keys_kind() {
        for (key, value) in KEYS.iter().filter_map(|key| Some((key, key.default.value()?))) {
            assert!(key.kind.accepts(&value), "{}", key.name);
        }
    }

    #[test]
    fn every_encoding_is_one_that_the_tools_know() {
        for name in ENCODINGS {
            let known = encoding_rs::Encoding::for_label(name.as_bytes());
            // The standard has one encoding for this name and windows-1252; the tools have two.
            let wanted = if *name == "iso-8859-1" { "windows-1252" } else { name };
            assert_eq!(known.map(|one| one.name().to_lowercase()).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn a_chosen_segment_stands_for_itself() {
        assert_eq!(Key::find(&path("trust.domains.shell")).unwrap().name, "trust.domains.*");
        assert_eq!(
            Key::find(&path("providers.mine.base_url")).unwrap().name,
            "providers.*.base_url"
        );
        assert_eq!(Key::find(&path("providers.mine.script")).unwrap().name, "providers.*.*");
        assert!(Key::find(&path("providers.mine")).is_none());
        assert!(Key::is_table(&path("providers.mine")));
        assert!(!Key::is_table(&path("provider")));
    }

    #[test]
    fn a_misspelt_key_is_recognised() {
        assert_eq!(Key::suggestions(&path("limits.itertions")), ["limits.iterations"]);
        assert_eq!(Key::suggestions(&path("sandbx.mode")), ["sandbox.mode"]);
        assert_eq!(Key::suggestions(&path("iterations")), ["limits.iterations"]);
        assert_eq!(
            Key::suggestions(&path("component.files.limits.memory_mib")),
            ["component.files.limits.memory-mib"]
        );
        assert!(Key::suggestions(&path("zebra.crossing")).is_empty());
    }
}
