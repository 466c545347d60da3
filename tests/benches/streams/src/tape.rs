//! A stream that was written beforehand, played to a reader.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use openkoi_brokers::egress::{EgressError, Request};
use openkoi_core::port::Pending;
use openkoi_host::{HttpResponse, ResponseBody, Transport};

/// Events, those in the middle many times over. Only one of each is in memory.
#[derive(Clone)]
pub(crate) struct Recording {
    events: Vec<Vec<u8>>,
    rounds: usize,
    text: usize,
}

impl Recording {
    /// Repeats the middle of `events` until there are about `bytes`. `read` returns the bytes of text in a stream.
    pub(crate) fn new(
        events: Vec<Vec<u8>>,
        bytes: usize,
        read: impl Fn(&mut Pieces) -> usize,
    ) -> Self {
        let mut recording = Self { events, rounds: 1, text: 0 };
        let once = recording.len();
        let middle = recording.middle().iter().map(Vec::len).sum::<usize>();
        recording.rounds = 1 + bytes.saturating_sub(once) / middle.max(1);
        recording.text = read(&mut Pieces::new(&Arc::new(recording.clone()), None));
        recording
    }

    /// The beginning and the end of a stream are not what it consists of.
    fn bounds(&self) -> (usize, usize) {
        (self.events.len() / 4, self.events.len() / 4 * 3)
    }

    fn middle(&self) -> &[Vec<u8>] {
        let (from, to) = self.bounds();
        &self.events[from..to]
    }

    /// Returns how many bytes there are.
    pub(crate) fn len(&self) -> usize {
        let length = |events: &[Vec<u8>]| events.iter().map(Vec::len).sum::<usize>();
        length(&self.events) + length(self.middle()) * (self.rounds - 1)
    }

    /// Returns how many events there are.
    pub(crate) fn count(&self) -> usize {
        self.events.len() + self.middle().len() * (self.rounds - 1)
    }

    /// Returns how many bytes of text there are in it.
    pub(crate) fn text(&self) -> usize {
        self.text
    }

    fn event(&self, at: usize) -> Option<&[u8]> {
        let (from, to) = self.bounds();
        let more = (to - from) * (self.rounds - 1);
        let at = match at {
            at if at < to => at,
            at if at < to + more => from + (at - from) % (to - from),
            at => at - more,
        };
        self.events.get(at).map(Vec::as_slice)
    }
}

/// A stream on its way.
pub(crate) struct Pieces {
    recording: Arc<Recording>,
    at: usize,
    /// The length of a piece; without one each event is a piece.
    length: Option<usize>,
    rest: Vec<u8>,
}

impl Pieces {
    /// Plays `recording` from its beginning.
    pub(crate) fn new(recording: &Arc<Recording>, length: Option<usize>) -> Self {
        Self { recording: Arc::clone(recording), at: 0, length, rest: Vec::new() }
    }
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let wanted = self.length.unwrap_or(1);
        while self.rest.len() < wanted {
            let Some(event) = self.recording.event(self.at) else { break };
            self.rest.extend_from_slice(event);
            self.at += 1;
        }
        let rest = match self.length {
            Some(length) if self.rest.len() > length => self.rest.split_off(length),
            _ => Vec::new(),
        };
        let piece = std::mem::replace(&mut self.rest, rest);
        (!piece.is_empty()).then_some(piece)
    }
}

/// A connection to nowhere: every request is answered with the tape that is in it.
#[derive(Default)]
pub(crate) struct Tape(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    pieces: Option<Pieces>,
    begun: Option<Instant>,
    heard: Option<Instant>,
}

impl Tape {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Inserts the stream for the next request.
    pub(crate) fn insert(&self, pieces: Pieces) {
        *self.state() = State { pieces: Some(pieces), begun: None, heard: None };
    }

    /// Notes that text was shown.
    pub(crate) fn heard(&self) {
        self.state().heard.get_or_insert_with(Instant::now);
    }

    /// Returns the time from the first byte to the first text, in microseconds.
    pub(crate) fn first_micros(&self) -> f64 {
        let state = self.state();
        let both = state.begun.zip(state.heard);
        both.map_or(0.0, |(begun, heard)| heard.duration_since(begun).as_secs_f64() * 1e6)
    }
}

impl Transport for Tape {
    fn send(&self, request: Request) -> Pending<'_, Result<HttpResponse, EgressError>> {
        let body = Playing { state: Arc::clone(&self.0), pieces: self.state().pieces.take() };
        let answer = HttpResponse {
            status: 200,
            headers: Vec::new(),
            url: request.url,
            body: Box::new(body),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

struct Playing {
    state: Arc<Mutex<State>>,
    pieces: Option<Pieces>,
}

impl ResponseBody for Playing {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>> {
        let piece = self.pieces.as_mut().and_then(Iterator::next);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.begun.get_or_insert_with(Instant::now);
        drop(state);
        Box::pin(std::future::ready(Ok(piece)))
    }
}
