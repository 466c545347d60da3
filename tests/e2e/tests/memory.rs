//! What is remembered: later tasks are told it, as notes; forgetting it is real.

use std::os::unix::fs::PermissionsExt;

use openkoi_test_support::{
    Daemon, Home, Kind, OpenAi, Run, Terminal, reply, skip::skip, turn, until,
};
use serde_json::{Value, json};

use crate::world::{LONG, TASK, scripted};

#[test]
fn a_sentence_that_was_remembered_is_told_to_the_next_tasks_here_and_nowhere_else() {
    let server = OpenAi::start(vec![reply("Four."), reply("Four.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    home.openkoi(["memory", "add", "Answer in one word."]).run().expect_code(0);
    home.openkoi(["memory", "add", "--everywhere", "Never push to main."]).run().expect_code(0);
    std::fs::create_dir(home.root().join("other")).unwrap();
    let elsewhere = home.root().join("other").to_string_lossy().into_owned();

    home.openkoi(["what is 2+2?"]).run().expect_code(0);
    home.openkoi(["--workspace", &elsewhere, "what is 2+2?"]).run().expect_code(0);

    let turns = server.turns();
    let told = &turns[0].text;
    assert!(told.contains("Answer in one word. (the user)"), "{told}");
    assert!(told.contains("Never push to main. (the user)"), "{told}");
    let told = &turns[1].text;
    assert!(!told.contains("Answer in one word."), "{told}");
    assert!(told.contains("Never push to main."), "{told}");
    server.finish();
}

#[test]
fn what_is_said_to_be_remembered_in_a_conversation_reaches_its_next_message() {
    let name = "what_is_said_to_be_remembered_in_a_conversation_reaches_its_next_message";
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    let server = OpenAi::start([reply("Four.")]);
    let home = Home::new().provider(&server).env("NO_COLOR", "1").env("TERM", "xterm");
    let mut terminal = home.openkoi(["chat"]).at_a_terminal();
    terminal.wait_for("koi> ");
    for (typed, shown) in [
        ("/memory", "nothing is remembered here"),
        ("/memory Answer in one word.", "  Answer in one word."),
        ("/memory", "  Answer in one word."),
        ("what is 2+2?", "Four."),
    ] {
        terminal.types(typed);
        terminal.wait_for(shown);
        terminal.wait_for("koi> ");
    }
    terminal.types("/exit");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());

    assert!(server.turns()[0].text.contains("Answer in one word. (the user)"));
    server.finish();
}

#[test]
fn all_working_trees_of_a_repository_have_the_same_memories() {
    let server = OpenAi::start(vec![reply("Four."), reply("Four.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.current_dir(home.workspace()).args([
            "-c",
            "user.name=K",
            "-c",
            "user.email=k@koi.example",
        ]);
        assert!(git.args(arguments).output().unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "one"]);
    let other = home.root().join("other").to_string_lossy().into_owned();
    git(&["worktree", "add", "-q", &other]);
    home.openkoi(["memory", "add", "Answer in one word."]).run().expect_code(0);

    home.openkoi(["--workspace", &other, "what is 2+2?"]).run().expect_code(0);
    // What a dry run is told is what the run itself would be.
    home.openkoi(["--dry-run", "what is 2+2?"]).run().expect_code(0);
    for turn in server.turns() {
        assert!(turn.text.contains("Answer in one word."), "{}", turn.text);
    }
    let listed = home.openkoi(["--workspace", &other, "memory"]).run().expect_code(0);
    assert!(listed.stdout.contains("Answer in one word."), "{listed}");
    server.finish();
}

#[test]
fn what_was_forgotten_is_told_no_more_and_the_task_that_was_told_it_can_still_be_verified() {
    let server = OpenAi::start(vec![reply("Four."), reply("Five.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    home.openkoi(["memory", "add", "The code name is Zanzibar."]).run().expect_code(0);
    home.openkoi(["what is 2+2?"]).run().expect_code(0);
    let listed = home.openkoi(["memory", "--json"]).run().expect_code(2);
    assert!(listed.stderr.contains("--json"), "{listed}");
    let listed = home.openkoi(["memory", "list", "--json"]).run().expect_code(0).json();
    let id = listed["memories"][0]["id"].as_str().unwrap().to_owned();

    let refused = home.openkoi(["memory", "forget", &id]).run();
    assert_ne!(refused.code, 0, "nobody was asked: {refused}");
    let forgotten = home.openkoi(["memory", "forget", &id, "--yes"]).run().expect_code(0);
    assert!(forgotten.stderr.contains("masked in 1 task"), "{forgotten}");

    let tasks = home.openkoi(["task", "list", "--json"]).run().expect_code(0).json();
    let task = tasks["tasks"][0]["id"].as_str().unwrap().to_owned();
    home.openkoi(["task", "verify", &task]).run().expect_code(0);
    home.openkoi(["what is 2+3?"]).run().expect_code(0);
    let turns = server.turns();
    assert!(turns[0].text.contains("Zanzibar"), "{}", turns[0].text);
    assert!(!turns[1].text.contains("Zanzibar"), "{}", turns[1].text);
    server.finish();
}

#[test]
fn what_is_remembered_goes_to_another_home_and_a_wrong_line_changes_nothing_there() {
    let home = Home::new();
    home.openkoi(["memory", "add", "--everywhere", "Never push to main."]).run().expect_code(0);
    let exported = home.openkoi(["memory", "export"]).run().expect_code(0).stdout;

    let other = Home::new();
    let wrong = format!("{exported}{{\"learning\":1}}\n");
    let refused = other.openkoi(["memory", "import", "-"]).stdin(wrong).run().expect_code(2);
    assert!(refused.stderr.contains("line 2"), "{refused}");
    assert!(!other.openkoi(["memory"]).run().stdout.contains("push"));

    other.openkoi(["memory", "import", "-"]).stdin(exported.clone()).run().expect_code(0);
    let again =
        other.openkoi(["memory", "import", "-"]).stdin(exported.clone()).run().expect_code(0);
    assert!(again.stderr.contains("1 were here already"), "{again}");
    let history = other.openkoi(["memory", "history", "--json"]).run();
    assert_eq!(history.code, 2, "{history}");
    let found = other.openkoi(["memory", "search", "pushing"]).run().expect_code(0);
    assert!(found.stdout.contains("Never push to main."), "{found}");
}

#[test]
fn what_looks_like_a_secret_is_not_remembered() {
    let home = Home::new();
    let refused =
        home.openkoi(["memory", "add", "the token is a1B2c3D4e5F6g7H8i9J0"]).run().expect_code(2);
    assert!(refused.stderr.contains("key or a password"), "{refused}");
    assert!(!refused.stderr.contains("a1B2c3D4"), "{refused}");
}

/// A line of an export: what a task learnt in another home.
fn exported(tail: &str, text: &str, state: &str) -> Value {
    let id = format!("01k9abcdef{tail:0>16}");
    let task = format!("01k9abcdea{tail:0>16}");
    json!({
        "learning": {
            "id": id, "text": text, "source": { "task": task }, "confidence": 0.5,
            "confirmed_ms": 1_764_000_000_000_u64, "learnt_ms": 1_764_000_000_000_u64, "state": state,
        },
        "history": [{ "at_ms": 1_764_000_000_000_u64, "change": "learnt", "text": text }],
    })
}

/// The end of the id of `exported("1", …)`, as people type it.
const ONE: &str = "00000001";

fn import(home: &Home, lines: &[Value]) {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    home.openkoi(["memory", "import", "-"]).stdin(lines).run().expect_code(0);
}

fn texts(run: &Run) -> Vec<String> {
    let memories = run.json()["memories"].as_array().cloned().unwrap_or_default();
    memories.iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

const VAULT: &str = "Credentials live in the vault, never in the repository.";

/// A home with sentences of other tasks, none of which has a word of "where are passwords kept".
fn learned() -> Home {
    let home = Home::new().project(Kind::Shell);
    let all = [
        ("1", VAULT),
        ("2", "The canteen serves soup on Fridays."),
        ("3", "Releases are tagged by Mara."),
    ];
    import(&home, &all.map(|(tail, text)| exported(tail, text, "active")));
    home
}

#[test]
fn what_is_remembered_is_found_by_its_meaning_and_not_by_its_words_alone() {
    let home = learned();

    let asked = ["memory", "search", "--json", "where", "are", "passwords", "kept?"];
    let found = home.openkoi(asked).timeout(LONG).run().expect_code(0);
    assert_eq!(texts(&found).first().map(String::as_str), Some(VAULT), "{found}");
    assert!(!found.stdout.contains("soup"), "{found}");
    let by_name = home.openkoi(["memory", "search", "--json", "mara"]).run().expect_code(0);
    assert_eq!(texts(&by_name)[0], "Releases are tagged by Mara.", "{by_name}");
}

#[test]
fn a_task_is_told_what_is_near_to_it_in_meaning_once_that_is_known() {
    let server = OpenAi::start(vec![reply("Elsewhere."), reply("In the vault.")]);
    let home = learned().provider(&server);
    let question = "Where are passwords kept?";

    // The first task of a home does not wait for the compiler.
    home.openkoi([question]).run().expect_code(0);
    home.openkoi(["memory", "search", "anything"]).timeout(LONG).run().expect_code(0);
    home.openkoi([question]).run().expect_code(0);

    let turns = server.turns();
    assert!(!turns[0].text.contains(VAULT), "{}", turns[0].text);
    assert!(turns[1].text.contains(&format!("{VAULT} (task ")), "{}", turns[1].text);
    assert!(!turns[1].text.contains("soup"), "{}", turns[1].text);
    server.finish();
}

#[test]
fn what_has_other_words_now_is_found_by_its_new_meaning() {
    let home = learned();
    let search = |words: &str| {
        let run = home.openkoi(["memory", "search", "--json", words]).timeout(LONG).run();
        texts(&run.expect_code(0))
    };
    assert_eq!(search("what is for lunch")[0], "The canteen serves soup on Fridays.");

    home.openkoi(["memory", "edit", "00000002", "The", "garage", "opens", "at", "six."])
        .run()
        .expect_code(0);

    assert!(!search("what is for lunch").contains(&"The garage opens at six.".to_owned()));
    assert_eq!(search("where do I park the car")[0], "The garage opens at six.");
}

#[test]
fn a_sentence_is_edited_in_the_editor_of_the_user_and_what_was_written_is_not_lost() {
    let home = learned();
    let edit = |script: &str| {
        home.openkoi(["memory", "edit", "00000002"]).env("EDITOR", script).timeout(LONG).run()
    };
    let editor = |name: &str, words: &str| {
        let path = home.user().join(name);
        std::fs::write(&path, format!("#!/bin/sh\nprintf '{words}\\n' > \"$1\"\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };

    let edited = edit(&editor("good", "The garage\\nopens at six."));
    assert!(edited.expect_code(0).stdout.contains("The garage opens at six."));
    let secret = edit(&editor("bad", "The key is sk-proj-a1B2c3D4e5F6g7H8i9J0"));
    let none = home.openkoi(["memory", "edit", "00000002"]).without_env("EDITOR").run();

    assert!(secret.expect_code(1).stderr.contains("what was written is in `"));
    assert!(none.expect_code(2).stderr.contains("neither VISUAL nor EDITOR"));
    let shown = home.openkoi(["memory", "show", "00000002"]).run();
    assert!(shown.expect_code(0).stdout.contains("The garage opens at six."));
}

#[test]
fn what_holds_no_more_is_told_to_nobody_and_listed_if_all_is_asked_for() {
    let server = OpenAi::start(vec![reply("Four.")]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    let old = "Sums are done with the abacus.";
    import(&home, &[exported("1", old, "superseded"), exported("2", "Sums are even.", "active")]);

    home.openkoi(["do sums: what is 2+2?"]).run().expect_code(0);
    let listed = home.openkoi(["memory", "list"]).run().expect_code(0);
    let all = home.openkoi(["memory", "list", "--all"]).run().expect_code(0);

    let told = &server.turns()[0].text;
    assert!(told.contains("Sums are even.") && !told.contains("abacus"), "{told}");
    assert!(!listed.stdout.contains("abacus"), "{listed}");
    assert!(all.stdout.contains("superseded"), "{all}");
    server.finish();
}

#[test]
fn a_sentence_is_credited_by_how_the_tasks_end_that_were_told_it() {
    let kind = Kind::Shell;
    let home = scripted([
        turn().executor().after("write_file").say("Fixed."),
        turn().executor().write(kind.source(), kind.fix()),
    ]);
    let text = "The tests of percent pass once it rounds.";
    import(&home, &[exported("1", text, "active")]);
    let shown = || {
        let shown = home.openkoi(["memory", "show", ONE, "--json"]).run().expect_code(0).json();
        (shown["uses"].clone(), shown["confidence"].as_f64().unwrap())
    };
    let uses = |accepted: u32, refused: u32, undone: u32| json!({ "shown": accepted + refused + undone, "accepted": accepted, "refused": refused, "undone": undone });
    let (none, first) = shown();
    assert_eq!(none, uses(0, 0, 0));

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);
    let (accepted, higher) = shown();
    assert_eq!(accepted, uses(1, 0, 0));
    assert!(higher > first, "{higher} and {first}");
    assert_eq!(shown().0, accepted, "it counts once");

    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    let (undone, lower) = shown();
    assert_eq!(undone, uses(0, 0, 1));
    assert!(lower < higher, "{lower} and {higher}");
    home.openkoi(["undo", "--redo", "--yes"]).run().expect_code(0);
    assert_eq!(shown().0, uses(1, 0, 0));

    let person = home.openkoi(["memory", "show", ONE]).run().expect_code(0);
    assert!(person.stdout.contains("1 task: 1 accepted, 0 not, 0 undone"), "{person}");
    let history = home.openkoi(["memory", "history", ONE]).run().expect_code(0);
    for moment in ["learnt", "imported", "confirmed", "contradicted"] {
        assert!(history.stdout.contains(moment), "{history}");
    }
}

#[test]
fn a_provider_makes_the_vectors_only_where_its_model_is_named() {
    let server = OpenAi::start(vec![reply("Four."), reply("Four.")]);
    let sentence = "Listen to the silent inlets.";
    let asked = |request: &openkoi_test_support::server::Received| request.path == "/v1/embeddings";
    let named = "[roles]\nembedder = \"openai/text-embedding-3-small\"";
    for (config, expected) in [("", false), (named, true)] {
        let home = Home::new().project(Kind::Shell).provider(&server).config(config);
        import(&home, &[exported("1", sentence, "active"), exported("2", "Buzz.", "active")]);
        home.openkoi(["memory", "search", "anything"]).timeout(LONG).run().expect_code(0);

        home.openkoi(["Is a tinsel stile hot?"]).timeout(LONG).run().expect_code(0);

        assert_eq!(server.requests().iter().any(asked), expected, "{config}");
        let turns = server.turns();
        let told = &turns.last().unwrap().text;
        assert_eq!(told.contains(sentence), expected, "{told}");
    }
    let requests = server.requests();
    let texts: Vec<&Value> =
        requests.iter().filter(|one| asked(one)).map(|one| &one.body["input"]).collect();
    assert!(texts.iter().all(|texts| !texts.to_string().contains("<notes>")), "{texts:?}");
    server.finish();
}

/// What was paid, as the status says.
fn cost(home: &Home) -> Value {
    home.openkoi(["status", "--json"]).run().expect_code(0).json()["cost"].clone()
}

#[test]
fn vectors_of_a_provider_are_paid_like_answers_and_count_against_the_day() {
    let server = OpenAi::start(vec![]);
    let price = "[providers.openai.price]\ninput = 10.0\noutput = 40.0\n";
    let embedder = |model: &str| format!("[roles]\nembedder = \"openai/{model}\"\n");
    let searched = |config: &str| {
        let home = Home::new().project(Kind::Shell).provider(&server).config(config);
        import(&home, &[exported("1", "Use tabs.", "active"), exported("2", "Buzz.", "active")]);
        let before = server.requests().len();
        home.openkoi(["memory", "search", "anything"]).timeout(LONG).run().expect_code(0);
        (home, (server.requests().len() - before) as u64)
    };
    let told = embedder("text-embedding-3-small");

    // The server counts eight tokens of each request.
    let (home, asked) = searched(&format!("{told}{price}[daemon]\nday_usd = 0.0001\n"));
    assert_eq!(asked, 2, "what is remembered, and what is looked for");
    let expected =
        json!({ "cost_usd": 0.00016, "cost_is_at_most": false, "tokens": 16, "turns": 2 });
    assert_eq!(cost(&home)["today_by_role"]["embedder"], expected);
    let status = home.openkoi(["status"]).run().expect_code(0);
    assert!(status.stdout.contains("for vectors"), "{status}");
    let (home, port) = home.with_port();
    let daemon = Daemon::start(&home, port);
    let id = daemon.submit(&json!({ "description": "say hi", "workspace": home.workspace() }));
    until("the day's money is spent", LONG, || {
        let task = daemon.get(&format!("/api/v1/tasks/{id}"));
        task["queue"]["why"].as_str().is_some_and(|why| why.contains("today cost"))
    });
    daemon.stop();

    let (home, _) = searched(&told);
    let expected = json!({ "cost_usd": 0.0, "cost_is_at_most": false, "tokens": 16, "turns": 2 });
    let free = cost(&home)["today_by_role"]["embedder"].clone();
    assert_eq!(free, expected, "a server of this machine costs nothing");

    let (home, _) = searched(&format!("{}{price}", embedder("text-embedding-silent")));
    let cost = cost(&home);
    let spent = &cost["today_by_role"]["embedder"];
    assert_eq!(spent["cost_is_at_most"], true, "{cost}");
    assert!(spent["cost_usd"].as_f64().is_some_and(|dollars| dollars > 0.0), "{cost}");
    let why = cost["is_at_most_because"].as_str().unwrap_or_default();
    assert!(why.starts_with("some tokens are estimated"), "{cost}");
    server.finish();
}
