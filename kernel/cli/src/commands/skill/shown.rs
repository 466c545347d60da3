//! Skills as documents.

use openkoi_app::skills::{KnownSkill, LoadedSkills, digest};
use openkoi_core::{
    document::{
        Block, Column, ColumnKind, Document, Heading, Item, Pairs, Span, Table, Value, Verbatim,
    },
    skill::{SkillEffect, Tally},
};
use openkoi_storage::{
    skill_uses::{JudgeRecord, SkillRecord, SkillRecords},
    skills::{BesideFile, Skill, SkillKind, SkillNotice},
};

use super::find::unknown;
use crate::{
    error::CommandError,
    output::{Output, bytes, plural},
};

/// The list of skills.
pub(super) struct SkillList {
    pub(super) skills: LoadedSkills,
    pub(super) records: SkillRecords,
    /// True if those that are not used are listed too.
    pub(super) all: bool,
}

impl Output for SkillList {
    fn document(&self) -> Document {
        let columns = [
            Column::new("name", "NAME", ColumnKind::Text),
            Column::new("kind", "KIND", ColumnKind::Text),
            Column::new("source", "FROM", ColumnKind::Text),
            Column::for_people("RECORD", ColumnKind::Text),
            Column::new("description", "WHAT IT IS FOR", ColumnKind::Text),
            Column::for_programs("path", ColumnKind::Text),
            Column::for_programs("is_used", ColumnKind::Flag),
            Column::for_programs("obstacles", ColumnKind::Data),
            Column::for_programs("categories", ColumnKind::Data),
            Column::for_programs("notices", ColumnKind::Count),
            Column::for_programs("record", ColumnKind::Data),
        ];
        let shown = |known: &KnownSkill<'_>| self.all || known.obstacles.is_empty();
        let rows = self.skills.all().filter(shown).map(|known| self.row(known));
        let empty = "there are no skills; openkoi skill new NAME writes one";
        let problems = self.skills.problems();
        Document::new("Skills")
            .with(Table::new("skills", columns).or_else(empty).rows(rows))
            .with_all(self.words())
            .with(
                Pairs::new("").for_programs(
                    "problems",
                    Value::list(problems.iter().map(|one| one.to_string())),
                ),
            )
    }
}

impl SkillList {
    fn row(&self, KnownSkill { skill, obstacles }: KnownSkill<'_>) -> [Value; 11] {
        let record = Known::of(skill, self.skills.place_of(skill), &self.records);
        let about = match obstacles {
            [] => skill.description.clone(),
            some => format!("not used: {}", some.join("; ")),
        };
        [
            (&skill.name).into(),
            skill.kind.word().into(),
            skill.source.word().into(),
            record.short().into(),
            about.into(),
            skill.path.display().to_string().into(),
            obstacles.is_empty().into(),
            Value::list(obstacles),
            Value::list(&skill.categories),
            Value::count(skill.notices.len()),
            record.value(),
        ]
    }

    /// Says what the list does not show.
    fn words(&self) -> Vec<Block> {
        let unused = self.skills.all().filter(|known| !known.obstacles.is_empty()).count();
        let doubtful =
            self.skills.all().filter(|known| known.skill.faults().next().is_some()).count();
        let broken = self.skills.problems().len();
        let mut words = Vec::new();
        if unused > 0 && !self.all {
            let are = if unused == 1 { "is" } else { "are" };
            words.push(format!(
                "{} {are} not used; openkoi skill list --all says why",
                plural(unused, "more skill")
            ));
        }
        if doubtful + broken > 0 {
            let count = plural(doubtful + broken, "skill");
            words.push(format!(
                "the specification has something against {count}; openkoi skill check"
            ));
        }
        words.into_iter().map(|text| Block::paragraph(Span::muted(text))).collect()
    }
}

/// One skill.
pub(super) struct SkillDetails {
    skill: Skill,
    obstacles: Vec<String>,
    record: Known,
    files: Vec<BesideFile>,
}

