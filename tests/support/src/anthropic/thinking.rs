//! Thoughts that were sent, and whether they come back as they were.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The contents of all answers so far.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<Vec<Vec<Value>>>);

fn is_thought(block: &Value) -> bool {
    block["type"] == "thinking" || block["type"] == "redacted_thinking"
}

fn thoughts(blocks: &[Value]) -> Vec<&Value> {
    blocks.iter().filter(|block| is_thought(block)).collect()
}

fn calls(blocks: &[Value]) -> Vec<&Value> {
    blocks.iter().filter(|block| block["type"] == "tool_use").map(|block| &block["id"]).collect()
}

impl Sent {
    /// Keeps the content of an answer.
    pub(super) fn keep(&self, content: Vec<Value>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(content);
    }

    /// Returns what is wrong with the thoughts of a request: one that was never sent, and one that is missing
    /// from the round of tools that goes on.
    pub(super) fn check(&self, body: &Value) -> Vec<String> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<&Value> = sent.iter().flat_map(|content| thoughts(content)).collect();
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut faults = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
            if thoughts(blocks).iter().any(|thought| !known.contains(thought)) {
                faults.push(format!("messages[{index}]: invalid `signature` in `thinking` block"));
            }
        }
        if ["enabled", "adaptive"].contains(&body["thinking"]["type"].as_str().unwrap_or_default())
        {
            faults.extend(round(messages, &sent));
        }
        faults
    }
}

/// Checks each message of the model since the user last spoke: it has the thoughts it was sent with.
fn round(messages: &[Value], sent: &[Vec<Value>]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, message) in messages.iter().enumerate().rev() {
        let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        if message["role"] == "user" {
            if blocks.iter().any(|block| block["type"] == "tool_result") {
                continue;
            }
            break;
        }
        let ids = calls(blocks);
        let original = sent.iter().find(|content| !ids.is_empty() && calls(content) == ids);
        let expected = original.map(|content| thoughts(content)).unwrap_or_default();
        if expected != thoughts(blocks) {
            faults.push(format!("messages[{index}]: thinking blocks of a round cannot be changed"));
        }
        let first = blocks.first().is_some_and(is_thought);
        if !expected.is_empty() && !first {
            faults.push(format!("messages[{index}]: expected `thinking` first"));
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
            json!({ "type": "thinking", "thinking": "hm", "signature": "s1" }),
            json!({ "type": "redacted_thinking", "data": "d1" }),
            json!({ "type": "tool_use", "id": "t1", "name": "ls", "input": {} }),
        ]
    }

    fn request(assistant: &[Value]) -> Value {
        json!({
            "thinking": { "type": "enabled", "budget_tokens": 2000 },
            "messages": [
                { "role": "user", "content": "Go." },
                { "role": "assistant", "content": assistant },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "t1", "content": "x" },
                ] },
            ],
        })
    }

    fn faults(change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
        let sent = Sent::default();
        sent.keep(answer());
        let mut blocks = answer();
        change(&mut blocks);
        sent.check(&request(&blocks))
    }

    #[test]
    fn thoughts_that_come_back_unchanged_are_accepted() {
        assert_eq!(faults(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn a_changed_thought_has_a_wrong_signature() {
        let changed = faults(|blocks| blocks[0]["thinking"] = json!("hmm"));
        assert_eq!(changed[0], "messages[1]: invalid `signature` in `thinking` block");
    }

    #[test]
    fn missing_or_reordered_thoughts_are_faults_while_the_round_goes_on() {
        let cannot = "messages[1]: thinking blocks of a round cannot be changed";
        assert_eq!(faults(|blocks| drop(blocks.remove(1))), [cannot]);
        assert_eq!(faults(|blocks| blocks.swap(0, 1)), [cannot]);
        let late = faults(|blocks| blocks.rotate_right(1));
        assert_eq!(late, ["messages[1]: expected `thinking` first"]);
    }

    #[test]
    fn thoughts_of_an_earlier_round_may_be_left_out() {
        let sent = Sent::default();
        sent.keep(answer());
        let mut body = request(&answer()[2..]);
        let later = json!({ "role": "user", "content": "And now?" });
        body["messages"].as_array_mut().unwrap().push(later);

        assert_eq!(sent.check(&body), Vec::<String>::new());
    }

    #[test]
    fn without_thinking_nothing_has_to_come_back() {
        let sent = Sent::default();
        sent.keep(answer());
        let mut body = request(&answer()[2..]);
        body["thinking"] = Value::Null;

        assert_eq!(sent.check(&body), Vec::<String>::new());
    }
}
