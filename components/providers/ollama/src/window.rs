//! The window of a model: how much it reads.
//!
//! Left to itself, the service reads as little as 4,096 tokens of a conversation, drops the oldest messages of a longer
//! one and answers as if nothing had happened (`server/prompt.go` of its source). Three things keep that from
//! happening: each request says how much has to be read, `truncate` and `shift` forbid to cut, and the count of the
//! last line shows what a server too old for those two has cut nevertheless.

use std::cell::Cell;

use openkoi_sdk::{
    Failure, Result,
    failure::Limit,
    provider::{CompletionRequest, Diagnosis, Endpoint, Problem},
};

use crate::family::{self, Family};

/// The least that is asked for. Loading a model anew for another size takes long, so the first step is a size that
/// most tasks, with the planner's and the judge's turns, do not outgrow; the further ones double.
const LEAST: u64 = 16_384;
/// The part of the window that is kept for an answer when its size is chosen.
const ANSWER: u64 = 8_192;
/// With less room than this, an answer is not worth the attempt.
const LEAST_ANSWER: u64 = 512;
/// The tokens of a message beside its text.
const MESSAGE: u64 = 8;
/// The tokens of an image; most models need less.
const IMAGE: u64 = 1_500;
/// The name of the limit, by which the host knows that the conversation has to become shorter.
const LIMIT: &str = "context-tokens";
/// The sizes that a user may set.
const SETTABLE: std::ops::RangeInclusive<u64> = 1_024..=16_777_216;

thread_local! {
    /// What the request of this instance asked for. The host makes an instance for each exchange, and the answer
    /// has to be measured by its request, which a decoder is not shown.
    static ASKED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Returns the window of the request that was written last, if the server keeps to it.
pub(crate) fn asked() -> Option<u64> {
    ASKED.get()
}

/// The tokens that the model reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// `num_ctx`: the conversation and the answer together.
    pub size: u64,
    /// `num_predict`: the answer. Without it a model that finds no end goes on for ever.
    pub answer: u64,
}

impl Window {
    /// Decides for a conversation of so many bytes of text, messages and images.
    ///
    /// # Errors
    ///
    /// [`Failure::Limited`] if it cannot fit, [`Failure::Invalid`] for a setting that is not a number.
    pub(crate) fn of(endpoint: &Endpoint, request: &CompletionRequest, load: Load) -> Result<Self> {
        let cloud = family::is_cloud(&endpoint.base_url, &request.model);
        let set = setting(endpoint)?;
        let most = set.unwrap_or_else(|| Family::of(&request.model, cloud).context);
        let tokens = load.tokens();
        if tokens.saturating_add(LEAST_ANSWER) > most {
            return Err(overflow(most));
        }
        let wanted = request.max_tokens.map_or(ANSWER, u64::from);
        let needed = tokens.saturating_add(wanted.min(ANSWER)).max(LEAST);
        let step = needed.checked_next_power_of_two().unwrap_or(most);
        let size = set.unwrap_or_else(|| step.min(most));
        // The cloud reads as much as its models can, whatever it is told.
        ASKED.set((!cloud).then_some(size));
        Ok(Self { size, answer: request.max_tokens.map_or(size, u64::from).clamp(1, size) })
    }
}

fn setting(endpoint: &Endpoint) -> Result<Option<u64>> {
    let Some(text) = endpoint.option("context").map(str::trim).filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    match text.parse() {
        Ok(tokens) if SETTABLE.contains(&tokens) => Ok(Some(tokens)),
        _ => Err(Failure::invalid("/options/context", "must be a number of tokens, at least 1024")),
    }
}

/// The setting that says how much is read.
const KNOB: &str = "the setting `context` of the provider";

/// The failure of a conversation that does not fit.
fn overflow(tokens: u64) -> Failure {
    let knob = KNOB.to_owned();
    Failure::Limited(Limit { name: LIMIT.to_owned(), value: tokens, knob })
}

/// The weight of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// The bytes of its texts, of tools and of schemas.
    pub bytes: usize,
    /// Its messages.
    pub messages: usize,
    /// Its images.
    pub images: usize,
}

impl Load {
    /// Estimates its tokens, rather too many: eight bytes make three. Prose has four bytes a token and code more than
    /// three; scripts of three bytes a character have about one token for each.
    fn tokens(self) -> u64 {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let text = count(self.bytes).saturating_mul(3) / 8;
        let messages = count(self.messages).saturating_mul(MESSAGE);
        text.saturating_add(messages).saturating_add(count(self.images).saturating_mul(IMAGE))
    }
}

