//! Reads an answer of Responses, streamed or whole.

use std::collections::BTreeMap;

use openkoi_provider_wire::{body::interrupted, fault};
use openkoi_sdk::{
    Failure, Result,
    provider::{Broken, CallDelta, CallStart, Event, Reasoning, StopReason, Usage},
};
use serde_json::Value;

use super::encode::{Format, State};

/// Reads one answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    model: String,
    /// Calls by their place among the items of the answer.
    calls: BTreeMap<u64, Call>,
    /// Places of items whose text has come.
    texts: Vec<u64>,
    refused: bool,
    finished: bool,
}

#[derive(Debug)]
struct Call {
    index: u32,
    has_arguments: bool,
}

impl Answer {
    /// Takes the next event of a stream.
    ///
    /// # Errors
    ///
    /// An error that the service reports.
    pub(crate) fn event(&mut self, event: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        let place = event["output_index"].as_u64().unwrap_or(0);
        let delta = event["delta"].as_str().unwrap_or_default();
        match event["type"].as_str().unwrap_or_default() {
            "error" => return Err(fault::in_stream(event).into()),
            "response.failed" => return Err(fault::in_stream(&event["response"]).into()),
            "response.created" | "response.in_progress" => self.head(&event["response"], events),
            "response.output_item.added" => self.begin(place, &event["item"], events),
            "response.output_item.done" => self.complete(place, &event["item"], events),
            "response.output_text.delta" => self.text(place, delta, events),
            "response.refusal.delta" => {
                self.refused = true;
                self.text(place, delta, events);
            }
            "response.function_call_arguments.delta" => self.arguments(place, delta, events),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                events.push(Event::Thought(delta.to_owned()));
            }
            "response.reasoning_summary_part.added"
                if event["summary_index"].as_u64() > Some(0) =>
            {
                events.push(Event::Thought("\n\n".to_owned()));
            }
            "response.completed" | "response.incomplete" => self.end(&event["response"], events),
            _ => {}
        }
        Ok(())
    }

    /// Takes a whole answer.
    ///
    /// # Errors
    ///
    /// An error that the service reports.
    pub(crate) fn document(
        &mut self,
        document: &Value,
        events: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        if document["error"].is_object() {
            return Err(fault::in_stream(document).into());
        }
        let Some(items) = document["output"].as_array() else {
            return Err(Failure::failed("the provider's answer is not a response").into());
        };
        self.head(document, events);
        for (place, item) in (0..).zip(items) {
            self.complete(place, item, events);
        }
        self.end(document, events);
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    ///
    /// [`Failure::Unavailable`] if it was cut short.
    pub(crate) fn finish(&self) -> Result<(), Broken> {
        if self.finished { Ok(()) } else { Err(interrupted().into()) }
    }

    /// Returns whether the answer is complete.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    fn head(&mut self, response: &Value, events: &mut Vec<Event>) {
        let model = response["model"].as_str().unwrap_or_default();
        if self.model.is_empty() && !model.is_empty() {
            self.model = model.to_owned();
            events.push(Event::Model(self.model.clone()));
        }
    }

    fn begin(&mut self, place: u64, item: &Value, events: &mut Vec<Event>) {
        if item["type"] != "function_call" || self.calls.contains_key(&place) {
            return;
        }
        let index = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        let call = Call { index, has_arguments: false };
        self.calls.insert(place, call);
        let id = item["call_id"].as_str().or(item["id"].as_str());
        events.push(Event::CallStarted(CallStart {
            index,
            id: id.map_or_else(|| format!("call_{index}"), str::to_owned),
            name: item["name"].as_str().unwrap_or_default().to_owned(),
        }));
    }

    fn arguments(&mut self, place: u64, json: &str, events: &mut Vec<Event>) {
        if let Some(call) = self.calls.get_mut(&place)
            && !json.is_empty()
        {
            call.has_arguments = true;
            events
                .push(Event::CallArguments(CallDelta { index: call.index, json: json.to_owned() }));
        }
    }

    fn text(&mut self, place: u64, text: &str, events: &mut Vec<Event>) {
        if !text.is_empty() {
            self.texts.push(place);
            events.push(Event::Text(text.to_owned()));
        }
    }

    /// Takes a complete item, and from it what did not come in pieces.
    fn complete(&mut self, place: u64, item: &Value, events: &mut Vec<Event>) {
        match item["type"].as_str() {
            Some("function_call") => {
                self.begin(place, item, events);
                if self.calls.get(&place).is_some_and(|call| !call.has_arguments) {
                    let whole = item["arguments"].as_str().filter(|text| !text.trim().is_empty());
                    self.arguments(place, whole.unwrap_or("{}"), events);
                }
            }
            Some("reasoning") => events.extend(reasoning(item)),
            Some("message") if !self.texts.contains(&place) => {
                for content in item["content"].as_array().into_iter().flatten() {
                    self.refused |= content["refusal"].is_string();
                    let text = content["text"].as_str().or(content["refusal"].as_str());
                    self.text(place, text.unwrap_or_default(), events);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, response: &Value, events: &mut Vec<Event>) {
        self.head(response, events);
        self.finished = true;
        if response["usage"].is_object() {
            events.push(Event::Usage(usage(&response["usage"])));
        }
        events.push(Event::Finished(self.stop_reason(response)));
    }

    fn stop_reason(&self, response: &Value) -> StopReason {
        match response["incomplete_details"]["reason"].as_str() {
            Some("max_output_tokens") => StopReason::Length,
            Some("content_filter") => StopReason::Filtered,
            Some(other) => StopReason::Other(other.to_owned()),
            None if !self.calls.is_empty() => StopReason::ToolCalls,
            None if self.refused => StopReason::Refused,
            None => StopReason::Finished,
        }
    }
}

fn reasoning(item: &Value) -> Option<Event> {
    let text = [&item["summary"], &item["content"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|part| part["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n\n");
    let state = State { format: Format::Responses, item: item.clone() };
    let state = serde_json::to_string(&state).ok()?;
    Some(Event::Reasoning(Reasoning { text, state }))
}

fn usage(counts: &Value) -> Usage {
    let input = &counts["input_tokens_details"];
    Usage {
        input: counts["input_tokens"].as_u64(),
        output: counts["output_tokens"].as_u64(),
        cache_read: input["cached_tokens"].as_u64(),
        cache_write: input["cache_write_tokens"].as_u64(),
        reasoning: counts["output_tokens_details"]["reasoning_tokens"].as_u64(),
    }
}
