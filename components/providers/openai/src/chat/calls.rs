//! Puts tool calls together from the pieces of a stream.
//!
//! The format says: each piece carries the place of its call, the first also an id and a name. Compatible services
//! leave out places or ids, use one place for several calls, repeat the name in each piece, send a call in one
//! piece, or repeat it whole at the end. A piece is only ever added to a call that it can belong to: what is
//! doubtful begins a call of its own, so that arguments never reach another tool than the model meant.

use openkoi_sdk::provider::{CallDelta, CallStart, Event};
use serde_json::Value;

/// The length of the part of the answer's id that goes into an id that is made up. Some services allow 40 characters in
/// all.
const SEED: usize = 24;

/// The tool calls of one answer.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    calls: Vec<Call>,
    /// Keeps ids that are made up apart from those of other answers.
    seed: String,
}

#[derive(Debug, Default)]
struct Call {
    place: Option<u64>,
    /// The service's id; empty until it comes.
    wire_id: String,
    /// The id that was announced; empty until then.
    id: String,
    name: String,
    arguments: String,
}

/// One piece of a call.
struct Piece<'a> {
    place: Option<u64>,
    id: &'a str,
    name: &'a str,
    arguments: String,
}

impl Calls {
    /// Returns whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Says the id of the answer.
    pub(crate) fn answer_id(&mut self, id: &str) {
        if self.seed.is_empty() {
            let plain: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
            self.seed = plain[plain.len().saturating_sub(SEED)..].to_owned();
        }
    }

    /// Takes the pieces that came together.
    pub(crate) fn take(&mut self, pieces: &[Value], events: &mut Vec<Event>) {
        let before = self.calls.len();
        for piece in pieces {
            self.add(&Piece::read(piece), before, events);
        }
    }

    /// Announces what is still waiting for its name, and completes calls without arguments.
    pub(crate) fn finish(&mut self, events: &mut Vec<Event>) {
        for index in 0..self.calls.len() {
            if self.calls[index].id.is_empty() {
                self.start(index, events);
            }
            if self.calls[index].arguments.trim().is_empty() {
                events.push(arguments(index, "{}".to_owned()));
            }
        }
    }

    fn add(&mut self, piece: &Piece<'_>, before: usize, events: &mut Vec<Event>) {
        let index = self.find(piece, before).unwrap_or_else(|| {
            self.calls.push(Call { place: piece.place, ..Call::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[index];
        if call.repeated_by(piece) {
            return;
        }
        if call.wire_id.is_empty() {
            call.wire_id = piece.id.to_owned();
        }
        if call.id.is_empty() {
            call.name.push_str(piece.name);
        }
        call.arguments.push_str(&piece.arguments);
        if !call.id.is_empty() {
            if !piece.arguments.is_empty() {
                events.push(arguments(index, piece.arguments.clone()));
            }
        } else if !call.name.is_empty() {
            self.start(index, events);
        }
    }

    /// Finds the call that `piece` continues. Calls from `before` on began in the same delta.
    fn find(&self, piece: &Piece<'_>, before: usize) -> Option<usize> {
        let last = self.calls.len().checked_sub(1);
        let index = match piece.place {
            Some(_) => self.calls.iter().rposition(|call| call.place == piece.place),
            None if piece.id.is_empty() => last,
            None => match self.calls.iter().rposition(|call| call.wire_id == piece.id) {
                None if piece.name.is_empty() => last,
                found => found,
            },
        }?;
        let apart = piece.place.is_none() && index >= before;
        (!self.calls[index].is_followed_by(piece, apart)).then_some(index)
    }

    fn start(&mut self, index: usize, events: &mut Vec<Event>) {
        let id = self.unused_id(index);
        let call = &mut self.calls[index];
        call.id.clone_from(&id);
        events.push(Event::CallStarted(CallStart {
            index: number(index),
            id,
            name: call.name.clone(),
        }));
        if !call.arguments.is_empty() {
            events.push(arguments(index, call.arguments.clone()));
        }
    }

    fn unused_id(&self, index: usize) -> String {
        let wanted = match self.calls[index].wire_id.as_str() {
            "" => format!("call_{index}_{}", self.seed),
            id => id.to_owned(),
        };
        let taken = |id: &str| self.calls.iter().any(|call| call.id == id);
        if !taken(&wanted) {
            return wanted;
        }
        (2..).map(|count: u32| format!("{wanted}-{count}")).find(|id| !taken(id)).unwrap_or(wanted)
    }
}

impl Call {
    /// Returns whether `piece`, which came for this call's place, begins another call. `apart` says that both came
    /// together and nothing but their order tells them apart.
    fn is_followed_by(&self, piece: &Piece<'_>, apart: bool) -> bool {
        if piece.name.is_empty() {
            return false;
        }
        if !piece.id.is_empty() && !self.wire_id.is_empty() {
            return piece.id != self.wire_id;
        }
        if self.name.is_empty() {
            return false;
        }
        piece.name != self.name
            || apart
            || (!piece.arguments.is_empty() && is_complete(&self.arguments))
    }

    /// Returns whether `piece` says once more, and whole, what this call is.
    fn repeated_by(&self, piece: &Piece<'_>) -> bool {
        !piece.name.is_empty()
            && piece.id == self.wire_id
            && piece.name == self.name
            && piece.arguments == self.arguments
            && is_complete(&self.arguments)
    }
}

impl<'a> Piece<'a> {
    fn read(value: &'a Value) -> Self {
        let function = &value["function"];
        let arguments = match &function["arguments"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            object => object.to_string(),
        };
        Self {
            place: value["index"].as_u64(),
            id: value["id"].as_str().unwrap_or_default(),
            name: function["name"].as_str().unwrap_or_default(),
            arguments,
        }
    }
}

fn is_complete(json: &str) -> bool {
    // The cheap question first: a long text is only read once it could be whole.
    json.trim_end().ends_with('}') && serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok()
}

fn arguments(index: usize, json: String) -> Event {
    Event::CallArguments(CallDelta { index: number(index), json })
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
