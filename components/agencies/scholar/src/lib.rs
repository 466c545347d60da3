//! Scholar: what the plan says, held against files and against what earlier tasks taught. It has to cite.
//!
//! That a file is there, and what is remembered, is computed. Whether what stands in the files is as the plan believes, a small
//! model is asked, and only for a plan of several steps.

use openkoi_agency_counsel::{approve, ask, files, parts, said, shared, with_caveats, words};
use openkoi_sdk::{
    Result,
    agency::{Agency, Assessment, Caveat, Citation, Motion, Verdict},
    export_agency,
    files::{self as files_of_host, FileSystem},
    model::{Host, Models},
};
use serde_json::{Map, Value};

/// Words of a step that makes a file.
const MAKING: [&str; 12] = [
    "add",
    "adds",
    "create",
    "creates",
    "write",
    "writes",
    "new",
    "generate",
    "make",
    "introduce",
    "rename",
    "move",
];
/// The fewest steps of a plan whose claims are looked at by a model.
const STEPS: usize = 2;
/// The most files that it is shown, the most lines of each, and the most bytes.
const MOST_FILES: usize = 3;
const MOST_LINES: usize = 120;
const MOST_BYTES: u32 = 6_000;
/// The words that a learning shares with the plan if it is about it.
const ABOUT: usize = 2;
/// The most caveats of what is missing, and of what is remembered.
const MOST_MISSING: usize = 2;
const MOST_LEARNINGS: usize = 2;

const SIDE: &str = "You are the scholar of a chamber that looks at a plan before an agent carries it out. You look at one thing \
    alone: whether what the plan takes for true is true, by the beginnings of the files that are shown with line numbers under \
    `files` and by what is remembered. Say `caveats` where something is otherwise, each with `file:line` or a learning's id in \
    `on`: what cites nothing is dropped. Say `objection` if the plan rests on something false. Otherwise `approve`. What is not \
    shown is unknown, not false.";

struct Scholar;

impl Agency for Scholar {
    fn assess(motion: &Motion) -> Result<Assessment> {
        assessed(motion, &files_of_host::Host, &Host)
    }
}

fn assessed(motion: &Motion, system: &dyn FileSystem, models: &dyn Models) -> Result<Assessment> {
    let (there, mut caveats) = looked_up(motion, system);
    caveats.extend(remembered(motion));
    if motion.plan.len() >= STEPS && !there.is_empty() {
        let shown = excerpts(&there, system);
        if !shown.is_empty() {
            let mut own = ask(models, SIDE, motion, Some(("files", Value::Object(shown))))?;
            // It has to cite.
            own.caveats.retain(|one| !one.citations.is_empty());
            caveats.append(&mut own.caveats);
            caveats.truncate(5);
            return Ok(with_caveats(own, caveats));
        }
    }
    if caveats.is_empty() {
        return Ok(approve(motion, 0.6, "nothing that it names is otherwise than it says"));
    }
    let reason = caveats[0].text.clone();
    let own = said(motion, Verdict::ApproveWithCaveats, 0.7, &reason);
    Ok(with_caveats(own, caveats))
}

/// Returns the files that the plan names and that are there, and a caveat for each that is not and that no step makes.
fn looked_up(motion: &Motion, system: &dyn FileSystem) -> (Vec<String>, Vec<Caveat>) {
    let (mut there, mut caveats): (Vec<String>, Vec<Caveat>) = (Vec::new(), Vec::new());
    for (id, text) in parts(motion) {
        let makes = words(text).iter().any(|word| MAKING.contains(&word.as_str()));
        for path in files(text) {
            match system.stat_if_exists(&path) {
                Ok(Some(found)) if found.is_file() && !there.contains(&path) => there.push(path),
                Ok(None) if !makes && path.contains('/') && caveats.len() < MOST_MISSING => {
                    caveats.push(Caveat {
                        text: format!(
                            "{path} is not there: look where it is before changing anything"
                        ),
                        citations: vec![Citation::Motion(id.to_owned())],
                    });
                }
                _ => {}
            }
        }
    }
    (there, caveats)
}

