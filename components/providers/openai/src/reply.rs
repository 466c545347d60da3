//! Reads a response in whichever format it comes.

use openkoi_provider_wire::body::{Body, End, interrupted};
use openkoi_sdk::{
    Failure, Result,
    provider::{Broken, Decoder, Event},
};
use serde_json::Value;

use crate::{chat, responses};

/// Reads one response.
#[derive(Debug, Default)]
pub struct Reply {
    body: Body,
    answer: Option<Answer>,
    ended: bool,
}

#[derive(Debug)]
enum Answer {
    Chat(chat::decode::Answer),
    Responses(responses::decode::Answer),
}

impl Decoder for Reply {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        let mut data = Vec::new();
        let read = self.body.push(bytes, &mut data);
        for event in data {
            self.data(&event.data, events)?;
        }
        Ok(read?)
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        match self.body.finish()? {
            End::Document(document) => self.document(&document, events),
            End::Stream(event) => {
                if let Some(event) = event {
                    self.data(&event.data, events)?;
                }
                self.end(events)
            }
        }
    }
}

impl Reply {
    fn data(&mut self, data: &str, events: &mut Vec<Event>) -> Result<(), Broken> {
        match data.trim() {
            "" => Ok(()),
            // What comes after the end is not part of the answer.
            _ if self.ended => Ok(()),
            "[DONE]" => {
                self.ended = true;
                match self.answer.get_or_insert_with(Answer::chat) {
                    Answer::Chat(answer) => {
                        answer.end(events);
                        Ok(())
                    }
                    Answer::Responses(answer) => answer.finish(),
                }
            }
            data => {
                let value = serde_json::from_str(data).map_err(|_| {
                    Failure::unavailable("the provider sent something that is not JSON")
                })?;
                self.value(&value, events)
            }
        }
    }

    fn value(&mut self, value: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        match self.answer.get_or_insert_with(|| Answer::of(value)) {
            Answer::Chat(answer) => answer.chunk(value, events),
            Answer::Responses(answer) => {
                answer.event(value, events)?;
                self.ended = answer.is_finished();
                Ok(())
            }
        }
    }

    fn document(&mut self, document: &Value, events: &mut Vec<Event>) -> Result<(), Broken> {
        match Answer::of(document) {
            Answer::Chat(mut answer) => answer.document(document, events),
            Answer::Responses(mut answer) => answer.document(document, events),
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        match &mut self.answer {
            _ if self.ended => Ok(()),
            None => Err(interrupted().into()),
            Some(Answer::Chat(answer)) => answer.finish(events),
            Some(Answer::Responses(answer)) => answer.finish(),
        }
    }
}

impl Answer {
    fn chat() -> Self {
        Self::Chat(chat::decode::Answer::default())
    }

    /// Decides by what only Responses has: events with a type, and documents that say what they are.
    fn of(value: &Value) -> Self {
        let kind = value["type"].as_str().unwrap_or_default();
        if kind.starts_with("response.") || kind == "error" || value["object"] == "response" {
            Self::Responses(responses::decode::Answer::default())
        } else {
            Self::chat()
        }
    }
}
