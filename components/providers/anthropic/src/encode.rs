//! Writes a request of the Messages API.

use openkoi_provider_wire::{
    claude::{
        BINDING_BETA, budget,
        family::{Family, Thinking},
    },
    request, schema,
    turns::{self, Turn},
};
use openkoi_sdk::{
    Result,
    provider::{CompletionRequest, Endpoint, HttpRequest, ToolChoice},
};
use serde_json::{Map, Value, json};

use crate::messages;

const VERSION: &str = "2023-06-01";

/// Returns the URL of `path`. The base may end with the version or not: compatible services are documented in
/// both ways.
pub(crate) fn url(endpoint: &Endpoint, path: &str) -> String {
    let base = endpoint.base_url.trim_end_matches('/');
    let base = base.strip_suffix("/v1").unwrap_or(base);
    format!("{base}/v1{path}")
}

/// Adds the header that every request needs.
pub(crate) fn with_version(request: HttpRequest) -> HttpRequest {
    request.header("anthropic-version", VERSION)
}

/// Writes the request for one streamed turn.
///
/// # Errors
///
/// [`Failure::Invalid`](openkoi_sdk::Failure::Invalid) for what the format cannot say.
pub(crate) fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
    let plan = Plan::of(endpoint, request)?;
    let mut body = Map::new();
    body.insert("model".into(), request.model.clone().into());
    body.insert("max_tokens".into(), plan.max_tokens.into());
    body.insert("stream".into(), true.into());
    if !request.system.trim().is_empty() {
        body.insert("system".into(), json!([{ "type": "text", "text": request.system }]));
    }
    body.insert("messages".into(), messages::encode(&plan.turns)?.into());
    tools(request, &plan, &mut body)?;
    body.extend(plan.thinking(request));
    output(request, &plan, &mut body);
    if plan.cache {
        messages::mark(&mut body);
    }
    let http = HttpRequest::post_json(url(endpoint, "/messages"), &body)?.repeatable();
    let http = with_version(http).header("accept", "text/event-stream");
    Ok(match plan.betas(endpoint) {
        betas if betas.is_empty() => http,
        betas => http.header("anthropic-beta", betas),
    })
}

/// The decisions about a request.
struct Plan {
    family: Family,
    turns: Vec<Turn>,
    max_tokens: u32,
    /// The tokens to think with, for models that take a budget.
    budget: Option<u32>,
    /// True if a tool has to be called, and the model can be made to.
    forced: bool,
    /// True if thoughts go back that are bound to what came before them.
    binding: bool,
    cache: bool,
}

impl Plan {
    fn of(endpoint: &Endpoint, request: &CompletionRequest) -> Result<Self> {
        request::check(request)?;
        let family = Family::of(&request.model);
        let wanted = request.max_tokens.unwrap_or(family.default_output());
        let max_tokens = wanted.clamp(1, family.max_output);
        let must = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
        let repaired = turns::repair(&request.messages, turns::plain_id, messages::takes);
        let mut conversation = turns::complete(repaired);
        if must && !family.forced_tools {
            turns::ask_for_call(&mut conversation, &request.tool_choice);
        }
        let has_thoughts = conversation.iter().any(messages::has_thoughts);
        let forced = must && family.forced_tools;
        let may_think = !forced && !messages::is_in_thoughtless_round(&conversation);
        Ok(Self {
            budget: request
                .effort
                .filter(|_| may_think)
                .and_then(|effort| budget(effort, max_tokens)),
            binding: family.bound_thoughts && has_thoughts,
            cache: endpoint.option("prompt_cache") != Some("false"),
            family,
            turns: conversation,
            max_tokens,
            forced,
        })
    }

    /// Returns whether the request asks for thoughts. Models that think anyway are not counted.
    fn thinks(&self, request: &CompletionRequest) -> bool {
        match self.family.thinking {
            Thinking::Never => false,
            Thinking::Budget => self.budget.is_some(),
            Thinking::Adaptive => !self.forced && request.effort.is_some(),
        }
    }

    fn thinking(&self, request: &CompletionRequest) -> Option<(String, Value)> {
        let wanted = self.thinks(request);
        let value = match self.family.thinking {
            Thinking::Budget if wanted => {
                json!({ "type": "enabled", "budget_tokens": self.budget })
            }
            // A forced call and thoughts exclude each other.
            Thinking::Adaptive if self.forced && self.family.thinks_unless_told => {
                json!({ "type": "disabled" })
            }
            Thinking::Adaptive if wanted || self.family.bound_thoughts => self.adaptive(),
            _ => return None,
        };
        Some(("thinking".to_owned(), value))
    }

    fn adaptive(&self) -> Value {
        let mut thinking = json!({ "type": "adaptive" });
        if self.family.hides_thoughts {
            thinking["display"] = "summarized".into();
        }
        // The kernel compacts conversations, which changes what came before. Losing old thoughts is better than
        // losing the turn.
        if self.binding {
            thinking["block_binding"] = json!({ "prefix_mismatch_behavior": "drop_block" });
        }
        thinking
    }

    fn betas(&self, endpoint: &Endpoint) -> String {
        let option = endpoint.option("beta").unwrap_or_default().trim();
        let binding = if self.binding { BINDING_BETA } else { "" };
        let betas = [option, binding].into_iter().filter(|beta| !beta.is_empty());
        betas.collect::<Vec<_>>().join(",")
    }
}

fn tools(request: &CompletionRequest, plan: &Plan, body: &mut Map<String, Value>) -> Result<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        let schema = request::typed_schema(index, tool)?;
        tools.push(json!({
            "name": tool.name,
            "description": tool.description,
            "input_schema": schema,
        }));
    }
    body.insert("tools".into(), tools.into());
    let choice = match &request.tool_choice {
        ToolChoice::None => json!({ "type": "none" }),
        ToolChoice::Required if plan.forced => json!({ "type": "any" }),
        ToolChoice::Named(name) if plan.forced => json!({ "type": "tool", "name": name }),
        _ => return Ok(()),
    };
    body.insert("tool_choice".into(), choice);
    Ok(())
}

fn output(request: &CompletionRequest, plan: &Plan, body: &mut Map<String, Value>) {
    let thinks = plan.thinks(request);
    if let Some(temperature) = request.temperature.filter(|_| plan.family.sampling && !thinks) {
        body.insert("temperature".into(), temperature.clamp(0.0, 1.0).into());
    }
    let mut config = Map::new();
    if let Some(effort) = request.effort.filter(|_| plan.family.thinking == Thinking::Adaptive) {
        config.insert("effort".into(), request::effort(effort).into());
    }
    let schema = request.schema.as_deref().filter(|_| plan.family.schema);
    let schema = schema.and_then(|schema| serde_json::from_str(schema).ok());
    if let Some(schema) = schema.filter(schema::is_enforceable) {
        config.insert("format".into(), json!({ "type": "json_schema", "schema": schema }));
    }
    if !config.is_empty() {
        body.insert("output_config".into(), config.into());
    }
}

#[cfg(test)]
mod tests;
