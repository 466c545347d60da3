//! The worlds of the contract and what the host links for them, each compared with a list in this file.

use openkoi_host::{
    manifest::Kind,
    world::{self, TYPES, WORLDS},
};

use crate::raw::contract;

/// Written down once more on purpose: giving a kind a power is a decision.
const WRITTEN: [(&str, Kind, &[&str], &[&str]); 9] = [
    ("provider", Kind::Provider, &["log"], &["openkoi:provider/codec"]),
    (
        "tool",
        Kind::Tool,
        &["log", "progress", "http", "model", "state", "files", "process", "memory"],
        &["openkoi:tool/tool"],
    ),
    (
        "integration",
        Kind::Integration,
        &["log", "progress", "http", "state"],
        &["openkoi:tool/tool", "openkoi:integration/integration"],
    ),
    (
        "evaluator",
        Kind::Evaluator,
        &["log", "progress", "model", "files", "process"],
        &["openkoi:evaluator/evaluator"],
    ),
    (
        "agency",
        Kind::Agency,
        &["log", "progress", "model", "files", "records", "memory"],
        &["openkoi:agency/agency"],
    ),
    ("filter", Kind::Filter, &[], &["openkoi:filter/filter"]),
    ("view", Kind::View, &["log", "state", "records", "memory"], &["openkoi:view/view"]),
    (
        "learner",
        Kind::Learner,
        &["log", "progress", "model", "state", "records", "memory"],
        &["openkoi:learner/learner"],
    ),
    ("embedder", Kind::Embedder, &["log"], &["openkoi:embedder/embedder"]),
];

/// Returns the name of the world of a kind. A package may have another, with an interface more.
fn name(folder: &str) -> String {
    if folder == "provider" { folder.to_owned() } else { format!("{folder}-component") }
}

fn versioned(interfaces: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = interfaces
        .into_iter()
        .map(|name| {
            let package = name.split('/').next().unwrap_or_default();
            format!("{name}@{}", world::version(package).expect("the package has a version"))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn each_kind_imports_and_exports_exactly_what_is_written_down() {
    assert_eq!(WRITTEN.len(), WORLDS.len());
    for (folder, kind, imports, exports) in WRITTEN {
        let (resolve, package) = contract(folder);
        let world = resolve.select_world(&[package], Some(&name(folder))).expect("one world");
        let world = &resolve.worlds[world];
        let named = |keys: Vec<&wit_parser::WorldKey>| -> Vec<String> {
            let mut names: Vec<String> =
                keys.into_iter().map(|key| resolve.name_world_key(key)).collect();
            names.sort();
            names
        };

        let mut found = named(world.imports.keys().collect());
        found.retain(|name| !name.starts_with("openkoi:types/"));
        let host = imports.iter().map(|name| format!("openkoi:host/{name}"));
        let types = kind.world().types.iter().map(|name| (*name).to_owned());
        assert_eq!(found, versioned(host.chain(types)), "{folder}");
        let owned = exports.iter().map(|name| (*name).to_owned());
        assert_eq!(named(world.exports.keys().collect()), versioned(owned), "{folder}");
        assert_eq!((kind.word(), kind.world().imports), (folder, imports));
        assert_eq!(kind.world().exports, exports);
    }
}

#[test]
fn the_packages_and_interfaces_of_the_contract_have_their_rows() {
    for folder in ["types", "host"] {
        let (resolve, _) = contract("tool");
        let (_, package) = resolve
            .packages
            .iter()
            .find(|(_, package)| package.name.name == folder)
            .expect("the package is there");
        let mut rows: Vec<&str> = match folder {
            "types" => TYPES.to_vec(),
            _ => world::INTERFACES.iter().map(|interface| interface.name).collect(),
        };
        let mut found: Vec<&str> = package.interfaces.keys().map(String::as_str).collect();
        rows.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, rows, "{folder}");
    }
}
