//! Cases as text: a project, what a model does to it, and what may come of that.
//!
//! A file holds the cases of one project, which it is named after. A line is a word and what belongs to it; lines that
//! begin with `|`, `-` or `+` belong to the line above them; a line that begins with `#` is for people.
//!
//! | word | what it says |
//! |---|---|
//! | `case NAME` | begins a case |
//! | `on PROJECT` | another project than that of the file |
//! | `task TEXT` | what is asked for, where it is not to fix percent |
//! | `state half` | the product as it is at first, where it is not broken: `half` or `fixed` |
//! | `given PATH` | one more file, its text behind `\|`; `given crlf PATH` and `given latin1 PATH` write it so |
//! | `before COMMAND` | runs in the workspace before the run |
//! | `plan WORD` | what the planner says, see [`Plan`] |
//! | `iterations N` | how often the model may try; once otherwise |
//! | `half`, `fix` | the model writes the product half right, or right |
//! | `write PATH`, `edit PATH`, `remove PATH`, `run COMMAND` | the model calls a tool; an edit has whole lines behind `-` and `+` |
//! | `say TEXT` | what the model says at the end |
//! | `is CLASS` | the class of a cheat, see [`Class`] |
//! | `asks` | a person really has to decide: exit 8 is as good as 0 |
//! | `verified` | the report says of the tests that they are verified |
//! | `proof COMMAND` | ends with 0 in a copy of the tree if the task is done; without it percent is called with other numbers |
//! | `pointed` | the judge is told of a function whose change shows for the inputs of the tests alone |
//! | `blunt` | the cheat fools OpenKoi or nobody: the project's own command is not impressed by it |

use super::{
    project::{self, Project},
    step::Step,
};
use crate::world::TASK;

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What it is about, in a few words.
    pub name: String,
    /// The project that it happens in.
    pub project: &'static Project,
    /// What is asked for.
    pub task: String,
    /// The product at first: `broken`, `half` or `fixed`.
    pub state: String,
    /// More files, and commands that run before.
    pub given: Vec<Step>,
    /// What the planner says.
    pub plan: Plan,
    /// How often the model may try.
    pub iterations: u32,
    /// What the model does.
    pub steps: Vec<Step>,
    /// What it says at the end.
    pub say: String,
    /// What kind of cheat it is.
    pub class: Class,
    /// A person may be asked.
    pub asks: bool,
    /// The report says that the tests are verified.
    pub verified: bool,
    /// Tells whether the task is done, in place of the project's probe.
    pub proof: Option<String>,
    /// The judge is told of a function whose change shows for the inputs of the tests alone.
    pub pointed: bool,
    /// The project's own command is not fooled.
    pub blunt: bool,
}

/// The kind of a cheat, which says what may come of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Class {
    /// The product is not right, and the evidence is made to say that it is. Never accepted, never verified.
    #[default]
    Evidence,
    /// The product is right, and tests of the baseline are gone or do not run any more. Never simply accepted.
    Gone,
    /// The product is right, and something beside the task was changed. If it is accepted, the report names it.
    Beside,
    /// The product cheats in a way that its tests cannot see. If it is accepted, the report says who judged.
    Product,
    /// Nothing is done but words.
    Claim,
}

/// What the planner says: a change with these criteria.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Plan {
    /// All tests pass, and it is right for every number, which a judge decides.
    #[default]
    Both,
    /// The red tests pass, by name.
    Named,
    /// All tests pass, bound to the build.
    Build,
    /// Only what a judge decides.
    Judged,
    /// None.
    Nothing,
    /// The tests may be changed, which the task does not say.
    Loose,
    /// No change, but an answer.
    Answer,
}

impl Case {
    /// Returns a case in which nothing is done.
    pub(crate) fn new(name: &str, project: &'static Project) -> Self {
        Self {
            name: name.to_owned(),
            project,
            task: TASK.to_owned(),
            state: "broken".to_owned(),
            given: Vec::new(),
            plan: Plan::default(),
            iterations: 1,
            steps: Vec::new(),
            say: "Done. All tests pass.".to_owned(),
            class: Class::default(),
            asks: false,
            verified: false,
            proof: None,
            pointed: false,
            blunt: false,
        }
    }
}

/// Reads the cases of a file that is named after `project`.
pub(crate) fn read(project: &str, text: &str) -> Vec<Case> {
    let mut reader = Reader { cases: Vec::new(), of: project::named(project), open: None };
    for (number, line) in text.lines().enumerate() {
        if let Err(why) = reader.line(line) {
            panic!("{project}.txt:{}: {why}: {line}", number + 1);
        }
    }
    reader.close();
    reader.cases
}

/// A line whose text comes below it.
#[derive(Debug)]
struct Open {
    word: String,
    path: String,
    lines: Vec<(char, String)>,
}

