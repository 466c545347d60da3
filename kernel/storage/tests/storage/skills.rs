//! Skills from folders that anybody may have filled.

use std::{fs, os::unix::fs::symlink, path::Path};

use openkoi_storage::skills::{
    FILE_LIMIT, PIN_FILE, SKILL_LIMIT, SkillDirectories, SkillError, SkillKind, SkillPin,
    SkillSource, Skills, TOTAL_LIMIT, digest_of_files,
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
    let directories = SkillDirectories {
        home: Some(&home.path("home")),
        workspace: Some(&workspace),
        repository: None,
        bundled,
    };
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
        ("endless", format!("---\n{}", "a: b\n".repeat(20_000)).into_bytes()),
        ("evaluator", b"---\nname: e\nkind: evaluator\ndescription: d\n---\n".to_vec()),
        ("utf16", utf16),
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
    assert_eq!(*problems[2].1, SkillError::Empty);
    assert_eq!(*problems[3].1, SkillError::Unclosed);
    assert!(matches!(problems[4].1, SkillError::Field { field: "dimensions", .. }));
    assert_eq!(*problems[5].1, SkillError::NotText);
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
    write(&project.join("tools/near/SKILL.md"), &text("near", "d"));
    symlink("../tools/near", project.join("shared/near")).unwrap();
    // A file is a skill's only if it lies in its folder: this one would show what is elsewhere.
    write(&project.join(".env"), "KEY=1\n");
    fs::create_dir_all(project.join("shared/told")).unwrap();
    symlink("../../.env", project.join("shared/told/SKILL.md")).unwrap();
    symlink("loop", project.join("shared/loop")).unwrap();
    let user = home.path("home/skills/user");
    fs::create_dir_all(user.join("file")).unwrap();
    symlink("../../../credentials/SKILL.md", user.join("file/SKILL.md")).unwrap();
    symlink("../../credentials", user.join("folder")).unwrap();

    let skills = load(&home, &[]);

    assert_eq!(names(&skills), ["inner", "near"]);
    let mut refused: Vec<String> = skills
        .problems
        .iter()
        .map(|p| p.path.strip_prefix(home.path("")).unwrap().display().to_string())
        .collect();
    refused.sort();
    let expected = [
        "home/skills/user/file/SKILL.md",
        "home/skills/user/folder",
        "project/.agents/skills/linked",
        "project/.agents/skills/loop",
        "project/.agents/skills/told/SKILL.md",
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
        let path = home.path("home/skills/user").join(format!("s{number:05}.SKILL.md"));
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
fn skills_that_are_too_much_together_are_left_out_and_said_so() {
    let home = Home::new();
    let body = "x".repeat(FILE_LIMIT as usize - 64);
    for number in 0..=TOTAL_LIMIT / FILE_LIMIT as usize {
        let path = home.path("home/skills/user").join(format!("s{number:05}.SKILL.md"));
        write(&path, &format!("---\ndescription: d\n---\n{body}"));
    }

    let skills = load(&home, &[]);

    let whole: usize = skills.skills.iter().map(|skill| skill.body.len()).sum();
    assert!(whole <= TOTAL_LIMIT && whole > TOTAL_LIMIT / 2, "{whole}");
    let reasons: Vec<&SkillError> = skills.problems.iter().map(|p| &p.reason).collect();
    assert_eq!(reasons, [&SkillError::TooMuch]);
}

#[test]
fn without_any_folder_only_the_bundled_ones_are_there() {
    let home = Home::new();

    let skills = load(&home, &[("sql-safety/SKILL.md", RUBRIC)]);

    assert!(skills.problems.is_empty());
    assert_eq!(names(&skills), ["sql-safety"]);
    assert_eq!(skills.skills[0].kind, SkillKind::Evaluator);
}

#[test]
fn skills_of_the_directories_above_count_too_and_the_nearer_one_wins() {
    let home = Home::new();
    let (root, workspace) = (home.path("repo"), home.path("repo/packages/web"));
    let skill = |path: &str, about: &str| write(&root.join(path), &text("one", about));
    skill(".agents/skills/one/SKILL.md", "root agents");
    skill("packages/.claude/skills/one/SKILL.md", "packages claude");
    write(&root.join(".claude/skills/two/SKILL.md"), &text("two", "root claude"));
    write(&home.path(".agents/skills/three/SKILL.md"), &text("three", "above the repository"));
    let load = || {
        let (workspace, repository) = (Some(workspace.as_path()), Some(root.as_path()));
        Skills::load(&SkillDirectories { home: None, workspace, repository, bundled: &[] })
    };
    let one = |skills: &Skills| skills.find(SkillKind::Task, "one").unwrap().description.clone();

    assert_eq!(names(&load()), ["one", "two"]);
    assert_eq!(one(&load()), "packages claude");
    skill("packages/web/.claude/skills/one/SKILL.md", "web claude");
    assert_eq!(one(&load()), "web claude");
    skill("packages/web/.agents/skills/one/SKILL.md", "web agents");
    assert_eq!(one(&load()), "web agents");
    let told: Vec<String> = load().hidden.iter().map(|skill| skill.description.clone()).collect();
    assert_eq!(told, ["web claude", "packages claude", "root agents"]);
}

#[test]
fn skills_may_be_sorted_into_folders_and_what_is_beside_one_belongs_to_it() {
    let home = Home::new();
    let user = home.path("home/skills/user");
    write(&user.join("web/forms/SKILL.md"), &text("forms", "d"));
    write(&user.join("web/forms/examples/inner/SKILL.md"), &text("inner", "d"));
    write(&user.join("a/b/c/deep/SKILL.md"), &text("deep", "d"));
    write(&user.join("a/b/c/d/deeper/SKILL.md"), &text("deeper", "d"));
    write(&user.join("node_modules/pack/SKILL.md"), &text("pack", "d"));
    write(&user.join("small/skill.md"), &text("small", "d"));

    let skills = load(&home, &[]);

    assert_eq!(names(&skills), ["deep", "forms", "small"]);
    assert_eq!(said(&skills, "small"), ["1: its file is `skill.md`, and has to be `SKILL.md`"]);
    let forms = skills.find(SkillKind::Task, "forms").unwrap();
    let beside: Vec<String> = forms.files_beside().into_iter().map(|file| file.path).collect();
    assert_eq!(beside, ["examples/inner/SKILL.md"]);
}

fn said(skills: &Skills, name: &str) -> Vec<String> {
    let skill = skills.find(SkillKind::Task, name).unwrap();
    skill.notices.iter().map(|notice| format!("{}: {}", notice.line, notice.text)).collect()
}

#[test]
fn what_other_programs_load_is_loaded_and_what_is_doubtful_is_said_with_its_line() {
    let long = format!("---\nname: long\ndescription: {}\n---\nx\n", "word ".repeat(300));
    type Case = (&'static str, Vec<u8>, &'static str, &'static [&'static str]);
    let cases: Vec<Case> = vec![
        (
            "colons",
            b"---\nname: colons\ndescription: Use when: it is so\n---\nx".to_vec(),
            "colons",
            &["3: `description` is not valid YAML"],
        ),
        (
            "tabs",
            b"---\nname: tabs\ndescription: d\nmetadata:\n\tauthor: me\n---\nx".to_vec(),
            "tabs",
            &["4: `metadata` is not valid YAML"],
        ),
        (
            "twice",
            b"---\nname: other\nname: twice\ndescription: d\n---\nx".to_vec(),
            "twice",
            &["3: `name` is there twice; this one counts"],
        ),
        (
            "crlf",
            b"\xef\xbb\xbf---\r\nname: crlf\r\ndescription: d\r\n---\r\nx\r\n".to_vec(),
            "crlf",
            &[],
        ),
        (
            "undescribed",
            b"---\nname: undescribed\n---\n# Title\n\nDoes this\nand that.\n".to_vec(),
            "undescribed",
            &["2: it has no description"],
        ),
        (
            "bare",
            b"# Bare\n\nJust text.\n".to_vec(),
            "bare",
            &[
                "1: it does not begin with front matter",
                "1: it has no name",
                "1: it has no description",
            ],
        ),
        (
            "unclosed",
            b"---\nname: unclosed\ndescription: d\n\n# Body\n".to_vec(),
            "unclosed",
            &["4: no closing `---`"],
        ),
        (
            "folder",
            b"---\nname: another-name\ndescription: d\n---\nx".to_vec(),
            "another-name",
            &["2: its name is not that of its folder"],
        ),
        (
            "Spaced",
            b"---\nname: My Skill\ndescription: d\n---\nx".to_vec(),
            "My Skill",
            &["2: a name has small letters", "2: its name is not that"],
        ),
        (
            "escapes",
            b"---\nname: \"../\\e[2Jx\"\ndescription: d\n---\nx".to_vec(),
            "2Jx",
            &[
                "2: a name has small letters",
                "2: its name is not that",
                "2: it is called `2Jx` here",
            ],
        ),
        (
            "latin",
            b"---\nname: latin\ndescription: caf\xe9\n---\nx".to_vec(),
            "latin",
            &["1: it is not UTF-8: 1 places"],
        ),
        ("long", long.into_bytes(), "long", &["3: its description has 1499 characters"]),
        (
            "listed",
            b"---\nname: listed\ndescription: [Beta] does: it\n---\nx".to_vec(),
            "listed",
            &["3: `description` is not valid YAML"],
        ),
        (
            "tagged",
            b"---\nname: tagged\ndescription: !do it\nextra: &a 1\nmore: *a\n---\nx".to_vec(),
            "tagged",
            &[
                "3: `description` is not valid YAML",
                "4: `extra` is not valid YAML",
                "4: `extra` is no field",
                "5: `more` is not valid YAML",
                "5: `more` is no field",
            ],
        ),
        (
            "judge",
            b"---\nname: judge\nkind: other\ndescription: d\ncategories: a, b\n---\nx".to_vec(),
            "judge",
            &["3: `other` is no kind of skill"],
        ),
    ];
    let home = Home::new();
    let user = home.path("home/skills/user");
    for (folder, bytes, ..) in &cases {
        fs::create_dir_all(user.join(folder)).unwrap();
        fs::write(user.join(folder).join("SKILL.md"), bytes).unwrap();
    }

    let skills = load(&home, &[]);

    assert!(skills.problems.is_empty(), "{:?}", skills.problems);
    for (folder, _, name, expected) in &cases {
        let said = said(&skills, name);
        assert_eq!(said.len(), expected.len(), "{folder}: {said:?}");
        for (said, expected) in said.iter().zip(*expected) {
            assert!(said.starts_with(expected), "{folder}: {said}");
        }
    }
    let skill = |name: &str| skills.find(SkillKind::Task, name).unwrap();
    assert_eq!(skill("colons").description, "Use when: it is so");
    assert_eq!(skill("tabs").fields["metadata"]["author"], "me");
    assert_eq!(skill("undescribed").description, "Does this and that.");
    assert_eq!(skill("listed").description, "[Beta] does: it");
    assert_eq!(skill("judge").categories, ["a", "b"]);
}

#[test]
fn files_beside_a_skill_are_read_and_secrets_and_other_folders_are_not() {
    let home = Home::new();
    let project = home.path("project");
    // The whole project as the folder of a skill: what is secret in it stays so.
    write(&project.join("SKILL.md"), &text("whole", "d"));
    write(&project.join(".env"), "KEY=1\n");
    write(&project.join("docs/notes.md"), "notes\n");
    write(&home.path("outside.md"), "outside\n");
    symlink("../.env", project.join("docs/more.md")).unwrap();
    symlink("../../outside.md", project.join("docs/out.md")).unwrap();
    fs::create_dir_all(project.join(".agents/skills")).unwrap();
    symlink("../..", project.join(".agents/skills/whole")).unwrap();

    let skills = load(&home, &[]);

    let whole = skills.find(SkillKind::Task, "whole").unwrap();
    assert_eq!(whole.read_beside("docs/notes.md").unwrap(), "notes\n");
    for refused in
        [".env", "docs/more.md", "docs/out.md", "../outside.md", "/etc/hostname", "docs", "none"]
    {
        assert!(whole.read_beside(refused).is_err(), "{refused}");
    }
    let named: Vec<String> = whole.files_beside().into_iter().map(|file| file.path).collect();
    assert_eq!(named, ["docs/notes.md"]);
}

#[test]
fn a_skill_is_checked_with_its_links_and_what_nobody_sees_in_it() {
    let home = Home::new();
    let folder = home.path("check/tidy");
    write(&folder.join("here.md"), "x");
    let body =
        "See [here](here.md), [gone](gone.md) and [web](https://example.com).\nDo\u{200b} it.\n";
    let good = "Keeps the pond tidy, whenever leaves fall.";
    write(
        &folder.join("SKILL.md"),
        &format!("---\nname: tidy\ndescription: {good}\n---\n\n{body}"),
    );

    let skill = openkoi_storage::skills::Skill::at(&folder).unwrap();

    let said: Vec<(usize, String, bool)> = openkoi_storage::skills::check(&skill)
        .into_iter()
        .map(|notice| (notice.line, notice.text, notice.is_fault))
        .collect();
    let gone = "`gone.md` is not in the folder of the skill".to_owned();
    let hidden = "it has 1 characters that nobody sees and a model reads".to_owned();
    assert_eq!(said, [(6, gone, false), (7, hidden, false)]);
}

#[test]
fn an_installed_skill_is_loaded_as_long_as_its_files_are_those_that_were_installed() {
    let home = Home::new();
    let folder = home.path("home/skills/managed/pdf");
    let (skill, script) = (text("pdf", "reads pages"), "echo pages\n");
    write(&folder.join("SKILL.md"), &skill);
    write(&folder.join("scripts/run.sh"), script);
    let files = [("scripts/run.sh", script.as_bytes()), ("SKILL.md", skill.as_bytes())];
    let pin = SkillPin::new("acme/skills/pdf".to_owned(), digest_of_files(files), 7);
    write(&folder.join(PIN_FILE), &serde_json::to_string(&pin).unwrap());
    let problems = || -> Vec<String> {
        load(&home, &[]).problems.iter().map(|one| one.reason.to_string()).collect()
    };
    let none = Vec::<String>::new();

    let loaded = load(&home, &[]);
    assert_eq!(loaded.skills[0].pin.as_ref(), Some(&pin), "{:?}", loaded.problems);
    // What a file manager leaves is no part of a skill.
    write(&folder.join(".DS_Store"), "x");
    assert_eq!(problems(), none);

    let changed = vec!["its files are not those that were installed".to_owned()];
    for (path, bytes) in [
        ("scripts/run.sh", "echo other\n"),
        ("more.md", "a file more\n"),
        (PIN_FILE, "{}"),
        ("SKILL.md", "---\nname: pdf\n---\nother\n"),
    ] {
        let before = fs::read_to_string(folder.join(path)).ok();
        write(&folder.join(path), bytes);
        assert_eq!(problems(), changed, "{path}");
        match before {
            Some(before) => write(&folder.join(path), &before),
            None => fs::remove_file(folder.join(path)).unwrap(),
        }
        assert_eq!(problems(), none, "{path}");
    }
    fs::remove_file(folder.join("scripts/run.sh")).unwrap();
    symlink("/bin/sh", folder.join("scripts/run.sh")).unwrap();
    assert_eq!(problems(), changed);
}
