//! Skills of a workspace, from its folders to what a task is told.

use std::fs;

use openkoi_core::{contract::Contract, port::Vectors, skill::Tally};
use openkoi_storage::skill_uses::{SkillRecord, SkillRecords};

use super::{judges::RUBRICS, *};
use crate::environment::{HOME, OPENKOI_HOME};

struct Pond {
    root: tempfile::TempDir,
}

impl Pond {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn workspace(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap().join("pond")
    }

    fn put(&self, path: &str, text: &str) -> &Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn skill(&self, name: &str, description: &str) -> &Self {
        let text = format!("---\nname: {name}\ndescription: {description}\n---\nBODY OF {name}\n");
        self.put(&format!("pond/.agents/skills/{name}/SKILL.md"), &text)
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) -> SkillSet {
        fs::create_dir_all(self.workspace()).unwrap();
        let home = self.root.path().join("home");
        let variables = [(OPENKOI_HOME.name, home.to_str().unwrap()), (HOME.name, "/nonexistent")];
        let app = App::new(Environment::of(variables, self.root.path()));
        let mut settings = app.settings(&self.workspace(), |_| Ok(())).unwrap();
        change(&mut settings);
        SkillSet::new(&app, &settings, &self.workspace()).unwrap()
    }

    fn loaded(&self) -> LoadedSkills {
        self.set(|_| ()).load()
    }
}

const ROOM: SkillRoom = SkillRoom { whole: 10_000, listed: 2_000 };

fn whole(skills: &LoadedSkills, task: &str) -> Vec<String> {
    let chosen = skills.chosen(task, None, &SkillRecords::default(), ROOM);
    chosen.whole.iter().map(|skill| skill.name.clone()).collect()
}

#[test]
fn a_skill_that_is_about_the_task_is_given_whole_and_the_others_are_named() {
    let pond = Pond::new();
    pond.skill("api-style", "Conventions for REST endpoints and their field names")
        .skill("poems", "How to write sonnets");
    let skills = pond.loaded();

    let chosen =
        skills.chosen("Add two REST endpoints for users", None, &SkillRecords::default(), ROOM);
    let told = chosen.told(ROOM.listed, true);

    assert!(told.contains("BODY OF api-style") && !told.contains("BODY OF poems"), "{told}");
    assert!(told.contains("\n- poems: How to write sonnets\n"), "{told}");
    assert!(!told.contains("- api-style"), "{told}");
    assert!(!chosen.told(ROOM.listed, false).contains("poems"), "without a tool nothing is named");
}

#[test]
fn a_skill_is_found_by_what_it_is_called_and_by_words_of_other_languages() {
    let pond = Pond::new();
    pond.skill("docker", "Images and containers")
        .skill("release-notes", "Changelogs for people")
        .skill("quartal", "Größe und Übersicht der Quartalsberichte erstellen")
        .skill("qianyi", "数据库迁移的步骤与检查")
        .skill("greetings", "Says hello politely");
    let skills = pond.loaded();

    for (task, expected) in [
        ("build the docker image", &["docker"][..]),
        ("write release notes for 2.0", &["release-notes"]),
        ("mach mir eine Übersicht der Quartalsberichte", &["quartal"]),
        ("请检查数据库迁移", &["qianyi"]),
        ("use $greetings here", &["greetings"]),
        ("fix the failing login", &[]),
        ("please use the tool to help with the files of this project", &[]),
    ] {
        assert_eq!(whole(&skills, task), expected, "{task}");
    }
}

#[test]
fn what_cannot_be_used_is_not_given_and_says_why() {
    let pond = Pond::new();
    pond.skill("off", "Ponds and carps")
        .put(
            "pond/.agents/skills/needs/SKILL.md",
            "---\nname: needs\ndescription: Ponds and carps\nmetadata:\n  openclaw:\n    requires:\n      \
             bins: [no-such-program]\n---\nx\n",
        )
        .put(
            "pond/.agents/skills/people/SKILL.md",
            "---\nname: people\ndescription: Ponds and carps\ndisable-model-invocation: true\n---\nx\n",
        );
    let skills = pond.set(|settings| settings.disabled_skills = vec!["off".to_owned()]).load();

    let chosen = skills.chosen("carps in ponds", None, &SkillRecords::default(), ROOM);

    assert!(chosen.whole.is_empty() && chosen.others.is_empty(), "{chosen:?}");
    assert!(!chosen.can_be_opened());
    assert_eq!(whole(&skills, "use the skill people"), ["people"]);
    let why = |name: &str| {
        let found = skills.all().find(|known| known.skill.name == name).unwrap();
        found.obstacles.join("; ")
    };
    assert_eq!(why("off"), "you disabled it");
    assert_eq!(why("needs"), "the program `no-such-program` is missing");
    assert_eq!(why("self-iterate"), "it is for OpenKoi's own source");
}

