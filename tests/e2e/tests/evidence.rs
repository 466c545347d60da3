//! Evidence that cannot be forged, and honest work that is never refused: tables of cheats and of honest tasks, in
//! `cases` beside the tests, each with a judge that is pleased with everything and an oracle that is not the loop's own
//! evidence. What the words of the tables mean stands in [`case`].

mod case;
mod form;
mod mutation;
mod play;
mod project;
mod step;

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use case::{Case, Class};
use openkoi_test_support::skip::skip;
use play::{Played, System};

/// A variable that picks the cases whose names hold its value.
const PICK: &str = "OPENKOI_EVIDENCE_CASE";

/// A variable that has all cheats show that they fool their projects; without it, a share does.
const ALL: &str = "OPENKOI_EVIDENCE_ALL";

/// Of so many cheats, one belongs to the share.
const SHARE: u64 = 8;

/// Makes a test for each table of a folder.
macro_rules! tables {
    ($folder:ident, $judge:path: $($test:ident($table:literal))+) => {
        $(#[test]
        fn $test() {
            hold(stringify!($test), stringify!($folder), $table, $judge);
        })+

        #[test]
        fn no_table_is_forgotten() {
            let named = [$($table.to_owned()),+].into();
            assert_eq!(super::tables(stringify!($folder)), named);
        }
    };
}

mod cheats {
    use super::{hold, play::Played};

    tables! {
        cheats, Played::faults_of_a_cheat:
        no_cheat_in_python_is_taken_for_done("python")
        no_cheat_in_a_suite_of_python_is_taken_for_done("suite")
        no_cheat_with_pytest_is_taken_for_done("pytest")
        no_cheat_in_node_is_taken_for_done("node")
        no_cheat_in_a_suite_of_node_is_taken_for_done("web")
        no_cheat_in_shell_is_taken_for_done("shell")
        no_cheat_on_an_exit_code_is_taken_for_done("exits")
        no_cheat_in_c_is_taken_for_done("c")
        no_cheat_in_perl_is_taken_for_done("perl")
        no_cheat_in_java_is_taken_for_done("java")
        no_cheat_in_rust_is_taken_for_done("rust")
    }
}

mod honest {
    use super::{hold, play::Played};

    tables! {
        honest, Played::faults_of_honest_work:
        no_honest_work_in_python_is_refused("python")
        no_honest_work_in_a_suite_of_python_is_refused("suite")
        no_honest_work_with_pytest_is_refused("pytest")
        no_honest_work_in_node_is_refused("node")
        no_honest_work_in_a_suite_of_node_is_refused("web")
        no_honest_work_in_shell_is_refused("shell")
        no_honest_work_on_an_exit_code_is_refused("exits")
        no_honest_work_in_c_is_refused("c")
        no_honest_work_in_perl_is_refused("perl")
        no_honest_work_in_java_is_refused("java")
        no_honest_work_in_rust_is_refused("rust")
    }
}

/// Plays all cases of a table, and fails with those that did not end as they have to.
fn hold(test: &str, folder: &str, table: &str, faults: fn(&Played, &Case) -> Vec<String>) {
    let cases = read(folder, table);
    let (able, unable): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| case.project.is_available());
    if let Some(case) = unable.first() {
        let count = unable.len();
        skip(test, &format!("{count} cases, the toolchain of `{}` is not here", case.project.name));
    }
    let picked: Vec<&Case> = able.iter().filter(|case| is_picked(case)).collect();
    let failed = picked.iter().filter_map(|case| failure(folder, case, System::Here, faults));
    report(picked.len(), &failed.collect::<Vec<_>>());
}

/// Returns whether a case is to be played, by its name.
fn is_picked(case: &Case) -> bool {
    std::env::var(PICK).map_or(true, |part| case.name.contains(&part))
}

/// Returns whether a case belongs to the share, or to all if they are wanted.
fn is_shared(case: &Case) -> bool {
    std::env::var_os(ALL).is_some() || stable(&case.name).is_multiple_of(SHARE)
}

/// A number that is always the same for a name, whatever else is in the table: FNV-1a.
fn stable(name: &str) -> u64 {
    let mixed = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, mixed) >> 32
}

/// Fails with what failed of so many cases.
fn report(played: usize, failed: &[String]) {
    assert!(failed.is_empty(), "{} of {played} cases failed.\n{}", failed.len(), failed.concat());
}

/// Plays a case, and returns in which way it did not end as it has to.
fn failure(
    folder: &str,
    case: &Case,
    system: System,
    faults: fn(&Played, &Case) -> Vec<String>,
) -> Option<String> {
    let title = format!("{folder}/{}: {}", case.project.name, case.name);
    // One that breaks off must not hide the others.
    let played = catch_unwind(AssertUnwindSafe(|| play::play(case, system)));
    let Ok(played) = played else {
        return Some(format!("  {title}\n    it could not be played\n"));
    };
    let faults = faults(&played, case);
    if faults.is_empty() {
        return None;
    }
    let faults: String = faults.iter().map(|fault| format!("    {fault}\n")).collect();
    Some(format!("  {title}\n{faults}{}", played.said()))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name)
}

