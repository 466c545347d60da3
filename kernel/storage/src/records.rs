//! Records of earlier tasks: rows that are written beside the entries which say so, and read without one.

use std::collections::BTreeSet;

use openkoi_core::{
    agencies::AgencyUse,
    command_line::as_typed,
    decision::Decision,
    deliberation::{
        assessment::Vote,
        forecast::PastWork,
        ruling::{Ruling, Seat},
    },
    evaluation::{CheckOutcome, Verdict},
    event::{Entry, Event},
    failure::Failure,
    id::TaskId,
    message::Usage,
    outcome::Outcome,
    port::Records,
    records::{
        CallEnd, PastAssessment, PastCall, PastCheck, PastCommand, PastDecision, PastFile,
        PastIteration, PastReaction, PastSpending, PastTask, PastVerdict, Reaction, RecordQuery,
        ShownLearning, TaskStage,
    },
    tool::{Effect, Receipt, ToolOutput},
};
use rusqlite::{Row, Transaction};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    memory::word,
    status::TaskStatus,
};

/// The columns of calls, programs and checks, as they are read.
const CALL: &str = "task, tool, outcome, failure, at_ms, duration_ms";
const COMMAND: &str = "task, command, exit_code, at_ms, duration_ms";
const CHECK: &str = "task, name, category, command, passed, at_ms, duration_ms";

/// The course of some tasks, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Calls of tools.
    pub calls: Vec<PastCall>,
    /// Programs that ran.
    pub commands: Vec<PastCommand>,
    /// Checks that ran.
    pub checks: Vec<PastCheck>,
}

/// The most characters of a command or a task's text in a record.
const LONGEST: usize = 500;
/// The most files of a task that are recorded, and the most checks of a verdict.
const MOST: usize = 200;

/// Adds what an entry says to the records. In the transaction of the entry.
pub(crate) fn project(
    transaction: &Transaction<'_>,
    task: &TaskId,
    entry: &Entry,
) -> Result<(), StorageError> {
    let record = Recording { transaction, task, at_ms: entry.at_ms };
    match &entry.event {
        Event::TaskStarted { notes, .. } => notes.iter().try_for_each(|note| {
            let sql = "INSERT OR IGNORE INTO shown_learnings (task, learning) VALUES (?1, ?2)";
            record.add(sql, (task.as_str(), &note.id))
        }),
        Event::CallFinished { tool, result, duration_ms } => {
            record.call(tool, result, *duration_ms)
        }
        Event::GateDecided { .. } => record.decision(entry),
        Event::ProcessFinished { receipt, .. } => record.command(receipt),
        Event::EvaluationFinished { evaluator, result: Ok(verdict), .. } => {
            record.verdict(&entry.key, evaluator, verdict)
        }
        Event::IterationDecided { number, decision, standing, .. } => {
            let sql = "INSERT INTO iteration_records (task, number, score, decision, at_ms)
                       VALUES (?1, ?2, ?3, ?4, ?5)";
            let at = stored(entry.at_ms);
            record.add(sql, (task.as_str(), number, standing.score, decision, at))
        }
        Event::TaskFinished { outcome } => record.files(outcome),
        Event::DeliberationHeld { kind, seats, ruling } => {
            seats.iter().try_for_each(|seat| record.assessment(kind, seat, ruling))
        }
        Event::RulingOverruled { .. } => {
            let sql = "UPDATE assessment_records SET passed = 1 WHERE task = ?1";
            record.add(sql, [task.as_str()])
        }
        _ => Ok(()),
    }
}

/// The tables with the course of a run.
const COURSE: [&str; 5] =
    ["call_records", "command_records", "check_records", "verdict_records", "iteration_records"];

/// Removes what is recorded of the course of a run.
pub(crate) fn forget_course(
    transaction: &Transaction<'_>,
    task: &TaskId,
) -> Result<(), StorageError> {
    COURSE.iter().try_for_each(|table| {
        let sql = format!("DELETE FROM {table} WHERE task = ?1");
        transaction.execute(&sql, [task.as_str()])?;
        Ok(())
    })
}

struct Recording<'a> {
    transaction: &'a Transaction<'a>,
    task: &'a TaskId,
    at_ms: u64,
}

