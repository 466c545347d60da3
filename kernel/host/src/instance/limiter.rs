//! Limits on all memories and tables of a store together.

use wasmtime::ResourceLimiter;

use super::limits::{CallLimits, LimitHit};
use crate::sabotage::{Guard, off};

/// Sums up memories and tables of one store. wasmtime's own limits are for each memory by itself, and a component
/// may have many.
#[derive(Debug)]
pub(crate) struct StoreLimiter {
    memory: u64,
    table_elements: u64,
    limits: CallLimits,
}

impl StoreLimiter {
    pub(crate) fn new(limits: CallLimits) -> Self {
        Self { memory: 0, table_elements: 0, limits }
    }
}

fn grown(total: u64, current: usize, desired: usize) -> u64 {
    total.saturating_add(desired as u64).saturating_sub(current as u64)
}

impl ResourceLimiter for StoreLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = grown(self.memory, current, desired);
        if total > self.limits.memory && !off(Guard::HostMemory) {
            // An error and not a refusal: a guest that is refused memory aborts without naming the limit.
            return Err(LimitHit::memory(&self.limits).into());
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = grown(self.table_elements, current, desired);
        if total > self.limits.table_elements && !off(Guard::HostTables) {
            return Err(LimitHit::tables(&self.limits).into());
        }
        self.table_elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Kind, LimitRequest};

    #[test]
    fn memories_are_counted_together() {
        let limits = CallLimits::of(Kind::Tool, &LimitRequest::default());
        let mut limiter = StoreLimiter::new(limits);

        let first = limiter.memory_growing(0, 40 << 20, None);
        let second = limiter.memory_growing(0, 40 << 20, None);
        let smaller = limiter.memory_growing(0, 24 << 20, None);

        assert!(matches!(first, Ok(true)));
        let hit = second.expect_err("the second memory passes the limit");
        assert_eq!(hit.downcast_ref::<LimitHit>().map(|hit| hit.name), Some("memory-mib"));
        assert!(matches!(smaller, Ok(true)));
    }
}
