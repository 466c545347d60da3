//! Assembles a turn from the events of a codec.

use std::collections::BTreeSet;

use openkoi_core::message::{Part, Reasoning, Received, StopReason, ToolCall, Turn, Usage, tokens};

use crate::{
    bindings::{
        imports::openkoi::types::conversation as wit,
        provider::exports::openkoi::provider::codec::{CallStart, Diagnosis, Event},
    },
    convert, json, text,
};
use serde_json::Value;

/// The most tool calls of one turn. The others are left out, and the model is told.
const CALLS: usize = 128;
/// The longest arguments of one turn's calls together, in bytes.
const ARGUMENTS: usize = 1 << 20;
/// What is kept of arguments that are too long, in bytes. It is no JSON, so the call is refused and not run by half.
const BEGINNING: usize = 1 << 10;
/// The most text that is kept of a turn that breaks off, in bytes. An endless stream does not fill the journal.
const KEPT: usize = 1 << 20;
/// The longest name of a tool, in characters.
const NAME: usize = 128;

/// Events do not make a turn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AssemblyError {
    #[error("the answer has arguments for a tool call that never began")]
    Stray,
    #[error("the answer ended before it was complete")]
    CutShort,
}

/// The effect of an event.
#[derive(Debug)]
pub(super) enum Taken {
    /// The event is part of the turn.
    Kept,
    /// The event is part of the turn, and this is to be shown.
    Shown(Piece),
    /// The provider reports an error, and there will be no turn.
    Failed(Diagnosis),
}

/// A piece to be shown while a turn arrives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Thought(String),
}

enum Slot {
    Text(String),
    Reasoning(Reasoning),
    Call {
        index: u32,
        call: ToolCall,
    },
    /// A call beyond the limit, whose arguments are passed over.
    Beyond {
        index: u32,
    },
}

/// A turn under way.
pub(super) struct Assembly {
    slots: Vec<Slot>,
    calls: usize,
    /// Bytes of the arguments of all calls.
    argued: usize,
    /// Names of the calls whose arguments are cut.
    cut: BTreeSet<String>,
    usage: Usage,
    model: String,
    stop: Option<StopReason>,
    /// Bytes that the model wrote: text, thoughts and arguments.
    written: usize,
}

impl Assembly {
    /// Starts a turn of `model`.
    pub(super) fn new(model: &str) -> Self {
        Self {
            slots: Vec::new(),
            calls: 0,
            argued: 0,
            cut: BTreeSet::new(),
            usage: Usage::default(),
            model: model.to_owned(),
            stop: None,
            written: 0,
        }
    }

    /// Takes an event.
    pub(super) fn take(&mut self, event: Event) -> Result<Taken, AssemblyError> {
        match event {
            Event::Text(more) => {
                let piece = self.text(more).map(Piece::Text);
                return Ok(piece.map_or(Taken::Kept, Taken::Shown));
            }
            Event::Thought(more) => {
                self.written += more.len();
                return Ok(Taken::Shown(Piece::Thought(more)));
            }
            Event::Failed(diagnosis) => return Ok(Taken::Failed(diagnosis)),
            Event::Reasoning(reasoning) => {
                let wit::Reasoning { text, state } = reasoning;
                self.slots.push(Slot::Reasoning(Reasoning { text, state }));
            }
            Event::CallStarted(start) => self.start(start),
            Event::CallArguments(more) => self.arguments(more.index, &more.json)?,
            Event::Usage(usage) => self.count(usage),
            Event::Model(model) => self.model = text::one_line(&model, 200),
            Event::Finished(stop) => self.stop = Some(convert::stop_in(stop)),
        }
        Ok(Taken::Kept)
    }

    /// Returns the reason why the turn ended.
    pub(super) fn stop(&self) -> Result<StopReason, AssemblyError> {
        match self.stop.clone().ok_or(AssemblyError::CutShort)? {
            // Some providers report a normal end when the model waits for tools.
            StopReason::Finished if self.calls > 0 => Ok(StopReason::ToolCalls),
            stop => Ok(stop),
        }
    }

