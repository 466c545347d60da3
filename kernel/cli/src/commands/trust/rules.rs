//! The rules that *always* answers left behind.

use openkoi_core::{
    approval::Rule,
    document::{Block, Column, ColumnKind, Document, Pairs, Table, Tone, Value},
    id::SessionId,
};
use openkoi_storage::grants::KeptRule;

use crate::{
    context::Context,
    error::CommandError,
    output::{Choice, Output},
    reply::Reply,
};

/// Lists the rules.
///
/// # Errors
///
/// When the storage cannot be read.
pub(super) fn list(json: bool, context: &Context) -> Result<Reply, CommandError> {
    Ok(Reply::new(RuleList(kept(context)?), json))
}

/// Returns the rules as they are kept.
///
/// # Errors
///
/// When the storage cannot be read.
pub(super) fn kept(context: &Context) -> Result<Vec<KeptRule>, CommandError> {
    let found = context.existing_storage()?.map(|storage| storage.kept_rules());
    Ok(found.transpose()?.unwrap_or_default())
}

/// Takes a rule back.
///
/// # Errors
///
/// When the storage cannot be written.
pub(super) fn revoke(kept: KeptRule, json: bool, context: &Context) -> Result<Reply, CommandError> {
    context.storage()?.revoke_rule(kept.id)?;
    Ok(Reply::new(Revoked(kept), json))
}

/// Returns rules to pick from.
pub(super) fn choices(rules: &[KeptRule]) -> Vec<Choice> {
    let choice = |kept: &KeptRule| Choice {
        argument: kept.id.to_string(),
        description: format!("{}, {}", kept.rule, place(&kept.rule)),
    };
    rules.iter().map(choice).collect()
}

/// Returns where a rule holds.
fn place(rule: &Rule) -> String {
    let place = rule.workspace.as_deref().unwrap_or("everywhere");
    match &rule.session {
        Some(session) => format!("{place}, session {}", SessionId::new(session.clone()).short()),
        None => place.to_owned(),
    }
}

/// Returns the columns of the list of rules. A program gets all of a rule.
fn columns() -> [Column; 12] {
    [
        Column::new("id", "ID", ColumnKind::Count),
        Column::for_people("RULE", ColumnKind::Text),
        Column::for_people("ON", ColumnKind::Text),
        Column::for_people("WHERE", ColumnKind::Text),
        Column::new("made_at", "SINCE", ColumnKind::Instant),
        Column::for_programs("allow", ColumnKind::Flag),
        Column::for_programs("origin", ColumnKind::Data),
        Column::for_programs("action", ColumnKind::Data),
        Column::for_programs("target", ColumnKind::Text),
        Column::for_programs("prefix", ColumnKind::Flag),
        Column::for_programs("workspace", ColumnKind::Text),
        Column::for_programs("session", ColumnKind::Id),
    ]
}

fn row(kept: &KeptRule) -> [Value; 12] {
    let rule = &kept.rule;
    let (word, tone) = if rule.allow { ("allow", Tone::Good) } else { ("reject", Tone::Bad) };
    let more = if rule.prefix { " …" } else { "" };
    [
        Value::count(kept.id),
        Value::toned(format!("{word} {}", rule.action), tone),
        format!("{}{more}", rule.target).into(),
        place(rule).into(),
        Value::Instant(kept.made_ms),
        rule.allow.into(),
        Value::data(&rule.origin),
        Value::data(&rule.action),
        (&rule.target).into(),
        rule.prefix.into(),
        rule.workspace.as_ref().into(),
        rule.session.as_ref().map_or(Value::Nothing, Value::id),
    ]
}

struct RuleList(Vec<KeptRule>);

impl Output for RuleList {
    fn document(&self) -> Document {
        let table = Table::new("rules", columns()).or_else("no rules: every question is asked");
        Document::new("Rules").with(table.rows(self.0.iter().map(row)))
    }
}

struct Revoked(KeptRule);

impl Output for Revoked {
    fn document(&self) -> Document {
        let words = format!("rule {} is taken back: {}", self.0.id, self.0.rule);
        let keyed = columns().into_iter().map(|column| column.key).zip(row(&self.0));
        let facts = keyed.filter(|(key, _)| !key.is_empty());
        Document::new("Rule")
            .with(Block::paragraph(words))
            .with(Pairs::new("").for_programs("revoked", Value::record(facts)))
    }
}
