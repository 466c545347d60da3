//! Keeping a conversation short enough: whole turns from the oldest, long contents first, and never a call
//! without its result. The present question with its contract and the newest findings stay.

use serde_json::Value;

use super::conversation::Conversation;
use crate::{
    message::{Message, Part, Speaker},
    model::ModelCard,
};

/// Percentage of the model's context that a conversation may fill before it is pruned.
const FULL: u64 = 70;

/// Number of the newest messages that are not touched: the last round and the one before it.
const KEEP: usize = 4;

/// Most bytes of a result that is not worth dropping.
const SMALL: usize = 400;

/// Returns the bytes of conversation that the model of `card` may be sent.
pub(super) fn room(card: &ModelCard) -> usize {
    let tokens = card.context.saturating_mul(FULL) / 100;
    // Three bytes a token, as the reservation estimates.
    usize::try_from(tokens.saturating_mul(3)).unwrap_or(usize::MAX)
}

/// Shortens a conversation to at most `room` bytes, as far as the present question and the last two rounds allow. Returns
/// the messages that it does not have any more.
pub(super) fn prune(conversation: &mut Conversation, room: usize) -> Vec<Message> {
    let Conversation { messages, opening } = conversation;
    let mut weight: usize = messages.iter().map(Message::weight).sum();
    if weight <= room {
        return Vec::new();
    }
    let before = messages.clone();
    // Down to half, so that the provider's cache is not spoilt again by the next turn.
    let goal = room / 2;
    let last = messages.len().saturating_sub(KEEP);
    let old = (0..last).filter(|index| index != opening);
    for index in old {
        if weight <= goal {
            return Vec::new();
        }
        weight -= drop_contents(&mut messages[index]);
    }
    // What was said before the present question goes first.
    let question = *opening;
    let talk = drop_rounds(messages, 0, question, is_question, weight.saturating_sub(goal));
    weight = weight.saturating_sub(talk.bytes);
    *opening -= talk.messages;
    let end = messages.len().saturating_sub(KEEP);
    let work = drop_rounds(messages, *opening + 1, end, is_turn, weight.saturating_sub(goal));
    // As they were before their long contents were dropped.
    let first = question + 1;
    [&before[..talk.messages], &before[first..first + work.messages]].concat()
}

/// What [`drop_rounds`] dropped.
struct Dropped {
    messages: usize,
    bytes: usize,
}

/// Most bytes of a message that is summed up.
const TOLD: usize = 1_500;

/// Most bytes of all messages that are summed up at once. The newest count.
const RECORD: usize = 60_000;

/// Returns messages as the text that is summed up.
pub(super) fn record(messages: &[Message]) -> String {
    let start = |text: &str| text[..text.floor_char_boundary(TOLD)].to_owned();
    let mut lines: Vec<String> = Vec::new();
    for message in messages {
        let speaker = if message.speaker == Speaker::User { "user" } else { "agent" };
        lines.extend(message.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(format!("{speaker}: {}", start(text))),
            Part::ToolCall(call) => Some(format!("call {}: {}", call.name, start(&call.arguments))),
            Part::ToolResult(result) => {
                Some(format!("result of {}: {}", result.name, start(&result.content)))
            }
            _ => None,
        }));
    }
    let mut room = RECORD;
    let newest = lines.iter().rev().take_while(|line| {
        let fits = line.len() <= room;
        room = room.saturating_sub(line.len());
        fits
    });
    let kept = newest.count();
    lines.split_off(lines.len() - kept).join("\n")
}

fn is_question(message: &Message) -> bool {
    let answers = |part: &Part| matches!(part, Part::ToolResult(_));
    message.speaker == Speaker::User && !message.parts.iter().any(answers)
}

fn is_turn(message: &Message) -> bool {
    message.speaker == Speaker::Assistant
}

