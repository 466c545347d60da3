use openkoi_core::tool::Effect;

use super::*;
use crate::testing::World;

fn request(target: &str, details: &str) -> ApprovalRequest {
    ApprovalRequest {
        origin: "web".to_owned(),
        action: "http".to_owned(),
        effect: Effect::Send,
        domain: "net".to_owned(),
        target: target.to_owned(),
        details: details.to_owned(),
        hash: String::new(),
        rule: Rule {
            allow: true,
            origin: "web".to_owned(),
            action: "http".to_owned(),
            target: target.to_owned(),
        },
    }
}

/// Returns what these keys answer, and what was on the screen.
fn answered(typed: &str) -> (Option<Answer>, String) {
    let mut screen = Vec::new();
    let answer = read("allow it? ", &mut typed.as_bytes(), &mut screen);
    (answer, String::from_utf8(screen).unwrap())
}

#[test]
fn a_question_names_who_asks_for_what_and_the_rule_that_each_answer_writes() {
    let text = question(&request("GET https://example.com", "{\"url\": \"https://example.com\"}"));

    assert_eq!(
        text,
        "\n`http` needs your approval (send, domain net, asked by web)\n  \
         on: GET https://example.com\n  \
         arguments: {\"url\": \"https://example.com\"}\n  \
         [y] allow once   [a] allow always, which writes the rule: \
         allow web http on \"GET https://example.com\"\n  \
         [n] reject once  [r] reject always, which writes the rule: \
         reject web http on \"GET https://example.com\"\n\
         answer [y/a/n/r]: "
    );
}

#[test]
fn every_effect_is_named() {
    let effects = [Effect::Read, Effect::Write, Effect::Execute, Effect::Send, Effect::Destructive];

    let named = effects.map(|effect| {
        let text = question(&ApprovalRequest { effect, ..request("x", "y") });
        text.lines().nth(1).unwrap().to_owned()
    });

    assert_eq!(
        named,
        ["read", "write", "execute", "send", "destructive"]
            .map(|word| format!("`http` needs your approval ({word}, domain net, asked by web)"))
    );
}

#[test]
fn nothing_in_a_question_moves_the_cursor_or_forges_an_answer() {
    let mut odd = request("GET\n [y] allow once\x1b[2A", "one\n\x1b[2Jtwo\r");
    odd.action = "ht\x07tp".to_owned();
    odd.domain = "n\net".to_owned();
    odd.origin = "w\u{202e}eb".to_owned();

    let text = question(&odd);

    assert!(!text.contains(['\x1b', '\x07', '\r', '\u{202e}']), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1..5],
        [
            "`ht\\x07tp` needs your approval (send, domain n et, asked by w\\u{202e}eb)",
            "  on: GET  [y] allow once\\x1b[2A",
            "  arguments: one",
            "\\x1b[2Jtwo\\x0d",
        ]
    );
    assert_eq!(lines.iter().filter(|line| line.starts_with("  [y]")).count(), 1, "{text}");
}

#[test]
fn of_long_arguments_both_ends_are_shown() {
    let details = format!("begin{}end", "x".repeat(5_000));

    let text = question(&request("x", &details));

    let (head, tail) = ("x".repeat(SHOWN - 5), "x".repeat(SHOWN - 3));
    let shown = format!("arguments: begin{head} […3808 characters…] {tail}end\n");
    assert!(text.contains(&shown), "{text}");
}

#[test]
fn a_text_that_fits_is_shown_whole_and_characters_are_not_torn() {
    let fits = "鯉".repeat(SHOWN * 2);
    assert_eq!(ends(&fits), fits);

    let (half, more) = ("鯉".repeat(SHOWN), "鯉".repeat(SHOWN * 2 + 1));
    assert_eq!(ends(&more), format!("{half} […1 characters…] {half}"));
}

#[test]
fn each_letter_is_an_answer() {
    let answers = ["y\n", "a\n", "n\n", " r \r\n"].map(|typed| answered(typed).0);

    assert_eq!(
        answers,
        [Answer::AllowOnce, Answer::AllowAlways, Answer::RejectOnce, Answer::RejectAlways]
            .map(Some)
    );
}

#[test]
fn anything_else_is_asked_again_and_the_end_of_the_input_is_not_an_answer() {
    let (answer, screen) = answered("\nyes\nY\ny\n");
    assert_eq!(answer, Some(Answer::AllowOnce));
    assert_eq!(screen, "allow it? ".repeat(4));

    assert_eq!(answered("maybe\n"), (None, "allow it? ".repeat(2)));
    assert_eq!(answered("").0, None);
}

#[tokio::test]
async fn where_nobody_sits_nothing_is_asked() {
    let world = World::new();
    let terminal = Terminal::new(Questions::of_nobody(), world.storage());

    assert_eq!(terminal.ask(&request("x", "y")).await, None);
}

#[test]
fn a_rule_that_an_answer_wrote_is_there_the_next_time() {
    let world = World::new();
    let storage = world.storage();
    let rule = Rule { allow: false, ..request("GET https://example.com", "").rule };

    Terminal::new(Questions::of_nobody(), Arc::clone(&storage)).remember(&rule).unwrap();

    assert_eq!(storage.rules().unwrap(), [rule]);
}
