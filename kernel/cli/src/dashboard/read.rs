//! Reads what the dashboard shows. Nothing is kept here but what was read of journals, which only grow.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;
use openkoi_app::{
    changes::task_diff,
    reports::{self, ReportRequest},
    thread,
};
use openkoi_core::{
    document::{
        Block, Column, ColumnKind, Document, Heading, Item, Notice, Span, Style, Table, Tone, Value,
    },
    doubts::Doubts,
    id::TaskId,
    memory::Learning,
};
use openkoi_storage::{
    Storage,
    questions::QuestionRecord,
    tasks::{TaskQuery, TaskRecord, TaskStatus},
    usage::Doubted,
};

use super::{
    costs::{Costs, Days},
    followed::Followed,
    message::{Listing, Replies, Shown, Tab, Topic},
    question,
};
use crate::{
    commands::{
        approvals, config,
        learn::propose,
        memory::{
            self,
            shown::{History, MemoryDetails},
        },
        plugin, skill, task,
    },
    context::Context,
    error::CommandError,
    ids,
    output::Output,
};

/// The number of tasks that are listed unless somebody searches.
const NEWEST: u32 = 500;
/// The number of running tasks whose progress stands above the list.
const PROGRESS: usize = 4;
/// The number of things that are remembered which are listed.
const REMEMBERED: u32 = 500;

/// Reads for the dashboard.
pub(super) struct Reader<'a> {
    context: &'a Context,
    /// The time zone of whoever looks.
    zone: TimeZone,
    /// The journals that were read so far, of what is in front and what runs.
    followed: BTreeMap<TaskId, Followed>,
}

impl<'a> Reader<'a> {
    /// Returns a reader that has read nothing yet.
    pub(super) fn new(context: &'a Context, zone: TimeZone) -> Self {
        Self { context, zone, followed: BTreeMap::new() }
    }

