use serde_json::Value;

use openkoi_core::approval::Rule;

use super::*;
use crate::{
    exit::Exit,
    testing::{MINUTE, NOW, World},
};

fn rule(allow: bool, target: &str, workspace: Option<&str>) -> Rule {
    Rule {
        allow,
        origin: "shell".to_owned(),
        action: "shell".to_owned(),
        target: target.to_owned(),
        prefix: allow,
        workspace: workspace.map(str::to_owned),
        session: None,
    }
}

fn with_rules() -> World {
    let world = World::new();
    let storage = world.storage();
    storage.keep_rule(&rule(true, "git push", Some("/pond")), NOW - 5 * MINUTE).unwrap();
    storage.keep_rule(&rule(false, "rm -rf x", None), NOW - MINUTE).unwrap();
    world
}

fn rules(world: &World) -> String {
    let args = Args { command: Some(TrustCommand::Rules), json: false };
    world.printed(run(args, &world.context())).0
}

fn revoke_of(world: &World, id: Option<u64>) -> Result<Reply, CommandError> {
    let args = Args {
        command: Some(TrustCommand::Revoke { what: id.map(|id| id.to_string()) }),
        json: false,
    };
    run(args, &world.context())
}

#[test]
fn rules_are_listed_with_where_and_since_when_they_hold() {
    assert_eq!(
        rules(&with_rules()),
        "ID  RULE          ON          WHERE       SINCE\n\
         \x201  allow shell   git push …  /pond       5 min ago\n\
         \x202  reject shell  rm -rf x    everywhere  1 min ago\n"
    );
    assert_eq!(rules(&World::new()), "no rules: every question is asked\n");
}

#[test]
fn a_rule_is_taken_back_by_its_number() {
    let world = with_rules();

    let (text, exit) = world.printed(revoke_of(&world, Some(2)));

    assert_eq!(text, "rule 2 is taken back: reject shell shell on \"rm -rf x\"\n");
    assert_eq!(exit, Exit::Accepted);
    assert!(!rules(&world).contains("rm -rf"));
    let again = revoke_of(&world, Some(2)).err().unwrap();
    assert_eq!(again, CommandError::usage("there is no rule `2`").hint("openkoi trust rules"));
}

#[test]
fn without_a_number_and_a_terminal_the_choices_are_named() {
    let error = revoke_of(&with_rules(), None).err().unwrap();

    assert_eq!(error.kind, Exit::Usage);
    assert!(error.to_string().contains("openkoi trust revoke 1"), "{error}");
}

#[test]
fn rules_are_data_for_programs() {
    let world = with_rules();
    let args = Args { command: Some(TrustCommand::Rules), json: true };

    let document = world.document(run(args, &world.context()));

    assert_eq!(document["rules"][0]["workspace"], "/pond");
    assert_eq!(document["rules"][1]["workspace"], Value::Null);
    assert_eq!(document["rules"][1]["made_at"], "2026-03-01T11:59:00Z");
}
