//! Logging in, the token in use, and keys that are connected (security.md, 169 and 171).

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use openkoi_test_support::{
    Home, Invocation, OpenAi, Received, Reply, Terminal, Tree,
    authorization::{ACCOUNT, Authorization, Dialect, Poll, USER_CODE, refresh_token},
    openai::{self, Chat},
    reply,
    server::{Answer, Conversation, Endpoint, Problem, Server, Wire},
    until,
};
use serde_json::{Value, json};

use crate::world::LONG;

/// The token that a task begins with; the service has stopped taking it.
const OLD: &str = "koi-old-access-5c1e9a7f3b";
/// The one that renewal gives.
const NEW: &str = "koi-new-access-7a4d2c8e1f";

/// The strict server with tokens of a login for keys: each request has one of the two, and the account.
#[derive(Debug, Default)]
struct LoggedIn(Chat);

impl Wire for LoggedIn {
    const NAME: &'static str = "work";
    const KEY_VARIABLE: &'static str = "UNUSED";
    const KEY: &'static str = NEW;
    const MODEL: &'static str = Chat::MODEL;

    fn environment() -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn endpoint(&self, request: &Received) -> Option<Endpoint> {
        self.0.endpoint(request)
    }

    fn check_headers(&self, request: &Received) -> Vec<String> {
        let mut known = request.clone();
        let token = known.headers.remove("authorization").unwrap_or_default();
        known.headers.insert("authorization".to_owned(), format!("Bearer {}", Chat::KEY));
        let mut faults = self.0.check_headers(&known);
        if ![OLD, NEW].iter().any(|good| token == format!("Bearer {good}")) {
            faults.push("the token is neither of the two".to_owned());
        }
        faults
    }

    fn check(&self, request: &Received) -> Vec<String> {
        self.0.check(request)
    }

    fn conversation(&self, body: &Value) -> Conversation {
        self.0.conversation(body)
    }

    fn answer(&self, request: &Received, reply: &Reply, number: usize) -> Answer {
        self.0.answer(request, reply, number)
    }

    fn models(&self) -> Value {
        self.0.models()
    }

    fn error(&self, status: u16, kind: &str, message: &str) -> Value {
        self.0.error(status, kind, message)
    }

    fn problem(problem: Problem) -> Option<Reply> {
        Chat::problem(problem)
    }

    fn in_stream(problem: Problem, said: &str) -> Vec<Reply> {
        Chat::in_stream(problem, said)
    }
}

/// A home whose provider `work` is `api`, logged in to at `server`.
fn home(server: &Authorization, api: &str) -> Home {
    let login = server.login();
    let mut config = format!(
        "[providers.work]\ncomponent = \"openai\"\nbase_url = {api:?}\nmodels = [\"{}\"]\n\
         [providers.work.login]\n",
        LoggedIn::MODEL
    );
    for (key, value) in login.as_object().unwrap() {
        config.push_str(&format!("{} = {}\n", key.replace('-', "_"), toml(value)));
    }
    let model = format!("work/{}", LoggedIn::MODEL);
    Home::new().env("OPENKOI_MODEL", model).config(&config)
}

/// Returns a value as TOML writes it in one line.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key} = {}", toml(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

