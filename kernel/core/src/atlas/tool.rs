//! Tools and programs: how reliable each is here, how it fails, how long it takes, and what worked in its place.

use std::collections::BTreeMap;

use crate::{
    command_line::Line,
    records::{CallEnd, PastCall, PastCheck, PastCommand},
    skill::Tally,
};

/// The exit code with which a shell says that it did not find a program.
const NOT_FOUND: i32 = 127;
/// A check that takes so long is worth knowing of before it is run, in milliseconds.
const LONG_MS: u64 = 60_000;
/// A program that was missing so often, and never there, is worth knowing of.
const MISSING: u64 = 2;
/// A tool fails here if it certainly does more often than this.
const FAILS: f64 = 0.5;
/// A program that ran within this time after another one failed stands in its place, in milliseconds.
const SOON_MS: u64 = 10 * 60_000;
/// The most lines for a model, and the most bytes of all for each thousand tokens of its window.
const MOST_LINES: usize = 4;
const BYTES_A_THOUSAND: u64 = 20;
/// The least and the most bytes.
const BYTES: (u64, u64) = (200, 600);

/// What is known of a tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolRecord {
    /// How many of its calls did what they should, and how many did or failed. A refused call says nothing of the tool.
    pub calls: Tally,
    /// The number of calls that were refused.
    pub denied: u64,
    /// The kinds of its failures, the most frequent first.
    pub failures: Vec<(String, u64)>,
    /// The median of its time, in milliseconds.
    pub median_ms: u64,
}

/// What is known of a program, with its subcommand where it has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgramRecord {
    /// How many of its runs ended with exit code 0, and how many ended.
    pub runs: Tally,
    /// How often it was not found.
    pub not_found: u64,
    /// The median of its time, in milliseconds.
    pub median_ms: u64,
    /// The program that worked soon after this one was not found, with the same arguments.
    pub instead: Option<String>,
}

/// Tools and programs of one workspace, or of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolAtlas {
    /// Tools by name.
    pub tools: BTreeMap<String, ToolRecord>,
    /// Programs by name.
    pub programs: BTreeMap<String, ProgramRecord>,
    /// The medians of checks, by their commands, in milliseconds.
    pub checks: BTreeMap<String, u64>,
}

impl ToolAtlas {
    /// Returns the atlas of these records, which may be in any order.
    #[must_use]
    pub fn of(calls: &[PastCall], commands: &[PastCommand], checks: &[PastCheck]) -> Self {
        let mut times: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for check in checks {
            times.entry(&check.command).or_default().push(check.duration_ms);
        }
        let checks = times.into_iter().map(|(command, times)| (command.to_owned(), median(times)));
        Self { tools: tools(calls), programs: programs(commands), checks: checks.collect() }
    }

    /// Returns what a model should know of this before it works, each a line: only what changes what it does. `known` are
    /// sentences that it is told anyway.
    #[must_use]
    pub fn lines(&self, window: u64, known: &[&str]) -> Vec<String> {
        let missing =
            self.programs.iter().filter(|(_, one)| one.is_missing()).map(|(name, one)| {
                let instead = one.instead.as_ref().map(|other| format!("; `{other}` is"));
                (name, format!("`{name}` is not installed here{}", instead.unwrap_or_default()))
            });
        let failing = self.tools.iter().filter(|(_, one)| one.fails()).map(|(name, one)| {
            let Tally { accepted, decided } = one.calls;
            let how = one.failures.first().map(|(word, _)| format!(", mostly: {word}"));
            let failed = decided - accepted;
            let how = how.unwrap_or_default();
            (name, format!("`{name}` failed here {failed} of the last {decided} times{how}"))
        });
        let slow = self.checks.iter().filter(|(_, took)| **took >= LONG_MS).map(|(name, took)| {
            (name, format!("`{name}` takes about {} min here", took.div_ceil(60_000)))
        });
        let (least, most) = BYTES;
        let room = (window / 1_000 * BYTES_A_THOUSAND).clamp(least, most);
        let mut room = usize::try_from(room).unwrap_or(usize::MAX);
        let all = missing.chain(failing).chain(slow);
        let new =
            all.filter(|(name, _)| !known.iter().any(|one| one.contains(&format!("`{name}`"))));
        let fitting = new.map(|(_, line)| line).take_while(|line| {
            let fits = line.len() <= room;
            room = room.saturating_sub(line.len());
            fits
        });
        fitting.take(MOST_LINES).collect()
    }
}

impl ToolRecord {
    /// Returns whether the tool certainly fails more often than not.
    fn fails(&self) -> bool {
        self.calls.bounds().1 < FAILS
    }
}

impl ProgramRecord {
    /// Returns whether the program is not there.
    fn is_missing(&self) -> bool {
        self.not_found >= MISSING && self.runs.decided == self.not_found
    }
}

fn tools(calls: &[PastCall]) -> BTreeMap<String, ToolRecord> {
    let mut tools: BTreeMap<String, ToolRecord> = BTreeMap::new();
    let mut times: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut failures: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for call in calls {
        let tool = tools.entry(call.tool.clone()).or_default();
        match call.end {
            CallEnd::Ok => tool.calls.add(true),
            CallEnd::Failed => {
                tool.calls.add(false);
                *failures.entry((&call.tool, &call.failure)).or_default() += 1;
            }
            CallEnd::Denied => {
                tool.denied += 1;
                continue;
            }
        }
        times.entry(&call.tool).or_default().push(call.duration_ms);
    }
    for ((name, failure), count) in failures {
        if let Some(tool) = tools.get_mut(name) {
            tool.failures.push((failure.to_owned(), count));
        }
    }
    for (name, tool) in &mut tools {
        tool.failures
            .sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        tool.median_ms = times.remove(name.as_str()).map(median).unwrap_or_default();
    }
    tools
}

