//! Components that are refused before they are compiled or run (security.md, A15, A19, B43, B45).

use openkoi_host::{
    admission::AdmissionError,
    catalog::{CatalogError, Embedded, Form},
    kinds::preload,
    manifest::{Kind, ManifestError},
};
use openkoi_testing::World;

use crate::raw::{TRAPPING, manifest, tool, with_manifest};

fn refused(component: &[u8]) -> CatalogError {
    World::new().try_load(component).expect_err("it is refused")
}

/// A component with these items, a manifest and the export of a tool.
fn component(items: &str) -> Vec<u8> {
    let text = format!(
        "(component {items} (instance $none) (export \"openkoi:tool/tool@0.1.0\" (instance $none)))"
    );
    with_manifest(wat::parse_str(text).expect("it is a component"), &manifest("x", "t"))
}

fn importing(interface: &str) -> Vec<u8> {
    component(&format!("(import \"{interface}\" (instance))"))
}

#[test]
fn another_version_is_refused_with_both_named() {
    let error = refused(&importing("openkoi:host/files@0.9.0"));
    assert_eq!(
        error.to_string(),
        "`x` was built against version 0.9.0 of the package `openkoi:host` (for `openkoi:host/files`), and this \
         OpenKoi has 0.1.0; update OpenKoi, or take a `x` that was built for 0.1.0"
    );
}

#[test]
fn an_import_outside_the_contract_is_refused_by_name() {
    for interface in
        ["wasi:http/outgoing-handler@0.2.0", "wasi:sockets/tcp@0.2.0", "evil:x/y@1.0.0"]
    {
        let error = refused(&importing(interface));
        let CatalogError::Admission(AdmissionError::UnknownInterface { interface: named, .. }) =
            error
        else {
            panic!("{error}")
        };
        assert_eq!(named, interface);
    }
}

#[test]
fn an_import_that_the_manifest_does_not_ask_for_is_refused() {
    let error = refused(&importing("openkoi:host/files@0.1.0"));
    assert!(
        matches!(&error, CatalogError::Admission(AdmissionError::Undeclared { .. })),
        "{error}"
    );
}

#[test]
fn proposals_that_are_off_are_refused_by_name() {
    let table = [
        ("(core module (memory i64 1))", "memory64"),
        ("(core module (memory 1) (memory 1))", "multiple memories"),
        ("(core module (memory 1 1 shared))", "threads"),
        ("(core module (type (struct (field i32))))", "gc"),
        ("(core module (func (return_call 0)))", "tail calls"),
        ("(core module (tag))", "exceptions"),
        ("(core module (memory 1 (pagesize 1)))", "custom page sizes"),
        ("(core module (type $f (func)) (type (cont $f)))", "stack switching"),
        (
            "(core module (func (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0)))))",
            "relaxed SIMD",
        ),
    ];
    for (module, proposal) in table {
        let error = refused(&component(module));
        assert!(matches!(&error, CatalogError::Code { .. }), "{proposal}: {error}");
        assert!(error.to_string().contains(proposal), "{proposal}: {error}");
    }
}

#[test]
fn sizes_are_checked_before_parsing() {
    let large = refused(&vec![0; 17 << 20]);
    assert_eq!(large, CatalogError::TooLarge { size: 17 << 20 });

    let long = with_manifest(wat::parse_str("(component)").unwrap(), &"x".repeat(2 << 20));
    let CatalogError::Manifest { source, .. } = refused(&long) else { panic!("accepted") };
    assert!(matches!(source, ManifestError::TooLarge { .. }));
}

#[test]
fn a_component_without_exactly_one_manifest_is_refused() {
    let bare = wat::parse_str("(component)").unwrap();
    let CatalogError::Manifest { source, .. } = refused(&bare) else { panic!("accepted") };
    assert_eq!(source, ManifestError::Missing);

    let twice = with_manifest(tool("x", "t", TRAPPING), &manifest("y", "t"));
    let CatalogError::Manifest { source, .. } = refused(&twice) else { panic!("accepted") };
    assert_eq!(source, ManifestError::Repeated);
}

#[test]
fn bytes_that_are_not_a_component_are_refused() {
    let module = wat::parse_str("(module)").unwrap();
    for bytes in [b"".as_slice(), b"\0asm", b"not wasm at all", &module, &module[..6]] {
        let error = refused(bytes);
        assert!(
            matches!(error, CatalogError::NotAComponent(_) | CatalogError::Manifest { .. }),
            "{error}"
        );
    }
    let whole = tool("x", "t", TRAPPING);
    for end in (0..whole.len()).step_by(97) {
        refused(&whole[..end]);
    }
}

#[test]
fn an_export_of_the_right_name_and_wrong_type_is_refused() {
    let mut world = World::new();
    world.load(component(""));
    let error = preload(&world.host(), "x").expect_err("there is no function in it");
    assert!(matches!(&error, CatalogError::Code { .. }), "{error}");
}

#[test]
fn two_components_of_one_name_are_refused() {
    let mut world = World::new();
    world.load(tool("x", "t", TRAPPING));
    let error = world.try_load(tool("x", "u", TRAPPING)).expect_err("it is there already");
    assert_eq!(error, CatalogError::Duplicate { name: "x".to_owned() });
}

#[test]
fn damaged_embedded_code_is_reported_as_damaged() {
    let manifest: &'static str = Box::leak(manifest("x", "t").into_boxed_str());
    let native: &'static [u8] = b"no native code";
    let unpack = |native: &[u8], into: &mut [u8]| {
        let fits = native.len() == into.len();
        fits.then(|| into.copy_from_slice(native)).is_some()
    };
    for (native, code_len) in [(native, 14), (native, 15), (&native[..11], 14), (&[][..], 0)] {
        let embedded = Embedded {
            name: "x",
            kind: Kind::Tool,
            digest: "0",
            manifest,
            form: Form::Native,
            code: native,
            unpack: Some(unpack),
            wasm_len: 0,
            code_len,
        };
        let mut world = World::new();
        world.load_built([embedded]);
        let error = preload(&world.host(), "x").expect_err("it is damaged");
        assert!(matches!(&error, CatalogError::Damaged { .. }), "{error}");
    }
}
