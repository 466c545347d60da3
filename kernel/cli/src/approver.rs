//! Approvals, asked for at the terminal. Without a terminal no question is asked, and the run
//! pauses.

use std::{
    io::{self, BufRead, Write},
    sync::Arc,
};

use openkoi_app::now_ms;
use openkoi_core::{
    approval::{Answer, ApprovalRequest, Rule},
    port::{Approver, JournalError, Pending},
};
use openkoi_storage::Storage;

use crate::output::{Questions, sanitise, sanitise_line};

/// The number of characters that are shown of each end of a long text.
const SHOWN: usize = 600;

/// The approver that asks the person at the terminal.
pub(crate) struct Terminal {
    questions: Questions,
    storage: Arc<Storage>,
}

impl Terminal {
    /// Returns an approver that saves rules in `storage`.
    pub(crate) fn new(questions: Questions, storage: Arc<Storage>) -> Self {
        Self { questions, storage }
    }
}

impl Approver for Terminal {
    fn ask<'a>(&'a self, request: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        Box::pin(async move {
            if !self.questions.is_interactive() {
                return None;
            }
            let text = question(request);
            // Reading blocks, and signals have to come through meanwhile.
            let answer = tokio::task::spawn_blocking(move || {
                read(&text, &mut io::stdin().lock(), &mut io::stderr().lock())
            })
            .await;
            answer.ok().flatten()
        })
    }

    fn remember(&self, rule: &Rule) -> Result<(), JournalError> {
        let kept = self.storage.keep_rule(rule, now_ms());
        kept.map_err(|error| JournalError(error.to_string()))
    }
}

/// Returns the whole question. The kernel's facts come first and the model's text last, sanitised
/// so that it cannot move the cursor.
fn question(request: &ApprovalRequest) -> String {
    let rule = |allow| Rule { allow, ..request.rule.clone() };
    format!(
        "\n`{}` needs your approval ({}, domain {}, asked by {})\n  on: {}\n  arguments: {}\n\
         \x20 [y] allow once   [a] allow always, which writes the rule: {}\n\
         \x20 [n] reject once  [r] reject always, which writes the rule: {}\n\
         answer [y/a/n/r]: ",
        sanitise_line(&request.action),
        request.effect.word(),
        sanitise_line(&request.domain),
        sanitise_line(&request.origin),
        sanitise_line(&ends(&request.target)),
        sanitise(&ends(&request.details)),
        sanitise_line(&ends(&rule(true).to_string())),
        sanitise_line(&ends(&rule(false).to_string())),
    )
}

/// Returns both ends of a long text, so that neither can be pushed off the screen.
fn ends(text: &str) -> String {
    let count = text.chars().count();
    if count <= SHOWN * 2 {
        return text.to_owned();
    }
    let head: String = text.chars().take(SHOWN).collect();
    let tail: String = text.chars().skip(count - SHOWN).collect();
    format!("{head} […{} characters…] {tail}", count - SHOWN * 2)
}

/// Asks until one of the four letters is the answer; the end of the input is none.
fn read(question: &str, input: &mut impl BufRead, screen: &mut impl Write) -> Option<Answer> {
    loop {
        write!(screen, "{question}").and_then(|()| screen.flush()).ok()?;
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "y" => return Some(Answer::AllowOnce),
            "a" => return Some(Answer::AllowAlways),
            "n" => return Some(Answer::RejectOnce),
            "r" => return Some(Answer::RejectAlways),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
