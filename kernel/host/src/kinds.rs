//! A component as what core asks for: tools as a [`Toolbox`](openkoi_core::toolbox::Toolbox), evaluators as
//! [`Evaluators`](openkoi_core::evaluators::Evaluators), providers as a [`Model`](openkoi_core::port::Model).

pub mod evaluator;
pub mod provider;
pub(crate) mod schema;
pub mod tool;

pub use schema::check as check_schema;
