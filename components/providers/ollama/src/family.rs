//! Abilities of models, known by their names. The service would tell with `POST /api/show`, but a codec asks nothing.

/// The window of a model of which nothing is known, in tokens. Most that call tools read more.
const UNKNOWN: u64 = 32_768;
/// The same in the vendor's cloud, where only large models are.
const UNKNOWN_IN_CLOUD: u64 = 131_072;

const K: u64 = 1_024;

/// The way in which a model is told how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// It does not think, or nobody knows; being asked to is an error then.
    Unknown,
    /// It thinks or not, as it is told.
    Switch,
    /// It always thinks, and takes a level.
    Level,
}

/// A family of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// The number of tokens it reads: the least that any size of it does.
    pub context: u64,
    /// The way in which it is told to think.
    pub thinking: Thinking,
}

/// By the beginning of the name; a longer one stands before the shorter. Contexts are those of
/// <https://ollama.com/library>.
const FAMILIES: &[(&str, u64, Thinking)] = &[
    ("codestral", 32 * K, Thinking::Unknown),
    ("cogito", 128 * K, Thinking::Switch),
    ("command-r", 128 * K, Thinking::Unknown),
    ("deepseek-r1", 128 * K, Thinking::Switch),
    ("deepseek-v3.", 128 * K, Thinking::Switch),
    ("deepseek-v4", 128 * K, Thinking::Switch),
    ("deepseek-", 128 * K, Thinking::Unknown),
    ("devstral", 128 * K, Thinking::Unknown),
    ("gemma3:1b", 32 * K, Thinking::Unknown),
    ("gemma3:270m", 32 * K, Thinking::Unknown),
    ("gemma3n", 32 * K, Thinking::Unknown),
    ("gemma3", 128 * K, Thinking::Unknown),
    ("gemma4", 128 * K, Thinking::Switch),
    ("gemma", 8 * K, Thinking::Unknown),
    ("glm-", 128 * K, Thinking::Switch),
    ("gpt-oss", 128 * K, Thinking::Level),
    ("granite", 128 * K, Thinking::Unknown),
    ("kimi-k2-thinking", 256 * K, Thinking::Switch),
    ("kimi-k2", 256 * K, Thinking::Unknown),
    ("llama3.", 128 * K, Thinking::Unknown),
    ("llama3", 8 * K, Thinking::Unknown),
    ("llama4", 1_024 * K, Thinking::Unknown),
    ("magistral", 39 * K, Thinking::Switch),
    ("minimax-m", 192 * K, Thinking::Switch),
    ("ministral-3", 256 * K, Thinking::Unknown),
    ("mistral-large", 128 * K, Thinking::Unknown),
    ("mistral-nemo", 128 * K, Thinking::Unknown),
    ("mistral-small3", 128 * K, Thinking::Unknown),
    ("mistral", 32 * K, Thinking::Unknown),
    ("nemotron-3", 256 * K, Thinking::Switch),
    ("phi4-mini", 128 * K, Thinking::Unknown),
    ("phi4", 16 * K, Thinking::Unknown),
    ("qwen3-coder", 256 * K, Thinking::Unknown),
    ("qwen3-next", 256 * K, Thinking::Switch),
    ("qwen3-vl", 256 * K, Thinking::Switch),
    ("qwen3.", 256 * K, Thinking::Switch),
    ("qwen3", 40 * K, Thinking::Switch),
    ("qwen2.5vl", 125 * K, Thinking::Unknown),
    ("qwen2.5", 32 * K, Thinking::Unknown),
    ("qwq", 40 * K, Thinking::Switch),
    ("smollm2", 8 * K, Thinking::Unknown),
];

impl Family {
    /// Returns what is known of `model`, of which the address may say that it is in the cloud.
    pub(crate) fn of(model: &str, cloud: bool) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_lowercase();
        let known = FAMILIES.iter().find(|(begin, ..)| name.starts_with(begin));
        match known {
            // Models that only follow instructions are offered beside those of the same family that think.
            Some((_, context, _)) if name.contains("-instruct") => {
                Self { context: *context, thinking: Thinking::Unknown }
            }
            Some((_, context, thinking)) => Self { context: *context, thinking: *thinking },
            None => Self {
                context: if cloud { UNKNOWN_IN_CLOUD } else { UNKNOWN },
                thinking: Thinking::Unknown,
            },
        }
    }
}

/// Returns whether `model` answers from the vendor's cloud: the server there is asked itself, or by the one on this
/// machine, which knows such models by their tags.
pub(crate) fn is_cloud(base_url: &str, model: &str) -> bool {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    host == "ollama.com" || host.ends_with(".ollama.com") || is_cloud_tag(model)
}

fn is_cloud_tag(model: &str) -> bool {
    model.rsplit_once(':').is_some_and(|(_, tag)| tag == "cloud" || tag.ends_with("-cloud"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_name_counts() {
        let known = |model: &str| {
            let family = Family::of(model, false);
            (family.context, family.thinking)
        };

        assert_eq!(known("qwen3:4b"), (40 * K, Thinking::Switch));
        assert_eq!(known("qwen3-coder:30b"), (256 * K, Thinking::Unknown));
        assert_eq!(known("hf.co/someone/Qwen2.5-7B-GGUF:Q4_K_M"), (32 * K, Thinking::Unknown));
        assert_eq!(known("gemma3:1b-it-qat"), (32 * K, Thinking::Unknown));
        assert_eq!(known("llama3.2"), (128 * K, Thinking::Unknown));
        assert_eq!(known("llama3:8b"), (8 * K, Thinking::Unknown));
        assert_eq!(known("gpt-oss:20b-cloud"), (128 * K, Thinking::Level));
        assert_eq!(known("qwen3:4b-instruct-2507-q4_K_M"), (40 * K, Thinking::Unknown));
        assert_eq!(known("mine"), (UNKNOWN, Thinking::Unknown));
        assert_eq!(Family::of("mine", true).context, UNKNOWN_IN_CLOUD);
    }

    #[test]
    fn no_family_hides_behind_a_shorter_name_before_it() {
        for (place, (name, ..)) in FAMILIES.iter().enumerate() {
            let hidden = FAMILIES[..place].iter().find(|(before, ..)| name.starts_with(before));
            assert_eq!(hidden, None, "{name}");
        }
    }

    #[test]
    fn models_of_the_cloud_are_known_by_their_server_or_their_tag() {
        assert!(is_cloud("https://ollama.com", "gpt-oss:120b"));
        assert!(is_cloud("http://127.0.0.1:11434", "gpt-oss:120b-cloud"));
        assert!(is_cloud("http://127.0.0.1:11434", "glm-5:cloud"));
        assert!(!is_cloud("http://127.0.0.1:11434", "cloud:7b"));
        assert!(!is_cloud("https://ollama.com.evil.test", "x"));
    }
}
