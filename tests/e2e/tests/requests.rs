//! What a task costs in requests and bytes: no request that is not needed, a lean first one, and a beginning that stays
//! the same for the provider's cache. `cargo test -p openkoi-e2e requests -- --nocapture` prints the table.

use openkoi_test_support::{Home, Kind, OpenAi, Received, Reply, Role, call, reply, verdict};
use serde_json::json;

use crate::world::{LONG, TASK};

/// Bytes that stand for one token in these estimates.
const TOKEN: usize = 4;

/// What the requests of a task were.
struct Asked {
    requests: usize,
    first: usize,
    bytes: usize,
    /// Bytes that the request before did not have.
    fresh: usize,
}

impl Asked {
    #[expect(clippy::print_stdout, reason = "the table is what `--nocapture` is for")]
    fn of(name: &str, turns: &[Received]) -> Self {
        let mut asked = Self { requests: turns.len(), first: 0, bytes: 0, fresh: 0 };
        let mut before: Vec<String> = Vec::new();
        for turn in turns {
            let prompt = prompt(turn);
            let shared = before.iter().zip(&prompt).take_while(|(a, b)| a == b);
            let shared: usize = shared.map(|(part, _)| part.len()).sum();
            asked.bytes += turn.text.len();
            asked.fresh += turn.text.len() - shared;
            before = prompt;
        }
        asked.first = turns.first().map_or(0, |turn| turn.text.len());
        let shared = 100 * (asked.bytes - asked.fresh) / asked.bytes.max(1);
        println!(
            "{name}: {} requests, the first of {} bytes, {} bytes in all, {shared} % as before",
            asked.requests, asked.first, asked.bytes
        );
        asked
    }
}

/// Returns the parts of a prompt in the order in which a provider caches them: tools, and then what was said.
fn prompt(turn: &Received) -> Vec<String> {
    let list = |name: &str| turn.body[name].as_array().cloned().unwrap_or_default();
    let parts = [list("tools"), list("messages")].concat();
    parts.iter().map(ToString::to_string).collect()
}

/// Runs a task that ends well and returns its requests.
#[track_caller]
fn asked(task: &str, replies: Vec<Reply>) -> Vec<Received> {
    let server = OpenAi::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);
    home.openkoi([task]).timeout(LONG).run().expect_code(0);
    let turns = server.turns();
    server.finish();
    turns
}

/// Fails unless each request of the executor begins with all that was said in the one before.
#[track_caller]
fn assert_same_beginning(turns: &[Received]) {
    let said = |turn: &Received| turn.body["messages"].as_array().cloned().unwrap_or_default();
    let executor: Vec<_> = turns.iter().filter(|turn| turn.role() == Role::Executor).collect();
    for pair in executor.windows(2) {
        let before = said(pair[0]);
        assert_eq!(said(pair[1])[..before.len()], before);
        assert_eq!(pair[0].body["tools"], pair[1].body["tools"]);
    }
}

#[test]
fn a_question_is_one_request_of_less_than_seven_kilobytes() {
    let turns = asked("what is 2+2?", vec![reply("Four.")]);

    let asked = Asked::of("question", &turns);
    assert_eq!(asked.requests, 1);
    assert!(asked.first <= 7 * 1024, "{} bytes", asked.first);
}

#[test]
fn a_fix_of_one_file_is_reading_editing_testing_answering_and_one_look_of_the_judge() {
    let kind = Kind::Shell;
    let fix = json!({ "path": kind.source(), "contents": kind.fix() });
    let replies = vec![
        call("read_file", json!({ "path": kind.source() })).to(Role::Executor).at(0),
        call("write_file", fix).after("read_file"),
        call("shell", json!({ "command": "sh test.sh" })).after("write_file"),
        reply("It rounds now.").after("shell"),
        verdict(9.0),
    ];

    let turns = asked(TASK, replies);

    assert_eq!(Asked::of("fix", &turns).requests, 5);
    assert_same_beginning(&turns);
}

#[test]
fn a_feature_with_its_test_is_planned_in_the_first_turn_of_the_work() {
    let steps = json!({ "kind": "code", "steps": ["write it", "test it"], "criteria": [
        { "text": "median.sh prints the median", "check": "test", "tests": ["median_of_three"] },
    ]});
    let test = "echo; [ \"$(sh median.sh 1 2 3)\" = 2 ] && echo ok median_of_three\n";
    let with_test =
        Kind::Shell.text("test.sh").replace("exit $failed", &format!("{test}exit $failed"));
    let kind = Kind::Shell;
    let file = |path: &str, text: &str| json!({ "path": path, "contents": text });
    let replies = vec![
        call("plan", steps).and_call("read_file", json!({ "path": "test.sh" })).at(0),
        call("write_file", file("median.sh", "printf '%s\\n' \"$@\" | sort -n | sed -n 2p\n"))
            .and_call("write_file", file(kind.source(), kind.fix()))
            .and_call("write_file", file("test.sh", &with_test))
            .after("read_file"),
        call("shell", json!({ "command": "sh test.sh" })).after("write_file"),
        reply("There is a median now.").after("shell"),
        verdict(9.0),
    ];

    let turns = asked("add median.sh with a test for it in test.sh, and fix percent", replies);

    assert_eq!(Asked::of("feature", &turns).requests, 5);
    assert_same_beginning(&turns);
}

#[test]
fn thirty_rounds_send_only_what_is_new_after_the_same_beginning() {
    let long: String = (0..3000).map(|line| format!("{line} of the long file\n")).collect();
    let rounds = (0..30).map(|round| {
        call("read_file", json!({ "path": "long.txt", "offset": 1 + round * 90, "limit": 90 }))
            .to(Role::Executor)
            .at(round)
    });
    let replies = rounds.chain([reply("Read.").to(Role::Executor).at(30)]).collect::<Vec<_>>();
    let server = OpenAi::start(replies);
    let home = Home::new().provider(&server).file("long.txt", long);

    home.openkoi(["read the long file and say what is in it"]).timeout(LONG).run().expect_code(0);

    let turns = server.turns();
    let asked = Asked::of("thirty rounds", &turns);
    server.finish();
    assert_eq!(asked.requests, 31);
    assert_same_beginning(&turns);
    assert!(asked.fresh / TOKEN <= 40_000, "{} fresh tokens", asked.fresh / TOKEN);
}
