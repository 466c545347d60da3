use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::*;
use crate::{
    output::Printer,
    testing::{InJson, World, narrow, text},
};

fn checkup() -> Checkup {
    let broken = CommandError::configuration("/koi can be \x1b[2Jentered by others");
    Checkup(vec![
        Checkpoint::well("settings", "3 settings besides the defaults"),
        Checkpoint::note("sandbox", "off").hint("mode = \"on\" under [sandbox]"),
        Checkpoint::ill("home", &broken.hint("chmod 700 /koi").hint("or another home")),
    ])
}

/// Looks at a world and returns what is said of one area, a line each.
fn found(world: &World, area: &str) -> Vec<String> {
    let (told, _) = world.printed(run(&Args { json: false }, &world.context()));
    let lines: Vec<&str> = told.lines().collect();
    let is_hint = |line: &str| line.starts_with("        hint:");
    let starts = |line: &str| line.split_whitespace().nth(1) == Some(area) && !is_hint(line);
    let Some(first) = lines.iter().position(|line| starts(line)) else { return Vec::new() };
    let hints = lines[first + 1..].iter().take_while(|line| is_hint(line));
    std::iter::once(&lines[first]).chain(hints).map(|line| (*line).to_owned()).collect()
}

fn allow_others(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_note_does_not_make_the_checkup_fail() {
    let ill = Checkpoint::ill("home", &CommandError::configuration("it is read-only"));

    assert!(Checkup(vec![Checkpoint::well("a", "b"), Checkpoint::note("c", "d")]).is_well());
    assert!(!Checkup(vec![Checkpoint::well("a", "b"), ill]).is_well());
}

#[test]
fn each_finding_is_a_line_and_its_hints_stand_below() {
    let expected = "ok    settings    3 settings besides the defaults\n\
                    note  sandbox     off\n        \
                    hint: mode = \"on\" under [sandbox]\n\
                    error home        /koi can be \\x1b[2Jentered by others\n        \
                    hint: chmod 700 /koi\n        \
                    hint: or another home\n";

    assert_eq!(text(&checkup()), expected);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&narrow(&checkup())), words(expected), "on a narrow screen nothing is cut");
}

#[test]
fn only_the_word_in_front_has_a_colour() {
    let text = Printer::on_paper(None, 0).in_colour().text(&checkup().document());

    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("hint:")).collect();
    assert_eq!(
        lines,
        [
            "\x1b[32mok   \x1b[0m settings    3 settings besides the defaults",
            "\x1b[33mnote \x1b[0m sandbox     off",
            "\x1b[31merror\x1b[0m home        /koi can be \\x1b[2Jentered by others",
        ]
    );
}

#[test]
fn findings_for_programs_have_a_status_and_say_whether_all_is_well() {
    let finding = |area: &str, status: &str, message: &str, hints: Value| json!({ "area": area, "status": status, "message": message, "hints": hints });

    assert_eq!(
        checkup().json(),
        json!({ "ok": false, "findings": [
            finding("settings", "ok", "3 settings besides the defaults", json!([])),
            finding("sandbox", "note", "off", json!(["mode = \"on\" under [sandbox]"])),
            finding(
                "home",
                "error",
                "/koi can be \x1b[2Jentered by others",
                json!(["chmod 700 /koi", "or another home"]),
            ),
        ] })
    );
    assert_eq!(Checkup(Vec::new()).json(), json!({ "ok": true, "findings": [] }));
}

#[test]
fn a_private_home_is_well_and_nothing_is_created_by_looking() {
    let world = World::new();

    assert_eq!(found(&world, "home"), ["ok    home        /world/home"]);
    assert_eq!(
        found(&world, "database"),
        ["note  database    there is none yet; the first task makes it"]
    );
    assert!(!world.home().join("data").exists());
}

#[test]
fn a_database_is_checked_and_whole() {
    let world = World::new();
    world.storage();

    assert_eq!(
        found(&world, "database"),
        ["ok    database    /world/home/data/openkoi.db is whole"]
    );
}

#[test]
fn a_home_that_others_can_enter_is_an_illness_with_its_cure() {
    let world = World::new();
    allow_others(&world.home(), 0o755);

    let (_, exit) = world.printed(run(&Args { json: false }, &world.context()));

    assert_eq!(exit, Exit::Configuration);
    assert_eq!(
        found(&world, "home"),
        [
            "error home        /world/home can be entered by others",
            "        hint: chmod 700 /world/home",
        ]
    );
}

#[test]
fn a_key_that_others_can_read_is_named() {
    let world = World::new();
    world.keep("credentials/mine.key", "sk-1\n");
    world.keep("credentials/fine.key", "sk-1\n");
    allow_others(&world.home().join("credentials/mine.key"), 0o644);

    assert_eq!(
        found(&world, "home"),
        [
            "error home        `/world/home/credentials/mine.key` can be read by others",
            "        hint: chmod 600 /world/home/credentials/mine.key",
        ]
    );
}

#[test]
fn a_home_that_is_not_there_yet_is_a_note() {
    let world = World::new();
    let home = world.home().join("later");
    let context = world.context_with([("OPENKOI_HOME", home.to_str().unwrap())]);

    let (told, _) = world.printed(run(&Args { json: false }, &context));

    let line = "note  home        /world/home/later is not there yet; the first task makes it";
    assert_eq!(told.lines().next(), Some(line));
    assert!(!home.exists());
}

