//! A completion as the API streams it, or gives it whole.

use serde_json::{Value, json};

use crate::server::{
    Answer,
    reply::{Block, Reply, Stop, Tokens, fragments},
};

/// When every answer was made; tests do not look at it.
const CREATED: u64 = 1_740_000_000;

/// Returns the answer to `body`.
pub(super) fn answer(body: &Value, reply: &Reply, number: usize) -> Answer {
    if let Some(raw) = &reply.raw {
        return raw.clone();
    }
    let writer = Writer { model: body["model"].as_str().unwrap_or_default(), number, reply };
    if body["stream"] == Value::Bool(true) {
        let usage = body["stream_options"]["include_usage"] == Value::Bool(true);
        return Answer::stream(writer.stream(usage));
    }
    Answer::json(200, &writer.whole())
}

struct Writer<'a> {
    model: &'a str,
    number: usize,
    reply: &'a Reply,
}

impl Writer<'_> {
    fn id(&self) -> String {
        format!("chatcmpl-{:024}", self.number)
    }

    fn finish_reason(&self) -> &'static str {
        let calls = self.reply.blocks.iter().any(|block| matches!(block, Block::Call(..)));
        match self.reply.stop {
            Some(Stop::Length) => "length",
            Some(Stop::Filtered) => "content_filter",
            _ if calls => "tool_calls",
            _ => "stop",
        }
    }

    fn text(&self) -> String {
        let texts = self.reply.blocks.iter().filter_map(|block| match block {
            Block::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// Returns the calls in order, with their ids.
    fn calls(&self) -> Vec<(String, &str, &str)> {
        let calls = self.reply.blocks.iter().filter_map(|block| match block {
            Block::Call(name, arguments) => Some((name.as_str(), arguments.as_str())),
            _ => None,
        });
        let named = calls.enumerate().map(|(index, (name, arguments))| {
            (format!("call_{:012}{index:012}", self.number), name, arguments)
        });
        named.collect()
    }

    fn usage(&self) -> Value {
        let tokens = self.reply.tokens.unwrap_or(Tokens::STANDARD);
        json!({
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.input + tokens.output,
            "prompt_tokens_details": { "cached_tokens": tokens.cached, "audio_tokens": 0 },
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        })
    }

    fn refusal(&self) -> bool {
        self.reply.stop == Some(Stop::Refused)
    }

    fn whole(&self) -> Value {
        let calls = self.calls().into_iter().map(|(id, name, arguments)| {
            json!({ "id": id, "type": "function",
                "function": { "name": name, "arguments": arguments } })
        });
        let calls: Vec<Value> = calls.collect();
        let (content, refusal) = match self.refusal() {
            true => (Value::Null, json!(self.text())),
            false => (json!(self.text()), Value::Null),
        };
        let mut message = json!({ "role": "assistant", "content": content, "refusal": refusal });
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        json!({
            "id": self.id(),
            "object": "chat.completion",
            "created": CREATED,
            "model": self.model,
            "choices": [{ "index": 0, "message": message, "logprobs": null,
                "finish_reason": self.finish_reason() }],
            "usage": self.usage(),
        })
    }

    fn stream(&self, usage: bool) -> String {
        let mut events = vec![self.chunk(
            json!({ "role": "assistant", "content": "",
            "refusal": null }),
            None,
            usage,
        )];
        let field = if self.refusal() { "refusal" } else { "content" };
        for piece in fragments(&self.text()) {
            events.push(self.chunk(json!({ field: piece }), None, usage));
        }
        for (index, (id, name, arguments)) in self.calls().into_iter().enumerate() {
            let function = json!({ "name": name, "arguments": "" });
            let call =
                json!({ "index": index, "id": id, "type": "function", "function": function });
            events.push(self.chunk(json!({ "tool_calls": [call] }), None, usage));
            for piece in fragments(arguments) {
                let call = json!({ "index": index, "function": { "arguments": piece } });
                events.push(self.chunk(json!({ "tool_calls": [call] }), None, usage));
            }
        }
        events.push(self.chunk(json!({}), Some(self.finish_reason()), usage));
        if usage {
            events.push(self.event(json!([]), self.usage(), true));
        }
        events.push("data: [DONE]\n\n".to_owned());
        events.concat()
    }

    fn chunk(&self, delta: Value, finish: Option<&str>, usage: bool) -> String {
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish });
        self.event(json!([choice]), Value::Null, usage)
    }

    fn event(&self, choices: Value, counted: Value, usage: bool) -> String {
        let mut chunk = json!({
            "id": self.id(),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": "fp_0",
            "choices": choices,
        });
        if usage {
            chunk["usage"] = counted;
        }
        format!("data: {chunk}\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{call, reply};

    fn chunks(reply: &Reply) -> Vec<Value> {
        let body = json!({ "model": "gpt-4.1", "stream": true,
            "stream_options": { "include_usage": true } });
        let text = String::from_utf8(answer(&body, reply, 1).body).unwrap();
        let events: Vec<&str> = text.split_terminator("\n\n").collect();
        assert_eq!(events.last(), Some(&"data: [DONE]"));
        let chunks = events[..events.len() - 1]
            .iter()
            .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap());
        chunks.collect()
    }

    #[test]
    fn a_streamed_text_comes_in_pieces_and_ends_with_its_usage() {
        let chunks = chunks(&reply("Grüße aus dem Teich"));

        let text: String =
            chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(text, "Grüße aus dem Teich");
        assert!(chunks.len() > 4);
        assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
        let last = &chunks[chunks.len() - 1];
        assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(120)));
    }

    #[test]
    fn parallel_calls_have_an_index_and_an_id_each() {
        let chunks = chunks(&call("a", "{\"x\":\"long enough\"}").and_call("b", "{}"));
        let mut calls = vec![(String::new(), String::new()); 2];
        for call in chunks.iter().filter_map(|c| c["choices"][0]["delta"]["tool_calls"].get(0)) {
            let entry = &mut calls[usize::try_from(call["index"].as_u64().unwrap()).unwrap()];
            entry.0.push_str(call["function"]["name"].as_str().unwrap_or_default());
            entry.1.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
        }

        let expected = [("a", "{\"x\":\"long enough\"}"), ("b", "{}")];
        assert_eq!(calls, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "tool_calls");
    }

    #[test]
    fn without_a_stream_the_completion_is_whole() {
        let body = json!({ "model": "gpt-4.1" });
        let whole: Value =
            serde_json::from_slice(&answer(&body, &reply("Hi").stop(Stop::Length), 1).body)
                .unwrap();

        assert_eq!(whole["choices"][0]["message"]["content"], "Hi");
        assert_eq!(whole["choices"][0]["finish_reason"], "length");
    }
}