/// Fails if the counts of an answer show that not all of the conversation was read, or that its beginning made room
/// for the answer.
///
/// # Errors
///
/// [`Problem::ContextOverflow`].
pub(crate) fn check(size: u64, read: u64, written: u64) -> Result<(), Diagnosis> {
    // A window that is filled to its end counts one more, because the last token was not read again.
    if read >= size || read.saturating_add(written) > size + 1 {
        return Err(Diagnosis {
            problem: Problem::ContextOverflow,
            message: format!(
                "the conversation is longer than the {size} tokens that the model reads; {KNOB} says how many"
            ),
            retry_after_ms: None,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use openkoi_provider_wire::testing::{endpoint, request};

    use super::*;

    const HERE: &str = "http://127.0.0.1:11434";

    fn window(model: &str, options: &[(&str, &str)], bytes: usize) -> Result<Window> {
        let asked = CompletionRequest { max_tokens: Some(4_096), ..request(model) };
        Window::of(&endpoint(HERE, options), &asked, Load { bytes, messages: 3, images: 0 })
    }

    fn size(model: &str, bytes: usize) -> u64 {
        window(model, &[], bytes).unwrap().size
    }

    #[test]
    fn a_window_has_few_sizes_so_that_a_task_stays_in_one() {
        let sizes: std::collections::BTreeSet<u64> =
            (0..200_000).step_by(1_000).map(|bytes| size("llama3.1", bytes)).collect();

        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [16_384, 32_768, 65_536, 131_072]);
        assert_eq!(size("llama3.1", 0), size("llama3.1", 30_000));
    }

    #[test]
    fn a_conversation_always_fits_into_its_window_with_an_answer() {
        for bytes in (0..340_000).step_by(777) {
            let load = Load { bytes, messages: 3, images: 0 };
            assert!(load.tokens() + LEAST_ANSWER <= size("llama3.1", bytes), "{bytes}");
        }
    }

    #[test]
    fn what_a_model_reads_is_never_exceeded() {
        assert_eq!(size("qwen3:8b", 90_000), 40_960);
        assert_eq!(size("llama3:8b", 0), 8_192);
        assert_eq!(window("llama3:8b", &[], 30_000), Err(overflow(8_192)));
        assert_eq!(window("mine", &[], 100_000), Err(overflow(32_768)));
    }

    #[test]
    fn the_user_decides_once_for_all_turns() {
        let set = |context: &str, bytes: usize| window("mine", &[("context", context)], bytes);

        assert_eq!(set("65536", 0).unwrap().size, 65_536);
        assert_eq!(set("65536", 150_000).unwrap().size, 65_536);
        assert_eq!(set("4096", 20_000), Err(overflow(4_096)));
        for wrong in ["a lot", "0", "-1", "99999999999999999999"] {
            assert!(matches!(set(wrong, 0), Err(Failure::Invalid(_))), "{wrong}");
        }
    }

    #[test]
    fn an_answer_has_an_end() {
        let answer = |max_tokens: Option<u32>| {
            let asked = CompletionRequest { max_tokens, ..request("llama3.1") };
            Window::of(&endpoint(HERE, &[]), &asked, Load::default()).unwrap().answer
        };

        assert_eq!(answer(None), 16_384);
        assert_eq!(answer(Some(100)), 100);
        assert_eq!(answer(Some(0)), 1);
        assert_eq!(answer(Some(u32::MAX)), 16_384);
    }

    #[test]
    fn images_and_messages_weigh_too() {
        assert_eq!(Load { bytes: 800, messages: 2, images: 1 }.tokens(), 300 + 16 + 1_500);
        assert_eq!(
            Load { bytes: usize::MAX, messages: usize::MAX, images: usize::MAX }.tokens(),
            u64::MAX
        );
    }

    #[test]
    fn the_counts_show_a_cut_and_a_shift_and_nothing_else() {
        assert_eq!(check(512, 318, 7), Ok(()));
        // The answer filled the window to its end, by the counts of two versions.
        assert_eq!(check(512, 61, 451), Ok(()));
        assert_eq!(check(512, 61, 452), Ok(()));
        for (read, written) in [(512, 11), (496, 30)] {
            let diagnosis = check(512, read, written).unwrap_err();
            assert_eq!(diagnosis.problem, Problem::ContextOverflow);
            assert!(diagnosis.message.contains("512 tokens"), "{}", diagnosis.message);
        }
    }

    #[test]
    fn the_answer_is_measured_by_the_request_that_was_written_before() {
        window("llama3.1", &[], 0).unwrap();
        assert_eq!(asked(), Some(16_384));
        window("gpt-oss:120b-cloud", &[], 0).unwrap();
        assert_eq!(asked(), None);
    }
}