impl Recording<'_> {
    fn add(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), StorageError> {
        self.transaction.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    fn call(
        &self,
        tool: &str,
        result: &Result<ToolOutput, Failure>,
        duration_ms: u64,
    ) -> Result<(), StorageError> {
        let (end, failure) = match result {
            Ok(_) => (CallEnd::Ok, ""),
            Err(failure @ Failure::Denied { .. }) => (CallEnd::Denied, failure.word()),
            Err(failure) => (CallEnd::Failed, failure.word()),
        };
        let sql = "INSERT INTO call_records (task, tool, outcome, failure, at_ms, duration_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (at, lasted) = (stored(self.at_ms), stored(duration_ms));
        self.add(sql, (self.task.as_str(), tool, end.word(), failure, at, lasted))
    }

    fn decision(&self, entry: &Entry) -> Result<(), StorageError> {
        let Event::GateDecided { origin, action, effect, domain, target, decision, answer, .. } =
            &entry.event
        else {
            return Ok(());
        };
        let (ground, allowed) = match decision {
            Decision::Allow { because } => (because.as_str(), true),
            Decision::Deny { .. } => ("", false),
            // It is decided when it is known what it would change.
            Decision::Try => return Ok(()),
        };
        // The call or the turn that they are for says it.
        let is_part = action == "process" || action == "model";
        if is_part || *effect == Effect::Read && action != "http" {
            return Ok(());
        }
        let sql = "INSERT INTO decision_records
                   (task, key, origin, action, effect, domain, target, ground, allowed, answered, at_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let (task, target) = (self.task.as_str(), beginning(target));
        self.add(
            sql,
            rusqlite::params![
                task,
                entry.key,
                origin,
                action,
                effect.word(),
                domain,
                target,
                ground,
                allowed,
                answer.is_some(),
                stored(self.at_ms)
            ],
        )
    }

    fn command(&self, receipt: &Receipt) -> Result<(), StorageError> {
        let sql = "INSERT INTO command_records (task, command, exit_code, at_ms, duration_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let (at, lasted) = (stored(self.at_ms), stored(receipt.duration_ms));
        let command = as_typed(&receipt.command);
        let row = (self.task.as_str(), beginning(&command), receipt.exit_code, at, lasted);
        self.add(sql, row)
    }

    fn verdict(&self, key: &str, evaluator: &str, verdict: &Verdict) -> Result<(), StorageError> {
        let first = key.split('/').next().unwrap_or_default();
        let iteration = first.strip_prefix('i').and_then(|number| number.parse::<u32>().ok());
        let scores = verdict.scores.iter().map(|score| score.value);
        let mean = scores.clone().sum::<f64>() / verdict.scores.len() as f64;
        let score = (!verdict.scores.is_empty()).then_some(mean);
        let at = stored(self.at_ms);
        let findings = i64::try_from(verdict.findings.len()).unwrap_or(i64::MAX);
        let sql = "INSERT INTO verdict_records (task, iteration, evaluator, score, findings, at_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let task = self.task.as_str();
        self.add(sql, (task, iteration.unwrap_or_default(), evaluator, score, findings, at))?;
        let sql =
            "INSERT INTO check_records (task, name, category, command, passed, at_ms, duration_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        for check in verdict.checks.iter().take(MOST) {
            let passed = match check.outcome {
                CheckOutcome::Passed => true,
                CheckOutcome::Failed | CheckOutcome::Flaky => false,
                // It says nothing of the project.
                CheckOutcome::Errored | CheckOutcome::Skipped => continue,
            };
            let (command, lasted) = (beginning(&check.command), stored(check.duration_ms));
            self.add(sql, (task, &check.id, &check.category, command, passed, at, lasted))?;
        }
        Ok(())
    }

    fn assessment(&self, kind: &str, seat: &Seat, ruling: &Ruling) -> Result<(), StorageError> {
        let Seat { agency, assessment, requests, spent, changed } = seat;
        let caveats = i64::try_from(assessment.caveats.len()).unwrap_or(i64::MAX);
        let sql = "INSERT INTO assessment_records (task, agency, kind, vote, confidence, success, reason, caveats,
                                                   requests, cost_micros, changed, passed, at_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let row = rusqlite::params![
            self.task.as_str(),
            agency,
            kind,
            assessment.vote.word(),
            assessment.confidence,
            assessment.success,
            beginning(&assessment.reason),
            caveats,
            requests,
            stored(spent.cost_micros),
            changed,
            ruling.stops.is_empty(),
            stored(self.at_ms),
        ];
        self.add(sql, row)
    }

    fn files(&self, outcome: &Outcome) -> Result<(), StorageError> {
        // A task that went on ends again.
        self.add("DELETE FROM changed_files WHERE task = ?1", [self.task.as_str()])?;
        let paths: BTreeSet<&str> =
            outcome.changes.iter().map(|change| change.path.as_str()).take(MOST).collect();
        paths.into_iter().try_for_each(|path| {
            let sql = "INSERT INTO changed_files (task, path) VALUES (?1, ?2)";
            self.add(sql, (self.task.as_str(), path))
        })
    }
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

impl Storage {
    /// Reads records: the columns of `sql`, which ends with its conditions on `?1` (a task), `?2` (a time) and `?3` (their
    /// number).
    fn recorded<T>(
        &self,
        sql: &str,
        query: &RecordQuery,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Failure> {
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let since = query.since_ms.map(stored);
            let rows = statement.query_map((&query.task, since, query.limit), read)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        Ok(found?)
    }

    fn rows<T>(
        &self,
        columns: &str,
        table: &str,
        query: &RecordQuery,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Failure> {
        let narrowed = narrowed(query, "task", "at_ms");
        let sql =
            format!("SELECT {columns} FROM {table} WHERE {narrowed} ORDER BY row DESC LIMIT ?3");
        self.recorded(&sql, query, read)
    }

    /// Returns the course of the last tasks of a workspace: the calls of their tools, the programs that ran, the checks.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn course_in(&self, workspace: &str, tasks: u32) -> Result<Course, StorageError> {
        let of = |columns: &str, table: &str| {
            format!(
                "SELECT {columns} FROM (SELECT id FROM tasks WHERE workspace = ?1 ORDER BY seq DESC LIMIT ?2) t
                 CROSS JOIN {table} r ON r.task = t.id ORDER BY r.row"
            )
        };
        self.read(|connection| {
            let values = (workspace, tasks);
            let mut statement = connection.prepare_cached(&of(CALL, "call_records"))?;
            let calls = statement.query_map(values, past_call)?.collect::<Result<_, _>>()?;
            let mut statement = connection.prepare_cached(&of(COMMAND, "command_records"))?;
            let commands = statement.query_map(values, past_command)?.collect::<Result<_, _>>()?;
            let mut statement = connection.prepare_cached(&of(CHECK, "check_records"))?;
            let checks = statement.query_map(values, past_check)?.collect::<Result<_, _>>()?;
            Ok(Course { calls, commands, checks })
        })
    }

    /// Returns the last tasks of a workspace that have ended, the newest first, for a forecast.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn past_work(&self, workspace: &str, most: u32) -> Result<Vec<PastWork>, StorageError> {
        let sql = format!(
            "SELECT t.id, substr(t.text, 1, {LONGEST}), t.status, t.tokens, t.cost_micros, t.started_ms, t.ended_ms,
                    t.iterations, r.reaction
             FROM tasks t LEFT JOIN reactions r ON r.task = t.id
             WHERE t.workspace = ?1 AND t.status IN ('accepted', 'stopped', 'paused') AND t.iterations > 0
             ORDER BY t.seq DESC LIMIT ?2"
        );
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map((workspace, most), past_work)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns how often each agency was asked about work of this kind, and what that was worth.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn agency_uses(&self, kind: &str) -> Result<Vec<AgencyUse>, StorageError> {
        let sql = "SELECT agency, count(*), sum(changed), sum(cost_micros), sum(requests)
                   FROM assessment_records WHERE kind = ?1 GROUP BY agency ORDER BY agency";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([kind], |row| {
                Ok(AgencyUse {
                    agency: row.get(0)?,
                    asked: count(row.get(1)?),
                    changed: count(row.get(2)?),
                    cost_micros: count(row.get(3)?),
                    requests: count(row.get(4)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns whether a task called a tool.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn used_tools(&self, task: &TaskId) -> Result<bool, StorageError> {
        self.read(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM call_records WHERE task = ?1)";
            Ok(connection.query_row(sql, [task.as_str()], |row| row.get(0))?)
        })
    }

    /// Keeps what the user did with the work of a task. Returns false if that was known.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn react(
        &self,
        task: &TaskId,
        reaction: Reaction,
        at_ms: u64,
    ) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "INSERT INTO reactions (task, reaction, at_ms) VALUES (?1, ?2, ?3)
                       ON CONFLICT (task) DO UPDATE SET reaction = ?2, at_ms = ?3
                       WHERE reaction != ?2";
            let values = (task.as_str(), reaction.word(), stored(at_ms));
            Ok(transaction.prepare_cached(sql)?.execute(values)? > 0)
        })
    }
}