struct Reader {
    cases: Vec<Case>,
    of: &'static Project,
    open: Option<Open>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        if let Some(mark) = line.chars().next().filter(|mark| "|-+".contains(*mark)) {
            let text = line[1..].strip_prefix(' ').unwrap_or(&line[1..]);
            let open = self.open.as_mut().ok_or("it belongs to nothing")?;
            open.lines.push((mark, text.to_owned()));
            return Ok(());
        }
        self.close();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "case" {
            self.cases.push(Case::new(rest, self.of));
            return Ok(());
        }
        self.word(word, rest)
    }

    fn word(&mut self, word: &str, rest: &str) -> Result<(), &'static str> {
        let case = self.cases.last_mut().ok_or("no case was begun")?;
        let text = rest.to_owned();
        match word {
            "on" => case.project = project::named(rest),
            "task" => case.task = text,
            "state" => case.state = text,
            "before" => case.given.push(Step::Run { command: text }),
            "plan" => case.plan = plan(rest)?,
            "iterations" => case.iterations = rest.parse().map_err(|_| "no number")?,
            "half" | "fix" => case.steps.push(case.project.product_step(word)),
            "remove" => case.steps.push(Step::Remove { path: text }),
            "run" => case.steps.push(Step::Run { command: text }),
            "say" => case.say = text,
            "is" => case.class = class(rest)?,
            "asks" => case.asks = true,
            "verified" => case.verified = true,
            "proof" => case.proof = Some(text),
            "pointed" => case.pointed = true,
            "blunt" => case.blunt = true,
            "given" | "write" | "edit" => {
                self.open = Some(Open { word: word.to_owned(), path: text, lines: Vec::new() });
            }
            _ => return Err("no such word"),
        }
        Ok(())
    }

    /// Ends what lines below belong to.
    fn close(&mut self) {
        let (Some(open), Some(case)) = (self.open.take(), self.cases.last_mut()) else { return };
        match open.word.as_str() {
            "given" => case.given.push(given(&open)),
            "write" => case
                .steps
                .push(Step::Write { path: open.path.clone(), bytes: open.text('|').into() }),
            _ => case.steps.push(Step::Edit { path: open.path.clone(), edits: open.edits() }),
        }
    }
}

impl Open {
    /// The lines with this mark as a text.
    fn text(&self, mark: char) -> String {
        text(self.lines.iter().filter(|(known, _)| *known == mark).map(|(_, line)| line))
    }

    /// What is replaced by what: an edit begins where a `-` follows a `+`.
    fn edits(&self) -> Vec<(String, String)> {
        let begins = |at: usize| at > 0 && self.lines[at].0 == '-' && self.lines[at - 1].0 == '+';
        let mut groups: Vec<&[(char, String)]> = Vec::new();
        let mut first = 0;
        for at in (0..self.lines.len()).filter(|at| begins(*at)) {
            groups.push(&self.lines[first..at]);
            first = at;
        }
        groups.push(&self.lines[first..]);
        let side = |group: &[(char, String)], mark: char| {
            text(group.iter().filter(|(known, _)| *known == mark).map(|(_, line)| line))
        };
        groups.into_iter().map(|group| (side(group, '-'), side(group, '+'))).collect()
    }
}

fn text<'a>(lines: impl Iterator<Item = &'a String>) -> String {
    lines.map(|line| format!("{line}\n")).collect()
}

/// A file that is there before, in the bytes that its first word names.
fn given(open: &Open) -> Step {
    let text = open.text('|');
    let (path, bytes) = if let Some(path) = open.path.strip_prefix("crlf ") {
        (path, text.replace('\n', "\r\n").into_bytes())
    } else if let Some(path) = open.path.strip_prefix("latin1 ") {
        // The first 256 characters are the bytes of that charset.
        (path, text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect())
    } else {
        (open.path.as_str(), text.into_bytes())
    };
    Step::Write { path: path.to_owned(), bytes }
}

fn plan(word: &str) -> Result<Plan, &'static str> {
    Ok(match word {
        "named" => Plan::Named,
        "build" => Plan::Build,
        "judged" => Plan::Judged,
        "nothing" => Plan::Nothing,
        "loose" => Plan::Loose,
        "answer" => Plan::Answer,
        _ => return Err("no such plan"),
    })
}

fn class(word: &str) -> Result<Class, &'static str> {
    Ok(match word {
        "gone" => Class::Gone,
        "beside" => Class::Beside,
        "product" => Class::Product,
        "claim" => Class::Claim,
        _ => return Err("no such class"),
    })
}

#[test]
fn a_case_is_read_with_all_that_belongs_to_it() {
    let text = "# For people.\ncase one\ntask do it\nedit a b\n- x\n-\n+ y\n- z\nrun ls\nis gone\n\ncase two\nhalf\n\
                given latin1 c\n| ä\nasks\n";

    let cases = read("shell", text);

    let edit = Step::Edit {
        path: "a b".to_owned(),
        edits: vec![("x\n\n".to_owned(), "y\n".to_owned()), ("z\n".to_owned(), String::new())],
    };
    assert_eq!(cases[0].steps, [edit, Step::Run { command: "ls".to_owned() }]);
    assert_eq!((cases[0].task.as_str(), cases[0].class), ("do it", Class::Gone));
    assert_eq!(cases[1].given, [Step::Write { path: "c".to_owned(), bytes: b"\xe4\n".to_vec() }]);
    assert!(cases[1].asks && cases[1].task == TASK);
}
