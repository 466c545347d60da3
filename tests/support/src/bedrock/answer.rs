//! A message as ConverseStream sends it.

use serde_json::{Value, json};

use super::eventstream::{TYPE, event};
use crate::server::{
    Answer,
    reply::{Block, Reply, Stop, Tokens, fragments},
};

/// Returns the answer that a reply stands for, and the content that a client has to send back.
pub(super) fn answer(reply: &Reply, number: usize) -> (Answer, Vec<Value>) {
    if let Some(raw) = &reply.raw {
        return (raw.clone(), Vec::new());
    }
    let content: Vec<Value> =
        (0..).zip(&reply.blocks).map(|(index, block)| content(index, block, number)).collect();
    let mut body = event("messageStart", &json!({ "p": "abcd", "role": "assistant" }));
    for (index, (block, shown)) in content.iter().zip(&reply.blocks).enumerate() {
        body.extend(block_events(index, block, shown));
    }
    body.extend(event("messageStop", &json!({ "p": "ab", "stopReason": stop_reason(reply) })));
    body.extend(event("metadata", &metadata(reply)));
    let headers = vec![
        ("content-type".to_owned(), TYPE.to_owned()),
        ("x-amzn-requestid".to_owned(), format!("koi-{number}")),
    ];
    (Answer { status: 200, headers, body }, content)
}

fn stop_reason(reply: &Reply) -> &'static str {
    let calls = reply.blocks.iter().any(|block| matches!(block, Block::Call(..)));
    match reply.stop {
        Some(Stop::Length) => "max_tokens",
        Some(Stop::Filtered) => "content_filtered",
        Some(Stop::Refused | Stop::Paused) => "guardrail_intervened",
        None if calls => "tool_use",
        None => "end_turn",
    }
}

/// Returns a block as a client has to send it back. Arguments that are not an object become an empty one.
fn content(index: usize, block: &Block, number: usize) -> Value {
    match block {
        Block::Text(text) => json!({ "text": text }),
        Block::Thinking(text, signature) => json!({ "reasoningContent": {
            "reasoningText": { "text": text, "signature": signature } } }),
        Block::Redacted(data) => json!({ "reasoningContent": { "redactedContent": data } }),
        Block::Call(name, arguments) => {
            let input: Value = serde_json::from_str(arguments).unwrap_or(json!({}));
            let id = format!("tooluse_{number:06}_{index:06}");
            json!({ "toolUse": { "toolUseId": id, "name": name, "input": input } })
        }
    }
}

fn block_events(index: usize, block: &Value, shown: &Block) -> Vec<u8> {
    let delta = |delta: Value| {
        event(
            "contentBlockDelta",
            &json!({ "contentBlockIndex": index, "delta": delta, "p": "abc" }),
        )
    };
    let reasoning = |part: Value| delta(json!({ "reasoningContent": part }));
    let mut events: Vec<Vec<u8>> = match shown {
        Block::Text(text) => {
            fragments(text).into_iter().map(|piece| delta(json!({ "text": piece }))).collect()
        }
        Block::Redacted(data) => vec![reasoning(json!({ "redactedContent": data }))],
        Block::Thinking(text, signature) => {
            let pieces = fragments(text).into_iter();
            let pieces = pieces.map(|piece| reasoning(json!({ "text": piece })));
            pieces.chain([reasoning(json!({ "signature": signature }))]).collect()
        }
        Block::Call(_, arguments) => {
            let mut start = block["toolUse"].clone();
            start.as_object_mut().map(|start| start.remove("input"));
            let start = json!({ "contentBlockIndex": index, "start": { "toolUse": start } });
            let pieces = fragments(arguments).into_iter();
            let pieces = pieces.map(|piece| delta(json!({ "toolUse": { "input": piece } })));
            [event("contentBlockStart", &start)].into_iter().chain(pieces).collect()
        }
    };
    events.push(event("contentBlockStop", &json!({ "contentBlockIndex": index })));
    events.concat()
}

/// The counts come last, and without those that the cache had.
fn metadata(reply: &Reply) -> Value {
    let tokens = reply.tokens.unwrap_or(Tokens::STANDARD);
    let usage = json!({
        "inputTokens": tokens.input - tokens.cached,
        "outputTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
        "cacheReadInputTokens": tokens.cached,
        "cacheWriteInputTokens": 0,
        "serverToolUsage": {},
    });
    json!({ "usage": usage, "metrics": { "latencyMs": 1 }, "p": "abcdef" })
}

#[cfg(test)]
mod tests {
    use super::{super::eventstream::read, *};
    use crate::call;

    #[test]
    fn only_calls_begin_and_the_counts_come_last() {
        let reply = call("ls", "{\"path\":\"a\"}").thinking("Hm", "sig").tokens(100, 7, 60);

        let (answer, content) = answer(&reply, 1);

        let events = read(&answer.body);
        let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
        let mut expected = vec!["messageStart", "contentBlockDelta", "contentBlockDelta"];
        expected.extend(["contentBlockStop", "contentBlockStart"]);
        expected.extend(["contentBlockDelta"; 2]);
        expected.extend(["contentBlockStop", "messageStop", "metadata"]);
        assert_eq!(kinds, expected);
        let signed = json!({ "reasoningContent": { "signature": "sig" } });
        assert_eq!(events[2].1["delta"], signed);
        assert_eq!(events[8].1["stopReason"], "tool_use");
        let usage = &events[9].1["usage"];
        assert_eq!(
            (&usage["inputTokens"], &usage["cacheReadInputTokens"]),
            (&json!(40), &json!(60))
        );
        assert_eq!(content[1]["toolUse"]["input"], json!({ "path": "a" }));
    }
}
