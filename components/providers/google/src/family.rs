//! The abilities of a model, read from its name.
//!
//! The vendor changes what its models accept from one generation to the next, and refuses what one does not accept
//! (<https://ai.google.dev/gemini-api/docs/thinking>). An alias without numbers is taken for the newest generation, a
//! name of another line of models for one that takes only what all of them take.

/// A generation: `(3, 8)` of `gemini-3.8-flash`.
type Version = (u32, u32);

/// The first generation that thinks by levels, checks signatures and answers by a schema beside tools.
const LEVELS: Version = (3, 0);
/// The first generation that thinks.
const THINKING: Version = (2, 5);

/// The way in which a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// It cannot.
    Never,
    /// With a budget of tokens.
    Budget {
        /// The least that it takes.
        least: u32,
        /// True if it thinks unless told not to.
        unless_told: bool,
    },
    /// By one of three levels.
    Levels,
    /// By one of two levels: the first model of its generation has no middle.
    LowOrHigh,
}

/// The abilities of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// The way in which it is told to think.
    pub thinking: Thinking,
    /// The most tokens that may be asked for.
    pub max_output: u32,
    /// True if it takes a temperature. The newest ignore it, and those before them repeat themselves below the usual.
    pub sampling: bool,
    /// True if it refuses a call of its own without the signature that came with it.
    pub checks_signatures: bool,
    /// True if it takes a schema for its answer.
    pub schema: bool,
    /// True if it takes one beside tools.
    pub schema_with_tools: bool,
}

impl Family {
    /// Decides for `model`.
    pub(crate) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_lowercase();
        match version(&name) {
            Some(version) => Self::gemini(&name, version),
            None => Self::OTHER,
        }
    }

    const OTHER: Self = Self {
        thinking: Thinking::Never,
        max_output: u32::MAX,
        sampling: true,
        checks_signatures: false,
        schema: false,
        schema_with_tools: false,
    };

    fn gemini(name: &str, version: Version) -> Self {
        Self {
            thinking: thinking(name, version),
            max_output: if version >= THINKING { 65_536 } else { 8_192 },
            sampling: version < LEVELS,
            checks_signatures: version >= LEVELS,
            schema: version >= THINKING,
            schema_with_tools: version >= LEVELS,
        }
    }
}

fn thinking(name: &str, version: Version) -> Thinking {
    if version < THINKING {
        Thinking::Never
    } else if version >= LEVELS {
        let two = version == LEVELS && name.contains("pro");
        if two { Thinking::LowOrHigh } else { Thinking::Levels }
    } else {
        let lite = name.contains("lite");
        Thinking::Budget { least: if lite { 512 } else { 128 }, unless_told: !lite }
    }
}

/// Reads the generation from `gemini-2.5-flash`, `gemini-4-hydrogen` and the like.
fn version(name: &str) -> Option<Version> {
    const NEWEST: Version = (u32::MAX, 0);
    let rest = name.strip_prefix("gemini-")?;
    let number = rest.split('-').next().unwrap_or_default();
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    match (major.parse(), minor.parse()) {
        (Ok(major), Ok(minor)) => Some((major, minor)),
        // `gemini-flash-latest`
        _ => Some(NEWEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_thinks_in_its_own_way() {
        let thinking = |model: &str| Family::of(model).thinking;
        let budget = |least, unless_told| Thinking::Budget { least, unless_told };

        assert_eq!(thinking("gemini-2.0-flash"), Thinking::Never);
        assert_eq!(thinking("gemini-2.5-pro"), budget(128, true));
        assert_eq!(thinking("models/gemini-2.5-flash-lite"), budget(512, false));
        assert_eq!(thinking("gemini-3-pro-preview"), Thinking::LowOrHigh);
        assert_eq!(thinking("gemini-3-flash-preview"), Thinking::Levels);
        assert_eq!(thinking("gemini-3.1-pro-preview"), Thinking::Levels);
        assert_eq!(thinking("gemini-4-hydrogen"), Thinking::Levels);
        assert_eq!(thinking("gemini-flash-latest"), Thinking::Levels);
        assert_eq!(thinking("gemma-4-27b-it"), Thinking::Never);
    }

    #[test]
    fn only_what_a_generation_takes_is_sent_to_it() {
        let old = Family::of("gemini-2.0-flash");
        let middle = Family::of("gemini-2.5-flash");
        let new = Family::of("gemini-4-carbon");

        assert_eq!([old, middle, new].map(|family| family.schema), [false, true, true]);
        assert_eq!([old, middle, new].map(|family| family.schema_with_tools), [false, false, true]);
        assert_eq!([old, middle, new].map(|family| family.sampling), [true, true, false]);
        assert_eq!([old, middle, new].map(|family| family.checks_signatures), [false, false, true]);
        assert_eq!([old, middle, new].map(|family| family.max_output), [8_192, 65_536, 65_536]);
        assert_eq!(Family::of("gemma-4-27b-it"), Family::OTHER);
    }
}
