//! A provider without a model: what it answers stands in a script.
//!
//! For demonstrations and for tests of everything around a model. [`script`] is the format, [`scene`] finds the turn
//! that fits what was really sent, [`template`] fills in what only the conversation knows, [`perform`] writes the
//! turn as a body, which the host hands back unsent, and [`wire`] reads that as if it had come from a service.
//! Nothing is remembered between turns: the conversation alone decides, so the same conversation always gets the
//! same answer.

mod perform;
mod scene;
mod script;
mod template;
mod wire;

use openkoi_sdk::{
    Failure, Result, export_provider,
    provider::{Codec, CompletionRequest, Diagnosis, Endpoint, Header, HttpRequest, ModelEntry},
};

use crate::{scene::Scene, script::Turn, wire::Reply};

/// The model that plays the bundled scenario.
const DEMO: &str = "demo";
/// The model that plays the script of the settings.
const FILE: &str = "file";

/// The turns of the bundled scenario: those that are the same for every project, then those of each.
const SCENARIO: [&str; 5] = [
    include_str!("../demo/rust/script.json"),
    include_str!("../demo/python/script.json"),
    include_str!("../demo/node/script.json"),
    include_str!("../demo/shell/script.json"),
    include_str!("../demo/script.json"),
];

/// The codec.
#[derive(Debug)]
pub struct Scripted;

impl Codec for Scripted {
    type Decoder = Reply;

    fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
        let turns = turns(endpoint, &request.model)?;
        let scene = Scene::of(request);
        let turn = scene.choose(&turns)?;
        let lines = perform::perform(turn, request, &scene)?;
        let mut body = Vec::new();
        for line in &lines {
            serde_json::to_writer(&mut body, line)?;
            body.push(b'\n');
        }
        let request = HttpRequest::new("POST", endpoint.url("/turn")).repeatable();
        Ok(HttpRequest { body, ..request.header("content-type", "application/x-ndjson") })
    }

    fn decoder(_status: u16, _headers: &[Header]) -> Reply {
        Reply::default()
    }

    fn diagnose(status: u16, _headers: &[Header], body: &[u8]) -> Diagnosis {
        Diagnosis {
            problem: wire::problem(status),
            message: String::from_utf8_lossy(body).into_owned(),
            retry_after_ms: None,
        }
    }

    fn encode_models(endpoint: &Endpoint) -> Result<HttpRequest> {
        let mut request = HttpRequest::get(endpoint.url("/models"));
        request.body = format!("[\"{DEMO}\",\"{FILE}\"]").into_bytes();
        Ok(request)
    }

    fn decode_models(body: &[u8]) -> Result<Vec<ModelEntry>> {
        let ids: Vec<String> = serde_json::from_slice(body)?;
        Ok(ids.into_iter().map(entry).collect())
    }
}

fn entry(id: String) -> ModelEntry {
    let name = match id.as_str() {
        DEMO => "the bundled demonstration".to_owned(),
        FILE => "a script of your own".to_owned(),
        _ => id.clone(),
    };
    ModelEntry {
        name,
        context: Some(200_000),
        output: Some(64_000),
        tools: Some(true),
        ..ModelEntry::of(id)
    }
}

fn turns(endpoint: &Endpoint, model: &str) -> Result<Vec<Turn>> {
    let script = endpoint.option("script").filter(|text| !text.is_empty());
    let scenario = endpoint.option("scenario").filter(|name| !name.is_empty());
    match (model, script, scenario) {
        (FILE, None, _) => Err(Failure::invalid(
            "/options/script",
            "is needed by the model `file`: the path of a script",
        )),
        (FILE, Some(script), _) => script::parse(script),
        (DEMO, _, None | Some(DEMO)) => scenario_turns(),
        (DEMO, _, Some(name)) => Err(Failure::not_found(format!("the scenario `{name}`"))),
        (model, ..) => Err(Failure::not_found(format!("the scripted model `{model}`"))),
    }
}

fn scenario_turns() -> Result<Vec<Turn>> {
    let mut turns = Vec::new();
    for part in SCENARIO {
        turns.extend(script::parse(part)?);
    }
    Ok(turns)
}

export_provider!(Scripted);

/// Returns a request in `role` without messages, for tests.
#[cfg(test)]
fn request(role: &str) -> CompletionRequest {
    CompletionRequest {
        model: FILE.to_owned(),
        role: role.to_owned(),
        system: String::new(),
        messages: Vec::new(),
        tools: Vec::new(),
        tool_choice: openkoi_sdk::provider::ToolChoice::Automatic,
        max_tokens: None,
        temperature: None,
        effort: None,
        schema: None,
    }
}

#[cfg(test)]
mod tests;
