//! Responses, the vendor's own newer format. Its newest models take tools in no other.

pub mod decode;
pub mod encode;

#[cfg(test)]
mod tests;