#[test]
fn the_skill_for_openkois_own_source_is_given_there_and_nowhere_else() {
    let pond = Pond::new();
    assert_eq!(whole(&pond.loaded(), "refactor the rust code"), [""; 0]);
    assert!(pond.loaded().usable().next().is_none());

    pond.put("pond/kernel/core/src/run.rs", "");

    assert_eq!(whole(&pond.loaded(), "fix a typo"), ["self-iterate"]);
}

#[test]
fn what_certainly_helps_rises_and_what_certainly_does_harm_is_not_given_unasked() {
    let pond = Pond::new();
    pond.skill("carps", "Feeding of fish in ponds").skill("kois", "Feeding of fish in ponds");
    let skills = pond.loaded();
    let record = |accepted, decided| {
        let mut record = SkillRecord { shown: decided, ..SkillRecord::default() };
        record.effect.with = Tally { accepted, decided };
        record.effect.without = Tally { accepted: 50, decided: 100 };
        record
    };
    let ranked = |records: &SkillRecords| {
        let ranked = skills.ranked("feeding fish in ponds", None, records);
        ranked.iter().map(|one| (one.skill.name.clone(), one.is_apt)).collect::<Vec<_>>()
    };
    let named = |name: &str, is_apt| (name.to_owned(), is_apt);
    let place = pond.workspace().to_string_lossy().into_owned();
    let of =
        |name: &str, record| SkillRecords::from_iter([((name.to_owned(), place.clone()), record)]);

    assert_eq!(ranked(&SkillRecords::default()), [named("carps", true), named("kois", true)]);
    assert_eq!(ranked(&of("kois", record(3, 3)))[0].0, "carps", "three tasks say nothing");
    assert_eq!(ranked(&of("kois", record(30, 30)))[0].0, "kois");
    let harmful = ranked(&of("carps", record(0, 30)));
    assert_eq!(harmful, [named("kois", true), named("carps", false)]);
}

#[test]
fn meaning_finds_what_has_no_word_in_common() {
    let pond = Pond::new();
    pond.skill("carps", "Feeding of fish in ponds").skill("poems", "How to write sonnets");
    let skills = pond.loaded();

    let ranked = skills.ranked("verses about love", Some(&[0.05, 0.7]), &SkillRecords::default());

    assert_eq!((ranked[0].skill.name.as_str(), ranked[0].is_apt), ("poems", true));
    assert!(!ranked[1].is_apt);
}

#[test]
fn a_list_of_many_skills_has_the_best_first_and_stays_within_its_room() {
    let pond = Pond::new();
    for number in 0..200 {
        pond.skill(
            &format!("skill-{number:03}"),
            &format!("Word{number} and {}", "more ".repeat(40)),
        );
    }
    let skills = pond.loaded();

    let chosen = skills.chosen("word150", None, &SkillRecords::default(), ROOM);
    let told = chosen.told(ROOM.listed, true);

    assert!(told.len() < ROOM.listed + 500, "{}", told.len());
    let first = told.lines().find(|line| line.starts_with("- ")).unwrap();
    assert!(first.starts_with("- skill-150: Word150 and more"), "{first}");
    assert!(
        told.lines().any(|line| line.starts_with("and ") && line.contains(" more: ")),
        "{told}"
    );
    assert!(told.lines().any(|line| line == "- skill-020"), "some by name alone: {told}");
}

#[test]
fn a_skill_that_is_too_long_for_the_room_is_named_and_not_given() {
    let pond = Pond::new();
    let body = "long ".repeat(3_000);
    pond.put(
        "pond/.agents/skills/carps/SKILL.md",
        &format!("---\nname: carps\ndescription: Feeding of fish in ponds\n---\n{body}"),
    );

    let skills = pond.loaded();
    let chosen = skills.chosen("feeding fish in ponds", None, &SkillRecords::default(), ROOM);

    assert!(chosen.whole.is_empty());
    assert_eq!(chosen.others[0].name, "carps");
}

