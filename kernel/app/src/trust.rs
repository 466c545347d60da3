//! How far the agent may go in a workspace: what is configured, what was granted, and what ends a grant.

use std::{collections::BTreeSet, path::Path};

use openkoi_core::{
    skill::Tally,
    trust::{
        NamedAction, Trust, TrustLevel,
        delegation::{Advice, Delegation, DelegationEnd, advise, trust_in},
    },
};
use openkoi_host::manifest::Kind;
use openkoi_storage::Storage;

use crate::{app::App, error::AppError, host, memory, settings::Settings, undo};

/// What a person grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrant {
    /// The domain.
    pub domain: String,
    /// How far the agent may go in it.
    pub level: TrustLevel,
    /// Whether it holds in every workspace.
    pub everywhere: bool,
    /// What it names, for runs that have read what others wrote.
    pub names: Vec<NamedAction>,
    /// Why.
    pub reason: String,
    /// How long it holds, in milliseconds.
    pub lasts_ms: Option<u64>,
}

/// A domain, with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainTrust {
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: TrustLevel,
    /// The most that it can have.
    pub ceiling: Option<TrustLevel>,
    /// The grant that holds.
    pub grant: Option<Delegation>,
    /// How the tasks went that did something in it.
    pub outcomes: Tally,
    /// What they say about the level.
    pub advice: Advice,
}

/// Returns the directory that stands for a workspace in grants: all working trees of a repository have the same ones.
fn place(settings: &Settings, workspace: &Path) -> String {
    let workspace = settings.memories_of.as_deref().unwrap_or(workspace);
    memory::place(workspace).to_string_lossy().into_owned()
}

/// Returns the trust in a workspace now. Grants whose work was undone end first.
///
/// # Errors
///
/// When the storage or the log of undos cannot be read.
pub fn in_force(
    app: &App,
    settings: &Settings,
    storage: &Storage,
    workspace: &Path,
) -> Result<Trust, AppError> {
    let delegations = storage.delegations()?;
    if delegations.is_empty() {
        return Ok(settings.trust.clone());
    }
    let ended = settle(app, storage)?;
    let delegations = if ended.is_empty() { delegations } else { storage.delegations()? };
    Ok(trust_in(&settings.trust, &delegations, &place(settings, workspace), app.now_ms()))
}

/// Ends the grants of `autonomous` because of which something was done that is undone now, and returns them.
///
/// # Errors
///
/// When the storage or the log of undos cannot be read.
pub fn settle(app: &App, storage: &Storage) -> Result<Vec<Delegation>, AppError> {
    let delegations = storage.delegations()?.into_iter();
    let open: Vec<Delegation> = delegations
        .filter(|one| one.ended.is_none() && one.level == TrustLevel::Autonomous)
        .collect();
    if open.is_empty() {
        return Ok(open);
    }
    let done = storage.done_alone(&undo::still_undone(app)?)?;
    let mut ended = Vec::new();
    for one in open {
        let answers = done.iter().any(|work| {
            let place = memory::place(Path::new(&work.workspace));
            one.answers_for(&work.domain, &place.to_string_lossy(), work.done_ms)
        });
        if answers && storage.end_delegation(one.id, DelegationEnd::Undone, app.now_ms())? {
            ended.push(one);
        }
    }
    Ok(ended)
}

/// Keeps a grant, and returns it with the level that it comes to here: a ceiling may be lower.
///
/// # Errors
///
/// When the storage cannot be written.
pub fn grant(
    app: &App,
    settings: &Settings,
    workspace: &Path,
    new: NewGrant,
) -> Result<(Delegation, TrustLevel), AppError> {
    let storage = app.storage()?;
    let now = app.now_ms();
    let mut delegation = Delegation {
        id: 0,
        domain: new.domain,
        workspace: (!new.everywhere).then(|| place(settings, workspace)),
        level: new.level,
        names: new.names,
        reason: new.reason,
        granted_ms: now,
        expires_ms: new.lasts_ms.map(|lasts| now.saturating_add(lasts)),
        ended: None,
    };
    delegation.id = storage.delegate(&delegation)?;
    let level = in_force(app, settings, &storage, workspace)?.level(&delegation.domain);
    Ok((delegation, level))
}

/// Returns the grants that hold in a workspace now.
///
/// # Errors
///
/// When the storage cannot be read.
pub fn holding(
    app: &App,
    settings: &Settings,
    storage: &Storage,
    workspace: &Path,
) -> Result<Vec<Delegation>, AppError> {
    let (place, now) = (place(settings, workspace), app.now_ms());
    Ok(storage.delegations()?.into_iter().filter(|one| one.holds(&place, now)).collect())
}

/// Takes the grants of a domain back that hold here, and returns them.
///
/// # Errors
///
/// When the storage cannot be written.
pub fn revoke(
    app: &App,
    settings: &Settings,
    workspace: &Path,
    domain: &str,
) -> Result<Vec<Delegation>, AppError> {
    let storage = app.storage()?;
    let mut held = holding(app, settings, &storage, workspace)?;
    held.retain(|one| one.domain == domain);
    for one in &held {
        storage.end_delegation(one.id, DelegationEnd::Revoked, app.now_ms())?;
    }
    Ok(held)
}

/// Returns the domains that have a level of their own here, or in which something was done, by name.
///
/// # Errors
///
/// When the storage or the log of undos cannot be read.
pub fn domains(
    app: &App,
    settings: &Settings,
    storage: &Storage,
    workspace: &Path,
) -> Result<Vec<DomainTrust>, AppError> {
    let trust = in_force(app, settings, storage, workspace)?;
    let held = holding(app, settings, storage, workspace)?;
    let outcomes =
        storage.outcomes_by_domain(&place(settings, workspace), &undo::still_undone(app)?)?;
    let mut names: Vec<&String> = trust.domains.keys().chain(outcomes.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let domain = |name: &String| {
        // The one for this place counts, if there are two.
        let own = held.iter().filter(|one| one.domain == *name);
        let level = trust.level(name);
        let outcomes = outcomes.get(name).copied().unwrap_or_default();
        DomainTrust {
            name: name.clone(),
            level,
            ceiling: settings.trust.domains.get(name).copied(),
            grant: own.max_by_key(|one| (one.workspace.is_some(), one.id)).cloned(),
            outcomes,
            advice: advise(level, outcomes),
        }
    };
    Ok(names.into_iter().map(domain).collect())
}

impl App {
    /// Returns the domains of the tools that there are.
    ///
    /// # Errors
    ///
    /// When there is no home, or a component's manifest cannot be read.
    pub fn domains(&self) -> Result<BTreeSet<String>, AppError> {
        let catalog = host::catalog(self)?.snapshot();
        let mut domains = BTreeSet::new();
        for entry in catalog.of_kind(Kind::Tool).chain(catalog.of_kind(Kind::Integration)) {
            domains.extend(entry.manifest()?.tools.iter().map(|tool| tool.domain.clone()));
        }
        Ok(domains)
    }
}
