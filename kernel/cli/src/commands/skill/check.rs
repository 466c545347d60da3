//! `openkoi skill check`: skills held against the Agent Skills specification.

use std::path::Path;

use openkoi_app::file;
use openkoi_core::document::{
    Block, Column, ColumnKind, Document, Pairs, Span, Table, Tone, Value,
};
use openkoi_storage::skills::{self, Skill, SkillNotice, SkillProblem, SkillSource};

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Output, plural},
    reply::Reply,
};

use super::find::{from_here, loaded, unknown};

/// What was checked, and what was found.
struct Checked {
    count: usize,
    findings: Vec<CheckFinding>,
}

struct CheckFinding {
    path: String,
    line: usize,
    text: String,
    is_fault: bool,
}

/// Checks the skill that `what` names, or all that are not bundled.
pub(super) fn run(what: Option<&str>, json: bool, context: &Context) -> Result<Exit, CommandError> {
    let mut checked = Checked { count: 0, findings: Vec::new() };
    match what {
        Some(what) => checked.named(what, context)?,
        None => {
            let skills = loaded(context)?;
            let all = skills.all().map(|known| known.skill).chain(skills.hidden());
            let own = all.filter(|skill| skill.source != SkillSource::Bundled);
            own.for_each(|skill| checked.skill(skill, context));
            skills.problems().iter().for_each(|problem| checked.problem(problem, context));
        }
    }
    let is_fine = checked.findings.iter().all(|finding| !finding.is_fault);
    let exit = if is_fine { Exit::Accepted } else { Exit::NotAccepted };
    Reply::new(checked, json).ending(exit).print(context)
}

impl Checked {
    fn named(&mut self, what: &str, context: &Context) -> Result<(), CommandError> {
        let path = context.absolute(Path::new(what));
        let is_path = what.contains('/') || what.ends_with(".md");
        if is_path || file::is_file(&path.join("SKILL.md")) {
            match Skill::at(&path) {
                Ok(skill) => self.skill(&skill, context),
                Err(problem) => self.problem(&problem, context),
            }
            return Ok(());
        }
        let skills = loaded(context)?;
        let named: Vec<&Skill> =
            skills.all().map(|known| known.skill).filter(|skill| skill.name == what).collect();
        if named.is_empty() {
            return Err(unknown(what, &skills));
        }
        named.into_iter().for_each(|skill| self.skill(skill, context));
        Ok(())
    }

    fn skill(&mut self, skill: &Skill, context: &Context) {
        self.count += 1;
        let path = from_here(&skill.path, context);
        self.findings.extend(skills::check(skill).into_iter().map(
            |SkillNotice { line, text, is_fault }| CheckFinding {
                path: path.clone(),
                line,
                text,
                is_fault,
            },
        ));
    }

    fn problem(&mut self, problem: &SkillProblem, context: &Context) {
        self.count += 1;
        let (path, text) = (from_here(&problem.path, context), problem.reason.to_string());
        self.findings.push(CheckFinding { path, line: 1, text, is_fault: true });
    }

    fn summary(&self) -> String {
        let faults = self.findings.iter().filter(|finding| finding.is_fault).count();
        let advice = self.findings.len() - faults;
        let skills = plural(self.count, "skill");
        match (faults, advice) {
            (0, 0) => format!("{skills}, as the specification has it"),
            _ => format!("{skills}: {}, {}", plural(faults, "fault"), plural(advice, "hint")),
        }
    }
}

impl Output for Checked {
    fn document(&self) -> Document {
        let line = |found: &CheckFinding| {
            let tone = if found.is_fault { Tone::Bad } else { Tone::Neutral };
            let word = if found.is_fault { "" } else { " (hint)" };
            let text = format!("{}:{}: {}{word}", found.path, found.line, found.text);
            Block::paragraph(Span::toned(text, tone))
        };
        let columns = [
            Column::for_programs("path", ColumnKind::Text),
            Column::for_programs("line", ColumnKind::Count),
            Column::for_programs("is_fault", ColumnKind::Flag),
            Column::for_programs("text", ColumnKind::Text),
        ];
        let rows = self.findings.iter().map(|found| {
            let (path, line) = (Value::from(&found.path), Value::count(found.line));
            [path, line, found.is_fault.into(), (&found.text).into()]
        });
        Document::new("Skills")
            .with_all(self.findings.iter().map(line))
            .with(Block::paragraph(self.summary()))
            .with(Pairs::new("").for_programs("checked", Value::count(self.count)))
            .with(Table::new("findings", columns).rows(rows))
    }
}
