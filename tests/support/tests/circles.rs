//! What counts as a dependency between two files, and what does not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use std::fs;

use openkoi_test_support::circles::{self, Graph};

/// Reads a crate of these files: names below `src`, and what they hold.
fn read(files: &[(&str, &str)]) -> Graph {
    let root = tempfile::tempdir().unwrap();
    for folder in ["kernel", "components", "sdk"] {
        fs::create_dir(root.path().join(folder)).unwrap();
    }
    let package = root.path().join("kernel/it");
    fs::create_dir(&package).unwrap();
    fs::write(package.join("Cargo.toml"), "[package]\n").unwrap();
    for (name, text) in files {
        let path = package.join("src").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    circles::read(root.path()).unwrap()
}

/// Returns the names that one file uses of another.
fn names<'a>(graph: &'a Graph, from: &str, to: &str) -> Vec<&'a str> {
    graph.names(&format!("kernel/it/src/{from}"), &format!("kernel/it/src/{to}"))
}

/// Returns the files of each circle, without their folder.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let name = |file: &String| file.trim_start_matches("kernel/it/src/").to_owned();
    graph.circles().iter().map(|circle| circle.files.iter().map(name).collect()).collect()
}

#[test]
fn a_circle_through_a_re_export_is_found() {
    let graph = read(&[
        ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B as Other;"),
        ("a.rs", "use crate::Other;\npub struct A(Option<Box<Other>>);"),
        ("b.rs", "pub struct B(Option<Box<crate::A>>);"),
    ]);

    assert_eq!(circles(&graph), [["a.rs", "b.rs"]]);
    assert_eq!(names(&graph, "a.rs", "b.rs"), ["B"]);
    assert_eq!(names(&graph, "a.rs", "lib.rs"), Vec::<&str>::new());
    assert_eq!(names(&graph, "lib.rs", "a.rs"), ["pub use A"]);
}

#[test]
fn a_parent_that_declares_its_child_does_not_depend_on_it() {
    let graph = read(&[
        ("lib.rs", "mod child;\npub struct Parent;"),
        ("child.rs", "use super::Parent;\npub fn of(_: &Parent) {}"),
    ]);

    assert_eq!(names(&graph, "child.rs", "lib.rs"), ["Parent"]);
    assert_eq!(circles(&graph), Vec::<Vec<String>>::new());
}

#[test]
fn a_parent_that_hands_on_what_needs_it_is_in_a_circle() {
    let graph = read(&[
        ("lib.rs", "mod child;\npub use child::*;\npub struct Parent;"),
        ("child.rs", "pub fn of(_: &crate::Parent) {}"),
    ]);

    assert_eq!(circles(&graph), [["child.rs", "lib.rs"]]);
}

#[test]
fn each_way_to_name_something_counts() {
    let graph = read(&[
        ("lib.rs", "#[macro_use]\nmod leaf;\nmod user;"),
        (
            "leaf.rs",
            "macro_rules! made { ($name:ident) => { pub struct $name; } }\n\
             made!(Made);\npub enum Kind { One }\npub const SIZE: u8 = 1;\npub fn hex() {}\n\
             pub mod inner { pub fn deep() {} }\npub trait Way {}\npub fn told() {}",
        ),
        (
            "user.rs",
            "use crate::leaf::{self, inner, Made as Renamed, Way as _};\n\
             made!(Mine);\n#[serde(with = \"crate::leaf::hex\")]\nstruct It(Renamed);\n\
             fn run() -> u8 { use leaf::Kind::*; inner::deep(); log!(1, leaf::told()); leaf::SIZE }",
        ),
    ]);

    assert_eq!(
        names(&graph, "user.rs", "leaf.rs"),
        ["Kind", "Made", "SIZE", "Way", "deep", "hex", "made", "told"]
    );
}

#[test]
fn code_for_tests_does_not_count() {
    let graph = read(&[
        ("lib.rs", "mod a;\nmod b;"),
        (
            "a.rs",
            "use crate::b::B;\n#[cfg(any(test, feature = \"kit\"))]\nuse crate::b::kit;\npub fn a(_: B) {}",
        ),
        (
            "b.rs",
            "pub struct B;\npub fn kit() {}\n#[cfg(test)]\nuse crate::a::a;\n\
             #[cfg(all(test, unix))]\nmod tests { use crate::a::a; }\n#[cfg(test)]\nmod far;\n\
             impl B { #[cfg(test)]\n fn of() { crate::a::a(B) } }",
        ),
        ("b/far.rs", "use crate::a::a;"),
    ]);

    assert_eq!(names(&graph, "a.rs", "b.rs"), ["B", "kit"]);
    assert_eq!(graph.len(), 3);
    assert_eq!(circles(&graph), Vec::<Vec<String>>::new());
}

#[test]
fn modules_are_found_where_the_compiler_finds_them() {
    let graph = read(&[
        ("lib.rs", "mod plain;\n#[path = \"odd/place.rs\"]\nmod other;\nmod inline { mod below; }"),
        ("plain.rs", "mod child;\nuse child::C;"),
        ("plain/child.rs", "pub struct C;"),
        ("odd/place.rs", "mod beside;\nuse beside::D;\nuse std::mem::take;"),
        ("odd/beside.rs", "pub struct D;"),
        ("inline/below.rs", "use super::super::other;\nfn f(_: other::Unknown) {}"),
    ]);

    assert_eq!(names(&graph, "plain.rs", "plain/child.rs"), ["C"]);
    assert_eq!(names(&graph, "odd/place.rs", "odd/beside.rs"), ["D"]);
    // No file defines it, so a macro of that module may have made it.
    assert_eq!(names(&graph, "inline/below.rs", "odd/place.rs"), ["Unknown"]);
    assert_eq!(graph.len(), 6);
}
