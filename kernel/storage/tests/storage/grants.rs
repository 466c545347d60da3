//! What the user allowed.

use openkoi_core::{approval::Rule, trust::TrustLevel};

use crate::support::Home;

#[test]
fn a_domain_has_its_own_trust_level_or_that_of_the_others() {
    let home = Home::new();
    let storage = home.open();
    let levels =
        "INSERT INTO trust_levels VALUES ('mail', 'suggest', 2), ('files', 'autonomous', 3)";
    rusqlite::Connection::open(home.database()).unwrap().execute(levels, ()).unwrap();

    let trust = storage.trust(TrustLevel::Act).unwrap();

    assert_eq!(trust.level("mail"), TrustLevel::Suggest);
    assert_eq!(trust.level("files"), TrustLevel::Autonomous);
    assert_eq!(trust.level("shell"), TrustLevel::Act);
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
}
