//! Reads an answer of `streamGenerateContent`, streamed or whole.
//!
//! Each event is a whole response with the next parts. Counts are those known so far, calls come in one piece, and the
//! reason why the model stopped is not the end: it may come twice, with parts between and after. The end is the end of
//! the stream, which is complete if a reason came.

use openkoi_provider_wire::body::{Body, End, interrupted};
use openkoi_sdk::{
    Failure, Result,
    provider::{Broken, CallDelta, CallStart, Decoder, Event, StopReason, Usage},
};
use serde_json::Value;

use crate::{
    contents::MADE_UP,
    fault,
    signature::{On, State},
};

/// Reads one response.
#[derive(Debug, Default)]
pub struct Reply {
    body: Body,
    stray: Stray,
    answer: Answer,
}

impl Decoder for Reply {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        self.stray.push(bytes);
        let mut data = Vec::new();
        let read = self.body.push(bytes, &mut data);
        for event in data {
            self.answer.data(&event.data, events)?;
        }
        Ok(read?)
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        match self.body.finish()? {
            End::Document(document) => self.answer.document(&document, events)?,
            End::Stream(event) => {
                if let Some(event) = event {
                    self.answer.data(&event.data, events)?;
                }
                if let Some(error) = self.stray.error() {
                    return Err(fault::in_stream(&error).into());
                }
            }
        }
        self.answer.finish(events)
    }
}

/// An error after the events that is none itself: the service breaks off a stream with a bare JSON document, which
/// readers of events skip.
#[derive(Debug, Default)]
struct Stray {
    last: u8,
    bytes: Vec<u8>,
}

impl Stray {
    /// The most that is kept.
    const MOST: usize = 64 * 1024;

    /// Looks for a line that begins as no field does, and keeps what comes from there on.
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if !self.bytes.is_empty() || (*byte == b'{' && self.last == b'\n') {
                self.bytes.push(*byte);
            }
            if self.bytes.len() > Self::MOST {
                return;
            }
            self.last = *byte;
        }
    }

    fn error(&self) -> Option<Value> {
        let value: Value = serde_json::from_slice(&self.bytes).ok()?;
        value["error"].is_object().then_some(value)
    }
}

/// One answer.
#[derive(Debug, Default)]
struct Answer {
    model: String,
    calls: u32,
    /// The summary of thoughts since the last signature.
    summary: String,
    usage: Option<Usage>,
    stop: Option<String>,
    blocked: bool,
}

impl Answer {
    fn data(&mut self, data: &str, events: &mut Vec<Event>) -> Result<(), Broken> {
        // Services that pass requests on end with the mark of another format.
        if matches!(data.trim(), "" | "[DONE]") {
            return Ok(());
        }
        let chunk = serde_json::from_str(data)
            .map_err(|_| Failure::unavailable("the provider sent something that is not JSON"))?;
        self.chunk(&chunk, events)
    }

    /// Takes a whole answer, or the list of chunks that comes where the request for events is ignored.
    fn document(&mut self, document: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        match document {
            Value::Array(chunks) => {
                for chunk in chunks {
                    self.chunk(chunk, events)?;
                }
            }
            chunk => {
                let known = ["candidates", "promptFeedback", "error"];
                if known.iter().all(|field| chunk.get(field).is_none()) {
                    return Err(Failure::failed("the provider's answer is not a response").into());
                }
                self.chunk(chunk, events)?;
            }
        }
        Ok(())
    }