    /// Returns what a tab lists: all of it, or its newest.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(super) fn list(&mut self, tab: Tab, all: bool) -> Result<Listing, CommandError> {
        let mut is_moving = false;
        let document = match tab {
            Tab::Tasks => {
                let (document, moves) = self.tasks(all)?;
                is_moving = moves;
                document
            }
            Tab::Approvals => approvals::listed(false, self.context)?.document(),
            Tab::Costs => self.costs()?,
            Tab::Learnings => self.learnings(all)?,
            Tab::Plugins => self.plugins()?,
            Tab::Config => {
                let args = config::Args { prefix: None, json: false };
                config::run(&args, self.context)?.document()
            }
            Tab::Reports => self.reports()?,
        };
        let topics = topics(&document);
        Ok(Listing { document, topics, is_moving })
    }

    /// Returns what a sheet shows, or nothing if it is over.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(super) fn show(&mut self, topic: &Topic) -> Result<Option<Shown>, CommandError> {
        let (mut replies, mut is_moving) = (Replies::None, false);
        let document = match topic {
            Topic::Task(task) => {
                let (document, runs) = self.task(task)?;
                is_moving = runs;
                document
            }
            Topic::Question(id) => {
                let storage = self.storage()?;
                let open = storage.question(id)?.filter(|one| one.is_open && one.given.is_none());
                let Some(open) = open else { return Ok(None) };
                let (document, can_be_said) =
                    question::shown(&open, &storage.find_task(open.task.as_str())?);
                replies = can_be_said;
                document
            }
            Topic::Learning(id) => self.learning(id)?,
            Topic::Proposal(id) => {
                propose::shown(Some(id.clone()), false, self.context)?.document()
            }
            Topic::Component(name) => {
                plugin::inspect(Some(name.clone()), false, self.context)?.document()
            }
            Topic::Skill(name) => {
                let skills = skill::find::loaded(self.context)?;
                skill::details(&skills, name, false, self.context)?.document()
            }
            Topic::Report(view, name) => self.report(view, name)?,
            Topic::Undo(_) | Topic::Done | Topic::Nothing | Topic::Help => return Ok(None),
        };
        Ok(Some(Shown { topic: topic.clone(), document, replies, is_moving }))
    }

    /// Returns the number of questions that wait for an answer.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(super) fn waiting(&self) -> Result<usize, CommandError> {
        Ok(self.questions()?.len())
    }

    /// Returns the questions that wait for an answer.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(super) fn questions(&self) -> Result<Vec<QuestionRecord>, CommandError> {
        let storage = self.context.existing_storage()?;
        Ok(storage.map(|storage| storage.open_questions()).transpose()?.unwrap_or_default())
    }

    /// Returns the newest tasks.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(super) fn newest(&self) -> Result<Vec<TaskRecord>, CommandError> {
        let Some(storage) = self.context.existing_storage()? else { return Ok(Vec::new()) };
        Ok(storage.tasks(&TaskQuery { limit: Some(NEWEST), ..TaskQuery::default() })?)
    }

    fn storage(&self) -> Result<Arc<Storage>, CommandError> {
        let none = || CommandError::usage("there is no task yet").hint("openkoi \"TASK\"");
        self.context.existing_storage()?.ok_or_else(none)
    }

    fn tasks(&mut self, all: bool) -> Result<(Document, bool), CommandError> {
        let Some(storage) = self.context.existing_storage()? else {
            return Ok((first_steps(), false));
        };
        let limit = (!all).then_some(NEWEST);
        let tasks = storage.tasks(&TaskQuery { limit, ..TaskQuery::default() })?;
        if tasks.is_empty() {
            return Ok((first_steps(), false));
        }
        let is_cut = !all && tasks.len() == NEWEST as usize;
        let running = tasks.iter().filter(|task| task.status == TaskStatus::Running);
        let running: Vec<TaskRecord> = running.cloned().collect();
        let mut document = Document::new("Tasks");
        for task in running.iter().take(PROGRESS) {
            let now_ms = self.context.app.now_ms();
            let progress = self.follow(&storage, task.clone())?.progress(now_ms);
            document.push(Block::Paragraph(vec![
                Span::strong(task.id.short()),
                format!("  {progress}").into(),
            ]));
        }
        self.followed.retain(|id, followed| {
            followed.is_in_front || running.iter().any(|task| task.id == *id)
        });
        if !running.is_empty() {
            document.push(Heading::end());
        }
        document.blocks.extend(task::table(&storage, tasks, false)?.document().blocks);
        if is_cut {
            let words = format!("the newest {NEWEST}; a search looks through all");
            document.push(Block::Footnote(vec![words.into()]));
        }
        Ok((document, !running.is_empty()))
    }

    fn task(&mut self, task: &TaskId) -> Result<(Document, bool), CommandError> {
        let storage = self.storage()?;
        let record = storage.find_task(task.as_str())?;
        let runs = record.status == TaskStatus::Running;
        let output = if runs { None } else { storage.read_output(&record.session, task)? };
        let waiting = storage.open_questions()?;
        let waiting = waiting.iter().filter(|question| question.task == *task).count();
        let app = Arc::clone(&self.context.app);
        self.followed.values_mut().for_each(|followed| followed.is_in_front = false);
        let followed = self.follow(&storage, record)?;
        followed.is_in_front = true;
        if std::mem::take(&mut followed.is_changed) {
            let diff = task_diff(&app, task.as_str());
            followed.diff = diff.map(|changes| changes.diff).map_err(|error| error.to_string());
        }
        Ok((followed.document(output, waiting, app.now_ms()), runs))
    }

    /// Reads what is new of the journal of a task.
    fn follow(
        &mut self,
        storage: &Storage,
        task: TaskRecord,
    ) -> Result<&mut Followed, CommandError> {
        let id = task.id.clone();
        let new = task.clone();
        let followed = self.followed.entry(id).or_insert_with(|| Followed::new(new));
        for entry in storage.entries_after(&task.id, followed.seq, u32::MAX)? {
            followed.take(&entry);
        }
        followed.renew(task);
        Ok(followed)
    }

    fn costs(&self) -> Result<Document, CommandError> {
        let days = Days::until(self.context.app.now_ms(), &self.zone);
        let mut costs = Costs::default();
        if let Some(storage) = self.context.existing_storage()? {
            let played =
                openkoi_app::models::playing(&self.context.app, &self.context.settings()?)?;
            let since = days.first();
            costs.spent = storage.spending_since(since, &played)?;
            costs.outcomes = storage.outcomes_since(since)?;
            if costs.spent.iter().any(|one| one.total.at_most) {
                let mut doubts = Doubts::default();
                storage.doubt(Doubted::Since(since), &mut doubts)?;
                costs.why = doubts.reason();
            }
        }
        Ok(costs.document(&days))
    }

    fn learnings(&self, all: bool) -> Result<Document, CommandError> {
        let limit = if all { u32::MAX } else { REMEMBERED };
        let remembered = memory::listed(true, limit, false, self.context)?.document();
        let proposed = propose::listed(true, self.context)?.reply(false).document();
        Ok(Document::new("Learnings")
            .with(Heading::new("", "Remembered"))
            .with_all(remembered.blocks)
            .with(Heading::new("", "Proposed"))
            .with_all(proposed.blocks))
    }

    fn learning(&self, id: &str) -> Result<Document, CommandError> {
        let storage = self.storage()?;
        let learning: Learning = ids::named(&storage, id, "openkoi memory show")?;
        let moments = storage.learning_history(&learning.id)?;
        let now_ms = self.context.app.now_ms();
        let details = MemoryDetails { learning: learning.clone(), now_ms }.document();
        let history = History { learning, moments }.document();
        Ok(details.with(Heading::new("", "History")).with_all(history.blocks))
    }

    fn reports(&self) -> Result<Document, CommandError> {
        let names = reports::names(&self.context.app, &self.context.settings()?)?.into_iter();
        let rows = names.map(|(view, report)| [Value::from(format!("{view}/{report}"))]);
        let columns = [Column::new("name", "REPORT", ColumnKind::Text)];
        Ok(Document::new("Reports").with(Table::new("reports", columns).rows(rows)))
    }

    fn report(&self, view: &str, name: &str) -> Result<Document, CommandError> {
        let (app, settings) = (&self.context.app, self.context.settings()?);
        let workspace = self.context.workspace()?;
        let request = ReportRequest { view, name, arguments: &[] };
        Ok(thread::aside(|| reports::render(app, &settings, &workspace, &request))??)
    }

    fn plugins(&self) -> Result<Document, CommandError> {
        let components = plugin::list(false, self.context)?.document();
        let skills = skill::listed(true, false, self.context)?.document();
        Ok(Document::new("Plugins")
            .with(Heading::new("", "Components"))
            .with_all(components.blocks)
            .with(Heading::new("", "Skills"))
            .with_all(skills.blocks))
    }
}

