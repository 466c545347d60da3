//! The computed round of a plain run: what speaks against a task, found without a request when its first effect is about to happen.
//! Rounds with and without it take turns.
//!
//! What the round does is what `run/deliberate.rs` of core does for it: earlier work is read, a forecast made, the motion put
//! together and looked at. Without it, the plan alone is read, as a run has it anyway.

use std::{hint::black_box, path::Path};

use openkoi_core::{
    deliberation::{
        computed,
        forecast::Forecast,
        motion::{Left, Motion, Power},
        plan::PlannedStep,
        ruling::Ruling,
    },
    event::Entry,
    id::TaskId,
    tool::Effect,
};
use openkoi_storage::Storage;
use openkoi_testing::target_directory;
use serde_json::{Value, json};

use crate::{
    process,
    table::{self, Spread},
};

const ROUNDS: usize = 200;
/// The tasks of which a run looks at the last ones, and how many those are.
const HOMES: [usize; 3] = [0, 200, 2_000];
const LOOKED_AT: u32 = 200;
const WORKSPACE: &str = "/work/pond";
const TASK: &str = "Fix how percentages of nothing are rounded, add a test for it, and tell what was wrong before.";
const STEPS: [&str; 5] = [
    "read src/percent.rs and its tests",
    "fix src/percent.rs",
    "add a test to tests/percent.rs",
    "run the tests with cargo test",
    "write what was wrong into CHANGELOG.md",
];
/// The tools that come with the program and change something.
const TOOLS: [(&str, Effect); 6] = [
    ("edit_file", Effect::Write),
    ("move_file", Effect::Write),
    ("remove_file", Effect::Write),
    ("write_file", Effect::Write),
    ("shell", Effect::Execute),
    ("shell_stop", Effect::Execute),
];

/// Prints what the computed round takes.
pub(crate) fn print() {
    let rows: Vec<[String; 6]> = HOMES.into_iter().map(row).collect();
    let head = ["earlier tasks", "first ms CPU", "with", "median", "without", "median"];
    table::print(&format!("Think: the computed round, {ROUNDS} in turn, ms CPU"), head, &rows);
    println!(
        "\nFirst: with a storage that was just opened, as in a run, which has one round. Aim: ≤ 5 ms."
    );
}

fn row(tasks: usize) -> [String; 6] {
    let home = tempfile::tempdir_in(target_directory()).expect("a directory can be made");
    fill(home.path(), tasks);
    let firsts = (0..10).map(|_| {
        let storage = Storage::open(home.path()).expect("it opens");
        // A run has used its storage before, for other things.
        storage.task_counts().expect("they are counted");
        spent(|| round(&storage))
    });
    let first = Spread::of(firsts);
    let storage = Storage::open(home.path()).expect("it opens");
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.push(spent(|| round(&storage)));
        without.push(spent(|| drop(black_box(plan()))));
    }
    let [least, median] = Spread::of(with).cells(3);
    let [none, usual] = Spread::of(without).cells(3);
    [tasks.to_string(), format!("{:.3}", first.median), least, median, none, usual]
}

/// Returns the processor time that something took, in milliseconds.
fn spent(work: impl FnOnce()) -> f64 {
    let before = process::cpu_micros();
    work();
    (process::cpu_micros() - before) / 1e3
}

fn round(storage: &Storage) {
    let past = storage.past_work(WORKSPACE, LOOKED_AT).expect("it can be read");
    let power = |(tool, effect): (&str, Effect)| Power {
        tool: tool.to_owned(),
        effect,
        target: String::new(),
        granted: true,
    };
    let mut motion = Motion {
        task: TaskId::new("01k9abcdef0000000000000001"),
        text: TASK.to_owned(),
        kind: "code".to_owned(),
        plan: plan(),
        criteria: Vec::new(),
        powers: TOOLS.map(power).into(),
        forecast: Forecast::of(TASK, &past),
        left: Left { tokens: None, cost_micros: 5_000_000, duration_ms: None },
        directive: String::new(),
        learnings: Vec::new(),
        observations: Vec::new(),
        attended: false,
        continues: false,
    };
    motion.observations = computed::observations(&motion, WORKSPACE);
    black_box(Ruling::told(&motion.observations));
}

fn plan() -> Vec<PlannedStep> {
    PlannedStep::of(&STEPS.map(str::to_owned))
}

/// Fills a home with tasks that ended, as journals of a release tell them.
fn fill(home: &Path, tasks: usize) {
    let journal = include_str!("../../golden/0.1.0-fix.jsonl");
    let lines: Vec<Value> =
        journal.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let storage = Storage::open(home).expect("it opens");
    for number in 0..tasks {
        let id = format!("01k9bench{number:017}");
        let told = |line: &Value| -> Entry {
            let mut line = line.clone();
            if line["event"]["event"] == "task.started" {
                let task = &mut line["event"]["task"];
                task["id"] = json!(id);
                task["session"] = json!(id);
                task["workspace"] = json!(WORKSPACE);
                task["text"] = json!(format!("Fix how percentages are rounded, part {number}"));
            }
            serde_json::from_value(line).expect("it is an entry")
        };
        let entries: Vec<Entry> = lines.iter().map(told).collect();
        storage.append_entries(&TaskId::new(id.clone()), &entries).expect("they are kept");
    }
}
