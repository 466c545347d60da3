//! What the dashboard looks like: from its state to the cells of the screen.

use openkoi_core::document::Tone;
use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier, Style as Look},
};
use unicode_width::UnicodeWidthStr;

use super::{
    layout::short,
    list::List,
    message::{Replies, Tab, Topic},
    sheet::Sheet,
    state::{Mode, State},
    tabs,
};
use crate::output::{Line, Palette, Style};

/// What stands before the chosen row, and before the others.
const CHOSEN: &str = "> ";

/// Draws the whole screen.
pub(super) fn draw(state: &State, palette: Palette, buffer: &mut Buffer) {
    let canvas = &mut Canvas { buffer, palette };
    let (width, height) = state.size;
    let mut tabs = Line::default();
    for (tab, label) in tabs::labels(state.tab, state.waiting, width) {
        let style = if tab == state.tab { Style::Strong } else { Style::Plain };
        tabs.push(style, label);
    }
    canvas.line(0, 0, &tabs);
    match &state.sheet {
        Some(sheet) => canvas.sheet(state, sheet),
        None => canvas.list(state, state.list()),
    }
    if height > 2 {
        canvas.line(0, height - 2, &told(state));
    }
    if height > 1 {
        canvas.line(0, height - 1, &keys(state));
    }
}

/// The cells of the screen, and whether there are colours.
struct Canvas<'a> {
    buffer: &'a mut Buffer,
    palette: Palette,
}

impl Canvas<'_> {
    fn list(&mut self, state: &State, list: &List) {
        if !list.is_known() {
            self.line(0, 1, &Line::of(Style::Faint, "reading …"));
            return;
        }
        let room = state.list_room();
        let head = list.head(room);
        let chosen = list.laid.row(list.chosen).unwrap_or_default();
        let lines = list.laid.lines.iter().enumerate();
        let seen = lines.clone().take(head).chain(lines.skip(list.top.max(head)));
        for (row, (number, line)) in (1..).zip(seen.take(room)) {
            let is_chosen = chosen.contains(&number);
            if number == chosen.start && is_chosen {
                self.line(0, row, &Line::of(Style::Strong, CHOSEN));
            }
            self.line(CHOSEN.len() as u16, row, line);
            if is_chosen {
                self.reverse(row);
            }
        }
    }

    fn sheet(&mut self, state: &State, sheet: &Sheet) {
        let (width, room) = (usize::from(state.size.0), state.sheet_room());
        let all = sheet.laid.lines.len();
        let last = (sheet.top + room).min(all);
        let place = if all > room { format!(" {last} of {all} ") } else { String::new() };
        let title =
            short(Style::Strong, &sheet.shown.document.title, width.saturating_sub(place.width()));
        self.line(0, 1, &title);
        self.line((width - place.width().min(width)) as u16, 1, &Line::of(Style::Faint, place));
        for (row, line) in (2..).zip(sheet.laid.lines.iter().skip(sheet.top).take(room)) {
            self.line(0, row, line);
        }
    }

    /// Writes a line, as far as there is room for it.
    fn line(&mut self, column: u16, row: u16, line: &Line) {
        let area = self.buffer.area;
        if row >= area.height {
            return;
        }
        let mut column = column;
        for (style, text) in &line.pieces {
            let room = usize::from(area.width.saturating_sub(column));
            (column, _) =
                self.buffer.set_stringn(column, row, text, room, look(*style, self.palette));
        }
    }

    fn reverse(&mut self, row: u16) {
        let area = ratatui::layout::Rect { y: row, height: 1, ..self.buffer.area };
        self.buffer.set_style(area, Look::new().add_modifier(Modifier::REVERSED));
    }
}

/// Returns what a style looks like. Without colours there is but the reversed row, which has a mark too.
fn look(style: Style, palette: Palette) -> Look {
    let look = Look::new();
    if !palette.is_on() {
        return look;
    }
    match style {
        Style::Plain => look,
        Style::Strong => look.add_modifier(Modifier::BOLD),
        Style::Faint => look.add_modifier(Modifier::DIM),
        Style::Emphasis => look.add_modifier(Modifier::ITALIC),
        Style::Code => look.fg(Color::Cyan),
        Style::Good => look.fg(Color::Green),
        Style::Caution => look.fg(Color::Yellow),
        Style::Bad => look.fg(Color::Red),
    }
}

