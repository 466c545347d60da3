//! What the user allowed.

use openkoi_core::{approval::Rule, capability::Grant, grant::ComponentGrant, id::SessionId};
use openkoi_storage::sessions::{NewSession, SessionKind};

use crate::support::Home;

fn rule(allow: bool, target: &str) -> Rule {
    let text = str::to_owned;
    let (prefix, workspace, session) = (false, Some(text("/pond")), None);
    Rule {
        allow,
        origin: text("shell"),
        action: text("run"),
        target: text(target),
        prefix,
        workspace,
        session,
    }
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
}

#[test]
fn a_rule_of_another_workspace_and_a_prefix_are_rules_of_their_own() {
    let home = Home::new();
    let storage = home.open();
    let here = rule(true, "git push");
    let others = [
        Rule { workspace: Some("/lake".to_owned()), ..here.clone() },
        Rule { workspace: None, ..here.clone() },
        Rule { prefix: true, ..here.clone() },
        Rule { session: Some("s1".to_owned()), ..here.clone() },
        here,
    ];

    for other in &others {
        storage.keep_rule(other, 7).unwrap();
    }

    assert_eq!(storage.rules().unwrap(), others);
    assert!(storage.kept_rules().unwrap().iter().all(|kept| kept.made_ms == 7));
}

#[test]
fn a_rule_that_is_taken_back_is_gone_and_its_number_is_not_given_again() {
    let home = Home::new();
    let storage = home.open();
    storage.keep_rule(&rule(true, "one"), 1).unwrap();
    storage.keep_rule(&rule(true, "two"), 2).unwrap();
    let last = storage.kept_rules().unwrap()[1].id;

    assert!(storage.revoke_rule(last).unwrap());
    assert!(!storage.revoke_rule(last).unwrap());

    assert_eq!(storage.rules().unwrap(), [rule(true, "one")]);
    storage.keep_rule(&rule(true, "three"), 3).unwrap();
    assert!(storage.kept_rules().unwrap()[1].id > last);
}

#[test]
fn the_rules_of_a_session_go_with_it() {
    let home = Home::new();
    let storage = home.open();
    let id = SessionId::new("01k9abcdef0000000000000051");
    let new = NewSession {
        id: id.clone(),
        kind: SessionKind::Chat,
        title: "chat".to_owned(),
        workspace: "/pond".to_owned(),
    };
    storage.begin_session(&new, 1).unwrap();
    let tied = Rule { session: Some(id.to_string()), ..rule(true, "one") };
    storage.keep_rule(&tied, 2).unwrap();
    storage.keep_rule(&rule(true, "two"), 3).unwrap();

    storage.delete_session(&id).unwrap();

    assert_eq!(storage.rules().unwrap(), [rule(true, "two")]);
}

fn grant(interface: &str) -> ComponentGrant {
    let own = Grant { whole: [interface.to_owned()].into(), ..Grant::default() };
    ComponentGrant { own, ..ComponentGrant::default() }
}

#[test]
fn a_grant_holds_for_the_bytes_it_was_given_to() {
    let home = Home::new();
    let storage = home.open();
    storage.keep_component_grant("d1", "pond", &grant("state"), 7).unwrap();
    storage.keep_component_grant("d2", "pond", &grant("memory"), 7).unwrap();
    storage.keep_component_grant("d3", "brook", &grant("records"), 9).unwrap();

    assert_eq!(storage.component_grant("d1").unwrap(), Some(grant("state")));
    assert_eq!(storage.component_grant("d4").unwrap(), None);
    assert_eq!(storage.last_component_grant("pond").unwrap(), Some(grant("memory")));
    assert_eq!(storage.last_component_grant("lake").unwrap(), None);

    storage.keep_component_grant("d1", "pond", &grant("files"), 11).unwrap();
    assert_eq!(storage.component_grant("d1").unwrap(), Some(grant("files")));
    assert_eq!(storage.last_component_grant("pond").unwrap(), Some(grant("files")));

    assert!(storage.revoke_component_grants("pond").unwrap());
    assert!(!storage.revoke_component_grants("pond").unwrap());
    assert_eq!(storage.component_grant("d2").unwrap(), None);
    assert_eq!(storage.component_grant("d3").unwrap(), Some(grant("records")));
}

#[test]
fn a_grant_that_cannot_be_understood_is_an_error_and_grants_nothing() {
    let home = Home::new();
    let storage = home.open();
    storage.keep_component_grant("d1", "pond", &grant("state"), 7).unwrap();
    let damage = "UPDATE component_grants SET granted = '{\"everything\":true}'";
    rusqlite::Connection::open(home.database()).unwrap().execute(damage, ()).unwrap();

    let error = storage.component_grant("d1").unwrap_err();

    assert_eq!(error.to_string(), "the grant of a component cannot be read");
}
