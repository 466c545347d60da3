//! What a person is told to type: each command line in a message is one that the program has.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

/// Returns the sources under `directory`, without tests.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "target", "testing"].contains(&name.as_str()) {
            sources(&path, found);
        } else if name.ends_with(".rs") && !["tests.rs", "testing.rs"].contains(&name.as_str()) {
            found.push(path);
        }
    }
}

/// Returns what is wrong about a command line, if anything is.
fn fault(line: &str, program: &clap::Command) -> Option<String> {
    let mut words = line.split(' ').skip(1).peekable();
    let mut command = program;
    while let Some(word) = words.peek() {
        let Some(below) = command.find_subcommand(word) else { break };
        command = below;
        words.next();
    }
    let has_place = command.get_positionals().next().is_some();
    while let Some(word) = words.next() {
        if let Some(flag) = word.strip_prefix("--") {
            let flag = flag.split('=').next().unwrap_or(flag);
            let known = |command: &clap::Command| {
                command.get_arguments().any(|one| one.get_long() == Some(flag))
            };
            if !known(command) && !known(program) {
                return Some(format!("no flag --{flag}"));
            }
            // What follows may be its value.
            words.next_if(|word| !word.starts_with('-'));
        } else if command.has_subcommands() && !has_place {
            return Some(format!("no command `{word}`"));
        }
    }
    None
}

#[test]
fn each_command_line_in_a_message_is_one_that_there_is() {
    let mut program = openkoi::args::command();
    program.build();
    let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    sources(&kernel, &mut files);
    // Where a message begins with it, says it as code, or after a mark; in words of letters and in flags, up to a name.
    let told = Regex::new(r#"(?:"|`|; |: )(openkoi(?: --?[a-z][a-z-]*| [a-z][a-z-]*)+)"#).unwrap();

    let mut faults = Vec::new();
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for line in text.lines() {
            for one in told.captures_iter(line) {
                count += 1;
                if let Some(why) = fault(&one[1], &program) {
                    faults.push(format!("{}: `{}`: {why}", file.display(), &one[1]));
                }
            }
        }
    }

    assert!(count > 100, "{count} are found, so the search is broken");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
