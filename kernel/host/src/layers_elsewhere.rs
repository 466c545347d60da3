//! Systems without layers: the workspace is looked at before and after a program instead.

use std::{path::Path, sync::Arc};

use openkoi_brokers::{
    processes::{Command, Processes},
    snapshot::Keeper,
};
use openkoi_core::{
    change_set::CallEffects, effects::HeldBack, failure::Failure, frozen::View, port::Pending,
};

use crate::{purpose::Purpose, seen::Seen};

/// The layer of a call, which there is not.
#[derive(Debug)]
pub(crate) enum CallLayer {}

impl CallLayer {
    pub(crate) fn create(
        _: &Processes,
        _: &Arc<Keeper>,
        _: &Path,
        _: &Arc<Seen>,
        _: Purpose,
        _: &View,
    ) -> Result<Arc<Self>, String> {
        Err("this system has none".to_owned())
    }

    pub(crate) fn belongs_to(&self, _: &str) {
        match *self {}
    }

    pub(crate) fn left(
        _: &Arc<Keeper>,
        _: &Path,
        _: &Arc<Seen>,
        _: &str,
        _: &str,
    ) -> Option<Arc<Self>> {
        None
    }

    pub(crate) fn rewritten(&self) -> Vec<String> {
        match *self {}
    }

    pub(crate) fn enter(&self, _: &mut Command, _: &str) {
        match *self {}
    }
}

/// The changes of a call that wait for the loop.
pub(crate) struct Held(pub(crate) Arc<CallLayer>);

impl HeldBack for Held {
    fn effects(&mut self) -> Pending<'_, Result<CallEffects, Failure>> {
        match *self.0 {}
    }

    fn commit(&mut self) -> Pending<'_, Result<CallEffects, Failure>> {
        match *self.0 {}
    }

    fn discard(&mut self) -> Pending<'_, ()> {
        match *self.0 {}
    }
}
