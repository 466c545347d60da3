//! Responses, the vendor's own newer format. Its newest models take tools in no other.

pub(crate) mod decode;
pub(crate) mod encode;

#[cfg(test)]
mod tests;
