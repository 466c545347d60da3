//! The tool by which a model opens skills that it was told the names of.

use openkoi_core::{
    failure::Failure,
    message::ToolCall,
    port::Pending,
    scope::Scope,
    tool::{Effect, Tool, ToolOutput},
    toolbox::Toolbox,
};
use openkoi_storage::{skill_uses::SkillRecords, skills::Skill};
use serde::Deserialize;
use serde_json::json;
use std::{future, sync::Arc};

use super::{choice, loaded::LoadedSkills};
use crate::rules::fenced;

/// The name of the tool.
pub(crate) const NAME: &str = "skill";
const DEADLINE_MS: u64 = 10_000;
/// The most skills that words find.
const FOUND: usize = 10;
/// The room for the list of those.
const FOUND_BYTES: usize = 4 << 10;

/// The skills that one task may open.
pub(crate) struct SkillTools {
    skills: Arc<LoadedSkills>,
    /// The most bytes that one call shows.
    most: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    name: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<usize>,
}

impl SkillTools {
    pub(crate) fn new(skills: Arc<LoadedSkills>, most: usize) -> Self {
        Self { skills, most: most.max(1 << 10) }
    }

    pub(super) fn open(&self, arguments: &str) -> Result<ToolOutput, Failure> {
        let invalid = |error: serde_json::Error| Failure::Invalid {
            field: String::new(),
            message: error.to_string(),
        };
        let Arguments { name, file, line } = serde_json::from_str(arguments).map_err(invalid)?;
        let Some(skill) = self.skills.usable_named(&name) else { return self.find(&name) };
        let (text, first) = match &file {
            None => (skill.body.clone(), skill.body_line),
            Some(path) => {
                let text = skill.read_beside(path);
                (text.map_err(|why| not_found(skill, path, &why.to_string()))?, 1)
            }
        };
        let text = part(&text, line.unwrap_or(first).max(first) - first, first, self.most);
        let shown = match &file {
            None => choice::shown(skill, text.trim(), true),
            Some(path) => {
                let about = format!(" skill=\"{}\" path=\"{}\"", skill.name, plain(path));
                fenced("skill-file", &about, &text)
            }
        };
        let what = file.map(|path| format!(", {}", plain(&path))).unwrap_or_default();
        Ok(ToolOutput {
            text: shown,
            summary: format!("the skill {}{what}", skill.name),
            skill: Some(self.skills.use_of(skill)),
            ..ToolOutput::default()
        })
    }

    /// Returns the skills that words come nearest to.
    fn find(&self, words: &str) -> Result<ToolOutput, Failure> {
        let ranked = self.skills.ranked(words, None, &SkillRecords::default());
        let near = ranked.iter().filter(|one| one.score > 0.0 && !one.skill.is_for_people);
        let near: Vec<&Skill> = near.take(FOUND).map(|one| one.skill).collect();
        if near.is_empty() {
            return Err(Failure::NotFound(format!("a skill `{words}`, or one with these words")));
        }
        let list = fenced("skills", "", &choice::list(&near, FOUND_BYTES));
        Ok(ToolOutput {
            text: format!("There is no skill of that name. These come nearest:\n{list}"),
            summary: format!("{} skills come near", near.len()),
            ..ToolOutput::default()
        })
    }
}

fn not_found(skill: &Skill, path: &str, why: &str) -> Failure {
    let files = skill.files_beside();
    let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let files = match names.is_empty() {
        true => "it has no files".to_owned(),
        false => format!("its files are {}", names.join(", ")),
    };
    Failure::NotFound(format!("`{path}` of the skill `{}` ({why}; {files})", skill.name))
}

/// Returns a path as it can stand in quotes.
fn plain(path: &str) -> String {
    path.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '<' | '>')).collect()
}

/// Returns the lines of a text from one on, `skipped` lines after its beginning, as many as there is room for.
fn part(text: &str, skipped: usize, first: usize, most: usize) -> String {
    let mut part = String::new();
    let (mut shown, mut lines) = (0, text.split_inclusive('\n').skip(skipped));
    for line in lines.by_ref() {
        if part.len() + line.len() > most && !part.is_empty() {
            let next = first + skipped + shown;
            part.push_str(&format!("[cut here: the rest begins with \"line\": {next}]"));
            return part;
        }
        shown += 1;
        match line.get(..line.floor_char_boundary(most)) {
            Some(start) if start.len() < line.len() => {
                part.push_str(start);
                part.push_str("[the line is cut here]\n");
            }
            _ => part.push_str(line),
        }
    }
    part
}

impl Toolbox for SkillTools {
    fn tools(&self) -> Vec<Tool> {
        let parameters = json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "description": "its name, or words for what you need" },
                "file": { "type": "string", "description": "a file of it, in place of its text" },
                "line": { "type": "integer", "minimum": 1, "description": "the line to begin with" },
            },
            "required": ["name"],
        });
        vec![Tool {
            name: NAME.to_owned(),
            description: "Opens a skill: how a kind of work is done here.".to_owned(),
            parameters: parameters.into(),
            effect: Effect::Read,
            idempotent: true,
            domain: "skills".to_owned(),
            target: Some("/name".to_owned()),
            origin: "skills".to_owned(),
            deadline_ms: DEADLINE_MS,
        }]
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        _scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        Box::pin(future::ready(self.open(&call.arguments)))
    }

    /// It runs no programs, so none of them changes anything.
    fn holds_back(&self) -> bool {
        true
    }
}
