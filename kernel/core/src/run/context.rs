//! Keeping a conversation short enough: whole turns from the oldest, tool results first, and never a call
//! without its result. The task with its contract and the newest findings stay.

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

/// Shortens `messages` to at most `room` bytes, as far as the task and the last two rounds allow.
pub(super) fn prune(messages: &mut Vec<Message>, room: usize) {
    let mut weight: usize = messages.iter().map(Message::weight).sum();
    if weight <= room {
        return;
    }
    // Down to half, so that the provider's cache is not spoilt again by the next turn.
    let goal = room / 2;
    let first = opening(messages);
    for index in first..messages.len().saturating_sub(KEEP) {
        if weight <= goal {
            return;
        }
        weight -= drop_results(&mut messages[index]);
    }
    drop_rounds(messages, first, weight.saturating_sub(goal));
}

/// Drops whole rounds from `first` on until `excess` bytes are gone, and keeps the newest findings.
fn drop_rounds(messages: &mut Vec<Message>, first: usize, excess: usize) {
    let (mut gone, mut findings) = (0, None);
    while gone < excess && messages.len() > first + KEEP {
        let round = round_at(messages, first);
        if messages.len() - round < first + KEEP {
            break;
        }
        for message in messages.drain(first..first + round) {
            gone += message.weight();
            if begins(&message, FINDINGS) {
                findings = Some(message);
            }
        }
    }
    let newer = messages.iter().any(|message| begins(message, FINDINGS));
    if let Some(findings) = findings.filter(|_| !newer) {
        messages.insert(first, findings);
    }
}

/// Beginning of a message with findings.
const FINDINGS: &str = "<findings";

fn begins(message: &Message, start: &str) -> bool {
    matches!(message.parts.first(), Some(Part::Text(text)) if text.starts_with(start))
}

/// Returns the index after the message that opens the work.
fn opening(messages: &[Message]) -> usize {
    let task = messages.iter().rposition(|message| begins(message, "<task>"));
    task.map_or(1, |index| index + 1).min(messages.len())
}

/// Replaces the contents of long tool results by a note, and returns the bytes won.
fn drop_results(message: &mut Message) -> usize {
    let mut won = 0;
    for part in &mut message.parts {
        if let Part::ToolResult(result) = part
            && result.content.len() > SMALL
        {
            let note = format!("[{} bytes dropped; call the tool again]", result.content.len());
            won += result.content.len() - note.len();
            result.content = note;
        }
    }
    won
}

/// Returns the number of messages from `first` that make one round: a turn of the model and the answers to it.
fn round_at(messages: &[Message], first: usize) -> usize {
    let rest = messages.get(first + 1..).unwrap_or(&[]);
    let next = rest.iter().position(|message| message.speaker == Speaker::Assistant);
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

    fn conversation(rounds: usize, size: usize) -> Vec<Message> {
        let mut messages = vec![Message::user("earlier"), Message::user("<task>\nx\n</task>")];
        messages.extend((0..rounds).flat_map(|number| round(number, size)));
        messages
    }

    fn weight(messages: &[Message]) -> usize {
        messages.iter().map(Message::weight).sum()
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
        let mut messages = conversation(5, 1_000);
        let before = messages.clone();
        prune(&mut messages, 100_000);
        assert_eq!(messages, before);
    }

    #[test]
    fn old_results_are_dropped_first_and_the_newest_stay() {
        let mut messages = conversation(10, 1_000);
        prune(&mut messages, 8_000);
        assert!(weight(&messages) <= 8_000);
        assert_eq!(messages.len(), 22, "no turn had to go");
        assert_eq!(messages[21].weight(), 1_040);
    }

    #[test]
    fn the_newest_findings_survive_pruning() {
        let mut messages = conversation(3, 300);
        messages.push(Message::user("<findings iteration=\"2\">\nold\n</findings>"));
        messages.extend(round(3, 300));
        messages.push(Message::user("<findings iteration=\"3\">\nnew\n</findings>"));
        messages.extend((4..40).flat_map(|number| round(number, 300)));

        prune(&mut messages, 2_000);

        assert!(whole(&messages));
        assert_eq!(messages[1], Message::user("<task>\nx\n</task>"));
        assert_eq!(messages[2], Message::user("<findings iteration=\"3\">\nnew\n</findings>"));
        assert_eq!(messages.iter().filter(|m| begins(m, FINDINGS)).count(), 1);
    }

    #[test]
    fn whole_rounds_are_dropped_next_and_the_task_stays() {
        for rounds in [3, 10, 40] {
            let mut messages = conversation(rounds, 300);
            prune(&mut messages, 2_000);
            assert!(whole(&messages), "{rounds}");
            assert!(weight(&messages) <= 2_000, "{rounds}");
            assert_eq!(messages[1], Message::user("<task>\nx\n</task>"));
        }
    }
}
