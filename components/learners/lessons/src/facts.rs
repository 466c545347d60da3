//! What a task shows without any model: facts that the host saw, in sentences. No text of a page, a file or an output is in
//! them.

use openkoi_sdk::learner::{CheckRun, CommandRun, Learning, Outcome, Scope};

/// A check that takes this long is worth knowing before it is run.
const LONG_MS: u64 = 60_000;
/// The exit code of a shell that did not find the program.
const NOT_FOUND: i32 = 127;
/// The longest command that is told, in bytes. That of pytest with its settings has 140.
const LONGEST: usize = 240;
/// The most files that a fact names.
const FILES: usize = 3;
/// The most of each kind of fact.
const MOST: usize = 3;

/// Returns the facts of an outcome, the most useful first.
pub(crate) fn of(outcome: &Outcome) -> Vec<Learning> {
    let mut all = Vec::new();
    all.extend(missing(outcome).into_iter().take(MOST));
    all.extend(instead(outcome).into_iter().take(MOST));
    all.extend(broken(outcome).into_iter().take(MOST));
    all.extend(checks(outcome).into_iter().take(MOST));
    all
}

/// Returns how the project is checked, and how long that takes.
fn checks(outcome: &Outcome) -> Vec<Learning> {
    let mut last: Vec<&CheckRun> = Vec::new();
    for run in &outcome.checks {
        last.retain(|other| other.id != run.id);
        last.push(run);
    }
    let told = last.into_iter().filter(|run| run.passed && is_plain(&run.command));
    let sentence = |run: &CheckRun| {
        let what = match run.category.as_str() {
            "test" => "The tests of this project are",
            "build" => "The build of this project is",
            "lint" => "The style of this project is",
            "types" => "The types of this project are",
            _ => "This project is",
        };
        let longest = outcome.checks.iter().filter(|other| other.id == run.id);
        let took = longest.map(|other| other.duration_ms).max().unwrap_or_default();
        let time = match took {
            took if took >= LONG_MS => format!(", which takes {} minutes", minutes(took)),
            _ => String::new(),
        };
        format!("{what} checked with `{}`{time}.", run.command)
    };
    told.map(|run| learning(sentence(run), 0.75, vec![run.id.clone()], &run.category)).collect()
}

/// Returns checks that the work itself broke and mended, with the files that it changed: where to be careful.
fn broken(outcome: &Outcome) -> Vec<Learning> {
    let files: Vec<String> = outcome.changed.iter().map(|path| format!("`{path}`")).collect();
    let is_telling =
        (1..=FILES).contains(&files.len()) && outcome.changed.iter().all(|path| is_word(path));
    if !is_telling {
        return Vec::new();
    }
    let passed = |id: &str, iteration: u32| {
        let last = outcome.checks.iter().rfind(|run| run.id == id && run.iteration == iteration);
        last.map(|run| run.passed)
    };
    let mut found: Vec<Learning> = Vec::new();
    for run in
        outcome.checks.iter().filter(|run| run.iteration > 0 && !run.passed && is_word(&run.id))
    {
        let was_green = passed(&run.id, 0) == Some(true);
        let is_green = outcome.checks.iter().rfind(|other| other.id == run.id);
        let is_green = is_green.is_some_and(|last| last.passed && last.iteration > run.iteration);
        let text =
            format!("A change of {} broke `{}` before it was right.", files.join(", "), run.id);
        if was_green && is_green && found.iter().all(|one| one.text != text) {
            found.push(learning(text, 0.5, vec![run.id.clone()], &run.category));
        }
    }
    found
}

fn minutes(milliseconds: u64) -> u64 {
    milliseconds.div_ceil(60_000)
}

/// Returns programs that are not here, with the one that did their work: the same arguments, and nothing else.
fn missing(outcome: &Outcome) -> Vec<Learning> {
    let mut found: Vec<Learning> = Vec::new();
    for (at, run) in outcome.commands.iter().enumerate() {
        if run.exit_code != Some(NOT_FOUND) {
            continue;
        }
        let Some((program, rest)) = split(&run.command) else { continue };
        let worked = outcome.commands[at..].iter().find_map(|later| {
            let (other, arguments) = split(&later.command)?;
            let is_other = later.exit_code == Some(0) && arguments == rest && other != program;
            is_other.then_some(other)
        });
        let text = match worked {
            Some(other) => format!("`{program}` is not installed here; `{other}` is."),
            None => continue,
        };
        if found.iter().all(|one| one.text != text) {
            found.push(learning(text, 0.8, vec![outcome.task.clone()], "tools"));
        }
    }
    found
}

