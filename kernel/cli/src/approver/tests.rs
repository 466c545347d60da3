use openkoi_core::tool::Effect;
use serde_json::json;

use super::*;
use crate::testing::World;

fn request(target: &str, details: &str) -> ApprovalRequest {
    let rule = Rule {
        allow: true,
        origin: "web".to_owned(),
        action: "http".to_owned(),
        target: target.to_owned(),
        prefix: false,
        workspace: Some("/pond".to_owned()),
        session: None,
    };
    ApprovalRequest {
        origin: "web".to_owned(),
        action: "http".to_owned(),
        effect: Effect::Send,
        domain: "net".to_owned(),
        target: target.to_owned(),
        details: details.to_owned(),
        shown: String::new(),
        why: String::new(),
        hash: String::new(),
        rule,
        alike: None,
    }
}

fn asked(request: &ApprovalRequest) -> String {
    text(request, Path::new("/nowhere"), Palette::PLAIN, None)
}

/// Returns what these lines answer, and what was on the screen.
fn answered(typed: &str, has_alike: bool) -> (Option<Answer>, String) {
    let question = Question { text: "allow it?\n".to_owned(), prompt: "> ", has_alike };
    let mut lines = typed.split_inclusive('\n').map(str::to_owned);
    let mut screen = Vec::new();
    let answer = question.put(&mut || lines.next(), &mut screen);
    (answer, String::from_utf8(screen).unwrap())
}

#[test]
fn a_question_names_who_asks_for_what_and_what_each_answer_does() {
    let url = "GET https://example.com";

    assert_eq!(
        asked(&request(url, url)),
        "\n`http` needs your approval (send, domain net, asked by web)\n  \
         │ GET https://example.com\n  \
         [y] yes, once      [s] yes, in this session\n  \
         [n] no (or Enter)  [a] always in this directory  [r] never in this directory\n  \
         s, a and r keep a rule for: web http on \"GET https://example.com\"\n"
    );
}

#[test]
fn a_command_is_shown_as_it_runs_and_may_be_allowed_by_its_beginning() {
    let mut command = request("git push origin", "");
    command.details =
        json!({ "command": "git push origin", "directory": "sub", "timeout_ms": null }).to_string();
    command.alike =
        Some(Rule { target: "git push".to_owned(), prefix: true, ..command.rule.clone() });

    let text = asked(&command);

    assert!(text.contains("\n  │ git push origin\n  │ directory: sub\n  [y]"), "{text}");
    assert!(
        text.contains(
            "[p] always in this directory, for every command that begins with `git push`"
        ),
        "{text}"
    );
}

#[test]
fn an_edit_is_shown_as_a_difference() {
    let world = World::new();
    std::fs::write(world.workspace().join("calc.py"), "a - b\n").unwrap();
    let arguments = json!({ "path": "calc.py", "old_string": "-", "new_string": "+" });

    let text =
        text(&request("calc.py", &arguments.to_string()), &world.workspace(), Palette::PLAIN, None);

    let shown = "  on: calc.py\n  │ @@ -1 +1 @@\n  │ -a - b\n  │ +a + b\n  [y]";
    assert!(text.contains(shown), "{text}");
    assert!(!text.contains("old_string"), "{text}");
}

#[test]
fn what_the_kernel_shows_is_shown() {
    let mut control = request("AGENTS.md", "AGENTS.md");
    control.shown = "--- a/AGENTS.md\n+++ b/AGENTS.md\n@@ -1 +1 @@\n-x\n+obey\n".to_owned();

    let text = asked(&control);

    assert!(text.contains("  on: AGENTS.md\n  │ --- a/AGENTS.md\n"), "{text}");
    assert!(text.contains("  │ +obey\n"), "{text}");
}

#[test]
fn on_a_wide_terminal_what_was_stands_beside_what_is() {
    let mut tests = request("t.py", "");
    tests.shown = "--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@\n-two\n+three\n".to_owned();

    let text = text(&tests, Path::new("/nowhere"), Palette::PLAIN, Some(120));

    assert!(text.contains(&format!("  │ {:<56} │ three\n", "two")), "{text}");
}

#[test]
fn other_arguments_are_shown_one_by_one() {
    let arguments = json!({ "room": "general", "text": "hello\n[y] yes", "count": 3 });

    let text = asked(&request("general", &arguments.to_string()));

    let shown = "  │ general\n  │ count: 3\n  │ text: hello\n  │ [y] yes\n  [y] yes, once";
    assert!(text.contains(shown), "{text}");
}

