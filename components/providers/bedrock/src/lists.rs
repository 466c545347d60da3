//! The list of models: the inference profiles of the region. Most models of today are asked for by a profile only,
//! and its id is the name that Converse takes.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html>

use openkoi_sdk::{
    Failure, Result,
    provider::{Endpoint, HttpRequest, ModelEntry},
};
use serde_json::Value;

/// Asks for all of them at once: more than a thousand are not listed.
pub(crate) fn request(endpoint: &Endpoint) -> HttpRequest {
    HttpRequest::get(endpoint.url("/inference-profiles?maxResults=1000&type=SYSTEM_DEFINED"))
}

/// Reads the list.
///
/// # Errors
///
/// If `body` is none.
pub(crate) fn models(body: &[u8]) -> Result<Vec<ModelEntry>> {
    let value: Value = serde_json::from_slice(body)?;
    let list = value["inferenceProfileSummaries"].as_array().ok_or_else(|| {
        Failure::failed("the provider's answer is not a list of inference profiles")
    })?;
    Ok(list.iter().filter_map(model).collect())
}

fn model(profile: &Value) -> Option<ModelEntry> {
    let id = profile["inferenceProfileId"].as_str()?;
    if profile["status"] != "ACTIVE" {
        return None;
    }
    let name = profile["inferenceProfileName"].as_str().unwrap_or(id).to_owned();
    Some(ModelEntry { name, embeds: id.contains("embed"), ..ModelEntry::of(id) })
}

#[cfg(test)]
mod tests {
    use openkoi_provider_wire::testing::endpoint;

    use super::*;

    #[test]
    fn active_profiles_are_models() {
        let body = br#"{ "inferenceProfileSummaries": [
            { "inferenceProfileId": "eu.a.swim-1", "inferenceProfileName": "EU Swim", "status": "ACTIVE" },
            { "inferenceProfileId": "eu.a.embed-1", "status": "ACTIVE" },
            { "inferenceProfileId": "eu.a.old", "status": "RETIRED" }, {} ] }"#;

        let models = models(body).unwrap();

        let swim = ModelEntry { name: "EU Swim".to_owned(), ..ModelEntry::of("eu.a.swim-1") };
        let embeds = ModelEntry { embeds: true, ..ModelEntry::of("eu.a.embed-1") };
        assert_eq!(models, [swim, embeds]);
        assert!(super::models(b"{}").is_err());
    }

    #[test]
    fn the_list_is_asked_for_whole() {
        let request = request(&endpoint("https://bedrock.eu-central-1.amazonaws.com", &[]));
        assert_eq!(
            request.url,
            "https://bedrock.eu-central-1.amazonaws.com/inference-profiles?maxResults=1000&type=SYSTEM_DEFINED"
        );
    }
}
