//! Writes a turn of a script as the lines of a body.

use openkoi_sdk::{Result, provider::CompletionRequest};

use crate::{
    scene::Scene,
    script::{Call, Counts, Repeat, Turn},
    template,
    wire::Line,
};

/// Bytes of one piece of a short text: small, so that what is shown while it arrives is exercised too.
const PIECE: usize = 24;
/// The most pieces of one text.
const PIECES: usize = 200;
/// Bytes that one token stands for, in an estimate.
const TOKEN: usize = 4;

/// Returns the lines of `turn`.
///
/// # Errors
///
/// If something cannot be filled in.
pub(crate) fn perform(
    turn: &Turn,
    request: &CompletionRequest,
    scene: &Scene<'_>,
) -> Result<Vec<Line>> {
    let said = Said::of(turn, scene)?;
    let mut lines = vec![Line::Model(request.model.clone())];
    if !turn.think.is_empty() {
        lines.extend(pieces(&turn.think).map(Line::Thought));
        lines.push(Line::Reasoning(turn.think.clone()));
    }
    let stop_after = turn.cut.or(turn.error.as_ref().map(|error| error.after));
    if said.write(stop_after, &mut lines) {
        said.write_calls(turn, scene, &mut lines);
        if stop_after.is_none() {
            lines.push(said.usage(turn, request, scene));
            lines.push(Line::Finished(said.stop(turn)));
        }
    }
    // A stream that is cut has no word for it.
    if let Some(error) = turn.error.as_ref().filter(|_| turn.cut.is_none()) {
        lines.push(Line::Failure {
            status: error.status,
            message: error.message.clone(),
            retry_after_ms: error.retry_after_ms,
        });
    }
    Ok(lines)
}

/// The answer of a turn, filled in.
struct Said {
    text: String,
    repeat: Option<Repeat>,
    arguments: Vec<String>,
}

impl Said {
    fn of(turn: &Turn, scene: &Scene<'_>) -> Result<Self> {
        let arguments: Result<Vec<String>> =
            turn.call.iter().map(|call| arguments(call, scene)).collect();
        Ok(Self {
            text: template::text(&turn.say, scene)?,
            repeat: turn.repeat.clone(),
            arguments: arguments?,
        })
    }

    /// Writes the text, at most `limit` bytes of it. Returns whether that was all.
    fn write(&self, limit: Option<usize>, lines: &mut Vec<Line>) -> bool {
        let text = head(&self.text, limit);
        lines.extend(pieces(text).map(Line::Text));
        if text.len() < self.text.len() {
            return false;
        }
        let Some(Repeat { text, times }) = &self.repeat else {
            return true;
        };
        let left = limit.map(|limit| (limit - self.text.len()) / text.len().max(1));
        let now = left.map_or(*times, |left| left.min(*times));
        lines.push(Line::Repeat { text: text.clone(), times: now });
        now == *times
    }

    fn write_calls(&self, turn: &Turn, scene: &Scene<'_>, lines: &mut Vec<Line>) {
        for (index, (call, arguments)) in (0..).zip(turn.call.iter().zip(&self.arguments)) {
            let made_up = || format!("call_{}_{index}", scene.turns());
            lines.push(Line::Call {
                index,
                id: call.id.clone().unwrap_or_else(made_up),
                name: call.tool.clone(),
            });
            lines.extend(pieces(arguments).map(|json| Line::Arguments { index, json }));
        }
    }

    fn stop(&self, turn: &Turn) -> String {
        let usual = if turn.call.is_empty() { "finished" } else { "tool-calls" };
        turn.stop.clone().unwrap_or_else(|| usual.to_owned())
    }

    fn usage(&self, turn: &Turn, request: &CompletionRequest, scene: &Scene<'_>) -> Line {
        let counts = turn.usage.unwrap_or_else(|| {
            let tools =
                request.tools.iter().map(|tool| tool.parameters.len() + tool.description.len());
            let repeated =
                self.repeat.as_ref().map_or(0, |repeat| repeat.text.len() * repeat.times);
            let arguments = self.arguments.iter().map(String::len).sum::<usize>();
            let output = self.text.len() + turn.think.len() + repeated + arguments;
            Counts {
                input: Some(tokens(scene.all().len() + tools.sum::<usize>())),
                output: Some(tokens(output)),
                ..Counts::default()
            }
        });
        Line::Usage {
            input: counts.input,
            output: counts.output,
            cache_read: counts.cache_read,
            cache_write: counts.cache_write,
            reasoning: counts.reasoning,
        }
    }
}

fn arguments(call: &Call, scene: &Scene<'_>) -> Result<String> {
    match (&call.raw, &call.arguments) {
        (Some(raw), _) => Ok(raw.clone()),
        (None, Some(arguments)) => Ok(template::value(arguments, scene)?.to_string()),
        (None, None) => Ok("{}".to_owned()),
    }
}

fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(TOKEN) as u64
}

/// Returns at most `limit` bytes of the beginning of `text`.
fn head(text: &str, limit: Option<usize>) -> &str {
    match limit {
        Some(limit) => &text[..text.floor_char_boundary(limit)],
        None => text,
    }
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    let size = PIECE.max(text.len().div_ceil(PIECES));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, behind) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        rest = behind;
        (!piece.is_empty()).then(|| piece.to_owned())
    })
}
