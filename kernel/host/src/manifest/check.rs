//! Checks a manifest beyond its grammar.

mod credentials;
mod forms;
mod provider;
mod view;
mod webhook;

use std::collections::BTreeSet;

use serde_json::Value;

use forms::{COMPONENT_NAME, TOOL_NAME, name};

use super::{
    Capability, DESCRIPTION_BYTES, MOST_TOOLS, Manifest, ManifestError, SCHEMA_BYTES, ToolEntry,
};
use crate::{
    schema, text,
    world::{AskedWith, ScopeKey, interface},
};

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
    credentials::check(manifest)?;
    webhook::check(manifest)?;
    if let Some(evaluator) = &manifest.evaluator {
        check_words(&evaluator.answer_words)?;
    }
    view::check(manifest)?;
    provider::check(manifest)
}

/// Checks the words of an evaluator. They are searched in an answer in lower case, and each answer has the empty word.
fn check_words(words: &[String]) -> Result<(), ManifestError> {
    match words.iter().find(|word| word.is_empty() || **word != word.to_lowercase()) {
        None => Ok(()),
        Some(word) => Err(ManifestError::Value {
            key: "answer-words",
            reason: format!("`{}` is not a word in lower case", text::one_line(word, 64)),
        }),
    }
}

/// Checks that the manifest has the parts of its kind.
fn check_parts(manifest: &Manifest) -> Result<(), ManifestError> {
    let world = manifest.component.kind.world();
    let wrong =
        |reason: &str| Err(ManifestError::Kind { kind: world.word, reason: reason.to_owned() });
    if world.has_tools && manifest.tools.is_empty() {
        return wrong("declares at least one [[tool]]");
    }
    if !world.has_tools && !manifest.tools.is_empty() {
        return wrong("has no [[tool]]");
    }
    if world.has_tools && !manifest.capabilities.is_empty() {
        return wrong("asks for its capabilities tool by tool: [[tool.capability]]");
    }
    if let Some(other) = manifest.parts().find(|part| Some(*part) != world.part) {
        return wrong(&format!("has no [{other}] part"));
    }
    let part = world.part.filter(|_| !world.may_lack_part);
    if let Some(own) = part.filter(|own| manifest.parts().all(|part| part != *own)) {
        return wrong(&format!("needs its [{own}] part"));
    }
    if !manifest.credentials.is_empty() && !world.has_credentials {
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
    let schema = read_schema(tool)?;
    vet_schema(tool, &schema)?;
    tool.schema = schema.into();
    tool.capabilities.iter().try_for_each(check_capability)
}

/// Reads the schema of a tool's arguments.
pub(super) fn read_schema(tool: &ToolEntry) -> Result<Value, ManifestError> {
    let size = tool.parameters.len();
    if size > SCHEMA_BYTES {
        return Err(ManifestError::SchemaSize { tool: tool.name.clone(), size });
    }
    serde_json::from_str(&tool.parameters).map_err(|error| broken_schema(tool, error.to_string()))
}

fn vet_schema(tool: &ToolEntry, value: &Value) -> Result<(), ManifestError> {
    if value.get("type").and_then(Value::as_str) != Some("object") {
        let reason = "it has to be a schema of type \"object\"".to_owned();
        return Err(broken_schema(tool, reason));
    }
    schema::vet(value).map_err(|reason| broken_schema(tool, reason))
}

fn broken_schema(tool: &ToolEntry, reason: String) -> ManifestError {
    ManifestError::Schema { tool: tool.name.clone(), reason }
}

fn check_capability(asked: &Capability) -> Result<(), ManifestError> {
    let wrong = |reason| {
        let interface = text::one_line(&asked.interface, 64);
        Err(ManifestError::Capability { interface, reason })
    };
    if asked.why.trim().is_empty() {
        return wrong("say why it is needed");
    }
    let Some(interface) = interface(&asked.interface) else {
        return wrong("is not an interface that can be asked for");
    };
    let keys = match interface.asked {
        AskedWith::Free => return wrong("needs no entry"),
        AskedWith::Whole => &[][..],
        AskedWith::Scoped { keys, advice } if !asked.has(keys[0]) => return wrong(advice),
        AskedWith::Scoped { keys, .. } => keys,
    };
    if ScopeKey::ALL.into_iter().any(|key| asked.has(key) && !keys.contains(&key)) {
        return wrong("has a key that belongs to another interface");
    }
    Ok(())
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
    use openkoi_core::capability::{Access, Grant};
    use openkoi_core::credential::Inject;

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

    pub(super) const PROVIDER: &str = r#"
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

    pub(super) fn refused(manifest: &str, from: &str, to: &str) -> ManifestError {
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
    fn the_schema_of_a_tool_describes_an_object() {
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
    fn the_words_of_an_evaluator_are_not_empty_and_in_lower_case() {
        let evaluator = |words: &str| {
            let part = format!("[evaluator]\ntier = \"checks\"\nanswer-words = {words}");
            let about = TOOL.split("[[tool]]").next().unwrap();
            Manifest::parse(&format!("{}\n{part}", about.replace("\"tool\"", "\"evaluator\"")))
        };
        let words = evaluator(r#"["passed", "übersetzt"]"#).unwrap().evaluator.unwrap();
        assert_eq!(words.answer_words, ["passed", "übersetzt"]);
        for wrong in [r#"[""]"#, r#"["Passed"]"#] {
            let error = evaluator(wrong).unwrap_err();
            let is = matches!(&error, ManifestError::Value { key, .. } if *key == "answer-words");
            assert!(is, "{wrong}: {error}");
        }
    }

    #[test]
    fn each_kind_has_its_own_parts() {
        for (text, from, to) in [
            (TOOL, "kind = \"tool\"", "kind = \"evaluator\""),
            (PROVIDER, "kind = \"provider\"", "kind = \"evaluator\""),
            (TOOL, "[[tool]]", "[evaluator]\ntier = \"checks\"\n[[tool]]"),
        ] {
            assert!(matches!(refused(text, from, to), ManifestError::Kind { .. }), "{to}");
        }
    }
}
