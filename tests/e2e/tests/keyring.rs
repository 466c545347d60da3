//! Keys that are kept in the key ring of the session, by what the person at the command line sees.

use std::{fs, path::PathBuf};

use openkoi_test_support::{Home, Keyring, OpenAi, Run, Tree, openai::Chat, reply, server::Wire};

use crate::world::LONG;

const KEY: &str = Chat::KEY;
/// What a program of the key ring has no business to get.
const OTHER: &str = "koi-other-key-3b5d9c1a";
const MODEL: &str = "openai/gpt-4.1";

/// A session with a key ring, and a provider at `server`.
fn home(server: &OpenAi, ring: &Keyring, store: &str) -> Home {
    let config = format!(
        "[credentials]\nstore = {store:?}\nprograms = [{:?}]\n[providers.openai]\nbase_url = {:?}\n",
        ring.programs(),
        server.base_url()
    );
    let (name, value) = ring.session();
    Home::new().config(&config).env(name, value).env("OTHER_API_KEY", OTHER)
}

fn connect(home: &Home) -> Run {
    home.openkoi(["connect", "openai"]).stdin(format!("{KEY}\n")).timeout(LONG).run()
}

fn task(home: &Home) -> Run {
    home.openkoi(["say hi", "-i", "0", "-m", MODEL]).timeout(LONG).run()
}

fn file(home: &Home) -> PathBuf {
    home.path().join("credentials/openai.key")
}

/// The key is in no file of the home, no stream, no argument and no variable of a program.
fn assert_untold(home: &Home, ring: &Keyring, runs: &[&Run]) {
    for run in runs {
        assert!(!run.said().contains(KEY), "{run}");
    }
    for path in Tree::read(&home.path()).0.keys() {
        let bytes = fs::read(home.path().join(path)).unwrap_or_default();
        assert!(!bytes.windows(KEY.len()).any(|piece| piece == KEY.as_bytes()), "{path}");
    }
    for text in [ring.calls(), ring.environment()] {
        assert!(!text.contains(KEY) && !text.contains(OTHER), "{text}");
    }
}

#[test]
fn a_key_that_is_connected_is_in_the_ring_is_used_and_is_removed() {
    let server = OpenAi::start([reply("Hi.")]);
    let ring = Keyring::new();
    let home = home(&server, &ring, "auto").env("OPENKOI_LOG_LEVEL", "trace");

    let connected = connect(&home).expect_code(0);
    assert!(connected.stdout.contains("the key is in the key ring"), "{connected}");
    assert_eq!(ring.secrets(), [KEY]);
    let worked = task(&home).expect_code(0);
    assert_eq!(worked.stdout, "Hi.\n");
    let status = home.openkoi(["connect", "status", "--json"]).run().expect_code(0);
    let shown = status.json();
    assert_eq!(shown["connections"][0]["source"], "keyring", "{status}");
    assert_eq!(shown["connections"][0]["place"], "OpenKoi: openai");
    let doctor = home.openkoi(["doctor"]).timeout(LONG).run();
    assert!(doctor.stdout.contains("key from the key ring"), "{doctor}");
    assert!(doctor.stdout.contains("key ring    unlocked"), "{doctor}");
    assert_untold(&home, &ring, &[&connected, &worked, &status, &doctor]);

    let gone = home.openkoi(["disconnect", "openai"]).run().expect_code(0);
    assert_eq!((ring.secrets(), gone.stdout.as_str()), (Vec::new(), "disconnected `openai`\n"));
    server.finish();
    let after = home.openkoi(["connect", "status", "--json"]).run().expect_code(0);
    assert_eq!(after.json()["connections"][0]["source"], "none", "{after}");
}

#[test]
fn a_locked_ring_leaves_the_key_in_a_file_and_says_so_in_one_line() {
    let server = OpenAi::start([reply("Hi.")]);
    let ring = Keyring::new();
    ring.is("locked");
    let home = home(&server, &ring, "auto");

    let run = connect(&home).expect_code(0);

    let warning =
        "warning: the key ring is not used: it is locked; the key is in credentials/openai.key\n";
    assert_eq!(run.stderr, warning);
    assert_eq!(fs::read_to_string(file(&home)).unwrap(), KEY);
    assert_eq!(task(&home).expect_code(0).stdout, "Hi.\n");
    server.finish();
}

#[test]
fn a_ring_that_hangs_is_not_waited_for() {
    let server = OpenAi::start([]);
    let ring = Keyring::new();
    ring.is("hangs");
    let home = home(&server, &ring, "auto");

    let run = connect(&home).expect_code(0);

    assert!(run.stderr.contains("the key ring is not used: it did not answer within 5 s"), "{run}");
    assert!(file(&home).exists());
    // What was started is gone, with what that started.
    assert_eq!(home.processes(), Vec::<String>::new());
    server.finish();
}

#[test]
fn a_ring_that_complains_with_the_key_is_not_repeated() {
    let server = OpenAi::start([]);
    let ring = Keyring::new();
    ring.is("chatty");
    let home = home(&server, &ring, "keyring").env("OPENKOI_LOG_LEVEL", "trace");

    let run = connect(&home).expect_code(3);

    assert!(run.stderr.contains("cannot keep [redacted]; nothing was kept"), "{run}");
    assert!(run.stderr.contains("hint: store = \"file\" under [credentials]"), "{run}");
    assert_untold(&home, &ring, &[&run]);
    server.finish();
}

#[test]
fn a_key_in_a_keyring_that_is_locked_ends_with_one_line_and_a_hint() {
    let server = OpenAi::start([]);
    let ring = Keyring::new();
    let home = home(&server, &ring, "auto");
    connect(&home).expect_code(0);
    ring.is("locked");

    let run = task(&home).expect_code(4);

    assert!(
        run.stderr
            .contains("the key of `openai` is in the key ring, which cannot be used: it is locked"),
        "{run}"
    );
    assert!(run.stderr.contains("hint: openkoi connect openai"), "{run}");
    let doctor = home.openkoi(["doctor"]).timeout(LONG).run().expect_code(3);
    assert!(doctor.stdout.contains("which cannot be used: it is locked"), "{doctor}");
    let gone = home.openkoi(["disconnect", "openai"]).run().expect_code(0);
    assert!(gone.stderr.contains("still in the key ring, as `OpenKoi: openai`"), "{gone}");
    server.finish();
}

#[test]
fn a_key_goes_where_the_settings_say() {
    let server = OpenAi::start([]);
    let ring = Keyring::new();
    let in_file = home(&server, &ring, "file");
    connect(&in_file).expect_code(0);
    assert!(file(&in_file).exists() && ring.calls().is_empty());

    ring.is("locked");
    let in_ring = home(&server, &ring, "keyring");
    let run = connect(&in_ring).expect_code(3);
    assert!(
        run.stderr.contains("the key ring is not used: it is locked; nothing was kept"),
        "{run}"
    );
    assert!(!file(&in_ring).exists());
    server.finish();
}

#[test]
fn a_project_does_not_say_where_keys_are_kept() {
    let server = OpenAi::start([]);
    let ring = Keyring::new();
    let home = home(&server, &ring, "auto")
        .file(".openkoi/config.toml", "[credentials]\nprograms = [\"/tmp\"]\nstore = \"file\"\n");

    let run = connect(&home).expect_code(0);

    assert!(run.stderr.contains("a project may not choose where keys are kept"), "{run}");
    assert_eq!(ring.secrets(), [KEY]);
    server.finish();
}
