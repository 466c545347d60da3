//! How the bytes of an answer travel: in which pieces, and how the stream ends.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::Bytes;
use futures_core::Stream;

/// Where an answer is cut into pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Splits {
    /// Nowhere.
    #[default]
    Nowhere,
    /// Once, after so many bytes.
    At(usize),
    /// After each byte.
    EachByte,
    /// At places that the seed decides.
    Random(u64),
}

/// How the stream ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// With the last byte.
    #[default]
    Complete,
    /// In good order, but after so many bytes.
    Early(usize),
    /// With a broken connection after so many bytes.
    Broken(usize),
    /// Not at all: nothing follows after so many bytes.
    Stalled(usize),
    /// Not at all: after the last byte it begins again, for ever.
    Endless,
}

impl End {
    fn length(self, whole: usize) -> usize {
        match self {
            Self::Complete | Self::Endless => whole,
            Self::Early(bytes) | Self::Broken(bytes) | Self::Stalled(bytes) => bytes.min(whole),
        }
    }
}

/// Returns the pieces that are sent of `body`.
pub fn pieces(body: &[u8], splits: Splits, end: End) -> Vec<Vec<u8>> {
    let body = &body[..end.length(body.len())];
    let mut pieces = match splits {
        Splits::Nowhere => vec![body.to_vec()],
        Splits::At(place) => {
            let (head, tail) = body.split_at(place.min(body.len()));
            vec![head.to_vec(), tail.to_vec()]
        }
        Splits::EachByte => body.iter().map(|byte| vec![*byte]).collect(),
        Splits::Random(seed) => random_pieces(body, seed),
    };
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn random_pieces(mut body: &[u8], seed: u64) -> Vec<Vec<u8>> {
    let (mut state, mut pieces) = (seed, Vec::new());
    while !body.is_empty() {
        // Mostly short pieces, which cut through lines and characters.
        let length = usize::try_from(next(&mut state) % 24).unwrap_or(0) + 1;
        let (head, tail) = body.split_at(length.min(body.len()));
        pieces.push(head.to_vec());
        body = tail;
    }
    pieces
}

/// SplitMix64: small, and the same everywhere.
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The body of an answer on its way.
pub(crate) struct Flow {
    pieces: VecDeque<Bytes>,
    end: End,
    rested: bool,
    over: bool,
    left: Arc<AtomicUsize>,
}

impl Drop for Flow {
    fn drop(&mut self) {
        if !self.over {
            self.left.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Flow {
    /// A flow that is dropped before its end is counted in `left`.
    pub(crate) fn new(pieces: VecDeque<Bytes>, end: End, left: Arc<AtomicUsize>) -> Self {
        Self { pieces, end, rested: true, over: false, left }
    }
}

impl Stream for Flow {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.rested {
            // A pause after each piece lets the server write it out before the next one.
            self.rested = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(piece) = self.pieces.pop_front() {
            self.rested = false;
            if self.end == End::Endless {
                self.pieces.push_back(piece.clone());
            }
            return Poll::Ready(Some(Ok(piece)));
        }
        self.over = !matches!(self.end, End::Stalled(_));
        match self.end {
            End::Complete | End::Early(_) | End::Endless => Poll::Ready(None),
            End::Broken(_) => Poll::Ready(Some(Err(io::Error::other("broken by the script")))),
            End::Stalled(_) => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"The quick brown fox jumps over the lazy dog.";

    #[test]
    fn no_cut_loses_a_byte() {
        let everywhere = (0..=BODY.len() + 1).map(Splits::At);
        let random = (0..50).map(Splits::Random);
        let all = everywhere.chain(random).chain([Splits::Nowhere, Splits::EachByte]);
        for splits in all {
            assert_eq!(pieces(BODY, splits, End::Complete).concat(), BODY, "{splits:?}");
        }
    }

    #[test]
    fn a_seed_cuts_always_at_the_same_places_and_another_elsewhere() {
        let cut = |seed| pieces(BODY, Splits::Random(seed), End::Complete);

        assert_eq!(cut(1), cut(1));
        assert_ne!(cut(1), cut(2));
        assert!(cut(1).len() > 2);
    }

    #[test]
    fn a_stream_that_ends_early_sends_so_many_bytes() {
        for end in [End::Early(5), End::Broken(5), End::Stalled(5)] {
            assert_eq!(pieces(BODY, Splits::EachByte, end).concat(), b"The q");
        }
        assert_eq!(pieces(BODY, Splits::Nowhere, End::Early(0)), Vec::<Vec<u8>>::new());
    }
}