    /// Returns the part of a turn that broke off. `asked` estimates the tokens of the request.
    pub(super) fn received(self, asked: impl FnOnce() -> u64) -> Option<Received> {
        if self.written == 0 && self.slots.is_empty() && self.usage == Usage::default() {
            return None;
        }
        let mut left = KEPT;
        let parts = self.slots.into_iter().filter_map(|slot| match slot {
            Slot::Text(mut text) => {
                text.truncate(text.floor_char_boundary(left));
                left -= text.len();
                Some(Part::Text(text))
            }
            Slot::Reasoning(reasoning) => Some(Part::Reasoning(reasoning)),
            Slot::Call { .. } | Slot::Beyond { .. } => None,
        });
        let parts = parts.collect();
        // Most providers report counts at the end, which did not arrive.
        let output = self.usage.output.unwrap_or(0).max(tokens(self.written));
        let usage = Usage {
            input: self.usage.input.or_else(|| Some(asked())),
            output: Some(output),
            estimated: self.usage.input.is_none() || self.usage.output != Some(output),
            ..self.usage
        };
        Some(Received { parts, usage, model: self.model, shown: false, route: None })
    }

    /// Returns the turn.
    pub(super) fn finish(self, stop: StopReason) -> Turn {
        let mut taken = BTreeSet::new();
        let note = self.note();
        let parts = self.slots.into_iter().enumerate().filter_map(|(at, slot)| match slot {
            Slot::Text(text) => Some(Part::Text(text)),
            Slot::Reasoning(reasoning) => Some(Part::Reasoning(reasoning)),
            Slot::Call { mut call, .. } => {
                call.id = unique(&call.id, at, &taken);
                taken.insert(call.id.clone());
                call.arguments = settled(call.arguments);
                Some(Part::ToolCall(call))
            }
            Slot::Beyond { .. } => None,
        });
        let mut parts: Vec<Part> = parts.collect();
        if let Some(note) = note {
            let first = parts.iter().position(|part| matches!(part, Part::ToolCall(_)));
            parts.insert(first.unwrap_or(parts.len()), Part::Text(note));
        }
        Turn { parts, stop, usage: self.usage, model: self.model, route: None }
    }

    /// Says what of the turn's calls was left out. It stands before the calls, where the model reads it with their results.
    fn note(&self) -> Option<String> {
        let beyond = self.slots.iter().filter(|slot| matches!(slot, Slot::Beyond { .. })).count();
        let mut notes = Vec::new();
        if beyond > 0 {
            notes.push(format!(
                "{beyond} more tool calls were left out: one answer may have {CALLS}; make the others in the next one"
            ));
        }
        if !self.cut.is_empty() {
            let names: Vec<String> = self.cut.iter().map(|name| format!("`{name}`")).collect();
            notes.push(format!(
                "the arguments of {} were cut: those of one answer may have {ARGUMENTS} bytes; write in parts",
                names.join(", ")
            ));
        }
        (!notes.is_empty()).then(|| format!("[{}]", notes.join("; ")))
    }

    fn text(&mut self, more: String) -> Option<String> {
        if more.is_empty() {
            return None;
        }
        self.written += more.len();
        match self.slots.last_mut() {
            Some(Slot::Text(text)) => text.push_str(&more),
            _ => self.slots.push(Slot::Text(more.clone())),
        }
        Some(more)
    }

    fn start(&mut self, start: CallStart) {
        if self.calls == CALLS {
            self.slots.push(Slot::Beyond { index: start.index });
            return;
        }
        self.calls += 1;
        let call = ToolCall {
            id: text::one_line(&start.id, 200),
            name: text::one_line(&start.name, NAME),
            arguments: String::new(),
        };
        self.slots.push(Slot::Call { index: start.index, call });
    }