/// Returns what earlier tasks taught about what the plan does. What the user said is told by the empath.
fn remembered(motion: &Motion) -> impl Iterator<Item = Caveat> + '_ {
    let plan: Vec<&str> =
        parts(motion).map(|(_, text)| text).chain([motion.text.as_str()]).collect();
    let plan = plan.join(" ");
    let taught = motion.learnings.iter().filter(|one| one.source != "the user");
    let about = taught.filter(move |one| shared(&one.text, &plan) >= ABOUT).take(MOST_LEARNINGS);
    about.map(|one| Caveat {
        text: one.text.clone(),
        citations: vec![Citation::Learning(one.id.clone())],
    })
}

/// Returns the beginnings of files with the numbers of their lines.
fn excerpts(paths: &[String], system: &dyn FileSystem) -> Map<String, Value> {
    let mut shown = Map::new();
    for path in paths.iter().take(MOST_FILES) {
        let Ok(bytes) = system.read_range(path, 0, MOST_BYTES) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().take(MOST_LINES).enumerate();
        let numbered: Vec<String> =
            lines.map(|(index, line)| format!("{}: {line}", index + 1)).collect();
        shown.insert(path.clone(), Value::String(numbered.join("\n")));
    }
    shown
}

export_agency!(Scholar);

#[cfg(test)]
mod tests {
    use openkoi_agency_counsel::testing::motion;
    use openkoi_sdk::{agency::Learning, files::Memory, model::Scripted};

    use super::*;

    fn texts(said: &Assessment) -> Vec<&str> {
        said.caveats.iter().map(|one| one.text.as_str()).collect()
    }

    #[test]
    fn a_file_that_is_not_there_is_a_caveat_unless_a_step_makes_it() {
        let files = Memory::new([("src/a.rs", "fn a() {}")]);
        let model = Scripted::new::<String>([]);
        let said = assessed(&motion("fix it", &["change src/b.rs"]), &files, &model).unwrap();
        assert_eq!(
            texts(&said),
            ["src/b.rs is not there: look where it is before changing anything"]
        );
        assert_eq!(said.caveats[0].citations, [Citation::Motion("s1".to_owned())]);

        for fine in ["change src/a.rs", "add src/b.rs", "change b.rs"] {
            let said = assessed(&motion("fix it", &[fine]), &files, &model).unwrap();
            assert_eq!(said.verdict, Verdict::Approve, "{fine}");
        }
        assert!(model.asked().is_empty(), "one step is not worth a request");
    }

    #[test]
    fn what_earlier_tasks_taught_about_it_is_cited() {
        let learning = |id: &str, text: &str, source: &str| Learning {
            id: id.to_owned(),
            text: text.to_owned(),
            source: source.to_owned(),
        };
        let learnings = vec![
            learning("1", "Percentages are rounded half up.", "task 1234"),
            learning("2", "Percentages are rounded, says the user.", "the user"),
            learning("3", "The docs are in docs/.", "task 1234"),
        ];
        let motion =
            Motion { learnings, ..motion("mend how percentages are rounded", &["mend it"]) };
        let said =
            assessed(&motion, &Memory::new([("README.md", "")]), &Scripted::new::<String>([]))
                .unwrap();
        assert_eq!(texts(&said), ["Percentages are rounded half up."]);
    }

    #[test]
    fn a_plan_of_several_steps_is_held_against_its_files_and_what_cites_nothing_is_dropped() {
        let files = Memory::new([("src/a.rs", "fn a() {}\nfn b() {}")]);
        let answer = r#"{"verdict":"caveats","confidence":0.7,"success":0.6,"reason":"b is private.",
            "caveats":[{"text":"b is private.","on":["src/a.rs:2"]},{"text":"I feel it."}]}"#;
        let model = Scripted::new([answer]);
        let said = assessed(&motion("fix it", &["call b of src/a.rs", "test it"]), &files, &model)
            .unwrap();
        assert_eq!(texts(&said), ["b is private."]);
        assert!(format!("{:?}", model.asked()[0].1.messages).contains("2: fn b() {}"));
    }
}
