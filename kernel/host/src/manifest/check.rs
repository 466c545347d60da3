//! What a manifest must satisfy beyond its grammar.

use std::collections::BTreeSet;

use openkoi_brokers::oauth::{Login, UnfitLogin, is_header, is_line};
use serde_json::Value;

use super::{
    Capability, DESCRIPTION_BYTES, Inject, Kind, MOST_TOOLS, Manifest, ManifestError, OptionEntry,
    PresetEntry, ProviderEntry, SCHEMA_BYTES, ToolEntry, Wire,
};
use crate::{
    kinds::{
        provider::{Address, placeholders},
        schema,
    },
    text,
};

const COMPONENT_NAME: &str = "a letter, then letters, digits and `-`, all small, at most 64";
const TOOL_NAME: &str = "a letter, then letters, digits and `_`, all small, at most 64";

pub(super) fn check(manifest: &mut Manifest) -> Result<(), ManifestError> {
    name("the component", &manifest.component.name, '-', COMPONENT_NAME)?;
    description("the component", &manifest.component.description)?;
    check_parts(manifest)?;
    if manifest.tools.len() > MOST_TOOLS {
        return Err(ManifestError::TooManyTools { count: manifest.tools.len() });
    }
    let mut seen = BTreeSet::new();
    for tool in &mut manifest.tools {
        check_tool(tool)?;
        if !seen.insert(tool.name.clone()) {
            return Err(ManifestError::DuplicateTool { name: tool.name.clone() });
        }
    }
    manifest.capabilities.iter().try_for_each(check_capability)?;
    manifest.credentials.iter().try_for_each(|entry| {
        name("the credential", &entry.name, '-', COMPONENT_NAME)?;
        check_login(entry.login.as_ref())?;
        check_injection(&entry.inject)
    })?;
    check_provider(manifest)
}

/// Each kind has its own parts and no others.
fn check_parts(manifest: &Manifest) -> Result<(), ManifestError> {
    let kind = manifest.component.kind;
    let wrong = |reason| Err(ManifestError::Kind { kind: kind.word(), reason });
    let has_tools = matches!(kind, Kind::Tool | Kind::Integration);
    if has_tools && manifest.tools.is_empty() {
        return wrong("declares at least one [[tool]]");
    }
    if !has_tools && !manifest.tools.is_empty() {
        return wrong("has no [[tool]]");
    }
    if has_tools && !manifest.capabilities.is_empty() {
        return wrong("asks for its capabilities tool by tool: [[tool.capability]]");
    }
    if (kind == Kind::Provider) != manifest.provider.is_some() {
        return wrong("is the one kind with a [provider] part, or lacks it");
    }
    if (kind == Kind::Evaluator) != manifest.evaluator.is_some() {
        return wrong("is the one kind with an [evaluator] part, or lacks it");
    }
    if !manifest.credentials.is_empty() && !matches!(kind, Kind::Provider | Kind::Integration) {
        return wrong("has no [[credential]]");
    }
    Ok(())
}

fn check_tool(tool: &mut ToolEntry) -> Result<(), ManifestError> {
    name("the tool", &tool.name, '_', TOOL_NAME)?;
    name("the domain", &tool.domain, '-', COMPONENT_NAME)?;
    description(&format!("the tool `{}`", tool.name), &tool.description)?;
    if let Some(pointer) = &tool.target
        && !pointer.starts_with('/')
    {
        let reason = format!("`{pointer}` is not a JSON pointer: it starts with `/`");
        return Err(ManifestError::Value { key: "target", reason });
    }
    tool.schema = read_schema(tool)?;
    tool.capabilities.iter().try_for_each(check_capability)
}

fn read_schema(tool: &ToolEntry) -> Result<Value, ManifestError> {
    let size = tool.parameters.len();
    if size > SCHEMA_BYTES {
        return Err(ManifestError::SchemaSize { tool: tool.name.clone(), size });
    }
    let broken = |reason: String| ManifestError::Schema { tool: tool.name.clone(), reason };
    let value: Value =
        serde_json::from_str(&tool.parameters).map_err(|error| broken(error.to_string()))?;
    if value.get("type").and_then(Value::as_str) != Some("object") {
        return Err(broken("it has to be a schema of type \"object\"".to_owned()));
    }
    schema::vet(&value).map_err(broken)?;
    Ok(value)
}