#[test]
fn settings_are_counted_and_those_that_were_passed_over_too() {
    let world = World::new();
    assert_eq!(
        found(&world, "settings"),
        ["ok    settings    1 settings besides the defaults (/world/home/config.toml)"]
    );

    world.keep("config.toml", "zebra = 1\n[limits]\niterations = 2\ntokens = 10\n");
    assert_eq!(
        found(&world, "settings"),
        ["note  settings    2 settings besides the defaults (/world/home/config.toml), \
             1 passed over",]
    );
}

#[test]
fn settings_that_cannot_be_read_leave_out_what_depends_on_them() {
    let world = World::new();
    world.keep("config.toml", "limits = [\n");

    let (told, exit) = world.printed(run(&Args { json: false }, &world.context()));

    let areas: Vec<&str> = told.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(areas, ["home", "settings", "components"]);
    assert_eq!(exit, Exit::Configuration);
}

#[test]
fn a_sandbox_that_is_off_is_a_note_with_the_setting_that_turns_it_on() {
    let world = World::new();

    assert_eq!(
        found(&world, "sandbox"),
        [
            "note  sandbox     off: programs that a task starts may do what you may",
            "        hint: mode = \"on\" under [sandbox]",
        ]
    );
}

#[test]
fn without_any_program_no_check_can_run() {
    let world = World::new();
    let empty = world.workspace();
    let context = world.context_with([("PATH", empty.to_str().unwrap())]);

    let (told, _) = world.printed(run(&Args { json: false }, &context));

    let line = "note  toolchains  none found, so no project's checks can run";
    assert!(told.lines().any(|one| one == line), "{told}");
}

#[test]
fn toolchains_are_told_apart_from_those_that_are_missing() {
    let world = World::new();
    let programs = world.home().join("bin");
    fs::create_dir(&programs).unwrap();
    for name in ["make", "sh"] {
        fs::write(programs.join(name), "").unwrap();
        allow_others(&programs.join(name), 0o755);
    }
    let context = world.context_with([("PATH", programs.to_str().unwrap())]);

    let (told, _) = world.printed(run(&Args { json: false }, &context));

    let line = "ok    toolchains  make (Makefiles), sh (shell scripts); not found: cargo (Rust), \
                python3 (Python), node (Node.js), go (Go), git (version control)";
    assert!(told.lines().any(|one| one == line), "{told}");
}

#[test]
fn a_program_that_stands_in_the_place_of_another_and_fails_is_no_toolchain() {
    let world = World::new();
    let programs = world.home().join("bin");
    fs::create_dir(&programs).unwrap();
    for (name, script) in [
        ("cargo", "#!/bin/sh\necho no toolchain >&2\nexit 1\n"),
        ("node", "#!/bin/sh\nexec sleep 60\n"),
        ("make", "#!/bin/sh\necho GNU Make 4\n"),
    ] {
        fs::write(programs.join(name), script).unwrap();
        allow_others(&programs.join(name), 0o755);
    }
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let context = world.context_with([("PATH", path.as_str())]);

    let (told, _) = world.printed(run(&Args { json: false }, &context));

    let line = told.lines().find(|line| line.contains("toolchains")).unwrap();
    let begins = "note  toolchains  `cargo --version` fails: no toolchain; \
                  `node --version` fails and says nothing; cargo (Rust), ";
    assert!(line.starts_with(begins), "{line}");
    assert!(!world.home().join("data").exists(), "nothing stays of it");
}

#[test]
fn before_the_first_key_a_missing_model_is_a_note_and_a_wrong_one_an_illness() {
    let world = World::new();
    let first = found(&world, "model");
    assert!(first[0].starts_with("note  model       "), "{first:?}");
    assert!(first.iter().any(|line| line.contains("hint: openkoi demo")), "{first:?}");

    world.keep("config.toml", "sandbox.mode = \"off\"\nmodel = \"nowhere/swim\"\n");
    let wrong = found(&world, "model");
    assert_eq!(wrong[0], "error model       there is no provider `nowhere`");
}

#[test]
fn a_provider_is_told_with_its_place_and_the_source_of_its_key() {
    let world = World::new();
    world.keep(
        "config.toml",
        "[providers.mine]\ncomponent = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
         models = [\"swim\"]\n",
    );
    world.keep("credentials/mine.key", "sk-1\n");

    // Nothing listens there.
    let place = "mine at http://127.0.0.1:9/v1, key from credentials/mine.key";
    assert_eq!(
        found(&world, "provider"),
        [format!("note  provider    {place}, and nothing answers there")]
    );
    let model = found(&world, "model");
    assert_eq!(model[0], "error model       mine/swim, and nothing answers at its address");
}

#[test]
fn every_component_that_came_along_is_fit() {
    let world = World::new();

    let line = found(&world, "components").concat();

    let names: Vec<String> = openkoi_components::all()
        .iter()
        .map(|component| format!("{} {}", component.name, env!("CARGO_PKG_VERSION")))
        .collect();
    assert_eq!(line, format!("ok    components  {}", names.join(", ")));
}