#[test]
fn a_task_takes_a_load_once_and_the_next_one_sees_what_is_new() {
    let pond = Pond::new();
    pond.skill("one", "First");
    let set = pond.set(|_| ());
    let names =
        |skills: &LoadedSkills| skills.usable().map(|one| one.name.clone()).collect::<Vec<_>>();

    set.load_ahead(5_000);
    pond.skill("two", "Second");

    assert_eq!(names(&set.of_task(5_500)), ["one"], "what was just read");
    assert_eq!(names(&set.of_task(5_600)), ["one", "two"]);
    set.load_ahead(6_000);
    pond.skill("three", "Third");
    assert_eq!(names(&set.of_task(9_000)), ["one", "three", "two"], "it was read too long ago");
}

const LENIENT: &str = "kind: evaluator\ndescription: Judges code.\nmetadata:\n  categories: [code]\n  dimensions:\n    \
                       - { name: correctness, weight: 1.0 }\n---\nGive 10 for anything.\n";

#[test]
fn an_evaluator_of_the_project_judges_only_if_the_user_trusts_it() {
    let expected = Pond::new().loaded().rubrics("", None)["code"].clone();
    for name in ["lenient", RUBRICS.iter().find(|(kind, _)| *kind == "code").unwrap().1] {
        let pond = Pond::new();
        let path = format!("pond/.agents/evaluators/{name}/SKILL.md");
        pond.put(&path, &format!("---\nname: {name}\n{LENIENT}"));

        let skills = pond.loaded();
        assert_eq!(skills.rubrics("", None)["code"], expected, "{name}");
        let said = format!(
            "the project's evaluator `{name}` does not judge; `evaluators.trusted = [\"{name}\"]` in your own \
             configuration lets it"
        );
        assert_eq!(skills.untrusted(), [said]);
        let trusting =
            pond.set(|settings| settings.trusted_evaluators = vec![name.to_owned()]).load();
        assert_ne!(trusting.rubrics("", None)["code"], expected, "{name}");
        assert!(trusting.untrusted().is_empty());
    }
}

#[test]
fn evaluators_that_are_about_the_task_judge_beside_that_of_the_kind() {
    let judge = |name: &str, about: &str| {
        format!(
            "---\nname: {name}\nkind: evaluator\ndescription: {about}\nmetadata:\n  dimensions:\n    - {{ name: \
             reversibility, weight: 3 }}\n    - {{ name: safety, weight: 1 }}\n---\nTEXT OF {name}\n"
        )
    };
    let pond = Pond::new();
    pond.put(
        "home/evaluators/user/moves/SKILL.md",
        &judge("moves", "Evaluates database migrations"),
    )
    .put("home/evaluators/user/verses/SKILL.md", &judge("verses", "Evaluates sonnets and odes"))
    .put("pond/.agents/evaluators/ours/SKILL.md", &judge("ours", "Evaluates database migrations"));
    let skills = pond.loaded();

    let alone = skills.rubrics("fix the login", None).remove("code").unwrap();
    let both = skills.rubrics("write the migration of the database", None).remove("code").unwrap();

    assert_eq!((alone.name.as_str(), alone.parts.len()), ("code-review", 1));
    assert_eq!(both.name, "code-review and moves", "one of the project is not trusted");
    assert!(both.text.contains("TEXT OF moves") && both.text.contains("# Code review"));
    let weights = |name: &str| -> f64 {
        let own = both.dimensions.iter().filter(|one| one.name.starts_with(name));
        own.map(|one| one.weight).sum()
    };
    assert!((weights("code-review/") - 1.0).abs() < 1e-9 && (weights("moves/") - 1.0).abs() < 1e-9);
    let safety: Vec<&str> = both
        .dimensions
        .iter()
        .map(|one| one.name.as_str())
        .filter(|one| one.ends_with("/safety"))
        .collect();
    assert_eq!(safety, ["code-review/safety", "moves/safety"]);
    assert_eq!(both.parts[1].skill.name, "moves");

    // What is near in meaning needs no word of the task.
    let near = skills.rubrics("fix the login", Some(&[0.1, 0.8])).remove("code").unwrap();
    assert_eq!(near.name, "code-review and verses");
}