fn keep(home: &Home, server: &Authorization, expires_at: u64) {
    let refresh = "koi-old-refresh-9e3b6d1c";
    server.accepts(refresh);
    server.issues([NEW.to_owned()]);
    let document = json!({ "providers": { "work": {
        "type": "oauth", "access_token": OLD, "refresh_token": refresh, "expires_at": expires_at,
        "extra": { "issuer": server.host() },
    } } });
    fs::create_dir_all(home.path()).unwrap();
    let path = home.path().join("auth.json");
    fs::write(&path, document.to_string()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn stored(home: &Home) -> Value {
    serde_json::from_slice(&fs::read(home.path().join("auth.json")).unwrap()).unwrap()
}

/// In the far future, so that only the service can end the token.
const NEVER: u64 = 4_000_000_000;

fn tokens(server: &Server<LoggedIn>) -> Vec<String> {
    let token = |turn: Received| turn.headers["authorization"].replace("Bearer ", "");
    server.turns().into_iter().map(token).collect()
}

fn task(home: &Home) -> Invocation {
    home.openkoi(["say hello", "-i", "0"]).timeout(LONG)
}

/// No file of the home but the one they belong in has a token, and no stream.
fn assert_untold(home: &Home, said: &[&str]) {
    let secrets = [OLD, NEW, "koi-old-refresh-9e3b6d1c", &refresh_token(1), "koi-access-"];
    for secret in secrets {
        for text in said {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for path in Tree::read(&home.path()).0.keys() {
            let bytes = fs::read(home.path().join(path)).unwrap_or_default();
            let told = bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes());
            assert!(!told || path.ends_with("auth.json"), "{secret} in {path}");
        }
    }
}

#[test]
fn a_person_connects_without_a_terminal_and_works() {
    for dialect in [Dialect::Standard, Dialect::Code] {
        let server = Authorization::start(dialect, [Poll::Pending]);
        server.issues([NEW.to_owned()]);
        let api = Server::<LoggedIn>::start([reply("Hello.")]);
        let home = home(&server, &api.base_url());

        let run = home.openkoi(["connect", "work"]).timeout(LONG).run().expect_code(0);
        assert!(run.stderr.contains(USER_CODE), "{run}");
        assert!(run.stderr.contains(&format!("http://{}/page", server.host())), "{run}");
        assert!(run.stdout.starts_with("connected `work`"), "{run}");
        let mode = fs::metadata(home.path().join("auth.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let worked = task(&home).run().expect_code(0);

        assert_eq!(tokens(&api), [NEW]);
        if dialect == Dialect::Code {
            assert_eq!(api.turns()[0].headers["x-account-id"], ACCOUNT);
        }
        assert_untold(&home, &[&run.stdout, &run.stderr, &worked.stdout, &worked.stderr]);
        api.finish();
        server.finish();
    }
}

#[test]
fn a_login_that_comes_to_nothing_keeps_nothing() {
    let server = Authorization::start(Dialect::Standard, [Poll::Denied]);
    let home = home(&server, "http://127.0.0.1:9/v1");

    let run = home.openkoi(["connect", "work"]).timeout(LONG).run().expect_code(4);

    assert!(run.stderr.contains("refused in the browser"), "{run}");
    assert!(!home.path().join("auth.json").exists());
    server.finish();
}

#[test]
fn a_token_that_the_service_refuses_is_renewed_in_the_middle_of_a_task() {
    let server = Authorization::start(Dialect::Standard, []);
    let api = Server::<LoggedIn>::start([openai::wrong_key(), reply("Hello.")]);
    let home = home(&server, &api.base_url());
    keep(&home, &server, NEVER);

    let run = task(&home).run().expect_code(0);

    assert!(run.stdout.contains("Hello."), "{run}");
    assert_eq!(tokens(&api), [OLD, NEW]);
    assert_eq!(server.asked(), ["refresh"]);
    assert_eq!(stored(&home)["providers"]["work"]["access_token"], NEW);
    assert_untold(&home, &[&run.stdout, &run.stderr]);
    api.finish();
    server.finish();
}

#[test]
fn a_service_that_refuses_every_token_is_asked_twice() {
    let server = Authorization::start(Dialect::Standard, []);
    let api = Server::<LoggedIn>::start([openai::wrong_key(), openai::wrong_key()]);
    let home = home(&server, &api.base_url());
    keep(&home, &server, NEVER);

    let run = task(&home).run().expect_code(4);

    assert!(run.stderr.contains("openkoi connect work"), "{run}");
    assert_eq!(tokens(&api), [OLD, NEW]);
    assert_eq!(server.count("refresh"), 1);
    api.finish();
    server.finish();
}

#[test]
fn two_processes_that_renew_at_once_ask_once() {
    let server = Authorization::start(Dialect::Standard, []);
    server.delay(Duration::from_millis(300));
    let api = Server::<LoggedIn>::start([reply("Hello."), reply("Hello.")]);
    let home = home(&server, &api.base_url());
    keep(&home, &server, 1);

    let running = [task(&home).start(), task(&home).start()];
    for run in running.map(|one| one.wait()) {
        assert_eq!(run.code, 0, "{run}");
    }

    assert_eq!(server.asked(), ["refresh"]);
    assert_eq!(tokens(&api), [NEW, NEW]);
    api.finish();
    server.finish();
}

#[test]
fn a_login_that_has_ended_is_reported_in_one_line_with_a_hint() {
    let server = Authorization::start(Dialect::Standard, []);
    let home = home(&server, "http://127.0.0.1:9/v1");
    keep(&home, &server, 1);
    server.revoke();
    let before = stored(&home);

    let run = task(&home).run().expect_code(4);

    assert!(run.stderr.contains("the login for `work` has ended"), "{run}");
    assert!(run.stderr.contains("openkoi connect work"), "{run}");
    assert_eq!(stored(&home), before);
    server.finish();
}

#[test]
fn a_crash_between_answer_and_save_leaves_the_file_whole_and_says_what_to_do() {
    let server = Authorization::start(Dialect::Standard, []);
    let home = home(&server, "http://127.0.0.1:9/v1");
    keep(&home, &server, 1);
    let before = stored(&home);

    let crash = task(&home).env("OPENKOI_FAILPOINTS", "login-answered=kill").run();
    assert_eq!(crash.code, 137, "{crash}");
    assert_eq!(server.asked(), ["refresh"]);
    assert_eq!(stored(&home), before);

    // The token for renewal was used up by an answer that nobody has.
    let run = task(&home).run().expect_code(4);
    assert!(run.stderr.contains("openkoi connect work"), "{run}");
    server.finish();
}

#[test]
fn what_is_connected_is_shown_without_secrets_and_can_be_disconnected() {
    let server = Authorization::start(Dialect::Standard, []);
    let home = home(&server, "http://127.0.0.1:9/v1").env("OPENAI_API_KEY", "koi-key-0123456789");
    keep(&home, &server, NEVER);

    let status = home.openkoi(["connect", "status", "--json"]).run().expect_code(0);
    let shown = status.json();
    let connections = shown["connections"].as_array().unwrap();
    let work = connections.iter().find(|one| one["name"] == "work").unwrap();
    assert_eq!((&work["source"], &work["renewed"]), (&json!("login"), &json!(true)));
    assert!(work["expires_at"].as_str().unwrap().starts_with("2096-"), "{work}");
    let openai = connections.iter().find(|one| one["name"] == "openai").unwrap();
    assert_eq!(
        (&openai["source"], &openai["place"]),
        (&json!("variable"), &json!("OPENAI_API_KEY"))
    );
    let text = home.openkoi(["connect", "status"]).run().expect_code(0);
    assert_untold(&home, &[&status.stdout, &text.stdout, &text.stderr]);

    home.openkoi(["disconnect", "all"]).run().expect_code(0);
    assert_eq!(stored(&home)["providers"], json!({}));
    let gone = home.openkoi(["disconnect", "work"]).run().expect_code(2);
    assert!(gone.stderr.contains("no login and no saved key for `work`"), "{gone}");
    server.finish();
}

#[test]
fn a_key_is_taken_from_a_pipe_tried_and_kept() {
    let api = OpenAi::start([]);
    let config = format!("[providers.openai]\nbase_url = {:?}", api.base_url());
    let home = Home::new().config(&config);

    for empty in ["", " \n", "two words"] {
        let run = home.openkoi(["connect", "openai"]).stdin(empty).run().expect_code(2);
        assert!(run.stderr.contains("key"), "{run}");
    }
    assert_eq!(api.requests().len(), 0);
    let key = <Chat as Wire>::KEY;
    let run = home.openkoi(["connect", "openai"]).stdin(format!("{key}\n")).run().expect_code(0);

    assert!(run.stdout.starts_with("connected `openai`: it lists "), "{run}");
    assert!(!run.said().contains(key), "{run}");
    let path = home.path().join("credentials/openai.key");
    assert_eq!(fs::read_to_string(&path).unwrap(), key);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    home.openkoi(["disconnect", "openai"]).run().expect_code(0);
    assert!(!path.exists());
    api.finish();
}

#[test]
fn a_key_that_cannot_be_tried_is_kept_and_that_is_said() {
    let home = Home::new().config("[providers.openai]\nbase_url = \"http://127.0.0.1:9/v1\"");

    let run = home.openkoi(["connect", "openai"]).stdin("koi-key-0123456789").run().expect_code(5);

    assert!(run.stdout.contains("could not be verified"), "{run}");
    assert!(!run.stdout.contains("connected"), "nothing answered: {run}");
    assert!(home.path().join("credentials/openai.key").exists());
}

#[test]
fn a_server_of_ones_own_has_to_answer_before_it_is_connected() {
    let home = Home::new();
    let config = home.path().join("config.toml");
    let before = fs::read_to_string(&config).unwrap_or_default();
    let connect = |url: &str, key: &str| {
        let line = ["connect", "openai-compatible", "--url", url, "--as", "lab"];
        home.openkoi(line).stdin(key).run()
    };

    let silent = connect("127.0.0.1:9", "").expect_code(5);
    assert!(silent.stdout.is_empty() && silent.stderr.contains("nothing was kept"), "{silent}");
    assert_eq!(fs::read_to_string(&config).unwrap_or_default(), before);
    let unplaced = home.openkoi(["connect", "openai-compatible"]).stdin("").run().expect_code(2);
    assert!(unplaced.stderr.contains("--url http://127.0.0.1:8080/v1"), "{unplaced}");

    let api = OpenAi::start([]);
    let run = connect(&api.base_url(), <Chat as Wire>::KEY).expect_code(0);
    assert!(run.stdout.starts_with("connected `lab` at http"), "{run}");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.starts_with(&before) && text.contains("[providers.lab]\ncomponent"), "{text}");
    let state = |home: &Home| {
        let status = home.openkoi(["connect", "status", "--json"]).run().expect_code(0).json();
        let all = status["connections"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"] == "lab").unwrap()["answers"].clone()
    };
    assert_eq!(state(&home), json!(true));
    api.finish();
    assert_eq!(state(&home), json!(false));
    let doctor = home.openkoi(["doctor"]).run().expect_code(3);
    assert!(doctor.stdout.contains("nothing answers there"), "{doctor}");
}

#[test]
fn at_a_terminal_a_server_of_ones_own_is_asked_for_its_address_its_name_and_its_key() {
    if !Terminal::is_available() {
        return;
    }
    let api = OpenAi::start([]);
    let home = Home::new();
    let mut terminal = home.openkoi(["connect", "openai-compatible"]).at_a_terminal();

    terminal.wait_for("address of the server (http://127.0.0.1:8080/v1): ");
    terminal.types(&api.base_url());
    terminal.wait_for("name for it (openai-compatible): ");
    terminal.types("lab");
    terminal.wait_for("key for lab (not shown; nothing if it wants none): ");
    terminal.types(<Chat as Wire>::KEY);
    terminal.wait_for("connected `lab`");
    assert_eq!(terminal.ends(), 0);
    api.finish();
}

/// Goes where a browser is sent, and returns the status line.
fn browse(url: &str) -> String {
    use std::io::{Read, Write};
    let (place, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(place).unwrap();
    write!(stream, "GET /{target} HTTP/1.1\r\nHost: {place}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_person_logs_in_with_a_browser_and_the_next_task_uses_the_token() {
    if !Terminal::is_available() {
        return;
    }
    let server = Authorization::start(Dialect::Browser, []);
    server.issues([NEW.to_owned()]);
    let api = Server::<LoggedIn>::start([reply("Hello.")]);
    let home = home(&server, &api.base_url());
    let mut terminal = home.openkoi(["connect", "work"]).at_a_terminal();

    terminal.wait_for("in a browser on this machine");
    let page = terminal.wait_for("code_challenge_method=S256&scope=models");
    let page = page.split_whitespace().last().unwrap();
    let back = server.agree(page);
    assert_eq!(browse(&back.replace("state=", "state=not-")), "HTTP/1.1 400 Bad Request");
    assert_eq!(browse(&back), "HTTP/1.1 200 OK");
    terminal.wait_for("connected `work`");
    assert_eq!(terminal.ends(), 0);

    task(&home).run().expect_code(0);
    assert_eq!(server.asked(), ["code"]);
    api.finish();
    server.finish();
}

#[test]
fn a_person_logs_in_with_a_browser_on_another_machine() {
    if !Terminal::is_available() {
        return;
    }
    let server = Authorization::start(Dialect::Browser, []);
    server.issues([NEW.to_owned()]);
    let api = Server::<LoggedIn>::start([]);
    let home = home(&server, &api.base_url());
    let mut terminal = home.openkoi(["connect", "work"]).at_a_terminal();

    let page = terminal.wait_for("code_challenge_method=S256&scope=models");
    let page = page.split_whitespace().last().unwrap();
    terminal.wait_for("paste its address here");
    let back = server.agree(page);
    terminal.types("what is this?");
    terminal.wait_for("is not the address at which this login ends");
    terminal.types(&back);
    terminal.wait_for("connected `work`");

    assert_eq!(terminal.ends(), 0);
    assert_eq!(server.asked(), ["code"]);
    server.finish();
}

#[test]
fn without_a_name_and_a_terminal_the_choices_are_named() {
    let run = Home::new().openkoi(["connect"]).run().expect_code(2);
    assert!(run.stderr.contains("openkoi connect copilot"), "{run}");
    assert!(run.stderr.contains("openkoi connect chatgpt"), "{run}");

    let run = Home::new().openkoi(["connect", "copilt"]).run().expect_code(2);
    assert!(run.stderr.contains("copilot"), "{run}");
    let run = Home::new().openkoi(["disconnect"]).run().expect_code(2);
    assert!(run.stderr.starts_with("error: nothing is connected that could be"), "{run}");
    assert!(run.stderr.contains("hint: openkoi connect status"), "{run}");
    Home::new().openkoi(["disconnect", "all"]).run().expect_code(0);
}

#[test]
fn a_key_that_is_typed_is_not_shown() {
    if !Terminal::is_available() {
        return;
    }
    let home = Home::new().config("[providers.openai]\nbase_url = \"http://127.0.0.1:9/v1\"");
    let mut terminal = home.openkoi(["connect", "openai"]).at_a_terminal();

    terminal.wait_for("not shown");
    terminal.types("koi-key-0123456789");
    terminal.wait_for("could not be verified");
    assert_eq!(terminal.ends(), 5);

    until("the key is kept", Duration::from_secs(10), || {
        home.path().join("credentials/openai.key").exists()
    });
    assert!(!terminal.shown().contains("koi-key-0123456789"), "{}", terminal.shown());
}