/// Returns the line above the keys: a question, what is typed, what there is to tell, or where in the list the choice is.
fn told(state: &State) -> Line {
    let width = usize::from(state.size.0);
    match (&state.mode, &state.note) {
        (Mode::Confirming(_, question), _) => {
            short(Style::Strong, &format!("{question} [y/N]"), width)
        }
        (Mode::Answering(words), _) => typed("answer: ", words, width),
        (Mode::Searching, None) => typed("/", state.search(), width),
        (_, Some((tone, text))) => {
            let (style, word) = match tone {
                Tone::Neutral => (Style::Plain, ""),
                Tone::Good => (Style::Good, ""),
                Tone::Warning => (Style::Caution, "note: "),
                Tone::Bad => (Style::Bad, "error: "),
            };
            short(style, &format!("{word}{text}"), width)
        }
        (_, None) => place(state, width),
    }
}

/// Returns words that are being typed. Of long ones the end is seen.
fn typed(before: &str, words: &str, width: usize) -> Line {
    let words = crate::output::sanitise_line(words).into_owned();
    let room = width.saturating_sub(before.width() + 1);
    let mut from = 0;
    while words.get(from..).is_some_and(|rest| rest.width() > room) {
        from = words.ceil_char_boundary(from + 1);
    }
    let mut line = Line::of(Style::Strong, before);
    line.push(Style::Plain, words.get(from..).unwrap_or_default());
    line.push(Style::Strong, "_");
    line
}

fn place(state: &State, width: usize) -> Line {
    if state.sheet.is_some() {
        return Line::default();
    }
    let list = state.list();
    let found = match list.search.as_str() {
        "" => String::new(),
        words => format!("  with \"{words}\""),
    };
    let (lines, room) = (list.laid.lines.len(), state.list_room());
    let place = match list.len() {
        0 if lines > room => format!("line {} of {lines}", (list.top + room).min(lines)),
        0 => String::new(),
        all => format!("{} of {all}", list.chosen + 1),
    };
    short(Style::Faint, format!("{place}{found}").trim_start(), width)
}

/// Returns the keys that matter now, as many as there is room for.
fn keys(state: &State) -> Line {
    let mut room = usize::from(state.size.0);
    let mut line = Line::default();
    for (key, what) in hints(state) {
        let needs = key.width() + what.width() + 3;
        if needs > room + 2 {
            break;
        }
        line.push(Style::Strong, *key);
        line.push(Style::Faint, format!(" {what}  "));
        room = room.saturating_sub(needs);
    }
    line.trim_end();
    line
}

type Hints = &'static [(&'static str, &'static str)];

fn hints(state: &State) -> Hints {
    const LEAVE: Hints = &[("Esc", "back"), ("/", "find"), ("?", "help"), ("q", "quit")];
    match (&state.mode, state.sheet.as_ref().map(|sheet| &sheet.shown)) {
        (Mode::Confirming(..), _) => &[("y", "yes"), ("n", "no")],
        (Mode::Answering(_), _) => &[("Enter", "answer"), ("Esc", "leave it")],
        (Mode::Searching, _) => &[("Enter", "go on"), ("Esc", "end the search")],
        (Mode::Moving, Some(shown)) => match (&shown.replies, &shown.topic) {
            (Replies::Approval { alike: true }, _) => &[
                ("y", "yes"),
                ("n", "no"),
                ("s", "session"),
                ("a", "always"),
                ("p", "alike"),
                ("r", "never"),
                ("Esc", "back"),
                ("?", "help"),
            ],
            (Replies::Approval { alike: false }, _) => &[
                ("y", "yes"),
                ("n", "no"),
                ("s", "session"),
                ("a", "always"),
                ("r", "never"),
                ("Esc", "back"),
                ("?", "help"),
            ],
            (Replies::Words { .. }, _) => &[("Enter", "answer"), ("Esc", "back"), ("?", "help")],
            (Replies::Agree, _) => &[("y", "do it"), ("n", "leave it")],
            (Replies::None, Topic::Task(_)) => &[
                ("Esc", "back"),
                ("c", "cancel"),
                ("r", "resume"),
                ("u", "undo"),
                ("/", "find"),
                ("?", "help"),
                ("q", "quit"),
            ],
            (Replies::None, _) => LEAVE,
        },
        (Mode::Moving, None) if state.tab == Tab::Tasks => &[
            ("Enter", "open"),
            ("/", "search"),
            ("?", "help"),
            ("q", "quit"),
            ("c", "cancel"),
            ("r", "resume"),
            ("u", "undo"),
        ],
        (Mode::Moving, None) => {
            &[("Enter", "open"), ("/", "search"), ("?", "help"), ("q", "quit"), ("Tab", "next")]
        }
    }
}

#[cfg(test)]
mod tests;
