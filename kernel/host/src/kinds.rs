//! Components as the ports of core: tools as a [`Toolbox`](openkoi_core::toolbox::Toolbox), evaluators as
//! [`Evaluators`](openkoi_core::evaluators::Evaluators), providers as a [`Model`](openkoi_core::port::Model).

pub mod evaluator;
pub mod provider;
pub mod tool;
