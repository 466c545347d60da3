//! What a person or a machine can get wrong: each ends with one clear line and the right code, and never with
//! work half done.

use std::{fs, time::Duration};

use openkoi_test_support::{
    Anthropic, Home, Kind, OpenAi, Run, anthropic, mount::Mount, normal, openai, reply,
    server::Wire, skip::skip, turn, until,
};

use crate::world::{TASK, assert_harmless, assert_untouched, lines, scripted};

/// Fails unless the run ended with `code` and one line of error that contains each of `parts`.
#[track_caller]
fn complains(run: &Run, code: i32, parts: &[&str]) {
    assert_eq!(run.code, code, "{run}");
    assert_eq!(run.stdout, "", "nothing is printed as a result: {run}");
    let errors = lines(run, "error: ");
    assert_eq!(errors.len(), 1, "one line of error: {run}");
    for part in parts {
        assert!(run.stderr.contains(part), "`{part}` is missing: {run}");
    }
    assert!(!run.stderr.contains("panicked") && !run.stderr.contains("RUST_BACKTRACE"), "{run}");
    assert_harmless(run);
}

#[test]
fn a_broken_configuration_names_file_and_line() {
    let home = scripted([]).config("[limits]\niterations = = 3");
    let text = fs::read_to_string(home.path().join("config.toml")).unwrap();
    let line = 1 + text.lines().position(|line| line == "iterations = = 3").unwrap();

    let run = home.openkoi([TASK]).run();

    complains(&run, 3, &[&format!("config.toml:{line}: ")]);
}

#[test]
fn a_value_of_the_wrong_type_says_what_it_has_to_be() {
    for (text, part) in [
        ("[limits]\niterations = \"three\"", "a whole number"),
        ("[limits]\nquality = 7", "from 0 to 1"),
        ("[limits]\ncost_usd = -1", "a number from 0"),
        ("[trust]\ndefault = \"yes\"", "ask"),
        ("model = 3", "provider/model"),
    ] {
        let home = Home::new().config(text);
        complains(&home.openkoi([TASK]).run(), 3, &["config.toml", part]);
    }
}

#[test]
fn an_unknown_key_warns_with_what_may_have_been_meant_and_the_work_goes_on() {
    let home = scripted([turn().executor().say("Hi.")]).config("[limits]\nitertions = 3");

    let run = home.openkoi(["say hi", "-i", "0"]).run();

    assert_eq!((run.code, run.stdout.as_str()), (0, "Hi.\n"), "{run}");
    assert!(run.stderr.contains("itertions") && run.stderr.contains("limits.iterations"), "{run}");
}

#[test]
fn a_project_may_narrow_and_never_widen() {
    let home =
        scripted([turn().executor().shell("touch ran").in_round(0), turn().executor().say("Hi.")]);
    let home = home.file(
        ".openkoi/config.toml",
        "[trust]\ndefault = \"autonomous\"\n[sandbox]\nmode = \"off\"\n[limits]\ncost_usd = 99.0\n\
         [providers.openai]\nbase_url = \"http://127.0.0.1:9/v1\"\n",
    );

    let run = home.openkoi(["config"]).run().expect_code(0);

    for refused in ["trust.default", "sandbox.mode", "providers.openai.base_url"] {
        assert!(run.stderr.contains(refused), "`{refused}` is refused aloud: {run}");
    }
    assert!(!run.stdout.contains("autonomous") && !run.stdout.contains("127.0.0.1:9"), "{run}");
    assert!(!run.stdout.contains("99"), "a limit only goes down: {run}");
}

/// The vendor's own address is meant here, so no server of ours can say what arrived. The kernel can: whoever
/// asks it for a connection is killed.
#[cfg(target_os = "linux")]
#[test]
fn a_misspelt_model_brings_suggestions_and_nothing_is_sent() {
    use openkoi_test_support::kernel::{Missing, SIGSYS, without};
    openkoi_test_support::binary::openkoi();
    let home = Home::new().env("OPENAI_API_KEY", "koi-test-key");
    let asked = |model: &str| {
        let calls = [libc::SYS_connect, libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_sendmmsg];
        without(&calls, Missing::Kills, || {
            home.openkoi([TASK, "-m", model, "--max-time", "20"]).run()
        })
    };

    let misspelt = asked("openai/gpt-4.l");
    let right = asked("openai/gpt-4.1");

    complains(&misspelt, 2, &["gpt-4.l", "gpt-4.1"]);
    assert_eq!(right.code, SIGSYS, "a model that is known is asked for something: {right}");
}

