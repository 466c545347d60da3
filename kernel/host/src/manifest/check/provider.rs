//! Checks the part of a provider: addresses, options, and the presets that share its wire format.

use openkoi_core::credential::{is_header_name, is_line};

use super::forms::{COMPONENT_NAME, check_injection, check_login, is_below_home, name};
use crate::{
    manifest::{
        Manifest, ManifestError, OptionEntry, PresetEntry, ProviderEntry, Wire,
        template::placeholders,
    },
    service::address::Address,
    text,
};

pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    let Some(provider) = &manifest.provider else { return Ok(()) };
    if provider.transport == Wire::Http {
        check_url("base-url", &provider.base_url, provider)?;
    }
    if !provider.lists_url.is_empty() {
        check_url("lists-url", &provider.lists_url, provider)?;
    }
    provider.options.iter().try_for_each(check_option)?;
    for preset in &provider.presets {
        name("the preset", &preset.name, '-', COMPONENT_NAME)?;
        check_url("base-url", &preset.base_url, provider)?;
        check_login(preset.login.as_ref())?;
        check_headers(preset)?;
        check_store(preset)?;
        check_options(provider, preset)?;
    }
    Ok(())
}

/// Checks a store: the file is below the user's home, and token and expiry are JSON pointers.
fn check_store(preset: &PresetEntry) -> Result<(), ManifestError> {
    let Some(store) = &preset.store else { return Ok(()) };
    let is_pointer = |text: &str| text.starts_with('/') && is_line(text);
    let fit = is_below_home(&store.path)
        && is_pointer(&store.token)
        && (store.expires.is_empty() || is_pointer(&store.expires))
        && [&store.program, &store.keychain].into_iter().all(|text| is_line(text))
        // The program that is asked takes it for an argument.
        && !store.keychain.starts_with('-');
    if !fit {
        let reason = format!(
            "the preset `{}` does not name a file below `~/` and what is in it",
            preset.name
        );
        return Err(ManifestError::Value { key: "store", reason });
    }
    check_injection(&store.inject)
}

fn check_headers(preset: &PresetEntry) -> Result<(), ManifestError> {
    if let Some((name, _)) = preset.headers.iter().find(|(name, value)| !is_plain(name, value)) {
        let name = text::one_line(name, 80);
        let reason = format!("`{name}` cannot be set, or not to this");
        return Err(ManifestError::Value { key: "headers", reason });
    }
    Ok(())
}

/// Returns true for headers that a preset may set. Those of credentials and framing are the host's.
fn is_plain(name: &str, value: &str) -> bool {
    let reserved = ["authorization", "cookie", "host", "content-length", "content-type"];
    let name = name.to_ascii_lowercase();
    is_header_name(&name) && is_line(value) && !reserved.contains(&name.as_str())
}

/// Checks that a preset sets options of the provider, and none that names a file.
fn check_options(provider: &ProviderEntry, preset: &PresetEntry) -> Result<(), ManifestError> {
    let settable = |name: &String| provider.options.iter().any(|o| o.name == *name && !o.file);
    match preset.options.keys().find(|name| !settable(name)) {
        None => Ok(()),
        Some(name) => {
            let reason =
                format!("the preset `{}` sets `{name}`, which is not a text option", preset.name);
            Err(ManifestError::Value { key: "options", reason })
        }
    }
}

/// Checks that no variable or profile setting is named like a secret: its value may become a part of a host name.
fn check_option(option: &OptionEntry) -> Result<(), ManifestError> {
    const SECRET: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH"];
    let is_secret = |name: &&String| SECRET.iter().any(|word| name.to_uppercase().contains(word));
    let mut names = option.environment.iter().chain([&option.profile_setting]);
    let Some(name) = names.find(is_secret) else { return Ok(()) };
    let reason = format!("`{}` is named like a secret", text::one_line(name, 80));
    Err(ManifestError::Value { key: "environment", reason })
}

