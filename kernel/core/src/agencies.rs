//! The agencies that deliberate.

use serde::{Deserialize, Serialize};

use crate::{
    deliberation::{assessment::Assessment, forecast::PastWork, motion::Motion},
    failure::Failure,
    port::Pending,
    scope::Scope,
};

/// An agency the loop may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgencyCard {
    /// Name of the agency.
    pub name: String,
    /// Longest time for one assessment, in milliseconds.
    pub deadline_ms: u64,
}

/// Those who look at a motion before anything is done.
pub trait Agencies: Send + Sync {
    /// Returns a card of each, sorted by name.
    fn cards(&self) -> Vec<AgencyCard>;

    /// Has an agency look at a motion. A failure means that it abstains.
    fn assess<'a>(
        &'a self,
        agency: &'a str,
        motion: &'a Motion,
        scope: Scope,
    ) -> Pending<'a, Result<Assessment, Failure>>;

    /// Returns what is known of earlier work in this workspace, the newest first. What cannot be read is not known.
    fn past(&self) -> Vec<PastWork>;

    /// Returns how often each agency was asked about work of this kind, and how often what it said made a difference.
    fn uses(&self, kind: &str) -> Vec<AgencyUse>;
}

/// What asking an agency was seen to be worth.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgencyUse {
    /// The agency.
    pub agency: String,
    /// How often it was asked.
    pub asked: u64,
    /// How often it made a difference.
    pub changed: u64,
    /// What it took, in millionths of a US dollar.
    pub cost_micros: u64,
    /// Requests that it made.
    pub requests: u64,
}

/// Nobody deliberates, and nothing is known of earlier work.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAgencies;

impl Agencies for NoAgencies {
    fn cards(&self) -> Vec<AgencyCard> {
        Vec::new()
    }

    fn assess<'a>(
        &'a self,
        _: &'a str,
        _: &'a Motion,
        _: Scope,
    ) -> Pending<'a, Result<Assessment, Failure>> {
        let why = "there are no agencies here".to_owned();
        Box::pin(std::future::ready(Err(Failure::Unsupported(why))))
    }

    fn past(&self) -> Vec<PastWork> {
        Vec::new()
    }

    fn uses(&self, _: &str) -> Vec<AgencyUse> {
        Vec::new()
    }
}
