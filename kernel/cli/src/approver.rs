//! Approvals, asked for at the terminal. Without a terminal no question is asked: the model is told so.

use std::{
    borrow::Cow,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use openkoi_app::{alerts::Alert, now_ms};
use openkoi_core::{
    approval::{Answer, ApprovalRequest, Rule},
    deliberation::assessment::UserQuestion,
    port::{Approver, JournalError, Pending},
};
use openkoi_storage::{
    Storage,
    questions::{Asked, Given},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::{
    alerts::Alerts,
    keyboard::Keys,
    output::{Palette, Questions, beside, diff, sanitise, sanitise_line, width_of_questions},
    watch::ProgressLines,
};

/// The number of characters that are shown of each end of a long text.
const SHOWN: usize = 600;
/// The most lines that a question shows of its content.
const MOST_LINES: usize = 120;
/// What stands before each line of the content, so that none can forge one of the question.
const BAR: &str = "  │ ";
/// How long a wait for a key goes on before it is looked whether the question still stands.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// The approver that asks the person at the terminal.
pub(crate) struct Terminal {
    questions: Questions,
    storage: Arc<Storage>,
    workspace: PathBuf,
    palette: Palette,
    progress: Option<Arc<ProgressLines>>,
    keys: Option<Arc<Keys>>,
    alerts: Option<AlertsOf>,
}

/// Who tells of questions that stand for long, and the words of the task that asks them.
type AlertsOf = (Arc<Alerts>, String);

impl Terminal {
    /// Returns an approver that saves rules in `storage`, and shows edits of the files of `workspace`.
    pub(crate) fn new(questions: Questions, storage: Arc<Storage>, workspace: &Path) -> Self {
        let (workspace, palette) = (workspace.to_owned(), Palette::PLAIN);
        Self { questions, storage, workspace, palette, progress: None, keys: None, alerts: None }
    }

    /// Asks in these colours, below these progress lines, which stand still meanwhile, and takes the keys from whoever
    /// watches them.
    #[must_use]
    pub(crate) fn below(
        mut self,
        progress: Option<Arc<ProgressLines>>,
        palette: Palette,
        keys: Option<Arc<Keys>>,
    ) -> Self {
        (self.progress, self.palette, self.keys) = (progress, palette, keys);
        self
    }

    /// Has the person told of questions of this task that stand for long.
    #[must_use]
    pub(crate) fn telling(self, alerts: Arc<Alerts>, task: &str) -> Self {
        Self { alerts: Some((alerts, task.to_owned())), ..self }
    }

    /// Waits for an answer, and tells the person of the question if it stands for long.
    async fn waiting<T>(
        &self,
        asked: impl FnOnce() -> Asked,
        answer: impl Future<Output = T>,
    ) -> T {
        match &self.alerts {
            Some((alerts, task)) => {
                alerts.while_waiting(|| Alert::of_question(task, &asked()), answer).await
            }
            None => answer.await,
        }
    }
}

impl Approver for Terminal {
    fn ask<'a>(&'a self, request: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        Box::pin(async move {
            if !self.questions.is_interactive() {
                return None;
            }
            let _still = self.progress.as_ref().map(|progress| progress.hold_still());
            let _keys = self.keys.as_ref().map(|keys| keys.hold());
            let question =
                Question::new(request, &self.workspace, self.palette, width_of_questions());
            let standing = Standing::begin();
            let mut lines = standing.lines();
            // Reading blocks, and signals have to come through meanwhile. The streams are locked for moments only.
            let asking = move || question.put(&mut lines, &mut io::stderr());
            let asked = || Asked::Approval(Box::new(request.clone()));
            let answer = self.waiting(asked, tokio::task::spawn_blocking(asking)).await;
            standing.end();
            answer.ok().flatten()
        })
    }

    fn answer<'a>(&'a self, question: &'a UserQuestion) -> Pending<'a, Option<String>> {
        Box::pin(async move {
            if !self.questions.is_interactive() {
                return None;
            }
            let _still = self.progress.as_ref().map(|progress| progress.hold_still());
            let _keys = self.keys.as_ref().map(|keys| keys.hold());
            let (shown, choices) = (put(question), question.choices.clone());
            let standing = Standing::begin();
            let mut lines = standing.lines();
            let asking = move || {
                let mut err = io::stderr();
                write!(err, "{shown}").and_then(|()| err.flush()).ok()?;
                lines().and_then(|line| chosen(&line, &choices))
            };
            let asked = || Asked::Question(question.clone());
            let answer = self.waiting(asked, tokio::task::spawn_blocking(asking)).await;
            standing.end();
            answer.ok().flatten()
        })
    }

    fn remember(&self, rule: &Rule) -> Result<(), JournalError> {
        let kept = self.storage.keep_rule(rule, now_ms());
        kept.map_err(|error| JournalError(error.to_string()))
    }
}

/// Says that a question was answered elsewhere.
pub(crate) fn elsewhere(given: &Given) -> String {
    match given {
        Given::Answer(answer) => format!("answered elsewhere: {}", words(*answer)),
        Given::Text(text) => format!("answered elsewhere: {}", sanitise_line(text)),
    }
}

/// Returns what an answer says.
pub(crate) fn words(answer: Answer) -> &'static str {
    match answer {
        Answer::AllowOnce => "yes, once",
        Answer::AllowSession => "yes, in this session",
        Answer::AllowAlways => "yes, always",
        Answer::AllowAlike => "yes, and to commands like it",
        Answer::RejectOnce => "no",
        Answer::RejectAlways => "never",
    }
}

