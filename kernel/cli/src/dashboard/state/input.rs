//! Keys and the mouse.

use openkoi_core::document::Tone;
use openkoi_storage::questions::Given;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::{Mode, State};
use crate::{
    approver,
    dashboard::{
        help,
        list::List,
        message::{Action, Effect, Replies, Shown, Tab, Topic},
        tabs,
    },
    exit::Exit,
};

/// The lines that a turn of the wheel moves.
const WHEEL: isize = 3;

impl State {
    pub(super) fn input(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize(width, height) => {
                self.resize((width, height));
                Vec::new()
            }
            Event::Paste(text) => {
                let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
                self.typed(|words| words.push_str(&line))
            }
            _ => Vec::new(),
        }
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return vec![Effect::Quit(Exit::Interrupted)],
            KeyCode::Char('l') if control => return self.reread(),
            _ if control || key.modifiers.contains(KeyModifiers::ALT) => return Vec::new(),
            _ => {}
        }
        match self.mode.clone() {
            Mode::Moving => self.moving(key.code),
            Mode::Searching => self.searching(key.code),
            Mode::Answering(words) => self.answering(key.code, words),
            Mode::Confirming(action, _) => self.confirming(key.code, action),
        }
    }

    fn moving(&mut self, code: KeyCode) -> Vec<Effect> {
        self.note = None;
        match code {
            KeyCode::Char('q') => return vec![Effect::Quit(Exit::Accepted)],
            KeyCode::Char('?') | KeyCode::F(1) => {
                return self.laid_over(help::shown());
            }
            KeyCode::F(5) => return self.reread(),
            KeyCode::Char('/') => {
                self.mode = Mode::Searching;
                return Vec::new();
            }
            KeyCode::Char(digit @ '1'..='7') => {
                let number = digit as usize - '1' as usize;
                return self.go_to(Tab::Tasks.after(number));
            }
            KeyCode::Tab => return self.go_to(self.tab.after(1)),
            KeyCode::BackTab => return self.go_to(self.tab.after(Tab::ALL.len() - 1)),
            _ => {}
        }
        if self.sheet.is_some() { self.in_sheet(code) } else { self.in_list(code) }
    }

    fn in_list(&mut self, code: KeyCode) -> Vec<Effect> {
        let (tab, room) = (self.tab, self.list_room());
        let page = room.saturating_sub(2).max(1) as isize;
        let list = self.list_mut(tab);
        match code {
            KeyCode::Down | KeyCode::Char('j') => list.go(1, room),
            KeyCode::Up | KeyCode::Char('k') => list.go(-1, room),
            KeyCode::PageDown | KeyCode::Char(' ') => list.go(page, room),
            KeyCode::PageUp => list.go(-page, room),
            KeyCode::Home | KeyCode::Char('g') => list.go(isize::MIN, room),
            KeyCode::End | KeyCode::Char('G') => list.go(isize::MAX, room),
            KeyCode::Right | KeyCode::Char('l') => return self.go_to(tab.after(1)),
            KeyCode::Left | KeyCode::Char('h') => return self.go_to(tab.after(Tab::ALL.len() - 1)),
            KeyCode::Enter => return opened(list),
            KeyCode::Esc if !list.search.is_empty() => return self.look_for(String::new()),
            code => {
                let topic = list.topic().cloned();
                return self.about(topic.as_ref(), code);
            }
        }
        Vec::new()
    }

    fn in_sheet(&mut self, code: KeyCode) -> Vec<Effect> {
        let room = self.sheet_room();
        let Some(sheet) = &mut self.sheet else { return Vec::new() };
        let page = room.saturating_sub(1).max(1) as isize;
        match code {
            KeyCode::Down | KeyCode::Char('j') => sheet.go(1, room),
            KeyCode::Up | KeyCode::Char('k') => sheet.go(-1, room),
            KeyCode::PageDown | KeyCode::Char(' ') => sheet.go(page, room),
            KeyCode::PageUp => sheet.go(-page, room),
            KeyCode::Home | KeyCode::Char('g') => sheet.go_to(0, room),
            KeyCode::End | KeyCode::Char('G') => sheet.go_to(usize::MAX, room),
            KeyCode::Right | KeyCode::Char('l') => sheet.go_to_title(true, room),
            KeyCode::Left | KeyCode::Char('h') => sheet.go_to_title(false, room),
            KeyCode::Esc | KeyCode::Backspace => return self.close(),
            code => {
                let (topic, replies) = (sheet.shown.topic.clone(), sheet.shown.replies.clone());
                return match replies {
                    Replies::None => self.about(Some(&topic), code),
                    replies => self.reply(topic, &replies, code),
                };
            }
        }
        Vec::new()
    }

    /// What can be done with a thing.
    fn about(&mut self, topic: Option<&Topic>, code: KeyCode) -> Vec<Effect> {
        let ask = |action, question: String| Mode::Confirming(action, question);
        match (topic, code) {
            (Some(Topic::Task(task)), KeyCode::Char('c')) => {
                let question = format!("cancel task {}?", task.short());
                self.mode = ask(Action::Cancel(task.clone()), question);
            }
            (Some(Topic::Task(task)), KeyCode::Char('r')) => {
                let question = format!("have the daemon go on with task {}?", task.short());
                self.mode = ask(Action::TakeUp(task.clone()), question);
            }
            (Some(Topic::Task(task)), KeyCode::Char('u')) => {
                return vec![Effect::Do(Action::PlanUndo(task.clone()))];
            }
            (_, KeyCode::Char('n')) => self.find_next(),
            _ => {}
        }
        Vec::new()
    }

    fn find_next(&mut self) {
        let room = self.sheet_room();
        if let Some(sheet) = &mut self.sheet
            && !sheet.search.is_empty()
        {
            sheet.find(sheet.top + 1, room);
        }
    }

    fn reply(&mut self, topic: Topic, replies: &Replies, code: KeyCode) -> Vec<Effect> {
        match (replies, topic, code) {
            (Replies::Approval { alike }, Topic::Question(id), KeyCode::Char(key)) => {
                let typed = Some(key.to_string()).filter(|typed| !typed.trim().is_empty());
                let answer = typed.and_then(|typed| approver::answer(&typed, *alike));
                let action = answer.map(|answer| Action::Answer(id, Given::Answer(answer)));
                action.map(Effect::Do).into_iter().collect()
            }
            (Replies::Words { .. }, _, KeyCode::Enter) => {
                self.mode = Mode::Answering(String::new());
                Vec::new()
            }
            (Replies::Agree, _, KeyCode::Char('y')) => vec![Effect::Do(Action::Undo)],
            (Replies::Agree, _, KeyCode::Char('n')) => self.close(),
            _ => Vec::new(),
        }
    }

    fn searching(&mut self, code: KeyCode) -> Vec<Effect> {
        match code {
            KeyCode::Esc => {
                self.mode = Mode::Moving;
                self.look_for(String::new())
            }
            KeyCode::Enter => {
                self.mode = Mode::Moving;
                Vec::new()
            }
            code => self.typed(|words| edit(words, code)),
        }
    }

    /// Changes the words that are typed.
    fn typed(&mut self, change: impl FnOnce(&mut String)) -> Vec<Effect> {
        match &mut self.mode {
            Mode::Searching => {
                let mut words = self.search().to_owned();
                change(&mut words);
                self.look_for(words)
            }
            Mode::Answering(words) => {
                change(words);
                Vec::new()
            }
            Mode::Moving | Mode::Confirming(..) => Vec::new(),
        }
    }

    /// Returns what is looked for in what is in front.
    pub(in crate::dashboard) fn search(&self) -> &str {
        match &self.sheet {
            Some(sheet) => &sheet.search,
            None => &self.list().search,
        }
    }

    fn look_for(&mut self, words: String) -> Vec<Effect> {
        let (tab, room) = (self.tab, self.sheet_room());
        if let Some(sheet) = &mut self.sheet {
            sheet.search = words;
            let found = sheet.search.is_empty() || sheet.find(sheet.top, room);
            let none = "nothing here has these words in it".to_owned();
            self.note = (!found).then_some((Tone::Warning, none));
            return Vec::new();
        }
        let (width, room, times) = (self.list_width(), self.list_room(), self.times.clone());
        let list = self.list_mut(tab);
        // Whoever begins to search, or stops, sees another part of all there is.
        let turns = list.search.is_empty() != words.is_empty();
        list.search = words;
        list.lay(width, room, &times);
        if turns { vec![self.read(tab)] } else { Vec::new() }
    }

    fn answering(&mut self, code: KeyCode, words: String) -> Vec<Effect> {
        let shown = self.sheet.as_ref().map(|sheet| &sheet.shown);
        match (code, shown) {
            (KeyCode::Esc, _) => self.mode = Mode::Moving,
            (
                KeyCode::Enter,
                Some(Shown {
                    topic: Topic::Question(id), replies: Replies::Words { choices }, ..
                }),
            ) => {
                let answer = approver::chosen(&words, choices);
                let action = answer.map(|words| Action::Answer(id.clone(), Given::Text(words)));
                self.mode = Mode::Moving;
                return action.map(Effect::Do).into_iter().collect();
            }
            (code, _) => return self.typed(|words| edit(words, code)),
        }
        Vec::new()
    }

    fn confirming(&mut self, code: KeyCode, action: Action) -> Vec<Effect> {
        match code {
            KeyCode::Char('y') => {
                self.mode = Mode::Moving;
                vec![Effect::Do(action)]
            }
            KeyCode::Char('n') | KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => {
                self.mode = Mode::Moving;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn laid_over(&mut self, shown: Shown) -> Vec<Effect> {
        let effects = self.close();
        self.show(shown);
        effects
    }

    fn reread(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::Redraw];
        effects.extend(self.changed());
        // A report is made when somebody wants it, and not whenever somebody wrote.
        let topic = self.sheet.as_ref().map(|sheet| sheet.shown.topic.clone());
        let report = topic.filter(|topic| matches!(topic, Topic::Report(..)));
        effects.extend(report.map(Effect::Show));
        effects
    }

    fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        if self.mode != Mode::Moving {
            return Vec::new();
        }
        match mouse.kind {
            MouseEventKind::ScrollDown => self.scroll(WHEEL),
            MouseEventKind::ScrollUp => self.scroll(-WHEEL),
            MouseEventKind::Down(MouseButton::Left) => return self.click(mouse.column, mouse.row),
            _ => {}
        }
        Vec::new()
    }

    fn scroll(&mut self, lines: isize) {
        let (tab, list_room, room) = (self.tab, self.list_room(), self.sheet_room());
        match &mut self.sheet {
            Some(sheet) => sheet.go(lines, room),
            None => self.list_mut(tab).go(lines, list_room),
        }
    }

    /// A click goes to a tab, chooses a row, or opens the row that is chosen.
    fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        self.note = None;
        if row == 0 {
            let tab = tabs::at(column, self.tab, self.waiting, self.size.0);
            return tab.map(|tab| self.go_to(tab)).unwrap_or_default();
        }
        let (tab, room) = (self.tab, self.list_room());
        let line = usize::from(row - 1);
        if self.sheet.is_some() || line >= room {
            return Vec::new();
        }
        let list = self.list_mut(tab);
        let Some(row) = list.row_at(line, room) else { return Vec::new() };
        if row == list.chosen {
            return opened(list);
        }
        list.choose(row, room);
        Vec::new()
    }
}

/// Opens what is chosen.
fn opened(list: &List) -> Vec<Effect> {
    list.topic().cloned().map(Effect::Show).into_iter().collect()
}

/// Changes words as a key does.
fn edit(words: &mut String, code: KeyCode) {
    match code {
        KeyCode::Char(c) => words.push(c),
        KeyCode::Backspace => drop(words.pop()),
        _ => {}
    }
}
