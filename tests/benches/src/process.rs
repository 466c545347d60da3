//! What this process has used so far.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// Returns the time of the processor, in microseconds.
pub(crate) fn cpu_micros() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 * 1e6 + spent.tv_nsec as f64 / 1e3
}

/// Returns memory in KiB by the name that the kernel gives it, such as `VmRSS`.
pub(crate) fn memory_kib(name: &str) -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("the field is there")
}
