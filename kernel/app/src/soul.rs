//! SOUL.md: what the user wants work to be held to, and the directive that a task gets of it.
//!
//! A directive is chosen, not written: sentences of SOUL.md and of what is remembered, those that fit the task best. So it costs
//! no request, says nothing that the user cannot look up, and no text of a task can put words into it.

pub mod changes;
pub(crate) mod error;

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::disk;
use openkoi_core::{
    atlas::{Habit, Habits, QuestionAnswer, WorkChoice},
    deliberation::forecast::words,
    event::DirectiveSentence,
    memory::{Note, holds_secret},
    port::Records,
    records::{PastTask, Reaction, RecordQuery},
    task::own_words,
};

use openkoi_storage::Storage;

use crate::{app::App, error::AppError, memory::Meaning, settings::Settings, undo};

/// The name of the file.
const FILE: &str = "SOUL.md";
/// Where a project keeps its own.
const OF_PROJECT: &str = ".openkoi/SOUL.md";
/// The text that comes with the program.
const BUNDLED: &str = include_str!("soul/SOUL.md");
/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024;
/// The most sentences of a directive, and of them those that are remembered.
const MOST: usize = 5;
const MOST_REMEMBERED: usize = 2;
/// The fewest of SOUL.md, and from where on a sentence fits: a word that it shares, or a meaning that is near.
const LEAST: usize = 2;
const FITS: f64 = 0.5;
/// The longest sentence that is taken, in bytes.
const LONGEST: usize = 300;
/// The most records of one kind that choices are taken from, and the most files of tasks.
const MOST_RECORDS: u32 = 2_000;
const MOST_FILES: u32 = 50_000;
/// The most sentences of a file that are looked at.
const LOOKED_AT: usize = 200;

/// Where a SOUL.md is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It comes with the program.
    Bundled,
    /// It is the user's own.
    User(PathBuf),
    /// It is the project's, and the user said that it counts.
    Project(PathBuf),
}

/// What the user wants work to be held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soul {
    /// The text.
    pub text: String,
    /// Where it is from.
    pub origin: Origin,
    /// The project's own, if it does not count because the user has not said so.
    pub untrusted: Option<PathBuf>,
}

/// What the user's choices show, and where they are going. Each is sentences, the surest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Character {
    /// What the user values, as choices show it.
    pub values: Vec<String>,
    /// What is changing.
    pub trajectory: Vec<String>,
}

/// Returns the SOUL.md that counts in a workspace: the project's if the user said so (`soul.trusted`), else the user's own, else
/// the bundled one.
///
/// # Errors
///
/// When the user's own cannot be read.
pub fn read(app: &App, settings: &Settings, workspace: &Path) -> Result<Soul, AppError> {
    let of_project = workspace.join(OF_PROJECT);
    let is_trusted = settings.trusted_souls.iter().any(|place| Path::new(place) == workspace);
    let mut untrusted = None;
    if disk::is_file(&of_project) {
        match disk::read_text(&of_project, LARGEST) {
            Ok(text) if is_trusted => {
                return Ok(Soul { text, origin: Origin::Project(of_project), untrusted: None });
            }
            _ => untrusted = Some(of_project),
        }
    }
    let own = app.paths()?.home().join(FILE);
    match disk::read_text(&own, LARGEST) {
        Ok(text) => Ok(Soul { text, origin: Origin::User(own), untrusted }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Soul { text: BUNDLED.to_owned(), origin: Origin::Bundled, untrusted })
        }
        Err(error) => Err(AppError::Soul { path: own, error }),
    }
}

impl Soul {
    /// Returns the sentence that says why the project's own does not count, if there is one.
    #[must_use]
    pub fn notice(&self, workspace: &Path) -> Option<String> {
        self.untrusted.as_ref()?;
        let place = workspace.display();
        Some(format!(
            "the project's {OF_PROJECT} does not count; `soul.trusted = [\"{place}\"]` in your own configuration lets it"
        ))
    }

