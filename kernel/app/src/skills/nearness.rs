//! How near skills are to a task in meaning.
//!
//! What each skill is for is turned into a vector once, beside a task, and kept by the model that made it and the digest of the
//! words. As long as one of the skills has no vector yet words alone decide: a mixture would favour one side.

use std::sync::Arc;

use openkoi_core::{hash, port::Vectors, task::own_words};
use openkoi_storage::{Storage, skills::Skill};

use super::loaded::LoadedSkills;
use crate::{error::AppError, memory::Meaning, thread};

/// The bytes of a description that count: so much an embedder takes in.
const DESCRIPTION: usize = 1_000;
/// The number of texts that are embedded and kept at once.
const PORTION: usize = 256;
/// The name of the thread that makes vectors.
const THREAD: &str = "embedding skills";

/// How near skills are to a task: a cosine for each, in their order. Absent where that is not known of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nearness {
    /// Of the skills that a task may be given.
    pub skills: Option<Vec<f64>>,
    /// Of the evaluators that are not bundled.
    pub judges: Option<Vec<f64>>,
}

/// What a skill is for, in the words that are embedded.
struct Meant {
    digest: String,
    text: String,
}

impl Meant {
    fn of(skill: &Skill) -> Self {
        let name = skill.name.replace(['-', '_'], " ");
        let about = skill.description.as_str();
        let about = &about[..about.floor_char_boundary(DESCRIPTION)];
        let text = format!("{name}. {about} {}", skill.categories.join(", "));
        let whole = hash::of_bytes(text.as_bytes());
        let digest = whole.get(..32).unwrap_or(&whole).to_owned();
        Self { digest, text: text.trim_end().to_owned() }
    }
}

impl LoadedSkills {
    /// Returns how near they are to what `question` is a vector of, and whether some have no vector yet.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn nearness(
        &self,
        storage: &Storage,
        question: &Vectors,
    ) -> Result<(Nearness, bool), AppError> {
        let known = storage.skill_nearness(question)?;
        let near = |skill: &Skill| known.get(&Meant::of(skill).digest).copied();
        let skills: Option<Vec<f64>> = self.usable().map(near).collect();
        let judges: Option<Vec<f64>> = self.custom_judges().map(near).collect();
        let is_wanting = skills.is_none() || judges.is_none();
        Ok((Nearness { skills, judges }, is_wanting))
    }

    /// Returns the digests under which the vectors of all of them are kept.
    pub fn digests(&self) -> Vec<String> {
        let all = self.usable().chain(self.custom_judges());
        all.map(|skill| Meant::of(skill).digest).collect()
    }

    /// Returns whether there is a choice among them, for which their meaning counts.
    pub(crate) fn have_choice(&self) -> bool {
        self.usable().next().is_some() || self.custom_judges().next().is_some()
    }
}

/// Makes vectors of the skills that have none of this model.
async fn embed_skills(
    loaded: &LoadedSkills,
    storage: &Storage,
    meaning: &Meaning,
) -> Result<(), AppError> {
    let model = meaning.of_passages(&[]).await?;
    let known = storage.skill_digests(&model.model)?;
    let all = loaded.usable().chain(loaded.custom_judges()).map(Meant::of);
    let missing: Vec<Meant> = all.filter(|one| !known.contains(&one.digest)).collect();
    for some in missing.chunks(PORTION) {
        let texts: Vec<String> = some.iter().map(|one| one.text.clone()).collect();
        let digests: Vec<String> = some.iter().map(|one| one.digest.clone()).collect();
        storage.keep_skill_vectors(&digests, &meaning.of_passages(&texts).await?)?;
    }
    Ok(())
}

/// Returns how near skills are to a task, and waits until that is known. Where it cannot be, words alone decide.
///
/// # Errors
///
/// When the database cannot be read.
pub async fn nearness(
    loaded: &LoadedSkills,
    storage: &Storage,
    meaning: &Meaning,
    task: &str,
) -> Result<Nearness, AppError> {
    if let Err(error) = embed_skills(loaded, storage, meaning).await {
        tracing::warn!(%error, "skills are chosen by words alone");
    }
    match meaning.of_question(&own_words(task)).await {
        Some(question) => Ok(loaded.nearness(storage, &question)?.0),
        None => Ok(Nearness::default()),
    }
}

/// Makes vectors as [`embed_skills`] does, on a thread of its own that nobody waits for.
pub(crate) fn embed_skills_beside(
    loaded: &Arc<LoadedSkills>,
    storage: &Arc<Storage>,
    meaning: &Meaning,
) {
    let (loaded, storage, meaning) = (Arc::clone(loaded), Arc::clone(storage), meaning.clone());
    thread::beside(THREAD, move || {
        if let Err(error) = thread::block(embed_skills(&loaded, &storage, &meaning)) {
            tracing::warn!(%error, "skills are chosen by words alone");
        }
    });
}
