use std::fs;

use super::*;
use crate::testing::World;

fn chosen(kind: Option<&str>, programs: &[&str]) -> Result<String, CommandError> {
    let found = choose(kind, &|program| programs.contains(&program));
    found.map(|(_, description)| description.flavour)
}

#[test]
fn without_a_kind_the_first_project_that_this_machine_can_run_is_taken() {
    assert_eq!(chosen(None, &["node", "sh"]).unwrap(), "node");
    assert_eq!(chosen(None, &["python3", "sh"]).unwrap(), "python");
}

#[test]
fn a_shell_is_the_last_resort() {
    assert_eq!(chosen(None, &["sh"]).unwrap(), "shell");
    assert_eq!(
        chosen(None, &[]).unwrap_err(),
        CommandError::failed("not even a shell was found on the path")
    );
}

#[test]
fn a_kind_by_name_is_taken_even_if_others_could_run() {
    assert_eq!(chosen(Some("shell"), &["node", "python3", "sh"]).unwrap(), "shell");
}

#[test]
fn an_unknown_kind_names_the_kinds() {
    let error = chosen(Some("cobol"), &["sh"]).unwrap_err();

    let expected = CommandError::usage("there is no demonstration `cobol`");
    assert_eq!(error, expected.hint("node, python, rust, shell"));
}

#[test]
fn a_kind_whose_toolchain_is_not_here_says_what_is_missing() {
    let error = chosen(Some("node"), &["sh"]).unwrap_err();

    assert_eq!(error, CommandError::failed("`node` is not on the path"));
}

#[test]
fn every_project_can_be_laid_out_whole() {
    for kind in ["node", "python", "rust", "shell"] {
        let world = World::new();
        let (demo, description) = choose(Some(kind), &|_| true).unwrap();

        lay(&world.workspace(), demo, &description).unwrap();

        for file in &description.files {
            let laid = fs::read_to_string(world.workspace().join(&file.path)).unwrap();
            let bundled = demo.files.iter().find(|(source, _)| *source == file.source).unwrap();
            assert_eq!(laid, bundled.1, "{kind}: {}", file.path);
        }
    }
}

#[test]
fn a_file_that_is_not_bundled_is_told() {
    let world = World::new();
    let (demo, mut description) = choose(Some("shell"), &|_| true).unwrap();
    description.files[0].source = "files/nowhere".to_owned();

    let error = lay(&world.workspace(), demo, &description).unwrap_err();

    assert_eq!(error, CommandError::failed("`files/nowhere` is not bundled"));
}

#[test]
fn the_project_is_removed_at_the_end_unless_it_is_to_be_kept() {
    let world = World::new();
    let place = world.workspace();
    let context = world.context_with([("TMPDIR", place.to_str().unwrap())]);

    let (gone, kept) = (
        DemoProject::create(&context, "shell", false).unwrap(),
        DemoProject::create(&context, "shell", true).unwrap(),
    );
    let paths = [gone.path.clone(), kept.path.clone()];
    assert!(paths.iter().all(|path| path.starts_with(&place) && path.is_dir()));
    drop((gone, kept));

    assert_eq!(paths.map(|path| path.exists()), [false, true]);
}
