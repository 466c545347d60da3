//! Components of other people: installed after a person saw what they ask for, used by later processes, and removed.

use std::{fs, path::PathBuf};

use openkoi_test_support::{Home, turn};
use serde_json::json;

use crate::{
    tools::results_in,
    world::{LONG, scripted},
};

const V1: &str = "version = \"1.0.0\"\nkind";

/// Returns the bytes of a component that counts words, with `from` in its manifest replaced by as long a text.
fn counter((from, to): (&str, &str)) -> Vec<u8> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../guests"));
    let mut wasm = openkoi_testing::build_example(folder, "openkoi-guests", "counter").unwrap();
    assert_eq!(from.len(), to.len());
    // It is there as a section, and as what the program holds.
    for at in 0..wasm.len() {
        if wasm[at..].starts_with(from.as_bytes()) {
            wasm[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    wasm
}

/// Returns a home with a company that counts a word, and the file of a component that can.
fn home() -> (Home, PathBuf) {
    let rounds = [
        turn().executor().in_round(0).call("count", json!({ "word": "carp" })),
        turn().executor().in_round(1).say("Done."),
    ];
    let home = scripted(rounds);
    let file = home.workspace().join("counter.wasm");
    fs::write(&file, counter((V1, V1))).unwrap();
    (home, file)
}

#[test]
fn an_installed_tool_serves_later_tasks_with_what_was_granted() {
    let (home, file) = home();
    let file = file.to_str().unwrap();

    let unasked = home.openkoi(["plugin", "install", file]).timeout(LONG).run();
    assert_eq!(unasked.code, 8, "{unasked}");
    assert!(unasked.stdout.contains("Keeps the counts."), "{unasked}");
    assert!(unasked.stderr.contains("--yes"), "{unasked}");
    let before = results_in(&home, &["-i", "0"], 1);
    assert!(before[0].contains("there is no tool of that name"), "{before:?}");

    let installed = home.openkoi(["plugin", "install", file, "--yes"]).timeout(LONG).run();
    assert_eq!(installed.code, 0, "{installed}");
    fs::remove_file(file).unwrap();

    assert_eq!(results_in(&home, &["-i", "0"], 1), ["carp: 1"]);
    assert_eq!(results_in(&home, &["-i", "0"], 1), ["carp: 2"]);
    let listed = home.openkoi(["plugin", "list", "--json"]).run();
    let listed = &listed.json()["components"];
    let own = listed.as_array().unwrap().iter().find(|one| one["name"] == "counter").unwrap();
    assert_eq!((&own["built_in"], &own["version"]), (&json!(false), &json!("1.0.0")));

    let removed = home.openkoi(["plugin", "remove", "counter", "--yes"]).run();
    assert_eq!(removed.code, 0, "{removed}");
    assert_eq!(results_in(&home, &["-i", "0"], 1), before);
    assert_eq!(fs::read_dir(home.path().join("plugins")).unwrap().count(), 0);
}

#[test]
fn another_version_asks_for_what_is_new_and_one_of_another_publisher_for_everything() {
    let (home, file) = home();
    let install = |wasm: Vec<u8>, more: &[&str]| {
        fs::write(&file, wasm).unwrap();
        let arguments = ["plugin", "install", file.to_str().unwrap(), "--json"];
        home.openkoi(arguments.iter().chain(more)).timeout(LONG).run()
    };
    assert_eq!(install(counter((V1, V1)), &["--yes"]).code, 0);

    let same = install(counter((V1, "version = \"1.1.0\"\nkind")), &["--yes"]);
    assert_eq!((&same.json()["beyond"], &same.json()["installed"]), (&json!([]), &json!(true)));
    let stranger = install(counter(("tests\"\ndescription", "other\"\ndescription")), &[]);

    assert_eq!(stranger.code, 8, "{stranger}");
    let shown = home.openkoi(["plugin", "inspect", "counter", "--json"]).run();
    let shown = shown.json();
    assert_eq!((&shown["version"], &shown["publisher"]), (&json!("1.1.0"), &json!("tests")));
}

#[test]
fn a_component_whose_file_was_changed_is_not_run() {
    let (home, file) = home();
    let installed =
        home.openkoi(["plugin", "install", file.to_str().unwrap(), "--yes"]).timeout(LONG).run();
    assert_eq!(installed.code, 0, "{installed}");
    let kept = fs::read_dir(home.path().join("plugins")).unwrap().map(|one| one.unwrap().path());
    let wasm = kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "wasm"));
    let wasm = wasm.unwrap();
    let mut bytes = fs::read(&wasm).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&wasm, bytes).unwrap();
    // The code that was compiled of the right bytes is gone, too.
    fs::remove_dir_all(home.path().join("data/code")).unwrap();

    let results = results_in(&home, &["-i", "0"], 1);

    assert!(results[0].contains("is not what was installed"), "{results:?}");
}
