//! The permission bits of what is kept.

/// Those of a file that only its owner may read and write.
pub(crate) const PRIVATE: u32 = 0o600;
