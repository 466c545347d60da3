//! What the parts of the dashboard say to each other.

use openkoi_core::{
    document::{Document, Tone},
    id::TaskId,
};
use openkoi_storage::questions::Given;
use ratatui::crossterm::event::Event;

use crate::exit::Exit;

/// A part of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    /// The tasks of all processes.
    Tasks,
    /// The questions that wait for an answer.
    Approvals,
    /// Money and outcomes.
    Costs,
    /// What is remembered and proposed.
    Learnings,
    /// Components and skills.
    Plugins,
    /// The settings.
    Config,
    /// The reports of views.
    Reports,
}

impl Tab {
    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::Tasks,
        Self::Approvals,
        Self::Costs,
        Self::Learnings,
        Self::Plugins,
        Self::Config,
        Self::Reports,
    ];

    /// Returns the title.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Tasks => "Tasks",
            Self::Approvals => "Approvals",
            Self::Costs => "Costs",
            Self::Learnings => "Learnings",
            Self::Plugins => "Plugins",
            Self::Config => "Config",
            Self::Reports => "Reports",
        }
    }

    /// Returns the tab so many further on, around the end.
    pub(super) fn after(self, steps: usize) -> Self {
        let at = (self as usize + steps) % Self::ALL.len();
        Self::ALL.get(at).copied().unwrap_or(self)
    }
}

/// What a row or a sheet is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// A task.
    Task(TaskId),
    /// A question, by its id.
    Question(String),
    /// Something that is remembered, by its id.
    Learning(String),
    /// A proposal, by its id.
    Proposal(String),
    /// A component, by its name.
    Component(String),
    /// A skill, by its name.
    Skill(String),
    /// A report, by its view and its name.
    Report(String, String),
    /// The undo of a task, before it is done.
    Undo(TaskId),
    /// What came of something that was done.
    Done,
    /// Nothing that can be opened.
    Nothing,
    /// The keys.
    Help,
}

/// What a tab lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Listing {
    /// The document.
    pub(super) document: Document,
    /// What the rows of its tables are about, in their order.
    pub(super) topics: Vec<Topic>,
    /// True if it changes while nobody writes, because time passes in it.
    pub(super) is_moving: bool,
}

/// What a sheet shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    /// What it is about.
    pub(super) topic: Topic,
    /// The document.
    pub(super) document: Document,
    /// What can be said to it.
    pub(super) replies: Replies,
    /// As [`Listing::is_moving`].
    pub(super) is_moving: bool,
}

/// What a person can say to what a sheet shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    /// Nothing.
    None,
    /// Whether an effect is allowed; `alike` if commands that begin alike can be too.
    Approval { alike: bool },
    /// Words, or the number of a choice.
    Words { choices: Vec<String> },
    /// Whether it is to be done.
    Agree,
}

/// What a person wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// To end a task.
    Cancel(TaskId),
    /// To have the daemon go on with a task.
    TakeUp(TaskId),
    /// To see what an undo of a task would do.
    PlanUndo(TaskId),
    /// To undo what was seen.
    Undo,
    /// To leave it.
    LeaveUndo,
    /// To answer a question.
    Answer(String, Given),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    /// A key, the mouse or another size of the terminal.
    Input(Event),
    /// Somebody wrote to the database.
    Changed,
    /// A second has passed, and it is this time.
    Second(u64),
    /// What a tab lists was read at this time.
    Listed(Tab, Listing, u64),
    /// What a sheet shows was read.
    Shown(Shown),
    /// So many questions wait for an answer.
    Waiting(usize),
    /// Something is to be told.
    Told(Tone, String),
    /// What the sheet was about is over, and this is to be told.
    Over(String),
}

/// What is to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// The end.
    Quit(Exit),
    /// A tab is to be read: all of it, and not only its newest, if somebody searches.
    List { tab: Tab, all: bool },
    /// A sheet is to be read.
    Show(Topic),
    /// It is to be counted how many questions wait.
    Count,
    /// Something is to be done.
    Do(Action),
    /// The screen is to be drawn from nothing.
    Redraw,
}
