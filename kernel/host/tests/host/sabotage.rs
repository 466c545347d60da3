//! The table of guards is complete, and every test that it names exists.

use openkoi_host::sabotage::{CASES, Guard};

const SOURCES: [(&str, &str); 11] = [
    ("admitted", include_str!("admitted.rs")),
    ("compiling", include_str!("compiling.rs")),
    ("evaluators", include_str!("evaluators.rs")),
    ("floods", include_str!("floods.rs")),
    ("granted", include_str!("granted.rs")),
    ("limits", include_str!("limits.rs")),
    ("powers", include_str!("powers.rs")),
    ("providers", include_str!("providers.rs")),
    ("quarantine", include_str!("quarantine.rs")),
    ("raw", include_str!("raw.rs")),
    ("tools", include_str!("tools.rs")),
];

#[test]
fn every_guard_has_a_test_that_exists() {
    assert_eq!(CASES.len(), Guard::ALL.len());
    for (guard, case) in CASES {
        let (module, name) = case.split_once("::").expect("a module and a name");
        let source = SOURCES.iter().find(|(known, _)| *known == module);
        let declared = format!("fn {name}()");
        let exists = source.is_some_and(|(_, source)| source.contains(&declared));
        assert!(exists, "{}: {case}", guard.name());
    }
}
