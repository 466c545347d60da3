//! Which task goes next: the most urgent first, in turn between sessions, one in a workspace at a time.

use std::collections::{HashMap, HashSet};

use openkoi_core::{
    id::{SessionId, TaskId},
    queue::{QueueState, QueuedTask},
};

/// The first wait of a task that was put back, in milliseconds. Each further one is twice as long.
const FIRST_WAIT_MS: u64 = 5_000;
/// The longest of them.
const LONGEST_WAIT_MS: u64 = 300_000;

/// What the choice depends on beside the queue.
#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    /// The most tasks at once.
    pub(crate) concurrency: u32,
    /// Tasks that wait for a person: they take nobody's place.
    pub(crate) asking: &'a HashSet<TaskId>,
    /// Tasks that will work in a worktree of their own.
    pub(crate) apart: &'a HashSet<TaskId>,
    /// When each session last had a turn.
    pub(crate) turns: &'a HashMap<SessionId, u64>,
    /// The time, in milliseconds since 1970.
    pub(crate) now_ms: u64,
}

/// What is to be done with the queue now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The tasks that begin, in this order.
    pub(crate) begin: Vec<TaskId>,
    /// When it is worth looking again although nothing has happened.
    pub(crate) again_ms: Option<u64>,
}

impl Choice {
    /// Chooses among the tasks that wait. `unfinished` is in the order of submission.
    pub(crate) fn of(unfinished: &[QueuedTask], at: &Circumstances<'_>) -> Self {
        let mut places = Places::of(unfinished, at);
        let mut waiting: Vec<&QueuedTask> = unfinished
            .iter()
            .filter(|one| one.state == QueueState::Waiting && !one.cancel)
            .collect();
        let mut turns = at.turns.clone();
        let mut choice = Self::default();
        while places.free > 0 {
            // The order of submission decides where nothing else does: the first of equals is taken.
            let next = waiting
                .iter()
                .enumerate()
                .filter(|(_, one)| places.has_room(one, at) && due_ms(one) <= at.now_ms)
                .min_by_key(|(_, one)| {
                    (-i64::from(one.priority), turns.get(&one.session).copied().unwrap_or(0))
                })
                .map(|(index, _)| index);
            let Some(index) = next else { break };
            let task = waiting.remove(index);
            places.take(task, at);
            // Later than any turn so far, so that the next is another session's.
            turns.insert(task.session.clone(), u64::MAX);
            choice.begin.push(task.task.clone());
        }
        let later = waiting.iter().map(|one| due_ms(one)).filter(|due| *due > at.now_ms);
        choice.again_ms = later.min();
        choice
    }
}

/// When a task may begin: at once, or some time after it was put back.
fn due_ms(task: &QueuedTask) -> u64 {
    let Some(given_ms) = task.given_ms else { return 0 };
    let doublings = task.attempts.saturating_sub(1).min(16);
    given_ms.saturating_add((FIRST_WAIT_MS << doublings).min(LONGEST_WAIT_MS))
}

/// Who has which place.
struct Places<'a> {
    free: u32,
    workspaces: HashSet<&'a str>,
    sessions: HashSet<&'a SessionId>,
}

impl<'a> Places<'a> {
    fn of(unfinished: &'a [QueuedTask], at: &Circumstances<'_>) -> Self {
        let mut places =
            Self { free: at.concurrency, workspaces: HashSet::new(), sessions: HashSet::new() };
        for task in unfinished.iter().filter(|one| one.state == QueueState::Running) {
            places.take(task, at);
        }
        places
    }

    fn take(&mut self, task: &'a QueuedTask, at: &Circumstances<'_>) {
        if !at.asking.contains(&task.task) {
            self.free = self.free.saturating_sub(1);
        }
        self.sessions.insert(&task.session);
        if !at.apart.contains(&task.task) {
            self.workspaces.insert(&task.workspace);
        }
    }

