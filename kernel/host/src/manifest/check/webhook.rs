//! Checks how a service calls the host.

use super::forms::check_signature;
use crate::{
    manifest::{Manifest, ManifestError},
    text,
};

/// The methods that a service calls with: to check an address, and to tell what happened.
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];
/// The longest time for which a signed request is believed, in seconds.
const MOST_SECONDS: u32 = 3_600;

pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    let checks: Vec<&str> = manifest
        .credentials
        .iter()
        .filter(|entry| entry.is_for_webhooks())
        .map(|entry| entry.name.as_str())
        .collect();
    let wrong = |reason: String| Err(ManifestError::Value { key: "webhook", reason });
    let Some(webhook) = &manifest.webhook else {
        return match checks.first() {
            None => Ok(()),
            Some(name) => wrong(format!("nothing is checked with the credential `{name}`")),
        };
    };
    check_signature(&webhook.signature, false)?;
    if checks != [webhook.credential.as_str()] {
        let name = text::one_line(&webhook.credential, 80);
        return wrong(format!(
            "no credential `{name}` with `inject = \"nowhere\"`, or another too"
        ));
    }
    let known = |method: &String| METHODS.contains(&method.as_str());
    if webhook.methods.is_empty() || !webhook.methods.iter().all(known) {
        return wrong(format!("its methods are of {}", METHODS.join(", ")));
    }
    if !(1..=MOST_SECONDS).contains(&webhook.seconds) {
        return wrong(format!("a request is believed for 1 to {MOST_SECONDS} seconds"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEGRATION: &str = r#"
        [component]
        name = "pond"
        version = "0.1.0"
        kind = "integration"
        publisher = "openkoi"
        description = "Talks."
        [[credential]]
        name = "signing-secret"
        inject = "nowhere"
        [webhook]
        methods = ["POST"]
        credential = "signing-secret"
        signature = { algorithm = "hmac-sha256", header = "x-signature", prefix = "v0=", message = "v0:{timestamp}:{body}", timestamp = "x-timestamp" }
        [[tool]]
        name = "pond_look"
        description = "Looks."
        effect = "read"
        domain = "pond"
        parameters = '{"type":"object"}'
    "#;

    #[test]
    fn an_integration_says_how_its_service_signs() {
        let manifest = Manifest::parse(INTEGRATION).unwrap();

        let webhook = manifest.webhook.unwrap();
        assert_eq!((webhook.seconds, webhook.methods), (300, vec!["POST".to_owned()]));
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        for (from, to) in [
            ("methods = [\"POST\"]", "methods = []"),
            ("methods = [\"POST\"]", "methods = [\"BREW\"]"),
            ("credential = \"signing-secret\"", "credential = \"other\""),
            ("inject = \"nowhere\"", "inject = \"nowhere\"\nurls = [\"https://pond.example\"]"),
            ("inject = \"nowhere\"", "inject = \"bearer\"\nurls = [\"https://pond.example\"]"),
            ("message = \"v0:{timestamp}:{body}\"", "message = \"v0:{timestamp}\""),
            ("[webhook]", "[webhook]\nseconds = 0"),
            ("[webhook]", "[webhook]\nsurprise = 0"),
            ("kind = \"integration\"", "kind = \"tool\""),
        ] {
            assert!(INTEGRATION.contains(from), "{from}");
            let text = INTEGRATION.replacen(from, to, 1);
            assert!(Manifest::parse(&text).is_err(), "{to}");
        }
        let until = INTEGRATION.find("[webhook]").unwrap();
        let tools = INTEGRATION.find("[[tool]]").unwrap();
        let without = format!("{}{}", &INTEGRATION[..until], &INTEGRATION[tools..]);
        assert!(Manifest::parse(&without).is_err());
    }
}
