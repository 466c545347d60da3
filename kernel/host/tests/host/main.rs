//! The host, tested from outside with components that behave badly. One binary, because the components are
//! compiled once for all of it.

mod admitted;
mod evaluators;
mod floods;
mod guests;
mod limits;
mod loopback;
mod powers;
mod providers;
mod quarantine;
mod raw;
mod retries;
mod tools;
mod worlds;
