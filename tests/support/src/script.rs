//! Scripts for the scripted provider: which turn answers which request.
//!
//! A script is a file of JSON lines. The first line whose conditions hold answers; the provider keeps no
//! state, so a turn may answer any number of times.

use serde_json::{Map, Value, json};

/// A script, in the order in which turns are tried.
#[derive(Clone, Debug, Default)]
pub struct Script(Vec<Turn>);

impl Script {
    /// Returns a script of these turns.
    pub fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self(turns.into_iter().collect())
    }

    /// Adds turns at the end.
    #[must_use]
    pub fn and(mut self, turns: impl IntoIterator<Item = Turn>) -> Self {
        self.0.extend(turns);
        self
    }

    /// Adds the turns of an honest planner and an honest judge, for scripts about the executor: a change of
    /// code whose criterion is bound to the tests, and marks that follow the checks.
    #[must_use]
    pub fn and_honest_company(self) -> Self {
        self.and([turn().planner().plans_change(), turn().evaluator().judges(9.0)])
    }

    /// Returns the script as the provider reads it.
    pub fn to_lines(&self) -> String {
        self.0.iter().map(|turn| format!("{}\n", turn.to_json())).collect()
    }
}

/// One turn with its conditions.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    when: Map<String, Value>,
    then: Map<String, Value>,
    calls: Vec<Value>,
}

/// Returns a turn that answers everything with nothing.
pub fn turn() -> Turn {
    Turn::default()
}

impl Turn {
    fn when(mut self, condition: &str, value: impl Into<Value>) -> Self {
        self.when.insert(condition.to_owned(), value.into());
        self
    }

    fn then(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.then.insert(key.to_owned(), value.into());
        self
    }

    /// Holds for the planner only.
    #[must_use]
    pub fn planner(self) -> Self {
        self.when("role", "planner")
    }

    /// Holds for the executor only.
    #[must_use]
    pub fn executor(self) -> Self {
        self.when("role", "executor")
    }

    /// Holds for the evaluator only.
    #[must_use]
    pub fn evaluator(self) -> Self {
        self.when("role", "evaluator")
    }

    /// Holds for the small model only.
    #[must_use]
    pub fn small(self) -> Self {
        self.when("role", "small")
    }

    /// Holds when the result that came last, since the user last spoke, is of `tool`.
    #[must_use]
    pub fn after(self, tool: &str) -> Self {
        self.when("tool", tool)
    }

    /// Holds when the last tool result contains `text`.
    #[must_use]
    pub fn after_result(self, text: &str) -> Self {
        self.when("result", text)
    }

    /// Holds when the last user message contains `text`.
    #[must_use]
    pub fn on(self, text: &str) -> Self {
        self.when("contains", text)
    }

    /// Holds when the conversation contains `text` anywhere.
    #[must_use]
    pub fn once_said(self, text: &str) -> Self {
        self.when("any", text)
    }

    /// Holds when the conversation does not contain `text`.
    #[must_use]
    pub fn unless_said(self, text: &str) -> Self {
        self.when("absent", text)
    }

    /// Holds when the conversation has that many turns of the model.
    #[must_use]
    pub fn at(self, turns: u32) -> Self {
        self.when("turn", turns)
    }

    /// Holds when the model had that many turns since the user last spoke.
    #[must_use]
    pub fn in_round(self, round: u32) -> Self {
        self.when("round", round)
    }

    /// Says `text`.
    #[must_use]
    pub fn say(self, text: &str) -> Self {
        self.then("say", text)
    }

    /// Thinks `text`.
    #[must_use]
    pub fn think(self, text: &str) -> Self {
        self.then("think", text)
    }

    /// Says `text` over and over.
    #[must_use]
    pub fn repeat(self, text: &str, times: u32) -> Self {
        self.then("repeat", json!({ "text": text, "times": times }))
    }

    /// Calls `tool`.
    #[must_use]
    pub fn call(mut self, tool: &str, arguments: Value) -> Self {
        self.calls.push(json!({ "tool": tool, "arguments": arguments }));
        self
    }

    /// Calls `tool` with a text in place of arguments.
    #[must_use]
    pub fn call_raw(mut self, tool: &str, text: &str) -> Self {
        self.calls.push(json!({ "tool": tool, "raw": text }));
        self
    }

