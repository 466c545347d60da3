//! All keys, as a sheet.

use openkoi_core::document::{Block, Document, Heading, Pairs};

use super::message::{Replies, Shown, Topic};

const EVERYWHERE: [(&str, &str); 9] = [
    ("1 to 7, Tab", "another tab; Shift-Tab goes back"),
    ("j k, arrows", "one line down or up"),
    ("Space, PgUp", "one page down or up"),
    ("g, G", "to the beginning, to the end"),
    ("Enter", "open what is chosen"),
    ("Esc", "back"),
    ("/", "look for words; Esc ends it"),
    ("F5, Ctrl-L", "read and draw all of it again"),
    ("q, Ctrl-C", "leave; whatever runs goes on"),
];

const TASKS: [(&str, &str); 3] = [
    ("c", "cancel it, whichever process works on it"),
    ("r", "have the daemon go on with it"),
    ("u", "undo what it changed, after a look at that"),
];

const OPEN: [(&str, &str); 2] =
    [("h l, arrows", "to the title before or behind"), ("n", "to the next place with the words")];

const ANSWERS: [(&str, &str); 5] = [
    ("y, n", "yes or no, this once"),
    ("s", "yes, in this session"),
    ("a, r", "always or never; a rule is kept"),
    ("p", "always, for all commands that begin alike"),
    ("Enter", "type the answer, where words are asked for"),
];

/// Returns the sheet.
pub(super) fn shown() -> Shown {
    let part = |title: &str, keys: &[(&str, &str)]| {
        let pairs =
            keys.iter().fold(Pairs::new(""), |pairs, (key, what)| pairs.for_people(*key, *what));
        [Block::from(Heading::new("", title)), pairs.into()]
    };
    let mouse = "The mouse chooses tabs and rows, opens the row that is chosen, and scrolls.";
    let document = Document::new("Keys")
        .with_all(part("Everywhere", &EVERYWHERE))
        .with_all(part("A task", &TASKS))
        .with_all(part("What is open", &OPEN))
        .with_all(part("A question that is open", &ANSWERS))
        .with(Heading::end())
        .with(Block::paragraph(mouse));
    Shown { topic: Topic::Help, document, replies: Replies::None, is_moving: false }
}
