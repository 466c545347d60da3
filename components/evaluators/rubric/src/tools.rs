//! The judge's tools: it may look, and it rules.

use openkoi_sdk::conversation::{ToolCall, ToolResult, ToolSpec};
use openkoi_sdk::evaluator::Subject;
use openkoi_sdk::serde_json::json;
use openkoi_sdk::{Result, arguments};
use serde::Deserialize;

use crate::fence::fenced;
use crate::shown;
use crate::world::World;

/// The tool with which the ruling is submitted.
pub(crate) const SUBMIT: &str = "submit_verdict";

const READ: &str = "read_file";
const LIST: &str = "list_files";
const CHANGE: &str = "read_change";

/// The most lines that one reading shows.
const LINES: u64 = 400;

/// The most bytes that one reading shows.
const BYTES: usize = 32 * 1024;

/// Returns the tools, sorted by name. With `earlier` a ruling says what became of what was found before.
pub(crate) fn all(dimensions: &[&str], earlier: bool) -> Vec<ToolSpec> {
    let tool = |name: &str, description: &str, parameters: serde_json::Value| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: parameters.to_string(),
    };
    let path = json!({"type": "string", "description": "Relative to the workspace."});
    vec![
        tool(
            LIST,
            "Lists the files of a directory of the workspace.",
            json!({"type": "object", "properties": {"path": path}, "required": ["path"], "additionalProperties": false}),
        ),
        tool(
            CHANGE,
            "Shows the change of one file as a diff, what is gone included, 400 lines at most.",
            reading(&path),
        ),
        tool(
            READ,
            "Shows a file of the workspace as it is after the change, with line numbers, 400 lines at most.",
            reading(&path),
        ),
        tool(
            SUBMIT,
            "Submits your ruling. Call it once, with every dimension.",
            ruling(dimensions, earlier),
        ),
    ]
}

fn reading(path: &serde_json::Value) -> serde_json::Value {
    json!({
        "type": "object",
        "properties": {
            "path": path,
            "offset": {"type": "integer", "description": "The first line, from 1."},
            "limit": {"type": "integer", "description": "How many lines."},
        },
        "required": ["path"],
        "additionalProperties": false,
    })
}

