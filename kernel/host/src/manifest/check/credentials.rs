//! Checks the credentials of a manifest.

use std::collections::BTreeSet;

use openkoi_core::credential::{Inject, is_line};

use super::forms::{COMPONENT_NAME, check_injection, check_login, is_below_home, name};
use crate::{
    manifest::{CredentialEntry, CredentialStore, Kind, Manifest, ManifestError},
    service::address::Address,
    text,
};

pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    let mut seen = BTreeSet::new();
    for entry in &manifest.credentials {
        name("the credential", &entry.name, '-', COMPONENT_NAME)?;
        if !seen.insert(&entry.name) {
            return Err(wrong(entry, "is declared twice"));
        }
        check_login(entry.login.as_ref())?;
        check_profiles(entry.store.as_ref())?;
        check_injection(&entry.inject)?;
        check_urls(manifest.component.kind, entry)?;
    }
    Ok(())
}

/// Checks the addresses of a credential. What is bound to nothing could be sent to anybody.
fn check_urls(kind: Kind, entry: &CredentialEntry) -> Result<(), ManifestError> {
    if kind == Kind::Provider {
        return match entry.urls.as_slice() {
            [] => Ok(()),
            _ => Err(wrong(entry, "has `urls`, and that of a provider is for its `base-url`")),
        };
    }
    if entry.is_for_webhooks() {
        return match (kind, entry.urls.as_slice(), &entry.login) {
            (Kind::Integration, [], None) => Ok(()),
            (Kind::Integration, ..) => Err(wrong(entry, "goes nowhere, so that it has no address")),
            _ => Err(wrong(entry, "goes nowhere, which only that of an integration does")),
        };
    }
    if entry.urls.is_empty() {
        return Err(wrong(entry, "says no address that it is for: `urls = [\"https://…\"]`"));
    }
    if let Inject::SigV4 { region, .. } = &entry.inject
        && region.is_empty()
    {
        return Err(wrong(entry, "signs for no region: `region = \"…\"`"));
    }
    for url in &entry.urls {
        let address = Address::parse(url);
        let address = address
            .map_err(|error| ManifestError::Value { key: "urls", reason: error.to_string() })?;
        if !address.is_safe() {
            return Err(wrong(entry, "is for an address that is not https"));
        }
    }
    Ok(())
}

fn wrong(entry: &CredentialEntry, what: &str) -> ManifestError {
    let reason = format!("`{}` {what}", text::one_line(&entry.name, 80));
    ManifestError::Value { key: "credential", reason }
}

/// Checks that profiles are in files below the user's home.
fn check_profiles(store: Option<&CredentialStore>) -> Result<(), ManifestError> {
    let Some(CredentialStore::IniProfile(store)) = store else { return Ok(()) };
    name("the store", &store.name, '-', COMPONENT_NAME)?;
    let words = [&store.program, &store.path, &store.advice, &store.id, &store.secret];
    let fit = !store.files.is_empty()
        && store.files.iter().all(|file| is_below_home(&file.path))
        && words.into_iter().all(|word| is_line(word));
    if fit {
        return Ok(());
    }
    let reason = format!("`{}` does not name files below `~/` and what is in them", store.name);
    Err(ManifestError::Value { key: "store", reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: &str = r#"
        [component]
        name = "notes"
        version = "0.1.0"
        kind = "tool"
        publisher = "openkoi"
        description = "Keeps notes elsewhere."
        [[credential]]
        name = "api-key"
        inject = { header = "x-api-key" }
        urls = ["https://api.example.com/v1"]
        [[tool]]
        name = "add_note"
        description = "Adds a note."
        effect = "send"
        domain = "notes"
        parameters = '{"type":"object"}'
    "#;

    fn with(from: &str, to: &str) -> Result<Manifest, ManifestError> {
        assert!(TOOL.contains(from), "{from:?} is not in the manifest");
        Manifest::parse(&TOOL.replace(from, to))
    }

    #[test]
    fn a_tool_declares_the_addresses_of_its_credential() {
        assert_eq!(with("", "").unwrap().credentials[0].urls, ["https://api.example.com/v1"]);
        for urls in [
            "",
            "urls = []",
            "urls = [\"http://api.example.com\"]",
            "urls = [\"https://*.example.com\"]",
            "urls = [\"api.example.com\"]",
        ] {
            let error = with("urls = [\"https://api.example.com/v1\"]", urls).unwrap_err();
            assert!(matches!(error, ManifestError::Value { .. }), "{urls}: {error}");
        }
    }

    #[test]
    fn every_place_of_a_request_can_be_declared() {
        let place = "{ header = \"x-api-key\" }";
        for good in [
            "\"bearer\"",
            "{ basic = \"user\" }",
            "{ query = \"key\" }",
            "{ path = \"{token}\" }",
            "{ json = \"/auth/token\" }",
            "{ form = \"token\" }",
            "{ sigv4 = \"sqs\", region = \"eu-west-1\" }",
            "{ jwt = { algorithm = \"rs256\", issuer = \"app\" } }",
            "{ signature = { algorithm = \"hmac-sha256\", header = \"x-signature\", message = \"{body}\" } }",
        ] {
            with(place, good).expect(good);
        }
        for bad in [
            "{ path = \"token\" }",
            "{ path = \"{}\" }",
            "{ path = \"{a/b}\" }",
            "{ json = \"token\" }",
            "{ json = \"\" }",
            "{ form = \"\" }",
            "{ sigv4 = \"sqs\" }",
            "{ sigv4 = \"s3\", region = \"eu-west-1\" }",
            "{ jwt = { algorithm = \"rs256\", issuer = \"\" } }",
            "{ signature = { algorithm = \"hmac-sha256\", header = \"x\", message = \"\" } }",
            "{ signature = { algorithm = \"ed25519\", header = \"x\", message = \"{body}\" } }",
            "\"nowhere\"",
        ] {
            let error = with(place, bad).expect_err(bad);
            assert!(matches!(error, ManifestError::Value { .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn a_credential_is_declared_once() {
        let twice = "[[credential]]\nname = \"api-key\"\ninject = \"bearer\"\nurls = [\"https://b.example.com\"]\n[[tool]]";
        let error = with("[[tool]]", twice).unwrap_err();
        assert!(error.to_string().contains("`api-key` is declared twice"), "{error}");
    }
}
