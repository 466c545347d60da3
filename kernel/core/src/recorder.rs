//! The run's side of the journal: it appends what happens and gives back what already happened.
//!
//! The loop runs the same code whether a run is new, resumed or verified. Before an operation it asks
//! [`recall`](Recorder); only what the journal does not hold is done, and recorded before it is acted on.
//!
//! A commit waits for the disk. What the loop concludes by itself ([`Event::waits`]) is therefore committed with
//! the next intent or result: before anything is done because of it, and before listeners hear of it. News
//! ([`Event::is_news`]) is committed in the same way, but listeners hear of it at once.
//!
//! Entries are numbered here, in the order in which they are committed, so that news has its number when it is heard.
//! The journal numbers them again by itself; a run is the only one that appends to its journal, so it comes to the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    event::{Entry, Event},
    fact::Fact,
    id::TaskId,
    port::{Clock, Journal, JournalError, Listener},
    task::TaskSettings,
};

/// Reasons why a fact could not be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Journal(#[from] JournalError),
    /// A verified run came to something that its journal does not hold.
    #[error("the replay differs from the journal at {key} ({event})")]
    Missing {
        /// Key of the operation.
        key: String,
        /// Name of the event that the journal lacks.
        event: &'static str,
    },
    /// A verified run did something else than its journal says.
    #[error("the replay differs from the journal at {key} ({event})")]
    Diverged {
        /// Key of the operation.
        key: String,
        /// Name of the event that the journal holds differently.
        event: &'static str,
    },
}

/// Treatment of a fact that the journal does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Appends the fact.
    Live,
    /// Refuses the fact: the journal is complete.
    Verify,
}

/// Key of the last facts of a run.
pub(crate) const END: &str = "end";

/// The decision after which a run ends without being accepted.
pub(crate) const STOP: &str = "stop";

/// Appends facts and recalls them.
pub struct Recorder {
    task: TaskId,
    mode: Mode,
    journal: Arc<dyn Journal>,
    listener: Arc<dyn Listener>,
    clock: Arc<dyn Clock>,
    timeline: Mutex<Timeline>,
    /// Held from the numbering of facts to the end of their commit, so that facts of other threads are committed in
    /// the order of their numbers too. Taken before the timeline.
    order: Mutex<()>,
}

/// The recorded facts and the run's own time.
struct Timeline {
    recorded: HashMap<(String, &'static str), Entry>,
    /// Number of the last entry.
    last: u64,
    /// The run's own time: that of the last recalled entry while replaying.
    elapsed_ms: u64,
    /// The monotonic time at which `elapsed_ms` was true, once the run is live.
    live_since: Option<u64>,
    /// The elapsed time of the last entry of the journal.
    last_ms: u64,
    /// The elapsed time of the last entry that was recorded or recalled.
    reached_ms: u64,
    /// Facts that are held back and committed with the next one that does not wait.
    waiting: Vec<Entry>,
    /// Number of waiting facts, counted from the first, that the listener was told of already.
    heard: usize,
    /// Number of committed facts that a resumed run would not find out again from turns alone.
    effects: u64,
    /// Number of waits that the run's clock stands still for, and the monotonic time of the first of them.
    holds: u32,
    held_at: u64,
}

/// The run's clock stands still until this is dropped: a wait for a person, for the checks, or one that a provider
/// ordered is not the task's time.
pub struct ClockHold<'a>(&'a Recorder);

impl Drop for ClockHold<'_> {
    fn drop(&mut self) {
        let now = self.0.clock.monotonic_ms();
        let mut timeline = self.0.timeline();
        timeline.holds = timeline.holds.saturating_sub(1);
        if timeline.holds == 0 {
            let held = now.saturating_sub(timeline.held_at);
            timeline.live_since = timeline.live_since.map(|since| since.saturating_add(held));
        }
    }
}

