//! The embedded components, in an engine that is configured as the host's.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

#[path = "../../kernel/compiler/program/src/config.rs"]
mod config;

use std::{collections::BTreeSet, time::Duration};

use openkoi_brokers::inner::{self, InnerLimits};
use openkoi_compiler::{Act, Answer, Limits};
use openkoi_components::{Embedded, Form, all, find, models, skills, unpack};
use serde_json::Value;
use wasmtime::{Config, Engine, component::Component};

fn engine() -> Engine {
    let mut config = Config::new();
    config::configure(&mut config);
    Engine::new(&config).unwrap()
}

fn unpacked(embedded: &Embedded) -> Vec<u8> {
    let Some(unpack) = embedded.unpacked_by() else { return embedded.code.to_vec() };
    let mut code = vec![0; embedded.code_length];
    assert!(unpack(embedded.code, &mut code), "{}", embedded.name);
    code
}

/// Compiles WebAssembly as the host does at the first use.
fn compiled(wasm: &[u8]) -> Vec<u8> {
    let limits = Limits { memory: 2 << 30, seconds: 60 };
    let arguments =
        openkoi_compiler::arguments(Act::Compile, openkoi_compiler::target(), Some(limits));
    let limits = InnerLimits { deadline: Duration::from_secs(180), answer: 64 << 20 };
    let program = openkoi_compiler::unpack().unwrap();
    match Answer::of(inner::ask(&program, &arguments, wasm, &limits, None).unwrap()) {
        Some(Answer::Code(code)) => code,
        other => panic!("{other:?}"),
    }
}

fn load(engine: &Engine, embedded: &Embedded) -> Component {
    let code = match embedded.form {
        Form::Native => unpacked(embedded),
        Form::WebAssembly => compiled(&unpacked(embedded)),
    };
    #[expect(unsafe_code, reason = "the code was compiled by the compiler of this build")]
    let component = unsafe { Component::deserialize(engine, code) };
    component.unwrap_or_else(|error| panic!("{}: {error:#}", embedded.name))
}

fn manifest(embedded: &Embedded) -> Value {
    serde_json::from_str(embedded.manifest).unwrap()
}

/// The host interfaces that need no entry in a manifest are left out.
fn imported(engine: &Engine, component: &Component) -> BTreeSet<String> {
    let kind = component.component_type();
    let names = kind.imports(engine).map(|(name, _)| name.to_owned());
    names
        .filter_map(|name| {
            let interface = name.strip_prefix("openkoi:host/")?.split('@').next()?;
            (!matches!(interface, "log" | "progress")).then(|| interface.to_owned())
        })
        .collect()
}

fn asked_for(manifest: &Value) -> BTreeSet<String> {
    let tools = manifest["tool"].as_array().into_iter().flatten();
    let places = tools
        .chain([manifest])
        .flat_map(|place| place["capability"].as_array().into_iter().flatten());
    places.filter_map(|capability| capability["interface"].as_str().map(str::to_owned)).collect()
}

/// They are sent with every request of a run.
#[test]
fn the_tools_together_are_described_in_five_kilobytes() {
    let tools =
        all().iter().map(manifest).filter(|manifest| manifest["component"]["kind"] == "tool");
    let sizes: Vec<(String, usize)> = tools
        .flat_map(|manifest| manifest["tool"].as_array().cloned().unwrap_or_default())
        .map(|tool| {
            let text = |key: &str| tool[key].as_str().unwrap_or_default().to_owned();
            let schema: Value = serde_json::from_str(&text("parameters")).unwrap();
            let sent = serde_json::json!({
                "name": text("name"), "description": text("description"), "parameters": schema,
            });
            (text("name"), sent.to_string().len())
        })
        .collect();

    let together: usize = sizes.iter().map(|(_, size)| size).sum();
    assert!(sizes.len() >= 10 && together <= 5_000, "{together}: {sizes:?}");
}

#[test]
fn what_is_damaged_is_not_unpacked() {
    let whole = find("shell").unwrap();
    let unpacks = |native: &[u8], length: usize| unpack(native, &mut vec![0; length]);

    assert!(unpacks(whole.code, whole.code_length));
    assert!(!unpacks(whole.code, whole.code_length - 1));
    assert!(!unpacks(whole.code, whole.code_length + 1));
    assert!(!unpacks(&whole.code[..whole.code.len() - 3], whole.code_length));
    assert!(!unpacks(&whole.code[..3], 0));
    assert!(!unpacks(&[], 0));
    assert!(!unpacks(&[0; 4], 0));
}

#[test]
fn one_component_lies_as_it_is_run_and_the_others_share_its_code() {
    let whole: Vec<&Embedded> = all().iter().filter(|one| one.unpacked_by().is_none()).collect();
    let [base] = whole.as_slice() else { panic!("{} are not packed", whole.len()) };
    assert_eq!(base.code.len(), base.code_length);
    assert_eq!(base.code.as_ptr().addr() % 4096, 0);

    // Another codec is mostly what this one is.
    let other = find("anthropic").unwrap();
    assert!(other.code.len() * 5 < other.code_length, "{} bytes", other.code.len());
}

