//! The state of the dashboard, and what a message makes of it. Nothing is read and nothing is done here: an [`Effect`] says
//! what is to be, and what comes of it is a further [`Message`].

mod input;

use openkoi_core::document::Tone;

use super::{
    list::List,
    message::{Action, Effect, Message, Replies, Shown, Tab},
    sheet::Sheet,
};
use crate::output::Times;

/// What keys mean now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// They move.
    #[default]
    Moving,
    /// They are words to look for.
    Searching,
    /// They are the words of an answer.
    Answering(String),
    /// They say whether something is to be done.
    Confirming(Action, String),
}

/// The state of the dashboard.
#[derive(Debug)]
pub(super) struct State {
    /// Columns and rows of the terminal.
    pub(super) size: (u16, u16),
    /// How times are written.
    pub(super) times: Times,
    /// The tab in front.
    pub(super) tab: Tab,
    /// What each tab lists.
    pub(super) lists: [List; 7],
    /// What is laid over the list.
    pub(super) sheet: Option<Sheet>,
    /// What keys mean.
    pub(super) mode: Mode,
    /// What is told.
    pub(super) note: Option<(Tone, String)>,
    /// The number of questions that wait for an answer.
    pub(super) waiting: usize,
}

impl State {
    /// Returns the state before anything was read.
    pub(super) fn new(size: (u16, u16), times: Times) -> Self {
        Self {
            size,
            times,
            tab: Tab::Tasks,
            lists: Default::default(),
            sheet: None,
            mode: Mode::Moving,
            note: None,
            waiting: 0,
        }
    }

    /// Returns what is to be at the beginning.
    pub(super) fn begin(&self) -> Vec<Effect> {
        vec![Effect::Count, self.read(self.tab)]
    }

    /// Takes a message in, and returns what is to be.
    pub(super) fn update(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Input(event) => self.input(event),
            Message::Changed => self.changed(),
            Message::Second(now_ms) => {
                self.set_now(now_ms);
                self.moved()
            }
            Message::Listed(tab, listing, now_ms) => {
                self.set_now(now_ms);
                let (width, room) = (self.list_width(), self.list_room());
                let times = self.times.clone();
                self.list_mut(tab).show(listing, width, room, &times);
                Vec::new()
            }
            Message::Shown(shown) => {
                self.show(shown);
                Vec::new()
            }
            Message::Waiting(number) => {
                self.waiting = number;
                Vec::new()
            }
            Message::Told(tone, text) => {
                self.note = Some((tone, text));
                Vec::new()
            }
            Message::Over(text) => {
                self.sheet = None;
                self.mode = Mode::Moving;
                self.note = Some((Tone::Neutral, text));
                Vec::new()
            }
        }
    }

    /// Returns true if what is in front changes while nobody writes.
    pub(super) fn is_moving(&self) -> bool {
        match &self.sheet {
            Some(sheet) => sheet.shown.is_moving,
            None => self.list().is_moving(),
        }
    }

    /// Returns the list in front.
    pub(super) fn list(&self) -> &List {
        let [tasks, approvals, costs, learnings, plugins, config, reports] = &self.lists;
        match self.tab {
            Tab::Tasks => tasks,
            Tab::Approvals => approvals,
            Tab::Costs => costs,
            Tab::Learnings => learnings,
            Tab::Plugins => plugins,
            Tab::Config => config,
            Tab::Reports => reports,
        }
    }

    fn list_mut(&mut self, tab: Tab) -> &mut List {
        let [tasks, approvals, costs, learnings, plugins, config, reports] = &mut self.lists;
        match tab {
            Tab::Tasks => tasks,
            Tab::Approvals => approvals,
            Tab::Costs => costs,
            Tab::Learnings => learnings,
            Tab::Plugins => plugins,
            Tab::Config => config,
            Tab::Reports => reports,
        }
    }

    /// Returns the columns of a list: two are left for the mark of the chosen row.
    fn list_width(&self) -> usize {
        usize::from(self.size.0).saturating_sub(2).max(10)
    }

    /// Returns the rows of a list: those of tabs, notes and keys are left.
    pub(super) fn list_room(&self) -> usize {
        usize::from(self.size.1).saturating_sub(3).max(1)
    }

    /// Returns the rows of a sheet, which has a title too.
    pub(super) fn sheet_room(&self) -> usize {
        self.list_room().saturating_sub(1).max(1)
    }

    fn set_now(&mut self, now_ms: u64) {
        if let Times::Clock(_, now) = &mut self.times {
            *now = now_ms;
        }
    }

    fn read(&self, tab: Tab) -> Effect {
        let all = self.lists.get(tab as usize).is_some_and(|list| !list.search.is_empty());
        Effect::List { tab, all }
    }

    /// Everything that was read may be different now. What is not in front is read when it comes there.
    fn changed(&mut self) -> Vec<Effect> {
        self.lists.iter_mut().for_each(|list| list.is_stale = true);
        let mut effects = vec![Effect::Count];
        effects.extend(self.moved());
        effects
    }

    /// Returns what reads that again which is in front.
    fn moved(&mut self) -> Vec<Effect> {
        match &self.sheet {
            Some(sheet) if sheet.follows() => vec![Effect::Show(sheet.shown.topic.clone())],
            Some(_) => Vec::new(),
            None => vec![self.read(self.tab)],
        }
    }

    fn show(&mut self, shown: Shown) {
        let (width, room) = (usize::from(self.size.0), self.sheet_room());
        match &mut self.sheet {
            Some(sheet) if sheet.shown.topic == shown.topic => {
                sheet.renew(shown, width, room, &self.times);
            }
            _ => {
                self.mode = Mode::Moving;
                self.sheet = Some(Sheet::new(shown, width, &self.times));
            }
        }
    }

    /// Brings a tab to the front.
    fn go_to(&mut self, tab: Tab) -> Vec<Effect> {
        (self.tab, self.note) = (tab, None);
        self.close()
    }

    /// Takes the sheet away.
    fn close(&mut self) -> Vec<Effect> {
        let sheet = self.sheet.take();
        self.mode = Mode::Moving;
        let mut effects = Vec::new();
        if sheet.is_some_and(|sheet| sheet.shown.replies == Replies::Agree) {
            effects.push(Effect::Do(Action::LeaveUndo));
        }
        if self.list().is_stale {
            effects.push(self.read(self.tab));
        }
        effects
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        let (width, room, times) = (self.list_width(), self.list_room(), self.times.clone());
        self.lists.iter_mut().for_each(|list| list.lay(width, room, &times));
        let (width, room) = (usize::from(size.0), self.sheet_room());
        if let Some(sheet) = &mut self.sheet {
            sheet.lay(width, room, &times);
        }
    }
}

#[cfg(test)]
mod tests;
