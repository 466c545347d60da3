//! A response as the API streams it, or gives it whole.

use serde_json::{Value, json};

use super::Responses;
use crate::server::{
    Answer, Wire,
    reply::{Block, Reply, Stop, Tokens, fragments},
};

/// When every answer was made; tests do not look at it.
const CREATED: u64 = 1_740_000_000;
/// The type of a stream.
pub(super) const STREAM: &str = "text/event-stream; charset=utf-8";
/// A piece of a stream and what hides its length have so many bytes together.
const HIDDEN: usize = 16;

/// Returns the answer to `body`, and the items that it stands for.
pub(super) fn answer(body: &Value, reply: &Reply, number: usize) -> (Answer, Vec<Value>) {
    if let Some(raw) = &reply.raw {
        return (raw.clone(), Vec::new());
    }
    let writer = Writer {
        model: body["model"].as_str().unwrap_or_default(),
        number,
        reply,
        encrypts: includes_reasoning(body),
        hides: body["stream_options"]["include_obfuscation"] != Value::Bool(false),
    };
    let items = writer.items();
    let answer = if body["stream"] == Value::Bool(true) {
        let headers = vec![("content-type".to_owned(), STREAM.to_owned())];
        Answer { status: 200, headers, body: writer.stream(&items).into_bytes() }
    } else {
        Answer::json(200, &writer.last(&items))
    };
    (answer, items)
}

/// Returns whether the request asks for reasoning in a form that it can send back.
pub(super) fn includes_reasoning(body: &Value) -> bool {
    let include = body["include"].as_array().into_iter().flatten();
    include.into_iter().any(|name| name == "reasoning.encrypted_content")
}

/// Returns an event as it travels.
pub(super) fn event(number: u64, fields: &Value) -> String {
    let mut fields = fields.clone();
    fields["sequence_number"] = number.into();
    let kind = fields["type"].as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {fields}\n\n")
}

/// Returns the first event of a stream.
pub(super) fn head() -> Value {
    let writer = Writer {
        model: Responses::MODEL,
        number: 0,
        reply: &Reply::default(),
        encrypts: true,
        hides: true,
    };
    json!({ "type": "response.created", "response": writer.response("in_progress", &[]) })
}

/// Returns an event with a piece of text.
pub(super) fn delta(text: &str) -> Value {
    json!({ "type": "response.output_text.delta", "item_id": "msg_0", "output_index": 0,
        "content_index": 0, "delta": text, "logprobs": [] })
}

struct Writer<'a> {
    model: &'a str,
    number: usize,
    reply: &'a Reply,
    encrypts: bool,
    hides: bool,
}

impl Writer<'_> {
    fn items(&self) -> Vec<Value> {
        let items = self.reply.blocks.iter().enumerate().map(|(index, block)| match block {
            Block::Text(text) => json!({ "type": "message", "id": self.id("msg", index),
                "status": self.status(), "role": "assistant", "content": [self.part(text)] }),
            Block::Call(name, arguments) => json!({ "type": "function_call",
                "id": self.id("fc", index), "call_id": self.id("call", index),
                "status": "completed", "name": name, "arguments": arguments }),
            Block::Thinking(text, sealed) => self.reasoning(index, text, sealed),
            Block::Redacted(sealed) => self.reasoning(index, "", sealed),
        });
        items.collect()
    }

    fn id(&self, kind: &str, index: usize) -> String {
        format!("{kind}_{:012}{index:012}", self.number)
    }

    /// Each paragraph is a part of the summary. The script decides what the model tells of its reasoning.
    fn reasoning(&self, index: usize, text: &str, sealed: &str) -> Value {
        let parts = text.split("\n\n").filter(|part| !part.is_empty());
        let summary = parts.map(|part| json!({ "type": "summary_text", "text": part }));
        let summary: Vec<Value> = summary.collect();
        let id = self.id("rs", index);
        let mut item = json!({ "type": "reasoning", "id": id, "content": [], "summary": summary });
        if self.encrypts {
            item["encrypted_content"] = sealed.into();
        }
        item
    }

    fn refuses(&self) -> bool {
        self.reply.stop == Some(Stop::Refused)
    }

    fn part(&self, text: &str) -> Value {
        if self.refuses() {
            return json!({ "type": "refusal", "refusal": text });
        }
        json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
    }

    /// Returns why the response is incomplete, if it is.
    fn lacks(&self) -> Option<&'static str> {
        match self.reply.stop {
            Some(Stop::Length) => Some("max_output_tokens"),
            Some(Stop::Filtered) => Some("content_filter"),
            Some(Stop::Refused | Stop::Paused) | None => None,
        }
    }

    fn status(&self) -> &'static str {
        if self.lacks().is_some() { "incomplete" } else { "completed" }
    }

    fn usage(&self) -> Value {
        let tokens = self.reply.tokens.unwrap_or(Tokens::STANDARD);
        let thinks = |block: &Block| matches!(block, Block::Thinking(..) | Block::Redacted(_));
        let thought = if self.reply.blocks.iter().any(thinks) { tokens.output / 2 } else { 0 };
        json!({
            "input_tokens": tokens.input,
            "input_tokens_details": { "cached_tokens": tokens.cached },
            "output_tokens": tokens.output,
            "output_tokens_details": { "reasoning_tokens": thought },
            "total_tokens": tokens.input + tokens.output,
        })
    }

    /// Returns the response so far. What the request said is left out, which the vendor repeats here: it would
    /// treble the length of every stream, and some tests cut those at each byte.
    fn response(&self, status: &str, output: &[Value]) -> Value {
        json!({
            "id": format!("resp_{:024}", self.number),
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "error": null,
            "incomplete_details": null,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": true,
            "service_tier": "default",
            "store": false,
            "usage": null,
        })
    }

    /// Returns the response at its end.
    fn last(&self, items: &[Value]) -> Value {
        let mut response = self.response(self.status(), items);
        response["usage"] = self.usage();
        if let Some(reason) = self.lacks() {
            response["incomplete_details"] = json!({ "reason": reason });
        }
        response
    }

    fn stream(&self, items: &[Value]) -> String {
        let mut stream = Stream { hides: self.hides, ..Stream::default() };
        let response = self.response("in_progress", &[]);
        stream.event("response.created", json!({ "response": response }));
        stream.event("response.in_progress", json!({ "response": response }));
        for (index, item) in items.iter().enumerate() {
            stream.item(index, item);
        }
        let end = format!("response.{}", self.status());
        stream.event(&end, json!({ "response": self.last(items) }));
        stream.text
    }
}

