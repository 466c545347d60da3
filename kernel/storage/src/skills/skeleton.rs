//! The beginning of a new skill.

use serde_json::Value;

use super::skill::SkillKind;

/// Returns the text of a new skill, which is as the specification has it. Its author writes on from there.
pub fn skeleton(kind: SkillKind, name: &str, description: Option<&str>) -> String {
    let description = description.map_or_else(|| standing_in(kind, name), str::to_owned);
    // JSON's quotes are YAML's, too.
    let description = Value::from(description);
    let title = title(name);
    match kind {
        SkillKind::Task => format!(
            "---\nname: {name}\ndescription: {description}\nmetadata:\n  categories: []\n---\n\n# {title}\n\n\
             1. What is done first, and how.\n2. What is looked at afterwards.\n"
        ),
        SkillKind::Evaluator => format!(
            "---\nname: {name}\nkind: evaluator\ndescription: {description}\nmetadata:\n  categories: [code]\n  \
             dimensions:\n    - {{ name: correctness, weight: 0.6 }}\n    - {{ name: clarity, weight: 0.4 }}\n---\n\n\
             # {title}\n\n## Correctness (60%)\n\n- What has to hold?\n\n## Clarity (40%)\n\n- Who has to understand it?\n"
        ),
    }
}

fn standing_in(kind: SkillKind, name: &str) -> String {
    match kind {
        SkillKind::Task => {
            format!("What {name} does, and when it is of use, in the words of tasks.")
        }
        SkillKind::Evaluator => format!("What {name} judges, in the words of tasks."),
    }
}

/// Returns a name as a title: `api-style` is `Api style`.
fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