    /// Adds to the arguments of a call. An index that is used again means the call that began last with it.
    fn arguments(&mut self, index: u32, json: &str) -> Result<(), AssemblyError> {
        let slot = self.slots.iter_mut().rev().find(|slot| match slot {
            Slot::Call { index: own, .. } | Slot::Beyond { index: own } => *own == index,
            _ => false,
        });
        self.written += json.len();
        self.argued += json.len();
        match slot.ok_or(AssemblyError::Stray)? {
            Slot::Call { call, .. } if self.argued > ARGUMENTS => {
                call.arguments.truncate(call.arguments.floor_char_boundary(BEGINNING));
                self.cut.insert(call.name.clone());
            }
            Slot::Call { call, .. } => call.arguments.push_str(json),
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, later: wit::Usage) {
        let own = &mut self.usage;
        own.input = later.input.or(own.input);
        own.output = later.output.or(own.output);
        own.cache_read = later.cache_read.or(own.cache_read);
        own.cache_write = later.cache_write.or(own.cache_write);
        own.reasoning = later.reasoning.or(own.reasoning);
    }
}

/// Returns the arguments as one object where a service sent an empty one before or after it, so that what goes back to
/// the provider is JSON.
fn settled(arguments: String) -> String {
    match json::one_object(&arguments) {
        Ok(value)
            if arguments.contains("}{") && serde_json::from_str::<Value>(&arguments).is_err() =>
        {
            value.to_string()
        }
        _ => arguments,
    }
}

/// Returns the id, or another if it is empty or taken by a previous call.
fn unique(id: &str, at: usize, taken: &BTreeSet<String>) -> String {
    if !id.is_empty() && !taken.contains(id) {
        return id.to_owned();
    }
    let base = if id.is_empty() { "call" } else { id };
    let mut candidates = (at..).map(|n| format!("{base}_{n}"));
    candidates.find(|candidate| !taken.contains(candidate)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::provider::exports::openkoi::provider::codec::CallDelta;

    fn started(index: u32, id: &str, name: &str) -> Event {
        Event::CallStarted(CallStart { index, id: id.to_owned(), name: name.to_owned() })
    }

    fn arguments(index: u32, json: &str) -> Event {
        Event::CallArguments(CallDelta { index, json: json.to_owned() })
    }

    fn finished() -> Event {
        Event::Finished(wit::StopReason::Finished)
    }

    fn assemble(events: Vec<Event>) -> Result<Turn, AssemblyError> {
        let mut assembly = Assembly::new("m");
        for event in events {
            assembly.take(event)?;
        }
        let stop = assembly.stop()?;
        Ok(assembly.finish(stop))
    }

    fn received(events: Vec<Event>) -> Option<Received> {
        let mut assembly = Assembly::new("m");
        for event in events {
            assembly.take(event).unwrap();
        }
        assembly.received(|| 100)
    }

    #[test]
    fn parts_stay_in_the_order_of_their_events() {
        let turn = assemble(vec![
            Event::Text("a".to_owned()),
            Event::Text("b".to_owned()),
            Event::Reasoning(wit::Reasoning { text: "t".to_owned(), state: "s".to_owned() }),
            started(0, "x", "read_file"),
            Event::Text("c".to_owned()),
            arguments(0, "{}"),
            finished(),
        ]);

        let call = |arguments: &str| ToolCall {
            id: "x".to_owned(),
            name: "read_file".to_owned(),
            arguments: arguments.to_owned(),
        };
        let turn = turn.unwrap();
        assert_eq!(
            turn.parts,
            [
                Part::Text("ab".to_owned()),
                Part::Reasoning(Reasoning { text: "t".to_owned(), state: "s".to_owned() }),
                Part::ToolCall(call("{}")),
                Part::Text("c".to_owned()),
            ]
        );
        assert_eq!(turn.stop, StopReason::ToolCalls);
    }

    #[test]
    fn interleaved_arguments_reach_their_own_call() {
        let turn = assemble(vec![
            started(0, "a", "x"),
            started(3, "b", "y"),
            arguments(3, "{\"n\":"),
            arguments(0, "{}"),
            arguments(3, "1}"),
            finished(),
        ]);

        let turn = turn.unwrap();
        let calls: Vec<_> = turn.calls().iter().map(|c| c.arguments.as_str()).collect();
        assert_eq!(calls, ["{}", "{\"n\":1}"]);
    }

    #[test]
    fn missing_and_repeated_ids_are_made_up() {
        let turn = assemble(vec![
            started(0, "", "x"),
            arguments(0, "1"),
            started(0, "same", "x"),
            arguments(0, "2"),
            started(1, "same", "x"),
            arguments(1, "3"),
            finished(),
        ]);

        let turn = turn.unwrap();
        let ids: BTreeSet<&str> = turn.calls().iter().map(|call| call.id.as_str()).collect();
        assert_eq!(ids.len(), 3, "{ids:?}");
        let arguments: Vec<_> = turn.calls().iter().map(|c| c.arguments.as_str()).collect();
        assert_eq!(arguments, ["1", "2", "3"]);
    }

    #[test]
    fn calls_beyond_the_limit_are_left_out_and_the_model_is_told() {
        let calls = |count| (0..count).flat_map(|at| [started(at, "", "x"), arguments(at, "{}")]);
        let turn = assemble(calls(130).chain([finished()]).collect()).unwrap();

        assert_eq!(turn.calls().len(), 128);
        let Some(Part::Text(note)) = turn.parts.first() else { panic!("{:?}", turn.parts[0]) };
        assert!(note.starts_with("[2 more tool calls were left out"), "{note}");
        let whole = assemble(calls(128).chain([finished()]).collect()).unwrap();
        assert_eq!((whole.calls().len(), whole.parts.len()), (128, 128));
    }

    #[test]
    fn arguments_beyond_the_limit_are_cut_to_what_no_tool_runs() {
        let half = "x".repeat(ARGUMENTS / 2 + 1);
        let long = vec![
            started(0, "", "w"),
            arguments(0, "{\"a\":\""),
            arguments(0, &half),
            arguments(0, &half),
            arguments(0, "\"}"),
            finished(),
        ];

        let turn = assemble(long).unwrap();

        let [Part::Text(note), Part::ToolCall(call)] = turn.parts.as_slice() else { panic!() };
        assert!(note.starts_with("[the arguments of `w` were cut"), "{note}");
        assert_eq!(call.arguments.len(), BEGINNING);
        assert!(serde_json::from_str::<Value>(&call.arguments).is_err());
    }

    #[test]
    fn an_empty_object_before_the_arguments_is_not_part_of_them() {
        let call = |pieces: &[&str]| {
            let pieces = pieces.iter().map(|piece| arguments(0, piece));
            let events = [started(0, "", "x")].into_iter().chain(pieces).chain([finished()]);
            assemble(events.collect()).unwrap().calls()[0].arguments.clone()
        };

        assert_eq!(call(&["{}", "{\"a\":", "1}"]), "{\"a\":1}");
        assert_eq!(call(&["{\"a\":\"}{\"}"]), "{\"a\":\"}{\"}");
        assert_eq!(call(&["{\"a\":1}{\"a\":2}"]), "{\"a\":1}{\"a\":2}");
    }

    #[test]
    fn arguments_of_no_call_are_an_error() {
        assert_eq!(assemble(vec![arguments(0, "{}")]), Err(AssemblyError::Stray));
    }

    #[test]
    fn a_tool_name_cannot_drive_a_terminal() {
        let turn = assemble(vec![started(0, "i", "\u{1b}[2J../x"), finished()]).unwrap();
        assert_eq!(turn.calls()[0].name, "␛[2J../x");
    }

    #[test]
    fn a_stream_without_an_end_gives_no_turn() {
        assert_eq!(assemble(vec![Event::Text("a".to_owned())]), Err(AssemblyError::CutShort));
    }

    #[test]
    fn a_turn_that_breaks_off_keeps_and_counts_its_text_and_finished_reasoning() {
        let reasoning = || wit::Reasoning { text: "t".to_owned(), state: "s".to_owned() };
        let kept = received(vec![
            Event::Thought("x".repeat(30)),
            Event::Reasoning(reasoning()),
            Event::Text("y".repeat(60)),
            started(0, "a", "write_file"),
            arguments(0, "{\"path\":"),
        ]);

        let kept = kept.unwrap();
        let parts = [
            Part::Reasoning(Reasoning { text: "t".to_owned(), state: "s".to_owned() }),
            Part::Text("y".repeat(60)),
        ];
        assert_eq!(kept.parts, parts);
        assert_eq!((kept.usage.input, kept.usage.output), (Some(100), Some(32)));
        assert!(received(vec![Event::Model("m".to_owned())]).is_none());
    }

    #[test]
    fn an_endless_stream_is_counted_and_kept_up_to_a_limit() {
        let kept = received(vec![Event::Text("é".repeat(KEPT))]).unwrap();

        assert_eq!(kept.parts, [Part::Text("é".repeat(KEPT / 2))]);
        assert_eq!(kept.usage.output, Some(tokens(2 * KEPT)));
    }

    #[test]
    fn reported_counts_win_over_estimates_if_they_are_higher() {
        let usage = wit::Usage {
            input: Some(7),
            output: Some(50),
            cache_read: Some(5),
            cache_write: None,
            reasoning: None,
        };

        let kept = received(vec![Event::Usage(usage), Event::Text("abc".to_owned())]).unwrap();

        assert_eq!((kept.usage.input, kept.usage.output), (Some(7), Some(50)));
        assert_eq!(kept.usage.cache_read, Some(5));
    }

    #[test]
    fn later_counts_replace_the_fields_that_they_carry() {
        let usage = |input, output| {
            let none = wit::Usage {
                input: None,
                output: None,
                cache_read: None,
                cache_write: None,
                reasoning: None,
            };
            Event::Usage(wit::Usage { input, output, ..none })
        };
        let turn = assemble(vec![usage(Some(10), Some(1)), usage(None, Some(7)), finished()]);
        let expected = Usage { input: Some(10), output: Some(7), ..Usage::default() };
        assert_eq!(turn.unwrap().usage, expected);
    }
}
