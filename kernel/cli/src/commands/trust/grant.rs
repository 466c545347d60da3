//! Grants of trust: given, and taken back.

use std::collections::BTreeSet;

use clap::Args;
use openkoi_app::trust::{self, NewGrant};
use openkoi_core::{
    document::{Block, Document, Pairs, Value},
    trust::{NamedAction, TrustLevel, delegation::Delegation},
};

use super::rules;
use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Choice, Output},
    reply::Reply,
};

/// Domains that belong to no tool: hosts that programs reach, and what the loop itself asks about.
const OWN: [&str; 2] = ["network", "workspace"];
const DAY_MS: u64 = 86_400_000;

/// Arguments of `openkoi trust grant`.
#[derive(Debug, Args)]
pub(super) struct GrantFlags {
    /// The domain; without it, pick one
    domain: Option<String>,
    /// The level: ask, suggest, act or autonomous; without it, pick one
    level: Option<String>,
    /// How long it holds, such as 12h, 7d or 2w; without it, until it is taken back
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    lasts_ms: Option<u64>,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// In every directory, not in this one alone
    #[arg(long)]
    everywhere: bool,
    /// Also unasked in a task that has read what others wrote: TOOL or TOOL=TARGET, where the target may end with `*`
    #[arg(long = "naming", value_name = "ACTION")]
    names: Vec<NamedAction>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Reads a length of time.
fn time(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a length of time; write it as 30m, 12h, 7d or 2w");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number = text.get(..text.len() - unit.len_utf8()).and_then(|text| text.parse::<u64>().ok());
    let ms = match unit {
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => DAY_MS,
        'w' => 7 * DAY_MS,
        _ => return Err(wrong()),
    };
    number.filter(|number| *number > 0).and_then(|number| number.checked_mul(ms)).ok_or_else(wrong)
}

/// Gives a grant.
///
/// # Errors
///
/// When there is no such domain or level, the person does not agree, or the storage cannot be written.
pub(super) fn grant(
    flags: GrantFlags,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let known = domains(context)?;
    let usage = "openkoi trust grant";
    let domain = match flags.domain {
        Some(domain) => domain,
        None => context.questions.pick("domain", usage, &plain(&known))?,
    };
    if !known.contains(&domain) {
        let names = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let error = CommandError::usage(format!("there is no domain `{domain}`"));
        return Err(error.hint(format!("one of {names}")));
    }
    let level = match flags.level {
        Some(level) => level,
        None => context.questions.pick("level", &format!("{usage} {domain}"), &levels())?,
    };
    let level: TrustLevel =
        level.parse().map_err(|error| CommandError::usage(format!("{error}")))?;
    let new = NewGrant {
        domain,
        level,
        everywhere: flags.everywhere,
        names: flags.names,
        reason: flags.reason,
        lasts_ms: flags.lasts_ms,
    };
    if level == TrustLevel::Autonomous {
        agree(&new, flags.yes, context)?;
    }
    let (workspace, settings) = (context.workspace()?, context.settings()?);
    let (delegation, level) = trust::grant(&context.app, &settings, &workspace, new)?;
    Ok(Reply::new(Granted { delegation, level }, json))
}

/// Asks whether everything may be done unasked.
fn agree(new: &NewGrant, yes: bool, context: &Context) -> Result<(), CommandError> {
    let domain = &new.domain;
    let question =
        format!("let the agent send, remove and run everything in `{domain}` without asking you?");
    let instead = format!("openkoi trust grant {domain} autonomous --yes");
    if yes || context.questions.confirm(&question, &instead)? {
        return Ok(());
    }
    Err(CommandError::new(Exit::NotAccepted, "nothing was granted"))
}

/// Takes a grant or a rule back.
///
/// # Errors
///
/// When there is none, or the storage cannot be written.
pub(super) fn revoke(
    what: Option<String>,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let (workspace, settings) = (context.workspace()?, context.settings()?);
    let kept = rules::kept(context)?;
    let held = match context.existing_storage()? {
        Some(storage) => trust::holding(&context.app, &settings, &storage, &workspace)?,
        None => Vec::new(),
    };
    let what = match what {
        Some(what) => what,
        None => {
            let mut choices: Vec<Choice> = held.iter().map(choice).collect();
            choices.extend(rules::choices(&kept));
            context.questions.pick("grant or rule", "openkoi trust revoke", &choices)?
        }
    };
    if let Ok(id) = what.parse::<u64>() {
        let found = kept.into_iter().find(|kept| kept.id == id);
        let unknown =
            || CommandError::usage(format!("there is no rule `{id}`")).hint("openkoi trust rules");
        return rules::revoke(found.ok_or_else(unknown)?, json, context);
    }
    if held.iter().all(|one| one.domain != what) {
        let error = CommandError::usage(format!("nothing is granted in a domain `{what}` here"));
        return Err(error.hint("openkoi trust show"));
    }
    let ended = trust::revoke(&context.app, &settings, &workspace, &what)?;
    let storage = context.storage()?;
    let level = trust::in_force(&context.app, &settings, &storage, &workspace)?.level(&what);
    Ok(Reply::new(Ended { domain: what, ended: ended.len(), level }, json))
}

/// Returns the domains that there are: those of tools, those that are configured, and the loop's own.
fn domains(context: &Context) -> Result<BTreeSet<String>, CommandError> {
    let settings = context.settings()?;
    let mut domains: BTreeSet<String> = OWN.iter().map(|own| (*own).to_owned()).collect();
    domains.extend(settings.trust.domains.keys().cloned());
    domains.extend(context.app.domains()?);
    Ok(domains)
}

fn plain(names: &BTreeSet<String>) -> Vec<Choice> {
    let choice = |name: &String| Choice { argument: name.clone(), description: String::new() };
    names.iter().map(choice).collect()
}

fn levels() -> Vec<Choice> {
    let about = |level| match level {
        TrustLevel::Ask => "every change is asked for",
        TrustLevel::Suggest => "files are changed, and you are asked about programs",
        TrustLevel::Act => {
            "programs run too, and you are asked before something is sent or removed"
        }
        TrustLevel::Autonomous => "everything is done without a question",
    };
    let choice = |level: TrustLevel| Choice {
        argument: level.word().to_owned(),
        description: about(level).to_owned(),
    };
    TrustLevel::ALL.map(choice).into()
}

fn choice(one: &Delegation) -> Choice {
    Choice { argument: one.domain.clone(), description: format!("{} {}", one.level, place(one)) }
}

fn place(one: &Delegation) -> &str {
    one.workspace.as_deref().unwrap_or("everywhere")
}

struct Granted {
    delegation: Delegation,
    level: TrustLevel,
}

impl Output for Granted {
    fn document(&self) -> Document {
        let one = &self.delegation;
        let names: Vec<String> = one.names.iter().map(ToString::to_string).collect();
        let mut pairs = Pairs::new("")
            .pair("domain", "domain", &one.domain)
            .pair("level", "level", self.level.word())
            .for_programs("granted", one.level.word())
            .pair("workspace", "where", place(one));
        if let Some(expires) = one.expires_ms {
            pairs = pairs.pair("expires_at", "until", Value::Instant(expires));
        }
        if !names.is_empty() {
            pairs = pairs.pair("names", "naming", Value::list(names));
        }
        if !one.reason.is_empty() {
            pairs = pairs.pair("reason", "because", &one.reason);
        }
        let document = Document::new("Grant").with(pairs);
        match self.level < one.level {
            true => document.with(Block::paragraph(format!(
                "The configuration lets `{}` go as far as {} at most.",
                one.domain, self.level
            ))),
            false => document,
        }
    }
}

struct Ended {
    domain: String,
    ended: usize,
    level: TrustLevel,
}

impl Output for Ended {
    fn document(&self) -> Document {
        let Self { domain, ended, level } = self;
        Document::new("Grant")
            .with(Block::paragraph(format!(
                "what was granted in {domain} is taken back: {level} holds now"
            )))
            .with(
                Pairs::new("")
                    .for_programs("domain", domain)
                    .for_programs("ended", Value::count(*ended))
                    .for_programs("level", level.word()),
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_a_unit() {
        assert_eq!(time("30m"), Ok(1_800_000));
        assert_eq!(time("2w"), Ok(14 * DAY_MS));
        for wrong in ["", "7", "d", "0d", "-1d", "7é", "99999999999999999w"] {
            time(wrong).unwrap_err();
        }
    }
}
