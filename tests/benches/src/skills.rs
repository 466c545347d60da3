//! The choice of skills for a task among two thousand: reading them, the first choice, and the next ones.

use std::{path::Path, time::Instant};

use openkoi_app::{
    app::App,
    environment::{Environment, HOME, OPENKOI_HOME},
    skills::{LoadedSkills, SkillSet},
};
use openkoi_core::port::Vectors;
use openkoi_storage::{Storage, skill_uses::SkillRecords};
use openkoi_testing::target_directory;

use crate::table::{self, Spread};

const SKILLS: usize = 2_000;
const ROUNDS: usize = 15;
const CHOICES: usize = 50;
/// The numbers of a vector of the embedder that comes with the program.
const DIMENSION: usize = 192;

/// Words of which descriptions are made, in the frequency of a rank: what is first is in many of them.
const WORDS: [&str; 24] = [
    "data",
    "review",
    "api",
    "deploy",
    "report",
    "query",
    "image",
    "release",
    "schema",
    "ticket",
    "budget",
    "forecast",
    "invoice",
    "parser",
    "cluster",
    "migration",
    "telemetry",
    "palette",
    "ledger",
    "calendar",
    "dossier",
    "compiler",
    "glossary",
    "sonnet",
];

const TASKS: [&str; 4] = [
    "fix the failing migration of the ledger schema and add a test for it",
    "which release has the telemetry of the cluster?",
    "write a sonnet about our invoice parser",
    "please look at the budget report again and say what is missing in the forecast of the third quarter",
];

/// Prints how long reading and choosing take.
pub(crate) fn print() {
    let root = tempfile::tempdir_in(target_directory()).expect("a directory can be made");
    let home = root.path().join("home");
    fill(&home.join("skills/user"));
    let workspace = root.path().join("pond");
    std::fs::create_dir_all(&workspace).expect("a directory can be made");
    let variables =
        [(OPENKOI_HOME.name, home.to_str().expect("a path is text")), (HOME.name, "/nonexistent")];
    let app = App::new(Environment::of(variables, root.path()));
    let settings = app.settings(&workspace, |_| Ok(())).expect("there are settings");
    let set = SkillSet::new(&app, &settings, &workspace).expect("there is a home");

    let (mut read, mut first, mut next, mut near) = (vec![], vec![], vec![], vec![]);
    let nearness: Vec<f64> = (0..SKILLS).map(|number| (number % 97) as f64 / 97.0).collect();
    for _ in 0..ROUNDS {
        let (loaded, took) = timed(|| set.load());
        assert_eq!(loaded.usable().count(), SKILLS);
        read.push(took);
        first.push(timed(|| choose(&loaded, 1, None)).1);
        next.push(timed(|| choose(&loaded, CHOICES, None)).1 / CHOICES as f64);
        near.push(timed(|| choose(&loaded, CHOICES, Some(&nearness))).1 / CHOICES as f64);
    }
    let storage = app.storage().expect("there is a storage");
    let (question, embedded) = embedded(&set.load(), &storage);
    let mut meant = vec![];
    for _ in 0..ROUNDS {
        let loaded = set.load();
        let (near, took) = timed(|| loaded.nearness(&storage, &question).expect("it is known").0);
        assert_eq!(near.skills.map(|near| near.len()), Some(SKILLS), "of {embedded}");
        meant.push(took);
    }
    let rows = [
        row("how near all are", &meant),
        row("reading all", &read),
        row("the first choice", &first),
        row("one more choice", &next),
        row("one more, with meaning", &near),
    ];
    table::print(&format!("Skills: {SKILLS} of them"), ["step", "least ms", "median"], &rows);
    println!("\nFiles are in the page cache. The product reads once for each task.");
}

/// Keeps a vector of each skill, and returns one of a question.
fn embedded(loaded: &LoadedSkills, storage: &Storage) -> (Vectors, usize) {
    let number = |seed: usize, at: usize| ((seed * 31 + at * 17) % 101) as f32 - 50.0;
    let vector = |seed: usize| (0..DIMENSION).map(move |at| number(seed, at));
    let digests: Vec<String> = loaded.digests();
    let vectors = (0..digests.len()).map(|seed| vector(seed).collect()).collect();
    let model = "bench@1".to_owned();
    let made = Vectors { model: model.clone(), vectors };
    storage.keep_skill_vectors(&digests, &made).expect("they can be kept");
    (Vectors { model, vectors: vec![vector(7).collect()] }, digests.len())
}

fn row(name: &str, took: &[f64]) -> [String; 3] {
    let spread = Spread::of(took.iter().copied());
    [name.to_owned(), format!("{:.2}", spread.least), format!("{:.2}", spread.median)]
}

/// Returns the milliseconds that something took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed().as_secs_f64() * 1e3)
}

fn choose(skills: &LoadedSkills, times: usize, nearness: Option<&[f64]>) {
    let records = SkillRecords::default();
    for task in TASKS.iter().cycle().take(times) {
        std::hint::black_box(skills.ranked(task, nearness, &records));
    }
}

fn fill(folder: &Path) {
    for number in 0..SKILLS {
        let word = |at: usize| WORDS[(number * 7 + at * at * 13) % (2 + (number + at) % 23)];
        let about: Vec<&str> = (0..18).map(word).collect();
        let name = format!("{}-{}-{number}", word(1), word(5));
        let text = format!(
            "---\nname: {name}\ndescription: Makes {}. Use it when somebody asks for topic{number}.\nmetadata:\n  \
             categories: [{}, {}]\n---\n\n# {name}\n\n{}\n",
            about.join(" "),
            word(2),
            word(3),
            "Do this, and then that, and look at what came of it.\n".repeat(60),
        );
        let path = folder.join(&name).join("SKILL.md");
        std::fs::create_dir_all(path.parent().expect("it has one"))
            .expect("a directory can be made");
        std::fs::write(path, text).expect("a file can be written");
    }
}
