//! Thoughts that were sent, and whether they come back in the round of tools that they led to.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The messages with thoughts of all answers so far.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<Vec<Value>>);

/// The calls of a message, by what both sides have of them.
fn calls(message: &Value) -> Vec<&Value> {
    message["tool_calls"].as_array().into_iter().flatten().map(|call| &call["id"]).collect()
}

impl Sent {
    /// Keeps an answer.
    pub(super) fn keep(&self, message: &Value) {
        if message["thinking"].is_string() && message["tool_calls"].is_array() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        }
    }

    /// Returns what is wrong with the thoughts of a request.
    pub(super) fn check(&self, body: &Value) -> Vec<String> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut faults = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            let ids = calls(message);
            let original = sent.iter().find(|one| !ids.is_empty() && calls(one) == ids);
            if let Some(original) = original
                && original["thinking"] != message["thinking"]
            {
                faults.push(format!("messages[{index}]: its thoughts are missing or changed"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn thoughts_come_back_with_their_calls_and_as_they_were() {
        let call = json!([{ "id": "a", "function": { "name": "ls", "arguments": {} } }]);
        let said = |thinking: Value| json!({ "role": "assistant", "content": "", "thinking": thinking, "tool_calls": call });
        let sent = Sent::default();
        sent.keep(&said(json!("Hm")));
        let faults = |message: Value| sent.check(&json!({ "messages": [message] })).len();

        assert_eq!(faults(said(json!("Hm"))), 0);
        assert_eq!(faults(said(json!("Hmm"))), 1);
        assert_eq!(faults(said(Value::Null)), 1);
        assert_eq!(faults(json!({ "role": "assistant", "content": "another" })), 0);
    }
}