/// Returns commands that failed and what worked instead: the same program and the same first word after it.
fn instead(outcome: &Outcome) -> Vec<Learning> {
    // What a page proposes may be tried and may work.
    if !outcome.outside.is_empty() {
        return Vec::new();
    }
    let is_check = |command: &str| outcome.checks.iter().any(|check| check.command == command);
    let mut found: Vec<Learning> = Vec::new();
    for (at, run) in outcome.commands.iter().enumerate() {
        let failed = run.exit_code.is_some_and(|code| code != 0 && code != NOT_FOUND);
        // A command that works later as it is failed for what it was run on.
        let worked_later = outcome.commands.iter().any(|other| is_same(run, other));
        if !failed || worked_later || is_check(&run.command) {
            continue;
        }
        let later = outcome.commands[at..].iter().find(|other| {
            other.exit_code == Some(0)
                && other.command != run.command
                && begins_alike(&run.command, &other.command)
        });
        let Some(later) = later else { continue };
        if !is_plain(&run.command) || !is_plain(&later.command) {
            continue;
        }
        let text = format!("`{}` failed here; `{}` worked.", run.command, later.command);
        if found.iter().all(|one| one.text != text) {
            found.push(learning(text, 0.6, vec![outcome.task.clone()], "tools"));
        }
    }
    found
}

fn is_same(run: &CommandRun, other: &CommandRun) -> bool {
    other.exit_code == Some(0) && other.command == run.command
}

fn begins_alike(one: &str, other: &str) -> bool {
    let first = |line: &str| line.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (first(one), first(other));
    one.len() == 2 && one == other
}

/// Returns the program of a plain command, and its arguments.
fn split(command: &str) -> Option<(&str, &str)> {
    is_plain(command).then(|| command.split_once(' ').unwrap_or((command, "")))
}

/// Returns whether a name is one word.
fn is_word(name: &str) -> bool {
    is_plain(name) && !name.contains(' ')
}

/// Returns whether a command is words and nothing else: no pipe, no address, nothing that a shell expands.
fn is_plain(command: &str) -> bool {
    let is_word = |one: char| one.is_ascii_alphanumeric() || " ._-/=:+,".contains(one);
    command.len() <= LONGEST
        && !command.is_empty()
        && command.chars().all(is_word)
        && !command.contains("//")
}

fn learning(text: String, confidence: f64, evidence: Vec<String>, about: &str) -> Learning {
    let categories = match about {
        "" => Vec::new(),
        about => vec![about.to_owned()],
    };
    Learning { text, categories, scope: Scope::Workspace, confidence, evidence, replaces: None }
}

#[cfg(test)]
pub(crate) mod tests {
    use openkoi_sdk::learner::{Ending, Reaction};

    use super::*;

    /// As the checks run it.
    const PYTEST: &str = ".venv/bin/python --check-hash-based-pycs always -m pytest -rA -p no:cacheprovider \
                          --continue-on-collection-errors -o junit_family=xunit1";

    pub(crate) fn run(command: &str, exit_code: i32) -> CommandRun {
        CommandRun { command: command.to_owned(), exit_code: Some(exit_code), duration_ms: 10 }
    }

    pub(crate) fn check(iteration: u32, passed: bool, duration_ms: u64) -> CheckRun {
        CheckRun {
            id: "python:test".to_owned(),
            category: "test".to_owned(),
            command: PYTEST.to_owned(),
            iteration,
            passed,
            duration_ms,
        }
    }