/// Returns the conditions of a query on these columns, so that each uses its index. All values are named, because all are bound.
fn narrowed(query: &RecordQuery, task: &str, time: &str) -> String {
    let task = query.task.as_ref().map_or("?1 IS NULL".to_owned(), |_| format!("{task} = ?1"));
    let since = query.since_ms.map_or("?2 IS NULL".to_owned(), |_| format!("{time} >= ?2"));
    format!("{task} AND {since}")
}

impl Records for Storage {
    fn tasks(&self, query: &RecordQuery) -> Result<Vec<PastTask>, Failure> {
        let sql = format!(
            "SELECT id, session, workspace, substr(text, 1, {LONGEST}), status, started_ms, ended_ms, iterations, score,
                    cost_micros
             FROM tasks WHERE {} ORDER BY seq DESC LIMIT ?3",
            narrowed(query, "id", "started_ms")
        );
        let mut tasks = self.recorded(&sql, query, past_task)?;
        for task in tasks.iter_mut().filter(|task| task.stage == TaskStage::Running) {
            if !self.is_owned(&task.id)? {
                task.stage = TaskStage::Interrupted;
            }
        }
        Ok(tasks)
    }

    fn iterations(&self, query: &RecordQuery) -> Result<Vec<PastIteration>, Failure> {
        self.rows("task, number, score, decision", "iteration_records", query, |row| {
            Ok(PastIteration {
                task: task_id(row)?,
                number: row.get(1)?,
                score: row.get(2)?,
                decision: row.get(3)?,
            })
        })
    }

