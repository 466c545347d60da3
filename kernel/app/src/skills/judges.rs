//! The evaluators of a piece of work: one for its kind, and those that are about the task.

use std::collections::BTreeMap;

use openkoi_core::{
    evaluation::{Dimension, Rubric, RubricPart},
    task::own_words,
};
use openkoi_storage::skills::{Skill, SkillKind, SkillSource};

use super::{
    choice::{NEAR, WORDS_BESIDE_MEANING, least_fit},
    loaded::LoadedSkills,
    words::WordIndex,
};

/// The rubric of each kind of work among the bundled ones.
pub(super) const RUBRICS: [(&str, &str); 6] = [
    ("code", "code-review"),
    ("prose", "prose-quality"),
    ("sql", "sql-safety"),
    ("api", "api-design"),
    ("test", "test-quality"),
    ("general", "general"),
];

/// The most evaluators beside that of the kind. All of them rule in one turn, so each makes it longer.
const MOST_BESIDES: usize = 2;

impl LoadedSkills {
    /// Returns the rubric of each kind of work for a task. That of the kind is the user's own before the bundled one, or one of
    /// the project that the user trusts: otherwise whoever is judged chooses the judge. Further ones that are not bundled join it
    /// if they are about the task. `nearness` has the cosine of the task and each of [`LoadedSkills::custom_judges`], where that
    /// is known.
    pub(crate) fn rubrics(&self, task: &str, nearness: Option<&[f64]>) -> BTreeMap<String, Rubric> {
        let besides = self.about(task, nearness);
        let chosen = RUBRICS.iter().filter_map(|(kind, bundled)| {
            let own = self.custom_judges().filter(|skill| is_about(skill, kind));
            let first = own.max_by_key(|skill| skill.source).or_else(|| self.standard(bundled))?;
            let others = besides.iter().copied().filter(|skill| skill.name != first.name);
            let all: Vec<&Skill> = [first].into_iter().chain(others.take(MOST_BESIDES)).collect();
            Some(((*kind).to_owned(), self.joined(&all)))
        });
        chosen.collect()
    }

    /// Returns the evaluators that may judge and are not bundled.
    pub(super) fn custom_judges(&self) -> impl Iterator<Item = &Skill> {
        let usable = self.all().filter(|known| known.obstacles.is_empty()).map(|known| known.skill);
        usable.filter(|skill| {
            skill.kind == SkillKind::Evaluator && skill.source > SkillSource::Bundled
        })
    }

    /// Returns those of them that are about a task, the best first.
    fn about(&self, task: &str, nearness: Option<&[f64]>) -> Vec<&Skill> {
        let judges: Vec<&Skill> = self.custom_judges().collect();
        if judges.is_empty() {
            return judges;
        }
        let fits = WordIndex::of(judges.iter().copied()).fits(&own_words(task));
        let (least, best) = (least_fit(fits.asked), fits.fits.iter().copied().fold(0.0, f64::max));
        let mut about: Vec<(&Skill, f64)> = Vec::new();
        for (at, (skill, fit)) in judges.into_iter().zip(fits.fits).enumerate() {
            let near = nearness.and_then(|all| all.get(at).copied());
            if fit >= least || near.is_some_and(|near| near >= NEAR) {
                let words = if best > 0.0 { fit / best } else { 0.0 };
                about.push((skill, near.map_or(words, |near| near + WORDS_BESIDE_MEANING * words)));
            }
        }
        about.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        about.into_iter().map(|(skill, _)| skill).collect()
    }

    /// Makes one rubric of several, in which each has the same weight.
    fn joined(&self, skills: &[&Skill]) -> Rubric {
        let is_alone = skills.len() == 1;
        let part = |skill: &&Skill| {
            let whole: f64 = skill.dimensions.iter().map(|one| one.weight).sum();
            let of_whole = |one: &Dimension| match is_alone {
                true => one.clone(),
                false => Dimension {
                    name: format!("{}/{}", skill.name, one.name),
                    weight: one.weight / whole,
                },
            };
            let dimensions = skill.dimensions.iter().map(of_whole).collect();
            RubricPart { skill: self.use_of(skill), dimensions }
        };
        let parts: Vec<RubricPart> = skills.iter().map(part).collect();
        let text = |skill: &&Skill| match is_alone {
            true => skill.body.clone(),
            false => format!(
                "# Evaluator `{0}`, for the dimensions {0}/…\n\n{1}",
                skill.name, skill.body
            ),
        };
        let names = skills.iter().map(|skill| skill.name.as_str());
        Rubric {
            name: names.collect::<Vec<_>>().join(" and "),
            dimensions: parts.iter().flat_map(|part| part.dimensions.clone()).collect(),
            text: skills.iter().map(text).collect::<Vec<_>>().join("\n\n"),
            parts,
        }
    }
}

fn is_about(skill: &Skill, kind: &str) -> bool {
    skill.categories.iter().any(|category| category == kind)
}