/// Says what will stand here, and how to get there.
fn first_steps() -> Document {
    let paragraphs = [
        "No task has run yet. Every task of this home will stand here while it runs and after it, whoever started it: the command line, a conversation, the daemon.",
    ];
    let ways = [
        ("openkoi \"TASK\"", "runs one, from another terminal"),
        ("openkoi demo", "shows how that goes, offline"),
        ("openkoi connect", "connects a provider of models"),
    ];
    let ways = ways.map(|(command, what)| {
        let command = Span { style: Style::Code, ..Span::from(command) };
        Item { depth: 1, text: vec![command, format!("  {what}").into()] }
    });
    Document::new("Tasks")
        .with_all(paragraphs.map(Block::paragraph))
        .with(Heading::end())
        .with(Block::Items(ways.into()))
}

/// Returns what is said instead of something that cannot be read.
pub(super) fn failed(error: &CommandError) -> Document {
    let text = vec![Span::from(&error.message)];
    let hints = error.hints.clone();
    Document::new("").with(Notice { tone: Tone::Bad, about: String::new(), text, hints })
}

/// Returns what the rows of a document's tables are about: each table says it by its key, and a row by the column `id`, or
/// else its first one.
fn topics(document: &Document) -> Vec<Topic> {
    let mut topics = Vec::new();
    for block in &document.blocks {
        let Block::Table(table) = block else { continue };
        if !table.is_for_people() {
            continue;
        }
        let column = table.columns.iter().position(|column| column.key == "id").unwrap_or(0);
        topics.extend(table.rows.iter().map(|row| {
            let name = match row.get(column) {
                Some(Value::Id(id)) => id.clone(),
                Some(Value::Text(spans)) => spans.iter().map(|span| span.text.as_str()).collect(),
                _ => String::new(),
            };
            match table.key.as_str() {
                "tasks" => Topic::Task(TaskId::new(name)),
                "approvals" => Topic::Question(name),
                "memories" => Topic::Learning(name),
                "proposals" => Topic::Proposal(name),
                "components" => Topic::Component(name),
                "skills" => Topic::Skill(name),
                "reports" => name.split_once('/').map_or(Topic::Nothing, |(view, report)| {
                    Topic::Report(view.to_owned(), report.to_owned())
                }),
                // What a table of sums is about has no details.
                _ => Topic::Nothing,
            }
        }));
    }
    topics
}
