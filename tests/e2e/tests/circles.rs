//! Files that need one another to be understood.

use std::path::Path;

use openkoi_test_support::circles;

#[test]
fn no_source_files_depend_on_one_another_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let graph = circles::read(&root).unwrap();
    let found = graph.circles();

    // There are several hundred. Fewer would mean that they were not found.
    assert!(graph.len() > 300, "{} files", graph.len());
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{} circles.\n{}", found.len(), found.join("\n"));
}
