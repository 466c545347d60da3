//! The user: what they said for good, and what they do with the work.

use openkoi_figures::{
    draw::{interval, quiet},
    statistics::bounds,
};
use openkoi_sdk::view::{
    Bars, Column, ColumnKind, Document, Heading, Notice, Pairs, Table, Tone, Value, count, facts,
    paragraph, text,
};

const EMPTY: &str = "You have said nothing for good yet. What you say in a task with \"always\", \"never\", \"we use\" or \
                     \"from now on\" stands here, and can be corrected and forgotten.";
const NO_HABITS: &str = "Nothing is known yet of what you do with accepted work: whether you keep it, change it by hand, undo \
                         it or ask again. It is looked at when the next task begins.";

/// Puts what the user does with accepted work at the end of a document.
pub(crate) fn habits(human: &facts::Human, document: &mut Document) {
    let seen = [
        ("kept", human.kept, Tone::Good),
        ("edited", human.edited, Tone::Warning),
        ("asked again", human.repeated, Tone::Warning),
        ("undone", human.undone, Tone::Bad),
    ];
    let all: u64 = seen.iter().map(|(_, number, _)| number).sum();
    document.push(
        Pairs::new("")
            .for_programs("kept", count(human.kept))
            .for_programs("edited", count(human.edited))
            .for_programs("repeated", count(human.repeated))
            .for_programs("undone", count(human.undone)),
    );
    if all == 0 {
        document.push(Notice::new(NO_HABITS, [""; 0]));
        return;
    }
    let mut bars = Bars { full: Some(all as f64), ..Bars::new("") };
    for (word, number, tone) in seen {
        let tally = facts::Tally { well: number, of: all };
        let shown = match all < openkoi_figures::statistics::FEWEST {
            true => format!("{number}"),
            false => format!("{number}, {}", interval(tally)),
        };
        bars.bar(word, number as f64, text(shown), tone);
    }
    document.push(bars);
    let (low, high) = bounds(facts::Tally { well: human.kept, of: all });
    document.push(
        Pairs::new("")
            .for_programs("kept_low", Value::Share(low))
            .for_programs("kept_high", Value::Share(high)),
    );
}

/// Returns what is known of the user.
pub(crate) fn human(human: &facts::Human) -> Document {
    let mut document = Document::new("You").with(Heading::new("", "What you said for good"));
    if human.words.is_empty() {
        document.push(Notice::new(EMPTY, ["openkoi memory add \"Always answer in French.\""]));
    }
    let mut table = Table::new(
        "words",
        [
            Column::new("id", "ID", ColumnKind::Id),
            Column::new("text", "SENTENCE", ColumnKind::Text),
            Column::for_people("WHERE", ColumnKind::Text),
            Column::new("said_at", "SAID", ColumnKind::Instant),
            Column::for_programs("everywhere", ColumnKind::Flag),
        ],
    )
    .or_else("");
    for word in &human.words {
        let place = if word.everywhere { "everywhere" } else { "in its workspace" };
        table.row([
            Value::Id(word.id.clone()),
            text(word.text.as_str()),
            text(place),
            Value::Instant(word.said_ms),
            Value::Flag(word.everywhere),
        ]);
    }
    document.push(quiet(table));
    if !human.words.is_empty() {
        document.push(paragraph("openkoi world human correct ID \"SENTENCE\" and openkoi world human forget ID change this"));
    }
    document.push(Heading::new("habits", "What you do with accepted work"));
    habits(human, &mut document);
    document
}