    fn calls(&self, query: &RecordQuery) -> Result<Vec<PastCall>, Failure> {
        self.rows(CALL, "call_records", query, past_call)
    }

    fn decisions(&self, query: &RecordQuery) -> Result<Vec<PastDecision>, Failure> {
        let columns =
            "task, key, origin, action, effect, domain, target, ground, allowed, answered, at_ms";
        self.rows(columns, "decision_records", query, |row| {
            Ok(PastDecision {
                task: task_id(row)?,
                key: row.get(1)?,
                origin: row.get(2)?,
                action: row.get(3)?,
                effect: word(row.get(4)?, &Effect::ALL, Effect::word)?,
                domain: row.get(5)?,
                target: row.get(6)?,
                ground: row.get(7)?,
                allowed: row.get(8)?,
                answered: row.get(9)?,
                at_ms: count(row.get(10)?),
            })
        })
    }

    fn verdicts(&self, query: &RecordQuery) -> Result<Vec<PastVerdict>, Failure> {
        let columns = "task, iteration, evaluator, score, findings";
        self.rows(columns, "verdict_records", query, |row| {
            Ok(PastVerdict {
                task: task_id(row)?,
                iteration: row.get(1)?,
                evaluator: row.get(2)?,
                score: row.get(3)?,
                findings: row.get(4)?,
            })
        })
    }

    fn spendings(&self, query: &RecordQuery) -> Result<Vec<PastSpending>, Failure> {
        let columns =
            "coalesce(task, ''), model, role, input, output, cache_read, cache_write, reasoning,
                       cost_micros";
        self.rows(columns, "turns", query, |row| {
            let tokens = |column| row.get::<_, Option<i64>>(column).map(|found| found.map(count));
            Ok(PastSpending {
                task: task_id(row)?,
                model: row.get(1)?,
                role: row.get(2)?,
                usage: Usage {
                    input: tokens(3)?,
                    output: tokens(4)?,
                    cache_read: tokens(5)?,
                    cache_write: tokens(6)?,
                    reasoning: tokens(7)?,
                    ..Usage::default()
                },
                cost_micros: count(row.get(8)?),
            })
        })
    }

    fn commands(&self, query: &RecordQuery) -> Result<Vec<PastCommand>, Failure> {
        self.rows(COMMAND, "command_records", query, past_command)
    }

    fn checks(&self, query: &RecordQuery) -> Result<Vec<PastCheck>, Failure> {
        self.rows(CHECK, "check_records", query, past_check)
    }

    fn changed_files(&self, query: &RecordQuery) -> Result<Vec<PastFile>, Failure> {
        let sql = format!(
            "SELECT f.task, f.path FROM tasks t CROSS JOIN changed_files f ON f.task = t.id
             WHERE {} ORDER BY t.seq DESC, f.path LIMIT ?3",
            narrowed(query, "t.id", "t.ended_ms")
        );
        self.recorded(&sql, query, |row| Ok(PastFile { task: task_id(row)?, path: row.get(1)? }))
    }

    fn reactions(&self, query: &RecordQuery) -> Result<Vec<PastReaction>, Failure> {
        let sql = format!(
            "SELECT task, reaction, at_ms FROM reactions WHERE {} ORDER BY at_ms DESC LIMIT ?3",
            narrowed(query, "task", "at_ms")
        );
        self.recorded(&sql, query, |row| {
            Ok(PastReaction {
                task: task_id(row)?,
                reaction: word(row.get(1)?, &Reaction::ALL, Reaction::word)?,
                at_ms: count(row.get(2)?),
            })
        })
    }

