//! Work in a whole home directory: asked for once, and then possible although OpenKoi's own files lie in it.

use openkoi_test_support::{
    Home, Invocation, Run, Script, Terminal,
    script::{Turn, turn},
    skip::skip,
};

use crate::world::LONG;

/// A user's home with secrets and OpenKoi's own files at their usual places.
fn lived_in(turns: impl IntoIterator<Item = Turn>) -> Home {
    let home = Home::new().script(&Script::new(turns).and_honest_company());
    let config = std::fs::read_to_string(home.path().join("config.toml")).unwrap();
    home.user_file(".openkoi/config.toml", config)
        .user_file(".ssh/id_ed25519", "SECRET-KEY")
        .user_file(".netrc", "SECRET-WORD")
        .user_file("docs/a", "text")
}

/// Returns a run that starts in the home itself.
fn at_home(home: &Home, arguments: &[&str]) -> Invocation {
    let run = home.openkoi(arguments).in_dir(home.user()).without_env("OPENKOI_HOME");
    run.env("NO_COLOR", "1").timeout(LONG)
}

fn looks_and_writes() -> [Turn; 2] {
    let line = "ls -A; ls -A .ssh .openkoi .local/share/openkoi; cat .netrc; echo made > made";
    [turn().executor().in_round(0).shell(line), turn().executor().say("Done.")]
}

fn made(home: &Home) -> bool {
    home.user().join("made").exists()
}

#[test]
fn without_a_person_nothing_is_done_in_a_whole_home_and_the_flag_is_named() {
    let home = lived_in(looks_and_writes());

    let run = at_home(&home, &["do it", "-i", "0"]).run().expect_code(8);

    assert!(run.stderr.contains("work in your whole home directory"), "{run}");
    assert!(run.stderr.contains("--workspace"), "{run}");
    assert!(!made(&home), "{run}");
}

#[test]
fn a_question_that_changes_nothing_is_answered_in_a_whole_home() {
    let home = lived_in([turn().planner().plans_answer(), turn().executor().say("Four.")]);

    let run = at_home(&home, &["what is 2+2?"]).run().expect_code(0);

    assert_eq!(run.stdout, "Four.\n");
}

#[test]
fn in_a_whole_home_that_was_named_programs_list_and_write_and_see_no_secrets() {
    let home = lived_in(looks_and_writes());

    let arguments = ["do it", "-i", "0", "--workspace", ".", "--output-format", "stream-json"];
    let run = at_home(&home, &arguments).run().expect_code(0);

    assert_eq!(std::fs::read_to_string(home.user().join("made")).unwrap(), "made\n", "{run}");
    let said = result_of(&run, "shell");
    assert!(said.contains("docs") && said.contains(".openkoi"), "{said}");
    assert!(!said.contains("SECRET") && !said.contains("config.toml"), "{said}");
    assert!(!said.contains("id_ed25519") && !said.contains("openkoi.db"), "{said}");
    assert!(
        run.stderr.contains("1 file changed") || run.stdout.contains("\"path\":\"made\""),
        "{run}"
    );
}

/// Returns what the first call of a tool gave.
fn result_of(run: &Run, tool: &str) -> String {
    let finished = run.json_lines().into_iter().map(|line| line["data"].clone());
    let mut calls =
        finished.filter(|data| data["event"] == "call.finished" && data["tool"] == tool);
    calls.next().unwrap_or_else(|| panic!("{run}"))["result"].to_string()
}

#[test]
fn a_person_is_asked_once_and_the_answer_is_kept_for_this_directory() {
    if !Terminal::is_available() {
        skip("a_person_is_asked_once", "no `script` to make a terminal with");
        return;
    }
    let home = lived_in(looks_and_writes());
    let mut terminal = at_home(&home, &["do it", "-i", "0"]).at_a_terminal();

    let asked = terminal.wait_for("answer [y/N/s/a/r]: ");
    terminal.types("a");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert!(asked.contains("work in your whole home directory"), "{asked}");
    assert!(made(&home));
    std::fs::remove_file(home.user().join("made")).unwrap();
    at_home(&home, &["do it", "-i", "0"]).run().expect_code(0);
    assert!(made(&home), "the answer holds for the next run too");
    let rules = at_home(&home, &["trust", "rules"]).run().expect_code(0);
    assert!(rules.stdout.contains("work in your whole home directory"), "{rules}");
}

#[test]
fn pruning_frees_what_lies_outside_for_a_home_and_is_too_old() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let place = home.temp().join(format!("openkoi-{}", rustix::process::geteuid().as_raw()));
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(10 * 24 * 60 * 60);
    for name in ["old", "young"] {
        let cache = place.join("caches").join(name);
        std::fs::create_dir_all(cache.join("upper")).unwrap();
        std::fs::write(cache.join("upper/package"), "x").unwrap();
        let used = std::fs::File::create(cache.join("used")).unwrap();
        if name == "old" {
            used.set_modified(old).unwrap();
        }
    }
    std::fs::create_dir_all(place.join("layers/left/upper")).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o700)).unwrap();

    home.openkoi(["prune", "--older-than", "3d"]).run().expect_code(0);

    let is_there = |path: &str| place.join(path).exists();
    assert!(!is_there("caches/old") && is_there("caches/young/upper/package"));
    assert_eq!(is_there("layers/left"), cfg!(not(target_os = "linux")));

    // What others may write to is not ours.
    std::fs::create_dir_all(place.join("caches/old")).unwrap();
    std::fs::File::create(place.join("caches/old/used")).unwrap().set_modified(old).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o777)).unwrap();
    home.openkoi(["prune", "--older-than", "3d"]).run().expect_code(0);
    assert!(is_there("caches/old"));
}
