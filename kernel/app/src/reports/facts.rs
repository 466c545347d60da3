//! The facts that reports are given, in the form that the SDK's `view::facts` reads.

use std::{collections::HashMap, path::Path};

use openkoi_core::{
    atlas::{
        Domain, DomainAtlas, DomainTask, Habit, HumanAtlas, ProgramRecord, ToolAtlas, ToolRecord,
    },
    id::TaskId,
    learning::Proposal,
    memory::{Learning, Source},
    port::Records,
    records::{PastReaction, PastTask, Reaction, RecordQuery, TaskStage},
    skill::Tally,
    trust::delegation::{Advice, Delegation},
    views::Fact,
};
use openkoi_storage::{Storage, memory::LearningQuery, proposals::KeptProposal};
use serde_json::{Value, json};

use crate::{
    app::App,
    day,
    error::AppError,
    settings::Settings,
    soul::{
        self, Origin,
        changes::{self, SoulCommit},
    },
    trust::{self, DomainTrust},
    undo,
};

/// The most records of one kind that are looked at, the newest.
const MOST: u32 = 10_000;
/// The most files of tasks.
const MOST_FILES: u32 = 100_000;
/// The days whose beginnings a view is told.
const DAYS: usize = 28;
/// Grants that ended and are shown.
const ENDED: usize = 10;

/// Somebody who gathers facts. Without a storage nothing was done yet.
pub(super) struct Gathering<'a> {
    pub(super) app: &'a App,
    pub(super) settings: &'a Settings,
    pub(super) workspace: &'a Path,
    pub(super) storage: Option<&'a Storage>,
}

