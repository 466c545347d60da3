use jiff::tz::TimeZone;
use openkoi_core::{
    document::{Block, Column, ColumnKind, Document, Table, Value, Verbatim},
    id::TaskId,
};
use openkoi_storage::questions::Given;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::*;
use crate::{
    dashboard::message::{Listing, Topic},
    exit::Exit,
};

fn task(number: usize) -> TaskId {
    TaskId::new(format!("{number:08}"))
}

/// A list of so many tasks.
fn listing(numbers: impl IntoIterator<Item = usize>) -> Listing {
    let numbers: Vec<usize> = numbers.into_iter().collect();
    let columns = [Column::new("id", "ID", ColumnKind::Id)];
    let rows = numbers.iter().map(|number| [Value::id(task(*number))]);
    let document = Document::new("Tasks").with(Table::new("tasks", columns).rows(rows));
    let topics = numbers.iter().map(|number| Topic::Task(task(*number))).collect();
    Listing { document, topics, is_moving: false }
}

/// A state of 30 columns and 10 rows with so many tasks: seven lines of a list, of which one is its head.
fn with_tasks(number: usize) -> State {
    let mut state = State::new((30, 10), Times::Clock(TimeZone::UTC, 0));
    state.update(Message::Listed(Tab::Tasks, listing(1..=number), 0));
    state
}

fn press(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    state.update(Message::Input(Event::Key(key)))
}

fn typed(state: &mut State, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|key| press(state, KeyCode::Char(key))).collect()
}

fn chosen(state: &State) -> Option<&Topic> {
    state.list().topic()
}

fn sheet(topic: Topic, replies: Replies) -> Message {
    let text = (0..50).map(|line| format!("line {line}\n")).collect::<String>();
    let document = Document::new("Sheet").with(Verbatim::new("", text));
    Message::Shown(Shown { topic, document, replies, is_moving: false })
}

#[test]
fn the_choice_moves_and_is_always_seen() {
    let mut state = with_tasks(20);
    let room = state.list_room();
    for key in "jjjjjjjjjjkkkjjjjjjjjjjjjjjjkkkkkkkkkkkkkkkkkkkkkkkkkk".chars() {
        typed(&mut state, &key.to_string());
        let list = state.list();
        let row = list.laid.row(list.chosen).unwrap();
        let seen = list.top..list.top + room - list.head(room);
        assert!(seen.contains(&row.start), "{row:?} in {seen:?}");
    }
    assert_eq!(chosen(&state), Some(&Topic::Task(task(1))));
    press(&mut state, KeyCode::End);
    assert_eq!(chosen(&state), Some(&Topic::Task(task(20))));
}

#[test]
fn the_same_task_stays_chosen_when_others_come_and_go() {
    let mut state = with_tasks(5);
    typed(&mut state, "jj");

    state.update(Message::Listed(Tab::Tasks, listing([9, 8, 1, 2, 3]), 0));
    assert_eq!(chosen(&state), Some(&Topic::Task(task(3))));

    state.update(Message::Listed(Tab::Tasks, listing([9]), 0));
    assert_eq!(chosen(&state), Some(&Topic::Task(task(9))));
}

#[test]
fn each_tab_is_read_when_it_comes_to_the_front_and_again_only_after_a_change() {
    let mut state = with_tasks(1);
    let costs = vec![Effect::List { tab: Tab::Costs, all: false }];
    assert_eq!(typed(&mut state, "3"), costs);
    state.update(Message::Listed(Tab::Costs, Listing::default(), 0));
    assert_eq!(typed(&mut state, "13"), []);

    let changed = state.update(Message::Changed);
    assert_eq!(changed, [Effect::Count, Effect::List { tab: Tab::Costs, all: false }]);
    assert_eq!(typed(&mut state, "1"), [Effect::List { tab: Tab::Tasks, all: false }]);
}

#[test]
fn cancelling_asks_first_and_only_yes_does_it() {
    let mut state = with_tasks(2);
    for no in [KeyCode::Enter, KeyCode::Esc, KeyCode::Char('n')] {
        typed(&mut state, "c");
        assert_eq!(press(&mut state, no), []);
        assert_eq!(state.mode, Mode::Moving);
    }

    typed(&mut state, "jc");
    assert!(matches!(&state.mode, Mode::Confirming(_, asked) if asked == "cancel task 00000002?"));
    assert_eq!(typed(&mut state, "y"), [Effect::Do(Action::Cancel(task(2)))]);
}

#[test]
fn a_question_is_answered_by_its_keys_and_no_other() {
    let mut state = with_tasks(2);
    state.update(sheet(Topic::Question("q".to_owned()), Replies::Approval { alike: false }));

    assert_eq!(typed(&mut state, "pcu jx"), []);
    let answers: Vec<Effect> = typed(&mut state, "ynsar");

    let given = |answer| Effect::Do(Action::Answer("q".to_owned(), Given::Answer(answer)));
    use openkoi_core::approval::Answer::{
        AllowAlways, AllowOnce, AllowSession, RejectAlways, RejectOnce,
    };
    let all = [AllowOnce, RejectOnce, AllowSession, AllowAlways, RejectAlways].map(given);
    assert_eq!(answers, all);
}

#[test]
fn words_are_typed_for_a_question_that_asks_for_them() {
    let mut state = with_tasks(1);
    let choices = vec!["pellets".to_owned(), "bread".to_owned()];
    state.update(sheet(Topic::Question("q".to_owned()), Replies::Words { choices }));

    press(&mut state, KeyCode::Enter);
    typed(&mut state, "2q");
    press(&mut state, KeyCode::Backspace);
    let effects = press(&mut state, KeyCode::Enter);

    let bread = Given::Text("bread".to_owned());
    assert_eq!(effects, [Effect::Do(Action::Answer("q".to_owned(), bread))]);
}

