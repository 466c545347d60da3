use jiff::tz::TimeZone;
use openkoi_core::{
    approval::{ApprovalRequest, Rule},
    tool,
};
use openkoi_storage::questions::Asked;
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers},
};

use super::*;
use crate::{
    context::Context,
    dashboard::{
        message::{Effect, Message},
        read::Reader,
    },
    output::Times,
    testing::{NOW, World, task_id},
};

/// A person in front of a dashboard.
struct Person<'a> {
    reader: Reader<'a>,
    state: State,
    world: &'a World,
}

impl<'a> Person<'a> {
    fn new(world: &'a World, context: &'a Context, size: (u16, u16)) -> Self {
        let state = State::new(size, Times::Clock(TimeZone::UTC, NOW));
        let reader = Reader::new(context, TimeZone::UTC);
        let mut person = Self { reader, state, world };
        let begin = person.state.begin();
        person.carry_out(begin);
        person
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let message = match effect {
                Effect::List { tab, all } => {
                    Message::Listed(tab, self.reader.list(tab, all).unwrap(), NOW)
                }
                Effect::Show(topic) => Message::Shown(self.reader.show(&topic).unwrap().unwrap()),
                Effect::Count => Message::Waiting(self.reader.waiting().unwrap()),
                other => panic!("{other:?}"),
            };
            let more = self.state.update(message);
            self.carry_out(more);
        }
    }

    fn presses(&mut self, code: KeyCode) -> &mut Self {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        let effects = self.state.update(Message::Input(Event::Key(key)));
        self.carry_out(effects);
        self
    }

    /// Returns what the person sees, without the names of directories of this test.
    fn sees(&self) -> String {
        let (width, height) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let drawn = |frame: &mut ratatui::Frame<'_>| {
            draw(&self.state, Palette::PLAIN, frame.buffer_mut());
        };
        terminal.draw(drawn).unwrap();
        let screen = terminal.backend().to_string();
        let lines = screen.lines().map(|line| line.trim_matches('"').trim_end());
        self.world.placed(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// A home with tasks, a question and something remembered.
fn lived_in() -> World {
    let world = World::new();
    let storage = world.storage();
    world.ended(&storage, "a1", "5e51", "fix the pump of the \u{1b}[31mpond");
    world.ended(&storage, "b2", "5e52", "write about koi\nand carps");
    let asks = world.begin(&storage, "c3", "5e53", "feed the fish");
    let rule = Rule {
        allow: true,
        origin: "shell".to_owned(),
        action: "shell".to_owned(),
        target: "cargo publish".to_owned(),
        prefix: false,
        workspace: Some("/pond".to_owned()),
        session: None,
    };
    let request = ApprovalRequest {
        origin: "shell".to_owned(),
        action: "shell".to_owned(),
        effect: tool::Effect::Execute,
        domain: "programs".to_owned(),
        target: "cargo publish".to_owned(),
        details: r#"{"command":"cargo publish","timeout":60}"#.to_owned(),
        shown: String::new(),
        why: String::new(),
        hash: "h".to_owned(),
        rule,
        alike: None,
    };
    storage.ask("q1", &asks, &Asked::Approval(Box::new(request)), NOW).unwrap();
    world
}

const SIZES: [(u16, u16); 3] = [(80, 24), (40, 24), (120, 40)];

#[test]
fn an_empty_home_says_what_will_stand_there() {
    let world = World::new();
    let context = world.context();
    for size in SIZES {
        let person = Person::new(&world, &context, size);
        insta::assert_snapshot!(format!("empty_{}x{}", size.0, size.1), person.sees());
    }
}

#[test]
fn a_lived_in_home_shows_its_tasks_and_the_number_of_questions() {
    let world = lived_in();
    let context = world.context();
    for size in SIZES {
        let mut person = Person::new(&world, &context, size);
        person.presses(KeyCode::Down);
        insta::assert_snapshot!(format!("tasks_{}x{}", size.0, size.1), person.sees());
    }
}

#[test]
fn a_question_is_shown_with_what_it_is_about_and_what_each_answer_does() {
    let world = lived_in();
    let context = world.context();
    for size in SIZES {
        let mut person = Person::new(&world, &context, size);
        person.presses(KeyCode::Char('2'));
        insta::assert_snapshot!(format!("approvals_{}x{}", size.0, size.1), person.sees());
        person.presses(KeyCode::Enter);
        insta::assert_snapshot!(format!("question_{}x{}", size.0, size.1), person.sees());
    }
}

#[test]
fn the_details_of_a_task_can_be_searched() {
    let world = lived_in();
    let context = world.context();
    let mut person = Person::new(&world, &context, (80, 24));

    person.presses(KeyCode::Down).presses(KeyCode::Enter);
    insta::assert_snapshot!("task_80x24", person.sees());
    "/whale".chars().for_each(|c| {
        person.presses(KeyCode::Char(c));
    });
    assert!(person.sees().contains("nothing here has these words in it"), "{}", person.sees());
}

#[test]
fn a_search_keeps_the_rows_that_have_the_words() {
    let world = lived_in();
    let context = world.context();
    let mut person = Person::new(&world, &context, (80, 24));

    "/carps".chars().for_each(|c| {
        person.presses(KeyCode::Char(c));
    });
    person.presses(KeyCode::Enter);

    let seen = person.sees();
    assert!(seen.contains("1 of 1  with \"carps\"") && seen.contains("write about koi"), "{seen}");
    assert!(!seen.contains("feed the fish"), "{seen}");
    assert_eq!(person.state.list().topic(), Some(&Topic::Task(task_id("b2"))));
}

#[test]
fn costs_are_drawn_by_day_and_model() {
    let world = lived_in();
    let context = world.context();
    let mut person = Person::new(&world, &context, (80, 24));
    person.presses(KeyCode::Char('3'));
    assert!(person.sees().contains("Spent\n  today        $0.00"), "{}", person.sees());
}

#[test]
fn nothing_of_a_task_drives_the_terminal_at_any_size() {
    let world = lived_in();
    let context = world.context();
    for (width, height) in [(1, 1), (3, 2), (10, 4), (39, 7), (250, 90)] {
        let mut person = Person::new(&world, &context, (width, height));
        for tab in '1'..='6' {
            for key in [KeyCode::Char(tab), KeyCode::End, KeyCode::Enter, KeyCode::End] {
                person.presses(key);
                assert!(!person.sees().contains('\u{1b}'), "{tab} at {width}x{height}");
            }
        }
        person.presses(KeyCode::Char('?'));
        person.sees();
    }
}

#[test]
fn meaning_is_never_by_colour_alone() {
    let world = lived_in();
    let context = world.context();
    let person = Person::new(&world, &context, (80, 24));
    let mut buffers = [Palette::PLAIN, Palette::ALWAYS].map(|palette| {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
        draw(&person.state, palette, &mut buffer);
        buffer
    });

    let [plain, coloured] = &mut buffers;
    let symbols =
        |buffer: &Buffer| -> String { buffer.content.iter().map(|cell| cell.symbol()).collect() };
    assert_eq!(symbols(plain), symbols(coloured));
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset));
    assert!(coloured.content.iter().any(|cell| cell.fg != Color::Reset));
}
