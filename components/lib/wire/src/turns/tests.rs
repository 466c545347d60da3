use proptest::prelude::*;

use super::*;
use crate::testing::{any_request, attached, call, message, result};

fn shown(turns: &[Turn]) -> Vec<String> {
    turns
        .iter()
        .map(|turn| {
            let parts: Vec<String> = turn
                .parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => format!("text({text})"),
                    Part::ToolCall(call) => format!("call({})", call.id),
                    Part::ToolResult(result) => {
                        format!("result({}, {})", result.id, result.content)
                    }
                    Part::Attachment(_) => "attachment".to_owned(),
                    Part::Reasoning(_) => "reasoning".to_owned(),
                })
                .collect();
            let who = if turn.speaker == Speaker::User { "user" } else { "model" };
            format!("{who}: {}", parts.join(" "))
        })
        .collect()
}

fn repair(messages: &[Message], id: fn(&str) -> String) -> Vec<Turn> {
    super::repair(messages, id, |_| true)
}

#[test]
fn what_is_not_taken_is_described() {
    let taken = |media_type: &str| media_type == "image/png";
    let messages = [user(vec![attached("image/png"), attached("application/pdf"), text("look")])];

    let turns = super::repair(&messages, str::to_owned, taken);

    let said = "[application/pdf, 2 bytes: this service cannot look at it]";
    assert_eq!(shown(&turns), [format!("user: attachment text({said}) text(look)")]);
}

fn user(parts: Vec<Part>) -> Message {
    message(Speaker::User, parts)
}

