//! A tool with keys: it sends the request that its arguments describe and returns what came back.

use std::collections::BTreeMap;

use openkoi_sdk::{
    Failure, Result, http,
    provider::HttpRequest,
    tool::{self, Context, Output, Tool},
};
use serde_json::{Value, json};

/// The tool.
pub struct Service;

impl Tool for Service {
    fn call(name: &str, arguments: &str, _: &Context) -> Result<Output> {
        if name != "ask_service" {
            return tool::unknown(name);
        }
        let asked: Value = serde_json::from_str(arguments)?;
        let text = |field: &str| asked.get(field).and_then(Value::as_str);
        let url = text("url").ok_or_else(|| Failure::invalid("/url", "is missing"))?;
        let mut message = HttpRequest::new(text("method").unwrap_or("GET"), url);
        message.credential = text("credential").map(str::to_owned);
        message.body = text("body").unwrap_or_default().as_bytes().to_vec();
        if let Some(repeatable) = asked.get("repeatable").and_then(Value::as_bool) {
            message.repeatable = repeatable;
        }
        if let Some(kind) = text("type") {
            message = message.header("content-type", kind);
        }
        let response = http::Request::from(message).send()?;
        let (status, url) = (response.status, response.url.clone());
        let headers: BTreeMap<String, String> = response
            .headers
            .iter()
            .map(|one| (one.name.clone(), String::from_utf8_lossy(&one.value).into_owned()))
            .collect();
        let body = response.text(1 << 20)?;
        Ok(Output::text(
            json!({ "status": status, "url": url, "headers": headers, "body": body }).to_string(),
        ))
    }
}

#[cfg(target_family = "wasm")]
const _: () = {
    #[used]
    #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
    #[unsafe(link_section = "openkoi:manifest")]
    static MANIFEST: [u8; include_bytes!("service.toml").len()] = *include_bytes!("service.toml");
    type Exported = openkoi_sdk::tool::Adapter<Service>;
    openkoi_sdk::bindings::tool::export!(Exported with_types_in openkoi_sdk::bindings::tool);
};
