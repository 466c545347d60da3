//! What `soul`, `mind`, `world`, `reflect` and `trust` show of an empty, a small and a large home, at a terminal of 80 and 40
//! columns and as data.
//!
//! `INSTA_UPDATE=always cargo test -p openkoi-e2e views` writes the snapshots anew; look at the difference before it is committed.

pub(crate) mod past;

use openkoi_test_support::{Home, Terminal, binary};
use serde_json::Value;

use past::{End, Past, lived};

/// Every report.
const REPORTS: [&str; 21] = [
    "soul",
    "soul diff",
    "soul history",
    "world",
    "world tools",
    "world tools write_file",
    "world domains",
    "world human",
    "reflect",
    "reflect today",
    "reflect week",
    "reflect growth",
    "reflect honest",
    "mind",
    "mind parliament",
    "mind agencies",
    "mind dissent",
    "mind calibrate",
    "trust",
    "trust audit",
    "trust rules",
];

fn small() -> Home {
    let home = Home::new();
    let past = [(5, End::Mended), (4, End::Kept), (4, End::Undone)];
    lived(&home, &past.map(|(days, end)| Past { days, end, trust: "trust:act" }));
    home.openkoi(["memory", "add", "Always answer in French."]).run().expect_code(0);
    home
}

/// Forty tasks of three weeks, of which the last week's went better.
fn large() -> Home {
    let home = Home::new();
    let past = (0..40_u64).rev().map(|number| {
        let end = match (number, number % 5) {
            (20.., 0) => End::Refused,
            (20.., 1) => End::Undone,
            (20.., 2) => End::Edited,
            (_, 3) => End::Mended,
            _ => End::Kept,
        };
        let trust = if number % 4 == 0 { "rule" } else { "trust:act" };
        Past { days: 3 + number / 3, end, trust }
    });
    lived(&home, &past.collect::<Vec<_>>());
    home
}

/// Returns what a person at a terminal of this width sees of all reports.
fn screens(home: &Home, columns: &str) -> String {
    let program = binary::openkoi();
    let lines: Vec<String> = REPORTS
        .iter()
        .map(|report| format!("echo '$ openkoi {report}'; '{}' {report}", program.display()))
        .collect();
    let script = format!("{}; echo END", lines.join("; "));
    let surroundings = [("COLUMNS", columns), ("NO_COLOR", "1"), ("TERM", "xterm")];
    let shell = surroundings
        .iter()
        .fold(home.shell(&script), |shell, (name, value)| shell.env(name, value));
    let mut terminal = shell.at_a_terminal();
    let shown = terminal.wait_for("END\r\n");
    terminal.ends();
    shown.replace('\r', "")
}

/// Returns all reports as data.
fn documents(home: &Home) -> String {
    let shown = REPORTS.iter().map(|report| {
        let words = report.split(' ').chain(["--json"]);
        let run = home.openkoi(words).run();
        format!("$ openkoi {report} --json\n{}", run.stdout)
    });
    shown.collect()
}

