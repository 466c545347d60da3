//! Skills from folders that anybody may have filled.

use std::{fs, os::unix::fs::symlink, path::Path};

use openkoi_storage::skills::{
    FILE_LIMIT, SKILL_LIMIT, SkillDirectories, SkillError, SkillKind, SkillSource, Skills,
};

use crate::support::Home;

const RUBRIC: &str = "---\nname: sql-safety\nkind: evaluator\ndescription: Judges SQL.\nmetadata:\n  \
                      categories: [sql]\n  dimensions:\n    - { name: safety, weight: 0.6 }\n    \
                      - { name: speed, weight: 0.4 }\n---\n\n# SQL\n";

fn text(name: &str, description: &str) -> String {
    format!("---\nname: {name}\ndescription: {description}\n---\nbody of {description}\n")
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn load(home: &Home, bundled: &[(&str, &str)]) -> Skills {
    let workspace = home.path("project");
    let directories =
        SkillDirectories { home: Some(&home.path("home")), workspace: Some(&workspace), bundled };
    Skills::load(&directories)
}

fn names(skills: &Skills) -> Vec<&str> {
    skills.skills.iter().map(|skill| skill.name.as_str()).collect()
}

#[test]
fn the_strongest_source_of_a_name_holds() {
    let home = Home::new();
    let bundled = text("one", "bundled");
    let folders = [
        ("home/skills/managed", SkillSource::Managed),
        ("project/.agents/skills", SkillSource::Workspace),
        ("home/skills/user", SkillSource::User),
        ("home/skills/proposed", SkillSource::Proposed),
    ];
    let mut sources = vec![SkillSource::Bundled];
    for (folder, source) in folders {
        sources.push(source);
        write(&home.path(folder).join("one/SKILL.md"), &text("one", source.word()));

        let skills = load(&home, &[("one/SKILL.md", &bundled)]);

        assert!(skills.problems.is_empty(), "{:?}", skills.problems);
        assert_eq!(names(&skills), ["one"]);
        let (held, hidden) = (&skills.skills[0], &skills.hidden);
        assert_eq!((held.source, held.description.as_str()), (source, source.word()));
        assert_eq!(held.body, format!("body of {}\n", source.word()));
        assert_eq!(hidden.len(), sources.len() - 1);
    }
}

#[test]
fn evaluators_have_folders_of_their_own_and_become_rubrics() {
    let home = Home::new();
    let untold = RUBRIC.replace("kind: evaluator\n", "").replace("sql-safety", "untold");
    write(&home.path("project/.agents/evaluators/sql-safety/SKILL.md"), RUBRIC);
    write(&home.path("home/evaluators/user/untold/SKILL.md"), &untold);
    write(&home.path("home/skills/user/sql-safety/SKILL.md"), &text("sql-safety", "a task"));

    let skills = load(&home, &[]);

    assert!(skills.problems.is_empty(), "{:?}", skills.problems);
    assert_eq!(names(&skills), ["sql-safety", "sql-safety", "untold"]);
    let rubric = skills.find(SkillKind::Evaluator, "sql-safety").unwrap().rubric().unwrap();
    let weights: Vec<(&str, f64)> =
        rubric.dimensions.iter().map(|d| (d.name.as_str(), d.weight)).collect();
    assert_eq!(weights, [("safety", 0.6), ("speed", 0.4)]);
    assert_eq!(rubric.text, "# SQL\n");
    assert!(skills.find(SkillKind::Evaluator, "untold").is_some());
    assert_eq!(skills.find(SkillKind::Task, "sql-safety").unwrap().rubric(), None);
}

#[test]
fn a_skill_may_be_a_file_and_may_take_its_name_from_it() {
    let home = Home::new();
    let user = home.path("home/skills/user");
    write(&user.join("weather.SKILL.md"), "---\ndescription: d\n---\n");
    write(&user.join("folder/SKILL.md"), "---\ndescription: d\n---\n");
    write(&user.join("notes.md"), "not a skill");
    write(&user.join(".hidden/SKILL.md"), "not looked at");
    fs::create_dir(user.join("empty")).unwrap();

    let skills = load(&home, &[]);

    assert!(skills.problems.is_empty(), "{:?}", skills.problems);
    assert_eq!(names(&skills), ["folder", "weather"]);
}

#[test]
fn a_broken_skill_is_named_and_the_rest_load() {
    let home = Home::new();
    let user = home.path("home/skills/user");
    let utf16: Vec<u8> = "---\nname: a".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let broken: Vec<(&str, Vec<u8>)> = vec![
        ("big", vec![b'x'; FILE_LIMIT as usize + 1]),
        ("binary", vec![0xff, 0xfe, 0x00]),
        ("empty", Vec::new()),
        ("evaluator", b"---\nname: e\nkind: evaluator\ndescription: d\n---\n".to_vec()),
        ("unclosed", b"---\nname: a\n".to_vec()),
        ("utf16", utf16),
        ("yaml", b"---\nname: [\n---\n".to_vec()),
    ];
    for (name, bytes) in &broken {
        fs::create_dir_all(user.join(name)).unwrap();
        fs::write(user.join(name).join("SKILL.md"), bytes).unwrap();
    }
    write(&user.join("good/SKILL.md"), &text("good", "d"));

    let skills = load(&home, &[]);

    assert_eq!(names(&skills), ["good"]);
    let problems: Vec<(String, &SkillError)> = skills
        .problems
        .iter()
        .map(|p| (p.path.strip_prefix(&user).unwrap().display().to_string(), &p.reason))
        .collect();
    let named: Vec<&str> = problems.iter().map(|(path, _)| path.as_str()).collect();
    let files: Vec<String> = broken.iter().map(|(name, _)| format!("{name}/SKILL.md")).collect();
    assert_eq!(named, files);
    assert_eq!(*problems[0].1, SkillError::TooLarge);
    assert_eq!(*problems[1].1, SkillError::NotText);
    assert_eq!(*problems[2].1, SkillError::NoFrontMatter);
    assert!(matches!(problems[3].1, SkillError::Field { field: "dimensions", .. }));
    assert_eq!(*problems[4].1, SkillError::Unclosed);
    assert!(matches!(problems[6].1, SkillError::Yaml { line: 3, .. }), "{:?}", problems[6].1);
}

#[test]
fn links_do_not_lead_out_and_may_lead_within_a_workspace() {
    let home = Home::new();
    let (outside, project) = (home.path("outside"), home.path("project"));
    write(&outside.join("SKILL.md"), &text("outside", "d"));
    write(&home.path("home/credentials/SKILL.md"), &text("key", "d"));
    write(&project.join("shared/inner/SKILL.md"), &text("inner", "d"));
    fs::create_dir_all(project.join(".agents")).unwrap();
    symlink("../shared", project.join(".agents/skills")).unwrap();
    symlink(&outside, project.join("shared/linked")).unwrap();
    symlink("loop", project.join("shared/loop")).unwrap();
    let user = home.path("home/skills/user");
    fs::create_dir_all(user.join("file")).unwrap();
    symlink("../../../credentials/SKILL.md", user.join("file/SKILL.md")).unwrap();
    symlink("../../credentials", user.join("folder")).unwrap();

    let skills = load(&home, &[]);

    assert_eq!(names(&skills), ["inner"]);
    let mut refused: Vec<String> = skills
        .problems
        .iter()
        .map(|p| p.path.strip_prefix(home.path("")).unwrap().display().to_string())
        .collect();
    refused.sort();
    let expected = [
        "home/skills/user/file/SKILL.md",
        "home/skills/user/folder/SKILL.md",
        "project/.agents/skills/linked/SKILL.md",
        "project/.agents/skills/loop/SKILL.md",
    ];
    assert_eq!(refused, expected);
}

#[test]
fn a_pipe_or_a_directory_in_place_of_a_skill_does_not_hang() {
    let home = Home::new();
    let user = home.path("home/skills/user");
    fs::create_dir_all(user.join("pipe")).unwrap();
    fs::create_dir_all(user.join("directory/SKILL.md")).unwrap();
    let pipe = user.join("pipe/SKILL.md");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());

    let skills = load(&home, &[]);

    let reasons: Vec<&SkillError> = skills.problems.iter().map(|p| &p.reason).collect();
    assert_eq!(reasons, [&SkillError::NotAFile, &SkillError::NotAFile]);
}

#[test]
fn more_skills_than_the_limit_are_left_out_and_said_so() {
    let home = Home::new();
    for number in 0..SKILL_LIMIT {
        let path = home.path("home/skills/user").join(format!("s{number:04}.SKILL.md"));
        write(&path, "---\ndescription: d\n---\n");
    }
    write(&home.path("home/skills/user/zlast/SKILL.md"), &text("zlast", "d"));
    write(&home.path("project/.agents/skills/extra/SKILL.md"), &text("extra", "d"));

    let skills = load(&home, &[]);

    assert_eq!(skills.skills.len(), SKILL_LIMIT);
    let reasons: Vec<&SkillError> = skills.problems.iter().map(|p| &p.reason).collect();
    let too_many = SkillError::TooMany(SKILL_LIMIT);
    assert_eq!(reasons, [&too_many, &too_many]);
}

#[test]
fn without_any_folder_only_the_bundled_ones_are_there() {
    let home = Home::new();

    let skills = load(&home, &[("sql-safety/SKILL.md", RUBRIC)]);

    assert!(skills.problems.is_empty());
    assert_eq!(names(&skills), ["sql-safety"]);
    assert_eq!(skills.skills[0].kind, SkillKind::Evaluator);
}
