//! Signatures that were sent, and whether they come back as they were.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The vendor's word for a call that is not its own.
const NOT_SIGNED: &str = "skip_thought_signature_validator";

/// The parts of all answers so far.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<Vec<Vec<Value>>>);

fn signed(parts: &[Value]) -> Vec<&Value> {
    parts.iter().filter(|part| part["thoughtSignature"].is_string()).collect()
}

fn calls(parts: &[Value]) -> Vec<&Value> {
    parts.iter().map(|part| &part["functionCall"]).filter(|call| call.is_object()).collect()
}

fn parts(content: &Value) -> &[Value] {
    content["parts"].as_array().map(Vec::as_slice).unwrap_or_default()
}

impl Sent {
    /// Keeps the parts of an answer.
    pub(super) fn keep(&self, parts: Vec<Value>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(parts);
    }

    /// Returns what is wrong with the signatures of a request: one that was never sent with its part, and, where
    /// the model `checks`, one that is missing from the round of tools that goes on.
    pub(super) fn check(&self, checks: bool, body: &Value) -> Vec<String> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = body["contents"].as_array().map(Vec::as_slice).unwrap_or_default();
        let known: Vec<&Value> = sent.iter().flatten().collect();
        let mut faults = Vec::new();
        for (index, content) in contents.iter().enumerate() {
            let wrong =
                |part: &&Value| !known.contains(part) && !(part["thoughtSignature"] == NOT_SIGNED);
            if signed(parts(content)).iter().any(wrong) {
                faults.push(format!("contents[{index}]: Thought signature is not valid."));
            }
        }
        if checks {
            faults.extend(round(contents, &sent));
        }
        faults
    }
}

/// Checks each content of the model since the user last spoke: its first call is signed, and what was sent signed
/// comes back so.
fn round(contents: &[Value], sent: &[Vec<Value>]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, content) in contents.iter().enumerate().rev() {
        let parts = parts(content);
        if content["role"] == "user" {
            if parts.iter().any(|part| part["functionResponse"].is_object()) {
                continue;
            }
            break;
        }
        let calls = self::calls(parts);
        let first = parts.iter().find(|part| part["functionCall"].is_object());
        if first.is_some_and(|part| !part["thoughtSignature"].is_string()) {
            faults.push(format!(
                "contents[{index}]: Function call is missing a thought_signature in functionCall parts."
            ));
        }
        let original = sent.iter().find(|sent| !calls.is_empty() && self::calls(sent) == calls);
        if original.is_some_and(|original| signed(original) != signed(parts)) {
            faults.push(format!(
                "contents[{index}]: a signed part of this round is missing or changed"
            ));
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
            json!({ "text": "hm", "thought": true, "thoughtSignature": "a" }),
            json!({ "text": "I look.", "thoughtSignature": "b" }),
            json!({ "functionCall": { "id": "1", "name": "ls", "args": {} }, "thoughtSignature": "c" }),
            json!({ "functionCall": { "id": "2", "name": "ls", "args": {} } }),
        ]
    }

    fn request(parts: &[Value]) -> Value {
        json!({ "contents": [
            { "role": "user", "parts": [{ "text": "Go." }] },
            { "role": "model", "parts": parts },
            { "role": "user", "parts": [{ "functionResponse": { "id": "1" } }, { "functionResponse": { "id": "2" } }] },
        ] })
    }

    fn faults(checks: bool, change: impl FnOnce(&mut Vec<Value>)) -> Vec<String> {
        let sent = Sent::default();
        sent.keep(answer());
        let mut parts = answer();
        change(&mut parts);
        sent.check(checks, &request(&parts))
    }

    fn without_signature(parts: &mut [Value], place: usize) {
        parts[place].as_object_mut().unwrap().remove("thoughtSignature");
    }

    #[test]
    fn what_comes_back_unchanged_is_accepted() {
        assert_eq!(faults(true, |_| {}), Vec::<String>::new());
    }

    #[test]
    fn a_signature_belongs_to_its_part() {
        let invalid = "contents[1]: Thought signature is not valid.";
        let missing = "contents[1]: a signed part of this round is missing or changed";
        let changed = faults(true, |parts| parts[1]["text"] = json!("I looked."));
        assert_eq!(changed, [invalid, missing]);
        assert_eq!(faults(false, |parts| parts[2]["thoughtSignature"] = json!("x")), [invalid]);
        let moved = faults(false, |parts| {
            without_signature(parts, 2);
            parts[3]["thoughtSignature"] = json!("c");
        });
        assert_eq!(moved, [invalid]);
        assert_eq!(faults(true, |parts| without_signature(parts, 0)), [missing]);
    }

    #[test]
    fn the_first_call_of_a_round_is_signed_where_that_is_checked() {
        let missing = faults(true, |parts| without_signature(parts, 2));
        assert!(missing[0].contains("missing a thought_signature"), "{missing:?}");
        assert_eq!(faults(false, |parts| without_signature(parts, 2)), Vec::<String>::new());
    }

    #[test]
    fn a_call_that_was_never_sent_may_skip_the_signature() {
        let foreign = json!({ "functionCall": { "id": "9", "name": "ls", "args": {} }, "thoughtSignature": NOT_SIGNED });
        assert_eq!(faults(true, |parts| *parts = vec![foreign]), Vec::<String>::new());
        let own = faults(true, |parts| parts[2]["thoughtSignature"] = json!(NOT_SIGNED));
        assert_eq!(own, ["contents[1]: a signed part of this round is missing or changed"]);
    }

    #[test]
    fn signatures_of_an_earlier_round_may_be_left_out() {
        let sent = Sent::default();
        sent.keep(answer());
        let mut parts = answer();
        without_signature(&mut parts, 2);
        let mut body = request(&parts);
        let later = json!({ "role": "user", "parts": [{ "text": "And now?" }] });
        body["contents"].as_array_mut().unwrap().push(later);

        assert_eq!(sent.check(true, &body), Vec::<String>::new());
    }
}
