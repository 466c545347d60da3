//! Model turns: reserved, journaled, bounded in time, settled. The loop and the components both pay here.

mod attempts;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use super::{
    arrival::Arrival,
    halt::{Halt, Paused},
    ports::Ports,
    wait::Waited,
};
use crate::{
    event::Event,
    fact,
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
/// Longest time for which a timer is set at once.
const LONGEST_NAP_MS: u64 = 86_400_000;
/// Shortest time after which the task's time is looked at again: while it stands still, little of it may be left.
const SHORTEST_NAP_MS: u64 = 100;

/// Model turns of one run.
pub(super) struct TurnMeter {
    settings: TaskSettings,
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
    /// Models by role: the first, then those that are asked when it is unavailable.
    cards: HashMap<String, Vec<ModelCard>>,
    /// The reasons for which turns of components ended the run, by the keys of their calls.
    halted: HashMap<String, Halt>,
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
        let mut by_role: HashMap<String, Vec<ModelCard>> = HashMap::new();
        for (role, card) in cards {
            by_role.entry(role).or_default().push(card);
        }
        let account = Account {
            ledger,
            usage: Usage::default(),
            turns: 0,
            cards: by_role,
            halted: HashMap::new(),
        };
        Self {
            settings: task.settings.clone(),
            recorder,
            model: ports.model.clone(),
            listener: ports.listener.clone(),
            clock: ports.clock.clone(),
            cancellation: ports.cancellation.clone(),
            account: Mutex::new(account),
        }
    }

    /// Counts what was spent before.
    pub(super) fn count(&self, spent: Reservation) {
        self.account().ledger.settle(Reservation::default(), Some(spent));
    }

    /// Returns the first model of `role`, as the task knows it.
    pub(super) fn card(&self, role: &Role) -> ModelCard {
        self.chain(role).into_iter().next().unwrap_or_else(|| self.model.card(role))
    }

    /// Returns the models that may answer for `role`, the first one first.
    fn chain(&self, role: &Role) -> Vec<ModelCard> {
        let account = self.account();
        let known = account.cards.get(&role.0).or_else(|| account.cards.get(Role::EXECUTOR));
        let chain = known.cloned().unwrap_or_default();
        drop(account);
        if chain.is_empty() { self.model.chain(role) } else { chain }
    }

    /// Asks for one turn. The caller may answer an overflow with a shorter prompt.
    pub(super) async fn turn(
        &self,
        key: &str,
        role: &Role,
        mut prompt: Prompt,
    ) -> Result<TurnReply, Halt> {
        prompt.effort = prompt.effort.or_else(|| self.settings.efforts.get(&role.0).copied());
        let (over, begun) =
            (self.holds::<fact::TurnFinished>(key), self.holds::<fact::TurnStarted>(key));
        if !begun {
            self.check_time(key)?;
            self.renew_models(key, role)?;
        }
        let wanted = prompt.max_tokens;
        let mut reserved = self.begin(key, key, role, &mut prompt)?;
        // A replay has to find the first attempt as it was, before its lost attempts were counted.
        self.count_lost(key, role);
        if begun && !over {
            if let Some(trip) = self.tripped(key).filter(|_| !self.recorder.is_live()) {
                return Err(Halt::Trip(trip));
            }
            prompt.max_tokens = wanted;
            reserved = self.begin_again(key, role, &mut prompt, reserved)?;
        }
        let reply = self.ask(key, role, &prompt, reserved).await?;
        self.warn(key)?;
        Ok(reply)
    }

    /// Begins an attempt of the turn `key`: reserves what it may take, and says so under the attempt's own key.
    fn begin(
        &self,
        key: &str,
        attempt: &str,
        role: &Role,
        prompt: &mut Prompt,
    ) -> Result<Reservation, Halt> {
        let chain = self.chain(role);
        // What limits and settings make of a request is not part of its name: a resume may have changed them. Nor is the
        // schema, which the task says and which changes what is answered, not what is asked.
        let request = hash::of_json(&Prompt {
            max_tokens: None,
            effort: None,
            schema: None,
            ..prompt.clone()
        });
        let reserved = match self.recorder.recall(attempt) {
            Some(fact::TurnStarted { reserved }) => {
                self.account().ledger.reserve_again(reserved);
                reserved
            }
            _ => self.reserve(key, &chain, prompt)?,
        };
        let model = first(&chain, role);
        let started = Event::TurnStarted { role: role.0.clone(), model, request, reserved };
        self.recorder.record(attempt, started)?;
        Ok(reserved)
    }

    /// Begins another attempt of a turn that the journal has no end of.
    fn begin_again(
        &self,
        key: &str,
        role: &Role,
        prompt: &mut Prompt,
        reserved: Reservation,
    ) -> Result<Reservation, Halt> {
        self.lose(key, reserved)?;
        self.check_time(key)?;
        let attempt = self.open_attempt(key);
        self.renew_models(&attempt, role)?;
        self.account().ledger.settle(reserved, Some(Reservation::default()));
        self.begin(key, &attempt, role, prompt)
    }

    /// Returns tokens and money spent, all usage, and the number of turns.
    pub(super) fn totals(&self) -> (Reservation, Usage, u32) {
        let account = self.account();
        (account.ledger.spent(), account.usage, account.turns)
    }

    /// Takes the reason for which a component's turn ended the run, if one did.
    pub(super) fn halted(&self, key: &str) -> Option<Halt> {
        self.account().halted.remove(key)
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
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let deadline = self.clock.monotonic_ms().saturating_add(limit);
        // The task's time may stand still meanwhile, so what is left is asked for again when a wait is over.
        let left = || {
            let of_limit = deadline.saturating_sub(self.clock.monotonic_ms());
            of_limit.min(self.time_left())
        };
        let nap = |left: u64| self.clock.sleep(Duration::from_millis(left.min(LONGEST_NAP_MS)));
        let mut work = std::pin::pin!(work);
        let mut over = nap(left());
        let mut cancelled = self.cancellation.cancelled();
        std::future::poll_fn(move |context| {
            let is_cancelled = cancelled.as_mut().poll(context).is_ready();
            let done = work.as_mut().poll(context);
            // The work had one more look: a component's turn in it hears of the same wish, and writes down what it took.
            if is_cancelled {
                return Poll::Ready(Waited::Cancelled);
            }
            if let Poll::Ready(done) = done {
                return Poll::Ready(Waited::Done(done));
            }
            while over.as_mut().poll(context).is_ready() {
                match left() {
                    0 => return Poll::Ready(Waited::TimeOver),
                    left => over = nap(left.max(SHORTEST_NAP_MS)),
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Returns the trip that a turn of the component under `key` ended in, if one did.
    pub(super) fn tripped_below(&self, key: &str) -> Option<Trip> {
        let below = self.recorder.recall_below::<fact::BreakerTripped>(&format!("{key}/m"));
        below.into_iter().next().map(|fact::BreakerTripped { trip }| trip)
    }

    /// Returns the trip for the task's time, recorded under `key`.
    pub(super) fn time_over(&self, key: &str) -> Halt {
        let trip = Trip::Time { limit_ms: self.settings.max_time_ms.unwrap_or_default() };
        self.trip(key, trip)
    }

    /// Ends the run if its time is over; the journal remembers, so that a replay ends there too. A run that is live
    /// looks at the clock: it may have more time than when it stopped here.
    pub(super) fn check_time(&self, key: &str) -> Result<(), Halt> {
        match self.tripped(key) {
            // What the attempts of a turn took is counted before the trip that ended it.
            Some(_) if !self.recorder.is_live() && self.holds::<fact::TurnStarted>(key) => Ok(()),
            Some(trip) if !self.recorder.is_live() => Err(Halt::Trip(trip)),
            _ if self.time_left() == 0 => Err(self.time_over(key)),
            _ => Ok(()),
        }
    }

    /// Returns the trip that the journal holds under `key`. Recalling it moves the clock to where the run stopped.
    fn tripped(&self, key: &str) -> Option<Trip> {
        self.recorder.recall(key).map(|fact::BreakerTripped { trip }| trip)
    }

    fn trip(&self, key: &str, trip: Trip) -> Halt {
        match self.recorder.record(key, Event::BreakerTripped { trip: trip.clone() }) {
            Ok(()) => Halt::Trip(trip),
            Err(error) => error.into(),
        }
    }

    /// Reserves the most that the turn can take with any model of the chain, and shortens the turn to what is left.
    fn reserve(
        &self,
        key: &str,
        chain: &[ModelCard],
        prompt: &mut Prompt,
    ) -> Result<Reservation, Halt> {
        let input = prompt.tokens();
        let limit = u64::from(self.settings.max_turn_tokens);
        let wanted = prompt.max_tokens.map_or(limit, u64::from);
        let most = chain.first().map_or(u64::MAX, |card| card.output.max(1));
        let mut account = self.account();
        let left = account.ledger.cost_left();
        let bought = chain.iter().map(|card| affordable(card.counted_price(), input, left)).min();
        let output = wanted
            .min(limit)
            .min(most)
            .min(account.ledger.tokens_left().saturating_sub(input))
            .min(bought.unwrap_or(u64::MAX));
        let short = output < LEAST_TURN.min(wanted);
        let output = if short { wanted.min(limit).min(most) } else { output };
        let usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
        let amount = ModelCard::dearest(chain, usage);
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
        prompt: &Prompt,
        reserved: Reservation,
    ) -> Result<TurnReply, Halt> {
        if let Some(fact::TurnFinished { result, spent, .. }) = self.recorder.recall(key) {
            self.account().settle(reserved, spent, result.as_ref());
            return Ok(result.into());
        }
        let chain = self.chain(role);
        let arrival = Arrival::new(&self.recorder);
        let deltas = |delta: Delta<'_>| arrival.take(delta) && self.listener.delta(role, delta);
        let work = self.model.complete(role, prompt, &deltas);
        let waited = self.within(Duration::MAX, work).await;
        let result = match waited {
            Waited::Done(result) => plausible(result, prompt),
            Waited::TimeOver => {
                self.cut(key, prompt, &chain, reserved, &arrival)?;
                return Err(self.time_over(key));
            }
            Waited::Cancelled => {
                self.cut(key, prompt, &chain, reserved, &arrival)?;
                return Err(Halt::Paused(Paused::Cancelled));
            }
        };
        self.settle(key, role, &chain, reserved, result)
    }

    /// Records the result of a turn and what it took. Turns and overflows are passed on; any other trouble pauses the
    /// run, and the turn is asked for again when it is resumed.
    fn settle(
        &self,
        key: &str,
        role: &Role,
        chain: &[ModelCard],
        reserved: Reservation,
        result: Result<Turn, ModelError>,
    ) -> Result<TurnReply, Halt> {
        let (model, spent) = answered(chain, role, result.as_ref());
        let role_name = role.0.clone();
        match &result {
            Err(error) if error.kind != ModelTrouble::Overflow => {
                let error = error.clone();
                let failed =
                    Event::TurnFailed { role: role_name, model, spent, error: error.clone() };
                self.recorder.note(&self.open_attempt(key), failed)?;
                self.account().settle(reserved, spent, Err(&error));
                return Err(Halt::Paused(Paused::Model(error)));
            }
            // The next request is another one, and so is its answer: whoever saw a part of this one is told.
            Err(error) if error.received.as_ref().is_some_and(|received| received.shown) => {
                self.listener.delta(role, Delta::Waiting(SUPERSEDED));
            }
            _ => {}
        }
        let result_kept = result.clone();
        let finished = Event::TurnFinished { role: role_name, model, result: result_kept, spent };
        self.recorder.record(key, finished)?;
        self.account().settle(reserved, spent, result.as_ref());
        Ok(result.into())
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

/// Returns the tokens of output that the money left buys after the input is paid.
fn affordable(price: Price, input: u64, left: u64) -> u64 {
    let input_only = Usage { input: Some(input), ..Usage::default() };
    let rest = left.saturating_sub(price.cost_micros(input_only));
    if price.output > 0.0 { (rest as f64 / price.output).floor() as u64 } else { u64::MAX }
}

/// More tokens than any model has ever taken in a turn: a count past this is a fault of the provider.
const IMPOSSIBLE: u64 = 1 << 40;

/// Cuts counts that cannot be, so that sums of them stay numbers that everything can store, and estimates those that
/// were not told.
fn plausible(mut result: Result<Turn, ModelError>, prompt: &Prompt) -> Result<Turn, ModelError> {
    if let Ok(turn) = &mut result {
        turn.estimate_missing(prompt);
    }
    let usage = match &mut result {
        Ok(turn) => Some(&mut turn.usage),
        Err(error) => error.received.as_mut().map(|received| &mut received.usage),
    };
    if let Some(usage) = usage {
        let counts = [
            &mut usage.input,
            &mut usage.output,
            &mut usage.cache_read,
            &mut usage.cache_write,
            &mut usage.reasoning,
        ];
        for count in counts {
            *count = count.map(|count| count.min(IMPOSSIBLE));
        }
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

/// Returns the name of the model that answered, and what the turn took at its price. Where nothing arrived, nothing
/// was taken. A route that the chain does not have counts as the dearest of it.
fn answered(
    chain: &[ModelCard],
    role: &Role,
    result: Result<&Turn, &ModelError>,
) -> (String, Reservation) {
    let route = match result {
        Ok(turn) => turn.route.as_ref(),
        Err(error) => error.received.as_ref().and_then(|received| received.route.as_ref()),
    };
    let usage = usage(result).unwrap_or_default();
    let card = match route {
        Some(route) => chain.iter().find(|card| card.name == *route),
        None => chain.first(),
    };
    let spent = card.map_or_else(|| ModelCard::dearest(chain, usage), |card| card.takes(usage));
    (route.cloned().unwrap_or_else(|| first(chain, role)), spent)
}

fn first(chain: &[ModelCard], role: &Role) -> String {
    chain.first().map_or_else(|| role.0.clone(), |card| card.name.clone())
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
                    self.meter.account().halted.insert(self.key.clone(), halt);
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