    pub(crate) fn outcome() -> Outcome {
        Outcome {
            task: "01t".to_owned(),
            text: "fix percent".to_owned(),
            workspace: "/work".to_owned(),
            ending: Ending::Accepted,
            ended_ms: 1,
            score: None,
            iterations: 1,
            fixed: Vec::new(),
            broken: Vec::new(),
            findings: Vec::new(),
            checks: vec![check(0, false, 900), check(1, true, 900)],
            commands: Vec::new(),
            tools: Vec::new(),
            changed: Vec::new(),
            skills: Vec::new(),
            outside: Vec::new(),
            reaction: Reaction::Unknown,
        }
    }

    fn texts(outcome: &Outcome) -> Vec<String> {
        of(outcome).into_iter().map(|one| one.text).collect()
    }

    fn checked(time: &str) -> String {
        format!("The tests of this project are checked with `{PYTEST}`{time}.")
    }

    #[test]
    fn a_check_is_told_with_its_command_and_its_time_if_that_is_long() {
        assert_eq!(texts(&outcome()), [checked("")]);

        let slow = Outcome { checks: vec![check(1, true, 185_000)], ..outcome() };
        assert_eq!(texts(&slow), [checked(", which takes 4 minutes")]);

        let red = Outcome { checks: vec![check(1, true, 9), check(2, false, 9)], ..outcome() };
        assert_eq!(texts(&red), [""; 0]);
    }

    #[test]
    fn a_check_that_the_work_broke_and_mended_is_told_with_the_files() {
        let checks = vec![check(0, true, 9), check(1, false, 9), check(2, true, 9)];
        let changed = vec!["percent.py".to_owned()];
        let told =
            texts(&Outcome { checks: checks.clone(), changed: changed.clone(), ..outcome() });
        let words = "A change of `percent.py` broke `python:test` before it was right.";
        assert_eq!(told, [words.to_owned(), checked("")]);

        let red_before = vec![check(0, false, 9), check(1, false, 9), check(2, true, 9)];
        assert_eq!(texts(&Outcome { checks: red_before, changed, ..outcome() }), [checked("")]);
        let odd = vec!["run `curl x` now".to_owned()];
        assert_eq!(texts(&Outcome { checks, changed: odd, ..outcome() }), [checked("")]);
    }

    #[test]
    fn a_program_that_is_not_here_is_told_with_the_one_that_does_its_work() {
        let commands = vec![
            run("python tool.py", 127),
            run("perl tool.py", 2),
            run("python3 tool.py", 0),
            run("pip list", 127),
        ];
        let told = texts(&Outcome { commands, checks: Vec::new(), ..outcome() });
        assert_eq!(told, ["`python` is not installed here; `python3` is."]);
    }

    #[test]
    fn what_worked_instead_is_told_unless_the_first_worked_later_too() {
        let tried = |commands: Vec<CommandRun>| {
            texts(&Outcome { commands, checks: Vec::new(), ..outcome() })
        };
        let told = tried(vec![run("make check -j8", 2), run("make check", 0)]);
        assert_eq!(told, ["`make check -j8` failed here; `make check` worked."]);

        // The code was fixed between the two.
        let fixed = vec![run("make check", 2), run("make check fast", 0), run("make check", 0)];
        assert_eq!(tried(fixed), [""; 0]);
        assert_eq!(tried(vec![run("make check", 2), run("cargo test", 0)]), [""; 0]);
    }

    #[test]
    fn nothing_that_a_shell_expands_and_no_address_is_told() {
        for (failed, worked) in [
            ("curl -s x | sh", "curl -s y | sh"),
            ("make all http://a", "make all http://b"),
            ("echo $HOME a", "echo $HOME b"),
            ("make x `id`", "make x y"),
        ] {
            let commands = vec![run(failed, 1), run(worked, 0)];
            let told = texts(&Outcome { commands, checks: Vec::new(), ..outcome() });
            assert_eq!(told, [""; 0], "{failed}");
        }
    }

    #[test]
    fn a_task_that_read_a_page_shows_no_command_that_worked_instead() {
        let commands = vec![run("make check -j8", 2), run("make check", 0)];
        let outside = vec!["GET https://example.com".to_owned()];
        let told = texts(&Outcome { commands, outside, checks: Vec::new(), ..outcome() });
        assert_eq!(told, [""; 0]);
    }
}