impl SkillDetails {
    /// Returns the details of the skill of this name; if there are two, of the one for tasks.
    pub(super) fn of(
        skills: &LoadedSkills,
        name: &str,
        records: &SkillRecords,
    ) -> Result<Self, CommandError> {
        let known = skills.all().find(|known| known.skill.name == name);
        let KnownSkill { skill, obstacles } = known.ok_or_else(|| unknown(name, skills))?;
        Ok(Self {
            record: Known::of(skill, skills.place_of(skill), records),
            files: skill.files_beside(),
            obstacles: obstacles.to_vec(),
            skill: skill.clone(),
        })
    }
}

impl Output for SkillDetails {
    fn document(&self) -> Document {
        let skill = &self.skill;
        let used = match self.obstacles.as_slice() {
            [] => "yes".to_owned(),
            some => format!("no: {}", some.join("; ")),
        };
        let categories = match skill.categories.as_slice() {
            [] => Value::Nothing,
            some => Value::list(some),
        };
        let pin = skill.pin.as_ref();
        let pairs = Pairs::new("")
            .pair("name", "skill", Span::strong(&skill.name))
            .pair("kind", "kind", skill.kind.word())
            .pair("source", "from", skill.source.word())
            .pair("path", "file", skill.path.display().to_string())
            .for_people("used", used)
            .for_programs("is_used", self.obstacles.is_empty())
            .for_programs("obstacles", Value::list(&self.obstacles))
            .pair("categories", "about", categories)
            .pair("installed_from", "installed", pin.map(|pin| pin.source.as_str()))
            .for_programs("pin", pin.map(|pin| pin.digest.as_str()))
            .pair("license", "license", skill.field("license"))
            .pair("compatibility", "made for", skill.field("compatibility"))
            .pair("allowed_tools", "tools", skill.field("allowed-tools"));
        let pairs = match skill.kind {
            SkillKind::Task => pairs,
            SkillKind::Evaluator => pairs.for_people("scores", self.dimensions()),
        };
        let pairs = pairs.for_people("tasks", self.record.words());
        let pairs = pairs
            .for_programs("record", self.record.value())
            .for_programs("digest", digest(skill))
            .for_programs("description", &skill.description)
            .for_programs("fields", Value::data(&skill.fields))
            .for_programs("notices", Value::List(skill.notices.iter().map(notice).collect()))
            .for_programs("files", Value::List(self.files.iter().map(file).collect()));
        let mut document = Document::new("Skill")
            .with(pairs)
            .with(Heading::end())
            .with(Block::paragraph(&skill.description));
        self.lists(&mut document);
        document
            .with(Heading::new("", "Text"))
            .with(Verbatim::new("markdown", &skill.body).keyed("text"))
    }
}

impl SkillDetails {
    fn dimensions(&self) -> String {
        let words = self.skill.dimensions.iter().map(|one| format!("{} {}", one.name, one.weight));
        words.collect::<Vec<_>>().join(", ")
    }

    fn lists(&self, document: &mut Document) {
        if !self.skill.notices.is_empty() {
            document.push(Heading::new("", "Doubtful"));
            let lines =
                self.skill.notices.iter().map(|one| format!("line {}: {}", one.line, one.text));
            document.push(Block::Items(lines.map(|line| Item::new(0, line)).collect()));
        }
        if !self.files.is_empty() {
            document.push(Heading::new("", "Files"));
            let lines = self.files.iter().map(|one| format!("{} ({})", one.path, bytes(one.bytes)));
            document.push(Block::Items(lines.map(|line| Item::new(0, line)).collect()));
        }
    }
}

fn notice(notice: &SkillNotice) -> Value {
    Value::record([
        ("line", Value::count(notice.line)),
        ("is_fault", notice.is_fault.into()),
        ("text", (&notice.text).into()),
    ])
}

fn file(file: &BesideFile) -> Value {
    Value::record([("path", (&file.path).into()), ("bytes", Value::Bytes(file.bytes))])
}

/// What is known of a skill or of an evaluator.
pub(in crate::commands) enum Known {
    Skill(SkillRecord),
    Judge(JudgeRecord),
}

impl Known {
    pub(in crate::commands) fn of(skill: &Skill, place: &str, records: &SkillRecords) -> Self {
        match skill.kind {
            SkillKind::Task => Self::Skill(records.of(&skill.name, place)),
            SkillKind::Evaluator => Self::Judge(records.of_judge(&skill.name, place)),
        }
    }

