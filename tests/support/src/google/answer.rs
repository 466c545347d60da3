//! An answer as the API streams it, or gives it whole.

use serde_json::{Map, Value, json};

use super::signs;
use crate::server::{
    Answer,
    reply::{Block, Reply, Stop, Tokens, fragments},
};

/// Returns the answer, and the parts that it stands for as a client has to send them back.
pub(super) fn answer(
    model: &str,
    streamed: bool,
    reply: &Reply,
    number: usize,
) -> (Answer, Vec<Value>) {
    if let Some(raw) = &reply.raw {
        return (raw.clone(), Vec::new());
    }
    let writer = Writer { model, number, reply };
    let parts = writer.parts();
    let answer = match streamed {
        true => Answer::stream(writer.stream(&parts)),
        false => Answer::json(200, &writer.whole(&parts)),
    };
    (answer, parts)
}

struct Writer<'a> {
    model: &'a str,
    number: usize,
    reply: &'a Reply,
}

impl Writer<'_> {
    /// Returns the parts in the pieces in which they are streamed. A call is one piece. Thoughts are a summary, and
    /// their signature is on what they led to; encrypted ones are a signature without a summary. A model that signs
    /// does so by itself: on the first call, or at the end of its words.
    fn parts(&self) -> Vec<Value> {
        let mut parts = Vec::new();
        let mut pending = None;
        for (index, block) in self.reply.blocks.iter().enumerate() {
            match block {
                Block::Thinking(text, signature) => {
                    let pieces = fragments(text).into_iter();
                    parts.extend(pieces.map(|piece| json!({ "text": piece, "thought": true })));
                    pending = Some(signature.clone());
                }
                Block::Redacted(data) => {
                    parts.push(json!({ "text": "", "thought": true, "thoughtSignature": data }));
                }
                Block::Text(text) => {
                    parts.extend(fragments(text).into_iter().map(|piece| json!({ "text": piece })));
                }
                Block::Call(name, arguments) => {
                    parts.extend(self.call(index, name, arguments, pending.take()));
                }
            }
        }
        self.sign(&mut parts, pending);
        parts
    }

    /// Returns a call; nothing for arguments that are not an object, which the vendor drops.
    fn call(
        &self,
        index: usize,
        name: &str,
        arguments: &str,
        signature: Option<String>,
    ) -> Option<Value> {
        let arguments: Map<String, Value> = serde_json::from_str(arguments).ok()?;
        let mut part = json!({ "functionCall": { "name": name, "args": arguments } });
        if signs(self.model) {
            part["functionCall"]["id"] = format!("fc{:04}{index:04}", self.number).into();
        }
        if let Some(signature) = signature {
            part["thoughtSignature"] = signature.into();
        }
        Some(part)
    }

    fn sign(&self, parts: &mut Vec<Value>, pending: Option<String>) {
        let own = signs(self.model).then(|| format!("c2lnbmVk{:08}", self.number));
        let Some(signature) = pending.or(own) else { return };
        match parts.iter_mut().find(|part| part["functionCall"].is_object()) {
            Some(call) if call["thoughtSignature"].is_null() => {
                call["thoughtSignature"] = signature.into();
            }
            Some(_) => {}
            None => parts.push(json!({ "text": "", "thoughtSignature": signature })),
        }
    }

    fn calls(&self) -> usize {
        self.reply.blocks.iter().filter(|block| matches!(block, Block::Call(..))).count()
    }

    fn finish_reason(&self, parts: &[Value]) -> &'static str {
        let sent = parts.iter().filter(|part| part["functionCall"].is_object()).count();
        match self.reply.stop {
            Some(Stop::Length) => "MAX_TOKENS",
            Some(Stop::Filtered) => "SAFETY",
            _ if sent < self.calls() => "MALFORMED_FUNCTION_CALL",
            _ => "STOP",
        }
    }

    /// Returns the counts once `done` of all pieces are written. Thoughts are counted apart from the answer.
    fn usage(&self, done: usize, all: usize) -> Value {
        let tokens = self.reply.tokens.unwrap_or(Tokens::STANDARD);
        let thinks = self
            .reply
            .blocks
            .iter()
            .any(|block| matches!(block, Block::Thinking(..) | Block::Redacted(_)));
        let thoughts = if thinks { tokens.output / 2 } else { 0 };
        let share = |count: u64| count * (done as u64) / (all.max(1) as u64);
        let written = share(tokens.output - thoughts);
        let mut usage = json!({
            "promptTokenCount": tokens.input,
            "totalTokenCount": tokens.input + thoughts + written,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": tokens.input }],
        });
        for (name, count) in [
            ("candidatesTokenCount", written),
            ("thoughtsTokenCount", thoughts),
            ("cachedContentTokenCount", tokens.cached),
        ] {
            // A count of nothing is left out, as messages of this kind do it.
            if count > 0 {
                usage[name] = count.into();
            }
        }
        usage
    }

    fn response(&self, candidate: Option<Value>, usage: Value) -> Value {
        let mut response = json!({
            "usageMetadata": usage,
            "modelVersion": self.model,
            "responseId": format!("response{:08}", self.number),
        });
        match candidate {
            Some(candidate) => response["candidates"] = json!([candidate]),
            None => response["promptFeedback"] = json!({ "blockReason": "PROHIBITED_CONTENT" }),
        }
        response
    }

    fn whole(&self, parts: &[Value]) -> Value {
        if self.reply.stop == Some(Stop::Refused) {
            return self.response(None, self.usage(1, 1));
        }
        let content = json!({ "parts": parts, "role": "model" });
        let reason = self.finish_reason(parts);
        let candidate = json!({ "content": content, "finishReason": reason, "index": 0 });
        self.response(Some(candidate), self.usage(1, 1))
    }

    fn stream(&self, parts: &[Value]) -> String {
        if self.reply.stop == Some(Stop::Refused) {
            return event(&self.response(None, self.usage(1, 1)));
        }
        let reason = self.finish_reason(parts);
        let mut events = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let content = json!({ "parts": [part], "role": "model" });
            let candidate = json!({ "content": content, "index": 0 });
            let usage = self.usage(index + 1, parts.len());
            events.push(event(&self.response(Some(candidate), usage)));
        }
        let mut end = json!({ "content": { "role": "model" }, "finishReason": reason, "index": 0 });
        if self.calls() > 0 && reason == "STOP" {
            end["finishMessage"] = "Model generated function call(s).".into();
        }
        events.push(event(&self.response(Some(end), self.usage(1, 1))));
        events.concat()
    }
}

