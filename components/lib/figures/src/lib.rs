//! What views compute and draw. Numbers are never shown without what they rest on: a share has its interval and the number of
//! cases, a change its probability of being chance, and where there are too few cases that is said instead.

pub mod draw;
pub mod statistics;
pub mod work;
