//! An answer as the API streams it, or gives it whole.

use serde_json::{Value, json};

use crate::server::{
    Answer,
    reply::{Block, Reply, Stop, Tokens, fragments},
};

/// When every answer was made; tests do not look at it.
pub(super) const CREATED: &str = "2026-08-05T08:10:56.372032Z";
/// The type of a stream.
pub(super) const NDJSON: &str = "application/x-ndjson";

/// Returns the answer to `body`, and the message that it stands for.
pub(super) fn answer(body: &Value, reply: &Reply, number: usize) -> (Answer, Value) {
    if let Some(raw) = &reply.raw {
        return (raw.clone(), Value::Null);
    }
    let writer = Writer { model: body["model"].as_str().unwrap_or_default(), number, reply };
    let message = writer.message();
    // Streams are what a request gets that does not say otherwise.
    if body["stream"] == Value::Bool(false) {
        return (Answer::json(200, &writer.last(message.clone())), message);
    }
    let headers = vec![("content-type".to_owned(), NDJSON.to_owned())];
    (Answer { status: 200, headers, body: writer.stream().into_bytes() }, message)
}

struct Writer<'a> {
    model: &'a str,
    number: usize,
    reply: &'a Reply,
}

impl Writer<'_> {
    /// Returns the calls. They come whole, and arguments that are not an object never reach the client.
    fn calls(&self) -> Vec<Value> {
        let calls = self.reply.blocks.iter().filter_map(|block| match block {
            Block::Call(name, arguments) => Some((name, arguments)),
            _ => None,
        });
        let calls = calls.enumerate().map(|(index, (name, arguments))| {
            let arguments: Value = serde_json::from_str(arguments).unwrap_or(json!({}));
            json!({ "id": format!("call_{:06}{index:02}", self.number),
                "function": { "index": index, "name": name, "arguments": arguments } })
        });
        calls.collect()
    }

    fn texts(&self, thoughts: bool) -> String {
        let texts = self.reply.blocks.iter().filter_map(|block| match block {
            Block::Text(text) if !thoughts => Some(text.as_str()),
            Block::Thinking(text, _) if thoughts => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    fn message(&self) -> Value {
        let mut message = json!({ "role": "assistant", "content": self.texts(false) });
        let (thoughts, calls) = (self.texts(true), self.calls());
        if !thoughts.is_empty() {
            message["thinking"] = thoughts.into();
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        message
    }

    /// Returns the line that ends an answer.
    fn last(&self, message: Value) -> Value {
        let tokens = self.reply.tokens.unwrap_or(Tokens::STANDARD);
        let reason = if self.reply.stop == Some(Stop::Length) { "length" } else { "stop" };
        json!({
            "model": self.model, "created_at": CREATED, "message": message, "done": true,
            "done_reason": reason, "total_duration": 7_577_982_042_u64, "load_duration": 58_847_000,
            "prompt_eval_count": tokens.input, "prompt_eval_cached_count": tokens.cached,
            "prompt_eval_duration": 707_514_083, "eval_count": tokens.output,
            "eval_duration": 6_286_536_118_u64,
        })
    }

    fn stream(&self) -> String {
        let said = |fields: Value| {
            let mut message = json!({ "role": "assistant", "content": "" });
            for (name, value) in fields.as_object().into_iter().flatten() {
                message[name] = value.clone();
            }
            json!({ "model": self.model, "created_at": CREATED, "message": message, "done": false })
        };
        let thoughts = fragments(&self.texts(true)).into_iter();
        let texts = fragments(&self.texts(false)).into_iter();
        let lines = thoughts
            .map(|piece| said(json!({ "thinking": piece })))
            .chain(texts.map(|piece| said(json!({ "content": piece }))))
            .chain(self.calls().into_iter().map(|call| said(json!({ "tool_calls": [call] }))))
            .chain([self.last(json!({ "role": "assistant", "content": "" }))]);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{call, reply};

    fn lines(reply: &Reply) -> Vec<Value> {
        let (answer, _) = answer(&json!({ "model": "m" }), reply, 1);
        let text = String::from_utf8(answer.body).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_streamed_text_comes_in_pieces_and_ends_with_its_counts() {
        let lines = lines(&reply("Grüße aus dem Teich").tokens(9, 5, 4));

        let text: String =
            lines.iter().filter_map(|line| line["message"]["content"].as_str()).collect();
        assert_eq!(text, "Grüße aus dem Teich");
        let last = &lines[lines.len() - 1];
        assert!(
            lines.len() > 3 && lines[..lines.len() - 1].iter().all(|line| line["done"] == false)
        );
        assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
        assert_eq!((&last["prompt_eval_count"], &last["eval_count"]), (&json!(9), &json!(5)));
    }

    #[test]
    fn calls_come_whole_after_thoughts_and_text() {
        let lines = lines(&call("a", "{\"x\":1}").and_call("b", "{oops").thinking("Hm", ""));

        assert_eq!(lines[0]["message"]["thinking"], "Hm");
        let function = |line: &Value| line["message"]["tool_calls"][0]["function"].clone();
        assert_eq!(
            function(&lines[1]),
            json!({ "index": 0, "name": "a", "arguments": { "x": 1 } })
        );
        assert_eq!(function(&lines[2]), json!({ "index": 1, "name": "b", "arguments": {} }));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn without_a_stream_the_answer_is_whole() {
        let body = json!({ "model": "m", "stream": false });
        let (answer, message) = answer(&body, &reply("Hi").stop(Stop::Length), 1);

        let whole: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((&whole["message"], &whole["done_reason"]), (&message, &json!("length")));
    }
}
