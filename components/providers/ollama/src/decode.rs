//! Reads an answer, one line of JSON after another.

use openkoi_provider_wire::body::interrupted;
use openkoi_sdk::{
    Failure, Result, ndjson,
    provider::{Broken, CallDelta, CallStart, Decoder, Event, Reasoning, StopReason, Usage},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{fault, window};

/// Thoughts, to be sent back with the calls that they led to.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct State {
    /// Names this format, because a fallback may meet the state of another.
    format: Format,
    /// The thoughts as they came.
    pub thinking: String,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Format {
    #[serde(rename = "ollama")]
    Ollama,
}

impl State {
    /// Reads the state of `reasoning`, if this codec wrote it.
    pub(crate) fn read(reasoning: &Reasoning) -> Option<Self> {
        serde_json::from_str(&reasoning.state).ok()
    }
}

/// Reads one response.
#[derive(Debug, Default)]
pub struct Reply {
    lines: ndjson::Reader,
    /// The tokens that the model was asked to read, if the answer can be measured by them.
    window: Option<u64>,
    model: bool,
    thoughts: String,
    calls: u32,
    finished: bool,
}

impl Decoder for Reply {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        let mut lines: Vec<Value> = Vec::new();
        let read = self.lines.push(bytes, &mut lines);
        for line in lines {
            self.line(&line, events)?;
        }
        Ok(read.map_err(unreadable)?)
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        if let Some(line) = self.lines.finish::<Value>().map_err(|_| interrupted())? {
            self.line(&line, events)?;
        }
        if !self.finished {
            return Err(interrupted().into());
        }
        Ok(())
    }
}

fn unreadable(failure: Failure) -> Failure {
    match failure {
        Failure::Limited(_) => failure,
        _ => Failure::failed("the provider sent something that is not JSON; check its `base-url`"),
    }
}

impl Reply {
    /// Begins an answer of a model that was asked to read so many tokens.
    pub fn new(window: Option<u64>) -> Self {
        Self { window, ..Self::default() }
    }

    fn line(&mut self, line: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        if self.finished {
            return Ok(());
        }
        if !line["error"].is_null() {
            return Err(fault::in_stream(line).into());
        }
        if !self.model
            && let Some(model) = line["model"].as_str().filter(|model| !model.is_empty())
        {
            self.model = true;
            events.push(Event::Model(model.to_owned()));
        }
        self.message(&line["message"], line, events);
        if line["done"] == true {
            return self.end(line, events);
        }
        Ok(())
    }

    fn message(&mut self, message: &Value, line: &Value, events: &mut Vec<Event>) {
        let text = |field: &str| message[field].as_str().filter(|text| !text.is_empty());
        if let Some(thought) = text("thinking") {
            self.thoughts.push_str(thought);
            events.push(Event::Thought(thought.to_owned()));
        }
        if let Some(content) = text("content") {
            self.flush(events);
            events.push(Event::Text(content.to_owned()));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            self.flush(events);
            self.call(call, line, events);
        }
    }

    /// A call always comes whole.
    fn call(&mut self, call: &Value, line: &Value, events: &mut Vec<Event>) {
        let index = self.calls;
        self.calls += 1;
        let function = &call["function"];
        let id = call["id"].as_str().filter(|id| !id.is_empty());
        events.push(Event::CallStarted(CallStart {
            index,
            id: id.map_or_else(|| made_up(index, line), str::to_owned),
            name: function["name"].as_str().unwrap_or_default().to_owned(),
        }));
        let json = match &function["arguments"] {
            Value::Null => "{}".to_owned(),
            Value::String(text) => text.clone(),
            arguments => arguments.to_string(),
        };
        events.push(Event::CallArguments(CallDelta { index, json }));
    }

    fn flush(&mut self, events: &mut Vec<Event>) {
        if self.thoughts.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.thoughts);
        let state = State { format: Format::Ollama, thinking: text.clone() };
        // A struct of strings can always be written.
        let state = serde_json::to_string(&state).unwrap_or_default();
        events.push(Event::Reasoning(Reasoning { text, state }));
    }

    fn end(&mut self, line: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        self.finished = true;
        self.flush(events);
        let count = |field: &str| line[field].as_u64();
        let (read, written) = (count("prompt_eval_count"), count("eval_count"));
        if read.is_some() || written.is_some() {
            events.push(Event::Usage(Usage {
                input: read,
                output: written,
                cache_read: count("prompt_eval_cached_count"),
                cache_write: None,
                reasoning: None,
            }));
        }
        if let Some(window) = self.window {
            window::check(window, read.unwrap_or(0), written.unwrap_or(0))?;
        }
        events.push(Event::Finished(self.stop(line["done_reason"].as_str())));
        Ok(())
    }

    fn stop(&self, reason: Option<&str>) -> StopReason {
        match reason {
            Some("length") => StopReason::Length,
            // Older versions give no reason.
            None | Some("" | "stop") if self.calls > 0 => StopReason::ToolCalls,
            None | Some("" | "stop") => StopReason::Finished,
            // `load` and `unload`: the model came or went, and nothing was said.
            Some(other) => StopReason::Other(other.to_owned()),
        }
    }
}

/// Versions before ids came up tell calls apart by their order only. The time keeps those of several answers apart.
fn made_up(index: u32, line: &Value) -> String {
    let time = line["created_at"].as_str().unwrap_or_default();
    let time: String = time.chars().filter(char::is_ascii_digit).take(24).collect();
    format!("call_{index}_{time}")
}

#[cfg(test)]
mod tests;
