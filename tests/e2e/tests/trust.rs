//! What a grant of trust lets through, and what ends it.

use openkoi_test_support::{Home, Kind, Run, turn};
use serde_json::Value;

use crate::{
    views::past::{End, Past, lived},
    world::{LONG, TASK, scripted},
};

/// Nothing is changed without a question, unless a grant says more.
const ASK: &str = "[trust]\ndefault = \"ask\"";

/// A world in which a model wants to write a file, and nobody is there to be asked.
fn writing(config: &str) -> Home {
    let kind = Kind::Shell;
    scripted([
        turn().executor().after("write_file").say("All tests pass now."),
        turn().executor().write(kind.source(), kind.fix()),
    ])
    .config(config)
}

fn works(home: &Home) -> Run {
    home.openkoi([TASK]).timeout(LONG).run()
}

fn trust(home: &Home, words: &str) -> Run {
    home.openkoi(["trust"].into_iter().chain(words.split(' '))).run()
}

fn levels(home: &Home) -> Vec<(String, String, String)> {
    let shown = home.openkoi(["trust", "--json"]).run().expect_code(0).json();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let domains = shown["domains"].as_array().unwrap().iter();
    domains.map(|one| (word(&one["domain"]), word(&one["level"]), word(&one["origin"]))).collect()
}

fn level(home: &Home, domain: &str) -> String {
    levels(home)
        .into_iter()
        .find(|(name, ..)| name == domain)
        .map_or_else(String::new, |(_, level, _)| level)
}

#[test]
fn a_grant_lets_through_what_was_a_question_and_taking_it_back_asks_again() {
    let home = writing(ASK);
    let broken = home.read("percent.sh");
    works(&home).expect_code(8);

    trust(&home, "grant files suggest --reason tried").expect_code(0);
    assert_eq!(level(&home, "files"), "suggest");
    works(&home).expect_code(0);

    std::fs::write(home.workspace().join("percent.sh"), broken).unwrap();
    trust(&home, "revoke files").expect_code(0);
    works(&home).expect_code(8);
}

#[test]
fn a_grant_holds_in_its_own_directory_unless_it_is_one_for_everywhere() {
    let home = writing(ASK);
    let elsewhere = home.root().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let grants = |words: &[&str]| {
        home.openkoi(["trust", "grant", "files", "act"].iter().chain(words))
            .in_dir(&elsewhere)
            .run()
            .expect_code(0);
    };

    grants(&[]);
    works(&home).expect_code(8);
    grants(&["--everywhere"]);
    works(&home).expect_code(0);
}

#[test]
fn a_grant_goes_beyond_the_default_and_never_beyond_the_ceiling() {
    let home = writing("[trust]\ndefault = \"ask\"\n[trust.domains]\nfiles = \"ask\"");

    let granted = trust(&home, "grant files autonomous --yes").expect_code(0);

    assert!(granted.stdout.contains("as far as ask at most"), "{granted}");
    assert_eq!(level(&home, "files"), "ask");
    works(&home).expect_code(8);
}

#[test]
fn a_grant_for_a_time_says_until_when_and_an_unknown_domain_or_level_is_refused() {
    let home = Home::new();

    let shown = trust(&home, "grant shell act --for 7d").expect_code(0);

    assert!(shown.stdout.contains("until        in 7 days"), "{shown}");
    let unknown = trust(&home, "grant sea act").expect_code(2);
    assert!(unknown.stderr.contains("one of files, "), "{unknown}");
    trust(&home, "grant shell always").expect_code(2);
    trust(&home, "grant shell act --for 7").expect_code(2);
    let unasked = trust(&home, "grant shell autonomous").expect_code(8);
    assert!(unasked.stderr.contains("openkoi trust grant shell autonomous --yes"), "{unasked}");
}

#[test]
fn work_at_autonomous_that_is_undone_ends_the_grant_at_once() {
    let home = writing("");
    trust(&home, "grant files autonomous --yes").expect_code(0);
    works(&home).expect_code(0);
    let audit = home.openkoi(["trust", "audit", "--json"]).run().expect_code(0).json();
    assert_eq!(audit["audit"][0]["ground"], "trust:autonomous", "{audit}");
    assert_eq!(audit["audit"][0]["undo"], "possible");

    let undone = home.openkoi(["undo", "--yes"]).run().expect_code(0);

    assert!(undone.stderr.contains("the grant of autonomous in files has ended"), "{undone}");
    assert_eq!(level(&home, "files"), "act");
    let shown = home.openkoi(["trust"]).run().expect_code(0);
    assert!(shown.stdout.contains("files autonomous: its work was undone"), "{shown}");
    let audit = home.openkoi(["trust", "audit", "--json"]).run().expect_code(0).json();
    assert_eq!(audit["audit"][0]["undo"], "undone");
}

#[test]
fn the_audit_names_each_unasked_action_with_its_receipt_and_can_be_narrowed() {
    let home = writing("");
    works(&home).expect_code(0);

    let audit = |words: &[&str]| {
        home.openkoi(["trust", "audit", "--json"].iter().chain(words)).run().json()
    };

    let all = audit(&[])["audit"].clone();
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    let (task, receipt) = (all[0]["task"].as_str().unwrap(), all[0]["receipt"].as_str().unwrap());
    assert_eq!(all[0]["action"], "write_file");
    let journal = home.openkoi(["task", "show", task, "--json"]).run().expect_code(0);
    assert!(journal.stdout.contains(task) && receipt.starts_with("i1/"), "{journal}");
    assert_eq!(audit(&["files"])["actions"], 1);
    assert_eq!(audit(&["shell"])["actions"], 0);
}

#[test]
fn outcomes_speak_for_another_level_once_they_are_certain() {
    let of = |ends: &[End]| {
        let home = Home::new();
        let past = ends.iter().map(|end| Past { days: 1, end: *end, trust: "trust:act" });
        lived(&home, &past.collect::<Vec<_>>());
        let shown = home.openkoi(["trust", "--json"]).run().expect_code(0).json();
        shown["domains"][0]["advice"].clone()
    };

    assert_eq!(of(&[End::Kept; 5]), Value::Null, "five may be chance");
    assert_eq!(of(&[End::Kept; 20]), "autonomous");
    assert_eq!(of(&[End::Undone, End::Undone, End::Undone, End::Kept, End::Kept]), "suggest");
    assert_eq!(of(&[End::Undone; 4]), Value::Null, "four are too few");
}
