//! `records`: what the storage tells of earlier tasks.

use std::sync::Arc;

use openkoi_core::{
    capability::Use,
    deliberation::assessment::Vote,
    failure::Failure,
    port::Records,
    records::{self as core, CallEnd, Reaction, TaskStage},
    tool::Effect,
};

use super::{Stop, WitResult, blocking, wit_result};
use crate::{
    bindings::imports::openkoi::{
        host::records::{
            ActionEffect, Assessment, Call, CallOutcome, ChangedFile, Check, Command, Decision,
            Host, Iteration, IterationDecision, Query, Reaction as WitReaction, ReactionKind,
            ShownLearning, Spending, Task, TaskStatus, Verdict, Vote as WitVote,
        },
        types::conversation::Usage,
    },
    instance::GuestState,
};

/// The most records of one call.
const MOST: u32 = 10_000;

/// What a record counts of the bytes of a call, besides its text.
const RECORD_BYTES: usize = 64;

impl Host for GuestState {
    async fn tasks(&mut self, query: Query) -> WitResult<Vec<Task>> {
        wit_result(self.recorded(query, |records, query| records.tasks(query), task).await)
    }

    async fn iterations(&mut self, query: Query) -> WitResult<Vec<Iteration>> {
        let read = |records: &dyn Records, query: &_| records.iterations(query);
        wit_result(self.recorded(query, read, iteration).await)
    }

    async fn calls(&mut self, query: Query) -> WitResult<Vec<Call>> {
        wit_result(self.recorded(query, |records, query| records.calls(query), call).await)
    }

    async fn decisions(&mut self, query: Query) -> WitResult<Vec<Decision>> {
        wit_result(self.recorded(query, |records, query| records.decisions(query), decision).await)
    }

    async fn verdicts(&mut self, query: Query) -> WitResult<Vec<Verdict>> {
        wit_result(self.recorded(query, |records, query| records.verdicts(query), verdict).await)
    }

    async fn spendings(&mut self, query: Query) -> WitResult<Vec<Spending>> {
        wit_result(self.recorded(query, |records, query| records.spendings(query), spending).await)
    }

    async fn commands(&mut self, query: Query) -> WitResult<Vec<Command>> {
        wit_result(self.recorded(query, |records, query| records.commands(query), command).await)
    }

    async fn checks(&mut self, query: Query) -> WitResult<Vec<Check>> {
        wit_result(self.recorded(query, |records, query| records.checks(query), check).await)
    }

    async fn changed_files(&mut self, query: Query) -> WitResult<Vec<ChangedFile>> {
        let read = |records: &dyn Records, query: &_| records.changed_files(query);
        let file = |one: core::PastFile| ChangedFile { task: one.task.to_string(), path: one.path };
        wit_result(self.recorded(query, read, file).await)
    }

    async fn reactions(&mut self, query: Query) -> WitResult<Vec<WitReaction>> {
        wit_result(self.recorded(query, |records, query| records.reactions(query), reaction).await)
    }

    async fn shown_learnings(&mut self, query: Query) -> WitResult<Vec<ShownLearning>> {
        let read = |records: &dyn Records, query: &_| records.shown_learnings(query);
        let shown = |one: core::ShownLearning| ShownLearning {
            task: one.task.to_string(),
            learning: one.learning,
        };
        wit_result(self.recorded(query, read, shown).await)
    }

    async fn assessments(&mut self, query: Query) -> WitResult<Vec<Assessment>> {
        let read = |records: &dyn Records, query: &_| records.assessments(query);
        wit_result(self.recorded(query, read, assessment).await)
    }
}

impl GuestState {
    /// Reads records, and counts their size in memory as bytes of the call.
    async fn recorded<T: Send + 'static, W>(
        &mut self,
        query: Query,
        read: fn(&dyn Records, &core::RecordQuery) -> Result<Vec<T>, Failure>,
        out: fn(T) -> W,
    ) -> Result<Vec<W>, Stop> {
        self.charge(query.task.as_ref().map_or(0, String::len))?;
        let wanted = Use::Whole { interface: "records", target: "the records of earlier tasks" };
        self.pass_reading(&wanted).await?;
        let records = Arc::clone(&self.brokers.records);
        let limit = query.limit.min(MOST);
        let query = core::RecordQuery { task: query.task, since_ms: query.since_ms, limit };
        let found = blocking(self.limits.host_call, move || read(&*records, &query)).await?;
        self.charge_bytes(found.len() * (RECORD_BYTES + size_of::<T>()))?;
        Ok(found.into_iter().map(out).collect())
    }
}

