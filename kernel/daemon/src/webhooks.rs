//! Sends what the outbox holds.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use openkoi_app::{
    app::App,
    day,
    error::AppError,
    settings::Settings,
    wall_clock::WallClock,
    webhooks::{self, Answer},
};
use openkoi_storage::webhooks::{Delivery, WebhookEvent};
use tokio::{sync::watch, task::JoinSet};

use crate::wait;

/// The most deliveries that are on their way at once, and to one receiver: one that hangs takes nobody's place.
const MOST: usize = 32;
const MOST_TO_ONE: usize = 4;

/// Sends deliveries until it is dropped, each until it is taken or given up. `changed` moves when something has happened in the
/// home; between that and the next attempt it sleeps.
pub async fn run(app: Arc<App>, clock: Arc<dyn WallClock>, mut changed: watch::Receiver<u64>) {
    let mut sender =
        Sender { app, clock, under_way: HashSet::new(), sends: JoinSet::new(), warned: None };
    loop {
        changed.mark_unchanged();
        let next_ms = sender.step().unwrap_or_else(|error| {
            tracing::error!(%error, "webhooks cannot be sent just now");
            Some(sender.clock.now_ms() + wait::AGAIN_MS)
        });
        let clock = Arc::clone(&sender.clock);
        tokio::select! {
            biased;
            Some(done) = sender.sends.join_next(), if !sender.sends.is_empty() => sender.done(done).await,
            () = wait::change(&mut changed) => {}
            () = wait::until(&clock, next_ms) => {}
        }
    }
}

type Done = Result<(Delivery, Answer), tokio::task::JoinError>;

struct Sender {
    app: Arc<App>,
    clock: Arc<dyn WallClock>,
    /// The ids of the deliveries that are on their way.
    under_way: HashSet<String>,
    sends: JoinSet<(Delivery, Answer)>,
    /// The day and the share of its budget that was told of last.
    warned: Option<(u64, u64)>,
}

impl Sender {
    /// Sends what is due. Returns when the next attempt is.
    fn step(&mut self) -> Result<Option<u64>, AppError> {
        let storage = self.app.storage()?;
        let now_ms = self.clock.now_ms();
        self.warn(now_ms)?;
        let next = storage.next_deliveries()?;
        let free: Vec<Delivery> =
            next.into_iter().filter(|one| !self.under_way.contains(&one.id)).collect();
        let (due, later): (Vec<_>, Vec<_>) =
            free.into_iter().partition(|one| webhooks::is_due(one, now_ms));
        if !due.is_empty() {
            let settings = Arc::new(settings(&self.app)?);
            // Who is not configured any more is sent nothing.
            webhooks::sync(&self.app, &settings)?;
            let known: HashSet<String> =
                storage.next_deliveries()?.into_iter().map(|one| one.id).collect();
            self.send(due.into_iter().filter(|one| known.contains(&one.id)), &settings, now_ms);
        }
        Ok(later.iter().map(|one| one.next_ms).min())
    }

    fn send(&mut self, due: impl Iterator<Item = Delivery>, settings: &Arc<Settings>, now_ms: u64) {
        let mut to_one: HashMap<String, usize> = HashMap::new();
        for delivery in due {
            let busy = to_one.entry(delivery.url.clone()).or_default();
            *busy += 1;
            if self.sends.len() >= MOST || *busy > MOST_TO_ONE {
                continue;
            }
            self.under_way.insert(delivery.id.clone());
            let (app, settings) = (Arc::clone(&self.app), Arc::clone(settings));
            self.sends.spawn(async move {
                let answer = webhooks::send(&app, &settings, &delivery, now_ms).await;
                (delivery, answer)
            });
        }
    }

    /// Notes what became of an attempt. If it cannot be noted, the delivery is sent again later, with the same id.
    async fn done(&mut self, done: Done) {
        let Ok((delivery, answer)) = done else { return };
        let attempt = webhooks::attempt(&delivery, answer, self.clock.now_ms());
        let noted =
            self.app.storage().and_then(|storage| Ok(storage.attempted(&delivery, &attempt)?));
        if let Err(error) = noted {
            tracing::error!(%error, "what became of a webhook cannot be noted");
            wait::until(&self.clock, Some(self.clock.now_ms() + wait::AGAIN_MS)).await;
        }
        self.under_way.remove(&delivery.id);
    }

    /// Tells of the day's budget, if somebody wants to know and was not told yet.
    fn warn(&mut self, now_ms: u64) -> Result<(), AppError> {
        let storage = self.app.storage()?;
        let wanted = storage.webhooks()?.iter().any(|one| one.event == WebhookEvent::BudgetWarning);
        if !wanted {
            return Ok(());
        }
        let day = day::began_ms(now_ms);
        let most = self.warned.filter(|(told, _)| *told == day).map(|(_, share)| share);
        if most == Some(100) {
            return Ok(());
        }
        let share = webhooks::warn_of_budget(&self.app, &settings(&self.app)?, now_ms)?;
        self.warned = share.map(|share| (day, share)).or(self.warned);
        Ok(())
    }
}

/// Returns the settings without those of a project.
fn settings(app: &App) -> Result<Settings, AppError> {
    app.settings(app.paths()?.home(), |_| Ok(()))
}

#[cfg(test)]
mod tests;