#[test]
fn a_model_that_the_provider_does_not_have_is_reported_in_its_words() {
    let server = OpenAi::start([openai::unknown_model("gpt-4.1")]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(["say hi", "-i", "0"]).run();

    complains(&run, 2, &["gpt-4.1", "does not exist"]);
    server.finish();
}

#[test]
fn without_any_provider_three_ways_on_are_shown() {
    let run = Home::new().openkoi([TASK]).run();

    complains(
        &run,
        4,
        &["key in the environment", "ANTHROPIC_API_KEY", "openkoi connect", "openkoi demo"],
    );
    assert!(run.stderr.lines().count() <= 5, "{run}");
}

#[test]
fn a_provider_that_cannot_be_reached_is_named() {
    // A port on which nobody listens: it was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let home = Home::new()
        .env("OPENAI_API_KEY", openai::Chat::KEY)
        .config(&format!("[providers.openai]\nbase_url = \"http://{address}/v1\""));

    let run = home.openkoi(["hi", "-i", "0", "-m", "openai/gpt-4.1"]).run();

    // A connection that is refused may be a server that starts: it is tried again, for five seconds.
    assert_eq!(run.code, 5, "{run}");
    assert!(run.stderr.contains("(2 of 2)"), "{run}");
    assert!(run.stderr.contains("openai") && run.stderr.contains(&address), "{run}");
}

#[test]
fn a_wrong_key_is_said_once_without_the_key() {
    let server = OpenAi::start([openai::wrong_key()]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(["say hi", "-i", "0"]).run();

    complains(&run, 4, &["OPENAI_API_KEY"]);
    assert!(!run.said().contains(openai::Chat::KEY), "{run}");
    assert_eq!(server.turns().len(), 1, "a refused key is not tried again");
    server.finish();
}

#[test]
fn a_wrong_key_of_another_vendor_is_said_too() {
    let server = Anthropic::start([anthropic::wrong_key()]);
    let home = Home::new().provider(&server);

    let run = home.openkoi(["say hi", "-i", "0"]).run();

    complains(&run, 4, &["ANTHROPIC_API_KEY"]);
    server.finish();
}

#[test]
fn a_used_up_quota_is_not_a_rate_limit_and_is_not_retried() {
    let server = OpenAi::start([openai::quota_used_up()]);
    let home = Home::new().provider(&server);
    let run = home.openkoi(["say hi", "-i", "0"]).run();
    complains(&run, 5, &["quota"]);
    server.finish();

    let server = Anthropic::start([anthropic::quota_used_up()]);
    let home = Home::new().provider(&server);
    let run = home.openkoi(["say hi", "-i", "0"]).run();
    complains(&run, 5, &["credit"]);
    server.finish();
}

#[test]
fn an_empty_task_is_a_usage_error() {
    let home = scripted([]);

    for run in [
        home.openkoi([""]).run(),
        home.openkoi(["  \n "]).run(),
        home.openkoi(["-"]).stdin("").run(),
    ] {
        complains(&run, 2, &["task"]);
    }
}

#[test]
fn a_misspelt_command_is_asked_about_and_not_run() {
    let home = scripted([]);

    let run = home.openkoi(["statsu"]).run();

    complains(&run, 2, &["status"]);
}

#[test]
fn a_command_that_is_not_built_yet_says_so() {
    for word in ["setup", "update"] {
        complains(&Home::new().openkoi([word]).run(), 2, &["not built yet"]);
    }
}

#[test]
fn a_safety_flag_that_is_not_built_yet_is_never_ignored() {
    let home = scripted([turn().executor().say("Hi.")]);

    complains(&home.openkoi(["--redact", "say hi", "-i", "0"]).run(), 2, &["redact"]);
}

#[test]
fn a_workspace_that_is_missing_or_a_file_is_refused() {
    let home = scripted([]).file("file", "");

    for place in ["missing", "file"] {
        let run = home.openkoi([TASK, "--workspace", place]).run();
        complains(&run, 3, &[place]);
    }
}

#[test]
fn a_workspace_that_cannot_be_read_is_refused() {
    if rustix::process::getuid().is_root() {
        return skip("a_workspace_that_cannot_be_read_is_refused", "root reads everything");
    }
    let home = scripted([]);
    let closed = home.root().join("closed");
    fs::create_dir(&closed).unwrap();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(&closed, mode(0o000)).unwrap();

    let run = home.openkoi([TASK, "--workspace", &closed.to_string_lossy()]).run();

    fs::set_permissions(&closed, mode(0o755)).unwrap();
    complains(&run, 3, &["closed"]);
}

#[test]
fn a_home_that_is_a_file_is_refused() {
    let home = scripted([]);
    let place = home.root().join("a-file");
    fs::write(&place, "").unwrap();

    let run = home.openkoi([TASK]).env("OPENKOI_HOME", &place).run();

    complains(&run, 3, &["a-file"]);
}

#[test]
fn without_any_home_directory_it_is_said_where_it_should_be_set() {
    let home = scripted([]);

    let run = home.openkoi([TASK]).without_env("OPENKOI_HOME").without_env("HOME").run();

    complains(&run, 3, &["HOME"]);
}

#[test]
fn a_read_only_home_is_refused_before_anything_is_sent() {
    let server = OpenAi::start([]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    fs::create_dir_all(home.path()).unwrap();
    let Some(_mount) = Mount::read_only(&home.path()) else {
        return skip(
            "a_read_only_home_is_refused_before_anything_is_sent",
            "mounting is not allowed",
        );
    };
    let before = home.tree();

    let run = home.openkoi([TASK]).run();

    complains(&run, 3, &["read-only"]);
    assert_eq!(server.requests(), []);
    assert_untouched(&home, &before, &run);
    server.finish();
}

#[test]
fn a_full_disk_is_named_and_costs_no_turn_twice() {
    let server = OpenAi::start([reply("Hi.").again_and_again().if_asked()]);
    let home = Home::new().project(Kind::Shell).provider(&server);
    let place = home.root().join("small");
    fs::create_dir(&place).unwrap();
    let Some(_mount) = Mount::tmpfs(&place, "256k") else {
        return skip("a_full_disk_is_named_and_costs_no_turn_twice", "mounting is not allowed");
    };
    fs::copy(home.path().join("config.toml"), place.join("config.toml")).unwrap();
    // All but a few pages are taken.
    let taken = fs::write(place.join("filler"), vec![0; 236 << 10]);

    let run = home.openkoi(["say hi", "-i", "0"]).env("OPENKOI_HOME", &place).run();

    assert!(taken.is_ok() && run.code == 3, "{run}");
    assert!(run.stderr.contains("full") || run.stderr.contains("no space"), "{run}");
    assert!(server.turns().len() <= 1, "{run}");
    server.finish();
}

#[test]
fn a_damaged_database_is_named_and_kept() {
    let home = scripted([turn().executor().say("Hi.")]);
    home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);
    let data = home.path().join("data");
    let database = fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.extension().is_some_and(|extension| extension == "db" || extension == "sqlite")
        })
        .unwrap();
    let garbage = vec![0x55; 8192];
    fs::write(&database, &garbage).unwrap();

    let run = home.openkoi(["status"]).run();

    assert_eq!(run.code, 3, "{run}");
    assert!(run.stderr.contains(&*database.file_name().unwrap().to_string_lossy()), "{run}");
    assert_eq!(fs::read(&database).unwrap(), garbage, "it is not overwritten");
}

