//! Reads an answer of Chat Completions, streamed or whole.
//!
//! The reason for which the model stopped comes before the usage, so the end of the turn is reported with `[DONE]`
//! or, because not every service sends that, with the end of a stream that had a reason. A stream without
//! either was cut.

use openkoi_provider_wire::{body::interrupted, fault};
use openkoi_sdk::{
    Failure, Result,
    provider::{Broken, Diagnosis, Event, Problem, StopReason, Usage},
};
use serde_json::Value;

use super::{calls::Calls, thoughts::Thoughts};

/// Reads one answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    calls: Calls,
    thoughts: Thoughts,
    model: String,
    stop: Option<String>,
    has_text: bool,
    refused: bool,
}

impl Answer {
    /// Takes the next chunk of a stream.
    ///
    /// # Errors
    ///
    /// An error that the service reports.
    pub(crate) fn chunk(&mut self, chunk: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        // `object` is how some local servers mark an error.
        if is_error(&chunk["error"]) || chunk["object"] == "error" {
            return Err(fault::in_stream(chunk).into());
        }
        base_resp(&chunk["base_resp"])?;
        self.head(chunk, events);
        let choices = chunk["choices"].as_array();
        // One answer is asked for; others would be alternatives to it.
        let choice = choices.and_then(|choices| {
            choices.iter().find(|choice| choice["index"].as_u64().unwrap_or(0) == 0)
        });
        if let Some(choice) = choice {
            self.choice(choice, events)?;
        }
        let counts = [
            &chunk["usage"],
            &chunk["x_groq"]["usage"],
            choice.map_or(&Value::Null, |choice| &choice["usage"]),
        ];
        if let Some(counts) = counts.into_iter().find(|counts| counts.is_object()) {
            events.push(Event::Usage(usage(counts)));
        }
        Ok(())
    }

    /// Takes a whole answer.
    ///
    /// # Errors
    ///
    /// An error that the service reports, or a document that is not an answer.
    pub(crate) fn document(
        &mut self,
        document: &Value,
        events: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        self.chunk(document, events)?;
        if !document["choices"].is_array() {
            return Err(Failure::failed("the provider's answer is not a chat completion").into());
        }
        self.end(events);
        Ok(())
    }

    /// Takes the word that the stream is at its end.
    pub(crate) fn end(&mut self, events: &mut Vec<Event>) {
        self.thoughts.flush(events);
        self.calls.finish(events);
        events.push(Event::Finished(self.stop_reason()));
    }

