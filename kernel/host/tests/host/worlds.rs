//! The worlds of the contract and what the host links for them, each compared with a list in this file.

use openkoi_host::{admission, manifest::Kind};

use crate::raw::contract;

const WRITTEN: [(&str, Kind, &[&str], &str); 3] = [
    ("provider", Kind::Provider, &["log"], "openkoi:provider/codec"),
    (
        "tool",
        Kind::Tool,
        &["log", "progress", "http", "model", "state", "files", "process", "memory"],
        "openkoi:tool/tool",
    ),
    (
        "evaluator",
        Kind::Evaluator,
        &["log", "progress", "model", "files", "process"],
        "openkoi:evaluator/evaluator",
    ),
];

#[test]
fn each_kind_imports_exactly_what_is_written_down() {
    for (folder, kind, imports, export) in WRITTEN {
        let (resolve, package) = contract(folder);
        let world = resolve.select_world(&[package], None).expect("one world");
        let world = &resolve.worlds[world];
        let named = |keys: Vec<&wit_parser::WorldKey>| -> Vec<String> {
            keys.into_iter().map(|key| resolve.name_world_key(key)).collect()
        };

        let mut found: Vec<String> = named(world.imports.keys().collect())
            .into_iter()
            .filter(|name| !name.starts_with("openkoi:types/"))
            .collect();
        let mut wanted: Vec<String> = imports
            .iter()
            .map(|name| format!("openkoi:host/{name}@{}", admission::CONTRACT))
            .collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{folder}");
        assert_eq!(
            named(world.exports.keys().collect()),
            [format!("{export}@{}", admission::CONTRACT)]
        );
        assert_eq!(admission::interfaces(kind), Some(imports));
        assert_eq!(admission::export(kind), Some(export));
    }
}
