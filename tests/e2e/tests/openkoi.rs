//! The built binary, from outside. One module for each behaviour; what they share is in `world`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has to fail, loudly and at once"
)]

mod alerts;
mod anthropic_task;
mod api;
mod approval;
mod architecture;
mod attachments;
mod background;
mod bad_input;
mod baseline;
mod bedrock_task;
mod bytes;
mod chat;
mod circles;
mod cold;
mod companion;
mod company;
mod crash_resume;
mod daemon;
mod dashboard;
mod day;
mod demo;
mod dishonest;
mod dishonest_company;
mod dry_run;
mod egress_attacks;
mod everyday;
mod evidence;
mod exit_codes;
mod files_attacks;
mod frozen_cost;
mod golden;
mod google_task;
mod home_workspace;
mod interrupt;
mod judges;
mod keyring;
mod learn;
mod learning;
mod login;
mod memory;
mod mind;
mod models;
mod network;
mod no_layers;
mod ollama_task;
mod openai_task;
mod other_programs;
mod others_at_work;
mod output_formats;
mod pickers;
mod plugins;
mod process_attacks;
mod requests;
mod responses_task;
mod schedules;
mod scripts;
mod skills;
mod snapshots;
mod think;
mod tools;
mod trial;
mod trust;
mod undo;
mod views;
mod web_page;
mod webhooks;
mod whole_task;
mod world;

/// A module that is not named above is never compiled, and its tests never run.
#[test]
fn no_file_is_forgotten() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> =
        files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "openkoi");
    names.sort();
    // A module with parts of its own is a file and a folder.
    names.dedup();

    let named = include_str!("openkoi.rs").lines().filter_map(|line| line.strip_prefix("mod "));
    let named: Vec<&str> = named.map(|name| name.trim_end_matches(';')).collect();
    assert_eq!(names, named);
}
