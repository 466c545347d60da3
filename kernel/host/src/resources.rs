//! Resources of the host that a guest holds by a handle.

use openkoi_brokers::processes::Child;

use crate::brokers::ResponseBody;

/// The most bytes of an answer's body.
pub(crate) const BODY_BYTES: u64 = 10 << 20;

/// A body that a guest pulls.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct BodyStream {
    pub(crate) inner: Box<dyn ResponseBody>,
    /// What arrived beyond what the guest asked for.
    pub(crate) rest: Vec<u8>,
}

/// A running program, with the command as one would type it.
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct RunningChild {
    pub(crate) inner: Child,
    pub(crate) line: String,
}