    /// Takes the end of a stream that did not say so.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if it was cut short.
    pub(crate) fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        if self.stop.is_none() {
            return Err(interrupted().into());
        }
        self.end(events);
        Ok(())
    }

    fn head(&mut self, chunk: &Value, events: &mut Vec<Event>) {
        if let Some(id) = chunk["id"].as_str() {
            self.calls.answer_id(id);
        }
        if let Some(model) = chunk["model"].as_str()
            && self.model.is_empty()
            && !model.is_empty()
        {
            self.model = model.to_owned();
            events.push(Event::Model(self.model.clone()));
        }
    }

    fn choice(&mut self, choice: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        if is_error(&choice["error"]) {
            return Err(fault::in_stream(choice).into());
        }
        let message = &choice["message"];
        let delta = if message.is_object() { message } else { &choice["delta"] };
        self.thoughts.take(delta, events);
        self.content(&delta["content"], events);
        if let Some(refusal) = delta["refusal"].as_str().filter(|text| !text.is_empty()) {
            self.refused = true;
            self.text(refusal, events);
        }
        if let Some(pieces) = delta["tool_calls"].as_array().filter(|list| !list.is_empty()) {
            self.thoughts.flush(events);
            self.calls.take(pieces, events);
        }
        match choice["finish_reason"].as_str() {
            None | Some("" | "null") => Ok(()),
            Some(reason) => self.stopped(reason),
        }
    }

    /// Takes text, or a list of blocks of which some are reasoning.
    fn content(&mut self, content: &Value, events: &mut Vec<Event>) {
        match content {
            Value::String(text) => self.text(text, events),
            Value::Array(blocks) => {
                for block in blocks {
                    self.content(&block["text"], events);
                    for thought in block["thinking"].as_array().into_iter().flatten() {
                        self.thoughts.say(thought["text"].as_str().unwrap_or_default(), events);
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, events: &mut Vec<Event>) {
        if !text.is_empty() {
            self.has_text = true;
            self.thoughts.flush(events);
            events.push(Event::Text(text.to_owned()));
        }
    }

    fn stopped(&mut self, reason: &str) -> Result<(), Broken> {
        if matches!(reason, "error" | "network_error" | "insufficient_system_resource") {
            let message = format!("the provider broke off its answer: {reason}");
            return Err(fault::broken_off(message).into());
        }
        // Some services say it again with the usage.
        self.stop.get_or_insert_with(|| reason.to_owned());
        Ok(())
    }

    fn stop_reason(&self) -> StopReason {
        let Some(reason) = self.stop.as_deref() else {
            return self.unsaid();
        };
        match reason {
            "length" | "max_tokens" | "model_length" => StopReason::Length,
            "content_filter" => StopReason::Filtered,
            "refusal" => StopReason::Refused,
            "pause" | "pause_turn" => StopReason::Paused,
            "stop" | "eos" | "end_turn" | "stop_sequence" | "tool_calls" | "tool_use"
            | "function_call" => self.complete(),
            other => StopReason::Other(other.to_owned()),
        }
    }

    /// The model came to its end. When it had to call a tool, services say `stop` for that as well, and some say
    /// `tool_calls` where there are none.
    fn complete(&self) -> StopReason {
        if !self.calls.is_empty() {
            StopReason::ToolCalls
        } else if self.refused {
            StopReason::Refused
        } else {
            StopReason::Finished
        }
    }

    /// The stream was ended without a reason: what was said counts, but nothing at all is not an answer.
    fn unsaid(&self) -> StopReason {
        if self.has_text || !self.calls.is_empty() {
            self.complete()
        } else {
            StopReason::Other("empty".to_owned())
        }
    }
}

fn is_error(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// MiniMax reports errors with status 200, in a field of its own:
/// <https://platform.minimax.io/docs/api-reference/errorcode>.
fn base_resp(base: &Value) -> Result<(), Broken> {
    let Some(code) = base["status_code"].as_i64().filter(|code| *code != 0) else {
        return Ok(());
    };
    let message = base["status_msg"].as_str().unwrap_or("the provider broke off its answer");
    let problem = match code {
        1002 | 1039 | 1041 => Problem::RateLimited,
        // Unknown, timeout, internal, overload, and faults of what it runs on.
        1000 | 1001 | 1013 | 1024 | 1033 => Problem::Overloaded,
        1004 | 2049 => Problem::Credentials,
        1008 => Problem::Quota,
        1026 | 1027 => Problem::Refused,
        2013 => Problem::InvalidRequest,
        _ => Problem::Other,
    };
    let message = format!("{message} ({code})");
    Err(Diagnosis { problem, message, retry_after_ms: None }.into())
}

fn usage(counts: &Value) -> Usage {
    let count = |path: &[&str]| {
        let value = path.iter().fold(counts, |value, field| &value[*field]);
        value.as_u64()
    };
    let input = count(&["prompt_tokens"]);
    let output = count(&["completion_tokens"]);
    let reasoning = count(&["completion_tokens_details", "reasoning_tokens"]);
    // Some services leave reasoning out of the output; only the sum shows it.
    let apart = match (input, output, reasoning, count(&["total_tokens"])) {
        (Some(input), Some(output), Some(reasoning), Some(total)) if reasoning > 0 => {
            total == input.saturating_add(output).saturating_add(reasoning)
        }
        _ => false,
    };
    Usage {
        input,
        output: match output {
            Some(output) if apart => Some(output + reasoning.unwrap_or(0)),
            output => output,
        },
        cache_read: count(&["prompt_tokens_details", "cached_tokens"])
            .or(count(&["prompt_cache_hit_tokens"]))
            .or(count(&["cached_tokens"])),
        cache_write: count(&["prompt_tokens_details", "cache_write_tokens"]),
        reasoning,
    }
}

#[cfg(test)]
mod tests;
