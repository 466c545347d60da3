//! What of the skills a task is given: the best whole, and a list of the others.

use openkoi_core::{skill::SkillUse, task::own_words};
use openkoi_storage::{
    skill_uses::SkillRecords,
    skills::{Skill, SkillSource},
};

use super::{
    loaded::{LoadedSkills, is_of_own_source},
    words::Spoken,
};
use crate::rules::fenced;

/// The most skills that are given whole.
const MOST_WHOLE: usize = 3;
/// From here on a skill is about the task: two rare words of its description, or one of its name.
const LEAST_FIT: f64 = 1.5;
/// A long task shares words with everything: so much more is needed for each word beyond the first twenty.
const FEW_WORDS: usize = 20;
const MORE_FIT: f64 = 0.02;
/// From here on it is so by its meaning alone.
pub(super) const NEAR: f64 = 0.5;
/// The least part of the best one's fit that another has to have.
const BESIDE_BEST: f64 = 0.4;
/// What words count beside meaning, as it was measured over public skills.
pub(super) const WORDS_BESIDE_MEANING: f64 = 0.3;
/// A skill that certainly does so much harm is not given unasked.
const HARM: f64 = -0.1;

/// The most bytes of a description in the list.
const LISTED: usize = 200;

/// The room that skills have in a prompt, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkillRoom {
    /// For skills that are given whole.
    pub whole: usize,
    /// For the list of the others.
    pub listed: usize,
}

impl SkillRoom {
    /// Returns the room in a window of so many tokens. Four bytes are about a token: a sixteenth for whole skills, and a
    /// hundredth for the list.
    #[must_use]
    pub fn of(window: u64) -> Self {
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        Self { whole: (window / 4).min(32 << 10), listed: (window / 25).min(4 << 10) }
    }
}

/// A skill beside a task.
#[derive(Clone, Copy, Debug)]
pub struct RankedSkill<'a> {
    /// The skill.
    pub skill: &'a Skill,
    /// How well it fits, with what it was seen to do: more is better.
    pub score: f64,
    /// True if it is about the task.
    pub is_apt: bool,
}

/// What a task is given.
#[derive(Debug, Default)]
pub(crate) struct Chosen<'a> {
    pub(crate) whole: Vec<&'a Skill>,
    /// The others, the best first.
    pub(crate) others: Vec<&'a Skill>,
}

impl LoadedSkills {
    /// Returns the skills that can be used, the best for the task first. `nearness` has the cosine of the task and each skill
    /// of [`LoadedSkills::usable`], where an embedder made one.
    pub fn ranked(
        &self,
        task: &str,
        nearness: Option<&[f64]>,
        records: &SkillRecords,
    ) -> Vec<RankedSkill<'_>> {
        let task = own_words(task);
        let (fits, spoken) = (self.words().fits(&task), Spoken::of(&task));
        let best = fits.fits.iter().copied().fold(0.0, f64::max);
        let least = least_fit(fits.asked);
        let mut ranked: Vec<(bool, RankedSkill<'_>)> = Vec::new();
        for (at, (skill, fit)) in self.usable().zip(&fits.fits).enumerate() {
            let near = nearness.and_then(|all| all.get(at).copied());
            let words = if best > 0.0 { fit / best } else { 0.0 };
            let relevance = near.map_or(words, |near| near + WORDS_BESIDE_MEANING * words);
            let effect = records.of(&skill.name, self.place_of(skill)).effect.certain();
            let is_named = spoken.names(&skill.name);
            let is_told = *fit >= least && *fit >= BESIDE_BEST * best;
            let is_near = near.is_some_and(|near| near >= NEAR);
            let is_own = is_of_own_source(skill);
            let is_wanted = (is_told || is_near || is_own) && effect > HARM && !skill.is_for_people;
            let score = relevance * (1.0 + effect);
            ranked.push((is_named, RankedSkill { skill, score, is_apt: is_named || is_wanted }));
        }
        ranked.sort_by(|(named, one), (other_named, other)| {
            let order = (other_named, other.is_apt).cmp(&(named, one.is_apt));
            order
                .then(other.score.total_cmp(&one.score))
                .then(one.skill.name.cmp(&other.skill.name))
        });
        ranked.into_iter().map(|(_, ranked)| ranked).collect()
    }