/// Returns the answer to a question that was typed as the argument of a command.
pub(crate) fn typed(asked: &Asked, text: &str) -> Option<Given> {
    match asked {
        Asked::Approval(request) => {
            // An empty line is the default at the terminal; as an argument it is none.
            let said = Some(text).filter(|text| !text.trim().is_empty())?;
            answer(said, request.alike.is_some()).map(Given::Answer)
        }
        Asked::Question(question) => chosen(text, &question.choices).map(Given::Text),
    }
}

/// Returns a question as a person is shown it, and the words that come before the answer.
pub(crate) fn shown(asked: &Asked, workspace: &Path, palette: Palette) -> (String, String) {
    match asked {
        Asked::Approval(request) => {
            let question = Question::new(request, workspace, palette, width_of_questions());
            (question.text, question.prompt.to_owned())
        }
        Asked::Question(question) => (put(question), String::new()),
    }
}

/// Returns a question of the chamber as a person is shown it.
fn put(question: &UserQuestion) -> String {
    let mut shown = format!("\n{}\n", sanitise_line(&question.text));
    if !question.why.is_empty() {
        shown.push_str(&format!("  {}\n", sanitise_line(&question.why)));
    }
    for (index, choice) in question.choices.iter().enumerate() {
        shown.push_str(&format!("  {}  {}\n", index + 1, sanitise_line(choice)));
    }
    let assumed = sanitise_line(&question.assumed);
    shown.push_str(&format!("Answer (nothing: {assumed}) "));
    shown
}

/// Returns the answer in a line: the choice of a number, or the words.
pub(crate) fn chosen(line: &str, choices: &[String]) -> Option<String> {
    let line = line.trim();
    let choice = line.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
    let answer = choice.cloned().unwrap_or_else(|| line.to_owned());
    (!answer.is_empty()).then_some(answer)
}

/// A question that stands. Dropped without an answer, it ends the wait for one.
struct Standing {
    over: Arc<AtomicBool>,
    answered: bool,
}

impl Standing {
    fn begin() -> Self {
        use rustix::termios::{QueueSelector, tcflush};
        // What was typed before the question stood is no answer to it.
        if let Err(error) = tcflush(io::stdin(), QueueSelector::IFlush) {
            tracing::debug!(%error, "earlier keys could not be forgotten");
        }
        Self { over: Arc::default(), answered: false }
    }

    /// Returns the lines that are typed while the question stands.
    fn lines(&self) -> impl FnMut() -> Option<String> + Send + 'static {
        let over = Arc::clone(&self.over);
        move || {
            while !over.load(Ordering::Relaxed) {
                let stdin = io::stdin();
                let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
                match poll(&mut waiting, Some(&GLANCE)) {
                    Ok(0) | Err(rustix::io::Errno::INTR) => {}
                    Ok(_) => {
                        let mut line = String::new();
                        let count = stdin.lock().read_line(&mut line).ok()?;
                        return (count > 0).then_some(line);
                    }
                    Err(_) => return None,
                }
            }
            None
        }
    }

    fn end(mut self) {
        self.answered = true;
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if !self.answered {
            // The cursor stands behind the question.
            drop(writeln!(io::stderr()));
        }
    }
}

/// A question as it is put: the text, and the line at its end that is repeated.
struct Question {
    text: String,
    prompt: &'static str,
    has_alike: bool,
}

impl Question {
    fn new(
        request: &ApprovalRequest,
        workspace: &Path,
        palette: Palette,
        width: Option<usize>,
    ) -> Self {
        let has_alike = request.alike.is_some();
        let prompt = if has_alike { "answer [y/N/s/a/p/r]: " } else { "answer [y/N/s/a/r]: " };
        Self { text: text(request, workspace, palette, width), prompt, has_alike }
    }