#[track_caller]
pub(crate) fn holds(name: &str, home: &Home, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let shown = home.normalise(shown);
    // What was made a moment ago, and the id of what was said.
    let recent = regex::Regex::new(r"(just now|\[DURATION\] ago|\d+ min ago) *").unwrap();
    let shown = recent.replace_all(&shown, "[NOW] ");
    let said = regex::Regex::new(r"(?m)^[0-9a-z]{8}( +Always)").unwrap();
    let shown = said.replace_all(&shown, "[ID]$1");
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

#[track_caller]
fn hold_all(name: &str, home: &Home) {
    holds(&format!("views-{name}-json"), home, &documents(home));
    if Terminal::is_available() {
        for columns in ["80", "40"] {
            holds(&format!("views-{name}-{columns}"), home, &screens(home, columns));
        }
    }
}

#[test]
fn an_empty_home_is_told_what_it_will_see() {
    let home = Home::new();

    hold_all("empty", &home);

    assert!(!home.path().join("data/openkoi.db").exists(), "looking makes no database");
}

#[test]
fn a_small_home_is_told_that_there_is_too_little_to_say() {
    hold_all("small", &small());
}

#[test]
fn a_large_home_sees_what_is_certain() {
    hold_all("large", &large());
}

pub(crate) fn document(home: &Home, words: &str) -> Value {
    home.openkoi(words.split(' ').chain(["--json"])).run().expect_code(0).json()
}

#[test]
fn a_sentence_of_the_user_is_corrected_and_forgotten_on_the_spot() {
    let home = small();
    let said = |home: &Home| document(home, "world human")["words"].clone();
    let id = said(&home)[0]["id"].as_str().unwrap().to_owned();

    home.openkoi(["world", "human", "correct", &id, "Always answer in German."])
        .run()
        .expect_code(0);
    assert_eq!(said(&home)[0]["text"], "Always answer in German.");

    home.openkoi(["world", "human", "forget", &id, "--yes"]).run().expect_code(0);
    assert_eq!(said(&home).as_array().map(Vec::len), Some(0));
}

#[test]
fn work_that_is_undone_and_verdicts_on_it_are_said_to_be_wrong() {
    let home = small();

    let honest = document(&home, "reflect honest");

    let wrong: Vec<&str> = honest["wrong"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(wrong, ["undone; rubric had called it good", "said to be done when it was not"]);
    assert_eq!(honest["said"][1]["held"], 2);
    let calibration = document(&home, "mind calibrate");
    assert_eq!(calibration["predictors"][0]["enough"], false, "three are too few");
}

#[test]
fn a_difference_between_two_weeks_comes_with_its_chance() {
    let home = Home::new();
    let week = |begin: u64, end| {
        (0..7).map(move |day| Past { days: begin + day, end, trust: "trust:act" })
    };
    lived(&home, &week(7, End::Refused).chain(week(0, End::Kept)).collect::<Vec<_>>());

    let compared = document(&home, "reflect week")["compared"].clone();

    let stand = &compared[0];
    assert_eq!((&stand["now"], &stand["before"]), (&Value::from(1.0), &Value::from(0.0)));
    assert_eq!(stand["significant"], true);
    // Fisher: 2 / (14 over 7).
    assert!((stand["chance"].as_f64().unwrap() - 2.0 / 3432.0).abs() < 1e-9, "{stand}");
}

#[test]
fn a_day_begins_at_midnight_where_the_user_is() {
    let home = Home::new();
    // With the first moment of yesterday by the clocks of UTC.
    lived(&home, &[Past { days: 1, end: End::Kept, trust: "trust:act" }]);
    let tasks = |zone: &str| {
        let run = home.openkoi(["reflect", "week", "--json"]).env("TZ", zone).run();
        let days = run.expect_code(0).json()["tasks_by_day"].clone();
        days.as_array().unwrap().iter().rposition(|day| *day == 1.0)
    };

    assert_eq!(tasks("UTC"), Some(5));
    assert_eq!(tasks("<WEST>+00:00:01"), Some(4), "a second to the west it was the day before");
}

/// What a home proposes for SOUL.md.
fn proposals(home: &Home) -> Vec<Value> {
    home.openkoi(["soul", "evolve", "--json"]).run().expect_code(0).json()["proposals"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn what_was_said_for_good_becomes_a_line_of_soul_md_that_can_be_undone_and_one_turned_down_stays_away()
 {
    let home = Home::new();
    for said in ["Test first.", "Write plainly."] {
        home.openkoi(["memory", "add", "--everywhere", said]).run().expect_code(0);
    }
    let proposed = proposals(&home);
    assert_eq!(proposed.len(), 2, "{proposed:?}");
    let id = |line: &str| {
        let found = proposed.iter().find(|one| one["after"] == line).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };

    home.openkoi(["learn", "accept", &id("- Test first.")]).run().expect_code(0);
    home.openkoi(["learn", "never", &id("- Write plainly.")]).run().expect_code(0);

    let soul = || std::fs::read_to_string(home.path().join("SOUL.md")).unwrap();
    assert!(soul().ends_with("\n- Test first.\n"), "{}", soul());
    assert_eq!(document(&home, "soul")["origin"], "own");
    assert_eq!(proposals(&home), [Value::Null; 0], "both are decided");

    home.openkoi(["soul", "undo"]).run().expect_code(0);
    assert!(!soul().contains("Test first"), "{}", soul());
    let history = document(&home, "soul history")["changes"].clone();
    assert_eq!(
        (&history[0]["undone"], &history[1]["undone"]),
        (&Value::from(false), &Value::from(true))
    );
    home.openkoi(["soul", "undo"]).run().expect_code(1);
}

#[test]
fn work_that_is_changed_or_undone_again_and_again_becomes_a_proposal_with_its_tasks() {
    let home = Home::new();
    let past = [End::Undone; 6].map(|end| Past { days: 1, end, trust: "trust:act" });
    lived(&home, &past);

    let values = document(&home, "soul")["values"].clone();
    let proposed = proposals(&home);

    assert_eq!(values[0]["text"], "Changes, undoes or asks again for shell work.", "{values}");
    assert_eq!((&values[0]["choices"], &values[0]["of"]), (&Value::from(6), &Value::from(6)));
    assert_eq!(proposed[0]["after"], "- Look twice at shell work before it is called done.");
    assert_eq!(proposed[0]["tasks"].as_array().map(Vec::len), Some(5));
    let shown = home.openkoi(["soul", "diff"]).run().expect_code(0);
    assert!(shown.stdout.contains("+- Look twice at shell work"), "{shown}");
}

#[test]
fn a_line_that_was_changed_by_hand_since_is_not_undone() {
    let home = Home::new();
    home.openkoi(["memory", "add", "--everywhere", "Test first."]).run().expect_code(0);
    let proposed = proposals(&home);
    home.openkoi(["learn", "accept", proposed[0]["id"].as_str().unwrap()]).run().expect_code(0);
    std::fs::write(home.path().join("SOUL.md"), "- Test last.\n").unwrap();

    let undo = home.openkoi(["soul", "undo"]).run().expect_code(1);

    assert!(undo.stderr.contains("does not stand in SOUL.md"), "{undo}");
    assert_eq!(std::fs::read_to_string(home.path().join("SOUL.md")).unwrap(), "- Test last.\n");
}
