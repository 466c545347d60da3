//! Whoever compiles the bytes of strangers can do nothing else, and what it made is believed only if it was kept here.

use std::{fs, path::Path, time::Duration};

use openkoi_host::{
    catalog::{Catalog, CatalogError},
    probe,
};

use crate::raw::{TRAPPING, tool};

/// Compiles a component with what is kept in a home, and says whether code was kept that could be loaded.
fn compiled(home: &Path, wasm: &[u8]) -> Result<(), CatalogError> {
    Catalog::default().keeping(home.join("code")).with_component(wasm).map(|_| ())
}

/// The files with code that is kept in a home.
fn kept(home: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(home.join("code")).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("it is listed").path());
    paths.filter(|path| !path.ends_with("key")).collect()
}

#[test]
fn whoever_compiles_can_do_nothing_else() {
    assert_eq!(probe::attempts().expect("it answers"), Vec::<String>::new());
}

#[test]
fn compiling_ends_at_its_time_of_the_processor() {
    let ended = probe::spin(Duration::from_secs(60)).expect_err("it does not end by itself");

    assert!(ended.to_string().contains("takes more than it may"), "{ended}");
}

#[test]
fn compiled_code_is_kept_and_loaded_again_without_a_compiler() {
    let home = tempfile::tempdir().expect("a directory");
    let wasm = tool("x", "t", TRAPPING);
    compiled(home.path(), &wasm).expect("it is accepted");
    let [path] = &kept(home.path())[..] else { panic!("{:?}", kept(home.path())) };
    let written = fs::metadata(path).and_then(|meta| meta.modified()).expect("it is there");

    compiled(home.path(), &wasm).expect("it is accepted");

    assert_eq!(fs::metadata(path).and_then(|meta| meta.modified()).expect("it is there"), written);
    compiled(home.path(), &tool("y", "t", TRAPPING)).expect("it is accepted");
    assert_eq!(kept(home.path()).len(), 2);
}

#[test]
fn code_that_was_damaged_or_planted_is_not_loaded_and_is_made_again() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let wasm = tool("x", "t", TRAPPING);
    compiled(home.path(), &wasm).unwrap();
    let path = kept(home.path()).remove(0);
    let whole = fs::read(&path).unwrap();

    compiled(other.path(), &wasm).unwrap();
    let foreign = fs::read(kept(other.path()).remove(0)).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for planted in [foreign, flipped, whole[..whole.len() / 2].to_vec(), Vec::new()] {
        fs::write(&path, &planted).unwrap();
        compiled(home.path(), &wasm).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "it is made again");
    }
}

#[test]
fn two_processes_of_one_home_do_not_disturb_one_another() {
    let home = tempfile::tempdir().unwrap();
    let wasm = tool("x", "t", TRAPPING);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| compiled(home.path(), &wasm))).collect();
        for one in all {
            one.join().unwrap().unwrap();
        }
    });
    compiled(home.path(), &wasm).unwrap();
}

#[test]
fn where_nothing_can_be_kept_it_is_compiled_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let wasm = tool("x", "t", TRAPPING);
    fs::write(home.path().join("code"), "no directory").unwrap();

    compiled(home.path(), &wasm).unwrap();

    assert_eq!(fs::read_to_string(home.path().join("code")).unwrap(), "no directory");
    Catalog::default().keeping("/proc/code".into()).with_component(&wasm).unwrap();
}