impl Recorder {
    /// Returns a recorder for a task whose journal holds `entries` so far.
    pub fn new(
        task: TaskId,
        mode: Mode,
        entries: Vec<Entry>,
        journal: Arc<dyn Journal>,
        listener: Arc<dyn Listener>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let last_ms = entries.iter().map(|entry| entry.elapsed_ms).max().unwrap_or(0);
        let (mut recorded, mut last) = (HashMap::new(), 0);
        for mut entry in entries {
            // What was written without numbers is numbered by its places.
            last = entry.seq.max(last + 1);
            entry.seq = last;
            if matches!(entry.event, Event::TaskResumed { .. }) {
                forget_the_end(&mut recorded);
            }
            recorded.insert((entry.key.clone(), entry.event.name()), entry);
        }
        let timeline = Timeline {
            recorded,
            last,
            elapsed_ms: 0,
            live_since: None,
            last_ms,
            reached_ms: 0,
            waiting: Vec::new(),
            heard: 0,
            effects: 0,
            holds: 0,
            held_at: 0,
        };
        let (timeline, order) = (Mutex::new(timeline), Mutex::new(()));
        Self { task, mode, journal, listener, clock, timeline, order }
    }

    /// Returns the fact of this type that the journal holds under this key.
    pub(crate) fn recall<F: Fact>(&self, key: &str) -> Option<F> {
        F::of(self.recall_named(key, F::NAME)?)
    }

    fn recall_named(&self, key: &str, event: &'static str) -> Option<Event> {
        let mut timeline = self.timeline();
        let found = timeline.recorded.get(&(key.to_owned(), event))?;
        let (elapsed, event) = (found.elapsed_ms, found.event.clone());
        // Once the run is live its own clock tells the time, which that of its last entries is part of.
        if timeline.live_since.is_none() {
            timeline.elapsed_ms = timeline.elapsed_ms.max(elapsed);
        }
        timeline.reached_ms = timeline.reached_ms.max(elapsed);
        Some(event)
    }

    /// Returns the number in the journal of the fact of this type under this key.
    pub(crate) fn place<F: Fact>(&self, key: &str) -> Option<u64> {
        self.timeline().recorded.get(&(key.to_owned(), F::NAME)).map(|found| found.seq)
    }

    /// Returns when the fact of this type under this key was recorded, in milliseconds since 1970.
    pub(crate) fn time_of<F: Fact>(&self, key: &str) -> Option<u64> {
        self.timeline().recorded.get(&(key.to_owned(), F::NAME)).map(|found| found.at_ms)
    }

    /// Returns every fact of this type whose key begins with `prefix`, in no order.
    pub(crate) fn recall_below<F: Fact>(&self, prefix: &str) -> Vec<F> {
        let timeline = self.timeline();
        let below = timeline
            .recorded
            .iter()
            .filter(|((key, name), _)| *name == F::NAME && key.starts_with(prefix));
        below.filter_map(|(_, found)| F::of(found.event.clone())).collect()
    }

    /// Records a fact, unless the journal holds it already.
    ///
    /// # Errors
    ///
    /// The journal cannot be written, or a verified run differs from its journal.
    pub fn record(&self, key: &str, event: Event) -> Result<(), RecordError> {
        let waits = event.waits();
        self.record_as(key, event, waits)
    }

    /// Records a fact as [`Recorder::record`] does, and lets it wait for the intent or the result that follows at
    /// once. The caller knows that the fact may be lost without it.
    ///
    /// # Errors
    ///
    /// As [`Recorder::record`].
    pub fn record_with_next(&self, key: &str, event: Event) -> Result<(), RecordError> {
        self.record_as(key, event, true)
    }

    fn record_as(&self, key: &str, event: Event, waits: bool) -> Result<(), RecordError> {
        let name = event.name();
        if let Some(known) = self.recall_named(key, name) {
            return if self.mode == Mode::Live || known.agrees_with(&event) {
                Ok(())
            } else {
                Err(RecordError::Diverged { key: key.to_owned(), event: name })
            };
        }
        self.append(key, event, waits)
    }

