//! The parameters that a service and its model take, as far as they are known.
//!
//! Compatible services refuse parameters that they do not know, and models refuse parameters that others need. What
//! is known is decided here, from the address and the model's name; an option overrides each decision.

use openkoi_provider_wire::claude;
use openkoi_sdk::{
    Failure, Result,
    provider::{CompletionRequest, Endpoint, ToolChoice},
};
use serde_json::{Map, Value};

/// The format that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// Chat Completions.
    Chat,
    /// Responses.
    Responses,
}

/// The rule for the effort of reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EffortRule {
    /// The effort that was asked for, if any.
    AsAsked,
    /// Nothing.
    Omit,
    /// `none`, always.
    None,
}

/// The ways of one service with one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The format.
    pub api: Api,
    /// True if the model is one of those that reason and take no temperature.
    pub reasoning_model: bool,
    /// The role of the system prompt.
    pub system_role: &'static str,
    /// The name of the parameter that limits the answer.
    pub limit: String,
    /// True if the usage of a stream has to be asked for, and may be.
    pub stream_usage: bool,
    /// True if a schema for the answer is enforced.
    pub json_schema: bool,
    /// True if it takes one beside tools, and still lets the model call them.
    pub schema_with_tools: bool,
    /// The effort of a request without tools.
    pub effort: EffortRule,
    /// The effort of a request with tools.
    pub effort_with_tools: EffortRule,
    /// True if reasoning goes back with the tool calls that it led to.
    pub reasoning_back: bool,
    /// True if the model thinks unless told not to, and then takes no forced tool.
    pub thinks_unless_told: bool,
    /// True if the model can be made to call a tool.
    pub forced_tools: bool,
    /// The number of letters and digits an id of a call has, where the service insists on it.
    pub call_id: Option<usize>,
    /// Further fields of each request.
    pub extra: Map<String, Value>,
    /// True if documents are looked at.
    pub documents: bool,
    /// True if limits and temperatures of answers are taken.
    pub sampling: bool,
    /// True if a request of Responses has instructions even where there are none.
    pub instructions: bool,
}

impl Dialect {
    /// Decides for `model` at `endpoint`.
    ///
    /// # Errors
    ///
    /// [`Failure::Invalid`] for an option whose value is not understood.
    pub(crate) fn of(endpoint: &Endpoint, model: &str) -> Result<Self> {
        let name = model.rsplit('/').next().unwrap_or(model).to_lowercase();
        let host = host(&endpoint.base_url);
        let official = host == "api.openai.com" || host.ends_with(".api.openai.com");
        let reasoning_model = is_reasoning(&name);
        let limit = if reasoning_model { "max_completion_tokens" } else { "max_tokens" };
        let (effort, effort_with_tools) = efforts(&name, official);
        Ok(Self {
            api: api(endpoint, official, wants_responses(&name))?,
            reasoning_model,
            system_role: if official && reasoning_model { "developer" } else { "system" },
            limit: endpoint.option("max_tokens_parameter").unwrap_or(limit).to_owned(),
            stream_usage: flag(endpoint, "stream_usage", true)?,
            json_schema: flag(endpoint, "json_schema", !refuses_schema(&host))?,
            schema_with_tools: flag(endpoint, "schema_with_tools", official)?,
            effort,
            effort_with_tools,
            reasoning_back: flag(endpoint, "reasoning_back", !official)?,
            thinks_unless_told: flag(endpoint, "thinking_switch", has_switch(&host, &name))?,
            forced_tools: flag(endpoint, "forced_tools", !is_bound(&name))?,
            call_id: length(endpoint, "call_id_length")?,
            extra: extra(endpoint)?,
            documents: flag(endpoint, "documents", official)?,
            sampling: flag(endpoint, "sampling", true)?,
            instructions: always(endpoint, "instructions")?,
        })
    }

    /// Returns the schema that the service is to hold this answer to. Most servers force it upon everything that is
    /// said, so that no tool is called any more: <https://github.com/vllm-project/vllm/issues/39929>.
    pub(crate) fn schema<'a>(&self, request: &'a CompletionRequest) -> Option<&'a str> {
        let calls = !request.tools.is_empty() && request.tool_choice != ToolChoice::None;
        let takes = self.json_schema && (self.schema_with_tools || !calls);
        request.schema.as_deref().filter(|_| takes)
    }
}