    fn has_room(&self, task: &QueuedTask, at: &Circumstances<'_>) -> bool {
        let is_alone = at.apart.contains(&task.task) || !self.workspaces.contains(&*task.workspace);
        is_alone && !self.sessions.contains(&task.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, session: &str, workspace: &str) -> QueuedTask {
        QueuedTask {
            task: TaskId::new(id),
            session: SessionId::new(session),
            workspace: workspace.to_owned(),
            request: "{}".to_owned(),
            priority: 0,
            state: QueueState::Waiting,
            attempts: 0,
            cancel: false,
            has_begun: false,
            queued_ms: 0,
            given_ms: None,
            why: None,
        }
    }

    fn running(id: &str, session: &str, workspace: &str) -> QueuedTask {
        QueuedTask { state: QueueState::Running, ..task(id, session, workspace) }
    }

    struct World {
        concurrency: u32,
        asking: HashSet<TaskId>,
        apart: HashSet<TaskId>,
        turns: HashMap<SessionId, u64>,
    }

    impl World {
        fn of(concurrency: u32) -> Self {
            let (asking, apart, turns) = Default::default();
            Self { concurrency, asking, apart, turns }
        }

        fn choose(&self, unfinished: &[QueuedTask]) -> Choice {
            let Self { concurrency, asking, apart, turns } = self;
            let concurrency = *concurrency;
            Choice::of(
                unfinished,
                &Circumstances { concurrency, asking, apart, turns, now_ms: 1_000 },
            )
        }

        fn begins(&self, unfinished: &[QueuedTask]) -> Vec<String> {
            let begin = self.choose(unfinished).begin;
            begin.iter().map(|task| task.as_str().to_owned()).collect()
        }
    }

    #[test]
    fn as_many_begin_as_there_is_room_for_in_the_order_of_submission() {
        let all = [task("a", "1", "/a"), task("b", "2", "/b"), task("c", "3", "/c")];

        assert_eq!(World::of(2).begins(&all), ["a", "b"]);
        assert_eq!(World::of(2).begins(&[&[running("z", "9", "/z")], &all[..]].concat()), ["a"]);
    }

    #[test]
    fn the_most_urgent_goes_first() {
        let urgent = QueuedTask { priority: 5, ..task("b", "2", "/b") };
        assert_eq!(World::of(1).begins(&[task("a", "1", "/a"), urgent]), ["b"]);
    }

    #[test]
    fn one_task_works_in_a_workspace_unless_it_has_a_worktree() {
        let all = [running("z", "9", "/a"), task("a", "1", "/a"), task("b", "2", "/b")];
        assert_eq!(World::of(4).begins(&all), ["b"]);

        let mut world = World::of(4);
        world.apart.insert(TaskId::new("a"));
        assert_eq!(world.begins(&all), ["a", "b"]);
    }

    #[test]
    fn a_session_has_one_task_at_a_time_and_sessions_take_turns() {
        let all = [task("a", "1", "/a"), task("b", "1", "/b"), task("c", "2", "/c")];
        assert_eq!(World::of(4).begins(&all), ["a", "c"]);

        let mut world = World::of(1);
        world.turns.insert(SessionId::new("1"), 900);
        assert_eq!(world.begins(&all), ["c"]);
    }

    #[test]
    fn who_waits_for_a_person_takes_nobodys_place_but_its_workspace() {
        let all = [running("z", "9", "/a"), task("a", "1", "/a"), task("b", "2", "/b")];
        let mut world = World::of(1);
        world.asking.insert(TaskId::new("z"));

        assert_eq!(world.begins(&all), ["b"]);
    }

    #[test]
    fn a_task_that_was_put_back_waits_longer_each_time() {
        let back = |attempts| QueuedTask { given_ms: Some(900), attempts, ..task("a", "1", "/a") };
        let again = |attempts| World::of(1).choose(&[back(attempts)]).again_ms.unwrap();

        assert_eq!(World::of(1).begins(&[back(1)]), Vec::<String>::new());
        assert_eq!([again(1), again(2), again(3)], [5_900, 10_900, 20_900]);
        assert_eq!(again(60), 300_900);
    }

    #[test]
    fn what_is_to_be_cancelled_does_not_begin() {
        let cancelled = QueuedTask { cancel: true, ..task("a", "1", "/a") };
        assert_eq!(World::of(1).begins(&[cancelled]), Vec::<String>::new());
    }
}