#[test]
fn what_is_rarely_used_is_embedded_in_less_than_half_and_has_another_form() {
    let rare = find("bedrock").unwrap();
    assert_eq!((rare.form, rare.code_length), (Form::WebAssembly, rare.wasm_length));
    assert!(unpacked(rare).starts_with(b"\0asm"));

    let native = compiled(&unpacked(rare)).len();
    assert!(rare.code.len() * 5 < native, "{} of {native} bytes", rare.code.len());
}

#[test]
fn names_of_functions_are_embedded_once() {
    for embedded in all() {
        let code = unpacked(embedded);
        let symbol = b"]::function[";
        let symbols = code.windows(symbol.len()).filter(|window| window == symbol).count();
        assert_eq!(symbols, 0, "{} has a table of symbols", embedded.name);
    }
}

#[test]
fn every_component_loads_as_the_host_is_configured() {
    let engine = engine();

    assert!(!all().is_empty());
    for embedded in all() {
        load(&engine, embedded);
    }
}

#[test]
fn a_component_imports_exactly_what_its_manifest_asks_for() {
    let engine = engine();

    for embedded in all() {
        let component = load(&engine, embedded);
        let manifest = manifest(embedded);
        let (imported, asked) = (imported(&engine, &component), asked_for(&manifest));
        assert!(imported.is_subset(&asked), "{}: {imported:?}", embedded.name);
        for more in asked.difference(&imported) {
            assert!(is_read_for(&manifest, more), "{} does not use {more}", embedded.name);
        }
    }
}

/// Returns whether the host reads of this interface what a report of a view is given. The manifest asks for that too.
fn is_read_for(manifest: &Value, interface: &str) -> bool {
    let facts: &[&str] = match interface {
        "memory" => &["learnings", "soul"],
        "records" => &["atlas", "undone", "trust"],
        _ => &[],
    };
    let reports = manifest["view"]["report"].as_array().into_iter().flatten();
    let mut given = reports.flat_map(|report| report["given"].as_array().into_iter().flatten());
    given.any(|fact| facts.iter().any(|known| fact == known))
}

#[test]
fn the_index_is_sorted_and_says_what_the_manifests_say() {
    let keys: Vec<_> = all().iter().map(|embedded| (embedded.kind, embedded.name)).collect();

    assert!(keys.is_sorted(), "{keys:?}");
    for embedded in all() {
        let manifest = manifest(embedded);
        assert_eq!(manifest["component"]["name"], embedded.name);
        assert_eq!(manifest["component"]["kind"], embedded.kind);
        assert_eq!(embedded.digest.len(), 64);
        assert_eq!(find(embedded.name).map(|found| found.digest), Some(embedded.digest));
    }
    assert!(find("nowhere").is_none());
}

#[test]
fn tools_have_names_of_their_own() {
    let manifests: Vec<Value> = all().iter().map(manifest).collect();
    let tools =
        manifests.iter().flat_map(|manifest| manifest["tool"].as_array().into_iter().flatten());
    let names: Vec<&str> = tools.filter_map(|tool| tool["name"].as_str()).collect();

    let distinct: BTreeSet<&str> = names.iter().copied().collect();

    assert_eq!(distinct.len(), names.len(), "{names:?}");
    assert!(distinct.contains("read_file"));
}

#[test]
fn every_tool_s_parameters_are_a_schema_of_an_object() {
    for manifest in all().iter().map(manifest) {
        for tool in manifest["tool"].as_array().into_iter().flatten() {
            let schema: Value = serde_json::from_str(tool["parameters"].as_str().unwrap()).unwrap();
            assert_eq!(schema["type"], "object", "{}", tool["name"]);
            assert!(tool["description"].as_str().unwrap().len() <= 4096, "{}", tool["name"]);
        }
    }
}

#[test]
fn models_and_skills_can_be_read() {
    let models: Value = serde_json::from_str(models()).unwrap();

    assert!(models["providers"].is_object());
    for (path, text) in skills() {
        assert!(path.ends_with("SKILL.md"), "{path}");
        let (header, body) = text.strip_prefix("---\n{").unwrap().split_once("}\n").unwrap();
        let header: Value = serde_json::from_str(&format!("{{{header}}}")).unwrap();
        assert!(header["description"].is_string(), "{path}");
        let source = std::fs::read_to_string(format!("../skills/{path}")).unwrap();
        let line = |text: &str| text.lines().position(|line| line.starts_with("# "));
        assert_eq!(line(text), line(&source), "{path}");
        assert!(body.contains(source.split_once("\n---\n").unwrap().1), "{path}");
    }
}
