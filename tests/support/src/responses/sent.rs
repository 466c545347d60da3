//! Reasoning that was sent, and whether it comes back as it was and where it was.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::read::is_models;

/// The items of all answers so far.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<Vec<Vec<Value>>>);

/// What tells an item from others; nothing for text, which has no id when it comes back.
fn key(item: &Value) -> Option<&str> {
    match item["type"].as_str()? {
        "reasoning" => item["id"].as_str(),
        "function_call" => item["call_id"].as_str(),
        _ => None,
    }
}

fn is_reasoning(item: &Value) -> bool {
    item["type"] == "reasoning"
}

/// Reasoning that the client got in a form in which it can come back, and calls.
fn keys<'a>(items: impl IntoIterator<Item = &'a Value>) -> Vec<&'a str> {
    let kept = |item: &&Value| !is_reasoning(item) || item["encrypted_content"].is_string();
    items.into_iter().filter(kept).filter_map(key).collect()
}

impl Sent {
    /// Keeps the items of an answer.
    pub(super) fn keep(&self, items: Vec<Value>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(items);
    }

    /// Returns what is wrong with the reasoning of a request: an item that was never sent or that changed, one
    /// without what it led to, and one that is missing from the round of tools that goes on.
    pub(super) fn check(&self, body: &Value) -> Vec<String> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let input = body["input"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut faults = Vec::new();
        for (at, item) in input.iter().enumerate().filter(|(_, item)| is_reasoning(item)) {
            faults.extend(returned(item, input.get(at + 1), &sent).map(|fault| placed(at, &fault)));
        }
        faults.extend(round(input, &sent));
        faults
    }
}

fn placed(at: usize, fault: &str) -> String {
    format!("input[{at}]: {fault}")
}

/// Returns what is wrong with one item of reasoning, before `next`.
fn returned(item: &Value, next: Option<&Value>, sent: &[Vec<Value>]) -> Option<String> {
    let id = item["id"].as_str().unwrap_or_default();
    let known = sent.iter().find_map(|items| {
        let at = items.iter().position(|known| is_reasoning(known) && key(known) == Some(id))?;
        Some((&items[at], items.get(at + 1)))
    });
    let Some((known, led_to)) = known else {
        return Some(format!("item with id `{id}` not found"));
    };
    let same = |name: &str| item[name] == known[name];
    if !same("encrypted_content") || !same("summary") {
        return Some(format!("the encrypted content of `{id}` could not be verified"));
    }
    let follows = next.is_some_and(|next| is_models(next) && Some(key(next)) == led_to.map(key));
    (!follows).then(|| {
        format!("item `{id}` of type `reasoning` was provided without its required following item")
    })
}

/// Checks each turn of the model since the user last spoke: its calls have the reasoning that led to them.
fn round(input: &[Value], sent: &[Vec<Value>]) -> Vec<String> {
    let last = input.iter().rposition(|item| item["role"] == "user").map_or(0, |at| at + 1);
    let mut faults = Vec::new();
    let turns = input[last..].split(|item| !is_models(item));
    for turn in turns.filter(|turn| turn.iter().any(|item| item["type"] == "function_call")) {
        let calls = |items: &[Value]| {
            let calls = items.iter().filter(|item| item["type"] == "function_call");
            calls.filter_map(key).map(str::to_owned).collect::<Vec<_>>()
        };
        let Some(original) = sent.iter().find(|items| calls(items) == calls(turn)) else {
            continue;
        };
        if keys(original) != keys(turn) {
            let (had, has) = (keys(original).join(", "), keys(turn).join(", "));
            faults.push(format!("function calls without their reasoning: {has} instead of {had}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Vec<Value> {
        vec![
            json!({ "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e1" }),
            json!({ "type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "e2" }),
            json!({ "type": "function_call", "call_id": "a", "name": "ls", "arguments": "{}" }),
        ]
    }

    fn faults(change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
        let sent = Sent::default();
        sent.keep(answer());
        let mut input = vec![json!({ "role": "user", "content": "Go." })];
        input.extend(answer());
        input.push(json!({ "type": "function_call_output", "call_id": "a", "output": "x" }));
        change(&mut input);
        sent.check(&json!({ "input": input }))
    }

    #[test]
    fn reasoning_that_comes_back_unchanged_is_accepted() {
        assert_eq!(faults(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn changed_and_unknown_reasoning_is_refused() {
        assert_eq!(
            faults(|input| input[1]["encrypted_content"] = json!("e3")),
            ["input[1]: the encrypted content of `rs_1` could not be verified"]
        );
        assert_eq!(
            faults(|input| input[2]["id"] = json!("rs_9"))[1],
            "input[2]: item with id `rs_9` not found"
        );
    }

    #[test]
    fn reasoning_stands_before_what_it_led_to() {
        let required = |id: &str, at: usize| {
            format!(
                "input[{at}]: item `{id}` of type `reasoning` was provided without its required following item"
            )
        };
        let swapped = faults(|input| input.swap(1, 2));
        assert_eq!(swapped[..2], [required("rs_2", 1), required("rs_1", 2)]);
        let late = faults(|input| input.swap(2, 3));
        assert_eq!(late[..2], [required("rs_1", 1), required("rs_2", 3)]);
    }

    #[test]
    fn a_call_of_the_round_that_goes_on_has_its_reasoning() {
        let missing = faults(|input| drop(input.drain(1..3)));
        assert_eq!(missing, ["function calls without their reasoning: a instead of rs_1, rs_2, a"]);
    }

    #[test]
    fn reasoning_of_an_earlier_round_may_be_left_out() {
        let later = json!({ "role": "user", "content": "And now?" });
        let left_out = faults(|input| {
            input.drain(1..3);
            input.push(later);
        });
        assert_eq!(left_out, Vec::<String>::new());
    }
}