    /// Writes a file.
    #[must_use]
    pub fn write(self, path: &str, content: &str) -> Self {
        self.call("write_file", json!({ "path": path, "contents": content }))
    }

    /// Runs a command.
    #[must_use]
    pub fn shell(self, command: &str) -> Self {
        self.call("shell", json!({ "command": command }))
    }

    /// Stops for `reason`: `finished`, `length`, `refused`, `filtered`.
    #[must_use]
    pub fn stop(self, reason: &str) -> Self {
        self.then("stop", reason)
    }

    /// Reports these numbers of tokens.
    #[must_use]
    pub fn usage(self, input: u64, output: u64) -> Self {
        self.then("usage", json!({ "input": input, "output": output }))
    }

    /// Ends the stream after so many bytes.
    #[must_use]
    pub fn cut(self, bytes: u64) -> Self {
        self.then("cut", bytes)
    }

    /// Submits the plan of a change whose criterion is bound to the tests.
    #[must_use]
    pub fn plans_change(self) -> Self {
        self.call("submit_plan", change_plan())
    }

    /// Submits the plan of a change with a criterion that only a judge can decide.
    #[must_use]
    pub fn plans_judged_change(self) -> Self {
        let mut plan = change_plan();
        plan["criteria"] = json!([{ "text": "the code is easy to read", "check": null }]);
        self.call("submit_plan", plan)
    }

    /// Submits the plan of an answer.
    #[must_use]
    pub fn plans_answer(self) -> Self {
        self.call(
            "submit_plan",
            json!({
                "effort": "answer",
                "kind": "general",
                "steps": ["answer"],
                "criteria": [{ "text": "the question is answered", "check": null }],
            }),
        )
    }

    /// Submits a verdict with `score` in each dimension of the rubric.
    #[must_use]
    pub fn judges(self, score: f64) -> Self {
        self.call("submit_verdict", verdict(score))
    }

    fn to_json(&self) -> Value {
        let mut turn = self.then.clone();
        if !self.when.is_empty() {
            turn.insert("when".to_owned(), self.when.clone().into());
        }
        if !self.calls.is_empty() {
            turn.insert("call".to_owned(), self.calls.clone().into());
        }
        turn.into()
    }
}

/// Returns the plan of a change whose criterion is bound to the tests.
pub fn change_plan() -> Value {
    json!({
        "effort": "change",
        "kind": "code",
        "steps": ["fix percent"],
        "criteria": [{ "text": "all tests pass", "check": "test", "tests": RED }],
    })
}

/// The tests of the projects that are red at first.
const RED: [&str; 2] = ["nothing_of_nothing_is_nothing", "two_thirds_are_rounded_up"];

/// Finds the dimensions of a rubric in the judge's request: a line like ``- `safety` (weight 0.3)`` each.
pub const DIMENSION: &str = r"(?m)^- `?([a-z][a-z_-]*)`? \(";

/// Returns the arguments of a verdict that gives `score` in every dimension that the request names. The
/// scripted provider fills them in.
pub fn verdict(score: f64) -> Value {
    let each = json!({ "dimension": "{{1}}", "score": score });
    json!({ "scores": [{ "$each": DIMENSION, "give": each }], "findings": [] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_a_line_for_each_turn_with_its_conditions() {
        let script = Script::new([
            turn().executor().after("shell").on("x").say("done").stop("length"),
            turn().executor().shell("ls").call_raw("shell", "{"),
        ]);

        let lines: Vec<Value> =
            script.to_lines().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines,
            [
                json!({
                    "when": { "role": "executor", "tool": "shell", "contains": "x" },
                    "say": "done",
                    "stop": "length",
                }),
                json!({
                    "when": { "role": "executor" },
                    "call": [
                        { "tool": "shell", "arguments": { "command": "ls" } },
                        { "tool": "shell", "raw": "{" },
                    ],
                }),
            ]
        );
    }

    #[test]
    fn a_turn_without_conditions_writes_none_down() {
        assert_eq!(turn().say("x").to_json(), json!({ "say": "x" }));
    }
}
