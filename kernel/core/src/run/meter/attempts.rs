//! Attempts at turns that came to no end: what they took is counted once, in the run and in its replay.

use super::TurnMeter;
use crate::{
    event::Event,
    fact::{self, Fact},
    ledger::Reservation,
    message::{Prompt, Role},
    model::ModelCard,
    run::{arrival::Arrival, halt::Halt},
};

impl TurnMeter {
    /// Counts the turns that a recalled call or evaluation took.
    pub(in crate::run) fn replay_component(&self, key: &str) {
        let prefix = format!("{key}/m");
        let mut account = self.account();
        for fact::TurnFinished { result, spent } in self.recorder.recall_below(&prefix) {
            account.settle(Reservation::default(), spent, result.as_ref());
        }
        for fact::TurnFailed { error, spent } in self.recorder.recall_below(&prefix) {
            account.settle(Reservation::default(), spent, Err(&error));
        }
        for fact::TurnLost { reserved } in self.recorder.recall_below(&prefix) {
            account.ledger.settle(Reservation::default(), Some(reserved));
        }
        for fact::ModelsResolved { role, models } in self.recorder.recall_below(&prefix) {
            account.cards.insert(role, models);
        }
        // If that passed four fifths, the warning stands in the journal already.
        account.ledger.warns();
    }

    /// Counts the attempts at a turn that was given up for another one.
    pub(in crate::run) fn count_failed_attempts(&self, key: &str, role: &Role) {
        self.count_lost(key, role);
        self.count_failed(&self.open_attempt(key));
    }

    /// Turns that died with the program stay spent at their reservation, those that were cut or failed at what they
    /// took. Models that an attempt was the first to know of are taken over.
    pub(super) fn count_lost(&self, key: &str, role: &Role) {
        for attempt in 0.. {
            let key = lost_key(key, attempt);
            self.recall_models(&key, role);
            let Some(fact::TurnLost { reserved }) = self.recorder.recall(&key) else { break };
            self.account().ledger.settle(Reservation::default(), Some(reserved));
            self.count_failed(&key);
        }
    }

    /// Counts the tokens that the attempt of this key took, if it failed. Returns whether it did.
    pub(super) fn count_failed(&self, key: &str) -> bool {
        let Some(fact::TurnFailed { error, spent, .. }) = self.recorder.recall(key) else {
            return false;
        };
        self.account().settle(Reservation::default(), spent, Err(&error));
        true
    }

    /// Counts the attempt that died with the program, or that failed. One that was cut is counted already, and the
    /// next one had not begun.
    pub(super) fn lose(&self, key: &str, reserved: Reservation) -> Result<(), Halt> {
        let open = self.open_attempt(key);
        // An attempt that failed is over and counted; any other died with the program.
        let failed = self.count_failed(&open);
        let begun = open == lost_key(key, 0) || self.holds::<fact::TurnStarted>(&open);
        if !failed && !begun {
            return Ok(());
        }
        let reserved = if failed { Reservation::default() } else { reserved };
        self.recorder.record(&open, Event::TurnLost { reserved })?;
        self.account().ledger.settle(Reservation::default(), Some(reserved));
        Ok(())
    }

    /// Counts an attempt that is cut while it is under way: at what arrived of it, or else at its reservation.
    pub(super) fn cut(
        &self,
        key: &str,
        prompt: &Prompt,
        chain: &[ModelCard],
        reserved: Reservation,
        arrival: &Arrival<'_>,
    ) -> Result<(), Halt> {
        let taken = arrival.taken(prompt, chain, reserved);
        let lost = Event::TurnLost { reserved: taken };
        self.recorder.record(&self.open_attempt(key), lost)?;
        self.account().ledger.settle(reserved, Some(taken));
        Ok(())
    }

    /// Takes over the models that `role` resolves to by now, if the journal knows others: the configuration or a list
    /// of prices changed while the run was paused. `key` is that of the first turn which asks them.
    pub(super) fn renew_models(&self, key: &str, role: &Role) -> Result<(), Halt> {
        if self.recall_models(key, role) || !self.recorder.is_live() {
            return Ok(());
        }
        let models = self.model.chain(role);
        if models.is_empty() || models == self.chain(role) {
            return Ok(());
        }
        let resolved = Event::ModelsResolved { role: role.0.clone(), models: models.clone() };
        self.recorder.record(key, resolved)?;
        self.account().cards.insert(role.0.clone(), models);
        Ok(())
    }

    /// Takes over the models that the journal holds under this key. Returns whether it holds any.
    pub(super) fn recall_models(&self, key: &str, role: &Role) -> bool {
        let Some(fact::ModelsResolved { models, .. }) = self.recorder.recall(key) else {
            return false;
        };
        self.account().cards.insert(role.0.clone(), models);
        true
    }

    pub(super) fn holds<F: Fact>(&self, key: &str) -> bool {
        self.recorder.recall::<F>(key).is_some()
    }

    /// Returns the key of the attempt that has not been counted yet.
    pub(super) fn open_attempt(&self, key: &str) -> String {
        let mut attempt = 0;
        while self.recorder.recall::<fact::TurnLost>(&lost_key(key, attempt)).is_some() {
            attempt += 1;
        }
        lost_key(key, attempt)
    }
}

fn lost_key(key: &str, attempt: u32) -> String {
    format!("{key}/lost{attempt}")
}
