//! Begins what is due by time.

use std::sync::Arc;

use openkoi_app::{
    app::App,
    error::AppError,
    schedules::{self, Schedule},
    wall_clock::WallClock,
};
use tokio::sync::watch;

use crate::wait;

/// Begins the tasks of schedules when they are due, until it is dropped. `changed` moves when something has happened in the home;
/// between that and the next moment that is due it sleeps.
pub async fn run(app: Arc<App>, clock: Arc<dyn WallClock>, mut changed: watch::Receiver<u64>) {
    loop {
        changed.mark_unchanged();
        let next_ms = step(&app, clock.now_ms()).unwrap_or_else(|error| {
            tracing::error!(%error, "schedules cannot be looked at just now");
            Some(clock.now_ms() + wait::AGAIN_MS)
        });
        tokio::select! {
            biased;
            () = wait::change(&mut changed) => {}
            () = wait::until(&clock, next_ms) => {}
        }
    }
}

/// Begins what is due. Returns when the next one is.
fn step(app: &App, now_ms: u64) -> Result<Option<u64>, AppError> {
    let mut next_ms = None;
    for record in app.storage()?.schedules()? {
        let id = record.id.clone();
        // One that cannot be read keeps no other from beginning.
        let next = Schedule::of(record)
            .map_err(AppError::from)
            .and_then(|one| schedules::look(app, &one, now_ms));
        match next {
            Ok(next) => next_ms = wait::sooner(next_ms, next),
            Err(AppError::Schedule(error)) => {
                tracing::error!(%error, schedule = id, "a schedule is passed over")
            }
            Err(error) => return Err(error),
        }
    }
    Ok(next_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{BEGIN, HOUR, World};

    fn start(world: &World) -> tokio::task::JoinHandle<()> {
        tokio::spawn(run(world.app(), world.clock(), world.changed()))
    }

    #[tokio::test]
    async fn a_task_begins_at_its_time_and_nothing_stirs_before() {
        let world = World::new();
        world.schedule("every day at 9");
        let running = start(&world);

        world.awaits(BEGIN + 9 * HOUR).await;
        assert_eq!(world.waiting(), []);
        world.set(BEGIN + 9 * HOUR);

        world.queued(1).await;
        world.awaits(BEGIN + 33 * HOUR).await;
        running.abort();
    }

    #[tokio::test]
    async fn a_schedule_that_is_added_while_it_sleeps_is_heard_of() {
        let world = World::new();
        let running = start(&world);

        world.schedule("every 30 minutes");
        world.tell();
        world.awaits(BEGIN + HOUR / 2).await;
        world.set(BEGIN + HOUR / 2);

        world.queued(1).await;
        running.abort();
    }

    #[tokio::test]
    async fn one_that_another_version_made_keeps_no_other_from_beginning() {
        let world = World::new();
        world.keep("{}", "/pond");
        world.schedule("hourly");
        let running = start(&world);
        world.awaits(BEGIN + HOUR).await;

        world.set(BEGIN + HOUR);

        world.queued(1).await;
        running.abort();
    }

    #[tokio::test]
    async fn a_clock_that_jumps_begins_one_task_for_all_that_was_passed_over() {
        let world = World::new();
        world.schedule("hourly");
        let running = start(&world);
        world.awaits(BEGIN + HOUR).await;

        world.set(BEGIN + 10 * HOUR);
        world.awaits(BEGIN + 11 * HOUR).await;
        world.set(BEGIN + 5 * HOUR);
        world.tell();

        world.awaits(BEGIN + 11 * HOUR).await;
        world.queued(1).await;
        running.abort();
    }
}