fn check_capability(asked: &Capability) -> Result<(), ManifestError> {
    let wrong = |reason| {
        let interface = text::one_line(&asked.interface, 64);
        Err(ManifestError::Capability { interface, reason })
    };
    if asked.why.trim().is_empty() {
        return wrong("say why it is needed");
    }
    let is = |interface: &str| asked.interface == interface;
    match asked.interface.as_str() {
        "files" if asked.access.is_none() => wrong("say `access = \"read\"` or `\"write\"`"),
        "http" if asked.allow.is_empty() => wrong("say where to: `allow = [\"GET https://…\"]`"),
        "process" if asked.commands.is_empty() => wrong("say which: `commands = [\"…\"]`"),
        "model" if asked.roles.is_empty() => wrong("say which: `roles = [\"…\"]`"),
        "files" | "http" | "process" | "model" | "state" | "records" | "memory" => {
            let strays = (asked.access.is_some() && !is("files"))
                || (!asked.allow.is_empty() && !is("http"))
                || ((!asked.commands.is_empty() || asked.network) && !is("process"))
                || ((!asked.roles.is_empty() || asked.max_tokens.is_some()) && !is("model"));
            if strays { wrong("has a key that belongs to another interface") } else { Ok(()) }
        }
        "log" | "progress" => wrong("needs no entry"),
        _ => wrong("is no interface that can be asked for"),
    }
}

