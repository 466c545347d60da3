//! `openkoi trust rules` and `revoke`: the rules that *always* answers left behind.

use openkoi_core::{approval::Rule, id::SessionId};
use openkoi_storage::grants::KeptRule;
use serde_json::{Value, json};

use crate::{
    context::Context,
    error::CommandError,
    output::{Align, Cell, Choice, Output, Page, Style, Table, timestamp},
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

fn document(kept: &KeptRule) -> Value {
    json!({
        "id": kept.id,
        "allow": kept.rule.allow,
        "origin": kept.rule.origin,
        "action": kept.rule.action,
        "target": kept.rule.target,
        "prefix": kept.rule.prefix,
        "workspace": kept.rule.workspace,
        "session": kept.rule.session,
        "made_at": timestamp(kept.made_ms),
    })
}

struct RuleList(Vec<KeptRule>);

impl Output for RuleList {
    fn text(&self, page: &mut Page) {
        if self.0.is_empty() {
            page.line("no rules: every question is asked");
            return;
        }
        let left = Align::Left;
        let mut table = Table::new([
            ("ID", Align::Right),
            ("RULE", left),
            ("ON", left),
            ("WHERE", left),
            ("SINCE", left),
        ]);
        for kept in &self.0 {
            let rule = &kept.rule;
            let (word, style) =
                if rule.allow { ("allow", Style::Good) } else { ("reject", Style::Bad) };
            let more = if rule.prefix { " …" } else { "" };
            table.row([
                Cell::styled(kept.id.to_string(), Style::Strong),
                Cell::styled(format!("{word} {}", rule.action), style),
                format!("{}{more}", rule.target).into(),
                place(rule).into(),
                page.ago(kept.made_ms).into(),
            ]);
        }
        page.table(&table);
    }

    fn json(&self) -> Value {
        json!({ "rules": self.0.iter().map(document).collect::<Vec<_>>() })
    }
}

struct Revoked(KeptRule);

impl Output for Revoked {
    fn text(&self, page: &mut Page) {
        page.line(format!("rule {} is taken back: {}", self.0.id, self.0.rule));
    }

    fn json(&self) -> Value {
        json!({ "revoked": document(&self.0) })
    }
}

#[cfg(test)]
mod tests;
