//! Grants of trust: who may act how far in a domain, where, until when, and why.
//!
//! | what is set | level of the domain |
//! |---|---|
//! | nothing | `trust.default` |
//! | `trust.domains.D` | that one, which is also the ceiling of the domain |
//! | a grant | that of the grant, at most the ceiling |
//! | grants here and everywhere | that of the grant here |
//!
//! A grant ends when its time is over, when it is taken back or replaced, and at once when work that was done at
//! `autonomous` because of it is undone.

use super::{NamedAction, Trust, TrustLevel};
use crate::skill::Tally;

/// A grant of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// Its number.
    pub id: u64,
    /// The domain.
    pub domain: String,
    /// The workspace that it holds in; absent, everywhere.
    pub workspace: Option<String>,
    /// How far the agent may go.
    pub level: TrustLevel,
    /// What it may do unasked in a run that has read what others wrote.
    pub names: Vec<NamedAction>,
    /// Why it was given. May be empty.
    pub reason: String,
    /// When it was given, in milliseconds since 1970.
    pub granted_ms: u64,
    /// When its time is over.
    pub expires_ms: Option<u64>,
    /// When it ended, and why, if it did.
    pub ended: Option<(u64, DelegationEnd)>,
}

/// Why a grant ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationEnd {
    /// It was taken back.
    Revoked,
    /// Another one took its place.
    Replaced,
    /// Work that was done because of it was undone.
    Undone,
}

impl DelegationEnd {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Revoked, Self::Replaced, Self::Undone];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Undone => "undone",
        }
    }
}

impl Delegation {
    /// Returns whether it holds in a workspace at a time.
    #[must_use]
    pub fn holds(&self, workspace: &str, now_ms: u64) -> bool {
        let here = self.workspace.as_deref().is_none_or(|place| place == workspace);
        let in_time = self.expires_ms.is_none_or(|expires| now_ms < expires);
        here && in_time && self.ended.is_none()
    }

    /// Returns whether it ends because work that was done at `autonomous` in a domain and a workspace is undone. A run that
    /// began before the grant has nothing to do with it.
    #[must_use]
    pub fn answers_for(&self, domain: &str, workspace: &str, done_ms: u64) -> bool {
        self.level == TrustLevel::Autonomous
            && self.domain == domain
            && self.workspace.as_deref().is_none_or(|place| place == workspace)
            && self.granted_ms <= done_ms
    }
}

/// Returns the trust in a workspace at a time. `configured` has the default and the ceilings.
#[must_use]
pub fn trust_in(
    configured: &Trust,
    delegations: &[Delegation],
    workspace: &str,
    now_ms: u64,
) -> Trust {
    let mut trust = configured.clone();
    let mut holding: Vec<&Delegation> =
        delegations.iter().filter(|one| one.holds(workspace, now_ms)).collect();
    // Those that hold here come last, and so count.
    holding.sort_unstable_by_key(|one| (one.workspace.is_some(), one.id));
    for one in holding {
        let ceiling = configured.domains.get(&one.domain).copied();
        let level = ceiling.map_or(one.level, |ceiling| one.level.min(ceiling));
        trust.domains.insert(one.domain.clone(), level);
        trust.named.insert(one.domain.clone(), one.names.clone());
        trust.until_ms.remove(&one.domain);
        if let Some(expires) = one.expires_ms {
            // Whatever holds then: a run that goes on is not told of it, and gets the lesser.
            let next = trust_in(configured, delegations, workspace, expires).level(&one.domain);
            let after = next.min(configured.level(&one.domain));
            trust.until_ms.insert(one.domain.clone(), (expires, after));
        }
    }
    trust
}

/// What outcomes say about a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// There are too few to say: so many more are needed.
    TooFew(u64),
    /// It is as it should be.
    Keep,
    /// It could be this one.
    Raise(TrustLevel),
    /// It should be this one.
    Lower(TrustLevel),
}

/// The fewest tasks that say something.
const FEWEST: u64 = 5;
/// From this share on a level could be higher.
const RAISE: f64 = 0.95;
/// Below this share it should be lower.
const LOWER: f64 = 0.80;

/// Returns what the outcomes of tasks say about a level. It is raised where the share of those that stand is at least 95 %, and
/// certainly not under 80 %; it is lowered where it is under 80 %, and certainly not 95 %.
#[must_use]
pub fn advise(level: TrustLevel, outcomes: Tally) -> Advice {
    if outcomes.decided < FEWEST {
        return Advice::TooFew(FEWEST - outcomes.decided);
    }
    let ((low, high), share) = (outcomes.bounds(), outcomes.share().unwrap_or_default());
    let beside = |up: bool| {
        let at = TrustLevel::ALL.iter().position(|one| *one == level)?;
        let at = if up { at + 1 } else { at.checked_sub(1)? };
        TrustLevel::ALL.get(at).copied()
    };
    let raised = beside(true).filter(|_| share >= RAISE && low >= LOWER).map(Advice::Raise);
    let lowered = beside(false).filter(|_| share < LOWER && high < RAISE).map(Advice::Lower);
    raised.or(lowered).unwrap_or(Advice::Keep)
}

#[cfg(test)]
mod tests;
