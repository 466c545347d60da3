//! What was proposed, as documents.

use openkoi_app::learn::proposals::ProposalSeen;
use openkoi_core::{
    document::{Block, Column, ColumnKind, Document, Heading, Pairs, Span, Table, Value, Verbatim},
    learning::Proposal,
};
use openkoi_storage::{proposals::KeptProposal, tasks::TaskRecord};

use crate::output::{Output, diff::unified, plural};

/// What is said where nothing was proposed.
const NOTHING: &str = "nothing is proposed yet: when at least three tasks of different sessions went alike, a skill that does \
                       the same is proposed here; openkoi learn --install SOURCE installs one of somebody else";

/// A list of proposals.
pub(super) struct ProposalList(pub(super) Vec<KeptProposal>);

impl Output for ProposalList {
    fn document(&self) -> Document {
        let columns = [
            Column::new("id", "ID", ColumnKind::Id),
            Column::for_people("WHAT", ColumnKind::Text),
            Column::new("confidence", "SURE", ColumnKind::Share),
            Column::for_people("RESTS ON", ColumnKind::Text),
            Column::new("proposed_at", "SINCE", ColumnKind::Instant),
            Column::new("state", "STATE", ColumnKind::Text),
            Column::for_programs("kind", ColumnKind::Text),
            Column::for_programs("title", ColumnKind::Text),
            Column::for_programs("workspace", ColumnKind::Text),
            Column::for_programs("learner", ColumnKind::Text),
            Column::for_programs("tasks", ColumnKind::Data),
        ];
        let rows = self.0.iter().map(|one| {
            let tasks = one.proposal.tasks();
            [
                Value::id(&one.id),
                title(one).into(),
                confidence(&one.proposal),
                plural(tasks.len(), "task").into(),
                Value::Instant(one.proposed_ms),
                one.state.word().into(),
                kind(&one.proposal).into(),
                one.proposal.title().into(),
                (&one.workspace).into(),
                (&one.learner).into(),
                Value::list(tasks),
            ]
        });
        Document::new("Proposals")
            .with(Table::new("proposals", columns).or_else(NOTHING).rows(rows))
    }
}

/// One proposal.
pub(super) struct ProposalDetails(pub(super) ProposalSeen);

impl Output for ProposalDetails {
    fn document(&self) -> Document {
        let ProposalSeen { kept, draft, before, forgets, evidence, applies_to } = &self.0;
        let KeptProposal { proposal, .. } = kept;
        let pairs = Pairs::new("")
            .pair("id", "proposal", Value::id(&kept.id))
            .for_people("what", Span::strong(title(kept)))
            .pair("workspace", "seen in", &kept.workspace)
            .pair("confidence", "sure", confidence(proposal))
            .pair("state", "state", kept.state.word())
            .pair("proposed_at", "since", Value::Instant(kept.proposed_ms))
            .for_programs("kind", kind(proposal))
            .for_programs("title", proposal.title())
            .for_programs("learner", &kept.learner)
            .for_programs("is_new_version", before.is_some());
        let mut document = Document::new("Proposal").with(pairs);
        if let (Some(text), Proposal::Retire { reason, .. }) = (forgets, proposal) {
            document.push(Heading::end());
            document.push(Block::paragraph(format!("\"{text}\", because {reason}")));
        }
        document.push(Heading::new("", "What it rests on"));
        document.push(tasks("evidence", evidence, "no task that is still known"));
        if draft.is_some() {
            document.push(Heading::new("", "The last other tasks that it is about"));
            document.push(tasks("applies_to", applies_to, "none of the last 200"));
        }
        match (draft, before) {
            (Some(draft), Some(before)) => {
                document.push(Heading::new("", "What differs from the one that you have"));
                document.push(Verbatim::new("diff", unified(before, draft)).keyed("diff"));
            }
            (Some(draft), None) => {
                document.push(Heading::new("", "The skill"));
                document.push(Verbatim::new("markdown", draft).keyed("text"));
            }
            (None, _) => {}
        }
        document
    }
}

/// Returns what a proposal is, on one line.
pub(super) fn title(kept: &KeptProposal) -> String {
    match &kept.proposal {
        Proposal::Skill { name, description, .. } => format!("skill {name}: {description}"),
        Proposal::Soul { reason, .. } => format!("SOUL.md: {reason}"),
        Proposal::Retire { reason, .. } => format!("forget something: {reason}"),
    }
}

fn kind(proposal: &Proposal) -> &'static str {
    match proposal {
        Proposal::Skill { .. } => "skill",
        Proposal::Soul { .. } => "soul",
        Proposal::Retire { .. } => "retire",
    }
}

fn confidence(proposal: &Proposal) -> Value {
    match proposal {
        Proposal::Skill { confidence, .. } => Value::Share(*confidence),
        _ => Value::Nothing,
    }
}

fn tasks(key: &str, tasks: &[TaskRecord], none: &str) -> Table {
    let columns = [
        Column::new("id", "ID", ColumnKind::Id),
        Column::new("text", "TASK", ColumnKind::Text),
        Column::new("status", "STATUS", ColumnKind::Text),
        Column::new("iterations", "ITERATIONS", ColumnKind::Count),
        Column::new("cost_usd", "COST", ColumnKind::Money),
        Column::new("started_at", "STARTED", ColumnKind::Instant),
    ];
    let rows = tasks.iter().map(|task| {
        [
            Value::id(&task.id),
            task.text.lines().next().unwrap_or_default().into(),
            task.status.word().into(),
            Value::Count(task.iterations.into()),
            Value::money_at_most(task.cost_micros, task.at_most),
            Value::Instant(task.started_ms),
        ]
    });
    Table::new(key, columns).or_else(none).rows(rows)
}