    /// Puts the question until there is an answer; the end of the input is none.
    fn put(
        &self,
        lines: &mut impl FnMut() -> Option<String>,
        screen: &mut impl Write,
    ) -> Option<Answer> {
        write!(screen, "{}", self.text).ok()?;
        loop {
            write!(screen, "{}", self.prompt).and_then(|()| screen.flush()).ok()?;
            if let Some(answer) = answer(&lines()?, self.has_alike) {
                return Some(answer);
            }
            let also = if self.has_alike { "p (commands like it), " } else { "" };
            let help = format!(
                "type y (yes), n (no), s (this session), a (always), {also}r (never), or Enter for no"
            );
            writeln!(screen, "{help}").ok()?;
        }
    }
}

/// Returns the answer that was typed, if it is one. An empty line is the default: no.
pub(crate) fn answer(typed: &str, has_alike: bool) -> Option<Answer> {
    Some(match typed.trim().to_lowercase().as_str() {
        "y" | "yes" | "allow" | "once" => Answer::AllowOnce,
        "s" | "session" => Answer::AllowSession,
        "a" | "always" | "allow always" => Answer::AllowAlways,
        "p" | "prefix" if has_alike => Answer::AllowAlike,
        "" | "n" | "no" | "reject" => Answer::RejectOnce,
        "r" | "never" | "reject always" => Answer::RejectAlways,
        _ => return None,
    })
}

/// Returns the whole question: the kernel's facts, the content behind a bar so that it cannot forge a line of the
/// question, and what each answer does. All of it is sanitised.
fn text(
    request: &ApprovalRequest,
    workspace: &Path,
    palette: Palette,
    width: Option<usize>,
) -> String {
    let mut text = format!(
        "\n`{}` needs your approval ({}, domain {}, asked by {})\n",
        sanitise_line(&request.action),
        request.effect.word(),
        sanitise_line(&request.domain),
        sanitise_line(&request.origin),
    );
    if !request.why.is_empty() {
        text.push_str(&format!("  why: {}\n", sanitise_line(&ends(&request.why))));
    }
    let (target, content) = content(request, workspace, palette, width);
    if target {
        text.push_str(&format!("  on: {}\n", sanitise_line(&ends(&request.target))));
    }
    for line in content {
        text.push_str(&format!("{BAR}{line}\n"));
    }
    text.push_str(&choices(request));
    text
}

/// Returns what each answer does.
fn choices(request: &ApprovalRequest) -> String {
    let place = request.rule.workspace.as_deref().map_or("everywhere", |_| "in this directory");
    let on = sanitise_line(&ends(&request.rule.target)).into_owned();
    let mut text = format!(
        "  [y] yes, once      [s] yes, in this session\n\
         \x20 [n] no (or Enter)  [a] always {place}  [r] never {place}\n\
         \x20 s, a and r keep a rule for: {} {} on {on:?}\n",
        sanitise_line(&request.origin),
        sanitise_line(&request.action),
    );
    if let Some(alike) = &request.alike {
        let beginning = sanitise_line(&alike.target);
        text.push_str(&format!(
            "  [p] always {place}, for every command that begins with `{beginning}`\n"
        ));
    }
    text
}

/// Returns whether the target is shown too, and the content: the difference of an edit, the command, or the arguments
/// one by one. What the kernel shows are files as they were and as they are: beside each other where there is room.
fn content(
    request: &ApprovalRequest,
    workspace: &Path,
    palette: Palette,
    width: Option<usize>,
) -> (bool, Vec<String>) {
    if !request.shown.is_empty() {
        let room = width.map(|width| width.saturating_sub(BAR.width()));
        let beside =
            room.and_then(|room| beside::columns(&request.shown, palette, MOST_LINES, room));
        let below = || diff::painted(&request.shown, palette, MOST_LINES, SHOWN);
        return (true, beside.unwrap_or_else(below));
    }
    let arguments: Value = serde_json::from_str(&request.details).unwrap_or(Value::Null);
    if let Some(edit) = diff::FileEdit::of(&arguments, workspace) {
        let mut lines = diff::painted(&edit.diff, palette, MOST_LINES, SHOWN);
        if lines.is_empty() {
            lines.push("(nothing would change)".to_owned());
        }
        return (true, lines);
    }
    let of_target = lines(&request.target, palette);
    match arguments.as_object() {
        // The target says it all.
        None => (false, of_target),
        Some(fields) => {
            let others = fields.iter().filter(|(_, value)| {
                !value.is_null() && value.as_str() != Some(request.target.as_str())
            });
            let named =
                fields.values().any(|value| value.as_str() == Some(request.target.as_str()));
            let others = others.flat_map(|(name, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                lines(&format!("{name}: {value}"), palette)
            });
            (false, of_target.into_iter().filter(|_| named).chain(others).collect())
        }
    }
}

fn lines(text: &str, palette: Palette) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.lines().collect();
    diff::both_ends(&lines, MOST_LINES / 4, palette, |line| sanitise(&ends(line)).into_owned())
}

fn ends(text: &str) -> Cow<'_, str> {
    diff::ends(text, SHOWN)
}

#[cfg(test)]
mod tests;