fn event(response: &Value) -> String {
    format!("data: {response}\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{call, reply};

    fn chunks(model: &str, reply: &Reply) -> Vec<Value> {
        let text = String::from_utf8(answer(model, true, reply, 1).0.body).unwrap();
        let events = text.split_terminator("\r\n\r\n");
        events
            .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn text_comes_in_pieces_with_counts_that_grow_and_a_signature_at_its_end() {
        let chunks = chunks("gemini-4-hydrogen", &reply("Grüße aus dem Teich").tokens(100, 30, 60));

        let part = |chunk: &Value| chunk["candidates"][0]["content"]["parts"][0].clone();
        let text: String = chunks
            .iter()
            .filter_map(|chunk| part(chunk)["text"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(text, "Grüße aus dem Teich");
        let last = &chunks[chunks.len() - 1];
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        let usage = &last["usageMetadata"];
        assert_eq!(
            (
                &usage["promptTokenCount"],
                &usage["cachedContentTokenCount"],
                &usage["candidatesTokenCount"]
            ),
            (&json!(100), &json!(60), &json!(30))
        );
        assert!(chunks[0]["usageMetadata"]["candidatesTokenCount"].as_u64() < Some(30));
        assert_eq!(part(&chunks[chunks.len() - 2])["thoughtSignature"], "c2lnbmVk00000001");
    }

    #[test]
    fn calls_come_whole_and_only_the_newer_models_give_ids_and_signatures() {
        let reply = call("ls", "{\"a\":1}").and_call("ls", "{}").thinking("Hm, so", "c2ln");

        let (_, new) = answer("gemini-4-hydrogen", true, &reply, 1);
        let (_, old) = answer("gemini-2.5-flash", true, &call("ls", "{}"), 1);

        assert_eq!(new[0], json!({ "text": "Hm, so", "thought": true }));
        assert_eq!(
            new[1],
            json!({ "functionCall": { "id": "fc00010001", "name": "ls", "args": { "a": 1 } }, "thoughtSignature": "c2ln" })
        );
        assert_eq!(
            new[2],
            json!({ "functionCall": { "id": "fc00010002", "name": "ls", "args": {} } })
        );
        assert_eq!(old, [json!({ "functionCall": { "name": "ls", "args": {} } })]);
        let usage = &chunks("gemini-4-hydrogen", &reply)[0]["usageMetadata"];
        assert_eq!(usage["thoughtsTokenCount"], 10);
    }

    #[test]
    fn every_end_has_its_form() {
        let reason = |reply: Reply| chunks("gemini-4-hydrogen", &reply).pop().unwrap();

        let finish = |reply: Reply| reason(reply)["candidates"][0]["finishReason"].clone();
        assert_eq!(finish(reply("a").stop(Stop::Length)), "MAX_TOKENS");
        assert_eq!(finish(reply("a").stop(Stop::Filtered)), "SAFETY");
        assert_eq!(finish(call("ls", "{\"x\":")), "MALFORMED_FUNCTION_CALL");
        let blocked = reason(reply("a").stop(Stop::Refused));
        assert_eq!(blocked["promptFeedback"]["blockReason"], "PROHIBITED_CONTENT");
        assert!(blocked.get("candidates").is_none());
    }
}
