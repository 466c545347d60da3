//! `openkoi approvals`: the questions of all tasks, in whichever process they wait, and answers to them.

use std::{
    io::{self, BufRead, Write},
    path::Path,
};

use clap::Subcommand;
use openkoi_app::answers;
use openkoi_core::document::{Block, Column, ColumnKind, Document, Pairs, Table, Value};
use openkoi_storage::{
    Storage,
    questions::{Asked, Given, QuestionRecord},
};

use crate::{
    approver,
    context::Context,
    error::CommandError,
    output::{Choice, Output, ago, sanitise_line},
    reply::Reply,
};

/// Who answers, as it is kept beside the answer.
const BY: &str = "command line";

/// Arguments of `openkoi approvals`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, the questions are listed
    #[command(subcommand)]
    command: Option<ApprovalsCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum ApprovalsCommand {
    /// List the questions that wait for an answer
    List,
    /// Show a question and answer it
    Answer {
        /// The question; without it, pick one
        id: Option<String>,
        /// y (yes), n (no), s (this session), a (always), p (commands like it), r (never), or words
        answer: Option<String>,
    },
}

/// Lists the questions, or answers one.
///
/// # Errors
///
/// When there is no such question, or it does not wait for an answer any more.
pub fn run(args: Args, context: &Context) -> Result<Reply, CommandError> {
    match args.command.unwrap_or(ApprovalsCommand::List) {
        ApprovalsCommand::List => {
            let open = match context.existing_storage()? {
                Some(storage) => storage.open_questions()?,
                None => Vec::new(),
            };
            Ok(Reply::new(Questions(open), args.json))
        }
        ApprovalsCommand::Answer { id, answer } => {
            Ok(Reply::new(give(id, answer, context)?, args.json))
        }
    }
}

fn give(
    id: Option<String>,
    typed: Option<String>,
    context: &Context,
) -> Result<Answered, CommandError> {
    let storage = context.storage()?;
    let question = match id {
        Some(id) => storage.find_question(&id)?,
        None => pick(&storage, context)?,
    };
    if question.given.is_some() || !question.is_open {
        return Err(CommandError::failed("the question does not wait for an answer any more"));
    }
    let given = match typed {
        Some(text) => approver::typed(&question.asked, &text).ok_or_else(|| {
            let error = CommandError::usage(format!("{text:?} is no answer to this question"));
            error.hint(format!("openkoi approvals answer {} y", short(&question.id)))
        })?,
        None => ask(&question, &storage, context)?,
    };
    if !answers::give(&context.app, &question, &given, BY)? {
        return Err(CommandError::failed("the question was answered meanwhile"));
    }
    Ok(Answered { question, given })
}

fn pick(storage: &Storage, context: &Context) -> Result<QuestionRecord, CommandError> {
    let open = storage.open_questions()?;
    let now = context.printer.now_ms();
    let choice = |one: &QuestionRecord| Choice {
        argument: short(&one.id).to_owned(),
        description: format!("{} · {}", ago(now, one.asked_ms), line(&one.asked)),
    };
    let choices: Vec<Choice> = open.iter().map(choice).collect();
    let picked = context.questions.pick("question", "openkoi approvals answer", &choices)?;
    Ok(storage.find_question(&picked)?)
}

/// Shows the question, and reads the answer.
fn ask(
    question: &QuestionRecord,
    storage: &Storage,
    context: &Context,
) -> Result<Given, CommandError> {
    let short = short(&question.id);
    if !context.questions.is_interactive() {
        let error = CommandError::usage("there is no terminal to answer on");
        return Err(error.hint(format!("openkoi approvals answer {short} y")));
    }
    let task = storage.find_task(question.task.as_str())?;
    let palette = context.printer.err().palette;
    let (text, prompt) = approver::shown(&question.asked, Path::new(&task.workspace), palette);
    let broken = |error: io::Error| CommandError::failed(error.to_string());
    let mut err = io::stderr().lock();
    write!(err, "{text}").map_err(broken)?;
    loop {
        write!(err, "{prompt}").and_then(|()| err.flush()).map_err(broken)?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line).map_err(broken)? == 0 {
            return Err(CommandError::failed("the question is not answered"));
        }
        if let Some(given) = approver::typed(&question.asked, &line) {
            return Ok(given);
        }
    }
}

/// Returns the part of an id that a person sees.
fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// Returns a question on one line.
fn line(asked: &Asked) -> String {
    match asked {
        Asked::Approval(request) => {
            let target = request.target.lines().next().unwrap_or_default();
            format!("{} on {}", sanitise_line(&request.action), sanitise_line(target))
        }
        Asked::Question(question) => sanitise_line(&question.text).into_owned(),
    }
}

/// Questions, as a table.
struct Questions(Vec<QuestionRecord>);

impl Output for Questions {
    fn document(&self) -> Document {
        let columns = [
            Column::new("id", "ID", ColumnKind::Id),
            Column::new("task_id", "TASK", ColumnKind::Id),
            Column::new("asked_at", "ASKED", ColumnKind::Instant),
            Column::for_people("QUESTION", ColumnKind::Text),
            Column::for_programs("kind", ColumnKind::Text),
            Column::for_programs("request", ColumnKind::Data),
        ];
        let row = |one: &QuestionRecord| {
            let (kind, request) = match &one.asked {
                Asked::Approval(request) => ("approval", Value::data(request)),
                Asked::Question(question) => ("question", Value::data(question)),
            };
            [
                Value::id(&one.id),
                Value::id(&one.task),
                Value::Instant(one.asked_ms),
                line(&one.asked).into(),
                kind.into(),
                request,
            ]
        };
        let table = Table::new("approvals", columns)
            .or_else("no task waits for an answer")
            .rows(self.0.iter().map(row));
        Document::new("Questions").with(Block::from(table))
    }
}

/// An answer that was given.
struct Answered {
    question: QuestionRecord,
    given: Given,
}

impl Output for Answered {
    fn document(&self) -> Document {
        let words = match &self.given {
            Given::Answer(answer) => approver::words(*answer).to_owned(),
            Given::Text(text) => text.clone(),
        };
        let task = self.question.task.short();
        let pairs = Pairs::default()
            .for_programs("id", self.question.id.clone())
            .for_programs("task_id", Value::id(&self.question.task))
            .for_programs("answer", Value::data(&self.given));
        Document::new("Answer")
            .with(Block::paragraph(format!("task {task} was answered: {words}")))
            .with(Block::from(pairs))
    }
}