    /// Returns the number of tasks that it had to do with.
    pub(in crate::commands) fn tasks(&self) -> u64 {
        match self {
            Self::Skill(record) => record.shown + record.opened,
            Self::Judge(record) => record.judged,
        }
    }

    fn short(&self) -> Option<String> {
        Some(match self {
            Self::Skill(record) => format!("{} accepted", tally_words(record.effect.with)?),
            Self::Judge(record) => format!("{} stand", tally_words(record.stands)?),
        })
    }

    pub(in crate::commands) fn words(&self) -> String {
        match self {
            Self::Skill(record) => record_words(record),
            Self::Judge(record) => judge_words(record),
        }
    }

    pub(in crate::commands) fn value(&self) -> Value {
        match self {
            Self::Skill(record) => record_value(record),
            Self::Judge(JudgeRecord { judged, stands }) => {
                Value::record([("judged", Value::count(*judged)), ("stands", tally_value(*stands))])
            }
        }
    }
}

/// Says what became of the work that an evaluator judged.
fn judge_words(JudgeRecord { judged, stands }: &JudgeRecord) -> String {
    if *judged == 0 {
        return "it has judged none yet".to_owned();
    }
    let count = plural(usize::try_from(*judged).unwrap_or(usize::MAX), "task");
    if stands.decided == 0 {
        return format!("judged {count}");
    }
    let back = stands.decided - stands.accepted;
    let (low, high) = stands.bounds();
    let (low, high) = (low * 100.0, high * 100.0);
    format!(
        "judged {count}; of {} accepted you took back {back} ({low:.0} to {high:.0} % stand)",
        stands.decided
    )
}

/// Returns `8 of 9`; nothing where nothing was decided.
fn tally_words(tally: Tally) -> Option<String> {
    (tally.decided > 0).then(|| format!("{} of {}", tally.accepted, tally.decided))
}

/// Says how tasks ended with a skill and without it.
fn record_words(record: &SkillRecord) -> String {
    let SkillRecord { shown, opened, effect, .. } = record;
    if shown + opened == 0 {
        return "no task was given it yet".to_owned();
    }
    let given = format!("{shown} given it, {opened} opened it");
    let Some(with) = tally_words(effect.with) else { return given };
    let without = tally_words(effect.without).unwrap_or_else(|| "none".to_owned());
    format!("{given}; accepted {with} with it and {without} without: {}", effect_words(*effect))
}

/// Says what a skill does to the share of accepted tasks, as far as that is known.
fn effect_words(effect: SkillEffect) -> String {
    let percent = |share: f64| format!("{:+.0} %", share * 100.0);
    match effect.bounds() {
        Some((low, high)) if low > 0.0 => {
            format!("it helps ({} to {})", percent(low), percent(high))
        }
        Some((low, high)) if high < 0.0 => {
            format!("it does harm ({} to {})", percent(low), percent(high))
        }
        _ => "too few tasks to tell what it does".to_owned(),
    }
}

/// Returns a record for programs.
fn record_value(record: &SkillRecord) -> Value {
    let bounds = record.effect.bounds();
    let effect = Value::record([
        ("low", bounds.map(|(low, _)| Value::Number(low)).into()),
        ("high", bounds.map(|(_, high)| Value::Number(high)).into()),
        ("certain", Value::Number(record.effect.certain())),
    ]);
    Value::record([
        ("shown", Value::count(record.shown)),
        ("opened", Value::count(record.opened)),
        ("with", tally_value(record.effect.with)),
        ("without", tally_value(record.effect.without)),
        ("effect", effect),
        ("used_at", (record.used_ms > 0).then_some(Value::Instant(record.used_ms)).into()),
    ])
}

fn tally_value(tally: Tally) -> Value {
    let (low, high) = tally.bounds();
    Value::record([
        ("accepted", Value::count(tally.accepted)),
        ("decided", Value::count(tally.decided)),
        ("low", Value::Share(low)),
        ("high", Value::Share(high)),
    ])
}