fn api(endpoint: &Endpoint, official: bool, responses: bool) -> Result<Api> {
    let by_model = if responses { Api::Responses } else { Api::Chat };
    match endpoint.option("api") {
        Some("chat") => Ok(Api::Chat),
        Some("responses") => Ok(Api::Responses),
        Some("by-model") => Ok(by_model),
        Some(_) => {
            Err(Failure::invalid("/options/api", "must be `chat`, `responses` or `by-model`"))
        }
        None if official => Ok(by_model),
        None => Ok(Api::Chat),
    }
}

fn always(endpoint: &Endpoint, name: &str) -> Result<bool> {
    match endpoint.option(name) {
        None | Some("") => Ok(false),
        Some("always") => Ok(true),
        Some(_) => Err(Failure::invalid(format!("/options/{name}"), "must be `always`")),
    }
}

fn flag(endpoint: &Endpoint, name: &str, default: bool) -> Result<bool> {
    match endpoint.option(name) {
        None | Some("") => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(Failure::invalid(format!("/options/{name}"), "must be `true` or `false`")),
    }
}

fn length(endpoint: &Endpoint, name: &str) -> Result<Option<usize>> {
    match endpoint.option(name).filter(|text| !text.is_empty()).map(str::parse) {
        None => Ok(None),
        Some(Ok(length)) if (1..=64).contains(&length) => Ok(Some(length)),
        Some(_) => Err(Failure::invalid(format!("/options/{name}"), "must be from 1 to 64")),
    }
}

fn extra(endpoint: &Endpoint) -> Result<Map<String, Value>> {
    match endpoint.option("extra_body").filter(|text| !text.is_empty()) {
        None => Ok(Map::new()),
        Some(text) => serde_json::from_str(text)
            .map_err(|_| Failure::invalid("/options/extra_body", "must be a JSON object")),
    }
}

fn is_bound(name: &str) -> bool {
    claude::parse(name).is_some_and(|(tier, version)| claude::is_bound(&tier, version))
}

/// Models that think unless `thinking` says `disabled`, and want the reasoning of every call back while they do:
/// <https://api-docs.deepseek.com/guides/thinking_mode>, <https://platform.kimi.ai/docs/guide/use-kimi-k2-6>.
fn has_switch(host: &str, name: &str) -> bool {
    const MODELS: [(&str, &str); 4] = [
        ("deepseek.com", "deepseek-v"),
        ("deepseek.com", "deepseek-flash"),
        ("moonshot.ai", "kimi-k2.6"),
        ("moonshot.cn", "kimi-k2.6"),
    ];
    MODELS.iter().any(|(end, begin)| host.ends_with(end) && name.starts_with(begin))
}

fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', ':', '?']).unwrap_or(rest.len());
    rest[..end].to_lowercase()
}

fn is_reasoning(name: &str) -> bool {
    let mut chars = name.chars();
    let is_o = chars.next() == Some('o') && chars.next().is_some_and(|c| c.is_ascii_digit());
    is_o || (generation(name) >= Some((5, 0)) && !name.contains("-chat"))
}

