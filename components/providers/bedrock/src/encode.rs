//! Writes a request of ConverseStream.

use openkoi_provider_wire::{
    claude::{
        BINDING_BETA, budget,
        family::{Family as Claude, Thinking},
    },
    request, schema,
    turns::{self, Turn},
};
use openkoi_sdk::{
    Result,
    provider::{CompletionRequest, Endpoint, HttpRequest, ToolChoice},
};
use serde_json::{Map, Value, json};

use crate::{
    family::{Cache, Family},
    messages,
};

/// The number of turns of the user that are marked. With the tools and the system prompt that makes the four points
/// that are allowed; the second to last finds what the previous request wrote.
const MARKED_TURNS: usize = 2;

/// Writes the request for one streamed turn.
///
/// # Errors
///
/// [`Failure::Invalid`](openkoi_sdk::Failure::Invalid) for what the format cannot say.
pub(crate) fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
    let plan = Plan::of(endpoint, request)?;
    let mut body = Map::new();
    body.insert("messages".into(), messages::encode(&plan.turns, &plan.family)?.into());
    if !request.system.trim().is_empty() {
        body.insert("system".into(), json!([{ "text": request.system }]));
    }
    body.insert("inferenceConfig".into(), plan.inference(request));
    if plan.offers {
        body.insert("toolConfig".into(), plan.tools(request)?);
    }
    if let Some(claude) = plan.family.claude {
        let fields = plan.fields(&claude, endpoint, request);
        if !fields.is_empty() {
            body.insert("additionalModelRequestFields".into(), fields.into());
        }
        body.extend(output(&claude, request));
    }
    mark(plan.cache, &mut body);
    let url = endpoint.url(&format!("/model/{}/converse-stream", percent_encoded(&request.model)));
    let http = HttpRequest::post_json(url, &body)?.repeatable();
    Ok(http.header("accept", "application/vnd.amazon.eventstream"))
}

/// An id may be an ARN, whose colons and slashes would be parts of the path.
fn percent_encoded(id: &str) -> String {
    id.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => text.push(char::from(b)),
            b => text.push_str(&format!("%{b:02X}")),
        }
        text
    })
}

/// The decisions about a request.
struct Plan {
    family: Family,
    turns: Vec<Turn>,
    max_tokens: Option<u32>,
    /// True if tools are offered.
    offers: bool,
    /// True if a tool has to be called, and the model can be made to.
    forced: bool,
    /// True if Claude may begin to think.
    may_think: bool,
    /// True if thoughts go back that are bound to what came before them.
    binding: bool,
    cache: Cache,
}

impl Plan {
    fn of(endpoint: &Endpoint, request: &CompletionRequest) -> Result<Self> {
        request::check(request)?;
        let family = Family::of(endpoint.option("base_model").unwrap_or(&request.model));
        let mut turns =
            turns::complete(turns::repair(&request.messages, messages::id, messages::takes));
        let offers = !request.tools.is_empty() && request.tool_choice != ToolChoice::None;
        if !offers && messages::has_tools(&turns) {
            messages::in_words(&mut turns);
        }
        let must = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
        if must && !family.forced_tools {
            turns::ask_for_call(&mut turns, &request.tool_choice);
        }
        let forced = must && family.forced_tools;
        let max_tokens = match family.claude {
            Some(claude) => {
                let wanted = request.max_tokens.unwrap_or(claude.default_output());
                Some(wanted.clamp(1, claude.max_output))
            }
            None => request.max_tokens.map(|wanted| wanted.max(1)),
        };
        Ok(Self {
            binding: family.claude.is_some_and(|claude| claude.bound_thoughts)
                && messages::has_thoughts(&turns, &family),
            may_think: !forced && !messages::is_in_thoughtless_round(&turns, &family),
            cache: match endpoint.option("prompt_cache") {
                Some("false") => Cache::Nowhere,
                _ => family.cache,
            },
            family,
            turns,
            max_tokens,
            offers,
            forced,
        })
    }

    fn inference(&self, request: &CompletionRequest) -> Value {
        let mut config = json!({});
        if let Some(max_tokens) = self.max_tokens {
            config["maxTokens"] = max_tokens.into();
        }
        let takes = self
            .family
            .claude
            .is_none_or(|claude| claude.sampling && self.thinking(&claude, request).is_none());
        if let Some(temperature) = request.temperature.filter(|_| takes) {
            config["temperature"] = temperature.clamp(0.0, 1.0).into();
        }
        config
    }