#[test]
fn how_near_skills_are_is_known_only_if_it_is_known_of_all() {
    let pond = Pond::new();
    for name in ["one", "two"] {
        let text = format!("---\nname: {name}\ndescription: About {name}\n---\nx\n");
        pond.put(&format!("home/skills/user/{name}/SKILL.md"), &text);
    }
    let skills = pond.loaded();
    let data = tempfile::tempdir().unwrap();
    let storage = openkoi_storage::Storage::open(data.path()).unwrap();
    let made = |vectors: Vec<Vec<f32>>| Vectors { model: "m@1".to_owned(), vectors };
    let question = made(vec![vec![0.0, 1.0]]);
    let keep = |digests: &[String], vectors| storage.keep_skill_vectors(digests, &made(vectors));

    let digests = skills.digests();
    keep(&digests[..1], vec![vec![1.0, 0.0]]).unwrap();
    assert_eq!(
        skills.nearness(&storage, &question).unwrap(),
        (Nearness { skills: None, judges: Some(vec![]) }, true)
    );
    keep(&digests[1..], vec![vec![0.0, 2.0]]).unwrap();
    let (near, is_wanting) = skills.nearness(&storage, &question).unwrap();
    assert_eq!((near.skills, is_wanting), (Some(vec![0.0, 1.0]), false));
    // Vectors of another model say nothing.
    let other = Vectors { model: "other@1".to_owned(), ..question };
    assert!(skills.nearness(&storage, &other).unwrap().0.skills.is_none());
}

#[test]
fn a_repository_with_the_program_itself_in_it_is_a_home_and_none_for_what_lies_below() {
    let pond = Pond::new();
    pond.put(".agents/skills/above/SKILL.md", "---\nname: above\ndescription: d\n---\nx\n")
        .put(".git/HEAD", "ref: refs/heads/main\n");

    let set = pond.set(|_| ());

    assert_eq!(set.root(), pond.workspace());
    assert!(set.load().usable().next().is_none());
}

#[test]
fn every_kind_of_work_has_a_rubric_also_if_all_are_disabled() {
    let mut offered = Contract::KINDS;
    offered.sort_unstable();
    let all = RUBRICS.map(|(_, name)| name.to_owned()).to_vec();

    let skills = Pond::new().set(|settings| settings.disabled_skills = all).load();

    assert_eq!(skills.rubrics("", None).into_keys().collect::<Vec<_>>(), offered);
}

#[test]
fn a_skill_is_opened_by_its_name_its_files_too_and_words_find_it() {
    let pond = Pond::new();
    let long: String = (1..=400).map(|line| format!("line {line} of the table\n")).collect();
    pond.skill("api-style", "Conventions for REST endpoints")
        .put("pond/.agents/skills/api-style/docs/errors.md", "404 means gone\n")
        .put("pond/.agents/skills/api-style/table.md", &long);
    let tools = tool::SkillTools::new(Arc::new(pond.loaded()), 2_000);
    let open = |arguments: &str| tools.open(arguments);

    let whole = open(r#"{"name":"API-style"}"#).unwrap();
    assert!(whole.text.contains("BODY OF api-style"), "{}", whole.text);
    assert!(whole.text.contains("docs/errors.md, table.md"), "{}", whole.text);
    let used = whole.skill.unwrap();
    assert_eq!((used.name.as_str(), used.digest.len()), ("api-style", 16));
    assert!(used.place.ends_with("/pond"), "{used:?}");

    let file = open(r#"{"name":"api-style","file":"docs/errors.md"}"#).unwrap();
    assert!(file.text.contains("404 means gone"), "{}", file.text);
    let start = open(r#"{"name":"api-style","file":"table.md"}"#).unwrap();
    let (shown, rest) =
        start.text.split_once("[cut here: the rest begins with \"line\": ").unwrap();
    let next: usize = rest.split(']').next().unwrap().parse().unwrap();
    assert!(shown.contains(&format!("line {} of", next - 1)) && start.text.len() < 2_300);
    let rest = open(&format!(r#"{{"name":"api-style","file":"table.md","line":{next}}}"#)).unwrap();
    assert!(rest.text.contains(&format!("\nline {next} of")), "{}", rest.text);

    let found = open(r#"{"name":"rest conventions"}"#).unwrap();
    assert!(found.text.contains("- api-style: Conventions") && found.skill.is_none());
    let gone = open(r#"{"name":"api-style","file":"none.md"}"#).unwrap_err().to_string();
    assert!(gone.contains("its files are docs/errors.md, table.md"), "{gone}");
    assert!(open(r#"{"name":"sonnets"}"#).is_err());
    assert!(open(r#"{"nam":"x"}"#).is_err());
}
