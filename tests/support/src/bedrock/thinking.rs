//! Thoughts that were sent, and whether they come back as they were.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The contents of all answers so far.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<Vec<Vec<Value>>>);

fn thoughts(blocks: &[Value]) -> Vec<&Value> {
    blocks.iter().filter_map(|block| block.get("reasoningContent")).collect()
}

fn calls(blocks: &[Value]) -> Vec<&Value> {
    let calls = blocks.iter().filter_map(|block| block.get("toolUse"));
    calls.map(|call| &call["toolUseId"]).collect()
}

fn blocks(message: &Value) -> &[Value] {
    message["content"].as_array().map(Vec::as_slice).unwrap_or_default()
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
            if thoughts(blocks(message)).iter().any(|thought| !known.contains(thought)) {
                faults.push(format!("messages.{index}: invalid `signature` in `thinking` block"));
            }
        }
        let answers =
            |message: &Value| blocks(message).iter().any(|b| b.get("toolResult").is_some());
        // Back to where the user last spoke instead of tools.
        let round = messages.iter().enumerate().rev();
        let round = round.take_while(|(_, said)| said["role"] == "assistant" || answers(said));
        for (index, message) in round.filter(|(_, said)| said["role"] == "assistant") {
            let own = blocks(message);
            let ids = calls(own);
            let original = sent.iter().find(|content| !ids.is_empty() && calls(content) == ids);
            if original.is_some_and(|content| thoughts(content) != thoughts(own)) {
                faults.push(format!(
                    "messages.{index}: thinking blocks of a round cannot be changed"
                ));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Vec<Value> {
        vec![
            json!({ "reasoningContent": { "reasoningText": { "text": "hm", "signature": "s" } } }),
            json!({ "reasoningContent": { "redactedContent": "ZA==" } }),
            json!({ "toolUse": { "toolUseId": "t1", "name": "ls", "input": {} } }),
        ]
    }

    fn faults(change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
        let sent = Sent::default();
        sent.keep(answer());
        let mut blocks = answer();
        change(&mut blocks);
        let result = json!({ "toolResult": { "toolUseId": "t1", "content": [{ "text": "x" }] } });
        sent.check(&json!({ "messages": [
            { "role": "user", "content": [{ "text": "Go." }] },
            { "role": "assistant", "content": blocks },
            { "role": "user", "content": [result] },
        ] }))
    }

    #[test]
    fn thoughts_come_back_unchanged_and_complete() {
        assert_eq!(faults(|_| {}), Vec::<String>::new());
        let changed = faults(|blocks| {
            blocks[0]["reasoningContent"]["reasoningText"]["signature"] = json!("x");
        });
        assert_eq!(changed[0], "messages.1: invalid `signature` in `thinking` block");
        let cannot = "messages.1: thinking blocks of a round cannot be changed";
        assert_eq!(faults(|blocks| drop(blocks.remove(1))), [cannot]);
        assert_eq!(faults(|blocks| blocks.swap(0, 1)), [cannot]);
    }
}