    /// Returns its sentences: what is in its lists and paragraphs, without headings.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let lines = self.text.lines().map(str::trim);
        let lines =
            lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '|', '`', '<', '>']));
        let of_line = |line: &str| {
            let line = line.trim_start_matches(['-', '*', '+', ' ']);
            let ends = line.match_indices(['.', '!', '?']).filter(|(at, _)| {
                line.get(at + 1..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            });
            let mut start = 0;
            let mut found = Vec::new();
            for (at, _) in ends {
                found.push(line[start..=at].trim().to_owned());
                start = at + 1;
            }
            found.push(line[start..].trim().to_owned());
            found
        };
        let sentences = lines.flat_map(of_line);
        let fits = |one: &String| one.contains(' ') && one.len() <= LONGEST && !holds_secret(one);
        sentences.filter(fits).take(LOOKED_AT).collect()
    }
}

/// Returns what the user's choices show, in sentences.
///
/// # Errors
///
/// When the records of earlier tasks cannot be read.
pub fn character(app: &App, storage: &Storage) -> Result<Character, AppError> {
    let shown = shown(app, storage)?;
    let texts = |traits: Vec<Habit>| traits.into_iter().map(|one| one.text).collect();
    Ok(Character { values: texts(shown.values), trajectory: texts(shown.trajectory) })
}

/// Returns what the user's choices show, with what it rests on.
pub(crate) fn shown(app: &App, storage: &Storage) -> Result<Habits, AppError> {
    let failed = AppError::Records;
    let query = RecordQuery { limit: MOST_RECORDS, ..RecordQuery::default() };
    let undone = undo::still_undone(app)?;
    let seen = storage.reactions(&query).map_err(failed)?.into_iter();
    let mut reactions: HashMap<String, Reaction> = seen
        .filter(|one| one.reaction != Reaction::Undone)
        .map(|one| (one.task.to_string(), one.reaction))
        .collect();
    reactions.extend(undone.into_iter().map(|task| (task, Reaction::Undone)));
    let mut files: HashMap<String, Vec<String>> = HashMap::new();
    let changed = RecordQuery { limit: MOST_FILES, ..query.clone() };
    for file in storage.changed_files(&changed).map_err(failed)? {
        files.entry(file.task.to_string()).or_default().push(file.path);
    }
    let choice = |task: PastTask| {
        let id = task.id.to_string();
        let (reaction, files) = (*reactions.get(&id)?, files.remove(&id).unwrap_or_default());
        Some(WorkChoice {
            task: id,
            files,
            reaction,
            at_ms: task.ended_ms.unwrap_or(task.started_ms),
        })
    };
    let choices: Vec<WorkChoice> =
        Records::tasks(storage, &query).map_err(failed)?.into_iter().filter_map(choice).collect();
    let answered =
        storage.decisions(&query).map_err(failed)?.into_iter().filter(|one| one.answered);
    let replies: Vec<QuestionAnswer> = answered
        .map(|one| QuestionAnswer {
            task: one.task.to_string(),
            domain: one.domain,
            allowed: one.allowed,
        })
        .collect();
    Ok(Habits::of(&choices, &replies, app.now_ms()))
}

/// Returns the directive of a task: at most five sentences.
pub(crate) async fn directive(
    task: &str,
    soul: &Soul,
    character: &Character,
    notes: &[Note],
    meaning: Option<&Meaning>,
) -> Vec<DirectiveSentence> {
    let told = |text: &String, source: &str| DirectiveSentence {
        text: text.clone(),
        source: source.to_owned(),
    };
    let remembered = notes.iter().filter(|note| !note.text.is_empty()).take(MOST_REMEMBERED);
    let mut rest: Vec<DirectiveSentence> =
        remembered.map(|note| told(&note.text, &note.id)).collect();
    rest.extend(character.values.first().map(|text| told(text, "values")));
    rest.extend(character.trajectory.first().map(|text| told(text, "trajectory")));
    let sentences = soul.sentences();
    let near = nearness(&own_words(task), &sentences, meaning).await;
    let mut ranked: Vec<(f64, usize)> =
        near.into_iter().enumerate().map(|(at, near)| (near, at)).collect();
    // Those that fit equally well in the order of the file.
    ranked.sort_unstable_by(|(one, at), (other, later)| other.total_cmp(one).then(at.cmp(later)));
    let fitting = ranked.iter().filter(|(near, _)| *near >= FITS).count();
    let room = MOST.saturating_sub(rest.len());
    // A task that nothing fits is held to what stands first.
    let count = fitting.clamp(room.min(LEAST), room);
    let mut chosen: Vec<usize> = ranked.into_iter().take(count).map(|(_, at)| at).collect();
    chosen.sort_unstable();
    let chosen = chosen.into_iter().filter_map(|at| sentences.get(at));
    chosen.map(|text| told(text, "soul")).chain(rest).collect()
}

