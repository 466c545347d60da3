//! What commands of a conversation show.

use std::{io::Write, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_app::{memory, skills::LoadedSkills, undo};
use openkoi_core::{
    event::Event,
    id::SessionId,
    memory::Learning,
    message::{Message, Part},
    tool::Tool,
};
use openkoi_storage::{Storage, memory::LearningQuery, skills::Skill, tasks::TaskQuery};

use crate::{
    commands::task::row::first_line,
    context::Context,
    error::CommandError,
    output::{Style, diff, sanitise_line},
};

/// The most lines of a task's difference that are shown.
const MOST_LINES: usize = 400;
/// The number of characters that are shown of each end of a line.
const LINE_END: usize = 300;
/// The most sentences that are listed, the newest first.
const MOST_REMEMBERED: u32 = 50;
/// The most bytes that are copied: terminals take no more.
const MOST_COPIED: usize = 74_000;

/// Shows what each task of a session changed, the oldest first.
///
/// # Errors
///
/// When the journal cannot be read.
pub(super) fn diff(
    context: &Context,
    storage: &Storage,
    session: &SessionId,
) -> Result<(), CommandError> {
    let palette = context.printer.err().palette;
    let query = TaskQuery { session: Some(session.clone()), ..TaskQuery::default() };
    let taken = undo::taken_back(&context.app, storage, session)?;
    let mut changed = false;
    for task in storage.tasks(&query)?.iter().rev() {
        let entries = storage.entries(&task.id)?;
        let last = entries.iter().rev().find_map(|entry| match &entry.event {
            Event::TreeCompared { diff, .. } => Some(diff),
            _ => None,
        });
        let Some(text) = last.filter(|diff| !diff.is_empty()) else { continue };
        changed = true;
        let mut title = format!("task {}: {}", task.id.short(), first_line(&task.text));
        let taken = taken.iter().find(|taken| taken.task.id == task.id);
        if let Some(taken) = taken {
            title.push_str(&format!(" (taken back since: {})", taken.files.join(", ")));
        }
        put(&palette.paint(Style::Strong, &sanitise_line(&title)));
        if taken.is_some_and(|taken| taken.is_all) {
            continue;
        }
        diff::painted(text, palette, MOST_LINES, LINE_END).iter().for_each(|line| put(line));
    }
    if !changed {
        context.printer.notice("this session has changed no file");
    }
    Ok(())
}

/// Lists the skills that a task may be given: name and one sentence.
pub(super) fn skills(context: &Context, skills: &LoadedSkills) {
    if skills.usable().next().is_none() {
        context.printer.notice("there are no skills for tasks; openkoi skill new NAME writes one");
    }
    for Skill { name, description, .. } in skills.usable() {
        context.printer.notice(&format!("  {name:<20} {}", sanitise_line(description)));
    }
}

/// Remembers `text` for later tasks in `workspace`. Without one, lists what is remembered there.
///
/// # Errors
///
/// When the text is not to be remembered, or the storage cannot be used.
pub(super) fn memory(text: &str, context: &Context, workspace: &Path) -> Result<(), CommandError> {
    let told = |learning: &Learning| {
        let id = openkoi_core::id::short(&learning.id);
        context.printer.notice(&format!("  {id:<10} {}", sanitise_line(&learning.text)));
    };
    if !text.is_empty() {
        told(&memory::remember(&context.app, text, Vec::new(), Some(workspace))?);
        return Ok(());
    }
    let place = memory::place(workspace);
    let workspace = Some(place.to_string_lossy());
    let query = LearningQuery {
        workspace: workspace.as_deref(),
        said: false,
        past: false,
        limit: Some(MOST_REMEMBERED),
    };
    let learnings = context.app.storage()?.learnings(&query)?;
    if learnings.is_empty() {
        context.printer.notice("nothing is remembered here; `/memory SENTENCE` does");
    }
    learnings.iter().for_each(told);
    Ok(())
}

/// Lists the tools that a model has, with their effects.
pub(super) fn tools(context: &Context, tools: &[Tool]) {
    for tool in tools {
        let what = tool.description.trim().split(['.', '\n']).next().unwrap_or_default();
        let effect = tool.effect.word();
        context.printer.notice(&format!(
            "  {:<14} {effect:<12} {}",
            tool.name,
            sanitise_line(what)
        ));
    }
}

/// Asks the terminal to take a text into the clipboard (OSC 52).
///
/// # Errors
///
/// When there is no terminal, or the text is longer than terminals take.
pub(super) fn copy(context: &Context, text: &str) -> Result<(), CommandError> {
    if !context.printer.err().terminal {
        return Err(CommandError::usage("there is no terminal to copy with"));
    }
    if text.len() > MOST_COPIED {
        return Err(CommandError::usage("the answer is too long for the clipboard of a terminal"));
    }
    let mut screen = std::io::stderr().lock();
    let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    let written = write!(screen, "{sequence}").and_then(|()| screen.flush());
    drop(screen);
    written
        .map_err(|error| CommandError::failed(format!("cannot write to the terminal: {error}")))?;
    context.printer.notice("copied, if your terminal lets programs use the clipboard");
    Ok(())
}

/// Returns the text of a message, its parts joined.
pub(super) fn text_of(message: &Message) -> String {
    let texts = message.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// Writes a line that is sanitised already. A reader that went away is no reason to stop.
fn put(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
