//! A skill held against the Agent Skills specification and against what makes one of use.

use super::skill::{Skill, SkillNotice};

/// The most lines and bytes of a skill that the specification advises: more belongs in files beside it.
const MOST_LINES: usize = 500;
const MOST_BYTES: usize = 20 << 10;
/// The shortest description that says when a skill applies, in characters.
const SHORTEST_DESCRIPTION: usize = 20;

/// Returns everything that is to be said about a skill, by line.
pub fn check(skill: &Skill) -> Vec<SkillNotice> {
    let mut notices = skill.notices.clone();
    let (lines, bytes) = (skill.body.lines().count(), skill.body.len());
    if lines > MOST_LINES || bytes > MOST_BYTES {
        let long = format!(
            "{lines} lines and {} KiB are a lot for each task; put what is not always needed into files beside it",
            bytes >> 10
        );
        notices.push(SkillNotice::advice(skill.body_line, long));
    }
    if skill.body.trim().is_empty() {
        notices.push(SkillNotice::advice(skill.body_line, "it says nothing but its description"));
    }
    if skill.description.chars().count() < SHORTEST_DESCRIPTION {
        let short = "its description hardly says what it does and when it is of use";
        notices.push(SkillNotice::advice(1, short));
    }
    for (number, line) in skill.body.lines().enumerate() {
        let at = skill.body_line + number;
        notices.extend(unseen(line).map(|text| SkillNotice::advice(at, text)));
        let gone = links(line).filter(|path| skill.folder.is_some() && !skill.has_beside(path));
        notices.extend(gone.map(|path| {
            SkillNotice::advice(at, format!("`{path}` is not in the folder of the skill"))
        }));
    }
    notices.sort_by_key(|notice| notice.line);
    notices
}

/// Returns what is to be said of characters that nobody sees and a model reads.
#[must_use]
pub fn unseen(line: &str) -> Option<String> {
    let is_unseen = |c: &char| {
        matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{e0000}'..='\u{e007f}')
            || (c.is_control() && *c != '\t')
    };
    let count = line.chars().filter(is_unseen).count();
    (count > 0).then(|| format!("it has {count} characters that nobody sees and a model reads"))
}

/// Returns the paths in the folder of the skill that the links of a line of Markdown lead to.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let paths = targets.map(|target| target.split(['#', ' ']).next().unwrap_or_default());
    paths.filter(|path| {
        let elsewhere = path.is_empty() || path.contains(':') || path.starts_with(['/', '<']);
        !elsewhere && !path.starts_with("..")
    })
}