fn check_injection(inject: &Inject) -> Result<(), ManifestError> {
    let token = |text: &str| {
        !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let proper = match inject {
        Inject::Word(_) => true,
        Inject::Header { header, prefix } => token(header) && !prefix.contains(['\r', '\n', '\0']),
        Inject::Query { query } => token(query),
        Inject::SigV4 { sigv4 } => token(sigv4),
        Inject::Basic { basic } => !basic.contains([':', '\r', '\n', '\0']),
    };
    if proper {
        return Ok(());
    }
    let reason = "a header or parameter is made of letters, digits, `-`, `_` and `.`".to_owned();
    Err(ManifestError::Value { key: "inject", reason })
}

fn check_provider(manifest: &Manifest) -> Result<(), ManifestError> {
    let Some(provider) = &manifest.provider else { return Ok(()) };
    if provider.transport == Wire::Http {
        check_base_url(&provider.base_url, provider)?;
    }
    provider.options.iter().try_for_each(check_option)?;
    for preset in &provider.presets {
        name("the preset", &preset.name, '-', COMPONENT_NAME)?;
        check_base_url(&preset.base_url, provider)?;
        check_login(preset.login.as_ref())?;
        check_headers(preset)?;
        check_store(preset)?;
        check_options(provider, preset)?;
    }
    Ok(())
}

fn check_login(login: Option<&Login>) -> Result<(), ManifestError> {
    let unfit =
        |error: UnfitLogin| ManifestError::Value { key: "login", reason: error.to_string() };
    login.map_or(Ok(()), Login::check).map_err(unfit)
}

/// A store is a file below the user's home, and both places in it are pointers.
fn check_store(preset: &PresetEntry) -> Result<(), ManifestError> {
    let Some(store) = &preset.store else { return Ok(()) };
    let below = store.path.strip_prefix("~/").filter(|below| !below.contains(".."));
    let is_pointer = |text: &str| text.starts_with('/') && is_line(text);
    let fit = below.is_some_and(|below| !below.is_empty() && is_line(below))
        && is_pointer(&store.token)
        && (store.expires.is_empty() || is_pointer(&store.expires))
        && is_line(&store.program);
    if !fit {
        let reason =
            format!("the preset `{}` names no file below `~/` and what is in it", preset.name);
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

/// Whether a header is one that anybody may set: credentials and framing are the host's.
fn is_plain(name: &str, value: &str) -> bool {
    let reserved = ["authorization", "cookie", "host", "content-length", "content-type"];
    let name = name.to_ascii_lowercase();
    is_header(&name) && is_line(value) && !reserved.contains(&name.as_str())
}

/// A preset sets what the provider has, and no file.
fn check_options(provider: &ProviderEntry, preset: &PresetEntry) -> Result<(), ManifestError> {
    let settable = |name: &String| provider.options.iter().any(|o| o.name == *name && !o.file);
    match preset.options.keys().find(|name| !settable(name)) {
        None => Ok(()),
        Some(name) => {
            let reason = format!("the preset `{}` sets `{name}`, which is no text", preset.name);
            Err(ManifestError::Value { key: "options", reason })
        }
    }
}

/// What a variable says may become a part of a host's name, which no secret must.
fn check_option(option: &OptionEntry) -> Result<(), ManifestError> {
    const SECRET: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH"];
    let is_secret = |name: &&String| SECRET.iter().any(|word| name.to_uppercase().contains(word));
    let Some(name) = option.environment.iter().find(is_secret) else { return Ok(()) };
    let reason = format!("`{}` is named like a secret", text::one_line(name, 80));
    Err(ManifestError::Value { key: "environment", reason })
}

/// A base URL names one host as soon as its placeholders are filled, each of them by an option.
fn check_base_url(url: &str, provider: &ProviderEntry) -> Result<(), ManifestError> {
    let mut filled = url.to_owned();
    for name in placeholders(url) {
        if provider.options.iter().all(|option| option.name != name) {
            let reason = format!("`{}` is no option of the provider", text::one_line(name, 80));
            return Err(ManifestError::Value { key: "base-url", reason });
        }
        filled = filled.replace(&format!("{{{name}}}"), "x");
    }
    match Address::parse(&filled) {
        Ok(_) => Ok(()),
        Err(error) => Err(ManifestError::Value { key: "base-url", reason: error.to_string() }),
    }
}

fn name(
    what: &'static str,
    name: &str,
    joint: char,
    form: &'static str,
) -> Result<(), ManifestError> {
    let proper = (1..=64).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint);
    if proper {
        return Ok(());
    }
    Err(ManifestError::Name { what, name: text::one_line(name, 80), form })
}

fn description(what: &str, description: &str) -> Result<(), ManifestError> {
    if description.len() <= DESCRIPTION_BYTES {
        return Ok(());
    }
    Err(ManifestError::Description { what: what.to_owned(), size: description.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::External;
    use openkoi_brokers::secrets::SecretSource;
    use openkoi_core::capability::{Access, Grant};

    const TOOL: &str = r#"
        [component]
        name = "files"
        version = "0.1.0"
        kind = "tool"
        publisher = "openkoi"
        description = "Reads files."

        [[tool]]
        name = "read_file"
        description = "Reads a file."
        effect = "read"
        idempotent = true
        domain = "files"
        target = "/path"
        parameters = '{"type":"object","properties":{"path":{"type":"string"}}}'

        [[tool.capability]]
        interface = "files"
        access = "read"
        why = "Reads what the task is about."
    "#;

    const PROVIDER: &str = r#"
        [component]
        name = "wire"
        version = "0.1.0"
        kind = "provider"
        publisher = "openkoi"
        description = "A wire format."
        [[credential]]
        name = "api-key"
        environment = ["WIRE_API_KEY"]
        inject = { header = "x-api-key", prefix = "" }
        [provider]
        base-url = "https://api.example.com/v1"
    "#;

    fn refused(manifest: &str, from: &str, to: &str) -> ManifestError {
        assert!(manifest.contains(from), "{from:?} is not in the manifest");
        Manifest::parse(&manifest.replace(from, to)).expect_err(to)
    }

    #[test]
    fn a_manifest_is_read_and_gives_its_grant() {
        let manifest = Manifest::parse(TOOL).unwrap();

        assert_eq!(
            manifest.grant(Some("read_file")),
            Grant { files: Some(Access::Read), ..Grant::default() }
        );
        assert_eq!(manifest.grant(Some("another")), Grant::default());
        assert!(manifest.asks_for("files") && !manifest.asks_for("http"));
    }

    #[test]
    fn the_same_manifest_as_json_is_the_same() {
        let value: toml::Value = toml::from_str(TOOL).unwrap();
        let json = serde_json::to_string(&value).unwrap();

        assert_eq!(Manifest::parse(&json), Manifest::parse(TOOL));
    }

    #[test]
    fn a_provider_is_read() {
        let manifest = Manifest::parse(PROVIDER).unwrap();

        assert_eq!(
            manifest.credentials[0].inject,
            Inject::Header { header: "x-api-key".to_owned(), prefix: String::new() }
        );
    }

    #[test]
    fn unknown_keys_are_refused_wherever_they_stand() {
        for (from, to) in [
            ("[[tool]]", "surprise = 1\n[[tool]]"),
            ("idempotent = true", "idempotent = true\nsurprise = 1"),
            ("access = \"read\"", "access = \"read\"\nsurprise = 1"),
        ] {
            assert!(matches!(refused(TOOL, from, to), ManifestError::Syntax(_)), "{to}");
        }
        let inject = refused(PROVIDER, "prefix = \"\"", "surprise = \"\"");
        assert!(matches!(inject, ManifestError::Syntax(_)));
    }

    #[test]
    fn names_that_could_be_taken_for_others_are_refused() {
        for bad in ["", "../x", "Fs", "9a", "a b", "read\u{1b}[2J", "réad", "a.b"] {
            let json = serde_json::Value::String(bad.to_owned()).to_string();
            let tool = refused(TOOL, "name = \"read_file\"", &format!("name = {json}"));
            assert!(matches!(&tool, ManifestError::Name { .. }), "{tool}");
            assert!(!tool.to_string().contains('\u{1b}'), "{tool}");
            let component = refused(TOOL, "name = \"files\"", &format!("name = {json}"));
            assert!(matches!(component, ManifestError::Name { .. }));
        }
    }

    #[test]
    fn sizes_are_capped() {
        let long = "x".repeat(DESCRIPTION_BYTES + 1);
        let description = refused(TOOL, "Reads a file.", &long);
        assert!(matches!(description, ManifestError::Description { .. }));

        let padding = format!(r#"{{"type":"object","title":"{}"}}"#, "x".repeat(SCHEMA_BYTES));
        let schema =
            refused(TOOL, r#"{"type":"object","properties":{"path":{"type":"string"}}}"#, &padding);
        assert!(matches!(schema, ManifestError::SchemaSize { .. }));

        let whole = Manifest::parse(&" ".repeat(super::super::MANIFEST_BYTES + 1));
        assert!(matches!(whole, Err(ManifestError::TooLarge { .. })));
    }

    #[test]
    fn a_schema_is_one_of_an_object() {
        let object = r#"{"type":"object","properties":{"path":{"type":"string"}}}"#;
        for bad in ["[]", "{\"type\":\"string\"}", "{", "{\"type\":\"object\",\"$ref\":\"#/x\"}"] {
            let error = refused(TOOL, object, bad);
            assert!(matches!(error, ManifestError::Schema { .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn a_tool_is_declared_once() {
        let (head, tool) = TOOL.split_once("[[tool]]").unwrap();
        let twice = format!("{head}[[tool]]{tool}\n[[tool]]{tool}");
        let error = Manifest::parse(&twice).unwrap_err();
        assert_eq!(error, ManifestError::DuplicateTool { name: "read_file".to_owned() });
    }

    #[test]
    fn a_capability_says_what_and_why() {
        for (from, to) in [
            ("why = \"Reads what the task is about.\"", "why = \" \""),
            ("access = \"read\"", ""),
            ("access = \"read\"", "access = \"read\"\nnetwork = true"),
            ("interface = \"files\"", "interface = \"everything\""),
            ("interface = \"files\"", "interface = \"log\""),
            ("interface = \"files\"", "interface = \"http\""),
        ] {
            let error = refused(TOOL, from, to);
            assert!(matches!(error, ManifestError::Capability { .. }), "{to}: {error}");
        }
    }

    #[test]
    fn each_kind_has_its_own_parts() {
        for (text, from, to) in [
            (TOOL, "kind = \"tool\"", "kind = \"evaluator\""),
            (PROVIDER, "kind = \"provider\"", "kind = \"evaluator\""),
            (TOOL, "[[tool]]", "[evaluator]\ntier = \"checks\"\n[[tool]]"),
            (TOOL, "[[tool]]", "[[credential]]\nname = \"k\"\ninject = \"bearer\"\n[[tool]]"),
        ] {
            assert!(matches!(refused(text, from, to), ManifestError::Kind { .. }), "{to}");
        }
    }

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
    fn what_a_preset_may_not_say_is_refused() {
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
    fn a_preset_sets_only_options_that_are_texts_of_the_provider() {
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
    fn a_place_in_a_base_url_is_an_option_and_no_secret() {
        let placed = |name: &str, option: &str| {
            let text = PROVIDER.replace("api.example.com/v1", &format!("api.{name}.example.com"));
            Manifest::parse(&format!("{text}[[provider.option]]\nname = \"region\"\n{option}"))
        };

        let manifest = placed("{region}", "environment = [\"AWS_REGION\"]\nexternal = \"aws\"");
        let options = manifest.unwrap().provider.unwrap().options;
        assert_eq!((options[0].environment.len(), options[0].external), (1, Some(External::Aws)));
        assert!(placed("{zone}", "").is_err());
        assert!(placed("{region", "").is_err());
        for secret in ["OTHER_API_KEY", "GITHUB_TOKEN", "db_password"] {
            assert!(placed("{region}", &format!("environment = [\"{secret}\"]")).is_err());
        }
    }

    #[test]
    fn a_signature_names_its_service() {
        let signed = |inject: &str| {
            let keys = format!("external = \"aws\"\ninject = {inject}");
            let text =
                PROVIDER.replace("inject = { header = \"x-api-key\", prefix = \"\" }", &keys);
            Manifest::parse(&text)
        };

        let manifest = signed("{ sigv4 = \"bedrock\" }").unwrap();
        let credential = &manifest.credentials[0];
        assert_eq!(credential.inject, Inject::SigV4 { sigv4: "bedrock".to_owned() });
        assert_eq!(
            credential.external.unwrap().sources(),
            [SecretSource::AwsVariables, SecretSource::AwsProfile]
        );
        assert!(signed("{ sigv4 = \"a/b\" }").is_err());
    }

    #[test]
    fn a_base_url_is_one_that_can_be_a_rule() {
        for bad in ["", "ftp://x.example", "https://u@api.example.com", "https://api.example.com?a"]
        {
            let error = refused(PROVIDER, "https://api.example.com/v1", bad);
            assert!(matches!(error, ManifestError::Value { .. }), "{bad}: {error}");
        }
    }
}
