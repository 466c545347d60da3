//! Models by the Converse format of Amazon Bedrock.
//!
//! [`family`] says what a model takes. [`encode`] and [`messages`] write the request, [`frames`] takes the binary
//! stream apart, [`decode`] reads the answer, [`fault`] the errors. [`lists`] reads what models there are, on
//! another host than theirs. What this format has in common with others is in `openkoi-provider-wire`.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>

mod decode;
mod encode;
mod family;
mod fault;
mod frames;
mod lists;
mod messages;

use openkoi_sdk::{
    Result, export_provider,
    provider::{Codec, CompletionRequest, Diagnosis, Endpoint, Header, HttpRequest, ModelEntry},
};

use crate::decode::Reply;

/// The codec.
#[derive(Debug)]
pub struct Bedrock;

impl Codec for Bedrock {
    type Decoder = Reply;

    fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
        encode::encode(endpoint, request)
    }

    fn decoder(_status: u16, _headers: &[Header]) -> Reply {
        Reply::default()
    }

    fn diagnose(status: u16, headers: &[Header], body: &[u8]) -> Diagnosis {
        fault::diagnose(status, headers, body)
    }

    fn encode_models(endpoint: &Endpoint) -> Result<HttpRequest> {
        Ok(lists::request(endpoint))
    }

    fn decode_models(body: &[u8]) -> Result<Vec<ModelEntry>> {
        lists::models(body)
    }
}

export_provider!(Bedrock);