/// Checks a base URL: each placeholder is an option, and with all of them filled it names one host.
fn check_url(key: &'static str, url: &str, provider: &ProviderEntry) -> Result<(), ManifestError> {
    let mut filled = url.to_owned();
    for name in placeholders(url) {
        if provider.options.iter().all(|option| option.name != name) {
            let reason = format!("`{}` is not an option of the provider", text::one_line(name, 80));
            return Err(ManifestError::Value { key, reason });
        }
        filled = filled.replace(&format!("{{{name}}}"), "x");
    }
    match Address::parse(&filled) {
        Ok(_) => Ok(()),
        Err(error) => Err(ManifestError::Value { key, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PROVIDER, refused};
    use super::*;
    use openkoi_core::credential::Inject;

    const PROFILES: &str = r#"
        [credential.pair]
        id = "POND_ID"
        secret = "POND_SECRET"
        token = "POND_TOKEN"
        [credential.store]
        format = "ini-profile"
        name = "pond"
        program = "Pond"
        path = "~/.pond"
        profile-environment = "POND_PROFILE"
        profile = "default"
        files = [{ path = "~/.pond/keys", environment = "POND_FILE" }]
        id = "id"
        secret = "secret"
        token = "token"
    "#;

    const PRESET: &str = r#"
        [component]
        name = "wire"
        version = "0.1.0"
        kind = "provider"
        publisher = "openkoi"
        description = "A wire format."
        [[credential]]
        name = "api-key"
        inject = "bearer"
        [provider]
        base-url = "https://api.example.com/v1"
        [[provider.option]]
        name = "api"
        [[provider.preset]]
        name = "plan"
        base-url = "https://plan.example.com"
        options = { api = "chat" }
        headers = { Editor-Version = "openkoi/1" }
        [provider.preset.login]
        client-id = "app"
        device-url = "https://auth.example.com/device"
        token-url = "https://auth.example.com/token"
    "#;

    #[test]
    fn a_preset_has_a_login_options_and_headers() {
        let manifest = Manifest::parse(PRESET).unwrap();

        let preset = &manifest.provider.unwrap().presets[0];
        assert_eq!(preset.options["api"], "chat");
        assert_eq!(preset.headers["Editor-Version"], "openkoi/1");
        assert_eq!(preset.login.as_ref().unwrap().client_id, "app");
    }

    #[test]
    fn a_preset_with_unsafe_urls_options_or_headers_is_refused() {
        for (from, to) in [
            ("https://auth.example.com/token", "http://auth.example.com/token"),
            ("https://auth.example.com/device", "javascript:alert(1)"),
            ("client-id = \"app\"", "client-id = \" \""),
            ("api = \"chat\"", "surprise = \"chat\""),
            ("Editor-Version = \"openkoi/1\"", "Authorization = \"Bearer x\""),
            ("Editor-Version = \"openkoi/1\"", "X = \"a\\nb: c\""),
        ] {
            let error = refused(PRESET, from, to);
            assert!(matches!(error, ManifestError::Value { .. }), "{to}: {error}");
        }
        for (from, to) in
            [("client-id", "surprise = 1\nclient-id"), ("options =", "surprise = 1\noptions =")]
        {
            assert!(matches!(refused(PRESET, from, to), ManifestError::Syntax(_)), "{to}");
        }
    }

    #[test]
    fn a_preset_sets_text_options_of_the_provider() {
        let preset = "[[provider.option]]\nname = \"api\"\n[[provider.option]]\nname = \"key\"\nfile = true\n\
                      [[provider.preset]]\nname = \"other\"\nbase-url = \"https://other.example.com\"\n";
        let with =
            |options: &str| Manifest::parse(&format!("{PROVIDER}{preset}options = {options}\n"));

        let presets = with("{ api = \"chat\" }").unwrap().provider.unwrap().presets;
        assert_eq!(presets[0].options["api"], "chat");
        for wrong in ["{ apy = \"chat\" }", "{ key = \"/etc/passwd\" }"] {
            assert!(matches!(with(wrong), Err(ManifestError::Value { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_placeholder_is_an_option_that_is_not_named_like_a_secret() {
        let placed = |name: &str, option: &str| {
            let text = PROVIDER.replace("api.example.com/v1", &format!("api.{name}.example.com"));
            Manifest::parse(&format!("{text}[[provider.option]]\nname = \"region\"\n{option}"))
        };

        let option = "environment = [\"POND_REGION\"]\nprofile-setting = \"region\"";
        let options = placed("{region}", option).unwrap().provider.unwrap().options;
        assert_eq!((options[0].environment.len(), &*options[0].profile_setting), (1, "region"));
        assert!(placed("{zone}", "").is_err());
        assert!(placed("{region", "").is_err());
        for secret in ["OTHER_API_KEY", "GITHUB_TOKEN", "db_password"] {
            assert!(placed("{region}", &format!("environment = [\"{secret}\"]")).is_err());
            assert!(placed("{region}", &format!("profile-setting = \"{secret}\"")).is_err());
        }
    }

    #[test]
    fn a_signature_names_its_service() {
        let signed = |inject: &str| {
            let own = "inject = { header = \"x-api-key\", prefix = \"\" }";
            PROVIDER.replace(own, &format!("inject = {inject}\n{PROFILES}"))
        };

        let manifest = Manifest::parse(&signed("{ sigv4 = \"pond\" }")).unwrap();
        let credential = &manifest.credentials[0];
        assert_eq!(
            credential.inject,
            Inject::SigV4 { sigv4: "pond".to_owned(), region: String::new() }
        );
        let others: Vec<String> = credential.others().map(|source| source.to_string()).collect();
        assert_eq!(
            others,
            ["the pair of variables POND_ID and POND_SECRET", "the profile of Pond"]
        );
        assert!(Manifest::parse(&signed("{ sigv4 = \"a/b\" }")).is_err());
    }

    #[test]
    fn profiles_outside_of_the_home_are_refused() {
        let text =
            format!("{}\n", PROVIDER.replace("[provider]", &format!("{PROFILES}[provider]")));
        assert!(Manifest::parse(&text).is_ok());

        for (from, to) in [
            ("path = \"~/.pond/keys\"", "path = \"/etc/shadow\""),
            ("path = \"~/.pond/keys\"", "path = \"~/../other/keys\""),
            ("program = \"Pond\"", "program = \"Pond\\n\""),
            ("files = [{", "files = []\nother = [{"),
            ("format = \"ini-profile\"", "format = \"xml\""),
            ("format = \"ini-profile\"", "format = \"ini-profile\"\nsurprise = 1"),
        ] {
            refused(&text, from, to);
        }
    }

    #[test]
    fn a_base_url_that_does_not_make_a_rule_is_refused() {
        for bad in ["", "ftp://x.example", "https://u@api.example.com", "https://api.example.com?a"]
        {
            let error = refused(PROVIDER, "https://api.example.com/v1", bad);
            assert!(matches!(error, ManifestError::Value { .. }), "{bad}: {error}");
        }
    }
}