    /// Returns what there is room for.
    pub(crate) fn chosen(
        &self,
        task: &str,
        nearness: Option<&[f64]>,
        records: &SkillRecords,
        room: SkillRoom,
    ) -> Chosen<'_> {
        let mut chosen = Chosen::default();
        let mut left = room.whole;
        for RankedSkill { skill, is_apt, .. } in self.ranked(task, nearness, records) {
            let fits = is_apt && chosen.whole.len() < MOST_WHOLE && skill.body.len() <= left;
            if fits {
                left -= skill.body.len();
                chosen.whole.push(skill);
            } else if !skill.is_for_people || is_apt {
                chosen.others.push(skill);
            }
        }
        chosen
    }

    /// Returns the entry of a journal for a skill that is given whole.
    pub(crate) fn use_of(&self, skill: &Skill) -> SkillUse {
        SkillUse {
            name: skill.name.clone(),
            place: self.place_of(skill).to_owned(),
            digest: digest(skill),
        }
    }
}

/// Returns the fit from which on a skill is about a text of so many words.
pub(super) fn least_fit(asked: usize) -> f64 {
    LEAST_FIT + MORE_FIT * asked.saturating_sub(FEW_WORDS) as f64
}

/// Returns the beginning of the hash of a skill's text.
pub fn digest(skill: &Skill) -> String {
    let hash = openkoi_core::hash::of_bytes(skill.body.as_bytes());
    hash.get(..16).unwrap_or(&hash).to_owned()
}

impl Chosen<'_> {
    /// Returns whether there is anything that a model can open.
    pub(crate) fn can_be_opened(&self) -> bool {
        !self.others.is_empty() || self.whole.iter().any(|skill| !skill.files_beside().is_empty())
    }

    /// Returns what a model is told of them. Without a tool to open them, the others are not named.
    pub(crate) fn told(&self, room: usize, can_be_opened: bool) -> String {
        let mut told = String::new();
        for skill in &self.whole {
            told.push_str(&format!("\n{}\n", shown(skill, skill.body.trim(), can_be_opened)));
        }
        if can_be_opened && !self.others.is_empty() {
            let list = list(&self.others, room);
            told.push_str(&format!(
                "\nMore skills: how kinds of work are done here. When one is about what you are doing, open it with the tool \
                 `skill` before you begin.\n{}\n",
                fenced("skills", "", &list)
            ));
        }
        told
    }
}

/// Returns the text of a skill for a model, with what is beside it.
pub(super) fn shown(skill: &Skill, text: &str, can_be_opened: bool) -> String {
    let from = match skill.source {
        SkillSource::Bundled => "",
        SkillSource::Managed => " from=\"somebody else; the user installed it\"",
        _ => " from=\"the user or the project\"",
    };
    let beside = if can_be_opened { beside(skill) } else { String::new() };
    fenced("skill", &format!(" name=\"{}\"{from}", skill.name), &format!("{text}{beside}"))
}

/// The most files beside a skill that are named to a model.
const NAMED: usize = 30;

fn beside(skill: &Skill) -> String {
    let files = skill.files_beside();
    if files.is_empty() {
        return String::new();
    }
    let named: Vec<&str> = files.iter().take(NAMED).map(|file| file.path.as_str()).collect();
    let more = files.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "\n\n[files of this skill, which the tool `skill` opens: {}{more}]",
        one_line(&named.join(", "))
    )
}

/// Returns skills in lines: with what each is for as long as there is room, then by name, then as a number.
pub(super) fn list(skills: &[&Skill], room: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut bytes = 0;
    for skill in skills {
        let whole = match one_line(&skill.description) {
            empty if empty.is_empty() => format!("- {}", skill.name),
            about => format!("- {}: {}", skill.name, cut(&about, LISTED)),
        };
        // The last quarter is for names alone, so that more of them are known.
        let line =
            if bytes + whole.len() < room / 4 * 3 { whole } else { format!("- {}", skill.name) };
        if bytes + line.len() >= room {
            break;
        }
        bytes += line.len() + 1;
        lines.push(line);
    }
    let more = skills.len() - lines.len();
    if more > 0 {
        lines.push(format!(
            "and {more} more: give the tool words for what you need in place of a name"
        ));
    }
    lines.join("\n")
}

fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cut(text: &str, most: usize) -> String {
    match text.get(..text.floor_char_boundary(most)) {
        Some(start) if start.len() < text.len() => format!("{}…", start.trim_end()),
        _ => text.to_owned(),
    }
}