fn task(task: core::PastTask) -> Task {
    Task {
        id: task.id.to_string(),
        session: task.session,
        workspace: task.workspace,
        text: task.text,
        status: match task.stage {
            TaskStage::Running => TaskStatus::Running,
            TaskStage::Interrupted => TaskStatus::Interrupted,
            TaskStage::Paused => TaskStatus::Paused,
            TaskStage::Accepted => TaskStatus::Accepted,
            TaskStage::Stopped => TaskStatus::Stopped,
            TaskStage::Cancelled => TaskStatus::Cancelled,
            TaskStage::Failed => TaskStatus::Failed,
        },
        started_ms: task.started_ms,
        ended_ms: task.ended_ms,
        iterations: task.iterations,
        score: task.score,
        cost_micros: task.cost_micros,
    }
}

fn iteration(one: core::PastIteration) -> Iteration {
    Iteration {
        task: one.task.to_string(),
        number: one.number,
        score: one.score,
        decision: match one.decision.as_str() {
            "accept" => IterationDecision::Accept,
            "stop" => IterationDecision::Stop,
            _ => IterationDecision::Refine,
        },
    }
}

fn call(one: core::PastCall) -> Call {
    Call {
        task: one.task.to_string(),
        tool: one.tool,
        outcome: match one.end {
            CallEnd::Ok => CallOutcome::Ok,
            CallEnd::Failed => CallOutcome::Failed,
            CallEnd::Denied => CallOutcome::Denied,
        },
        at_ms: one.at_ms,
        duration_ms: one.duration_ms,
    }
}

fn decision(one: core::PastDecision) -> Decision {
    Decision {
        task: one.task.to_string(),
        key: one.key,
        origin: one.origin,
        action: one.action,
        effect: match one.effect {
            Effect::Read => ActionEffect::Read,
            Effect::Write => ActionEffect::Write,
            Effect::Execute => ActionEffect::Execute,
            Effect::Send => ActionEffect::Send,
            Effect::Destructive => ActionEffect::Destructive,
        },
        domain: one.domain,
        target: one.target,
        ground: one.ground,
        allowed: one.allowed,
        answered: one.answered,
        at_ms: one.at_ms,
    }
}

fn verdict(one: core::PastVerdict) -> Verdict {
    Verdict {
        task: one.task.to_string(),
        iteration: one.iteration,
        evaluator: one.evaluator,
        score: one.score,
        findings: one.findings,
    }
}

fn spending(one: core::PastSpending) -> Spending {
    let usage = one.usage;
    Spending {
        task: one.task.to_string(),
        model: one.model,
        role: one.role,
        usage: Usage {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
        },
        cost_micros: one.cost_micros,
    }
}

fn command(one: core::PastCommand) -> Command {
    Command {
        task: one.task.to_string(),
        command: one.command,
        exit_code: one.exit_code,
        at_ms: one.at_ms,
        duration_ms: one.duration_ms,
    }
}

fn check(one: core::PastCheck) -> Check {
    Check {
        task: one.task.to_string(),
        id: one.id,
        category: one.category,
        command: one.command,
        passed: one.passed,
        at_ms: one.at_ms,
        duration_ms: one.duration_ms,
    }
}

fn reaction(one: core::PastReaction) -> WitReaction {
    WitReaction {
        task: one.task.to_string(),
        kind: match one.reaction {
            Reaction::Kept => ReactionKind::Kept,
            Reaction::Edited => ReactionKind::Edited,
            Reaction::Undone => ReactionKind::Undone,
            Reaction::Repeated => ReactionKind::Repeated,
        },
        at_ms: one.at_ms,
    }
}

fn assessment(one: core::PastAssessment) -> Assessment {
    Assessment {
        task: one.task.to_string(),
        agency: one.agency,
        kind: one.kind,
        vote: match one.vote {
            Vote::Approve => WitVote::Approve,
            Vote::Caveats => WitVote::Caveats,
            Vote::Objection => WitVote::Objection,
            Vote::Veto => WitVote::Veto,
            Vote::Ask => WitVote::Ask,
            Vote::Abstain => WitVote::Abstain,
        },
        confidence: one.confidence,
        success: one.success,
        reason: one.reason,
        caveats: one.caveats,
        requests: one.requests,
        cost_micros: one.cost_micros,
        changed: one.changed,
        passed: one.passed,
        at_ms: one.at_ms,
    }
}
