//! A message as the API streams it, or gives it whole.

use serde_json::{Value, json};

use crate::server::{
    Answer,
    reply::{Block, Reply, Stop, Tokens, fragments},
};

/// Returns the answer to `body`, and the content that it stands for.
pub(super) fn answer(body: &Value, reply: &Reply, number: usize) -> (Answer, Vec<Value>) {
    if let Some(raw) = &reply.raw {
        return (raw.clone(), Vec::new());
    }
    let model = body["model"].as_str().unwrap_or_default();
    let writer = Writer { model, number, reply };
    let content = writer.content();
    let answer = if body["stream"] == Value::Bool(true) {
        Answer::stream(writer.stream(&content))
    } else {
        Answer::json(200, &writer.message(&content, writer.stop_reason().into(), writer.usage()))
    };
    (answer, content)
}

struct Writer<'a> {
    model: &'a str,
    number: usize,
    reply: &'a Reply,
}

impl Writer<'_> {
    fn stop_reason(&self) -> &'static str {
        let calls = self.reply.blocks.iter().any(|block| matches!(block, Block::Call(..)));
        match self.reply.stop {
            Some(Stop::Length) => "max_tokens",
            Some(Stop::Filtered | Stop::Refused) => "refusal",
            Some(Stop::Paused) => "pause_turn",
            None if calls => "tool_use",
            None => "end_turn",
        }
    }

    /// Returns the blocks as a client has to send them back. Arguments that are not an object become an empty one,
    /// since that is what the vendor makes of them.
    fn content(&self) -> Vec<Value> {
        let blocks = self.reply.blocks.iter().enumerate().map(|(index, block)| match block {
            Block::Text(text) => json!({ "type": "text", "text": text }),
            Block::Thinking(text, signature) => {
                json!({ "type": "thinking", "thinking": text, "signature": signature })
            }
            Block::Redacted(data) => json!({ "type": "redacted_thinking", "data": data }),
            Block::Call(name, arguments) => {
                let input: Value = serde_json::from_str(arguments).unwrap_or(json!({}));
                let id = format!("toolu_{:012}{index:012}", self.number);
                json!({ "type": "tool_use", "id": id, "name": name, "input": input })
            }
        });
        blocks.collect()
    }

    fn usage(&self) -> Value {
        let tokens = self.reply.tokens.unwrap_or(Tokens::STANDARD);
        json!({
            // Here the vendor counts what the cache did not have.
            "input_tokens": tokens.input - tokens.cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": tokens.cached,
            "output_tokens": tokens.output,
            "service_tier": "standard",
        })
    }

    fn message(&self, content: &[Value], stop: Value, usage: Value) -> Value {
        json!({
            "id": format!("msg_{:024}", self.number),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": null,
            "usage": usage,
        })
    }

    fn stream(&self, content: &[Value]) -> String {
        let mut usage = self.usage();
        let output = usage["output_tokens"].take();
        usage["output_tokens"] = json!(1);
        let start = self.message(&[], Value::Null, usage);
        let mut events = vec![event(&json!({ "type": "message_start", "message": start }))];
        for (index, (block, shown)) in content.iter().zip(&self.reply.blocks).enumerate() {
            events.extend(block_events(index, block, shown));
            if index == 0 {
                events.push(event(&json!({ "type": "ping" })));
            }
        }
        events.push(event(&json!({
            "type": "message_delta",
            "delta": { "stop_reason": self.stop_reason(), "stop_sequence": null },
            "usage": { "output_tokens": output },
        })));
        events.push(event(&json!({ "type": "message_stop" })));
        events.concat()
    }
}

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn block_events(index: usize, block: &Value, shown: &Block) -> Vec<String> {
    let (empty, deltas) = match shown {
        Block::Text(text) => (json!({ "type": "text", "text": "" }), deltas("text", text)),
        Block::Redacted(_) => (block.clone(), Vec::new()),
        Block::Thinking(text, signature) => {
            let empty = json!({ "type": "thinking", "thinking": "", "signature": "" });
            let signature = json!({ "type": "signature_delta", "signature": signature });
            (empty, deltas("thinking", text).into_iter().chain([signature]).collect())
        }
        Block::Call(_, arguments) => {
            let mut empty = block.clone();
            empty["input"] = json!({});
            let pieces = fragments(arguments)
                .into_iter()
                .map(|piece| json!({ "type": "input_json_delta", "partial_json": piece }));
            (empty, pieces.collect())
        }
    };
    let start = json!({ "type": "content_block_start", "index": index, "content_block": empty });
    let deltas = deltas
        .into_iter()
        .map(|delta| json!({ "type": "content_block_delta", "index": index, "delta": delta }));
    let stop = json!({ "type": "content_block_stop", "index": index });
    let events = std::iter::once(start).chain(deltas).chain([stop]);
    events.map(|data| event(&data)).collect()
}

fn deltas(kind: &str, text: &str) -> Vec<Value> {
    let pieces = fragments(text).into_iter();
    pieces.map(|piece| json!({ "type": format!("{kind}_delta"), kind: piece })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{call, reply};

    fn events(reply: &Reply) -> Vec<Value> {
        let body = json!({ "model": "claude-sonnet-4-5", "stream": true });
        let text = String::from_utf8(answer(&body, reply, 1).0.body).unwrap();
        let events = text.split_terminator("\n\n").map(|event| {
            let (name, data) = event.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
            data
        });
        events.collect()
    }

    #[test]
    fn a_stream_starts_fills_and_stops_each_block() {
        let events = events(&call("ls", "{\"path\":\"a/b/c\"}").thinking("Hm, let me see", "sig"));
        let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();

        let mut expected = vec!["message_start", "content_block_start"];
        expected.extend(["content_block_delta"; 3]);
        expected.extend(["content_block_stop", "ping", "content_block_start"]);
        expected.extend(["content_block_delta"; 3]);
        expected.extend(["content_block_stop", "message_delta", "message_stop"]);
        assert_eq!(kinds, expected);
        assert_eq!(events[4]["delta"], json!({ "type": "signature_delta", "signature": "sig" }));
        assert_eq!(events[12]["delta"]["stop_reason"], "tool_use");
    }

    #[test]
    fn cached_tokens_are_counted_apart() {
        let events = events(&reply("Hi").tokens(100, 7, 60));

        let usage = &events[0]["message"]["usage"];
        assert_eq!(
            (&usage["input_tokens"], &usage["cache_read_input_tokens"]),
            (&json!(40), &json!(60))
        );
        assert_eq!(events[events.len() - 2]["usage"]["output_tokens"], 7);
    }

    #[test]
    fn arguments_that_are_not_json_are_streamed_as_they_are() {
        let (_, content) = answer(&json!({ "stream": true }), &call("ls", "{\"x\":"), 1);
        assert_eq!(content[0]["input"], json!({}));

        let pieces: String = events(&call("ls", "{\"x\":"))
            .iter()
            .filter_map(|event| event["delta"]["partial_json"].as_str())
            .collect();
        assert_eq!(pieces, "{\"x\":");
    }
}
