//! Skills as they fit a task.

use openkoi_app::{
    skills::{self, LoadedSkills, Nearness, RankedSkill},
    thread,
};
use openkoi_core::document::{Block, Column, ColumnKind, Document, Span, Table, Value};

use super::find::{loaded, records};
use crate::{commands::memory::meaning, context::Context, error::CommandError, output::Output};

/// Skills as they fit a task, the best first.
pub(super) struct Ranking {
    rows: Vec<RankedRow>,
    is_by_meaning: bool,
}

struct RankedRow {
    name: String,
    source: &'static str,
    score: f64,
    is_apt: bool,
    description: String,
}

/// Returns the skills as they fit a task, by words, and by meaning where there is something that knows it.
pub(super) fn ranking(task: &str, context: &Context) -> Result<Ranking, CommandError> {
    let (skills, records) = (loaded(context)?, records(context)?);
    let near = near(&skills, task, context)?;
    let ranked = skills.ranked(task, near.skills.as_deref(), &records).into_iter();
    let rows = ranked.map(|RankedSkill { skill, score, is_apt }| RankedRow {
        name: skill.name.clone(),
        source: skill.source.word(),
        score,
        is_apt,
        description: skill.description.clone(),
    });
    Ok(Ranking { rows: rows.collect(), is_by_meaning: near.skills.is_some() })
}

/// Whoever asks waits until the meaning is known, too. Vectors are kept where there is a storage.
fn near(skills: &LoadedSkills, task: &str, context: &Context) -> Result<Nearness, CommandError> {
    let (Some(storage), Some(meaning)) = (context.existing_storage()?, meaning::of(context)) else {
        return Ok(Nearness::default());
    };
    Ok(thread::block(skills::nearness(skills, &storage, &meaning, task))?)
}

impl Output for Ranking {
    fn document(&self) -> Document {
        let columns = [
            Column::new("name", "NAME", ColumnKind::Text),
            Column::new("source", "FROM", ColumnKind::Text),
            Column::new("is_apt", "ABOUT IT", ColumnKind::Flag),
            Column::new("score", "FIT", ColumnKind::Number),
            Column::new("description", "WHAT IT IS FOR", ColumnKind::Text),
        ];
        let rows = self.rows.iter().map(|row| {
            [
                (&row.name).into(),
                row.source.into(),
                row.is_apt.into(),
                Value::Number(row.score),
                (&row.description).into(),
            ]
        });
        let words = "by words alone: what skills mean is not known here yet";
        let words = (!self.is_by_meaning && !self.rows.is_empty())
            .then(|| Block::paragraph(Span::muted(words)));
        let empty = "there are no skills for tasks; openkoi skill new NAME writes one";
        Document::new("Skills")
            .with(Table::new("skills", columns).or_else(empty).rows(rows))
            .with_all(words)
    }
}
