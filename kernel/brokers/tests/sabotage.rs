//! The table of guards is complete, and every test that it names exists.

use openkoi_brokers::sabotage::{CASES, Guard};

const SOURCES: [&str; 21] = [
    include_str!("archive.rs"),
    include_str!("browser_login.rs"),
    include_str!("durable.rs"),
    include_str!("egress.rs"),
    include_str!("egress_answer.rs"),
    include_str!("egress_credentials.rs"),
    include_str!("egress_proxy.rs"),
    include_str!("files.rs"),
    include_str!("inner.rs"),
    include_str!("layer.rs"),
    include_str!("layer_others.rs"),
    include_str!("network.rs"),
    include_str!("oauth.rs"),
    include_str!("old_kernels.rs"),
    include_str!("own_processes.rs"),
    include_str!("processes.rs"),
    include_str!("scratch.rs"),
    include_str!("sealed.rs"),
    include_str!("secrets.rs"),
    include_str!("snapshot.rs"),
    include_str!("tried.rs"),
];

#[test]
fn every_guard_has_a_test_that_exists() {
    assert_eq!(CASES.len(), Guard::ALL.len());
    for (guard, case) in CASES {
        let declared = format!("fn {case}()");
        assert!(
            SOURCES.iter().any(|source| source.contains(&declared)),
            "{}: {case}",
            guard.name()
        );
    }
}