/// Drops whole rounds from `first` up to `end` until `excess` bytes are gone, and keeps the newest findings. A round
/// ends before the next message that `starts` one.
fn drop_rounds(
    messages: &mut Vec<Message>,
    first: usize,
    end: usize,
    starts: fn(&Message) -> bool,
    excess: usize,
) -> Dropped {
    let (mut dropped, mut findings) = (Dropped { messages: 0, bytes: 0 }, None);
    let mut end = end;
    while dropped.bytes < excess && first < end {
        let round = round_at(messages, first, starts);
        if first + round > end {
            break;
        }
        end -= round;
        dropped.messages += round;
        for message in messages.drain(first..first + round) {
            dropped.bytes += message.weight();
            if begins(&message, FINDINGS) {
                findings = Some(message);
            }
        }
    }
    let newer = messages.iter().any(|message| begins(message, FINDINGS));
    if let Some(findings) = findings.filter(|_| !newer) {
        messages.insert(first, findings);
    }
    dropped
}

/// Beginning of a message with findings.
const FINDINGS: &str = "<findings";

fn begins(message: &Message, start: &str) -> bool {
    matches!(message.parts.first(), Some(Part::Text(text)) if text.starts_with(start))
}

/// Puts words in place of everything that a provider may refuse to look at. Returns whether there was anything.
pub(super) fn in_words(messages: &mut [Message], reason: &str) -> bool {
    let mut any = false;
    for part in messages.iter_mut().flat_map(|message| &mut message.parts) {
        if let Part::Attachment(blob) = part {
            let (kind, size) = (&blob.media_type, blob.bytes.len());
            *part =
                Part::Text(format!("[{kind}, {size} bytes: the provider refused it: {reason}]"));
            any = true;
        }
    }
    any
}

/// Replaces long tool results and long arguments of calls by notes, and returns the bytes won.
fn drop_contents(message: &mut Message) -> usize {
    let mut won = 0;
    for part in &mut message.parts {
        match part {
            Part::ToolResult(result) if result.content.len() > SMALL => {
                let note = format!("[{} bytes dropped; call the tool again]", result.content.len());
                won += result.content.len() - note.len();
                result.content = note;
            }
            Part::ToolCall(call) if call.arguments.len() > SMALL => {
                let short = shortened(&call.arguments);
                won += call.arguments.len().saturating_sub(short.len());
                call.arguments = short;
            }
            _ => {}
        }
    }
    won
}

/// Returns the arguments of a call with notes in place of long texts. They stay an object with the same keys.
fn shortened(arguments: &str) -> String {
    let Ok(Value::Object(mut object)) = serde_json::from_str(arguments) else {
        return "{}".to_owned();
    };
    for value in object.values_mut() {
        let size = value.to_string().len();
        if size > SMALL / 2 {
            *value = Value::String(format!("[{size} bytes dropped]"));
        }
    }
    Value::Object(object).to_string()
}

