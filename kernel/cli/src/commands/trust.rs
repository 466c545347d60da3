//! `openkoi trust rules` and `revoke`: the rules that *always* answers left behind.

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

/// Arguments of `openkoi trust`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it the rules are listed
    #[command(subcommand)]
    command: Option<TrustCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum TrustCommand {
    /// List the rules that your "always" answers left, with where they hold
    Rules {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a rule back; what it was about is asked for again
    Revoke {
        /// The rule's number; without it, pick one
        id: Option<u64>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Everything that is planned and not built yet.
    #[command(external_subcommand)]
    Planned(Vec<String>),
}

/// Runs the subcommand, or lists the rules.
///
/// # Errors
///
/// When there is no such rule, the storage cannot be used, or the subcommand is not built yet.
pub fn run(args: Args, context: &Context) -> Result<Reply, CommandError> {
    match args.command.unwrap_or(TrustCommand::Rules { json: false }) {
        TrustCommand::Rules { json } => Ok(Reply::new(RuleList(kept(context)?), json)),
        TrustCommand::Revoke { id, json } => revoke(id, json, context),
        TrustCommand::Planned(words) => {
            let typed = words.join(" ");
            let first = words.first().map_or("", String::as_str);
            let error = CommandError::usage(format!("`openkoi trust {first}` is not built yet"));
            let rules =
                "openkoi trust rules   (lists the rules; `openkoi trust revoke ID` takes one back)";
            Err(error.hint(rules).hint(format!("openkoi -- \"trust {typed}\"   (as a task)")))
        }
    }
}

fn kept(context: &Context) -> Result<Vec<KeptRule>, CommandError> {
    let found = context.existing_storage()?.map(|storage| storage.kept_rules());
    Ok(found.transpose()?.unwrap_or_default())
}

fn revoke(id: Option<u64>, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let rules = kept(context)?;
    let id = match id {
        Some(id) => id.to_string(),
        None => context.questions.pick("rule", "openkoi trust revoke", &choices(&rules))?,
    };
    let found = rules.into_iter().find(|kept| kept.id.to_string() == id);
    let unknown =
        || CommandError::usage(format!("there is no rule `{id}`")).hint("openkoi trust rules");
    let kept = found.ok_or_else(unknown)?;
    context.storage()?.revoke_rule(kept.id)?;
    Ok(Reply::new(Revoked(kept), json))
}

fn choices(rules: &[KeptRule]) -> Vec<Choice> {
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

#[cfg(test)]
mod tests;
