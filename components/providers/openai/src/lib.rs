//! Models by the Chat Completions format, which most services and local servers speak, and by the same vendor's
//! Responses format, which its own newest models need for tools.
//!
//! [`dialect`] decides what a service and a model take. [`chat`] and [`responses`] write requests and read answers;
//! [`reply`] finds out which of the two an answer is in. [`lists`] reads models and embeddings. What this format
//! has in common with others is in `openkoi-provider-wire`.

mod ask;
mod chat;
mod dialect;
mod lists;
mod reply;
mod responses;

use openkoi_provider_wire::fault;
use openkoi_sdk::{
    Result, export_provider,
    provider::{
        Codec, CompletionRequest, Diagnosis, Embeddings, Endpoint, Header, HttpRequest, ModelEntry,
    },
};
use serde_json::json;

use crate::{
    dialect::{Api, Dialect},
    reply::Reply,
};

/// The codec.
#[derive(Debug)]
pub struct OpenAi;

impl Codec for OpenAi {
    type Decoder = Reply;

    fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
        ask::check(request)?;
        let dialect = Dialect::of(endpoint, &request.model)?;
        let encoded = match dialect.api {
            Api::Chat => chat::encode::encode(endpoint, request, &dialect),
            Api::Responses => responses::encode::encode(endpoint, request, &dialect),
        };
        Ok(ask::with_purpose(endpoint, request, encoded?))
    }

    fn decoder(_status: u16, _headers: &[Header]) -> Reply {
        Reply::default()
    }

    fn diagnose(status: u16, _headers: &[Header], body: &[u8]) -> Diagnosis {
        fault::diagnose(status, body)
    }

    fn encode_models(endpoint: &Endpoint) -> Result<HttpRequest> {
        let request = HttpRequest::get(endpoint.url("/models"));
        Ok(ask::with_account(endpoint, request))
    }

    fn decode_models(body: &[u8]) -> Result<Vec<ModelEntry>> {
        lists::models(body)
    }

    fn encode_embeddings(
        endpoint: &Endpoint,
        model: &str,
        texts: &[String],
    ) -> Result<HttpRequest> {
        let body = json!({ "model": model, "input": texts, "encoding_format": "float" });
        ask::post(endpoint, "/embeddings", &body)
    }

    fn decode_embeddings(body: &[u8]) -> Result<Embeddings> {
        lists::embeddings(body)
    }
}

export_provider!(OpenAi);

#[cfg(test)]
mod tests;
