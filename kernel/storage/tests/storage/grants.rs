//! What the user allowed.

use openkoi_core::{
    approval::Rule,
    capability::{Access, Grant},
    trust::TrustLevel,
};
use openkoi_storage::{
    StorageError,
    grants::{ComponentGrant, TrustedWorkspace, WorkspaceTrust},
};

use crate::support::Home;

#[test]
fn trust_levels_are_kept_replaced_and_revoked() {
    let home = Home::new();
    let storage = home.open();
    storage.set_trust("mail", TrustLevel::Ask, 1).unwrap();
    storage.set_trust("mail", TrustLevel::Suggest, 2).unwrap();
    storage.set_trust("files", TrustLevel::Autonomous, 3).unwrap();

    let trust = home.open().trust(TrustLevel::Act).unwrap();

    assert_eq!(trust.level("mail"), TrustLevel::Suggest);
    assert_eq!(trust.level("files"), TrustLevel::Autonomous);
    assert_eq!(trust.level("shell"), TrustLevel::Act);
    assert!(storage.revoke_trust("mail").unwrap());
    assert!(!storage.revoke_trust("mail").unwrap());
    assert_eq!(storage.trust(TrustLevel::Ask).unwrap().level("mail"), TrustLevel::Ask);
}

fn rule(allow: bool, target: &str) -> Rule {
    let text = str::to_owned;
    Rule { allow, origin: text("shell"), action: text("run"), target: text(target) }
}

#[test]
fn the_latest_rule_about_one_thing_holds() {
    let home = Home::new();
    let storage = home.open();
    storage.keep_rule(&rule(true, "cargo test"), 1).unwrap();
    storage.keep_rule(&rule(true, "'; DROP TABLE tasks --"), 2).unwrap();
    storage.keep_rule(&rule(false, "cargo test"), 3).unwrap();

    let rules = storage.rules().unwrap();

    assert_eq!(rules, [rule(true, "'; DROP TABLE tasks --"), rule(false, "cargo test")]);
    assert!(!storage.drop_rule(&rule(true, "cargo test")).unwrap());
    assert!(storage.drop_rule(&rule(false, "cargo test")).unwrap());
    assert_eq!(storage.rules().unwrap().len(), 1);
}

#[test]
fn a_workspace_is_trusted_with_its_contents_only() {
    let home = Home::new();
    let storage = home.open();
    let workspace = TrustedWorkspace { path: "/work".into(), digest: "abc".into(), trusted_ms: 5 };
    assert_eq!(storage.workspace_trust("/work", "abc").unwrap(), WorkspaceTrust::Unknown);

    storage.trust_workspace(&workspace).unwrap();

    assert_eq!(storage.workspace_trust("/work", "abc").unwrap(), WorkspaceTrust::Trusted);
    assert_eq!(storage.workspace_trust("/work", "abd").unwrap(), WorkspaceTrust::Changed);
    assert_eq!(storage.workspace_trust("/work/sub", "abc").unwrap(), WorkspaceTrust::Unknown);
    assert_eq!(storage.trusted_workspaces().unwrap(), [workspace]);
    assert!(storage.distrust_workspace("/work").unwrap());
    assert!(!storage.distrust_workspace("/work").unwrap());
}

#[test]
fn a_grant_belongs_to_the_bytes_it_was_given_to() {
    let home = Home::new();
    let storage = home.open();
    let granted = Grant { files: Some(Access::Read), state: true, ..Grant::default() };
    let grant = ComponentGrant {
        digest: "d1".to_owned(),
        component: "fetch".to_owned(),
        granted,
        granted_ms: 4,
    };

    storage.grant_component(&grant).unwrap();
    storage.grant_component(&ComponentGrant { digest: "d2".into(), ..grant.clone() }).unwrap();

    assert_eq!(storage.component_grant("d1").unwrap(), Some(grant));
    assert_eq!(storage.component_grant::<Grant>("d3").unwrap(), None);
    let all = storage.component_grants::<Grant>(Some("fetch")).unwrap();
    assert_eq!(all.iter().map(|g| g.digest.as_str()).collect::<Vec<_>>(), ["d2", "d1"]);
    assert!(storage.component_grants::<Grant>(Some("shell")).unwrap().is_empty());
    assert!(storage.revoke_component("d1").unwrap());
    assert_eq!(storage.component_grant::<Grant>("d1").unwrap(), None);
}

#[test]
fn a_grant_that_cannot_be_read_is_an_error_and_grants_nothing() {
    let home = Home::new();
    let storage = home.open();
    let odd = ComponentGrant {
        digest: "d".to_owned(),
        component: "fetch".to_owned(),
        granted: serde_json::json!({ "files": "write", "everything": true }),
        granted_ms: 4,
    };
    storage.grant_component(&odd).unwrap();

    let read = storage.component_grant::<Grant>("d");

    assert!(matches!(read, Err(StorageError::Unreadable { .. })), "{read:?}");
}