    fn chunk(&mut self, chunk: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        if chunk["error"].is_object() {
            return Err(fault::in_stream(chunk).into());
        }
        let model = chunk["modelVersion"].as_str().unwrap_or_default();
        if self.model.is_empty() && !model.is_empty() {
            self.model = model.to_owned();
            events.push(Event::Model(self.model.clone()));
        }
        self.blocked |= chunk["promptFeedback"]["blockReason"].is_string();
        // Only one candidate is asked for.
        let candidate = &chunk["candidates"][0];
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            self.part(part, chunk, events);
        }
        if let Some(reason) = candidate["finishReason"].as_str() {
            self.stop = Some(reason.to_owned());
        }
        self.count(&chunk["usageMetadata"], events);
        Ok(())
    }

    fn part(&mut self, part: &Value, chunk: &Value, events: &mut Vec<Event>) {
        let signature = part["thoughtSignature"].as_str().filter(|text| !text.is_empty());
        let text = part["text"].as_str().unwrap_or_default();
        if part["functionCall"].is_object() {
            self.sign(signature, On::Call, 0, events);
            self.call(&part["functionCall"], chunk, events);
        } else if part["thought"] == true {
            if !text.is_empty() {
                self.summary.push_str(text);
                events.push(Event::Thought(text.to_owned()));
            }
            self.sign(signature, On::Thought, text.len(), events);
        } else if part["text"].is_string() || part.as_object().is_some_and(|part| part.len() == 1) {
            // A part of nothing but a signature is an empty text.
            self.sign(signature, On::Text, text.len(), events);
            if !text.is_empty() {
                events.push(Event::Text(text.to_owned()));
            }
        }
        // Others are of tools that were not asked for.
    }

    fn sign(&mut self, signature: Option<&str>, on: On, length: usize, events: &mut Vec<Event>) {
        if let Some(signature) = signature {
            let summary = std::mem::take(&mut self.summary);
            events.push(Event::Reasoning(State::keep(signature, on, length, summary)));
        }
    }

    fn call(&mut self, call: &Value, chunk: &Value, events: &mut Vec<Event>) {
        let index = self.calls;
        self.calls += 1;
        let id = call["id"].as_str().filter(|id| !id.is_empty());
        events.push(Event::CallStarted(CallStart {
            index,
            id: id.map_or_else(|| made_up(chunk, index), str::to_owned),
            name: call["name"].as_str().unwrap_or_default().to_owned(),
        }));
        let arguments = &call["args"];
        let json = if arguments.is_object() { arguments.to_string() } else { "{}".to_owned() };
        events.push(Event::CallArguments(CallDelta { index, json }));
    }

    fn count(&mut self, counts: &Value, events: &mut Vec<Event>) {
        if !counts.is_object() {
            return;
        }
        let usage = usage(counts);
        if self.usage.as_ref() != Some(&usage) {
            self.usage = Some(usage);
            events.push(Event::Usage(usage));
        }
    }

    /// Ends the answer.
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        let stop = match self.stop.as_deref() {
            None if self.blocked => StopReason::Refused,
            None => return Err(interrupted().into()),
            Some("STOP") if self.calls > 0 => StopReason::ToolCalls,
            Some("STOP") => StopReason::Finished,
            Some("MAX_TOKENS") => StopReason::Length,
            Some(reason) if WITHHELD.contains(&reason) => StopReason::Filtered,
            Some(other) => StopReason::Other(other.to_owned()),
        };
        events.push(Event::Finished(stop));
        Ok(())
    }
}

/// Reasons for which the rest of an answer is withheld.
const WITHHELD: [&str; 8] = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];

/// Thoughts are counted beside the answer, and what built-in tools read beside the prompt.
fn usage(counts: &Value) -> Usage {
    let count = |name: &str| counts[name].as_u64();
    let sum = |one: &str, other: &str| match (count(one), count(other)) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
    };
    Usage {
        input: sum("promptTokenCount", "toolUsePromptTokenCount"),
        output: sum("candidatesTokenCount", "thoughtsTokenCount"),
        cache_read: count("cachedContentTokenCount"),
        cache_write: None,
        reasoning: count("thoughtsTokenCount"),
    }
}

/// Makes up an id for a call that came without. The chunk names its response and counts its prompt, so no other call of
/// a conversation gets the same, and reading the same bytes again gives it again.
fn made_up(chunk: &Value, index: u32) -> String {
    // FNV-1a, because what the standard library hashes with may change.
    let hash = chunk.to_string().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{MADE_UP}{hash:016x}-{index}")
}

#[cfg(test)]
mod tests;
