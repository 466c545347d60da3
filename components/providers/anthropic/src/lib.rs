//! Models by the Messages format.
//!
//! [`encode`] and [`messages`] write the request, [`decode`] reads the answer. What this format has in common with others
//! is in `openkoi-provider-wire`.

mod decode;
mod encode;
mod messages;

use openkoi_provider_wire::{fault, lists};
use openkoi_sdk::{
    Result, export_provider,
    provider::{Codec, CompletionRequest, Diagnosis, Endpoint, Header, HttpRequest, ModelEntry},
};
use serde_json::Value;

use crate::decode::Reply;

/// The codec.
#[derive(Debug)]
pub struct Anthropic;

impl Codec for Anthropic {
    type Decoder = Reply;

    fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
        encode::encode(endpoint, request)
    }

    fn decoder(_status: u16, _headers: &[Header]) -> Reply {
        Reply::default()
    }

    fn diagnose(status: u16, _headers: &[Header], body: &[u8]) -> Diagnosis {
        fault::diagnose(status, body)
    }

    fn encode_models(endpoint: &Endpoint) -> Result<HttpRequest> {
        // The most that one page holds, and more than there are.
        let url = encode::url(endpoint, "/models?limit=1000");
        Ok(encode::with_version(HttpRequest::get(url)))
    }

    fn decode_models(body: &[u8]) -> Result<Vec<ModelEntry>> {
        let list = lists::entries(body, &["/data"])?;
        Ok(list.iter().filter_map(model).collect())
    }
}

fn model(value: &Value) -> Option<ModelEntry> {
    let id = value["id"].as_str()?;
    let can = |what: &str| value["capabilities"][what]["supported"].as_bool();
    Some(ModelEntry {
        name: value["display_name"].as_str().unwrap_or(id).to_owned(),
        context: value["max_input_tokens"].as_u64(),
        output: value["max_tokens"].as_u64(),
        // Every model of the vendor does; the list does not say it.
        tools: Some(true),
        images: can("image_input"),
        reasoning: can("thinking"),
        ..ModelEntry::of(id)
    })
}

export_provider!(Anthropic);

#[cfg(test)]
mod tests;