/// Events so far.
#[derive(Default)]
struct Stream {
    text: String,
    number: u64,
    hides: bool,
}

impl Stream {
    fn event(&mut self, kind: &str, mut fields: Value) {
        fields["type"] = kind.into();
        self.text.push_str(&event(self.number, &fields));
        self.number += 1;
    }

    /// Writes an item in pieces: as it begins, what comes into it, as it is.
    fn item(&mut self, index: usize, item: &Value) {
        let begun = begun(item);
        let place = json!({ "item_id": item["id"], "output_index": index });
        self.event("response.output_item.added", json!({ "output_index": index, "item": begun }));
        match item["type"].as_str() {
            Some("message") => self.content(&place, &item["content"][0]),
            Some("reasoning") => self.summary(&place, &item["summary"]),
            _ => {
                let arguments = item["arguments"].as_str().unwrap_or_default();
                self.pieces("response.function_call_arguments", &place, "arguments", arguments);
            }
        }
        self.event("response.output_item.done", json!({ "output_index": index, "item": item }));
    }

    fn content(&mut self, place: &Value, part: &Value) {
        let (kind, field) = match part["type"].as_str() {
            Some("refusal") => ("response.refusal", "refusal"),
            _ => ("response.output_text", "text"),
        };
        let mut place = place.clone();
        place["content_index"] = 0.into();
        let mut empty = part.clone();
        empty[field] = "".into();
        self.event("response.content_part.added", with(&place, "part", empty));
        let text = part[field].as_str().unwrap_or_default();
        match field {
            "text" => self.pieces(kind, &with(&place, "logprobs", json!([])), field, text),
            _ => self.pieces(kind, &place, field, text),
        }
        self.event("response.content_part.done", with(&place, "part", part.clone()));
    }

    fn summary(&mut self, place: &Value, parts: &Value) {
        for (index, part) in parts.as_array().into_iter().flatten().enumerate() {
            let place = with(place, "summary_index", index.into());
            let empty = json!({ "type": "summary_text", "text": "" });
            self.event("response.reasoning_summary_part.added", with(&place, "part", empty));
            let text = part["text"].as_str().unwrap_or_default();
            self.pieces("response.reasoning_summary_text", &place, "text", text);
            self.event("response.reasoning_summary_part.done", with(&place, "part", part.clone()));
        }
    }

    /// Writes a text in pieces, and once more as a whole in `field`.
    fn pieces(&mut self, kind: &str, place: &Value, field: &str, text: &str) {
        for piece in fragments(text) {
            let mut fields = with(place, "delta", piece.as_str().into());
            if self.hides {
                let hidden = HIDDEN.saturating_sub(piece.len());
                fields["obfuscation"] = "x".repeat(hidden).into();
            }
            self.event(&format!("{kind}.delta"), fields);
        }
        self.event(&format!("{kind}.done"), with(place, field, text.into()));
    }
}

fn with(fields: &Value, name: &str, value: Value) -> Value {
    let mut fields = fields.clone();
    fields[name] = value;
    fields
}

/// Returns an item as it begins: empty. What is encrypted in it then is not what is encrypted in it at its end,
/// so whoever sends the first back is refused.
fn begun(item: &Value) -> Value {
    let mut begun = item.clone();
    match item["type"].as_str() {
        Some("message") => begun["content"] = json!([]),
        Some("reasoning") => {
            begun["summary"] = json!([]);
            if let Some(sealed) = item["encrypted_content"].as_str() {
                begun["encrypted_content"] = format!("begun-{sealed}").into();
            }
            return begun;
        }
        _ => begun["arguments"] = "".into(),
    }
    begun["status"] = "in_progress".into();
    begun
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
