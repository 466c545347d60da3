//! Model turns: reserved, journaled, bounded in time, settled. The loop and the components both pay here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    halt::{Halt, Paused},
    ports::Ports,
    wait::{self, Waited},
};
use crate::{
    event::Event,
    failure::Failure,
    hash,
    ledger::{Ledger, Price, Reservation, Shortage},
    message::{Prompt, Role, Turn, Usage},
    model::{ModelCard, ModelError, ModelTrouble},
    outcome::Trip,
    port::{Cancellation, Clock, Delta, Listener, Model, Pending},
    recorder::Recorder,
    scope::Turns,
    task::{Task, TaskSettings},
};

/// Message for people who were shown an answer that does not count.
const SUPERSEDED: &str = "this answer does not count: not all of the conversation was read; it is shortened and asked again";
/// Least tokens of output for which a turn is worth asking.
const LEAST_TURN: u64 = 256;

/// Model turns of one run.
pub(super) struct TurnMeter {
    settings: TaskSettings,
    cards: HashMap<String, ModelCard>,
    recorder: Arc<Recorder>,
    model: Arc<dyn Model>,
    listener: Arc<dyn Listener>,
    clock: Arc<dyn Clock>,
    cancellation: Arc<dyn Cancellation>,
    account: Mutex<Account>,
}

/// Spending of the run so far.
struct Account {
    ledger: Ledger,
    usage: Usage,
    turns: u32,
    /// The reason for which a component's turn ended the run.
    halted: Option<Halt>,
}

impl Account {
    /// Settles a turn, complete or not.
    fn settle(
        &mut self,
        reserved: Reservation,
        spent: Reservation,
        result: Result<&Turn, &ModelError>,
    ) {
        self.ledger.settle(reserved, Some(spent));
        self.usage = self.usage.plus(usage(result).unwrap_or_default());
        self.turns += u32::from(result.is_ok());
    }
}

/// Reply to a prompt that did not end or pause the run.
pub(super) enum TurnReply {
    Complete(Turn),
    /// The conversation is longer than the model reads.
    Overflow(ModelError),
}

/// From the result of a turn that finished: an error in it is an overflow, any other has paused the run.
impl From<Result<Turn, ModelError>> for TurnReply {
    fn from(result: Result<Turn, ModelError>) -> Self {
        match result {
            Ok(turn) => Self::Complete(turn),
            Err(error) => Self::Overflow(error),
        }
    }
}

impl TurnMeter {
    pub(super) fn new(
        task: &Task,
        cards: Vec<(String, ModelCard)>,
        recorder: Arc<Recorder>,
        ports: &Ports,
    ) -> Self {
        let ledger = Ledger::new(task.settings.max_tokens, task.settings.max_cost_micros);
        let account = Account { ledger, usage: Usage::default(), turns: 0, halted: None };
        Self {
            settings: task.settings.clone(),
            cards: cards.into_iter().collect(),
            recorder,
            model: ports.model.clone(),
            listener: ports.listener.clone(),
            clock: ports.clock.clone(),
            cancellation: ports.cancellation.clone(),
            account: Mutex::new(account),
        }
    }

    /// Returns the model that `role` resolved to when the task began.
    pub(super) fn card(&self, role: &Role) -> ModelCard {
        let known = self.cards.get(&role.0).or_else(|| self.cards.get(Role::EXECUTOR));
        known.cloned().unwrap_or_else(|| self.model.card(role))
    }

    /// Asks for one turn. The caller may answer an overflow with a shorter prompt.
    pub(super) async fn turn(
        &self,
        key: &str,
        role: &Role,
        mut prompt: Prompt,
    ) -> Result<TurnReply, Halt> {
        // A turn that is over was reserved before its lost attempts were counted, and a replay has to find the same.
        let over = self.recorder.recall(key, "turn.finished").is_some();
        if !over {
            self.count_lost(key);
        }
        let card = self.card(role);
        prompt.effort = prompt.effort.or_else(|| self.settings.efforts.get(&role.0).copied());
        let reserved = self.reserve(key, &card, &mut prompt)?;
        let request = hash::of_json(&prompt);
        let resumed = self.recorder.recall(key, "turn.started").is_some()
            && !over
            && self.recorder.recall(key, "breaker.tripped").is_none();
        if resumed {
            self.lose(key, reserved)?;
        }
        let started = Event::TurnStarted {
            role: role.0.clone(),
            model: card.name.clone(),
            request,
            reserved,
        };
        self.recorder.record(key, started)?;
        if over {
            self.count_lost(key);
        }
        let reply = self.ask(key, role, &card, &prompt, reserved).await?;
        self.warn(key)?;
        Ok(reply)
    }

