//! The text of a skill: the steps that worked, the commands that ran, the checks that proved it. All of it is made of facts
//! that the host saw and of words that the user typed, so that the same work makes the same text.

use openkoi_sdk::learner::{Outcome, SkillDraft};

use crate::{
    past::{Work, kind},
    words,
};

/// The most steps and files, and the most words that a skill is found by.
const STEPS: usize = 8;
const FILES: usize = 5;
const WORDS: usize = 6;
const NAME_WORDS: usize = 3;
/// The longest text of a task that is quoted, in characters.
const QUOTED: usize = 120;
/// Programs that only look: what they are run for differs from task to task.
const LOOKING: [&str; 12] =
    ["ls", "pwd", "cat", "head", "tail", "echo", "which", "find", "grep", "rg", "wc", "sed"];

/// Returns the skill that does what these tasks did; nothing if they have too little in common. The present one is the last.
pub(crate) fn of(outcome: &Outcome, works: &[Work], confidence: f64) -> Option<SkillDraft> {
    let common = Common { works };
    let (steps, files, checks) = (common.commands(), common.files(), common.checks());
    let words = common.words(&outcome.text);
    let has_way = !steps.is_empty() || !files.is_empty();
    if words.len() < 2 || !has_way {
        return None;
    }
    let about = words.iter().take(WORDS).cloned().collect::<Vec<_>>().join(", ");
    Some(SkillDraft {
        name: name(&words, &outcome.task),
        description: format!(
            "How this project does tasks such as \"{}\". Use it when a task is about {about}.",
            quoted(&outcome.text)
        ),
        text: text(&words, &steps, &files, &checks),
        categories: words.iter().take(NAME_WORDS).cloned().collect(),
        tasks: works.iter().map(|work| work.task.clone()).collect(),
        confidence,
    })
}

/// What most of the tasks have in common.
struct Common<'a> {
    works: &'a [Work],
}

impl Common<'_> {
    /// Returns whether something is true of two thirds of them.
    fn is_usual(&self, is_true: impl Fn(&Work) -> bool) -> bool {
        3 * self.works.iter().filter(|work| is_true(work)).count() >= 2 * self.works.len()
    }

    fn words(&self, text: &str) -> Vec<String> {
        let words = words::of(text).into_iter();
        let usual = words.filter(|word| self.is_usual(|work| work.words.contains(&word.stem)));
        usual.map(|word| word.written).collect()
    }

    /// Returns the commands in the order in which they usually ran.
    fn commands(&self) -> Vec<String> {
        let all = self.works.iter().flat_map(|work| &work.commands);
        let mut usual: Vec<&String> = Vec::new();
        for command in all {
            let program = command.split(' ').next().unwrap_or_default();
            let is_check = self.checks().iter().any(|(_, check)| check == command);
            let is_step = !LOOKING.contains(&program) && !is_check && !usual.contains(&command);
            if is_step && self.is_usual(|work| work.commands.contains(command)) {
                usual.push(command);
            }
        }
        let place = |command: &String| {
            let places = self.works.iter().filter_map(|work| {
                let at = work.commands.iter().position(|one| one == command)?;
                Some(at as f64 / work.commands.len() as f64)
            });
            let places: Vec<f64> = places.collect();
            places.iter().sum::<f64>() / places.len().max(1) as f64
        };
        usual.sort_by(|one, other| place(one).total_cmp(&place(other)));
        usual.into_iter().take(STEPS).cloned().collect()
    }

    fn checks(&self) -> Vec<(String, String)> {
        let mut usual: Vec<(String, String)> = Vec::new();
        for check in self.works.iter().flat_map(|work| &work.checks) {
            if !usual.contains(check) && self.is_usual(|work| work.checks.contains(check)) {
                usual.push(check.clone());
            }
        }
        usual.truncate(STEPS);
        usual
    }

    /// Returns the files that were usually changed, or else their kinds.
    fn files(&self) -> Vec<String> {
        let of = |names: Vec<String>, is_in: &dyn Fn(&Work, &str) -> bool| {
            let mut usual: Vec<String> = Vec::new();
            for name in names {
                if !usual.contains(&name) && self.is_usual(|work| is_in(work, &name)) {
                    usual.push(name);
                }
            }
            usual.truncate(FILES);
            usual
        };
        let files = self.works.iter().flat_map(|work| work.files.iter().cloned()).collect();
        let found = of(files, &|work, name| work.files.contains(name));
        if !found.is_empty() {
            return found;
        }
        let kinds =
            self.works.iter().flat_map(|work| work.files.iter().map(|path| kind(path).to_owned()));
        let found = of(kinds.collect(), &|work, name| work.kinds().contains(name));
        found.into_iter().map(|kind| format!("*.{kind}")).collect()
    }
}

fn text(
    words: &[String],
    steps: &[String],
    files: &[String],
    checks: &[(String, String)],
) -> String {
    let title = words.iter().take(NAME_WORDS).cloned().collect::<Vec<_>>().join(" ");
    let mut text =
        format!("# {}\n\nThese steps worked in earlier tasks of this kind.\n\n", upper(&title));
    let mut number = 0;
    let mut step = |line: String| {
        number += 1;
        text.push_str(&format!("{number}. {line}\n"));
    };
    if !files.is_empty() {
        let named = files.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
        step(format!("Read and change {named}: these are the files that such tasks changed."));
    }
    steps.iter().for_each(|command| step(format!("Run `{command}`.")));
    for (category, command) in checks {
        step(format!("Prove it with `{command}` ({category})."));
    }
    text
}

fn name(words: &[String], task: &str) -> String {
    let plain = |word: &&String| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let words: Vec<&str> =
        words.iter().filter(plain).take(NAME_WORDS).map(|word| cut(word)).collect();
    match words.is_empty() {
        false => words.join("-"),
        // A name has letters of English alone.
        true => format!("pattern-{}", task.chars().rev().take(6).collect::<String>()),
    }
}

fn cut(word: &str) -> &str {
    word.get(..20).unwrap_or(word)
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Returns the beginning of a text on one line, without marks that would end a quotation.
fn quoted(text: &str) -> String {
    let plain = |c: char| if c.is_control() || "\"`<>".contains(c) { ' ' } else { c };
    let line: String = text.chars().map(plain).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = line.chars().take(QUOTED).collect();
    if start.len() < line.len() { format!("{start}…") } else { start }
}
