use super::*;
use crate::{call, reply};

fn events(reply: &Reply) -> Vec<Value> {
    let body =
        json!({ "model": "gpt-5.5", "stream": true, "include": ["reasoning.encrypted_content"] });
    let text = String::from_utf8(answer(&body, reply, 1).0.body).unwrap();
    let events = text.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            Some(name),
            data["type"].as_str().map(|kind| format!("event: {kind}")).as_deref()
        );
        data
    });
    events.collect()
}

/// The types of events, runs of one type once.
fn kinds(events: &[Value]) -> Vec<&str> {
    let kinds = events.iter().map(|event| event["type"].as_str().unwrap());
    let mut kinds: Vec<&str> = kinds.collect();
    kinds.dedup();
    kinds.into_iter().map(|kind| kind.strip_prefix("response.").unwrap()).collect()
}

fn joined(events: &[Value], kind: &str) -> String {
    let events = events.iter().filter(|event| event["type"] == kind);
    events.map(|event| event["delta"].as_str().unwrap()).collect()
}

#[test]
fn a_text_comes_as_an_item_with_a_part_in_pieces() {
    let events = events(&reply("Grüße aus dem Teich").tokens(10, 4, 6));

    assert_eq!(
        kinds(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
    );
    assert_eq!(joined(&events, "response.output_text.delta"), "Grüße aus dem Teich");
    let numbers = events.iter().map(|event| event["sequence_number"].as_u64().unwrap());
    assert!(numbers.eq(0..events.len() as u64));
    let response = &events[events.len() - 1]["response"];
    assert_eq!(response["output"][0]["content"][0]["text"], "Grüße aus dem Teich");
    assert_eq!(response["usage"]["input_tokens_details"]["cached_tokens"], 6);
}

#[test]
fn reasoning_comes_in_parts_and_encrypted_only_where_it_is_asked_for() {
    let thinking = call("ls", "{}").thinking("First.\n\nThen.", "sealed");
    let events = events(&thinking);

    assert_eq!(
        kinds(&events)[2..9],
        [
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
        ]
    );
    assert_eq!(joined(&events, "response.reasoning_summary_text.delta"), "First.Then.");
    let last = &events[events.len() - 1]["response"]["output"];
    assert_eq!(
        (&last[0]["encrypted_content"], &last[1]["call_id"]),
        (&json!("sealed"), &json!("call_000000000001000000000001"))
    );

    let (whole, _) = answer(&json!({ "model": "gpt-5.5" }), &thinking, 1);
    let whole: Value = serde_json::from_slice(&whole.body).unwrap();
    assert_eq!(whole["output"][0].get("encrypted_content"), None);
}

#[test]
fn arguments_come_in_pieces_by_the_place_of_their_call() {
    let events = events(&call("a", "{\"x\":\"long enough\"}").and_call("b", "{}"));

    let mut arguments = vec![String::new(); 2];
    for event in
        events.iter().filter(|event| event["type"] == "response.function_call_arguments.delta")
    {
        let place = usize::try_from(event["output_index"].as_u64().unwrap()).unwrap();
        arguments[place].push_str(event["delta"].as_str().unwrap());
    }
    assert_eq!(arguments, ["{\"x\":\"long enough\"}", "{}"]);
}

#[test]
fn what_is_cut_short_is_incomplete_and_says_why() {
    for (stop, reason) in [(Stop::Length, "max_output_tokens"), (Stop::Filtered, "content_filter")]
    {
        let events = events(&reply("Once").stop(stop));
        let last = &events[events.len() - 1];
        assert_eq!(last["type"], "response.incomplete");
        assert_eq!(last["response"]["incomplete_details"]["reason"], reason);
        assert_eq!(last["response"]["status"], "incomplete");
    }
}

#[test]
fn a_refusal_is_a_part_of_its_own_kind() {
    let events = events(&reply("I cannot.").stop(Stop::Refused));

    assert_eq!(joined(&events, "response.refusal.delta"), "I cannot.");
    let part = &events[events.len() - 1]["response"]["output"][0]["content"][0];
    assert_eq!(*part, json!({ "type": "refusal", "refusal": "I cannot." }));
}
