//! The abilities of a model, read from its name.
//!
//! The vendor changes what its models accept from one generation to the next, and refuses what one does not accept.
//! A name without numbers is taken for the newest generation, a name of another vendor for a compatible service that
//! takes the oldest common form.

use super::{self as claude, Version};

/// The way in which a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// It cannot.
    Never,
    /// With a budget of tokens.
    Budget,
    /// As it sees fit, steered by an effort.
    Adaptive,
}

/// The abilities of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The most tokens that it writes.
    pub max_output: u32,
    /// The way in which it is told to think.
    pub thinking: Thinking,
    /// True if it thinks unless told not to.
    pub thinks_unless_told: bool,
    /// True if it can be made to call a tool.
    pub forced_tools: bool,
    /// True if it takes a temperature.
    pub sampling: bool,
    /// True if it shows its thoughts only if asked to.
    pub hides_thoughts: bool,
    /// True if it refuses its own thoughts after a change of what came before them.
    pub bound_thoughts: bool,
    /// True if it takes a schema for its answer.
    pub schema: bool,
}

impl Family {
    /// Decides for `model`.
    pub fn of(model: &str) -> Self {
        match claude::parse(model) {
            Some((tier, version)) => Self::claude(&tier, version),
            None => Self::COMPATIBLE,
        }
    }

    const COMPATIBLE: Self = Self {
        max_output: u32::MAX,
        thinking: Thinking::Budget,
        thinks_unless_told: false,
        forced_tools: true,
        sampling: true,
        hides_thoughts: false,
        bound_thoughts: false,
        schema: false,
    };

    fn claude(tier: &str, version: Version) -> Self {
        let bound = claude::is_bound(tier, version);
        Self {
            max_output: max_output(tier, version),
            thinking: match version {
                version if version >= (4, 6) => Thinking::Adaptive,
                version if version >= (3, 7) => Thinking::Budget,
                _ => Thinking::Never,
            },
            thinks_unless_told: version >= (5, 0),
            forced_tools: !bound,
            sampling: version < (4, 7),
            hides_thoughts: version >= (4, 7),
            bound_thoughts: bound,
            schema: version >= (4, 5),
        }
    }

    /// The limit of an answer for which none was given. Less than the most, because some models refuse what does
    /// not fit into their window together with the conversation.
    pub fn default_output(&self) -> u32 {
        const DEFAULT: u32 = 32_000;
        const UNKNOWN: u32 = 8_192;
        if self.max_output == u32::MAX { UNKNOWN } else { self.max_output.min(DEFAULT) }
    }
}

fn max_output(tier: &str, version: Version) -> u32 {
    match (tier, version) {
        (_, version) if version >= (5, 0) => 128_000,
        ("opus", version) if version >= (4, 6) => 128_000,
        ("opus", (4, 0..=4)) => 32_000,
        (_, version) if version >= (3, 7) => 64_000,
        (_, version) if version >= (3, 5) => 8_192,
        _ => 4_096,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_thinks_in_its_own_way() {
        let thinking = |model: &str| Family::of(model).thinking;

        assert_eq!(thinking("claude-3-5-haiku-20241022"), Thinking::Never);
        assert_eq!(thinking("claude-3-7-sonnet-20250219"), Thinking::Budget);
        assert_eq!(thinking("claude-haiku-4-5"), Thinking::Budget);
        assert_eq!(thinking("claude-sonnet-4-6"), Thinking::Adaptive);
        assert_eq!(thinking("claude-opus-5-5"), Thinking::Adaptive);
        assert_eq!(thinking("glm-5"), Thinking::Budget);
    }

    #[test]
    fn the_newest_models_cannot_be_made_to_call_a_tool() {
        let forced = |model: &str| Family::of(model).forced_tools;

        assert!(forced("claude-opus-4-8"));
        assert!(forced("claude-opus-5"));
        assert!(forced("claude-fable-5"));
        assert!(!forced("claude-fable-5-1"));
        assert!(!forced("claude-opus-5-5"));
        assert!(!forced("claude-haiku-5-5"));
        assert!(forced("deepseek-v4-pro"));
    }

    #[test]
    fn an_answer_without_a_limit_gets_one_that_its_model_takes() {
        let limit = |model: &str| Family::of(model).default_output();

        assert_eq!(limit("claude-3-haiku-20240307"), 4_096);
        assert_eq!(limit("claude-3-5-sonnet-20241022"), 8_192);
        assert_eq!(limit("claude-opus-4-1"), 32_000);
        assert_eq!(limit("claude-opus-5-5"), 32_000);
        assert_eq!(limit("MiniMax-M3"), 8_192);
    }
}
