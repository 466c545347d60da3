//! Keeping what was learnt: what is known is confirmed, what somebody dropped stays away, the rest is new.

use openkoi_core::{
    learning::{Learnt, SeenTask},
    memory::{Change, Learning, Moment, Source, State, Uses, ranking},
};
use openkoi_storage::{Storage, memory::Question};

use super::{
    learned::{Learned, NewLearning},
    said,
};
use crate::{
    app::App,
    error::AppError,
    memory::{self, Meaning},
    task_runtime::TaskRuntime,
};

/// The number of learnings with words of a sentence that are looked at, and of those near to it in meaning.
const LOOKED_AT: u32 = 16;
/// The most words that a learning is found by.
const CATEGORIES: usize = 6;
/// How sure what the user says is.
const CERTAIN: f64 = 1.0;

/// A sentence that is to be kept.
struct Sentence<'a> {
    text: &'a str,
    /// Where it holds; absent, everywhere.
    workspace: Option<&'a str>,
    source: Source,
    categories: Vec<String>,
    confidence: f64,
    evidence: Vec<String>,
}

/// Keeps what a task taught.
pub(super) async fn keep(
    runtime: &TaskRuntime,
    learnt: Vec<Learnt>,
    seen: &SeenTask,
) -> Result<Learned, AppError> {
    let mut learned = Learned::default();
    if learnt.is_empty() {
        return Ok(learned);
    }
    let (app, storage) = (runtime.app(), runtime.storage());
    let place = memory::place(seen.workspace.as_ref()).to_string_lossy().into_owned();
    let meaning = runtime.meaning().filter(|meaning| meaning.is_at_hand());
    for one in learnt {
        let Ok(text) = memory::checked(&one.text) else { continue };
        if let Some(older) = one.replaces.as_deref().filter(|id| is_of_tasks(storage, id, &place)) {
            storage.set_state(older, State::Superseded, app.now_ms())?;
        }
        let sentence = Sentence {
            text,
            workspace: Some(&place),
            source: Source::Task(seen.task.clone()),
            categories: categories(&one.categories),
            confidence: one.confidence,
            evidence: one.evidence,
        };
        keep_one(app, storage, meaning, sentence, &mut learned).await?;
    }
    storage.tend(&place, app.now_ms())?;
    Ok(learned)
}

/// Keeps what the user said for good in this text.
pub(crate) async fn keep_said(runtime: &TaskRuntime, text: &str) -> Result<Learned, AppError> {
    let mut learned = Learned::default();
    if !runtime.learns() {
        return Ok(learned);
    }
    let found = said::found(text);
    if found.is_empty() {
        return Ok(learned);
    }
    let (app, storage) = (runtime.app(), runtime.storage());
    let place = memory::place(runtime.workspace()).to_string_lossy().into_owned();
    for one in found {
        let Ok(text) = memory::checked(&one.text) else { continue };
        let sentence = Sentence {
            text,
            workspace: (!one.everywhere).then_some(place.as_str()),
            source: Source::User,
            categories: Vec::new(),
            confidence: CERTAIN,
            evidence: Vec::new(),
        };
        let meaning = runtime.meaning().filter(|meaning| meaning.is_at_hand());
        keep_one(app, storage, meaning, sentence, &mut learned).await?;
    }
    Ok(learned)
}

async fn keep_one(
    app: &App,
    storage: &Storage,
    meaning: Option<&Meaning>,
    sentence: Sentence<'_>,
    learned: &mut Learned,
) -> Result<(), AppError> {
    let vector = memory::vector(meaning, sentence.text).await;
    let here = sentence.workspace;
    let question = Question {
        workspace: here,
        text: sentence.text,
        meaning: vector.as_ref(),
        most: LOOKED_AT,
    };
    let candidates = storage.recall(&question)?;
    let is_said = sentence.source == Source::User;
    // What the user says is kept as said, even if a task showed it before.
    let known = candidates.iter().find(|one| {
        ranking::says_the_same(sentence.text, one)
            && (!is_said || one.learning.source == Source::User)
    });
    if let Some(known) = known {
        storage.confirm(&known.learning.id, app.now_ms())?;
        learned.confirmed.push(known.learning.id.clone());
        return Ok(());
    }
    if !is_said && storage.was_dropped(here.unwrap_or_default(), sentence.text)? {
        return Ok(());
    }
    let learning = new(app, sentence)?;
    let moment = Moment::new(learning.learnt_ms, Change::Learnt, &learning.text);
    storage.remember(&learning, &[moment])?;
    learned.new.push(NewLearning { id: learning.id, text: learning.text, said: is_said });
    Ok(())
}

fn new(app: &App, sentence: Sentence<'_>) -> Result<Learning, AppError> {
    let now = app.now_ms();
    Ok(Learning {
        id: app.new_id()?,
        text: sentence.text.to_owned(),
        categories: sentence.categories,
        workspace: sentence.workspace.map(str::to_owned),
        source: sentence.source,
        confidence: sentence.confidence,
        confirmed_ms: now,
        learnt_ms: now,
        state: State::Active,
        uses: Uses::default(),
        evidence: sentence.evidence,
    })
}

/// Returns whether an id is of a learning of this workspace that a task showed: a learner replaces nothing of the user's.
fn is_of_tasks(storage: &Storage, id: &str, place: &str) -> bool {
    let found = storage.find_learning(id);
    found.is_ok_and(|one| one.source != Source::User && one.workspace.as_deref() == Some(place))
}

fn categories(words: &[String]) -> Vec<String> {
    let good = words.iter().filter_map(|word| memory::checked(word).ok());
    good.take(CATEGORIES).map(str::to_lowercase).collect()
}