fn programs(commands: &[PastCommand]) -> BTreeMap<String, ProgramRecord> {
    let mut programs: BTreeMap<String, ProgramRecord> = BTreeMap::new();
    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for run in commands {
        let Some(name) = program(&run.command) else { continue };
        let record = programs.entry(name.clone()).or_default();
        record.runs.add(run.exit_code == Some(0));
        if run.exit_code == Some(NOT_FOUND) {
            record.not_found += 1;
            record.instead = instead(run, commands).or(record.instead.take());
        }
        times.entry(name).or_default().push(run.duration_ms);
    }
    for (name, record) in &mut programs {
        record.median_ms = times.remove(name).map(median).unwrap_or_default();
    }
    programs
}

/// Returns the program of a command line with one command.
fn program(command: &str) -> Option<String> {
    let line = Line::parse(command);
    match line.commands.as_slice() {
        [one] => one.words.first().cloned(),
        _ => None,
    }
}

/// Returns the program that did in the same task what another one, which was not found, was to do.
fn instead(missing: &PastCommand, commands: &[PastCommand]) -> Option<String> {
    let arguments = |command: &str| command.split_once(' ').map(|(_, rest)| rest.to_owned());
    let wanted = arguments(&missing.command)?;
    let soon = missing.at_ms..=missing.at_ms.saturating_add(SOON_MS);
    let worked = commands.iter().find(|run| {
        run.task == missing.task
            && run.exit_code == Some(0)
            && soon.contains(&run.at_ms)
            && arguments(&run.command).as_ref() == Some(&wanted)
    });
    program(&worked?.command)
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TaskId;

    fn call(tool: &str, end: CallEnd, failure: &str, duration_ms: u64) -> PastCall {
        let task = TaskId::new("t");
        let (tool, failure) = (tool.to_owned(), failure.to_owned());
        PastCall { task, tool, end, failure, at_ms: 1, duration_ms }
    }

    fn command(command: &str, exit_code: i32, at_ms: u64) -> PastCommand {
        let (task, command) = (TaskId::new("t"), command.to_owned());
        PastCommand { task, command, exit_code: Some(exit_code), at_ms, duration_ms: 10 }
    }

    fn check(command: &str, duration_ms: u64) -> PastCheck {
        PastCheck {
            task: TaskId::new("t"),
            id: "x".to_owned(),
            category: "test".to_owned(),
            command: command.to_owned(),
            passed: true,
            at_ms: 1,
            duration_ms,
        }
    }

    #[test]
    fn a_tool_has_its_reliability_with_an_interval_its_failures_and_its_median_time() {
        let calls: Vec<PastCall> = (0..8)
            .map(|number| call("fetch", CallEnd::Failed, "unavailable", number * 100))
            .chain([
                call("fetch", CallEnd::Failed, "invalid", 1),
                call("fetch", CallEnd::Ok, "", 2),
            ])
            .chain([call("fetch", CallEnd::Denied, "denied", 3)])
            .collect();

        let atlas = ToolAtlas::of(&calls, &[], &[]);

        let fetch = &atlas.tools["fetch"];
        assert_eq!(fetch.calls, Tally { accepted: 1, decided: 10 });
        assert_eq!(fetch.denied, 1);
        assert_eq!(fetch.failures, [("unavailable".to_owned(), 8), ("invalid".to_owned(), 1)]);
        assert_eq!(fetch.median_ms, 300);
        let (low, high) = fetch.calls.bounds();
        assert!(low > 0.0 && high < 0.5, "{low} {high}");
    }

    #[test]
    fn a_model_is_told_what_changes_what_it_does_and_nothing_that_it_knows() {
        let calls: Vec<PastCall> =
            (0..9).map(|_| call("fetch", CallEnd::Failed, "unavailable", 1)).collect();
        let commands = [
            command("python a.py", NOT_FOUND, 1),
            command("python3 a.py", 0, 2),
            command("python b.py", NOT_FOUND, 3),
            command("make check", 1, 4),
        ];
        let checks = [check("cargo test", 200_000), check("cargo fmt", 900)];
        let atlas = ToolAtlas::of(&calls, &commands, &checks);

        assert_eq!(
            atlas.lines(200_000, &[]),
            [
                "`python` is not installed here; `python3` is",
                "`fetch` failed here 9 of the last 9 times, mostly: unavailable",
                "`cargo test` takes about 4 min here",
            ]
        );
        let known = ["`python` is not installed here; `python3` is.", "It runs `cargo test`."];
        assert_eq!(atlas.lines(200_000, &known).len(), 1);
    }

    #[test]
    fn a_few_failures_and_a_program_that_was_there_once_are_not_worth_a_line() {
        let calls = [call("fetch", CallEnd::Failed, "unavailable", 1)];
        let commands = [
            command("python a.py", NOT_FOUND, 1),
            command("node a.js", NOT_FOUND, 1),
            command("node a.js", NOT_FOUND, 2),
            command("node a.js", 0, 3),
        ];
        assert_eq!(ToolAtlas::of(&calls, &commands, &[]).lines(200_000, &[]), [""; 0]);
    }

    #[test]
    fn lines_have_a_share_of_the_window() {
        let checks: Vec<PastCheck> =
            (0..40).map(|number| check(&format!("make part-{number}"), 100_000)).collect();
        let atlas = ToolAtlas::of(&[], &[], &checks);
        assert_eq!(atlas.lines(1_000_000, &[]).len(), MOST_LINES);
        let few: usize = atlas.lines(1_000, &[]).iter().map(String::len).sum();
        assert!(few as u64 <= BYTES.0, "{few}");
    }
}