    /// Records that a stopped run goes on. Where it stopped, and what stopped it, is forgotten.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn resume(&self, key: &str, settings: Option<TaskSettings>) -> Result<(), RecordError> {
        forget_the_end(&mut self.timeline().recorded);
        self.note(key, Event::TaskResumed { settings: settings.map(Box::new) })
    }

    /// Records a fact that may happen any number of times under its key. Nothing recalls it.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn note(&self, key: &str, event: Event) -> Result<(), RecordError> {
        let waits = event.waits();
        self.append(key, event, waits)
    }

    /// Notes a fact as [`Recorder::note`] does, and lets it wait as [`Recorder::record_with_next`] does.
    ///
    /// # Errors
    ///
    /// As [`Recorder::note`].
    pub fn note_with_next(&self, key: &str, event: Event) -> Result<(), RecordError> {
        self.append(key, event, true)
    }

    /// Commits waiting facts, for a caller after whose facts no intent and no result follows.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn commit_waiting(&self) -> Result<(), RecordError> {
        let _order = self.order();
        let (lines, heard) = self.timeline().take();
        self.commit(&lines, heard)
    }

    /// Returns the number of facts committed so far of which a resumed run could not be sure otherwise. Turns do
    /// not count: they are recalled one by one.
    pub fn effects(&self) -> u64 {
        self.timeline().effects
    }

    /// Returns whether facts that the journal lacks are appended: the run goes on, and is not only verified.
    pub fn is_live(&self) -> bool {
        self.mode == Mode::Live
    }

    /// Returns how long the run has been running, in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        let timeline = self.timeline();
        let now = if timeline.holds > 0 { timeline.held_at } else { self.clock.monotonic_ms() };
        match timeline.live_since {
            Some(since) => timeline.elapsed_ms + now.saturating_sub(since),
            None => timeline.elapsed_ms,
        }
    }

    /// Returns the wall clock, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Stops the run's clock for a wait. Several waits may overlap.
    #[must_use]
    pub fn hold_clock(&self) -> ClockHold<'_> {
        self.go_live();
        let now = self.clock.monotonic_ms();
        let mut timeline = self.timeline();
        if timeline.holds == 0 {
            timeline.held_at = now;
        }
        timeline.holds += 1;
        drop(timeline);
        ClockHold(self)
    }

    /// Returns how long the run had been running at its last entry: the same in the run and in its replay.
    pub fn reached_ms(&self) -> u64 {
        self.timeline().reached_ms
    }

    /// Makes the run's time go on from the end of its journal.
    fn go_live(&self) {
        let mut timeline = self.timeline();
        if timeline.live_since.is_none() && self.mode == Mode::Live {
            timeline.elapsed_ms = timeline.elapsed_ms.max(timeline.last_ms);
            timeline.live_since = Some(self.clock.monotonic_ms());
        }
    }

    fn append(&self, key: &str, event: Event, waits: bool) -> Result<(), RecordError> {
        if self.mode == Mode::Verify {
            return Err(RecordError::Missing { key: key.to_owned(), event: event.name() });
        }
        self.go_live();
        let (elapsed_ms, at_ms) = (self.elapsed_ms(), self.clock.now_ms());
        let line = Entry { seq: 0, key: key.to_owned(), at_ms, elapsed_ms, event };
        let _order = (!waits).then(|| self.order());
        let mut timeline = self.timeline();
        let line = timeline.enter(line);
        if waits {
            let heard = timeline.hold_back(line.clone());
            drop(timeline);
            if heard {
                self.listener.event(&line);
            }
            return Ok(());
        }
        if !line.event.is_turn() {
            timeline.effects += 1;
        }
        timeline.waiting.push(line);
        let (lines, heard) = timeline.take();
        drop(timeline);
        self.commit(&lines, heard)
    }

    fn commit(&self, lines: &[Entry], heard: usize) -> Result<(), RecordError> {
        if lines.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.journal.append(&self.task, lines) {
            self.timeline().lose(lines);
            return Err(error.into());
        }
        lines.iter().skip(heard).for_each(|line| self.listener.event(line));
        Ok(())
    }

    fn order(&self) -> MutexGuard<'_, ()> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn timeline(&self) -> MutexGuard<'_, Timeline> {
        // A panic elsewhere does not make recorded facts untrue.
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what ended a segment of a run, so that the next one decides anew: limits that were reached, the decision
/// to stop, and everything under the key of the end.
fn forget_the_end(recorded: &mut HashMap<(String, &'static str), Entry>) {
    recorded.retain(|(key, _), found| match &found.event {
        Event::BreakerTripped { .. } => false,
        Event::IterationDecided { decision, .. } => decision != STOP,
        _ => key != END,
    });
}

impl Timeline {
    /// Numbers a fact and remembers it.
    fn enter(&mut self, line: Entry) -> Entry {
        self.last += 1;
        self.reached_ms = self.reached_ms.max(line.elapsed_ms);
        let line = Entry { seq: self.last, ..line };
        self.recorded.insert((line.key.clone(), line.event.name()), line.clone());
        line
    }

    /// Takes back the numbers of facts that could not be committed, for those that follow: that the run pauses, for
    /// example.
    fn lose(&mut self, lines: &[Entry]) {
        if let (Some(first), Some(last)) = (lines.first(), lines.last())
            && last.seq == self.last
        {
            self.last = first.seq.saturating_sub(1);
        }
    }

    /// Keeps a fact for the next commit. Returns whether listeners may hear of it now: it is news, and all facts
    /// that wait before it were heard of.
    fn hold_back(&mut self, line: Entry) -> bool {
        let now = line.event.is_news() && self.heard == self.waiting.len();
        self.waiting.push(line);
        if now {
            self.heard = self.waiting.len();
        }
        now
    }

    /// Takes the waiting facts, with the number of those that were heard of already.
    fn take(&mut self) -> (Vec<Entry>, usize) {
        (std::mem::take(&mut self.waiting), std::mem::take(&mut self.heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicBool, AtomicU64, Ordering},
        time::Duration,
    };

    use crate::{
        message::Role,
        port::{Delta, Pending},
    };

    /// A journal and listener that remembers in which order facts became durable and were heard of.
    #[derive(Default)]
    struct Log(Mutex<Vec<String>>, AtomicBool);

    impl Log {
        fn add(&self, what: &str, entries: &[Entry]) {
            let keys: Vec<String> =
                entries.iter().map(|entry| format!("{}{}", entry.key, entry.seq)).collect();
            self.0.lock().unwrap().push(format!("{what} {}", keys.join(" ")));
        }

        /// Makes the journal fail, or work again.
        fn fails(&self, fails: bool) {
            self.1.store(fails, Ordering::Relaxed);
        }

        fn lines(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    impl Journal for Log {
        fn append(&self, _task: &TaskId, entries: &[Entry]) -> Result<(), JournalError> {
            if self.1.load(Ordering::Relaxed) {
                return Err(JournalError("full".to_owned()));
            }
            self.add("durable", entries);
            Ok(())
        }

        fn load(&self, _task: &TaskId) -> Result<Vec<Entry>, JournalError> {
            Ok(Vec::new())
        }
    }

    impl Listener for Log {
        fn event(&self, entry: &Entry) {
            self.add("heard", std::slice::from_ref(entry));
        }

        fn delta(&self, _role: &Role, _delta: Delta<'_>) -> bool {
            false
        }
    }

    /// A clock that a test sets.
    #[derive(Default)]
    struct SetTime(AtomicU64);

    impl Clock for SetTime {
        fn now_ms(&self) -> u64 {
            0
        }

        fn monotonic_ms(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }

        fn sleep(&self, _duration: Duration) -> Pending<'static, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    struct NoTime;

    impl Clock for NoTime {
        fn now_ms(&self) -> u64 {
            0
        }

        fn monotonic_ms(&self) -> u64 {
            0
        }

        fn sleep(&self, _duration: Duration) -> Pending<'static, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    fn recorder() -> (Recorder, Arc<Log>) {
        let log = Arc::new(Log::default());
        let (task, clock) = (TaskId::new("t"), Arc::new(NoTime));
        (Recorder::new(task, Mode::Live, Vec::new(), log.clone(), log.clone(), clock), log)
    }

    fn news() -> Event {
        Event::ProgressReported { origin: "x".to_owned(), message: "y".to_owned() }
    }

    fn conclusion() -> Event {
        Event::IterationStarted { number: 1 }
    }

    #[test]
    fn news_is_heard_at_once_and_committed_with_the_next_result() {
        let (recorder, log) = recorder();

        recorder.note("a", news()).unwrap();
        recorder.note("b", news()).unwrap();
        recorder.record("c", conclusion()).unwrap();
        recorder.note("d", Event::TaskResumed { settings: None }).unwrap();

        assert_eq!(
            log.lines(),
            ["heard a1", "heard b2", "durable a1 b2 c3 d4", "heard c3", "heard d4"]
        );
    }

    #[test]
    fn news_is_not_heard_before_facts_that_are_not_yet_durable() {
        let (recorder, log) = recorder();

        recorder.record("a", conclusion()).unwrap();
        recorder.note("b", news()).unwrap();
        recorder.note("c", Event::TaskResumed { settings: None }).unwrap();

        assert_eq!(log.lines(), ["durable a1 b2 c3", "heard a1", "heard b2", "heard c3"]);
    }

    #[test]
    fn numbers_go_on_where_the_journal_ends_even_if_it_has_none_itself() {
        for (numbers, next) in
            [([1, 2], "durable c3"), ([0, 0], "durable c3"), ([1, 4], "durable c5")]
        {
            let log = Arc::new(Log::default());
            let entries = numbers.map(|seq| Entry {
                seq,
                key: format!("k{seq}"),
                at_ms: 0,
                elapsed_ms: 0,
                event: conclusion(),
            });
            let (task, clock) = (TaskId::new("t"), Arc::new(NoTime));
            let entries = entries.into();
            let recorder =
                Recorder::new(task, Mode::Live, entries, log.clone(), log.clone(), clock);

            recorder.note("c", Event::TaskResumed { settings: None }).unwrap();

            assert_eq!(log.lines()[0], next, "{numbers:?}");
        }
    }

    #[test]
    fn the_number_of_a_fact_that_could_not_be_committed_is_given_to_the_next() {
        let (recorder, log) = recorder();
        recorder.note("a", Event::TaskResumed { settings: None }).unwrap();

        log.fails(true);
        recorder.record("b", conclusion()).unwrap();
        recorder.note("c", Event::TaskResumed { settings: None }).unwrap_err();
        log.fails(false);
        recorder.note("d", Event::TaskResumed { settings: None }).unwrap();

        assert_eq!(log.lines(), ["durable a1", "heard a1", "durable d2", "heard d2"]);
    }

    /// A journal that takes its time, and keeps the numbers in the order in which they became durable.
    #[derive(Default)]
    struct SlowLog(Mutex<Vec<u64>>);

    impl Journal for SlowLog {
        fn append(&self, _task: &TaskId, entries: &[Entry]) -> Result<(), JournalError> {
            (0..50 * (entries.len() % 3)).for_each(|_| std::thread::yield_now());
            self.0.lock().unwrap().extend(entries.iter().map(|entry| entry.seq));
            Ok(())
        }

        fn load(&self, _task: &TaskId) -> Result<Vec<Entry>, JournalError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn facts_of_several_threads_are_committed_in_the_order_of_their_numbers() {
        let slow = Arc::new(SlowLog::default());
        let (task, clock) = (TaskId::new("t"), Arc::new(NoTime));
        let heard = Arc::new(Log::default());
        let recorder = Recorder::new(task, Mode::Live, Vec::new(), slow.clone(), heard, clock);

        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        recorder.note("news", news()).unwrap();
                        recorder.note("a", Event::TaskResumed { settings: None }).unwrap();
                    }
                });
            }
        });

        assert_eq!(*slow.0.lock().unwrap(), (1..=160).collect::<Vec<u64>>());
    }

    #[test]
    fn waits_that_overlap_are_not_the_runs_time() {
        let (log, clock) = (Arc::new(Log::default()), Arc::new(SetTime::default()));
        let task = TaskId::new("t");
        let recorder = Recorder::new(task, Mode::Live, Vec::new(), log.clone(), log, clock.clone());
        let at = |ms| clock.0.store(ms, Ordering::Relaxed);

        recorder.record("a", conclusion()).unwrap();
        at(10);
        let first = recorder.hold_clock();
        at(20);
        let second = recorder.hold_clock();
        at(30);
        drop(first);
        at(40);
        assert_eq!(recorder.elapsed_ms(), 10);
        drop(second);
        at(45);
        assert_eq!(recorder.elapsed_ms(), 15);
    }

    #[test]
    fn what_a_live_run_looks_up_of_itself_does_not_make_its_time_longer() {
        let (log, clock) = (Arc::new(Log::default()), Arc::new(SetTime::default()));
        let task = TaskId::new("t");
        let recorder = Recorder::new(task, Mode::Live, Vec::new(), log.clone(), log, clock.clone());
        recorder.record("a", conclusion()).unwrap();

        for now in 1..=100 {
            clock.0.store(now, Ordering::Relaxed);
            let key = now.to_string();
            recorder.record(&key, conclusion()).unwrap();
            recorder.recall_named(&key, conclusion().name()).unwrap();
        }

        assert_eq!(recorder.elapsed_ms(), 100);
    }

    #[test]
    fn turns_and_waiting_facts_do_not_count_as_effects() {
        let (recorder, _) = recorder();

        recorder.note("a", news()).unwrap();
        recorder.note_with_next("b", Event::TaskResumed { settings: None }).unwrap();
        recorder.note("c", Event::TurnLost { reserved: Default::default() }).unwrap();
        assert_eq!(recorder.effects(), 0);

        recorder.note("d", Event::TaskResumed { settings: None }).unwrap();
        assert_eq!(recorder.effects(), 1);
    }
}