impl Gathering<'_> {
    /// Returns a fact as a view is given it.
    pub(super) fn fact(&self, fact: Fact) -> Result<Value, AppError> {
        match fact {
            Fact::Time => Ok(time(self.app.now_ms())),
            Fact::Atlas => self.atlas(),
            Fact::Learnings => self.learnings(),
            Fact::Undone => Ok(json!(undo::still_undone(self.app)?)),
            Fact::Trust => self.trust(),
            Fact::Soul => self.soul(),
        }
    }

    fn all_learnings(&self) -> Result<Vec<Learning>, AppError> {
        let Some(storage) = self.storage else { return Ok(Vec::new()) };
        let all = LearningQuery { past: true, ..LearningQuery::default() };
        Ok(storage.learnings(&all)?)
    }

    fn atlas(&self) -> Result<Value, AppError> {
        let Some(storage) = self.storage else { return Ok(atlas(&Atlas::default())) };
        let query = RecordQuery { limit: MOST, ..RecordQuery::default() };
        let failed = AppError::Records;
        let calls = storage.calls(&query).map_err(failed)?;
        let commands = storage.commands(&query).map_err(failed)?;
        let checks = storage.checks(&query).map_err(failed)?;
        let reactions = self.reactions(storage, &query)?;
        let now = self.app.now_ms();
        let learnings = self.all_learnings()?;
        let holding: Vec<Learning> = learnings.into_iter().filter(is_active).collect();
        let tasks = self.domain_tasks(storage, &query)?;
        Ok(atlas(&Atlas {
            tools: ToolAtlas::of(&calls, &commands, &checks),
            domains: DomainAtlas::of(&tasks, &holding, now),
            human: HumanAtlas::of(&holding, &reactions),
        }))
    }

    /// Returns what became of the work of tasks, as it is now: an undo is known at once, and what else the user did is seen when
    /// the next task begins.
    fn reactions(
        &self,
        storage: &Storage,
        query: &RecordQuery,
    ) -> Result<Vec<PastReaction>, AppError> {
        let mut reactions = storage.reactions(query).map_err(AppError::Records)?;
        let undone = undo::still_undone(self.app)?;
        reactions
            .retain(|one| one.reaction != Reaction::Undone && !undone.contains(one.task.as_str()));
        reactions.extend(undone.into_iter().map(|task| PastReaction {
            task: TaskId::new(task),
            reaction: Reaction::Undone,
            at_ms: 0,
        }));
        Ok(reactions)
    }

    /// Returns tasks as the atlas of fields of work sees them.
    fn domain_tasks(
        &self,
        storage: &Storage,
        query: &RecordQuery,
    ) -> Result<Vec<DomainTask>, AppError> {
        let failed = AppError::Records;
        let undone = undo::still_undone(self.app)?;
        let files = RecordQuery { limit: MOST_FILES, ..query.clone() };
        let mut changed: HashMap<String, Vec<String>> = HashMap::new();
        for file in storage.changed_files(&files).map_err(failed)? {
            changed.entry(file.task.to_string()).or_default().push(file.path);
        }
        let tasks = Records::tasks(storage, query).map_err(failed)?.into_iter();
        let seen = |task: PastTask| {
            let id = task.id.to_string();
            Some(DomainTask {
                accepted: match task.stage {
                    TaskStage::Accepted => Some(true),
                    TaskStage::Stopped => Some(false),
                    _ => None,
                },
                reaction: undone.contains(&id).then_some(Reaction::Undone),
                files: changed.remove(&id)?,
                ended_ms: task.ended_ms.unwrap_or(task.started_ms),
            })
        };
        Ok(tasks.filter_map(seen).collect())
    }

    fn learnings(&self) -> Result<Value, AppError> {
        let now = self.app.now_ms();
        let learning = |one: &Learning| {
            let task = match &one.source {
                Source::User => "",
                Source::Task(task) => task.as_str(),
            };
            json!({
                "id": one.id,
                "text": one.text,
                "said": one.source == Source::User,
                "task": task,
                "confidence": one.confidence_at(now),
                "learnt_ms": one.learnt_ms,
                "state": one.state.word(),
                "helped": one.uses.accepted,
                "failed": one.uses.refused + one.uses.undone,
            })
        };
        Ok(self.all_learnings()?.iter().map(learning).collect())
    }

    fn trust(&self) -> Result<Value, AppError> {
        let Self { app, settings, workspace, .. } = *self;
        let (domains, ended, rules) = match self.storage {
            None => (configured(settings), Vec::new(), 0),
            Some(storage) => {
                let now = app.now_ms();
                let domains = trust::domains(app, settings, storage, workspace)?;
                let all = storage.delegations()?.into_iter();
                let mut over: Vec<Delegation> = all.filter(|one| is_over(one, now)).collect();
                over.sort_by_key(|one| std::cmp::Reverse(ended_ms(one)));
                over.truncate(ENDED);
                (domains, over, storage.rules()?.len())
            }
        };
        Ok(json!({
            "workspace": workspace.to_string_lossy(),
            "fallback": settings.trust.fallback.word(),
            "domains": domains.iter().map(domain).collect::<Vec<_>>(),
            "ended": ended.iter().map(delegation).collect::<Vec<_>>(),
            "rules": rules,
        }))
    }

    fn soul(&self) -> Result<Value, AppError> {
        let soul = soul::read(self.app, self.settings, self.workspace)?;
        let (path, _) = changes::own(self.app)?;
        let origin = match &soul.origin {
            Origin::Bundled => "bundled",
            Origin::User(_) => "own",
            Origin::Project(_) => "project",
        };
        let (shown, proposals) = match self.storage {
            Some(storage) => (soul::shown(self.app, storage)?, changes::proposed(storage)?),
            None => Default::default(),
        };
        let history = changes::history(self.app)?;
        let undone =
            |one: &SoulCommit| history.iter().any(|other| other.undoes.as_ref() == Some(&one.id));
        let change = |one: &SoulCommit| {
            json!({
                "id": one.id,
                "at_ms": one.at_ms,
                "reason": one.reason,
                "before": one.before,
                "after": one.after,
                "tasks": one.tasks,
                "is_undone": undone(one),
                "is_undo": one.undoes.is_some(),
            })
        };
        Ok(json!({
            "text": soul.text,
            "origin": origin,
            "path": path.to_string_lossy(),
            "values": shown.values.iter().map(seen).collect::<Vec<_>>(),
            "trajectory": shown.trajectory.iter().map(seen).collect::<Vec<_>>(),
            "changes": history.iter().map(change).collect::<Vec<_>>(),
            "proposals": proposals.iter().filter_map(proposed).collect::<Vec<_>>(),
        }))
    }
}

/// What is known of the world.
#[derive(Default)]
struct Atlas {
    tools: ToolAtlas,
    domains: DomainAtlas,
    human: HumanAtlas,
}

fn is_active(learning: &Learning) -> bool {
    learning.state == openkoi_core::memory::State::Active
}

