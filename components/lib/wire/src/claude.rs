//! Claude models, which more than one format offers: their names, how much they may think, and in [`family`] what
//! they take.

pub mod family;

use openkoi_sdk::provider::Effort;

/// The beta that says what happens to thoughts whose beginning has changed.
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-thinking-block-binding.html>
pub const BINDING_BETA: &str = "thinking-binding-controls-2026-08-01";
/// The least that may be thought, in tokens.
const MIN_BUDGET: u32 = 1_024;

/// A generation: `(4, 6)` of `claude-opus-4-6`.
pub type Version = (u32, u32);

/// Reads the tier and the generation from `claude-opus-4-6-20260205`, `claude-3-5-sonnet-latest`,
/// `anthropic/claude-haiku-4.5` and the like. A name without numbers is taken for the newest generation.
pub fn parse(model: &str) -> Option<(String, Version)> {
    const NEWEST: Version = (u32::MAX, 0);
    let model = model.to_lowercase();
    let (_, name) = model.split_once("claude-")?;
    let mut tier = String::new();
    let mut numbers = Vec::new();
    for word in name.split(['-', '.', '@', ':', '_']) {
        match word.parse::<u32>() {
            // A longer number is a date.
            Ok(number) if word.len() <= 2 => numbers.push(number),
            Ok(_) => break,
            Err(_) if tier.is_empty() => word.clone_into(&mut tier),
            Err(_) => {}
        }
    }
    let version = match numbers[..] {
        [] => NEWEST,
        [major] => (major, 0),
        [major, minor, ..] => (major, minor),
    };
    Some((tier, version))
}

/// Returns whether a model of this tier and generation is one of those that refuse to be made to call a tool, and whose
/// thoughts are bound to what came before them.
pub fn is_bound(tier: &str, version: Version) -> bool {
    // The tiers above the others are one step ahead.
    let ahead = matches!(tier, "fable" | "mythos");
    version >= if ahead { (5, 1) } else { (5, 5) }
}

/// Returns the tokens to think with: at most half of the answer's, so that the limit holds and something is left to
/// say. Nothing where that is less than may be thought.
pub fn budget(effort: Effort, max_tokens: u32) -> Option<u32> {
    let wanted = match effort {
        Effort::Low => 4_096,
        Effort::Medium => 10_000,
        Effort::High => 24_000,
    };
    Some(wanted.min(max_tokens / 2)).filter(|budget| *budget >= MIN_BUDGET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_ages_are_read() {
        let cases = [
            ("claude-3-haiku-20240307", "haiku", (3, 0)),
            ("claude-3-5-sonnet-latest", "sonnet", (3, 5)),
            ("claude-sonnet-4-20250514", "sonnet", (4, 0)),
            ("claude-opus-4-1-20250805", "opus", (4, 1)),
            ("anthropic/claude-haiku-4.5", "haiku", (4, 5)),
            ("eu.anthropic.claude-opus-4-6-v1", "opus", (4, 6)),
            ("claude-sonnet-4-5@20250929", "sonnet", (4, 5)),
            ("claude-fable-5-1", "fable", (5, 1)),
            ("claude-opus-latest", "opus", (u32::MAX, 0)),
        ];

        for (model, tier, version) in cases {
            assert_eq!(parse(model), Some((tier.to_owned(), version)), "{model}");
        }
        assert_eq!(parse("kimi-k2"), None);
    }

    #[test]
    fn at_most_half_of_an_answer_is_thought_and_never_less_than_is_taken() {
        assert_eq!(budget(Effort::Low, 64_000), Some(4_096));
        assert_eq!(budget(Effort::High, 64_000), Some(24_000));
        assert_eq!(budget(Effort::High, 10_000), Some(5_000));
        assert_eq!(budget(Effort::Low, 2_048), Some(1_024));
        assert_eq!(budget(Effort::Low, 2_046), None);
    }

    #[test]
    fn the_newest_models_of_each_tier_are_bound() {
        assert!(is_bound("opus", (5, 5)) && is_bound("fable", (5, 1)));
        assert!(!is_bound("opus", (5, 1)) && !is_bound("fable", (5, 0)));
    }
}