/// Returns the number of messages from `first` that make one round.
fn round_at(messages: &[Message], first: usize, starts: fn(&Message) -> bool) -> usize {
    let rest = messages.get(first + 1..).unwrap_or(&[]);
    let next = rest.iter().position(starts);
    next.map_or(messages.len() - first, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{ToolCall, ToolResult};

    fn round(number: usize, size: usize) -> [Message; 2] {
        let id = number.to_string();
        let call = ToolCall { id: id.clone(), name: "read".into(), arguments: "{}".into() };
        let result =
            ToolResult { id, name: "read".into(), content: "x".repeat(size), is_error: false };
        [
            Message::assistant(vec![Part::ToolCall(call)]),
            Message { speaker: Speaker::User, parts: vec![Part::ToolResult(result)] },
        ]
    }

    fn conversation(rounds: usize, size: usize) -> Conversation {
        let mut messages = vec![Message::user("earlier"), question()];
        messages.extend((0..rounds).flat_map(|number| round(number, size)));
        Conversation { messages, opening: 1 }
    }

    fn question() -> Message {
        Message::user("what about this?")
    }

    fn weight(conversation: &Conversation) -> usize {
        conversation.messages.iter().map(Message::weight).sum()
    }

    /// Every result has its call before it, and every call its result behind it.
    fn whole(messages: &[Message]) -> bool {
        let ids = |calls: bool| {
            messages
                .iter()
                .flat_map(|message| &message.parts)
                .filter_map(move |part| match part {
                    Part::ToolCall(call) if calls => Some(call.id.clone()),
                    Part::ToolResult(result) if !calls => Some(result.id.clone()),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
        ids(true) == ids(false)
    }

    #[test]
    fn a_conversation_that_fits_is_not_touched() {
        let mut talk = conversation(5, 1_000);
        let before = talk.messages.clone();
        prune(&mut talk, 100_000);
        assert_eq!(talk.messages, before);
    }

    #[test]
    fn old_results_are_dropped_first_and_the_newest_stay() {
        let mut talk = conversation(10, 1_000);
        prune(&mut talk, 8_000);
        assert!(weight(&talk) <= 8_000);
        assert_eq!(talk.messages.len(), 22, "no turn had to go");
        assert_eq!(talk.messages[21].weight(), 1_040);
    }

    #[test]
    fn the_newest_findings_survive_pruning() {
        let mut talk = conversation(3, 300);
        talk.push(Message::user("<findings iteration=\"2\">\nold\n</findings>"));
        talk.messages.extend(round(3, 300));
        talk.push(Message::user("<findings iteration=\"3\">\nnew\n</findings>"));
        talk.messages.extend((4..40).flat_map(|number| round(number, 300)));

        prune(&mut talk, 2_000);

        assert!(whole(&talk.messages));
        assert_eq!(talk.messages[talk.opening], question());
        let next = &talk.messages[talk.opening + 1];
        assert_eq!(*next, Message::user("<findings iteration=\"3\">\nnew\n</findings>"));
        assert_eq!(talk.messages.iter().filter(|m| begins(m, FINDINGS)).count(), 1);
    }

    #[test]
    fn whole_rounds_are_dropped_next_and_the_task_stays() {
        for rounds in [3, 10, 40] {
            let mut talk = conversation(rounds, 300);
            prune(&mut talk, 2_000);
            assert!(whole(&talk.messages), "{rounds}");
            assert!(weight(&talk) <= 2_000, "{rounds}");
            assert_eq!(talk.messages[talk.opening], question());
        }
    }

    #[test]
    fn long_contents_of_old_calls_are_dropped_and_their_keys_stay() {
        let mut talk = conversation(0, 0);
        for number in 0..8 {
            let id = number.to_string();
            let arguments = format!("{{\"path\":\"a\",\"contents\":\"{}\"}}", "x".repeat(2_000));
            let call = ToolCall { id: id.clone(), name: "write".into(), arguments };
            let result =
                ToolResult { id, name: "write".into(), content: "ok".into(), is_error: false };
            talk.push(Message::assistant(vec![Part::ToolCall(call)]));
            talk.push(Message { speaker: Speaker::User, parts: vec![Part::ToolResult(result)] });
        }

        prune(&mut talk, 12_000);

        assert!(weight(&talk) <= 12_000);
        assert_eq!(talk.messages[talk.opening], question());
        let Part::ToolCall(call) = &talk.messages[talk.opening + 1].parts[0] else {
            panic!("a call")
        };
        assert_eq!(call.arguments, r#"{"contents":"[2002 bytes dropped]","path":"a"}"#);
    }

    #[test]
    fn earlier_messages_of_a_session_go_before_the_present_question() {
        let mut messages = Vec::new();
        for number in 0..20 {
            messages.push(Message::user(format!("question {number} {}", "x".repeat(500))));
            messages.push(Message::assistant(vec![Part::Text("y".repeat(500))]));
        }
        let opening = messages.len();
        messages.push(question());
        messages.extend((0..6).flat_map(|number| round(number, 300)));
        let mut talk = Conversation { messages, opening };

        prune(&mut talk, 8_000);

        assert!(weight(&talk) <= 8_000);
        assert_eq!(talk.messages[talk.opening], question());
        assert!(whole(&talk.messages));
        assert_eq!(talk.messages.len() - talk.opening, 13, "nothing after the question had to go");
    }
}