fn ruling(dimensions: &[&str], earlier: bool) -> serde_json::Value {
    let mut schema = json!({
        "type": "object",
        "properties": {
            "scores": {
                "type": "array",
                "description": "One entry for each dimension.",
                "items": {
                    "type": "object",
                    "properties": {
                        "dimension": {"type": "string", "enum": dimensions},
                        "score": {"type": "number", "minimum": 0, "maximum": 10},
                    },
                    "required": ["dimension", "score"],
                    "additionalProperties": false,
                },
            },
            "findings": {
                "type": "array",
                "description": "What the scores rest on. Empty if there is nothing to mend.",
                "items": {
                    "type": "object",
                    "properties": {
                        "severity": {"type": "string", "enum": ["note", "minor", "major", "critical"]},
                        "dimension": {"type": "string", "enum": dimensions},
                        "evidence": {"type": "string", "description": "`path:line`, a check's id, a criterion's id, or `answer:line`."},
                        "message": {"type": "string", "description": "What is wrong, and what would be right."},
                    },
                    "required": ["severity", "dimension", "evidence", "message"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["scores", "findings"],
        "additionalProperties": false,
    });
    if earlier {
        schema["properties"]["earlier"] = json!({
            "type": "array",
            "description": "One entry for each finding of the block `earlier`.",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "stands": {"type": "boolean", "description": "False if it is mended, or was wrong."},
                    "evidence": {"type": "string", "description": "What shows that it does not stand: `path:line`, a check's id."},
                },
                "required": ["id", "stands", "evidence"],
                "additionalProperties": false,
            },
        });
        schema["required"] = json!(["scores", "findings", "earlier"]);
    }
    schema
}

/// Answers a call that looks at the workspace. A failure goes back to the judge.
pub(crate) fn answer(call: &ToolCall, subject: &Subject, world: &dyn World) -> ToolResult {
    let answered = match call.name.as_str() {
        CHANGE => change(&call.arguments, subject),
        READ => read(&call.arguments, world),
        LIST => list(&call.arguments, world),
        other => Err(openkoi_sdk::Failure::not_found(format!("the tool `{other}`"))),
    };
    let is_error = answered.is_err();
    let content = answered.unwrap_or_else(|failure| failure.to_string());
    ToolResult { id: call.id.clone(), name: call.name.clone(), content, is_error }
}

#[derive(Deserialize)]
struct Reading {
    path: String,
    offset: Option<u64>,
    limit: Option<u64>,
}

fn read(json: &str, world: &dyn World) -> Result<String> {
    let reading: Reading = arguments::parse(json)?;
    let bytes = world.read(&reading.path)?;
    if bytes.contains(&0) {
        return Ok(format!("`{}` is not text ({} bytes)", reading.path, bytes.len()));
    }
    let text = String::from_utf8_lossy(&bytes);
    let numbered = text.lines().zip(1..).map(|(line, number)| format!("{number}\t{line}"));
    Ok(part(&reading, "file", &numbered.collect::<Vec<_>>()))
}

fn change(json: &str, subject: &Subject) -> Result<String> {
    let reading: Reading = arguments::parse(json)?;
    let text = shown::of_file(subject, reading.path.trim_start_matches("./"));
    let text = text.ok_or_else(|| {
        openkoi_sdk::Failure::not_found(format!("a change of lines in `{}`", reading.path))
    })?;
    let lines = text.lines().map(str::to_owned);
    Ok(part(&reading, "diff", &lines.collect::<Vec<_>>()))
}

/// Shows a part of some lines in a fence.
fn part(reading: &Reading, name: &str, lines: &[String]) -> String {
    let total = lines.len() as u64;
    let first = reading.offset.unwrap_or(1).max(1);
    let limit = reading.limit.unwrap_or(LINES).clamp(1, LINES);
    let mut shown = String::new();
    let mut last = first - 1;
    for line in lines.iter().skip((first - 1) as usize).take(limit as usize) {
        if shown.len() + line.len() > BYTES {
            break;
        }
        shown.push_str(line);
        shown.push('\n');
        last += 1;
    }
    let head = format!("`{}`, lines {first} to {last} of {total}", reading.path);
    format!("{head}\n{}", fenced(name, &shown))
}

#[derive(Deserialize)]
struct Listing {
    path: String,
}

fn list(json: &str, world: &dyn World) -> Result<String> {
    const MOST: usize = 500;
    let listing: Listing = arguments::parse(json)?;
    let path = listing.path.trim_matches('/');
    let path = if path == "." { "" } else { path };
    let mut names = world.list(path)?;
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    if more > 0 {
        names.push(format!("[{more} more]"));
    }
    Ok(fenced("files", &names.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::tests::subject;
    use crate::world::tests::Fake;

    fn ask(tool: &str, arguments: &str) -> ToolResult {
        let world = Fake::default().file("src/a.rs", "one\ntwo\nthree\n").file("b.bin", "\0");
        let call =
            ToolCall { id: "1".to_owned(), name: tool.to_owned(), arguments: arguments.to_owned() };
        answer(&call, &subject(), &world)
    }

    #[test]
    fn a_file_is_shown_in_part_with_its_lines() {
        let result = ask("read_file", r#"{"path":"src/a.rs","offset":2,"limit":1}"#);

        assert!(result.content.starts_with("`src/a.rs`, lines 2 to 2 of 3\n<file id="));
        assert!(result.content.contains("\n2\ttwo\n</file"), "{}", result.content);
        assert!(!result.is_error);
    }

    #[test]
    fn what_cannot_be_shown_is_said() {
        assert_eq!(
            ask("read_file", r#"{"path":"b.bin"}"#).content,
            "`b.bin` is not text (1 bytes)"
        );
        let missing = ask("read_file", r#"{"path":"c"}"#);
        assert_eq!((missing.content.as_str(), missing.is_error), ("`c` does not exist", true));
        assert!(ask("read_file", "{}").is_error);
        assert!(ask("shell", "{}").is_error);
    }

    #[test]
    fn a_directory_is_listed() {
        assert!(ask("list_files", r#"{"path":"src"}"#).content.contains("\na.rs\n"));
        assert!(ask("list_files", r#"{"path":"."}"#).content.contains("\nsrc/a.rs\n"));
    }

    #[test]
    fn tools_are_offered_sorted_by_name() {
        let names: Vec<String> = all(&["style"], false).into_iter().map(|tool| tool.name).collect();

        assert_eq!(names, ["list_files", "read_change", "read_file", "submit_verdict"]);
    }
}
