//! A question that waits for a person, as a document: what it is about first, then what each answer does.

use std::path::Path;

use openkoi_core::{
    approval::ApprovalRequest,
    deliberation::assessment::UserQuestion,
    document::{Block, Document, Heading, Item, Pairs, Span, Value, Verbatim},
};
use openkoi_storage::{
    questions::{Asked, QuestionRecord},
    tasks::TaskRecord,
};

use super::message::Replies;
use crate::{
    commands::task::row::first_line,
    output::{QUOTED, diff::FileEdit},
};

/// Returns one question with all that a person has to see, and what can be replied.
pub(super) fn shown(question: &QuestionRecord, task: &TaskRecord) -> (Document, Replies) {
    let title = format!("Question of task {}", task.id.short());
    let about = Pairs::new("")
        .for_people("task", first_line(&task.text))
        .for_people("workspace", &task.workspace)
        .for_people("since", Value::Instant(question.asked_ms));
    let document = Document::new(title).with(about);
    match &question.asked {
        Asked::Approval(request) => {
            let workspace = Path::new(&task.workspace);
            let replies = Replies::Approval { alike: request.alike.is_some() };
            (approval(document, request, workspace), replies)
        }
        Asked::Question(asked) => {
            (words(document, asked), Replies::Words { choices: asked.choices.clone() })
        }
    }
}

fn approval(document: Document, request: &ApprovalRequest, workspace: &Path) -> Document {
    let mut about = Pairs::new("")
        .for_people(
            "wants",
            Span::strong(format!("{} ({})", request.action, request.effect.word())),
        )
        .for_people("asked by", format!("{}, domain {}", request.origin, request.domain));
    if !request.why.is_empty() {
        about = about.for_people("why", &request.why);
    }
    let mut document = document.with(about).with(Heading::new("", "What it would do"));
    content(&mut document, request, workspace);
    document.with(Heading::new("", "Your answer")).with(answers(request))
}

/// Shows the difference, or the target and the arguments one by one. All of it can be scrolled through.
fn content(document: &mut Document, request: &ApprovalRequest, workspace: &Path) {
    let arguments: serde_json::Value = serde_json::from_str(&request.details).unwrap_or_default();
    let diff = match request.shown.as_str() {
        "" => FileEdit::of(&arguments, workspace).map(|edit| edit.diff),
        shown => Some(shown.to_owned()),
    };
    document.push(quoted("", &request.target));
    match (diff, arguments.as_object()) {
        (Some(diff), _) if diff.is_empty() => {
            document.push(Block::paragraph(Span::muted("nothing would change")));
        }
        (Some(diff), _) => document.push(quoted("diff", &diff)),
        (None, Some(fields)) => {
            let others = fields.iter().filter(|(_, value)| {
                !value.is_null() && value.as_str() != Some(request.target.as_str())
            });
            for (name, value) in others {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                document.push(quoted("", &format!("{name}: {value}")));
            }
        }
        (None, None) => {}
    }
}

/// Returns a text behind a bar, so that no line of it can be taken for one of the question.
fn quoted(language: &str, text: &str) -> Verbatim {
    let lines = text.lines().map(|line| format!("{QUOTED}{line}\n"));
    Verbatim::new(language, lines.collect::<String>())
}

/// Says what each answer does.
fn answers(request: &ApprovalRequest) -> Pairs {
    let place = request.rule.workspace.as_deref().map_or("everywhere", |_| "in this directory");
    let rule = format!("{} {} on {:?}", request.origin, request.action, request.rule.target);
    let mut pairs = Pairs::new("")
        .for_people("y", "yes, once")
        .for_people("n", "no")
        .for_people("s", format!("yes, in this session: {rule}"))
        .for_people("a", format!("always {place}: {rule}"));
    if let Some(alike) = &request.alike {
        let words =
            format!("always {place}, for every command that begins with `{}`", alike.target);
        pairs = pairs.for_people("p", words);
    }
    pairs.for_people("r", format!("never {place}: {rule}"))
}

fn words(document: Document, asked: &UserQuestion) -> Document {
    let mut document =
        document.with(Heading::end()).with(Block::paragraph(Span::strong(&asked.text)));
    if !asked.why.is_empty() {
        document.push(Block::paragraph(&asked.why));
    }
    let choices = (1..).zip(&asked.choices);
    let choices = choices.map(|(number, choice)| Item::new(1, format!("{number}  {choice}")));
    document.push(Block::Items(choices.collect()));
    let assumed =
        format!("Enter, and your words or a number. Without an answer: {}", asked.assumed);
    document.with(Block::paragraph(Span::muted(assumed)))
}