    fn shown_learnings(&self, query: &RecordQuery) -> Result<Vec<ShownLearning>, Failure> {
        let sql = format!(
            "SELECT s.task, s.learning FROM tasks t CROSS JOIN shown_learnings s ON s.task = t.id
             WHERE {} ORDER BY t.seq DESC, s.learning LIMIT ?3",
            narrowed(query, "t.id", "t.started_ms")
        );
        let shown =
            |row: &Row<'_>| Ok(ShownLearning { task: task_id(row)?, learning: row.get(1)? });
        self.recorded(&sql, query, shown)
    }

    fn assessments(&self, query: &RecordQuery) -> Result<Vec<PastAssessment>, Failure> {
        let columns = "task, agency, kind, vote, confidence, success, reason, caveats, requests, cost_micros, changed,
                       passed, at_ms";
        self.rows(columns, "assessment_records", query, |row| {
            Ok(PastAssessment {
                task: task_id(row)?,
                agency: row.get(1)?,
                kind: row.get(2)?,
                vote: word(row.get(3)?, &Vote::ALL, Vote::word)?,
                confidence: row.get(4)?,
                success: row.get(5)?,
                reason: row.get(6)?,
                caveats: row.get(7)?,
                requests: row.get(8)?,
                cost_micros: count(row.get(9)?),
                changed: row.get(10)?,
                passed: row.get(11)?,
                at_ms: count(row.get(12)?),
            })
        })
    }
}

fn past_work(row: &Row<'_>) -> rusqlite::Result<PastWork> {
    let status: String = row.get(2)?;
    let reaction: Option<String> = row.get(8)?;
    let (started, ended) = (count(row.get(5)?), row.get::<_, Option<i64>>(6)?.map(count));
    let stands = match TaskStatus::from_column(&status)? {
        TaskStatus::Accepted => Some(reaction.as_deref() != Some(Reaction::Undone.word())),
        TaskStatus::Stopped => Some(false),
        _ => None,
    };
    Ok(PastWork {
        task: task_id(row)?,
        text: row.get(1)?,
        stands,
        tokens: count(row.get(3)?),
        cost_micros: count(row.get(4)?),
        duration_ms: ended.map(|ended| ended.saturating_sub(started)),
        iterations: row.get(7)?,
    })
}

fn task_id(row: &Row<'_>) -> rusqlite::Result<TaskId> {
    Ok(TaskId::new(row.get::<_, String>(0)?))
}

fn past_call(row: &Row<'_>) -> rusqlite::Result<PastCall> {
    Ok(PastCall {
        task: task_id(row)?,
        tool: row.get(1)?,
        end: word(row.get(2)?, &CallEnd::ALL, CallEnd::word)?,
        failure: row.get(3)?,
        at_ms: count(row.get(4)?),
        duration_ms: count(row.get(5)?),
    })
}

fn past_command(row: &Row<'_>) -> rusqlite::Result<PastCommand> {
    Ok(PastCommand {
        task: task_id(row)?,
        command: row.get(1)?,
        exit_code: row.get(2)?,
        at_ms: count(row.get(3)?),
        duration_ms: count(row.get(4)?),
    })
}

fn past_check(row: &Row<'_>) -> rusqlite::Result<PastCheck> {
    Ok(PastCheck {
        task: task_id(row)?,
        id: row.get(1)?,
        category: row.get(2)?,
        command: row.get(3)?,
        passed: row.get(4)?,
        at_ms: count(row.get(5)?),
        duration_ms: count(row.get(6)?),
    })
}

fn past_task(row: &Row<'_>) -> rusqlite::Result<PastTask> {
    let status: String = row.get(4)?;
    Ok(PastTask {
        id: task_id(row)?,
        session: row.get(1)?,
        workspace: row.get(2)?,
        text: row.get(3)?,
        stage: match TaskStatus::from_column(&status)? {
            TaskStatus::Running => TaskStage::Running,
            TaskStatus::Interrupted => TaskStage::Interrupted,
            TaskStatus::Paused | TaskStatus::Queued => TaskStage::Paused,
            TaskStatus::Accepted => TaskStage::Accepted,
            TaskStatus::Stopped => TaskStage::Stopped,
            TaskStatus::Cancelled => TaskStage::Cancelled,
            TaskStatus::Failed => TaskStage::Failed,
        },
        started_ms: count(row.get(5)?),
        ended_ms: row.get::<_, Option<i64>>(6)?.map(count),
        iterations: row.get(7)?,
        score: row.get(8)?,
        cost_micros: count(row.get(9)?),
    })
}
