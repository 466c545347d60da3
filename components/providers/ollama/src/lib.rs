//! Models by Ollama's own format: `POST /api/chat`, answered in lines of JSON.
//!
//! The service has a Chat Completions format too, but by that one nobody can say how much a model reads, and what does
//! not fit is dropped without a word. [`window`] decides how much the model reads, [`family`] what is known of models,
//! [`encode`] writes the request, [`decode`] reads the answer, [`fault`] reads errors and [`lists`] the lists.
//!
//! After <https://docs.ollama.com/api> and, where that is silent, `api/types.go` of the service's source.

mod decode;
mod encode;
mod family;
mod fault;
mod lists;
mod window;

use openkoi_provider_wire::request;
use openkoi_sdk::{
    Result, export_provider,
    provider::{
        Codec, CompletionRequest, Diagnosis, Embeddings, Endpoint, Header, HttpRequest, ModelEntry,
    },
};
use serde_json::json;

use crate::decode::Reply;

/// The codec.
#[derive(Debug)]
pub struct Ollama;

impl Codec for Ollama {
    type Decoder = Reply;

    fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
        request::check(request)?;
        encode::encode(endpoint, request)
    }

    fn decoder(_status: u16, _headers: &[Header]) -> Reply {
        Reply::new(window::asked())
    }

    fn diagnose(status: u16, _headers: &[Header], body: &[u8]) -> Diagnosis {
        fault::diagnose(status, body)
    }

    fn encode_models(endpoint: &Endpoint) -> Result<HttpRequest> {
        Ok(HttpRequest::get(endpoint.url("/api/tags")))
    }

    fn decode_models(body: &[u8]) -> Result<Vec<ModelEntry>> {
        lists::models(body)
    }

    fn encode_embeddings(
        endpoint: &Endpoint,
        model: &str,
        texts: &[String],
    ) -> Result<HttpRequest> {
        // Without `truncate` a text that is too long is cut, and the vector is that of its beginning.
        let body = json!({ "model": model, "input": texts, "truncate": false });
        Ok(HttpRequest::post_json(endpoint.url("/api/embed"), &body)?.repeatable())
    }

    fn decode_embeddings(body: &[u8]) -> Result<Embeddings> {
        lists::embeddings(body)
    }
}

export_provider!(Ollama);