    fn tools(&self, request: &CompletionRequest) -> Result<Value> {
        let mut tools = Vec::with_capacity(request.tools.len());
        for (index, tool) in request.tools.iter().enumerate() {
            let schema = request::typed_schema(index, tool)?;
            let mut spec = json!({ "name": tool.name, "inputSchema": { "json": schema } });
            // A description that is there and empty is refused.
            if !tool.description.trim().is_empty() {
                spec["description"] = tool.description.clone().into();
            }
            tools.push(json!({ "toolSpec": spec }));
        }
        let mut config = json!({ "tools": tools });
        match &request.tool_choice {
            ToolChoice::Required if self.forced => config["toolChoice"] = json!({ "any": {} }),
            ToolChoice::Named(name) if self.forced => {
                config["toolChoice"] = json!({ "tool": { "name": name } });
            }
            _ => {}
        }
        Ok(config)
    }

    /// Returns what only Claude takes.
    fn fields(
        &self,
        claude: &Claude,
        endpoint: &Endpoint,
        request: &CompletionRequest,
    ) -> Map<String, Value> {
        let mut fields = Map::new();
        let thinking = self.thinking(claude, request).or_else(|| {
            // A forced call and thoughts exclude each other.
            (self.forced && claude.thinks_unless_told).then(|| json!({ "type": "disabled" }))
        });
        fields.extend(thinking.map(|thinking| ("thinking".to_owned(), thinking)));
        if let Some(effort) = request.effort.filter(|_| claude.thinking == Thinking::Adaptive) {
            fields.insert("output_config".into(), json!({ "effort": request::effort(effort) }));
        }
        let betas = endpoint.option("beta").unwrap_or_default().split(',').map(str::trim);
        let binding = self.binding.then_some(BINDING_BETA);
        let betas: Vec<&str> = betas.chain(binding).filter(|beta| !beta.is_empty()).collect();
        if !betas.is_empty() {
            fields.insert("anthropic_beta".into(), json!(betas));
        }
        fields
    }

    /// Returns how Claude is asked to think, if it is.
    fn thinking(&self, claude: &Claude, request: &CompletionRequest) -> Option<Value> {
        match claude.thinking {
            Thinking::Budget if self.may_think => {
                let budget = budget(request.effort?, self.max_tokens?)?;
                Some(json!({ "type": "enabled", "budget_tokens": budget }))
            }
            Thinking::Adaptive
                if !self.forced && (request.effort.is_some() || claude.bound_thoughts) =>
            {
                let mut thinking = json!({ "type": "adaptive" });
                if claude.hides_thoughts {
                    thinking["display"] = "summarized".into();
                }
                // The kernel compacts conversations. Losing old thoughts is better than losing the turn.
                if self.binding {
                    thinking["block_binding"] = json!({ "prefix_mismatch_behavior": "drop_block" });
                }
                Some(thinking)
            }
            _ => None,
        }
    }
}

/// Returns the schema of the answer, where it can be enforced.
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html>
fn output(claude: &Claude, request: &CompletionRequest) -> Option<(String, Value)> {
    let text = request.schema.as_deref().filter(|_| claude.schema)?;
    let schema = serde_json::from_str(text).ok().filter(schema::is_enforceable)?;
    // The schema is a text in this format, unlike those of tools.
    let structure = json!({ "jsonSchema": { "name": "answer", "schema": schema.to_string() } });
    let format = json!({ "type": "json_schema", "structure": structure });
    Some(("outputConfig".to_owned(), json!({ "textFormat": format })))
}

/// Marks the ends of what stays the same from one request to the next.
fn mark(cache: Cache, body: &mut Map<String, Value>) {
    if cache == Cache::Nowhere {
        return;
    }
    body.get_mut("system").map(add_point);
    if cache != Cache::Everywhere {
        return;
    }
    if let Some(config) = body.get_mut("toolConfig") {
        add_point(&mut config["tools"]);
    }
    let Some(Value::Array(messages)) = body.get_mut("messages") else { return };
    let turns = messages.iter_mut().rev().filter(|message| message["role"] == "user");
    turns.take(MARKED_TURNS).for_each(|turn| add_point(&mut turn["content"]));
}

fn add_point(blocks: &mut Value) {
    if let Value::Array(blocks) = blocks {
        blocks.push(json!({ "cachePoint": { "type": "default" } }));
    }
}

#[cfg(test)]
mod tests;
