//! Tools with real files and real models: long outputs, calls as models write them, files as people have them.

use openkoi_test_support::{Home, OpenAi, Role, call, reply, script::Turn, turn};
use serde_json::{Value, json};

use crate::world::{LONG, TASK, scripted};

/// Runs a task whose model makes these calls, one a round, and returns the text of each result.
pub(crate) fn results(home: impl FnOnce(Home) -> Home, calls: Vec<Turn>) -> (Home, Vec<String>) {
    results_of(home, calls, &["-i", "0"])
}

fn results_of(
    home: impl FnOnce(Home) -> Home,
    calls: Vec<Turn>,
    flags: &[&str],
) -> (Home, Vec<String>) {
    let last = u32::try_from(calls.len()).unwrap();
    let rounds = calls.into_iter().zip(0..).map(|(call, round)| call.executor().in_round(round));
    let end = turn().executor().in_round(last).say("Done.");
    let home = home(scripted(rounds.chain([end])));
    let results = results_in(&home, flags, last as usize);
    (home, results)
}

/// Runs a task that makes so many calls, and returns the text of each result.
pub(crate) fn results_in(home: &Home, flags: &[&str], calls: usize) -> Vec<String> {
    let run = home.openkoi([TASK, "--output-format", "stream-json"]).args(flags);
    let run = run.timeout(LONG).run();
    let events = run.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let results = events.filter(|event| event["data"]["event"] == "call.finished").map(|event| {
        let result = &event["data"]["result"];
        result["Ok"]["text"].as_str().map_or_else(|| result["Err"].to_string(), str::to_owned)
    });
    let results = results.collect::<Vec<_>>();
    assert_eq!(results.len(), calls, "{run}");
    results
}

#[test]
fn all_of_a_long_output_can_be_read_in_the_same_run() {
    const SAVED: &str = r"{{any:all of it is in (\S+): `read_file`}}";
    // 60 KB are cut by the host alone; of 1 MB and 10 MB the tool itself gets the beginning and the end.
    for lines in ["12345", "170000", "1500000"] {
        let (_, results) = results(
            |home| home,
            vec![
                turn().shell(&format!("seq 1 {lines}")),
                turn().call("read_file", json!({"path": SAVED, "offset": 7777, "limit": 1})),
                turn().call("search", json!({"path": SAVED, "pattern": "^7778$"})),
                turn().shell(&format!("wc -l < {SAVED}; sed -n 7779p {SAVED}")),
            ],
        );

        assert!(results[0].contains("bytes left out of"), "{lines}: {}", results[0]);
        assert!(results[0].len() < 55_000, "{lines}");
        assert!(results[1].starts_with("  7777\t7777\n"), "{lines}: {}", results[1]);
        assert!(results[2].contains("7778: 7778"), "{lines}: {}", results[2]);
        assert!(results[3].contains("\n7779\n"), "{lines}: {}", results[3]);
        let whole = results[3].lines().next().unwrap().trim().parse::<u64>().unwrap();
        assert!(whole >= lines.parse().unwrap(), "{lines}: {whole}");
    }
}

#[test]
fn both_streams_are_shown_in_the_order_in_which_they_were_written() {
    let script = "for i in $(seq 300); do echo out $i; echo err $i >&2; done";
    let (_, results) = results(|home| home, vec![turn().shell(script)]);

    let expected: String = (1..=300).map(|i| format!("out {i}\nerr {i}\n")).collect();
    assert!(results[0].starts_with(&expected), "{}", results[0]);
}

#[test]
fn command_lines_are_read_as_models_write_them_for_bash() {
    if !std::path::Path::new("/bin/bash").exists()
        && !std::path::Path::new("/usr/bin/bash").exists()
    {
        let name = "command_lines_are_read_as_models_write_them_for_bash";
        openkoi_test_support::skip::skip(name, "no bash");
        return;
    }
    let lines = [
        ("set -o pipefail; false | cat; echo $?", "1\n"),
        ("a=(1 2); echo ${a[1]}", "2\n"),
        ("echo 'X=1' > e.sh; source ./e.sh; echo $X", "1\n"),
        ("diff <(echo 1) <(echo 2); [[ abc == a* ]] && echo like", "1c1\n< 1\n---\n> 2\nlike\n"),
    ];
    let calls = lines.iter().map(|(line, _)| turn().shell(line)).collect();

    let (_, results) = results(|home| home, calls);

    for ((line, expected), result) in lines.iter().zip(results) {
        assert!(result.starts_with(expected), "{line}: {result}");
    }
}

