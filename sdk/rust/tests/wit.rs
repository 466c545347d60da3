//! The contract in `wit/` as a whole: it parses, its parts fit together, and every item says what it is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wit_parser::{Docs, Function, Resolve, Type, TypeDef, TypeDefKind, WorldItem, WorldKey};

/// Packages that others build on, in the order of their dependencies. All others stand on these alone.
const FOUNDATION: [&str; 3] = ["types", "host", "tool"];

fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn folders() -> Vec<String> {
    let mut others = BTreeSet::new();
    for entry in fs::read_dir(contract()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() && !FOUNDATION.contains(&name.as_str()) {
            others.insert(name);
        }
    }
    FOUNDATION.iter().map(|name| (*name).to_owned()).chain(others).collect()
}

fn resolved() -> Resolve {
    let mut resolve = Resolve::default();
    for folder in folders() {
        resolve.push_dir(contract().join(&folder)).unwrap_or_else(|error| {
            panic!("wit/{folder}: {error:?}");
        });
    }
    resolve
}

#[test]
fn every_package_is_named_after_its_folder_and_has_one_version() {
    let resolve = resolved();

    let names: Vec<String> = resolve.packages.iter().map(|(_, p)| p.name.to_string()).collect();

    let expected: Vec<String> =
        folders().iter().map(|folder| format!("openkoi:{folder}@0.1.0")).collect();
    assert_eq!(names, expected);
}

#[test]
fn every_item_of_the_contract_is_documented() {
    let resolve = resolved();

    let mut bare = Vec::new();
    for (_, package) in &resolve.packages {
        note(&mut bare, &package.docs, package.name.to_string());
    }
    for (_, world) in &resolve.worlds {
        note(&mut bare, &world.docs, format!("world {}", world.name));
    }
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.clone().unwrap_or_default();
        note(&mut bare, &interface.docs, format!("interface {name}"));
        for function in interface.functions.values() {
            note(&mut bare, &function.docs, format!("{name}.{}", function.name));
        }
        for (type_name, id) in &interface.types {
            note_type(&mut bare, &resolve.types[*id], &format!("{name}.{type_name}"));
        }
    }

    assert_eq!(bare, Vec::<String>::new());
}

fn note(bare: &mut Vec<String>, docs: &Docs, item: String) {
    if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
        bare.push(item);
    }
}

fn note_type(bare: &mut Vec<String>, definition: &TypeDef, item: &str) {
    // A `use` makes an alias; its comment stands where the type is defined.
    if matches!(definition.kind, TypeDefKind::Type(Type::Id(_))) {
        return;
    }
    note(bare, &definition.docs, item.to_owned());
    let parts: Vec<(&Docs, &String)> = match &definition.kind {
        TypeDefKind::Record(record) => {
            record.fields.iter().map(|field| (&field.docs, &field.name)).collect()
        }
        TypeDefKind::Variant(variant) => {
            variant.cases.iter().map(|case| (&case.docs, &case.name)).collect()
        }
        TypeDefKind::Enum(cases) => {
            cases.cases.iter().map(|case| (&case.docs, &case.name)).collect()
        }
        TypeDefKind::Flags(flags) => {
            flags.flags.iter().map(|flag| (&flag.docs, &flag.name)).collect()
        }
        _ => Vec::new(),
    };
    for (docs, part) in parts {
        note(bare, docs, format!("{item}.{part}"));
    }
}

/// What each kind of component may ask for, written down once more on purpose: giving a kind a power is a
/// decision, not an edit in passing.
const POWERS: [(&str, &[&str]); 11] = [
    ("agency-component", &["log", "progress", "model", "files", "records", "memory"]),
    ("embedder-component", &["log"]),
    // Of this world no component is.
    (
        "every-interface",
        &["log", "progress", "http", "model", "state", "files", "process", "records", "memory"],
    ),
    ("evaluator-component", &["log", "progress", "model", "files", "process"]),
    ("filter-component", &[]),
    ("integration-component", &["log", "progress", "http", "state"]),
    ("learner-component", &["log", "progress", "model", "state", "records", "memory"]),
    ("provider", &["log"]),
    ("socket-integration-component", &["log", "progress", "http", "state"]),
    (
        "tool-component",
        &["log", "progress", "http", "model", "state", "files", "process", "memory"],
    ),
    ("view-component", &["log", "state", "records", "memory"]),
];

#[test]
fn each_kind_has_one_world_and_the_powers_that_were_decided() {
    let resolve = resolved();

    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, world) in &resolve.worlds {
        let mut powers = BTreeSet::new();
        for (key, item) in &world.imports {
            let name = imported(&resolve, key, item);
            if let Some(power) = name.strip_prefix("openkoi:host/") {
                powers.insert(power.split('@').next().unwrap().to_owned());
            }
        }
        let twice = found.insert(world.name.clone(), powers);
        assert_eq!(twice, None, "two worlds are called {}", world.name);
    }

    let decided: BTreeMap<String, BTreeSet<String>> = POWERS
        .iter()
        .map(|(world, powers)| {
            ((*world).to_owned(), powers.iter().map(|power| (*power).to_owned()).collect())
        })
        .collect();
    assert_eq!(found, decided);
}

fn imported(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> String {
    match item {
        WorldItem::Interface { .. } => resolve.name_world_key(key),
        other => panic!("a world imports interfaces and nothing else, not {other:?}"),
    }
}

/// Host functions and exports that cannot fail, each for a reason.
const INFALLIBLE: [&str; 15] = [
    "log.write",
    "progress.report",
    "codec.diagnose",
    "codec.[constructor]decoder",
    "process.[method]child.kill",
    "embedder.describe",
    "filter.[constructor]session",
    "filter.[method]session.inbound",
    "filter.[method]session.keep",
    "filter.[method]session.outbound",
    "filter.[method]session.replacements",
    "integration.[constructor]check",
    "integration.[constructor]delivery",
    "integration.[constructor]poll",
    "socket.[constructor]session",
];

#[test]
fn every_function_fails_with_the_shared_failure() {
    let resolve = resolved();

    let mut odd = Vec::new();
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.clone().unwrap_or_default();
        for function in interface.functions.values() {
            let label = format!("{name}.{}", function.name);
            if !INFALLIBLE.contains(&label.as_str()) && !fails_typed(&resolve, function) {
                odd.push(label);
            }
        }
    }

    assert_eq!(odd, Vec::<String>::new());
}

fn fails_typed(resolve: &Resolve, function: &Function) -> bool {
    let Some(Type::Id(id)) = function.result else { return false };
    let TypeDefKind::Result(result) = &resolve.types[id].kind else { return false };
    let Some(Type::Id(failure)) = result.err else { return false };
    resolve.types[failure].name.as_deref() == Some("failure")
}
