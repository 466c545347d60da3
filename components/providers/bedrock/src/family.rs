//! The abilities of a model, read from its id: `us.anthropic.claude-opus-4-6-v1`, `amazon.nova-lite-v1:0`, an ARN.
//!
//! Converse is one format for all, but each vendor's models refuse some of it. A model that is not known gets what
//! all of them take.

use openkoi_provider_wire::claude::{self, family::Family as Claude};

/// The places where cache points may stand.
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Nowhere.
    Nowhere,
    /// After the system prompt. Nova refuses them among the tools, and in some messages.
    System,
    /// After the tools, the system prompt and messages.
    Everywhere,
}

/// The abilities of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// The abilities of Claude, for Claude.
    pub claude: Option<Claude>,
    /// True if it can be made to call a tool.
    pub forced_tools: bool,
    /// True if it is told in a field that a tool failed.
    pub status: bool,
    /// True if its thoughts may be sent back.
    pub thoughts: bool,
    /// The places where cache points may stand.
    pub cache: Cache,
}

impl Family {
    const OTHER: Self = Self {
        claude: None,
        forced_tools: false,
        status: false,
        thoughts: true,
        cache: Cache::Nowhere,
    };

    /// Decides for `model`.
    pub(crate) fn of(model: &str) -> Self {
        let model = model.to_lowercase();
        if let Some((_, version)) = claude::parse(&model) {
            let claude = Claude::of(&model);
            let cache = if version >= (3, 7) { Cache::Everywhere } else { Cache::Nowhere };
            let (claude, forced_tools) = (Some(claude), claude.forced_tools);
            return Self { claude, forced_tools, status: true, cache, ..Self::OTHER };
        }
        if model.contains("amazon.nova") {
            return Self { forced_tools: true, status: true, cache: Cache::System, ..Self::OTHER };
        }
        // It refuses to see its own thoughts again.
        Self { thoughts: !model.contains("deepseek"), ..Self::OTHER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_is_known_behind_any_prefix() {
        for model in [
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ] {
            let family = Family::of(model);
            assert_eq!(family.claude, Some(Claude::of("claude-sonnet-4-5")), "{model}");
            assert_eq!((family.cache, family.forced_tools), (Cache::Everywhere, true));
        }
        assert_eq!(Family::of("us.amazon.nova-pro-v1:0").cache, Cache::System);
        assert!(!Family::of("us.deepseek.r1-v1:0").thoughts);
        assert_eq!(
            Family::of("arn:aws:bedrock:x:1:application-inference-profile/q"),
            Family::OTHER
        );
        assert_eq!(Family::of("anthropic.claude-3-haiku-20240307-v1:0").cache, Cache::Nowhere);
    }

    #[test]
    fn the_newest_claude_cannot_be_made_to_call_a_tool() {
        assert!(!Family::of("global.anthropic.claude-opus-5-5").forced_tools);
    }
}