#[test]
fn a_second_process_on_the_same_task_is_refused() {
    let home =
        scripted([turn().executor().in_round(0).shell("sleep 61"), turn().executor().say("Done.")]);
    let first = home.openkoi([TASK]).start();
    // What a program writes is not in the workspace before it has ended.
    let sleeps = |line: &String| line.contains("sleep 61");
    until("the first process works", Duration::from_secs(60), || {
        home.processes().iter().any(sleeps)
    });
    let listed = home.openkoi(["task", "list", "--json"]).run().expect_code(0);
    let ids = normal::ids(&listed.stdout);
    assert!(!ids.is_empty(), "the running task is listed: {listed}");

    let second = home.openkoi(["resume", &ids[0]]).run();

    assert_ne!(second.code, 0, "{second}");
    assert_eq!(lines(&second, "error: ").len(), 1, "{second}");
    assert!(
        second.stderr.contains("another process") || second.stderr.contains("running"),
        "{second}"
    );
    drop(first);
}

#[test]
fn input_that_is_not_text_is_replaced_and_shown_harmlessly() {
    let home = scripted([turn().executor().say("Hi.")]);

    let run = home.openkoi(["-", "-i", "0"]).stdin([0xfd, 0xff, 0x1b, b'[', b'2', b'J']).run();

    // What is not text is replaced, which a line says, and the rest is the task.
    let said = "standard input is not UTF-8: 2 bytes replaced by U+FFFD";
    assert_eq!(run.stderr.matches(said).count(), 1, "{run}");
    assert_eq!((run.code, run.stdout.as_str()), (0, "Hi.\n"), "{run}");
    assert_harmless(&run);
    let listed = home.openkoi(["task", "list"]).run().expect_code(0);
    assert!(listed.stdout.contains('\u{fffd}'), "{listed}");
    assert_harmless(&listed);
}