/// Returns how near each sentence is to a task, by its words, and by its meaning where that is at hand.
async fn nearness(task: &str, sentences: &[String], meaning: Option<&Meaning>) -> Vec<f64> {
    let wanted = telling(task);
    let by_words = sentences.iter().map(|one| telling(one).intersection(&wanted).count() as f64);
    let near = match meaning.filter(|meaning| meaning.is_at_hand()) {
        Some(meaning) => cosines(task, sentences, meaning).await,
        None => None,
    };
    let near = near.unwrap_or_else(|| vec![0.0; sentences.len()]);
    by_words.zip(near).map(|(words, meaning)| words + meaning).collect()
}

/// Returns the words of a text that may say what it is about, without the endings of their plurals.
fn telling(text: &str) -> BTreeSet<String> {
    let all = words(text).into_iter().filter(|word| word.len() > 3);
    all.map(|word| word.strip_suffix('s').map(str::to_owned).unwrap_or(word)).collect()
}

async fn cosines(task: &str, sentences: &[String], meaning: &Meaning) -> Option<Vec<f64>> {
    let asked = meaning.of_question(task).await?;
    let asked = asked.vectors.first()?;
    let made = meaning.of_passages(sentences).await.ok()?;
    (made.vectors.len() == sentences.len())
        .then(|| made.vectors.iter().map(|one| cosine(asked, one)).collect())
}

fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let length = (dot(one, one) * dot(other, other)).sqrt();
    if length > 0.0 { dot(one, other) / length } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soul(text: &str) -> Soul {
        Soul { text: text.to_owned(), origin: Origin::Bundled, untrusted: None }
    }

    fn chosen(task: &str, text: &str, notes: &[Note]) -> Vec<(String, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (soul, character) = (soul(text), Character::default());
        let made = directive(task, &soul, &character, notes, None);
        runtime.block_on(made).into_iter().map(|one| (one.text, one.source)).collect()
    }

    #[test]
    fn sentences_are_those_of_lists_and_paragraphs() {
        let text = "# A heading\n\nBe kind. Version 1.2 is fine! Really?\n- A list, too\n| a | b |\n\nOne\n";
        let expected = ["Be kind.", "Version 1.2 is fine!", "A list, too"];
        assert_eq!(soul(text).sentences(), expected);
        let secret = "The key is sk-abc123def456ghi789jkl012mno345.";
        assert_eq!(soul(secret).sentences(), [""; 0]);
    }

    #[test]
    fn what_fits_the_task_is_chosen_and_told_in_the_order_of_the_file() {
        let text = "- Tests come first.\n- Colours are green.\n- Secrets stay secret.\n- Words are short.\n- Files are \
                    small.\n- The parser is fast.\n- Errors say what to do.";
        let texts: Vec<String> =
            chosen("make the parser fast, its errors and tests too", text, &[])
                .into_iter()
                .map(|(text, _)| text)
                .collect();
        assert_eq!(texts, ["Tests come first.", "The parser is fast.", "Errors say what to do."]);
        let none: Vec<String> =
            chosen("paint it", text, &[]).into_iter().map(|(text, _)| text).collect();
        assert_eq!(none, ["Tests come first.", "Colours are green."]);
    }

    #[test]
    fn what_is_remembered_has_two_places_and_the_whole_five() {
        let note = |id: &str| Note {
            id: id.to_owned(),
            text: format!("note {id}"),
            source: "the user".to_owned(),
        };
        let notes = [note("1"), note("2"), note("3")];
        let sources: Vec<String> = chosen("make errors, secrets and tests better", BUNDLED, &notes)
            .into_iter()
            .map(|(_, source)| source)
            .collect();
        assert_eq!(sources, ["soul", "soul", "soul", "1", "2"]);
    }
}