fn model(parts: Vec<Part>) -> Message {
    message(Speaker::Assistant, parts)
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

#[test]
fn neighbours_of_one_speaker_become_one_turn_and_empty_texts_vanish() {
    let messages = [
        user(vec![text("a"), text(" \n")]),
        user(vec![text("b")]),
        model(vec![text("")]),
        user(vec![text("c")]),
        model(vec![text("d")]),
    ];

    assert_eq!(
        shown(&repair(&messages, str::to_owned)),
        ["user: text(a) text(b) text(c)", "model: text(d)"]
    );
}

#[test]
fn answers_come_before_what_else_the_user_says() {
    let messages = [
        model(vec![call("1", "read", "{}"), call("2", "read", "{}")]),
        user(vec![text("hurry"), result("2", "read", "B")]),
        user(vec![result("1", "read", "A")]),
    ];

    assert_eq!(
        shown(&repair(&messages, str::to_owned)),
        ["model: call(1) call(2)", "user: result(2, B) result(1, A) text(hurry)"]
    );
}

#[test]
fn a_call_without_an_answer_gets_one_that_says_so() {
    let unanswered = format!("result(1, {NO_RESULT})");
    let amid = [model(vec![call("1", "read", "{}")]), user(vec![text("go on")])];
    let last = [model(vec![call("1", "read", "{}")])];

    assert_eq!(shown(&repair(&amid, str::to_owned))[1], format!("user: {unanswered} text(go on)"));
    assert_eq!(shown(&repair(&last, str::to_owned))[1], format!("user: {unanswered}"));
}

#[test]
fn an_answer_without_its_call_becomes_text() {
    let messages = [user(vec![text("a"), result("9", "read", "A")])];

    assert_eq!(
        shown(&repair(&messages, str::to_owned)),
        ["user: text(a) text(The tool `read` answered:\nA)"]
    );
}

#[test]
fn ids_that_were_used_before_are_made_new_and_their_answers_follow() {
    let messages = [
        model(vec![call("1", "read", "{}"), call("1", "list", "{}")]),
        user(vec![result("1", "read", "A"), result("1", "list", "B")]),
        model(vec![call("1", "read", "{}"), call("", "read", "{}")]),
        user(vec![result("", "read", "D"), result("1", "read", "C")]),
    ];

    assert_eq!(
        shown(&repair(&messages, str::to_owned)),
        [
            "model: call(1) call(1-2)",
            "user: result(1, A) result(1-2, B)",
            "model: call(1-3) call(call)",
            "user: result(call, D) result(1-3, C)",
        ]
    );
}

#[test]
fn ids_keep_their_characters_unless_the_service_minds() {
    let messages = [
        model(vec![call("functions.read:0", "read", "{}")]),
        user(vec![result("functions.read:0", "read", "A")]),
    ];

    assert_eq!(shown(&repair(&messages, str::to_owned))[0], "model: call(functions.read:0)");
    assert_eq!(
        shown(&repair(&messages, plain_id)),
        ["model: call(functions_read_0)", "user: result(functions_read_0, A)"]
    );
}

#[test]
fn a_conversation_that_begins_or_ends_with_the_model_is_completed_by_the_user() {
    let of = |messages: &[Message]| shown(&complete(repair(messages, str::to_owned)));
    let whole = of(&[user(vec![text("a")])]);

    assert_eq!(whole, ["user: text(a)"]);
    assert_eq!(
        of(&[model(vec![text("b")])]),
        [
            format!("user: text({CUT})"),
            "model: text(b)".to_owned(),
            format!("user: text({CONTINUE})")
        ]
    );
    assert_eq!(of(&[]), Vec::<String>::new());
}

#[test]
fn a_call_is_asked_for_by_the_user_whoever_spoke_last() {
    let mut after_user = repair(&[user(vec![text("a")])], str::to_owned);
    let mut after_model = repair(&[model(vec![text("b")])], str::to_owned);

    ask_for_call(&mut after_user, &ToolChoice::Required);
    ask_for_call(&mut after_model, &ToolChoice::Named("read".to_owned()));

    assert_eq!(shown(&after_user), ["user: text(a) text(Answer by calling one of the tools.)"]);
    assert_eq!(
        shown(&after_model),
        ["model: text(b)", "user: text(Answer by calling the tool `read`.)"]
    );
}

#[test]
fn arguments_that_are_not_an_object_become_one() {
    let arguments = |json: &str| match call("1", "read", json) {
        Part::ToolCall(call) => serde_json::Value::Object(arguments_object(&call)).to_string(),
        _ => String::new(),
    };

    assert_eq!(arguments("{\"a\":1}"), "{\"a\":1}");
    assert_eq!(arguments(""), "{}");
    assert_eq!(arguments("null"), "{}");
    assert_eq!(arguments("[1]"), "{\"value\":[1]}");
    assert_eq!(arguments("{\"a\":"), "{\"invalid_json\":\"{\\\"a\\\":\"}");
}

#[test]
fn tool_names_are_made_acceptable() {
    assert_eq!(tool_name("read_file"), "read_file");
    assert_eq!(tool_name("../é\u{1b}"), "_____");
    assert_eq!(tool_name(""), "unnamed");
    assert_eq!(tool_name(&"x".repeat(99)).len(), 64);
}

#[test]
fn ids_of_a_fixed_length_are_kept_or_made_and_answers_follow() {
    let messages = [
        model(vec![call("toolu_01", "read", "{}"), call("AbCd12345", "read", "{}")]),
        user(vec![result("toolu_01", "read", "A"), result("AbCd12345", "read", "B")]),
    ];
    let mut turns = repair(&messages, str::to_owned);

    rename_calls(&mut turns, |id| fixed_id(id, 9));

    let made = fixed_id("toolu_01", 9);
    assert_eq!(
        shown(&turns),
        [
            format!("model: call({made}) call(AbCd12345)"),
            format!("user: result({made}, A) result(AbCd12345, B)")
        ]
    );
    let ids: std::collections::HashSet<String> =
        (0..10_000).map(|index| fixed_id(&format!("call_{index}"), 9)).collect();
    assert_eq!(ids.len(), 10_000);
    assert!(ids.iter().all(|id| id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric())));
}

proptest! {
    #[test]
    fn any_conversation_alternates_and_each_call_has_its_answer_in_the_next_turn(
        request in any_request(&["m"]),
    ) {
        let turns = repair(&request.messages, plain_id);

        prop_assert!(turns.windows(2).all(|pair| pair[0].speaker != pair[1].speaker));
        let ids = |turn: &Turn, calls: bool| -> Vec<String> {
            turn.parts.iter().filter_map(|part| match part {
                Part::ToolCall(call) if calls => Some(call.id.clone()),
                Part::ToolResult(result) if !calls => Some(result.id.clone()),
                _ => None,
            }).collect()
        };
        let mut all: Vec<String> = turns.iter().flat_map(|turn| ids(turn, true)).collect();
        for (index, turn) in turns.iter().enumerate() {
            let mut asked = index.checked_sub(1).map_or_else(Vec::new, |before| ids(&turns[before], true));
            let mut answered = ids(turn, false);
            asked.sort();
            answered.sort();
            if turn.speaker == Speaker::User {
                prop_assert_eq!(asked, answered);
            }
        }
        let count = all.len();
        all.sort();
        all.dedup();
        prop_assert_eq!(all.len(), count, "ids are unique");
    }
}
