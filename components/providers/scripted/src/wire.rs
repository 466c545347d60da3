//! The body that passes from the encoder to the decoder: one JSON document a line, one line an event or several.

use openkoi_sdk::{
    Failure, Result, ndjson,
    provider::{
        Broken, CallDelta, CallStart, Decoder, Diagnosis, Event, Problem, Reasoning, StopReason,
        Usage,
    },
};
use serde::{Deserialize, Serialize};

/// Bytes of one event of a text that is repeated.
const CHUNK: usize = 8 * 1024;

/// One line.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    /// The model that answers.
    Model(String),
    /// More of the reasoning.
    Thought(String),
    /// A finished block of reasoning.
    Reasoning(String),
    /// More of the text.
    Text(String),
    /// Text that is said many times.
    Repeat {
        /// The text.
        text: String,
        /// How often.
        times: usize,
    },
    /// A call begins.
    Call {
        /// Which of the parallel calls.
        index: u32,
        /// Its id.
        id: String,
        /// The tool's name.
        name: String,
    },
    /// More of a call's arguments.
    Arguments {
        /// Which of the parallel calls.
        index: u32,
        /// The next piece.
        json: String,
    },
    /// The tokens that the turn took.
    Usage {
        /// Tokens of the request.
        input: Option<u64>,
        /// Tokens generated.
        output: Option<u64>,
        /// Tokens from the cache.
        cache_read: Option<u64>,
        /// Tokens written to the cache.
        cache_write: Option<u64>,
        /// Tokens of reasoning.
        reasoning: Option<u64>,
    },
    /// The service fails.
    Failure {
        /// Its status.
        status: u16,
        /// What it says.
        message: String,
        /// How long it asks to wait.
        retry_after_ms: Option<u64>,
    },
    /// The turn is complete.
    Finished(String),
}

/// Returns the meaning of an answer with `status`.
pub(crate) fn problem(status: u16) -> Problem {
    match status {
        401 => Problem::Credentials,
        402 => Problem::Quota,
        403 => Problem::Forbidden,
        404 => Problem::UnknownModel,
        413 => Problem::ContextOverflow,
        429 => Problem::RateLimited,
        500.. => Problem::Overloaded,
        _ => Problem::Other,
    }
}

/// Reads one body.
#[derive(Debug, Default)]
pub struct Reply {
    lines: ndjson::Reader,
    finished: bool,
}

impl Decoder for Reply {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        let mut lines = Vec::new();
        let read = self.lines.push(bytes, &mut lines);
        for line in lines {
            self.line(line, events)?;
        }
        Ok(read?)
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken> {
        if let Some(line) = self.lines.finish()? {
            self.line(line, events)?;
        }
        if self.finished {
            Ok(())
        } else {
            Err(Failure::unavailable("the scripted answer was interrupted").into())
        }
    }
}

impl Reply {
    fn line(&mut self, line: Line, events: &mut Vec<Event>) -> Result<(), Broken> {
        let event = match line {
            Line::Model(name) => Event::Model(name),
            Line::Thought(text) => Event::Thought(text),
            Line::Reasoning(text) => {
                Event::Reasoning(Reasoning { text, state: "{\"format\":\"scripted\"}".to_owned() })
            }
            Line::Text(text) => Event::Text(text),
            Line::Repeat { text, times } => {
                repeat(&text, times, events);
                return Ok(());
            }
            Line::Call { index, id, name } => Event::CallStarted(CallStart { index, id, name }),
            Line::Arguments { index, json } => Event::CallArguments(CallDelta { index, json }),
            Line::Usage { input, output, cache_read, cache_write, reasoning } => {
                Event::Usage(Usage { input, output, cache_read, cache_write, reasoning })
            }
            Line::Failure { status, message, retry_after_ms } => {
                let problem = problem(status);
                return Err(Diagnosis { problem, message, retry_after_ms }.into());
            }
            Line::Finished(reason) => {
                self.finished = true;
                Event::Finished(stop_reason(&reason))
            }
        };
        events.push(event);
        Ok(())
    }
}

fn repeat(text: &str, times: usize, events: &mut Vec<Event>) {
    let per_event = (CHUNK / text.len().max(1)).max(1);
    let mut left = times;
    while left > 0 && !text.is_empty() {
        let now = left.min(per_event);
        events.push(Event::Text(text.repeat(now)));
        left -= now;
    }
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "finished" => StopReason::Finished,
        "tool-calls" => StopReason::ToolCalls,
        "length" => StopReason::Length,
        "filtered" => StopReason::Filtered,
        "refused" => StopReason::Refused,
        "paused" => StopReason::Paused,
        other => StopReason::Other(other.to_owned()),
    }
}
