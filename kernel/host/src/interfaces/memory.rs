//! `memory`: what was remembered of earlier tasks in this workspace.

use std::sync::Arc;

use openkoi_core::{
    capability::Use,
    memory::{Learning as Remembered, Source},
};

use super::{Stop, WitResult, blocking, wit_result};
use crate::{
    bindings::imports::openkoi::host::memory::{Host, Learning},
    instance::GuestState,
};

/// The most learnings of one call.
const MOST: u32 = 100;

impl Host for GuestState {
    async fn recall(&mut self, query: String, limit: u32) -> WitResult<Vec<Learning>> {
        wit_result(self.recalled(query, limit).await)
    }
}

impl GuestState {
    async fn recalled(&mut self, query: String, limit: u32) -> Result<Vec<Learning>, Stop> {
        self.charge(query.len())?;
        let wanted = Use::Whole { interface: "memory", target: "what is remembered" };
        let workspace = self.pass_reading(&wanted).await?;
        let (memory, limit) = (Arc::clone(&self.brokers.memory), limit.min(MOST) as usize);
        let work = move || memory.recall(&workspace, &query, limit);
        let found = blocking(self.limits.host_call, work).await?;
        let found: Vec<Learning> = found.into_iter().map(learning).collect();
        self.charge_bytes(found.iter().map(|one| one.text.len()).sum())?;
        Ok(found)
    }
}

fn learning((learning, confidence): (Remembered, f64)) -> Learning {
    Learning {
        id: learning.id,
        text: learning.text,
        categories: learning.categories,
        confidence,
        source: match learning.source {
            Source::User => "the user".to_owned(),
            Source::Task(task) => task.to_string(),
        },
    }
}
