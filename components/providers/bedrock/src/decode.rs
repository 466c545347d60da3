//! Reads an answer of ConverseStream.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_provider_wire::body::interrupted;
use openkoi_sdk::{
    Failure, Result,
    provider::{Broken, CallDelta, CallStart, Decoder, Event, Reasoning, StopReason, Usage},
};
use serde_json::{Value, json};

use crate::{
    fault,
    frames::{Frame, Frames},
    messages::{Format, State},
};

/// Reads one response.
#[derive(Debug, Default)]
pub struct Reply {
    frames: Frames,
    /// Blocks that have begun and not ended, by their place.
    blocks: BTreeMap<u64, Block>,
    calls: u32,
    stop: Option<String>,
    finished: bool,
}

/// A block on its way. Only calls say that they begin.
#[derive(Debug, Default)]
struct Block {
    /// For a call, which of them it is.
    call: Option<u32>,
    has_input: bool,
    thought: Option<Thought>,
}

#[derive(Debug, Default)]
struct Thought {
    text: String,
    signature: Option<String>,
    /// The part that only the service can read.
    redacted: Vec<u8>,
}

impl Decoder for Reply {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        let mut frames = Vec::new();
        let read = self.frames.push(bytes, &mut frames);
        for frame in frames {
            if !self.finished {
                self.frame(&frame, events)?;
            }
        }
        Ok(read?)
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        if !self.finished {
            // Without the counts, which come last, an answer is complete all the same.
            if self.stop.is_none() || !self.frames.is_done() {
                return Err(interrupted().into());
            }
            self.end(events);
        }
        Ok(())
    }
}

impl Reply {
    fn frame(&mut self, frame: &Frame, events: &mut Vec<Event>) -> Result<(), Broken> {
        match frame.header(":message-type") {
            "exception" => {
                let error = serde_json::from_slice(&frame.payload).unwrap_or_default();
                Err(fault::in_stream(frame.header(":exception-type"), &error).into())
            }
            "error" => {
                let error = json!({ "message": frame.header(":error-message") });
                Err(fault::in_stream(frame.header(":error-code"), &error).into())
            }
            _ => {
                let event = serde_json::from_slice(&frame.payload).map_err(|_| {
                    Failure::unavailable("the provider sent something that is not JSON")
                })?;
                self.event(frame.header(":event-type"), &event, events);
                Ok(())
            }
        }
    }

    fn event(&mut self, kind: &str, event: &Value, events: &mut Vec<Event>) {
        let place = event["contentBlockIndex"].as_u64().unwrap_or(0);
        match kind {
            "contentBlockStart" => self.begin(place, &event["start"], events),
            "contentBlockDelta" => self.delta(place, &event["delta"], events),
            "contentBlockStop" => self.complete(place, events),
            "messageStop" => {
                self.stop = Some(event["stopReason"].as_str().unwrap_or_default().to_owned());
            }
            "metadata" => {
                events.push(Event::Usage(usage(&event["usage"])));
                if self.stop.is_some() {
                    self.end(events);
                }
            }
            // `messageStart`, which says nothing, and what later versions may add.
            _ => {}
        }
    }

    fn begin(&mut self, place: u64, start: &Value, events: &mut Vec<Event>) {
        let call = &start["toolUse"];
        if !call.is_object() {
            return;
        }
        let index = self.calls;
        self.calls += 1;
        let id = call["toolUseId"].as_str().filter(|id| !id.is_empty());
        events.push(Event::CallStarted(CallStart {
            index,
            id: id.map_or_else(|| format!("call_{index}"), str::to_owned),
            name: call["name"].as_str().unwrap_or_default().to_owned(),
        }));
        self.blocks.insert(place, Block { call: Some(index), ..Block::default() });
    }

    fn delta(&mut self, place: u64, delta: &Value, events: &mut Vec<Event>) {
        if let Some(text) = delta["text"].as_str().filter(|text| !text.is_empty()) {
            events.push(Event::Text(text.to_owned()));
        }
        let block = self.blocks.entry(place).or_default();
        let input = delta["toolUse"]["input"].as_str().filter(|input| !input.is_empty());
        if let (Some(index), Some(json)) = (block.call, input) {
            block.has_input = true;
            events.push(Event::CallArguments(CallDelta { index, json: json.to_owned() }));
        }
        let thought = &delta["reasoningContent"];
        if thought.is_object() {
            block.thought.get_or_insert_default().take(thought, events);
        }
    }

    fn complete(&mut self, place: u64, events: &mut Vec<Event>) {
        let Some(block) = self.blocks.remove(&place) else { return };
        if let (Some(index), false) = (block.call, block.has_input) {
            events.push(Event::CallArguments(CallDelta { index, json: "{}".to_owned() }));
        }
        events.extend(block.thought.map(Thought::event));
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        self.finished = true;
        let open: Vec<u64> = self.blocks.keys().copied().collect();
        for place in open {
            self.complete(place, events);
        }
        events.push(Event::Finished(match self.stop.as_deref().unwrap_or_default() {
            "end_turn" | "stop_sequence" => StopReason::Finished,
            "tool_use" => StopReason::ToolCalls,
            "max_tokens" | "model_context_window_exceeded" => StopReason::Length,
            "guardrail_intervened" | "content_filtered" => StopReason::Filtered,
            "refusal" => StopReason::Refused,
            other => StopReason::Other(other.to_owned()),
        }));
    }
}

impl Thought {
    fn take(&mut self, delta: &Value, events: &mut Vec<Event>) {
        if let Some(text) = delta["text"].as_str().filter(|text| !text.is_empty()) {
            self.text.push_str(text);
            events.push(Event::Thought(text.to_owned()));
        }
        if let Some(signature) = delta["signature"].as_str() {
            self.signature.get_or_insert_default().push_str(signature);
        }
        if let Some(data) = delta["redactedContent"].as_str() {
            // The vendor writes bytes in no other way; what cannot be read could not be sent back either.
            self.redacted.extend(STANDARD.decode(data).unwrap_or_default());
        }
    }

    fn event(self) -> Event {
        let block = if self.redacted.is_empty() {
            let mut text = json!({ "text": self.text });
            if let Some(signature) = self.signature {
                text["signature"] = signature.into();
            }
            json!({ "reasoningText": text })
        } else {
            json!({ "redactedContent": STANDARD.encode(&self.redacted) })
        };
        let state = State { format: Format::Converse, block };
        // JSON values can always be written.
        let state = serde_json::to_string(&state).unwrap_or_default();
        Event::Reasoning(Reasoning { text: self.text, state })
    }
}

/// The service counts what its cache read and wrote apart from the rest of the input.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>
fn usage(counts: &Value) -> Usage {
    let count = |name: &str| counts[name].as_u64();
    let (cache_read, cache_write) = (count("cacheReadInputTokens"), count("cacheWriteInputTokens"));
    let cached = [cache_read, cache_write].into_iter().flatten().fold(0, u64::saturating_add);
    Usage {
        input: count("inputTokens").map(|input| input.saturating_add(cached)),
        output: count("outputTokens"),
        cache_read,
        cache_write,
        reasoning: None,
    }
}

#[cfg(test)]
mod tests;
