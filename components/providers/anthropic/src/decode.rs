//! Reads an answer of the Messages API, streamed or whole.

use std::collections::BTreeMap;

use openkoi_provider_wire::{
    body::{Body, End, interrupted},
    fault,
};
use openkoi_sdk::{
    Failure, Result,
    provider::{Broken, CallDelta, CallStart, Decoder, Event, Reasoning, StopReason, Usage},
};
use serde_json::{Value, json};

use crate::messages::{Format, State};

/// Reads one response.
#[derive(Debug, Default)]
pub struct Reply {
    body: Body,
    answer: Answer,
}

impl Decoder for Reply {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        let mut data = Vec::new();
        let read = self.body.push(bytes, &mut data);
        for event in data {
            self.answer.data(&event.data, events)?;
        }
        Ok(read?)
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        match self.body.finish()? {
            End::Document(document) => self.answer.document(&document, events),
            End::Stream(event) => {
                if let Some(event) = event {
                    self.answer.data(&event.data, events)?;
                }
                self.answer.finish(events)
            }
        }
    }
}

/// One answer.
#[derive(Debug, Default)]
struct Answer {
    /// Blocks that have begun and not ended, by their place.
    blocks: BTreeMap<u64, Block>,
    calls: u32,
    counts: Counts,
    stop: Option<String>,
    finished: bool,
}

#[derive(Debug)]
enum Block {
    Call {
        index: u32,
        has_input: bool,
        /// The input that the block began with, which is all of it where nothing else comes.
        input: Value,
    },
    Thinking {
        text: String,
        signature: String,
    },
    /// Thoughts that only the service can read.
    Redacted(Value),
    /// Text, and what this version does not know.
    Other,
}

impl Answer {
    fn data(&mut self, data: &str, events: &mut Vec<Event>) -> Result<(), Broken> {
        // Some compatible services end with the mark of another format.
        if matches!(data.trim(), "" | "[DONE]") || self.finished {
            return Ok(());
        }
        let event = serde_json::from_str(data)
            .map_err(|_| Failure::unavailable("the provider sent something that is not JSON"))?;
        self.event(&event, events)
    }

