//! Resources that a guest holds by a handle.

use openkoi_brokers::processes::Child;

use crate::{brokers::ResponseBody, effects::AtWork};

/// The largest body of a response, in bytes.
pub(crate) const BODY_BYTES: u64 = 10 << 20;

/// A body that a guest pulls.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct BodyStream {
    pub(crate) inner: Box<dyn ResponseBody>,
    /// Bytes that arrived and the guest has not read yet.
    pub(crate) rest: Vec<u8>,
}

/// A running program, with the command as it is shown.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct RunningChild {
    pub(crate) inner: Child,
    pub(crate) line: String,
    /// Keeps what the program changes. It is dropped after the program.
    pub(crate) at_work: Option<AtWork>,
}