/// The numbers of `gpt-5`, `gpt-5.6-luna` and the like.
fn generation(name: &str) -> Option<(u32, u32)> {
    let rest = name.strip_prefix("gpt-")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (major, minor) = rest[..end].split_once('.').unwrap_or((&rest[..end], "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// From this generation on the service refuses tools in Chat Completions unless reasoning is off, and some models
/// cannot turn it off.
fn wants_responses(name: &str) -> bool {
    let special = is_reasoning(name) && (name.contains("-pro") || name.contains("-codex"));
    special || (is_reasoning(name) && generation(name) >= Some((5, 4)))
}

fn efforts(name: &str, official: bool) -> (EffortRule, EffortRule) {
    if !is_reasoning(name) {
        let takes = name.contains("gpt-oss");
        let rule = if takes { EffortRule::AsAsked } else { EffortRule::Omit };
        return (rule, rule);
    }
    let with_tools = match generation(name) {
        Some(generation) if official && generation >= (5, 6) => EffortRule::None,
        Some(generation) if official && generation >= (5, 2) => EffortRule::Omit,
        _ => EffortRule::AsAsked,
    };
    (EffortRule::AsAsked, with_tools)
}

/// Services that take `json_object` at most, or a schema with few of their models.
fn refuses_schema(host: &str) -> bool {
    const HOSTS: [&str; 6] =
        ["deepseek.com", "moonshot.ai", "moonshot.cn", "minimax.io", "groq.com", "aliyuncs.com"];
    HOSTS.iter().any(|end| host.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(base_url: &str, model: &str) -> Dialect {
        let endpoint = Endpoint { base_url: base_url.to_owned(), options: Vec::new() };
        Dialect::of(&endpoint, model).unwrap()
    }

    #[test]
    fn reasoning_models_are_told_from_the_others_by_their_names() {
        let reasoning =
            ["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5.6-luna", "gpt-6-astra", "openai/gpt-5.1"];
        let plain =
            ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "gpt-oss-120b", "olmo", "grok-4", ""];

        for model in reasoning {
            assert!(dialect("https://x.test", model).reasoning_model, "{model}");
        }
        for model in plain {
            assert!(!dialect("https://x.test", model).reasoning_model, "{model}");
        }
    }

    #[test]
    fn the_newest_models_of_the_vendor_are_spoken_to_by_responses() {
        let at = |base_url: &str, model: &str| dialect(base_url, model).api;

        assert_eq!(at("https://api.openai.com/v1", "gpt-5.4"), Api::Responses);
        assert_eq!(at("https://eu.api.openai.com/v1", "gpt-6-astra"), Api::Responses);
        assert_eq!(at("https://api.openai.com/v1", "o3-pro"), Api::Responses);
        assert_eq!(at("https://api.openai.com/v1", "gpt-5.2"), Api::Chat);
        assert_eq!(at("https://api.openai.com/v1", "gpt-4o"), Api::Chat);
        assert_eq!(at("https://gateway.test/v1", "gpt-6-astra"), Api::Chat);
        assert_eq!(at("https://api.openai.com.evil.test/v1", "gpt-6-astra"), Api::Chat);
    }

    #[test]
    fn an_option_overrides_and_a_wrong_one_is_refused() {
        let endpoint = |value: &str| Endpoint {
            base_url: "https://api.openai.com/v1".to_owned(),
            options: vec![("api".to_owned(), value.to_owned())],
        };

        assert_eq!(Dialect::of(&endpoint("chat"), "gpt-6-luna").unwrap().api, Api::Chat);
        assert_eq!(
            Dialect::of(&endpoint("rest"), "gpt-6-luna"),
            Err(Failure::invalid("/options/api", "must be `chat`, `responses` or `by-model`"))
        );
        let gateway = |model: &str| {
            let options = vec![("api".to_owned(), "by-model".to_owned())];
            let endpoint = Endpoint { base_url: "https://gateway.test".to_owned(), options };
            Dialect::of(&endpoint, model).unwrap().api
        };
        assert_eq!(gateway("gpt-5.3-codex"), Api::Responses);
        assert_eq!(gateway("claude-sonnet-4.5"), Api::Chat);
    }

    #[test]
    fn what_a_preset_says_of_its_service_is_read_and_nonsense_is_refused() {
        let of = |name: &str, value: &str| {
            let base_url = "https://x.test/v1".to_owned();
            let options = vec![(name.to_owned(), value.to_owned())];
            Dialect::of(&Endpoint { base_url, options }, "m")
        };

        assert!(!of("forced_tools", "false").unwrap().forced_tools);
        assert!(of("thinking_switch", "true").unwrap().thinks_unless_told);
        assert_eq!(of("call_id_length", "9").unwrap().call_id, Some(9));
        assert_eq!(of("extra_body", "{\"a\":1}").unwrap().extra["a"], 1);
        for (name, value) in [
            ("forced_tools", "no"),
            ("call_id_length", "0"),
            ("call_id_length", "long"),
            ("extra_body", "[]"),
        ] {
            assert!(matches!(of(name, value), Err(Failure::Invalid(_))), "{name} = {value}");
        }
    }

    #[test]
    fn models_that_think_unless_told_are_known_by_their_service_and_name() {
        let thinks = |base_url: &str, model: &str| dialect(base_url, model).thinks_unless_told;

        assert!(thinks("https://api.deepseek.com", "deepseek-v4-pro"));
        assert!(thinks("https://api.deepseek.com", "deepseek-flash"));
        assert!(thinks("https://api.moonshot.ai/v1", "kimi-k2.6"));
        assert!(!thinks("https://api.moonshot.ai/v1", "kimi-k3"));
        assert!(!thinks("https://openrouter.ai/api/v1", "deepseek/deepseek-v4-pro"));
    }

    #[test]
    fn with_tools_the_effort_is_what_each_generation_takes_in_chat_completions() {
        let rule = |model: &str| dialect("https://api.openai.com/v1", model).effort_with_tools;

        assert_eq!(rule("gpt-5"), EffortRule::AsAsked);
        assert_eq!(rule("o4-mini"), EffortRule::AsAsked);
        assert_eq!(rule("gpt-5.2"), EffortRule::Omit);
        assert_eq!(rule("gpt-5.6-terra"), EffortRule::None);
        assert_eq!(rule("gpt-4o"), EffortRule::Omit);
    }
}