/// Returns the names of the tables in a folder.
fn tables(name: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

fn read(name: &str, table: &str) -> Vec<Case> {
    let path = folder(name).join(table).with_extension("txt");
    case::read(table, &fs::read_to_string(path).unwrap())
}

fn all(name: &str) -> Vec<Case> {
    let cases = tables(name).into_iter().flat_map(|table| read(name, &table));
    cases.filter(|case| case.project.is_available()).collect()
}

/// A case that needs layers: without them, what the product does while its checks run is done to the workspace.
#[cfg(target_os = "linux")]
const OF_LAYERS: &str = "the product writes over its tests";

/// Plays a share of the cases where there are no layers, so that the evidence as it was runs in a copy; all of them if they
/// are wanted.
#[cfg(target_os = "linux")]
fn hold_without_layers(folder: &str, faults: fn(&Played, &Case) -> Vec<String>) {
    let cases = all(folder);
    let is_in = |case: &&Case| case.name != OF_LAYERS && is_picked(case) && is_shared(case);
    let picked: Vec<&Case> = cases.iter().filter(is_in).collect();
    let failed = picked.iter().filter_map(|case| failure(folder, case, System::Bare, faults));
    report(picked.len(), &failed.collect::<Vec<_>>());
}

#[cfg(target_os = "linux")]
#[test]
fn no_cheat_is_taken_for_done_where_there_are_no_layers() {
    hold_without_layers("cheats", Played::faults_of_a_cheat);
}

#[cfg(target_os = "linux")]
#[test]
fn no_honest_work_is_refused_where_there_are_no_layers() {
    hold_without_layers("honest", Played::faults_of_honest_work);
}

/// A cheat that nobody would fall for proves nothing. Without OpenKoi, each leaves a product that is wrong, or tests that
/// are gone, and a command of the project that says that all is well.
#[test]
fn each_cheat_fools_its_project() {
    let mut failed = String::new();
    for case in all("cheats").iter().filter(|case| is_picked(case) && is_shared(case)) {
        let faults = catch_unwind(AssertUnwindSafe(|| faults_of_a_table(case)));
        let faults = faults.unwrap_or_else(|_| vec!["its steps cannot be done"]);
        for fault in faults {
            failed.push_str(&format!("  {}: {}: {fault}\n", case.project.name, case.name));
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}

fn faults_of_a_table(case: &Case) -> Vec<&'static str> {
    let place = tempfile::tempdir().unwrap();
    play::prepare(case, place.path());
    case.steps.iter().for_each(|step| step.apply(place.path()));
    let is_right = case.project.is_right(place.path());
    let mut faults = Vec::new();
    match case.class {
        _ if case.proof.is_some() => {}
        Class::Gone | Class::Beside if !is_right => faults.push("the product is not right"),
        Class::Evidence | Class::Product | Class::Claim if is_right => {
            faults.push("the product is right, so nobody is cheated");
        }
        _ => {}
    }
    let fools = || project::shell(place.path(), case.project.command, &[]).status.success();
    if !case.blunt && case.class != Class::Claim && !fools() {
        faults.push("its command is not fooled");
    }
    faults
}

/// Plays the mutations of these seeds, as many at once as there are processors, until `most` is over.
fn no_mutation_of(seeds: Range<u64>, most: Duration) {
    let (begun, next) = (Instant::now(), AtomicU64::new(seeds.start));
    let (played, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        while begun.elapsed() < most {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                break;
            }
            let case = mutation::case(seed);
            if !is_picked(&case) || !case.project.is_available() {
                continue;
            }
            played.fetch_add(1, Ordering::Relaxed);
            // Played before the lock is taken, or one would wait for the other.
            let failure = failure("mutation", &case, System::Here, Played::faults_of_a_cheat);
            failed.lock().unwrap().extend(failure);
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    report(usize::try_from(played.into_inner()).unwrap(), &failed.into_inner().unwrap());
}

#[test]
fn no_mutation_of_a_share_is_taken_for_done() {
    no_mutation_of(0..40, Duration::from_secs(60));
}

#[test]
#[ignore = "run by tests/evidence/run: it takes a quarter of an hour"]
fn no_mutation_of_two_thousand_is_taken_for_done() {
    no_mutation_of(0..2_000, Duration::MAX);
}

/// So many were promised.
#[test]
fn there_are_as_many_cases_as_were_promised() {
    let count =
        |name: &str| tables(name).iter().map(|table| read(name, table).len()).sum::<usize>();

    let (cheats, honest) = (count("cheats"), count("honest"));
    assert!(cheats >= 150 && honest >= 100, "{cheats} cheats, {honest} honest tasks");
}

#[test]
fn no_two_cases_have_one_name() {
    for name in ["cheats", "honest"] {
        let mut seen = BTreeSet::new();
        for case in tables(name).iter().flat_map(|table| read(name, table)) {
            assert!(
                seen.insert((case.project.name, case.name.clone())),
                "{}: {}",
                case.project.name,
                case.name
            );
        }
    }
}
