//! What has to be measured from inside of a process: `openkoi-benches components`, `journal`, `memory`, `skills` and
//! `think` print one or more tables. `tests/benches/run` builds this program with the profile of the product and runs
//! it after the scripts that measure whole processes.
//!
//! | module | measures |
//! |---|---|
//! | [`load`] | a component from its embedded bytes to where it can be instantiated, in a new process each time |
//! | [`calls`] | a fresh instance and its call, and one more call of an instance that is there |
//! | [`journal`] | entries a second through the storage, against bare SQLite |
//! | [`memory`] | what recall finds by words, by meaning and by both, and how long it takes |
//! | [`skills`] | the choice of skills for a task among two thousand |
//! | [`think`] | the computed round of a plain run, in turn with none |
//!
//! Everything goes through doors that the product uses too. Nothing is asserted of a time.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints tables, and stops when it cannot go on"
)]

mod built_in;
mod calls;
mod journal;
mod load;
mod memory;
mod process;
mod skills;
mod table;
mod think;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["components"] => {
            load::print();
            calls::print();
        }
        ["journal"] => journal::print(),
        ["memory"] => memory::print(),
        ["skills"] => skills::print(),
        ["think"] => think::print(),
        // How `components` calls itself, for a process in which nothing is loaded yet.
        [load::CHILD, first, then @ ..] => load::child(first, then.first().copied()),
        _ => {
            eprintln!("usage: openkoi-benches components | journal | memory | skills | think");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
