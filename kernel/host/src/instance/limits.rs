//! Limits of one call.

use std::time::Duration;

use openkoi_core::failure::Failure;

use crate::{
    manifest::LimitRequest,
    world::{Kind, WorldRow},
};

const MIB: u64 = 1 << 20;

/// The limits of one call, or of one stream of a provider. There is no default: they depend on the kind and on the
/// manifest, and the host's ceiling caps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallLimits {
    /// Bytes of all linear memories together.
    pub(crate) memory: u64,
    /// Elements of all tables together.
    pub(crate) table_elements: u64,
    /// The most tables.
    pub(crate) tables: usize,
    /// The most linear memories.
    pub(crate) memories: usize,
    /// The most core instances.
    pub(crate) instances: usize,
    /// Running time of the guest; waiting for the host does not count.
    pub(crate) cpu: Duration,
    /// Time from beginning to end.
    pub(crate) wall: Duration,
    /// Time for one call of the host.
    pub(crate) host_call: Duration,
    /// The most calls of the host.
    pub(crate) host_calls: u64,
    /// Bytes passed to and from the host by all calls together.
    pub(crate) host_bytes: u64,
    /// Bytes passed in one call of the host.
    pub(crate) host_call_bytes: u64,
    /// The most resources held at once.
    pub(crate) handles: usize,
    /// The most log records that are kept.
    pub(crate) log_records: u64,
    /// The most progress reports that are kept.
    pub(crate) progress_reports: u64,
    /// Bytes of the call's result.
    pub(crate) output: u64,
    /// Bytes of the component's key-value space.
    pub(crate) state: u64,
}

impl CallLimits {
    /// Returns the limits of a component of `kind` whose manifest asks for `wanted`.
    #[must_use]
    pub(crate) fn of(kind: Kind, wanted: &LimitRequest) -> Self {
        let WorldRow { cpu_ms, wall_ms, .. } = *kind.world();
        let millis = |wanted: Option<u64>, usual: u64, ceiling: u64| {
            Duration::from_millis(wanted.unwrap_or(usual).clamp(1, ceiling))
        };
        let output = wanted.output_kib.unwrap_or(1024).clamp(1, 8 * 1024) * 1024;
        Self {
            memory: wanted.memory_mib.unwrap_or(64).clamp(1, 512) * MIB,
            table_elements: 20_000,
            tables: 16,
            memories: 8,
            instances: 32,
            cpu: millis(wanted.cpu_ms, cpu_ms, 60_000),
            wall: millis(wanted.wall_ms, wall_ms, 3_600_000),
            host_call: Duration::from_secs(30),
            host_calls: wanted.host_calls.unwrap_or(10_000).clamp(1, 1_000_000),
            host_bytes: wanted.host_bytes_mib.unwrap_or(32).clamp(1, 1024) * MIB,
            host_call_bytes: (8 * MIB).max(output),
            handles: 1_000,
            log_records: 1_000,
            progress_reports: 256,
            output,
            state: 10 * MIB,
        }
    }
}

/// A limit that was hit. It ends the call like a trap, and the caller gets [`Failure::Limited`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit `{name}` ({value}) reached")]
pub(crate) struct LimitHit {
    /// The name of the limit.
    pub(crate) name: &'static str,
    /// The value, in the unit that ends the name.
    pub(crate) value: u64,
    /// The key in the manifest's `[limits]` that changes it; empty if there is none.
    pub(crate) knob: &'static str,
}

impl LimitHit {
    pub(crate) fn cpu(limits: &CallLimits) -> Self {
        Self { name: "cpu-ms", value: millis(limits.cpu), knob: "limits.cpu-ms" }
    }

    pub(crate) fn wall(wall: Duration) -> Self {
        Self { name: "wall-ms", value: millis(wall), knob: "limits.wall-ms" }
    }

    pub(crate) fn memory(limits: &CallLimits) -> Self {
        Self { name: "memory-mib", value: limits.memory / MIB, knob: "limits.memory-mib" }
    }

    pub(crate) fn tables(limits: &CallLimits) -> Self {
        Self { name: "table-elements", value: limits.table_elements, knob: "" }
    }

    pub(crate) fn host_calls(limits: &CallLimits) -> Self {
        Self { name: "host-calls", value: limits.host_calls, knob: "limits.host-calls" }
    }

    pub(crate) fn host_bytes(limits: &CallLimits) -> Self {
        let value = limits.host_bytes / MIB;
        Self { name: "host-bytes-mib", value, knob: "limits.host-bytes-mib" }
    }

    pub(crate) fn host_call_bytes(limits: &CallLimits) -> Self {
        Self { name: "host-call-bytes", value: limits.host_call_bytes, knob: "" }
    }

    pub(crate) fn handles(limits: &CallLimits) -> Self {
        Self { name: "handles", value: limits.handles as u64, knob: "" }
    }

    pub(crate) fn output(limits: &CallLimits) -> Self {
        Self { name: "output-kib", value: limits.output / 1024, knob: "limits.output-kib" }
    }

    /// Returns true if hitting the limit is a fault of the component, rather than a sign of much work.
    pub(crate) fn is_fault(self) -> bool {
        matches!(self.name, "cpu-ms" | "memory-mib" | "table-elements" | "handles")
    }
}

impl From<LimitHit> for Failure {
    fn from(hit: LimitHit) -> Self {
        Self::Limited { name: hit.name.to_owned(), value: hit.value, knob: hit.knob.to_owned() }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_raises_a_limit_up_to_the_ceiling_and_no_further() {
        let greedy = LimitRequest {
            memory_mib: Some(u64::MAX / MIB),
            cpu_ms: Some(u64::MAX),
            output_kib: Some(u64::MAX / 1024),
            ..LimitRequest::default()
        };

        let limits = CallLimits::of(Kind::Tool, &greedy);

        assert_eq!(limits.memory, 512 * MIB);
        assert_eq!(limits.cpu, Duration::from_secs(60));
        assert_eq!(limits.output, 8 * MIB);
    }

    #[test]
    fn a_limit_that_the_manifest_leaves_out_is_that_of_the_kind() {
        let tool = CallLimits::of(Kind::Tool, &LimitRequest::default());
        let provider = CallLimits::of(Kind::Provider, &LimitRequest::default());

        assert_eq!((tool.memory, tool.cpu), (64 * MIB, Duration::from_secs(5)));
        assert_eq!(provider.cpu, Duration::from_secs(2));
    }
}
