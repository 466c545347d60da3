//! JSON Schemas of Rust types, in the form in which manifests carry them.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

/// Returns the JSON Schema of `T`: compact, keys sorted, sub-schemas in place, without what says nothing to a model:
/// titles, formats, defaults that are nothing, and that what may be left out may be null, which the host knows.
pub fn of<T: JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    tidy(schema.to_value(), false).to_string()
}

/// Drops noise and sorts keys. The names of properties are not keywords: one may be called `title`.
fn tidy(value: Value, names: bool) -> Value {
    match value {
        Value::Object(object) => Value::Object(tidy_object(object, names)),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| tidy(item, false)).collect())
        }
        other => other,
    }
}

fn tidy_object(object: Map<String, Value>, names: bool) -> Map<String, Value> {
    let required: Vec<String> = object
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    // Sorted by hand: whether a map of serde_json keeps its order depends on features of other crates.
    let mut entries: Vec<(String, Value)> = object.into_iter().collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
        .into_iter()
        .filter(|(key, value)| names || !is_noise(key, value))
        .map(|(key, value)| {
            let inner_names = !names && matches!(key.as_str(), "properties" | "$defs");
            let literal =
                !names && matches!(key.as_str(), "default" | "const" | "enum" | "examples");
            let value = match value {
                value if literal => value,
                Value::String(text) if key == "description" && !names => {
                    Value::String(flowing(&text))
                }
                Value::Object(properties) if key == "properties" && !names => {
                    tidy(Value::Object(without_nulls(properties, &required)), true)
                }
                value => tidy(value, inner_names),
            };
            (key, value)
        })
        .collect()
}

/// Takes null from the types of properties that may be left out.
fn without_nulls(mut properties: Map<String, Value>, required: &[String]) -> Map<String, Value> {
    let optional = properties.iter_mut().filter(|(name, _)| !required.contains(name));
    for kind in optional.filter_map(|(_, schema)| schema.get_mut("type")) {
        if let Value::Array(kinds) = kind {
            kinds.retain(|kind| kind != "null");
            if let [only] = kinds.as_slice() {
                *kind = only.clone();
            }
        }
    }
    properties
}

/// Joins the lines of each paragraph: where a comment is wrapped in the source means nothing to a model.
fn flowing(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

fn is_noise(key: &str, value: &Value) -> bool {
    match key {
        "title" | "$schema" => true,
        "format" => value.as_str().is_some_and(|format| {
            format.starts_with("int")
                || format.starts_with("uint")
                || matches!(format, "float" | "double")
        }),
        "default" => value.is_null() || *value == false || *value == 0,
        "minimum" => *value == 0,
        _ => false,
    }
}

/// Returns the schema of what a tool's function takes.
#[doc(hidden)]
pub fn of_arguments<A: JsonSchema>(
    _: impl FnOnce(A, &crate::tool::Context) -> crate::Result<crate::tool::Output>,
) -> String {
    of::<A>()
}

/// Set to 1, the test of [`tools!`](crate::tools) writes the schemas into the manifest.
#[cfg(not(target_family = "wasm"))]
const UPDATE: &str = "OPENKOI_UPDATE";

/// Checks that `parameters` of every tool in the `component.toml` of a directory are these, by the tool's name, and that no
/// tool is missing on either side. Writes them there where that is asked for.
///
/// # Panics
///
/// When they differ: it is the test of a component.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
#[expect(clippy::panic, reason = "the test of a component fails so")]
pub fn hold(directory: &str, expected: &[(&str, String)]) {
    let path = std::path::Path::new(directory).join("component.toml");
    let read = || match std::fs::read_to_string(&path) {
        Ok(manifest) => manifest,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let manifest = read();
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        let written = with_schemas(&manifest, expected);
        if written != manifest
            && let Err(error) = std::fs::write(&path, written)
        {
            panic!("{}: {error}", path.display());
        }
    }
    let problems = differences(&read(), expected);
    if !problems.is_empty() {
        let problems = problems.join("\n");
        panic!(
            "component.toml is out of date; `{UPDATE}=1 cargo test` mends its schemas\n{problems}"
        );
    }
}

/// Returns the manifest with the schemas of its tools: each in place of the line that has one, or behind the tool's name.
#[cfg(not(target_family = "wasm"))]
fn with_schemas(manifest: &str, expected: &[(&str, String)]) -> String {
    let schema = |name: &str| expected.iter().find(|(other, _)| *other == name);
    let mut blocks: Vec<Vec<String>> = vec![Vec::new()];
    for line in manifest.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            blocks.push(Vec::new());
        }
        if let Some(block) = blocks.last_mut() {
            block.push(line.to_owned());
        }
    }
    for block in blocks
        .iter_mut()
        .filter(|block| block.first().is_some_and(|line| line.trim() == "[[tool]]"))
    {
        let value = |line: &String, key: &str| {
            let rest = line.trim_start().strip_prefix(key)?.trim_start().strip_prefix('=')?;
            Some(rest.trim().trim_matches(['"', '\'']).to_owned())
        };
        let name = block.iter().enumerate().find_map(|(at, line)| Some((at, value(line, "name")?)));
        let Some((at, name)) = name else { continue };
        let Some((_, schema)) = schema(&name) else { continue };
        let line = format!("parameters = '''{schema}'''\n");
        match block.iter().position(|line| value(line, "parameters").is_some()) {
            Some(place) => block[place] = line,
            None => block.insert(at + 1, line),
        }
    }
    blocks.concat().concat()
}