/// Returns the time as a view is told it.
fn time(now_ms: u64) -> Value {
    json!({ "now_ms": now_ms, "days_ms": day::last(&day::zone_here(), now_ms, DAYS) })
}

fn tally(tally: Tally) -> Value {
    json!({ "well": tally.accepted, "of": tally.decided })
}

fn atlas(atlas: &Atlas) -> Value {
    let tool = |(name, one): (&String, &ToolRecord)| {
        json!({
            "name": name,
            "calls": tally(one.calls),
            "denied": one.denied,
            "failures": one.failures,
            "median_ms": one.median_ms,
        })
    };
    let program = |(name, one): (&String, &ProgramRecord)| {
        json!({
            "name": name,
            "runs": tally(one.runs),
            "not_found": one.not_found,
            "median_ms": one.median_ms,
            "instead": one.instead,
        })
    };
    let domain = |(name, one): (&String, &Domain)| {
        json!({
            "name": name,
            "tasks": tally(one.tasks),
            "last_ms": one.last_ms,
            "learnings": one.learnings,
            "confidence": one.confidence,
        })
    };
    let human = &atlas.human;
    let words = human.words.iter().map(|word| {
        json!({
            "id": word.id,
            "text": word.text,
            "everywhere": word.everywhere,
            "said_ms": word.said_ms,
        })
    });
    json!({
        "tools": atlas.tools.tools.iter().map(tool).collect::<Vec<_>>(),
        "programs": atlas.tools.programs.iter().map(program).collect::<Vec<_>>(),
        "domains": atlas.domains.domains.iter().map(domain).collect::<Vec<_>>(),
        "human": {
            "words": words.collect::<Vec<_>>(),
            "kept": human.kept,
            "edited": human.edited,
            "undone": human.undone,
            "repeated": human.repeated,
        },
    })
}

/// Returns the domains that are configured, on a home on which nothing was done yet.
fn configured(settings: &Settings) -> Vec<DomainTrust> {
    let domain = |(name, level): (&String, &openkoi_core::trust::TrustLevel)| DomainTrust {
        name: name.clone(),
        level: *level,
        ceiling: Some(*level),
        grant: None,
        outcomes: Tally::default(),
        advice: openkoi_core::trust::delegation::advise(*level, Tally::default()),
    };
    settings.trust.domains.iter().map(domain).collect()
}

fn domain(domain: &DomainTrust) -> Value {
    let (advice, wanting) = match domain.advice {
        Advice::Raise(level) | Advice::Lower(level) => (Some(level.word()), 0),
        Advice::Keep => (None, 0),
        Advice::TooFew(more) => (None, more),
    };
    json!({
        "name": domain.name,
        "level": domain.level.word(),
        "ceiling": domain.ceiling.map(|level| level.word()),
        "grant": domain.grant.as_ref().map(delegation),
        "outcomes": tally(domain.outcomes),
        "advice": advice,
        "wanting": wanting,
    })
}

fn seen(one: &Habit) -> Value {
    json!({ "text": one.text, "choices": tally(one.choices), "tasks": one.tasks })
}

fn proposed(kept: &KeptProposal) -> Option<Value> {
    let Proposal::Soul { before, after, reason, tasks } = &kept.proposal else { return None };
    Some(json!({
        "id": kept.id,
        "at_ms": kept.proposed_ms,
        "before": before,
        "after": after,
        "reason": reason,
        "tasks": tasks,
    }))
}

/// Returns whether a grant holds no more, wherever it held.
fn is_over(one: &Delegation, now_ms: u64) -> bool {
    one.ended.is_some() || one.expires_ms.is_some_and(|expires| expires <= now_ms)
}

fn ended_ms(one: &Delegation) -> Option<u64> {
    one.ended.map(|(at_ms, _)| at_ms).or(one.expires_ms)
}

fn delegation(one: &Delegation) -> Value {
    let ended = one.ended.map_or("", |(_, why)| why.word());
    json!({
        "domain": one.domain,
        "level": one.level.word(),
        "workspace": one.workspace,
        "reason": one.reason,
        "names": one.names,
        "granted_ms": one.granted_ms,
        "expires_ms": one.expires_ms,
        "ended_ms": ended_ms(one).filter(|_| one.ended.is_some()),
        "ended": ended,
    })
}