#[test]
fn calls_are_read_as_they_are_meant() {
    let (home, results) = results(
        |home| home.file("a.txt", "AAA\nBBB\n"),
        vec![
            turn().call_raw("read_file", r#"{}{"file_path":"a.txt","limit":"1"}"#),
            turn().call("functions.shell", json!({"command": "echo hi", "description": "greets"})),
            turn().call(
                "edit_file",
                json!({"path": "a.txt", "edits": "[{\"old_string\":\"AAA\",\"new_string\":\"CCC\"}]"}),
            ),
            turn().call("writeFile", json!({"path": "b.txt", "content": "x"})),
            turn().call("read_file", json!({"path": ["a.txt"]})),
        ],
    );

    assert!(results[0].starts_with("     1\tAAA\n"), "{}", results[0]);
    assert!(results[1].starts_with("hi\n") && results[1].contains("`description` is no argument"));
    assert_eq!(home.read("a.txt"), "CCC\nBBB\n");
    assert_eq!(home.read("b.txt"), "x");
    assert!(results[4].contains("has to be string, not array"), "{}", results[4]);
}

#[test]
fn a_page_of_a_private_address_is_refused_for_what_it_is() {
    let (_, results) = results(
        |home| home,
        vec![turn().call("fetch_page", json!({"url": "http://127.0.0.1:9/"}))],
    );

    assert!(results[0].contains("private network"), "{}", results[0]);
    assert!(!results[0].contains("component.toml"), "{}", results[0]);
}

#[test]
fn what_lies_inside_is_reached_by_a_step_up_and_what_is_ignored_is_named() {
    let (_, results) = results(
        |home| {
            home.file("real/x", "x")
                .file("a.txt", "A\n")
                .file(".gitignore", "gen\n")
                .file("gen/i.js", "needle")
        },
        vec![
            turn().call("read_file", json!({"path": "real/../a.txt"})),
            turn().call("find_files", json!({"glob": "gen/*.js"})),
            turn().call("search", json!({"pattern": "needle"})),
            turn()
                .call("edit_file", json!({"path": "new.txt", "old_string": "", "new_string": "x"})),
        ],
    );

    assert_eq!(results[0], "     1\tA\n");
    assert!(results[1].contains("`gen/i.js`"), "{}", results[1]);
    assert!(results[2].contains("[no match]") && results[2].contains("`gen/`"), "{}", results[2]);
    assert!(results[3].contains("write_file"), "{}", results[3]);
}

#[test]
fn a_directory_is_moved_by_copying_and_the_model_is_told_so() {
    let begin =
        "git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm begin";
    let calls = [begin, "git mv src lib", "mv src lib; git add -A && git status --porcelain"];
    let (home, results) = results(
        |home| home.file("src/a.txt", "a\n"),
        calls.map(|command| turn().shell(command)).to_vec(),
    );

    // Where there are no layers it is renamed at once.
    let renamed = results[1].contains("exit code 0");
    assert!(renamed || results[1].contains("`mv` copies it"), "{results:?}");
    assert!(results[2].contains("R  src/a.txt -> lib/a.txt"), "{results:?}");
    assert!(home.has("lib/a.txt") && !home.has("src"));
}

#[test]
fn what_the_projects_own_programs_say_of_an_edit_is_told_with_it_and_told_once() {
    // A linter of the project: it takes its time where the file says so.
    let eslint = "#!/bin/sh\ncat \"$2\" | grep -q slow && sleep 30\nif grep -n bad \"$2\" >/dev/null; then\n\
                  echo \"  3:5  error  this is bad\"; exit 1; fi\n";
    let write = |path: &str, text: &str| {
        turn().call("write_file", json!({ "path": path, "contents": text }))
    };
    let calls = vec![
        write("a.js", "let x = 1;\n"),
        write("a.js", "let bad = 1;\n"),
        write("a.js", "let y = 'bad';\n"),
        write("a.js", "let good = 1;\n"),
        write("b.txt", "bad\n"),
        write("a.js", "let slow = 1;\n"),
        write("a.js", "let bad = 2;\n"),
    ];
    let set_up = |home: Home| {
        let program = "node_modules/.bin/eslint";
        let home = home
            .file(program, eslint)
            .file("eslint.config.js", "export default [];\n")
            .file(".gitignore", "node_modules\n");
        let runnable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(home.workspace().join(program), runnable).unwrap();
        home.config("[checks]\nedit_seconds = 1\n")
    };
    let (_, results) = results_of(set_up, calls, &["-i", "1"]);

    let says = "`node_modules/.bin/eslint --no-color a.js` says:\n3:5  error  this is bad";
    let told: Vec<bool> = results.iter().map(|result| result.contains(says)).collect();
    assert_eq!(told, [false, true, false, false, false, false, false], "{results:?}");
    assert!(results[3].contains("finds nothing wrong any more"), "{results:?}");
}

#[test]
fn a_file_that_does_not_parse_is_named_with_the_call_that_wrote_it() {
    let files = [
        ("good.py", "print(1)\n", None),
        ("bad.py", "def f(:\n    pass\n", Some("`bad.py` does not parse: line 1")),
        ("bad.json", "{\n  \"a\": \n}\n", Some("`bad.json` does not parse")),
        ("settings.json", "{\n  // mine\n  \"a\": 1,\n}\n", None),
        ("bad.sh", "#!/bin/sh\nif true\nfi fi\n", Some("`bad.sh` does not parse: line 3")),
        ("unknown.xyz", "((((", None),
    ];
    for (path, contents, note) in files {
        let file = json!({ "path": path, "contents": contents });
        let server = OpenAi::start([
            call("write_file", file).to(Role::Executor).at(0),
            reply("Written.").after("write_file"),
        ]);
        let home = Home::new().provider(&server);

        home.openkoi(["write it", "-i", "0"]).timeout(LONG).run().expect_code(0);

        let told = &server.turns()[1].text;
        assert_eq!(told.contains("does not parse"), note.is_some(), "{path}: {told}");
        assert!(note.is_none_or(|note| told.contains(note)), "{path}: {told}");
        assert!(home.processes().is_empty() && home.has(path));
        server.finish();
    }
}