    /// Returns tokens and money spent, all usage, and the number of turns.
    pub(super) fn totals(&self) -> (Reservation, Usage, u32) {
        let account = self.account();
        (account.ledger.spent(), account.usage, account.turns)
    }

    /// Takes the reason for which a component's turn ended the run, if one did.
    pub(super) fn halted(&self) -> Option<Halt> {
        self.account().halted.take()
    }

    /// Returns how much of the task's time is left, in milliseconds; without a limit, the largest number.
    pub(super) fn time_left(&self) -> u64 {
        let limit = self.settings.max_time_ms;
        limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.recorder.elapsed_ms()))
    }

    /// Waits for `work`, no longer than `limit`, the task's time, and the user's patience.
    pub(super) async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Waited<T> {
        let left = Duration::from_millis(self.time_left()).min(limit);
        wait::bounded(&*self.clock, &*self.cancellation, left, work).await
    }

    /// Returns the trip that a turn of the component under `key` ended in, if one did.
    pub(super) fn tripped_below(&self, key: &str) -> Option<Trip> {
        let below = self.recorder.recall_below(&format!("{key}/m"), "breaker.tripped");
        below.into_iter().find_map(|event| match event {
            Event::BreakerTripped { trip } => Some(trip),
            _ => None,
        })
    }

    /// Returns the trip for the task's time, recorded under `key`.
    pub(super) fn time_over(&self, key: &str) -> Halt {
        let trip = Trip::Time { limit_ms: self.settings.max_time_ms.unwrap_or_default() };
        self.trip(key, trip)
    }

    /// Ends the run if its time is over; the journal remembers, so that a replay ends there too.
    pub(super) fn check_time(&self, key: &str) -> Result<(), Halt> {
        if let Some(Event::BreakerTripped { trip }) = self.recorder.recall(key, "breaker.tripped") {
            return Err(Halt::Trip(trip));
        }
        if self.time_left() == 0 { Err(self.time_over(key)) } else { Ok(()) }
    }

    /// Counts the turns that a recalled call or evaluation took.
    pub(super) fn replay_component(&self, key: &str) {
        let prefix = format!("{key}/m");
        let mut account = self.account();
        for event in self.recorder.recall_below(&prefix, "turn.finished") {
            let Event::TurnFinished { result, spent, .. } = event else { continue };
            account.settle(Reservation::default(), spent, result.as_ref());
        }
        for event in self.recorder.recall_below(&prefix, "turn.failed") {
            let Event::TurnFailed { error, spent, .. } = event else { continue };
            account.settle(Reservation::default(), spent, Err(&error));
        }
        for event in self.recorder.recall_below(&prefix, "turn.lost") {
            let Event::TurnLost { reserved } = event else { continue };
            account.ledger.settle(Reservation::default(), Some(reserved));
        }
        // If that passed four fifths, the warning stands in the journal already.
        account.ledger.warns();
    }

    fn trip(&self, key: &str, trip: Trip) -> Halt {
        match self.recorder.record(key, Event::BreakerTripped { trip: trip.clone() }) {
            Ok(()) => Halt::Trip(trip),
            Err(error) => error.into(),
        }
    }

    /// Counts the attempts at a turn that was given up for another one.
    pub(super) fn count_failed_attempts(&self, key: &str) {
        self.count_lost(key);
        self.count_failed(&self.open_attempt(key));
    }

    /// Turns that died with the program stay spent at their reservation, those that failed at what they took.
    fn count_lost(&self, key: &str) {
        for attempt in 0.. {
            let key = lost_key(key, attempt);
            let lost = self.recorder.recall(&key, "turn.lost");
            let Some(Event::TurnLost { reserved }) = lost else { break };
            self.account().ledger.settle(Reservation::default(), Some(reserved));
            self.count_failed(&key);
        }
    }

    /// Counts the tokens that the attempt of this key took, if it failed. Returns whether it did.
    fn count_failed(&self, key: &str) -> bool {
        let Some(Event::TurnFailed { error, spent, .. }) = self.recorder.recall(key, "turn.failed")
        else {
            return false;
        };
        self.account().settle(Reservation::default(), spent, Err(&error));
        true
    }

    fn lose(&self, key: &str, reserved: Reservation) -> Result<(), Halt> {
        let free = self.open_attempt(key);
        // An attempt that failed is over and counted; any other died with the program.
        let failed = self.count_failed(&free);
        let reserved = if failed { Reservation::default() } else { reserved };
        self.recorder.record(&free, Event::TurnLost { reserved })?;
        self.account().ledger.settle(Reservation::default(), Some(reserved));
        Ok(())
    }

    /// Returns the key of the attempt that has not been counted yet.
    fn open_attempt(&self, key: &str) -> String {
        let mut attempt = 0;
        while self.recorder.recall(&lost_key(key, attempt), "turn.lost").is_some() {
            attempt += 1;
        }
        lost_key(key, attempt)
    }

    /// Reserves the most that the turn can take, and shortens the turn to what is left.
    fn reserve(
        &self,
        key: &str,
        card: &ModelCard,
        prompt: &mut Prompt,
    ) -> Result<Reservation, Halt> {
        let price = card.price.unwrap_or(Price::CEILING);
        let input = prompt.tokens();
        let mut account = self.account();
        let wanted = u64::from(prompt.max_tokens.unwrap_or(self.settings.max_turn_tokens));
        let output = wanted
            .min(u64::from(self.settings.max_turn_tokens))
            .min(card.output.max(1))
            .min(account.ledger.tokens_left().saturating_sub(input))
            .min(affordable(price, input, account.ledger.cost_left()));
        let short = output < LEAST_TURN.min(wanted);
        let output = if short { wanted } else { output };
        let usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
        let amount = Reservation { tokens: input + output, cost_micros: price.cost_micros(usage) };
        let refused = account.ledger.reserve(amount);
        let spent = account.ledger.spent();
        drop(account);
        match refused {
            Ok(()) => {
                prompt.max_tokens = Some(u32::try_from(output).unwrap_or(u32::MAX));
                Ok(amount)
            }
            Err(what) => Err(self.trip(key, self.budget_trip(what, spent))),
        }
    }

    fn budget_trip(&self, what: Shortage, spent: Reservation) -> Trip {
        let (limit, spent) = match what {
            Shortage::Tokens => (self.settings.max_tokens.unwrap_or_default(), spent.tokens),
            Shortage::Cost => (self.settings.max_cost_micros, spent.cost_micros),
        };
        Trip::Budget { what, limit, spent }
    }

    async fn ask(
        &self,
        key: &str,
        role: &Role,
        card: &ModelCard,
        prompt: &Prompt,
        reserved: Reservation,
    ) -> Result<TurnReply, Halt> {
        if let Some(Event::TurnFinished { result, spent, .. }) =
            self.recorder.recall(key, "turn.finished")
        {
            self.account().settle(reserved, spent, result.as_ref());
            return Ok(result.into());
        }
        self.check_time(key)?;
        let deltas = |delta: Delta<'_>| self.listener.delta(role, delta);
        let work = self.model.complete(role, prompt, &deltas);
        let result = match self.within(Duration::MAX, work).await {
            Waited::Done(result) => result,
            Waited::TimeOver => return Err(self.time_over(key)),
            Waited::Cancelled => return Err(Halt::Paused(Paused::Cancelled)),
        };
        let result = plausible(result);
        self.pause_on_trouble(key, role, card, &result)?;
        let spent = actual(card, reserved, result.as_ref());
        let finished = Event::TurnFinished {
            role: role.0.clone(),
            model: card.name.clone(),
            result: result.clone(),
            spent,
        };
        self.recorder.record(key, finished)?;
        self.account().settle(reserved, spent, result.as_ref());
        Ok(result.into())
    }

    /// Lets turns and overflows through; any other trouble pauses the run, and the turn is asked for again
    /// when it is resumed.
    fn pause_on_trouble(
        &self,
        key: &str,
        role: &Role,
        card: &ModelCard,
        result: &Result<Turn, ModelError>,
    ) -> Result<(), Halt> {
        match result {
            Err(error) if error.kind != ModelTrouble::Overflow => {
                let failed = Event::TurnFailed {
                    role: role.0.clone(),
                    model: card.name.clone(),
                    spent: actual(card, Reservation::default(), Err(error)),
                    error: error.clone(),
                };
                self.recorder.note(&self.open_attempt(key), failed)?;
                Err(Halt::Paused(Paused::Model(error.clone())))
            }
            Err(error) => {
                // The next request is another one, and so is its answer: whoever saw a part of this one is told.
                if error.received.as_ref().is_some_and(|received| received.shown) {
                    self.listener.delta(role, Delta::Waiting(SUPERSEDED));
                }
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    fn warn(&self, key: &str) -> Result<(), Halt> {
        let (due, spent) = {
            let mut account = self.account();
            (account.ledger.warns(), account.ledger.spent())
        };
        if due {
            self.recorder.record(key, Event::BudgetWarned { spent })?;
        }
        Ok(())
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost_key(key: &str, attempt: u32) -> String {
    format!("{key}/lost{attempt}")
}

/// Returns the tokens of output that the money left buys after the input is paid.
fn affordable(price: Price, input: u64, left: u64) -> u64 {
    let input_only = Usage { input: Some(input), ..Usage::default() };
    let rest = left.saturating_sub(price.cost_micros(input_only));
    if price.output > 0.0 { (rest as f64 / price.output).floor() as u64 } else { u64::MAX }
}

/// More tokens than any model has ever taken in a turn: a count past this is a fault of the provider.
const IMPOSSIBLE: u64 = 1 << 40;

/// Cuts counts that cannot be, so that sums of them stay numbers that everything can store.
fn plausible(mut result: Result<Turn, ModelError>) -> Result<Turn, ModelError> {
    let cut = |count: Option<u64>| count.map(|count| count.min(IMPOSSIBLE));
    let usage = match &mut result {
        Ok(turn) => Some(&mut turn.usage),
        Err(error) => error.received.as_mut().map(|received| &mut received.usage),
    };
    if let Some(usage) = usage {
        *usage = Usage {
            input: cut(usage.input),
            output: cut(usage.output),
            cache_read: cut(usage.cache_read),
            cache_write: cut(usage.cache_write),
            reasoning: cut(usage.reasoning),
        };
    }
    result
}

/// The counts of a turn, or of what arrived of it.
fn usage(result: Result<&Turn, &ModelError>) -> Option<Usage> {
    match result {
        Ok(turn) => Some(turn.usage),
        Err(error) => error.received.as_ref().map(|received| received.usage),
    }
}

/// Returns what a turn really took. A count that was not reported is settled as reserved; where nothing arrived,
/// nothing was taken.
fn actual(
    card: &ModelCard,
    reserved: Reservation,
    result: Result<&Turn, &ModelError>,
) -> Reservation {
    let Some(usage) = usage(result) else { return Reservation::default() };
    if result.is_ok() && (usage.input.is_none() || usage.output.is_none()) {
        return reserved;
    }
    let price = card.price.unwrap_or(Price::CEILING);
    Reservation { tokens: usage.total(), cost_micros: price.cost_micros(usage) }
}

/// Turns on behalf of one component call.
pub(super) struct ComponentTurns {
    meter: Arc<TurnMeter>,
    key: String,
    count: AtomicU32,
}

impl ComponentTurns {
    pub(super) fn new(meter: Arc<TurnMeter>, key: &str) -> Self {
        Self { meter, key: key.to_owned(), count: AtomicU32::new(0) }
    }
}

impl Turns for ComponentTurns {
    fn turn<'a>(&'a self, role: Role, prompt: Prompt) -> Pending<'a, Result<Turn, Failure>> {
        Box::pin(async move {
            // The request is part of the key: a component that is asked again after a crash gets an answer
            // that was paid for only if it asks the same.
            let number = self.count.fetch_add(1, Ordering::Relaxed);
            let request = hash::of_json(&prompt);
            let key = format!("{}/m{number}-{}", self.key, request.get(..8).unwrap_or(""));
            match self.meter.turn(&key, &role, prompt).await {
                Ok(TurnReply::Complete(turn)) => Ok(turn),
                Ok(TurnReply::Overflow(error)) => Err(Failure::Failed(error.message)),
                Err(halt) => {
                    let failure = as_failure(&halt);
                    self.meter.account().halted = Some(halt);
                    Err(failure)
                }
            }
        })
    }
}

fn as_failure(halt: &Halt) -> Failure {
    match halt {
        Halt::Trip(Trip::Budget { limit, .. }) => Failure::Limited {
            name: "task-budget".to_owned(),
            value: *limit,
            knob: "--max-cost or --max-tokens".to_owned(),
        },
        Halt::Trip(trip) => Failure::Failed(trip.to_string()),
        Halt::Paused(Paused::Cancelled) => Failure::Cancelled,
        Halt::Paused(paused) => Failure::Failed(paused.to_string()),
    }
}
