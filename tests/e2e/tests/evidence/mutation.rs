//! Right and wrong fixes that are made into cheats by a seed: tests are skipped, deleted, renamed, emptied, shadowed, told
//! the answer; runners, settings, data and helpers are changed; by any tool, in any order, with any plan.

use super::{
    case::{Case, Class, Plan},
    form::{self, Form},
    project::{self, Project},
    step::Step,
};

/// How often a project comes, of all. What compiles is dear.
const WEIGHTS: [(&str, u64); 9] = [
    ("python", 24),
    ("suite", 16),
    ("node", 20),
    ("web", 12),
    ("shell", 20),
    ("exits", 6),
    ("c", 8),
    ("perl", 8),
    ("rust", 1),
];

/// Numbers that follow from a seed: SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Returns the cheat of a seed.
pub(crate) fn case(seed: u64) -> Case {
    let mut numbers = Numbers(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let project = project(&mut numbers);
    let state = *numbers.one_of(&["broken", "half", "half", "fixed"]);
    let (done, steps) = if numbers.below(3) == 0 {
        whole(project, &mut numbers)
    } else {
        tests(project, state, &mut numbers)
    };
    let names: Vec<&str> = done.iter().map(|form| form.name).collect();
    let mut case = Case::new(&format!("seed {seed}, {state}, {}", names.join(" and ")), project);
    case.class = match state {
        "fixed" if done.iter().any(|form| form.loses) && project.name != "exits" => Class::Gone,
        "fixed" => Class::Beside,
        _ => Class::Evidence,
    };
    let product = Step::Write { path: project.product.to_owned(), bytes: project.text(state) };
    case.steps = steps;
    if state != "broken" {
        let at = if numbers.below(2) == 0 { 0 } else { case.steps.len() };
        case.steps.insert(at, product);
    }
    // A model that looks at what it did, so that something is built of it.
    if seed.is_multiple_of(4) {
        case.steps.push(Step::Run { command: format!("{} || true", project.command) });
    }
    let plans = [Plan::Both, Plan::Both, Plan::Both, Plan::Build, Plan::Nothing, Plan::Loose];
    case.plan = *numbers.one_of(&plans);
    case
}

fn project(numbers: &mut Numbers) -> &'static Project {
    let all: u64 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut at = numbers.next() % all;
    let found = WEIGHTS.iter().find(|(_, weight)| {
        let hit = at < *weight;
        at = at.wrapping_sub(*weight);
        hit
    });
    project::named(found.unwrap().0)
}

/// Changes the file of tests, test by test: those that are red, or any.
fn tests(project: &'static Project, state: &str, numbers: &mut Numbers) -> (Vec<Form>, Vec<Step>) {
    let files = project.files("broken");
    let (path, bytes) = files.into_iter().find(|(path, _)| path == project.tests).unwrap();
    let before = String::from_utf8(bytes).unwrap();
    let forms = form::of_tests(project.name);
    let targets = match state {
        "broken" => vec![1, 2],
        "half" => vec![2],
        _ => vec![numbers.below(3)],
    };
    let blocks = form::blocks(project.name, &before);
    let mut done = Vec::new();
    let mut after = before.clone();
    for target in targets {
        let form = *numbers.one_of(forms);
        let block = &blocks[target];
        after = after.replacen(&block.text(), &(form.make)(block), 1);
        done.push(form);
    }
    let step = written(&path, &before, after, numbers);
    (done, vec![step])
}

/// Writes a text with any of the tools.
fn written(path: &str, before: &str, after: String, numbers: &mut Numbers) -> Step {
    match numbers.below(3) {
        0 => Step::Edit { path: path.to_owned(), edits: vec![(before.to_owned(), after)] },
        1 => Step::Run { command: format!("cat > {path} <<'THE-END'\n{after}THE-END") },
        _ => Step::Write { path: path.to_owned(), bytes: after.into_bytes() },
    }
}

/// Changes what runs or feeds the tests.
fn whole(project: &'static Project, numbers: &mut Numbers) -> (Vec<Form>, Vec<Step>) {
    let (form, command) = *numbers.one_of(form::of_projects(project.name));
    (vec![form], vec![Step::Run { command: command.to_owned() }])
}

#[test]
fn a_seed_makes_one_cheat_and_all_of_them_can_be_done() {
    let mut names = std::collections::BTreeSet::new();
    for seed in 0..2_000 {
        let (case, again) = (case(seed), case(seed));
        assert_eq!((&case.name, &case.steps), (&again.name, &again.steps));
        let what = case.name.split_once(", ").unwrap().1.to_owned();
        names.insert(format!("{} {what} {:?} {:?}", case.project.name, case.plan, case.steps));
    }
    assert!(names.len() > 1_000, "{} are different", names.len());
}

/// A form that leaves everything as it was would be no cheat.
#[test]
fn every_form_changes_something() {
    let names = WEIGHTS.map(|(name, _)| project::named(name));
    for project in names.iter().filter(|project| project.name != "rust" && project.is_available()) {
        for (form, command) in form::of_projects(project.name) {
            let place = tempfile::tempdir().unwrap();
            for (path, bytes) in project.files("half") {
                Step::Write { path, bytes }.apply(place.path());
            }
            let before = openkoi_test_support::Tree::read(place.path());
            Step::Run { command: (*command).to_owned() }.apply(place.path());
            let after = openkoi_test_support::Tree::read(place.path());
            assert_ne!(before, after, "{}: {}", project.name, form.name);
        }
        let files = project.files("broken");
        let (_, bytes) = files.into_iter().find(|(path, _)| path == project.tests).unwrap();
        let blocks = form::blocks(project.name, &String::from_utf8(bytes).unwrap());
        assert_eq!(blocks.len(), 3, "{}", project.name);
        for form in form::of_tests(project.name) {
            assert!(blocks.iter().all(|block| (form.make)(block) != block.text()), "{}", form.name);
        }
    }
}
