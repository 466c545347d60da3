//! The facts that a report can be given beside its arguments, as members of them with these names: `time`, `atlas`,
//! `learnings`, `undone` (ids of the tasks whose work is undone now), `trust`, `soul`.

use serde::Deserialize;

/// `time`: now, and the days of the user.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Time {
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// When today began, yesterday, and so on.
    pub days_ms: Vec<u64>,
}

/// How often something went well, of how many times that were decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Tally {
    /// The number of those that went well.
    pub well: u64,
    /// The number of all.
    pub of: u64,
}

/// `atlas`: what earlier tasks tell of the world.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Atlas {
    /// Tools, by name.
    pub tools: Vec<Tool>,
    /// Programs, by name.
    pub programs: Vec<Program>,
    /// Fields of work, by name.
    pub domains: Vec<Domain>,
    /// The user.
    pub human: Human,
}

/// A tool.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// How its calls went, but for those that were refused.
    pub calls: Tally,
    /// The number of calls that were refused.
    pub denied: u64,
    /// The kinds of its failures, the most frequent first.
    pub failures: Vec<(String, u64)>,
    /// The median of its time, in milliseconds.
    pub median_ms: u64,
}

/// A program.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// How many of its runs ended with exit code 0.
    pub runs: Tally,
    /// How often it was not found.
    pub not_found: u64,
    /// The median of its time, in milliseconds.
    pub median_ms: u64,
    /// The program that worked in its place.
    pub instead: Option<String>,
}

/// A field of work.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// How many of its tasks were accepted and left so.
    pub tasks: Tally,
    /// When the last of them ended, in milliseconds since 1970; 0 without any.
    pub last_ms: u64,
    /// The number of learnings about it.
    pub learnings: u64,
    /// How sure these are in the mean, 0 to 1.
    pub confidence: f64,
}

/// The user.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Human {
    /// What they said for good, the last first.
    pub words: Vec<Word>,
    /// The number of accepted works that they kept as they were.
    pub kept: u64,
    /// The number of those that they changed by hand.
    pub edited: u64,
    /// The number of those that they undid.
    pub undone: u64,
    /// The number of those that they asked for again.
    pub repeated: u64,
}

/// Something that the user said for good.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Word {
    /// The learning's id.
    pub id: String,
    /// The sentence.
    pub text: String,
    /// Whether it holds everywhere.
    pub everywhere: bool,
    /// When it was said last, in milliseconds since 1970.
    pub said_ms: u64,
}

/// `learnings`: one of those that are remembered, also of those that hold no more.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Learning {
    /// Its id.
    pub id: String,
    /// The sentence.
    pub text: String,
    /// Whether the user said it. Otherwise a task taught it.
    pub said: bool,
    /// The task that taught it; empty if the user said it.
    pub task: String,
    /// How sure the memory is of it now, 0 to 1.
    pub confidence: f64,
    /// When it was learnt, in milliseconds since 1970.
    pub learnt_ms: u64,
    /// `active`, `superseded` or `retired`.
    pub state: String,
    /// The number of tasks that were shown it and accepted.
    pub helped: u64,
    /// The number of those that were not, or were undone.
    pub failed: u64,
}

/// `trust`: the levels here, and what outcomes say about them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Trust {
    /// The workspace.
    pub workspace: String,
    /// The level of domains without one of their own.
    pub fallback: String,
    /// Domains that have a level or in which something was done, by name.
    pub domains: Vec<TrustedDomain>,
    /// Grants that ended, the last first.
    pub ended: Vec<Delegation>,
    /// The number of rules that answers left.
    pub rules: u64,
}

/// A domain.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct TrustedDomain {
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: String,
    /// The most that it can have.
    pub ceiling: Option<String>,
    /// The grant that holds, if there is one.
    pub grant: Option<Delegation>,
    /// How the tasks went that did something in it.
    pub outcomes: Tally,
    /// The level that outcomes speak for, if it is another.
    pub advice: Option<String>,
    /// How many more tasks there have to be before they say something.
    pub wanting: u64,
}

/// A grant of trust.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Delegation {
    /// The domain.
    pub domain: String,
    /// The level.
    pub level: String,
    /// The workspace that it holds in; absent, everywhere.
    pub workspace: Option<String>,
    /// Why it was given.
    pub reason: String,
    /// What it names, for runs that have read what others wrote.
    pub names: Vec<String>,
    /// When it was given, in milliseconds since 1970.
    pub granted_ms: u64,
    /// When it ends by itself.
    pub expires_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// `revoked`, `replaced`, `undone` or `expired`; empty while it holds.
    pub ended: String,
}

/// `soul`: SOUL.md, what choices show, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Soul {
    /// The text that counts here.
    pub text: String,
    /// Whose it is: `bundled`, `own` or `project`.
    pub origin: String,
    /// The file of the user's own, whether it is there or not.
    pub path: String,
    /// What choices show that the user values, the surest first.
    pub values: Vec<Trait>,
    /// What is changing.
    pub trajectory: Vec<Trait>,
    /// Changes, the last first.
    pub changes: Vec<SoulChange>,
    /// What is proposed.
    pub proposals: Vec<SoulProposal>,
}

/// Something that choices show.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Trait {
    /// One sentence.
    pub text: String,
    /// The choices that speak for it, of those that were made.
    pub choices: Tally,
    /// Some of the tasks that it rests on.
    pub tasks: Vec<String>,
}

/// A change of SOUL.md.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SoulChange {
    /// Its id.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Why.
    pub reason: String,
    /// The line that stood there; empty for an addition.
    pub before: String,
    /// The line that stood there then; empty for a removal.
    pub after: String,
    /// The tasks that it rests on.
    pub tasks: Vec<String>,
    /// Whether it was taken back.
    pub is_undone: bool,
    /// Whether it takes another one back.
    pub is_undo: bool,
}

/// A proposed change of SOUL.md.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SoulProposal {
    /// Its id.
    pub id: String,
    /// When it was made, in milliseconds since 1970.
    pub at_ms: u64,
    /// The line that stands there; empty for an addition.
    pub before: String,
    /// The line that should stand there; empty for a removal.
    pub after: String,
    /// Why.
    pub reason: String,
    /// The tasks that it rests on.
    pub tasks: Vec<String>,
}
