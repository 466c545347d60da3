//! Fail points: named places where a test can kill the process or make an operation fail.
//!
//! `OPENKOI_FAILPOINTS=journal-append-after=kill;durable-renamed=error` is read once. `=kill` sends SIGKILL to
//! this process, `=kill@3` at the third passage only, `=error` and `=error@3` fail the operation instead. In
//! a build without debug assertions [`hit`] does nothing.

use std::io;

/// The variable that arms the points.
pub const VARIABLE: &str = "OPENKOI_FAILPOINTS";

/// Declares the points with the list of them, so that the list is complete.
macro_rules! points {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// One fail point.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Point {
            $($(#[$doc])* $name,)+
        }

        impl Point {
            /// All points.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the name of the point, as the variable has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

points! {
    /// An event is about to be appended to the journal.
    JournalAppendBefore = "journal-append-before",
    /// An event was appended and is durable.
    JournalAppendAfter = "journal-append-after",
    /// A turn's request was sent.
    TurnSent = "turn-sent",
    /// A turn's reply is complete.
    TurnReceived = "turn-received",
    /// An effect was announced in the journal and is about to happen.
    EffectBefore = "effect-before",
    /// An effect happened and its result is not journaled.
    EffectAfter = "effect-after",
    /// A workspace is about to be captured.
    SnapshotBefore = "snapshot-before",
    /// A workspace was captured.
    SnapshotAfter = "snapshot-after",
    /// A workspace is about to be put back.
    RestoreBefore = "restore-before",
    /// One file of a workspace was put back; others follow.
    RestoreMid = "restore-mid",
    /// A durable file's new contents are in a temporary file.
    DurableTempWritten = "durable-temp-written",
    /// A durable file was renamed; its directory is not yet synced.
    DurableRenamed = "durable-renamed",
    /// A service issued a token that is not kept yet.
    LoginAnswered = "login-answered",
    /// A workspace file is about to be replaced.
    FileWriteBefore = "file-write-before",
    /// A workspace file was replaced.
    FileWriteAfter = "file-write-after",
    /// The commit of a layer is planned, and nothing is committed.
    LayerPlanned = "layer-planned",
    /// One step of a layer's commit was done; others may follow.
    LayerStep = "layer-step",
    /// A file of a layer was copied to the workspace's file system and has not its name yet.
    LayerCopied = "layer-copied",
    /// A program was started.
    ProcessSpawned = "process-spawned",
    /// A program ended.
    ProcessExited = "process-exited",
}

/// Passes `point`, which does nothing unless a test has armed it.
///
/// # Errors
///
/// The point is armed with `error`, or the variable names a point that does not exist.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn hit(_point: Point) -> io::Result<()> {
    Ok(())
}

/// Passes `point`, which does nothing unless a test has armed it.
///
/// # Errors
///
/// The point is armed with `error`, or the variable names a point that does not exist.
#[cfg(debug_assertions)]
pub fn hit(point: Point) -> io::Result<()> {
    armed::hit(point)
}

#[cfg(debug_assertions)]
mod armed {
    use super::{Point, VARIABLE};
    use std::io;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Reaction {
        Kill,
        Error,
    }

    #[derive(Debug)]
    pub(super) struct Trap {
        pub(super) point: Point,
        pub(super) reaction: Reaction,
        pub(super) at: Option<u64>,
        passages: AtomicU64,
    }

    static PLAN: OnceLock<Result<Vec<Trap>, String>> = OnceLock::new();

    pub(super) fn hit(point: Point) -> io::Result<()> {
        let plan = PLAN.get_or_init(|| parse(&std::env::var(VARIABLE).unwrap_or_default()));
        let traps = plan.as_ref().map_err(|message| io::Error::other(message.clone()))?;
        traps.iter().filter(|trap| trap.point == point).try_for_each(spring)
    }

    fn spring(trap: &Trap) -> io::Result<()> {
        let passage = trap.passages.fetch_add(1, Ordering::Relaxed) + 1;
        if trap.at.is_some_and(|at| at != passage) {
            return Ok(());
        }
        match trap.reaction {
            Reaction::Error => Err(io::Error::other(format!("fail point {}", trap.point.name()))),
            Reaction::Kill => {
                rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::KILL,
                )?;
                // The signal is on its way; nothing after the point may run.
                loop {
                    std::thread::park();
                }
            }
        }
    }

    pub(super) fn parse(text: &str) -> Result<Vec<Trap>, String> {
        text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(parse_one).collect()
    }

    fn parse_one(part: &str) -> Result<Trap, String> {
        let wrong =
            || format!("{VARIABLE} has `{part}`, which is not `point=kill` or `point=error`");
        let (name, reaction) = part.split_once('=').ok_or_else(wrong)?;
        let (reaction, at) = match reaction.split_once('@') {
            Some((reaction, at)) => (reaction, Some(at.parse().map_err(|_| wrong())?)),
            None => (reaction, None),
        };
        let reaction = match reaction {
            "kill" => Reaction::Kill,
            "error" => Reaction::Error,
            _ => return Err(wrong()),
        };
        let point = Point::ALL.iter().copied().find(|p| p.name() == name).ok_or_else(wrong)?;
        Ok(Trap { point, reaction, at, passages: AtomicU64::new(0) })
    }

    #[cfg(test)]
    mod tests {
        use super::{Reaction, parse, spring};
        use crate::failpoint::Point;

        #[test]
        fn a_plan_names_points_reactions_and_passages() {
            let plan = parse("turn-sent=kill; effect-after=error@2 ;").unwrap();

            let plan: Vec<_> =
                plan.iter().map(|trap| (trap.point, trap.reaction, trap.at)).collect();
            assert_eq!(
                plan,
                [
                    (Point::TurnSent, Reaction::Kill, None),
                    (Point::EffectAfter, Reaction::Error, Some(2))
                ]
            );
        }

        #[test]
        fn an_unknown_point_or_act_is_an_error() {
            for text in ["turn-sent", "turn-sent=die", "no-such-point=kill", "turn-sent=kill@x"] {
                assert!(parse(text).is_err(), "{text}");
            }
        }

        #[test]
        fn a_numbered_trap_springs_at_its_passage_only() {
            let plan = parse("turn-sent=error@2").unwrap();

            let passages: Vec<bool> = (0..4).map(|_| spring(&plan[0]).is_err()).collect();

            assert_eq!(passages, [false, true, false, false]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Point;
    use std::collections::HashSet;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let names: HashSet<_> = Point::ALL.iter().map(|point| point.name()).collect();

        assert_eq!(names.len(), Point::ALL.len());
    }
}
