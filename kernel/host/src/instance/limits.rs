//! What one call may take.

use std::time::Duration;

use openkoi_core::failure::Failure;

use crate::manifest::{Kind, LimitRequest};

const MIB: u64 = 1 << 20;

/// The limits of one call, or of one stream of a provider. There is no default: they are those of a kind,
/// changed by what a manifest asks for and cut at the host's ceiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Bytes of all linear memories together.
    pub memory: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Tables.
    pub tables: usize,
    /// Linear memories.
    pub memories: usize,
    /// Core instances.
    pub instances: usize,
    /// Running time of the guest; waiting for the host does not count.
    pub cpu: Duration,
    /// Time from beginning to end.
    pub wall: Duration,
    /// How long one call of the host may work before it answers.
    pub host_call: Duration,
    /// Calls of the host.
    pub host_calls: u64,
    /// Bytes passed to and from the host, all calls together.
    pub host_bytes: u64,
    /// Bytes passed in one call of the host.
    pub host_call_bytes: u64,
    /// Resources that are held at once.
    pub handles: usize,
    /// Log records that are kept.
    pub log_records: u64,
    /// Progress reports that are kept.
    pub progress_reports: u64,
    /// Bytes of what the call answers.
    pub output: u64,
    /// Bytes of the component's key-value space.
    pub state: u64,
}

impl CallLimits {
    /// Returns the limits of a component of `kind` whose manifest asks for `wanted`.
    #[must_use]
    pub fn of(kind: Kind, wanted: &LimitRequest) -> Self {
        let (cpu_ms, wall_ms) = match kind {
            Kind::Tool | Kind::Integration => (5_000, 30_000),
            Kind::Evaluator | Kind::Agency => (5_000, 600_000),
            _ => (2_000, 30_000),
        };
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
            progress_reports: 64,
            output,
            state: 10 * MIB,
        }
    }
}

/// A limit that was hit. It ends the call as a trap and comes out as [`Failure::Limited`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit `{name}` ({value}) reached")]
pub struct LimitHit {
    /// The limit.
    pub name: &'static str,
    /// Its value, in the unit that its name carries.
    pub value: u64,
    /// The key of the manifest's `[limits]` that changes it, or empty.
    pub knob: &'static str,
}

impl LimitHit {
    /// The running time.
    #[must_use]
    pub fn cpu(limits: &CallLimits) -> Self {
        Self { name: "cpu-ms", value: millis(limits.cpu), knob: "limits.cpu-ms" }
    }

    /// The time from beginning to end.
    #[must_use]
    pub fn wall(wall: Duration) -> Self {
        Self { name: "wall-ms", value: millis(wall), knob: "limits.wall-ms" }
    }

    /// The linear memories.
    #[must_use]
    pub fn memory(limits: &CallLimits) -> Self {
        Self { name: "memory-mib", value: limits.memory / MIB, knob: "limits.memory-mib" }
    }

    /// The tables.
    #[must_use]
    pub fn tables(limits: &CallLimits) -> Self {
        Self { name: "table-elements", value: limits.table_elements, knob: "" }
    }

    /// The number of calls of the host.
    #[must_use]
    pub fn host_calls(limits: &CallLimits) -> Self {
        Self { name: "host-calls", value: limits.host_calls, knob: "limits.host-calls" }
    }

    /// The bytes of all calls of the host.
    #[must_use]
    pub fn host_bytes(limits: &CallLimits) -> Self {
        let value = limits.host_bytes / MIB;
        Self { name: "host-bytes-mib", value, knob: "limits.host-bytes-mib" }
    }

    /// The bytes of one call of the host.
    #[must_use]
    pub fn host_call_bytes(limits: &CallLimits) -> Self {
        Self { name: "host-call-bytes", value: limits.host_call_bytes, knob: "" }
    }

    /// The resources held at once.
    #[must_use]
    pub fn handles(limits: &CallLimits) -> Self {
        Self { name: "handles", value: limits.handles as u64, knob: "" }
    }

    /// The bytes of the answer.
    #[must_use]
    pub fn output(limits: &CallLimits) -> Self {
        Self { name: "output-kib", value: limits.output / 1024, knob: "limits.output-kib" }
    }

    /// Whether a component that hits it has broken, rather than had much to do.
    #[must_use]
    pub fn is_fault(self) -> bool {
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
    fn what_is_not_asked_for_is_that_of_the_kind() {
        let tool = CallLimits::of(Kind::Tool, &LimitRequest::default());
        let provider = CallLimits::of(Kind::Provider, &LimitRequest::default());

        assert_eq!((tool.memory, tool.cpu), (64 * MIB, Duration::from_secs(5)));
        assert_eq!(provider.cpu, Duration::from_secs(2));
    }
}
