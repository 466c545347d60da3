//! Grants of trust, and how the work of each domain went.

use std::collections::BTreeSet;

use openkoi_core::{
    id::SessionId,
    port::Records,
    records::RecordQuery,
    skill::Tally,
    trust::{
        TrustLevel,
        delegation::{Delegation, DelegationEnd},
    },
};
use serde_json::json;

use crate::support::{Home, append, begin, event, finished, id};

fn grant(domain: &str, workspace: Option<&str>, level: TrustLevel) -> Delegation {
    Delegation {
        id: 0,
        domain: domain.to_owned(),
        workspace: workspace.map(str::to_owned),
        level,
        names: vec!["send=a@b.c".parse().unwrap()],
        reason: "tried".to_owned(),
        granted_ms: 5,
        expires_ms: Some(50),
        ended: None,
    }
}

#[test]
fn a_grant_is_kept_until_it_is_ended_or_replaced() {
    let home = Home::new();
    let storage = home.open();
    let first = storage.delegate(&grant("mail", Some("/pond"), TrustLevel::Act)).unwrap();
    let everywhere = storage.delegate(&grant("mail", None, TrustLevel::Suggest)).unwrap();
    let second = storage.delegate(&grant("mail", Some("/pond"), TrustLevel::Ask)).unwrap();

    let kept = storage.delegations().unwrap();

    let ends: Vec<_> = kept.iter().map(|one| (one.id, one.ended)).collect();
    let replaced = Some((5, DelegationEnd::Replaced));
    assert_eq!(ends, [(second, None), (everywhere, None), (first, replaced)]);
    let expected = Delegation { id: second, ..grant("mail", Some("/pond"), TrustLevel::Ask) };
    assert_eq!(kept[0], expected);
    assert!(storage.end_delegation(second, DelegationEnd::Undone, 9).unwrap());
    assert!(!storage.end_delegation(second, DelegationEnd::Revoked, 9).unwrap(), "it is over");
}

/// Records that something in a domain was allowed.
fn decided(domain: &str, effect: &str, because: &str, action: &str) -> openkoi_core::event::Event {
    event(json!({
        "event": "gate.decided", "origin": "x", "action": action, "effect": effect, "domain": domain,
        "target": "y", "decision": { "decision": "allow", "because": because }, "answer": null,
    }))
}

#[test]
fn decisions_are_recorded_if_they_are_more_than_looking_or_reach_a_place_outside() {
    let home = Home::new();
    let storage = home.open();
    let task = begin(&storage, "1", "9", "x", 1);
    for (number, (effect, action)) in
        [("write", "write_file"), ("read", "read_file"), ("read", "http"), ("execute", "process")]
            .into_iter()
            .enumerate()
    {
        append(
            &storage,
            &task,
            &format!("k{number}"),
            2,
            decided("d", effect, "trust:act", action),
        );
    }

    let kept = storage.decisions(&RecordQuery { limit: 10, ..RecordQuery::default() }).unwrap();

    let actions: Vec<&str> = kept.iter().map(|one| one.action.as_str()).collect();
    assert_eq!(actions, ["http", "write_file"]);
    assert_eq!((kept[1].key.as_str(), kept[1].answered, kept[1].allowed), ("k0", false, true));
    let session = SessionId::new(id("9"));
    assert_eq!(storage.read_outside(&session).unwrap().as_deref(), Some("y"));
}

#[test]
fn work_stands_in_a_domain_if_it_was_accepted_and_is_not_undone() {
    let home = Home::new();
    let storage = home.open();
    for (task, ending) in [("1", "accepted"), ("2", "accepted"), ("3", "exhausted")] {
        let begun = begin(&storage, task, task, "x", 1);
        append(&storage, &begun, "k", 2, decided("mail", "send", "trust:autonomous", "send"));
        append(&storage, &begun, "end", 3, finished(json!({ "ending": ending }), "x", 1, 1));
    }
    let undone = BTreeSet::from([id("2")]);

    let outcomes = storage.outcomes_by_domain("/work", &undone).unwrap();

    assert_eq!(outcomes["mail"], Tally { accepted: 1, decided: 3 });
    assert_eq!(storage.outcomes_by_domain("/elsewhere", &undone).unwrap().len(), 0);
    let alone = storage.done_alone(&undone).unwrap();
    assert_eq!(
        (alone[0].domain.as_str(), alone[0].workspace.as_str(), alone[0].done_ms),
        ("mail", "/work", 2)
    );
}
