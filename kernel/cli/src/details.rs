//! What `-v` adds to the progress lines: the arguments of calls, the sizes of their outputs, and the tokens of turns.

use std::sync::Arc;

use openkoi_core::{
    event::{Entry, Event},
    message::{Role, Usage},
    port::{Delta, Listener},
};

use crate::{
    output::{bytes, count, duration, sanitise_line},
    watch::{ProgressLines, cut},
};

/// The most characters of a call's arguments that are shown.
const ARGUMENTS: usize = 500;

/// A listener that adds details to progress lines.
pub(crate) struct Details(pub(crate) Arc<ProgressLines>);

impl Listener for Details {
    fn event(&self, entry: &Entry) {
        if let Some(line) = detail(&entry.event) {
            self.0.detail(&line);
        }
    }

    fn delta(&self, _: &Role, _: Delta<'_>) -> bool {
        false
    }
}

fn detail(event: &Event) -> Option<String> {
    Some(match event {
        Event::CallStarted { call, .. } => {
            format!("{} {}", call.name, cut(&sanitise_line(&call.arguments), ARGUMENTS))
        }
        Event::CallFinished { tool, result: Ok(output), duration_ms } => {
            let size = bytes(output.text.len() as u64);
            let took = duration(*duration_ms);
            let saved = output.saved.as_ref().map(|path| format!("; the whole is in {path}"));
            format!("{tool} gave {size} in {took}{}", saved.unwrap_or_default())
        }
        Event::CallFinished { tool, result: Err(failure), .. } => {
            format!("{tool}: {}", sanitise_line(&failure.to_string()))
        }
        Event::TurnFinished { role, model, result: Ok(turn), .. } => {
            format!("{role} turn of {model}: {}", tokens(&turn.usage))
        }
        Event::PromptReduced { reason } => {
            format!("prompt made smaller: {}", sanitise_line(reason))
        }
        Event::SchemaRefused { reason } => {
            format!("the provider takes no schema for its answer: {}", sanitise_line(reason))
        }
        Event::ResultAsked { misfit } => {
            format!("the result is asked for again: {}", sanitise_line(misfit))
        }
        _ => return None,
    })
}

fn tokens(usage: &Usage) -> String {
    let told = |tokens: Option<u64>| tokens.map_or("?".to_owned(), count);
    let mut words = format!("{} tokens in", told(usage.input));
    if let Some(cached) = usage.cache_read.filter(|cached| *cached > 0) {
        words.push_str(&format!(" ({} cached)", count(cached)));
    }
    format!("{words}, {} out", told(usage.output))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(event: serde_json::Value) -> Option<String> {
        detail(&serde_json::from_value(event).unwrap())
    }

    #[test]
    fn calls_are_shown_with_their_arguments_and_the_size_of_what_they_gave() {
        let started = json!({
            "event": "call.started", "origin": "files", "idempotent": true, "target": "a", "effect": "read",
            "call": { "id": "1", "name": "read_file", "arguments": "{\"path\":\"a\\u001b\"}" },
        });
        assert_eq!(shown(started).unwrap(), "read_file {\"path\":\"a\\u001b\"}");

        let output = json!({
            "text": "x".repeat(2048), "structured": null, "attachments": [], "summary": "", "saved": "/t/1.txt",
            "receipts": [],
        });
        let finished = json!({
            "event": "call.finished", "tool": "read_file", "result": { "Ok": output }, "duration_ms": 1500,
        });
        let line = shown(finished).unwrap();
        assert!(line.starts_with("read_file gave 2"), "{line}");
        assert!(line.ends_with("; the whole is in /t/1.txt"), "{line}");
    }

    #[test]
    fn a_turn_is_shown_with_its_tokens() {
        let usage =
            Usage { input: Some(1_200), output: None, cache_read: Some(900), ..Usage::default() };

        assert_eq!(
            tokens(&usage),
            format!("{} tokens in ({} cached), ? out", count(1_200), count(900))
        );
    }

    #[test]
    fn what_the_progress_lines_tell_is_not_told_again() {
        assert_eq!(shown(json!({ "event": "iteration.started", "number": 1 })), None);
    }
}
