//! Models by the Gemini API: `streamGenerateContent` of `generativelanguage.googleapis.com`.
//!
//! [`family`] says what a model takes. [`encode`], [`contents`] and [`schema`] write the request, [`decode`] reads the
//! answer, [`signature`] keeps what has to come back with its part. [`fault`] says what an error means, [`lists`] reads
//! models and embeddings. What this format has in common with others is in `openkoi-provider-wire`.

mod contents;
mod decode;
mod encode;
mod family;
mod fault;
mod lists;
mod schema;
mod signature;

use openkoi_sdk::{
    Result, export_provider,
    provider::{
        Codec, CompletionRequest, Diagnosis, Embeddings, Endpoint, Header, HttpRequest, ModelEntry,
    },
};

use crate::decode::Reply;

/// The codec.
#[derive(Debug)]
pub struct Google;

impl Codec for Google {
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
        Ok(HttpRequest::get(encode::url(endpoint, "/models?pageSize=1000")))
    }

    fn decode_models(body: &[u8]) -> Result<Vec<ModelEntry>> {
        lists::models(body)
    }

    fn encode_embeddings(
        endpoint: &Endpoint,
        model: &str,
        texts: &[String],
    ) -> Result<HttpRequest> {
        lists::encode_embeddings(endpoint, model, texts)
    }

    fn decode_embeddings(body: &[u8]) -> Result<Embeddings> {
        lists::embeddings(body)
    }
}

export_provider!(Google);

#[cfg(test)]
mod tests;
