//! Tokens that other programs keep on this machine: read only while a person lets them be.

use std::{fs, os::unix::fs::PermissionsExt, time::SystemTime};

use openkoi_test_support::{Home, OpenAi, openai::Chat, reply, server::Wire};

const FILE: &str = ".qwen/oauth_creds.json";

/// A world in which another program has logged in to the service that `server` plays.
fn world(server: &OpenAi, life_s: i64) -> Home {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let ends_at = i64::try_from(now).unwrap() + life_s * 1_000;
    let token = format!(r#"{{"access_token":"{}","expiry_date":{ends_at}}}"#, Chat::KEY);
    let home = Home::new()
        .config(&format!("[providers.qwen-cli]\nbase_url = {:?}", server.base_url()))
        .user_file(FILE, token);
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(home.user().join(FILE), private).unwrap();
    home
}

const HELLO: [&str; 5] = ["say hi", "-i", "0", "-m", "qwen-cli/gpt-4.1"];

#[test]
fn a_token_of_another_program_is_used_only_while_a_person_allows_it() {
    let server = OpenAi::start([reply("Hi.")]);
    let home = world(&server, 3_600);

    let before = home.openkoi(HELLO).run().expect_code(4);
    assert!(before.stderr.contains("openkoi connect qwen-cli"), "{before}");
    assert_eq!(server.requests().len(), 0);

    let granted = home.openkoi(["connect", "qwen-cli"]).run().expect_code(0);
    assert!(granted.stdout.contains("~/.qwen/oauth_creds.json"), "{granted}");
    assert_eq!(home.openkoi(HELLO).run().expect_code(0).stdout, "Hi.\n");
    let status = home.openkoi(["connect", "status"]).run().expect_code(0);
    assert!(status.stdout.contains("external"), "{status}");

    home.openkoi(["disconnect", "qwen-cli"]).run().expect_code(0);
    home.openkoi(HELLO).run().expect_code(4);
    assert_eq!(server.turns().len(), 1);
    server.finish();
}

#[test]
fn a_login_of_another_program_is_offered_by_name_and_not_read() {
    let server = OpenAi::start([]);
    let home = world(&server, 3_600);

    let run = home.openkoi(["say hi"]).run().expect_code(4);
    let status = home.openkoi(["connect", "status"]).run().expect_code(0);

    assert!(run.stderr.contains("openkoi connect qwen-cli"), "{run}");
    assert!(status.stdout.contains("not read"), "{status}");
    for shown in [run.said(), status.said()] {
        assert!(!shown.contains(Chat::KEY), "{shown}");
    }
    let kept = fs::read_dir(home.path()).into_iter().flatten().flatten();
    assert!(kept.filter(|entry| entry.file_name() == "consents.json").count() == 0);
    server.finish();
}

#[test]
fn a_token_that_has_expired_says_which_program_renews_it() {
    let server = OpenAi::start([]);
    let home = world(&server, -60);
    home.openkoi(["connect", "qwen-cli"]).run().expect_code(0);

    let run = home.openkoi(HELLO).run().expect_code(4);

    assert!(run.stderr.contains("the Qwen CLI") && run.stderr.contains("has expired"), "{run}");
    server.finish();
}

#[test]
fn there_is_nothing_to_allow_where_the_other_program_is_not_logged_in() {
    let run = Home::new().openkoi(["connect", "claude-cli"]).run().expect_code(4);

    assert!(run.stderr.contains("log in with that program first"), "{run}");
}

#[test]
fn a_broken_list_of_consents_is_reported_in_one_line_and_kept() {
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    let path = home.path().join("consents.json");
    fs::write(&path, "{\"sources\":").unwrap();

    for arguments in [&["status"][..], &["connect", "status"], &["disconnect", "all"]] {
        let run = home.openkoi(arguments).run().expect_code(3);
        let lines: Vec<&str> = run.stderr.lines().collect();
        assert_eq!((lines.len(), run.stdout.as_str()), (2, ""), "{run}");
        assert!(lines[0].contains("consents.json` cannot be used: "), "{run}");
        assert!(lines[1].contains("remove it, and connect again what you had allowed"), "{run}");
    }
    assert_eq!(fs::read_to_string(path).unwrap(), "{\"sources\":");
}
