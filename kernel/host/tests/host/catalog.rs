//! Catalogs: one for a whole process, shared by its runs.

use std::collections::BTreeMap;

use openkoi_host::{
    Host, Workdir,
    catalog::{Catalog, Embedded, Form},
    kinds::{evaluator::CatalogEvaluators, provider::CatalogModels, tool::CatalogTools},
    manifest::{Kind, LimitRequest},
};

use crate::raw::{TRAPPING, tool};

const MANIFEST: &str = r#"{
    "component": { "name": "x", "version": "0.1.0", "kind": "evaluator", "publisher": "p", "description": "d" },
    "evaluator": { "tier": "rubric" },
    "limits": { "cpu-ms": 100, "memory-mib": 10 }
}"#;

fn built_in() -> Embedded {
    Embedded {
        name: "x",
        kind: Kind::Evaluator,
        digest: "0",
        manifest: MANIFEST,
        form: Form::Native,
        code: b"",
        unpack: None,
        wasm_len: 0,
        code_len: 0,
    }
}

#[test]
fn limits_of_the_user_override_those_of_the_manifest_for_one_user_of_the_catalog() {
    let own = LimitRequest { cpu_ms: Some(200), ..LimitRequest::default() };
    let limits = BTreeMap::from([("x".to_owned(), own.clone()), ("unknown".to_owned(), own)]);
    let catalog = Catalog::new([built_in()]);

    let limited = catalog.limited(&limits);

    let limits = |catalog: &Catalog| {
        let entry = catalog.find("x").expect("it is there");
        let manifest = entry.manifest().expect("it is read");
        (manifest.limits.cpu_ms, manifest.limits.memory_mib)
    };
    assert_eq!(limits(&limited), (Some(200), Some(10)));
    assert_eq!(limits(&catalog), (Some(100), Some(10)));
    assert_eq!(limited.list().count(), 1);
}

#[test]
fn a_catalog_stays_as_it_is_when_another_has_one_more_component() {
    let catalog = Catalog::default();

    let (more, name) = catalog.with_component(&tool("x", "t", TRAPPING)).expect("it is accepted");

    assert_eq!(name, "x");
    assert_eq!(more.list().count(), 1);
    assert_eq!(catalog.list().count(), 0);
}

#[test]
fn runs_on_several_threads_can_share_the_host() {
    fn shared<T: Send + Sync + 'static>() {}

    shared::<Catalog>();
    shared::<Host>();
    shared::<Workdir>();
    shared::<CatalogTools>();
    shared::<CatalogModels>();
    shared::<CatalogEvaluators>();
}