    fn event(&mut self, event: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        let place = event["index"].as_u64().unwrap_or(0);
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => self.head(&event["message"], events),
            "content_block_start" => self.begin(place, &event["content_block"], events),
            "content_block_delta" => self.delta(place, &event["delta"], events),
            "content_block_stop" => self.complete(place, events),
            "message_delta" => {
                self.stop_with(&event["delta"]);
                self.count(&event["usage"], events);
            }
            "message_stop" => self.end(events),
            "error" => return Err(fault::in_stream(event).into()),
            // `ping`, and what later versions may add.
            _ => {}
        }
        Ok(())
    }

    fn document(&mut self, document: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        if document["type"] == "error" || document["error"].is_object() {
            return Err(fault::in_stream(document).into());
        }
        let Some(blocks) = document["content"].as_array() else {
            return Err(Failure::failed("the provider's answer is not a message").into());
        };
        self.head(document, events);
        for (place, block) in (0..).zip(blocks) {
            self.begin(place, block, events);
            self.complete(place, events);
        }
        self.stop_with(document);
        self.end(events);
        Ok(())
    }

    /// Ends the stream. The last event carries nothing, so a stream that lacks only that is complete.
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        if self.finished {
            return Ok(());
        }
        if self.stop.is_none() {
            return Err(interrupted().into());
        }
        self.end(events);
        Ok(())
    }

    fn head(&mut self, message: &Value, events: &mut Vec<Event>) {
        if let Some(model) = message["model"].as_str().filter(|model| !model.is_empty()) {
            events.push(Event::Model(model.to_owned()));
        }
        self.count(&message["usage"], events);
    }

    fn begin(&mut self, place: u64, block: &Value, events: &mut Vec<Event>) {
        let text = |field: &str| block[field].as_str().unwrap_or_default();
        let begun = match text("type") {
            "tool_use" => self.call(block, events),
            "thinking" => {
                say_thought(text("thinking"), events);
                Block::Thinking {
                    text: text("thinking").to_owned(),
                    signature: text("signature").to_owned(),
                }
            }
            "redacted_thinking" => Block::Redacted(block.clone()),
            "text" => {
                say(text("text"), events);
                Block::Other
            }
            _ => Block::Other,
        };
        self.blocks.insert(place, begun);
    }

    fn call(&mut self, block: &Value, events: &mut Vec<Event>) -> Block {
        let index = self.calls;
        self.calls += 1;
        let id = block["id"].as_str().filter(|id| !id.is_empty());
        events.push(Event::CallStarted(CallStart {
            index,
            id: id.map_or_else(|| format!("call_{index}"), str::to_owned),
            name: block["name"].as_str().unwrap_or_default().to_owned(),
        }));
        Block::Call { index, has_input: false, input: block["input"].clone() }
    }

    fn delta(&mut self, place: u64, delta: &Value, events: &mut Vec<Event>) {
        let value = |field: &str| delta[field].as_str().unwrap_or_default();
        match (value("type"), self.blocks.get_mut(&place)) {
            ("text_delta", _) => say(value("text"), events),
            ("input_json_delta", Some(Block::Call { index, has_input, .. })) => {
                let json = value("partial_json");
                if !json.is_empty() {
                    *has_input = true;
                    events.push(arguments(*index, json.to_owned()));
                }
            }
            ("thinking_delta", Some(Block::Thinking { text, .. })) => {
                text.push_str(value("thinking"));
                say_thought(value("thinking"), events);
            }
            ("signature_delta", Some(Block::Thinking { signature, .. })) => {
                signature.push_str(value("signature"));
            }
            // Citations, and what later versions may add.
            _ => {}
        }
    }

    fn complete(&mut self, place: u64, events: &mut Vec<Event>) {
        match self.blocks.remove(&place) {
            Some(Block::Call { index, has_input: false, input }) => {
                let json = if input.is_object() { input.to_string() } else { "{}".to_owned() };
                events.push(arguments(index, json));
            }
            Some(Block::Thinking { text, signature }) => {
                let block = json!({ "type": "thinking", "thinking": text, "signature": signature });
                events.push(reasoning(text, block));
            }
            Some(Block::Redacted(block)) => events.push(reasoning(String::new(), block)),
            Some(Block::Call { .. } | Block::Other) | None => {}
        }
    }

    fn stop_with(&mut self, delta: &Value) {
        if let Some(reason) = delta["stop_reason"].as_str() {
            self.stop = Some(reason.to_owned());
        }
    }

    fn count(&mut self, counts: &Value, events: &mut Vec<Event>) {
        if counts.is_object() {
            self.counts.update(counts);
            events.push(Event::Usage(self.counts.usage()));
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        self.finished = true;
        let open: Vec<u64> = self.blocks.keys().copied().collect();
        for place in open {
            self.complete(place, events);
        }
        events.push(Event::Finished(self.stop_reason()));
    }

    fn stop_reason(&self) -> StopReason {
        match self.stop.as_deref() {
            // A document of a compatible service may lack the reason.
            None if self.calls > 0 => StopReason::ToolCalls,
            None | Some("end_turn" | "stop_sequence") => StopReason::Finished,
            Some("tool_use") => StopReason::ToolCalls,
            Some("max_tokens" | "model_context_window_exceeded") => StopReason::Length,
            Some("refusal") => StopReason::Refused,
            Some("pause_turn") => StopReason::Paused,
            Some(other) => StopReason::Other(other.to_owned()),
        }
    }
}

/// The counts known so far. The service counts what its cache read and wrote apart from the rest of the input.
#[derive(Debug, Default)]
struct Counts {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
}

impl Counts {
    fn update(&mut self, counts: &Value) {
        let set = |count: &mut Option<u64>, value: &Value| *count = value.as_u64().or(*count);
        set(&mut self.input, &counts["input_tokens"]);
        set(&mut self.cache_read, &counts["cache_read_input_tokens"]);
        set(&mut self.cache_write, &counts["cache_creation_input_tokens"]);
        set(&mut self.output, &counts["output_tokens"]);
        set(&mut self.reasoning, &counts["output_tokens_details"]["thinking_tokens"]);
    }

    fn usage(&self) -> Usage {
        let cached = [self.cache_read, self.cache_write].into_iter().flatten();
        let cached = cached.fold(0, u64::saturating_add);
        Usage {
            input: self.input.map(|input| input.saturating_add(cached)),
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            reasoning: self.reasoning,
        }
    }
}

fn say(text: &str, events: &mut Vec<Event>) {
    if !text.is_empty() {
        events.push(Event::Text(text.to_owned()));
    }
}

fn say_thought(text: &str, events: &mut Vec<Event>) {
    if !text.is_empty() {
        events.push(Event::Thought(text.to_owned()));
    }
}

fn arguments(index: u32, json: String) -> Event {
    Event::CallArguments(CallDelta { index, json })
}

fn reasoning(text: String, block: Value) -> Event {
    let state = State { format: Format::Messages, block };
    // JSON values can always be written.
    let state = serde_json::to_string(&state).unwrap_or_default();
    Event::Reasoning(Reasoning { text, state })
}

#[cfg(test)]
mod tests;