/// Returns what is wrong with the tools of `manifest`, given each tool's schema.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub fn differences(manifest: &str, expected: &[(&str, String)]) -> Vec<String> {
    let document: toml::Table = match manifest.parse() {
        Ok(document) => document,
        Err(error) => return vec![error.to_string()],
    };
    let tools = document.get("tool").and_then(toml::Value::as_array);
    let found: Vec<(&str, &str)> = tools.into_iter().flatten().filter_map(tool_schema).collect();
    let mut problems: Vec<String> =
        expected.iter().filter_map(|(name, schema)| difference(name, schema, &found)).collect();
    let unknown = found.iter().filter(|(name, _)| !expected.iter().any(|(other, _)| other == name));
    problems.extend(unknown.map(|(name, _)| format!("`{name}` is in the manifest only")));
    problems
}

#[cfg(not(target_family = "wasm"))]
fn tool_schema(tool: &toml::Value) -> Option<(&str, &str)> {
    let text = |key| tool.get(key).and_then(toml::Value::as_str);
    Some((text("name")?, text("parameters").unwrap_or_default()))
}

#[cfg(not(target_family = "wasm"))]
fn difference(name: &str, schema: &str, found: &[(&str, &str)]) -> Option<String> {
    let Some((_, text)) = found.iter().find(|(other, _)| *other == name) else {
        return Some(format!(
            "`{name}` is missing; its parameters are\nparameters = '''{schema}'''"
        ));
    };
    let same = serde_json::from_str::<Value>(text).is_ok_and(|value| {
        serde_json::from_str::<Value>(schema).is_ok_and(|expected| value == expected)
    });
    (!same).then(|| format!("the parameters of `{name}` should be\nparameters = '''{schema}'''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is
    /// read.
    ///
    /// And more.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Read {
        /// The path.
        path: String,
        /// How many.
        limit: Option<u32>,
        /// A title is a property here.
        title: Vec<Inner>,
        #[serde(default)]
        mode: Mode,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Inner {
        all: bool,
    }

    #[derive(JsonSchema, Default, serde::Serialize)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Mode {
        #[default]
        Content,
        Count,
    }

    #[test]
    fn a_schema_is_compact_sorted_and_whole() {
        assert_eq!(
            of::<Read>(),
            r#"{"description":"What is read.\n\nAnd more.","properties":{"limit":{"description":"How many.","type":"integer"},"mode":{"default":"content","enum":["content","count"],"type":"string"},"path":{"description":"The path.","type":"string"},"title":{"description":"A title is a property here.","items":{"properties":{"all":{"type":"boolean"}},"required":["all"],"type":"object"},"type":"array"}},"required":["path","title"],"type":"object"}"#
        );
    }

    #[test]
    fn a_manifest_that_differs_is_told_what_to_say() {
        let manifest = "[[tool]]\nname = 'a'\nparameters = '{\"type\":\"object\"}'\n[[tool]]\nname = 'extra'\n";
        let expected = [("a", r#"{"type":"string"}"#.to_owned()), ("b", "{}".to_owned())];

        let problems = differences(manifest, &expected);

        assert_eq!(
            problems,
            [
                "the parameters of `a` should be\nparameters = '''{\"type\":\"string\"}'''",
                "`b` is missing; its parameters are\nparameters = '''{}'''",
                "`extra` is in the manifest only",
            ]
        );
    }

    #[test]
    fn a_manifest_gets_its_schemas_and_keeps_all_else() {
        let manifest = "# mine\n[component]\nname = \"a\"\n\n[[tool]]\nname = \"a\" \n[[tool.capability]]\nname = \"b\"\n\n\
                        [[tool]]\nname = 'b'\nparameters = '''{}'''\neffect = \"read\"\n";
        let expected = [("a", "A".to_owned()), ("b", "B".to_owned())];

        let written = with_schemas(manifest, &expected);

        assert_eq!(
            written,
            "# mine\n[component]\nname = \"a\"\n\n[[tool]]\nname = \"a\" \nparameters = '''A'''\n\
             [[tool.capability]]\nname = \"b\"\n\n[[tool]]\nname = 'b'\nparameters = '''B'''\neffect = \"read\"\n"
        );
        assert_eq!(with_schemas(&written, &expected), written);
    }

    #[test]
    fn a_manifest_that_agrees_passes_whatever_its_spacing() {
        let manifest = "[[tool]]\nname = 'a'\nparameters = '{ \"type\": \"object\" }'\n";

        assert!(differences(manifest, &[("a", r#"{"type":"object"}"#.to_owned())]).is_empty());
    }
}