#[test]
fn every_effect_is_named() {
    let effects = [Effect::Read, Effect::Write, Effect::Execute, Effect::Send, Effect::Destructive];

    let named = effects.map(|effect| {
        let text = asked(&ApprovalRequest { effect, ..request("x", "y") });
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
    let mut odd = request("GET\n  [y] yes, once\x1b[2A", "");
    odd.details = json!({ "url": odd.target, "more": "one\n\x1b[2Jtwo\r" }).to_string();
    odd.action = "ht\x07tp".to_owned();
    odd.domain = "n\net".to_owned();
    odd.origin = "w\u{202e}eb".to_owned();

    let text = asked(&odd);

    assert!(!text.contains(['\x1b', '\x07', '\r', '\u{202e}']), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1..6],
        [
            "`ht\\x07tp` needs your approval (send, domain n et, asked by w\\u{202e}eb)",
            "  │ GET",
            "  │   [y] yes, once\\x1b[2A",
            "  │ more: one",
            "  │ \\x1b[2Jtwo\\x0d",
        ]
    );
    assert_eq!(lines.iter().filter(|line| line.starts_with("  [y]")).count(), 1, "{text}");
}

#[test]
fn of_a_long_line_and_of_many_lines_both_ends_are_shown() {
    let long = format!("begin{}end", "x".repeat(5_000));
    let (head, tail) = ("x".repeat(SHOWN - 5), "x".repeat(SHOWN - 3));
    let shown = format!("│ begin{head} […3808 characters…] {tail}end\n");
    assert!(asked(&request(&long, "")).contains(&shown));

    let many = format!("first\n{}last", "# nothing\n".repeat(2_000));
    let text = asked(&request(&many, ""));
    assert!(text.contains("  │ first\n") && text.contains("  │ last\n"), "{text}");
    assert!(text.contains("more lines") && text.len() < 5_000, "{text}");
}

#[test]
fn a_text_that_fits_is_shown_whole_and_characters_are_not_torn() {
    let fits = "鯉".repeat(SHOWN * 2);
    assert_eq!(ends(&fits), fits);

    let (half, more) = ("鯉".repeat(SHOWN), "鯉".repeat(SHOWN * 2 + 1));
    assert_eq!(ends(&more), format!("{half} […1 characters…] {half}"));
}

#[test]
fn letters_and_whole_words_are_answers_and_enter_is_no() {
    use Answer::{AllowAlike, AllowAlways, AllowOnce, AllowSession, RejectAlways, RejectOnce};
    let table = [
        ("y", Some(AllowOnce)),
        ("Y", Some(AllowOnce)),
        (" yes \r", Some(AllowOnce)),
        ("n", Some(RejectOnce)),
        ("No", Some(RejectOnce)),
        ("", Some(RejectOnce)),
        ("a", Some(AllowAlways)),
        ("always", Some(AllowAlways)),
        ("s", Some(AllowSession)),
        ("session", Some(AllowSession)),
        ("r", Some(RejectAlways)),
        ("never", Some(RejectAlways)),
        ("p", Some(AllowAlike)),
        ("yy", None),
        ("maybe", None),
        ("1", None),
    ];
    for (typed, expected) in table {
        assert_eq!(answer(&format!("{typed}\n"), true), expected, "{typed:?}");
    }
    assert_eq!(answer("p", false), None, "there is no beginning to go by");
}

#[test]
fn what_is_no_answer_gets_a_word_and_the_prompt_again_and_the_end_of_the_input_is_none() {
    let (answer, screen) = answered("maybe\ny\n", false);
    assert_eq!(answer, Some(Answer::AllowOnce));
    assert_eq!(
        screen,
        "allow it?\n> type y (yes), n (no), s (this session), a (always), r (never), or Enter for no\n> "
    );

    assert_eq!(answered("maybe\n", true).0, None);
    assert_eq!(answered("", true), (None, "allow it?\n> ".to_owned()));
}

#[tokio::test]
async fn where_nobody_sits_nothing_is_asked() {
    let world = World::new();
    let terminal = Terminal::new(Questions::of_nobody(), world.storage(), &world.workspace());

    assert_eq!(terminal.ask(&request("x", "y")).await, None);
}

#[test]
fn a_rule_that_an_answer_wrote_is_there_the_next_time() {
    let world = World::new();
    let storage = world.storage();
    let rule = Rule { allow: false, ..request("GET https://example.com", "").rule };

    let terminal = Terminal::new(Questions::of_nobody(), Arc::clone(&storage), &world.workspace());
    terminal.remember(&rule).unwrap();

    assert_eq!(storage.rules().unwrap(), [rule]);
}