#[test]
fn an_undo_is_seen_first_and_left_by_esc() {
    let mut state = with_tasks(1);
    assert_eq!(typed(&mut state, "u"), [Effect::Do(Action::PlanUndo(task(1)))]);

    state.update(sheet(Topic::Undo(task(1)), Replies::Agree));
    assert_eq!(press(&mut state, KeyCode::Esc), [Effect::Do(Action::LeaveUndo)]);
    assert!(state.sheet.is_none());

    state.update(sheet(Topic::Undo(task(1)), Replies::Agree));
    assert_eq!(typed(&mut state, "y"), [Effect::Do(Action::Undo)]);
}

#[test]
fn a_change_of_tabs_lets_go_of_an_undo_that_was_shown() {
    let mut state = with_tasks(1);
    state.update(sheet(Topic::Undo(task(1)), Replies::Agree));

    let effects = typed(&mut state, "3");

    assert_eq!(effects.first(), Some(&Effect::Do(Action::LeaveUndo)));
}

#[test]
fn a_sheet_keeps_its_place_when_it_is_read_again() {
    let mut state = with_tasks(1);
    state.update(sheet(Topic::Task(task(1)), Replies::None));
    typed(&mut state, "jjj");

    assert_eq!(state.update(Message::Changed).last(), Some(&Effect::Show(Topic::Task(task(1)))));
    state.update(sheet(Topic::Task(task(1)), Replies::None));
    assert_eq!(state.sheet.as_ref().unwrap().top, 3);

    typed(&mut state, "/line 40");
    let sheet = state.sheet.as_ref().unwrap();
    let seen = sheet.top..sheet.top + state.sheet_room();
    assert!(seen.contains(&40), "{seen:?}");
}

#[test]
fn a_search_looks_through_all_and_esc_ends_it() {
    let mut state = with_tasks(30);
    let all = Effect::List { tab: Tab::Tasks, all: true };
    assert_eq!(typed(&mut state, "/00000017").first(), Some(&all));
    assert_eq!(chosen(&state), Some(&Topic::Task(task(17))));

    assert_eq!(press(&mut state, KeyCode::Enter), []);
    assert_eq!(state.update(Message::Changed).last(), Some(&all));
    let newest = Effect::List { tab: Tab::Tasks, all: false };
    assert_eq!(press(&mut state, KeyCode::Esc), [newest]);
    assert_eq!(state.list().len(), 30);
}

#[test]
fn the_mouse_goes_to_tabs_chooses_opens_and_scrolls() {
    let mut state = with_tasks(30);
    let mouse = |state: &mut State, kind, column, row| {
        let mouse = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        state.update(Message::Input(Event::Mouse(mouse)))
    };
    let click = MouseEventKind::Down(MouseButton::Left);

    mouse(&mut state, MouseEventKind::ScrollDown, 5, 5);
    assert_eq!(state.list().chosen, 3);
    // The first row stands below the tabs and the head of the table.
    assert_eq!(mouse(&mut state, click, 5, 2), []);
    assert_eq!(chosen(&state), Some(&Topic::Task(task(1))));
    assert_eq!(mouse(&mut state, click, 5, 2), [Effect::Show(Topic::Task(task(1)))]);
    assert_eq!(mouse(&mut state, click, 5, 9), []);

    let label = crate::dashboard::tabs::labels(Tab::Tasks, 0, 30);
    let second = label.first().map_or(0, |(_, text)| text.len() as u16 + 1);
    mouse(&mut state, click, second, 0);
    assert_eq!(state.tab, Tab::Approvals);
}

#[test]
fn another_size_keeps_the_choice_in_sight() {
    let mut state = with_tasks(30);
    press(&mut state, KeyCode::End);

    state.update(Message::Input(Event::Resize(20, 5)));

    assert_eq!(chosen(&state), Some(&Topic::Task(task(30))));
    let (list, room) = (state.list(), state.list_room());
    let row = list.laid.row(list.chosen).unwrap();
    assert!((list.top..list.top + room).contains(&row.start));
}

#[test]
fn leaving_is_one_key_everywhere_and_typing_is_no_leaving() {
    let mut state = with_tasks(1);
    assert_eq!(typed(&mut state, "q"), [Effect::Quit(Exit::Accepted)]);
    typed(&mut state, "/q");
    assert_eq!(state.list().search, "q");
    let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let left = state.update(Message::Input(Event::Key(key)));
    assert_eq!(left, [Effect::Quit(Exit::Interrupted)]);
}

#[test]
fn what_is_over_takes_its_sheet_away() {
    let mut state = with_tasks(1);
    state.update(sheet(Topic::Question("q".to_owned()), Replies::Approval { alike: true }));

    state.update(Message::Over("answered elsewhere".to_owned()));

    assert!(state.sheet.is_none());
    assert_eq!(state.note, Some((Tone::Neutral, "answered elsewhere".to_owned())));
    // The same key is no answer any more.
    assert_eq!(typed(&mut state, "y"), []);
}

#[test]
fn a_list_without_rows_scrolls() {
    let mut state = with_tasks(0);
    let text = (0..30).map(|line| format!("{line}\n")).collect::<String>();
    let document = Document::new("").with(Block::from(Verbatim::new("toml", text)));
    let listing = Listing { document, ..Listing::default() };
    state.update(Message::Listed(Tab::Tasks, listing, 0));

    press(&mut state, KeyCode::PageDown);
    assert_eq!(state.list().top, 5);
    press(&mut state, KeyCode::End);
    assert_eq!(state.list().top, 23);
    assert_eq!(press(&mut state, KeyCode::Enter), []);
}
