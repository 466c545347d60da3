//! `openkoi prune`: shows what everything that grows takes, and frees it by age and size.

use openkoi_app::prune::{self, Limits, Pruned, Sizes};
use openkoi_core::document::{Block, Document, Heading, Pairs, Value};

use crate::{
    context::Context,
    error::CommandError,
    output::{Output, bytes, plural},
    reply::Reply,
};

/// Arguments of `openkoi prune`.
///
/// A finished task that is pruned loses the course of its run (so it cannot be verified or undone any more), the file
/// contents kept for its undo and the file with its answer. Its request, outcome and cost stay. Tasks that can go on
/// are never touched, and nothing of the last week is removed for the sake of room.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Prune finished tasks and outputs older than this: 30d, 12w
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<u64>,
    /// Prune the oldest ones until everything takes no more than this: 500MB, 2GB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Frees what the flags ask for; without any, what the settings `retention.days` and `retention.size_gb` allow.
///
/// # Errors
///
/// When something cannot be read or removed.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let limits = match (args.older_than, args.max_size) {
        (None, None) => Limits::of(context.settings()?.retention),
        (age_ms, bytes) => Limits { age_ms, bytes },
    };
    let done = prune::prune(&context.app, limits, args.dry_run)?;
    Ok(Reply::new(PruneReport { done, dry: args.dry_run }, args.json))
}

/// Parses an age: a number of days or weeks.
fn age(text: &str) -> Result<u64, String> {
    let (number, days) = match text.strip_suffix('w') {
        Some(number) => (number, 7),
        None => (text.strip_suffix('d').unwrap_or(text), 1),
    };
    let number = number.trim().parse::<u64>().ok().filter(|number| (1..=36_500).contains(number));
    number
        .map(|number| number * days * prune::DAY_MS)
        .ok_or_else(|| "an age is a number of days or weeks, for example 30d or 12w".to_owned())
}

/// Parses a size: a number with MB or GB.
fn size(text: &str) -> Result<u64, String> {
    let upper = text.trim().to_ascii_uppercase();
    let units = [("GB", 1e9), ("G", 1e9), ("MB", 1e6), ("M", 1e6)];
    let found = units.iter().find_map(|(unit, factor)| {
        let number = upper.strip_suffix(unit)?.trim().parse::<f64>().ok()?;
        (0.0..=1e6).contains(&number).then_some(number * factor)
    });
    found
        .map(|bytes| bytes.round() as u64)
        .ok_or_else(|| "a size is a number with MB or GB, for example 500MB or 2GB".to_owned())
}

struct PruneReport {
    done: Pruned,
    dry: bool,
}

impl Output for PruneReport {
    fn document(&self) -> Document {
        let Pruned { tasks, files, caches, before, after } = &self.done;
        let named =
            ["database", "snapshots", "answers", "tool output", "caches", "state", "together"];
        let facts = Pairs::new("")
            .for_programs("dry_run", self.dry)
            .for_programs("tasks", Value::count(*tasks))
            .for_programs("tool_outputs", Value::count(*files))
            .for_programs("caches", Value::count(*caches));
        Document::new("Pruned")
            .with(sizes("bytes_after", after, named))
            .with(Heading::end())
            .with(Block::paragraph(self.words()))
            .with(facts)
            .with(sizes("bytes_before", before, [""; 7]))
    }
}

impl PruneReport {
    /// Says what was removed, or would be.
    fn words(&self) -> String {
        let Pruned { tasks, files, caches, before, after } = &self.done;
        let (tasks, files) = (plural(*tasks, "finished task"), plural(*files, "tool output"));
        let what = match caches {
            0 => format!("{tasks} and {files}"),
            some => format!("{tasks}, {files} and the caches of {}", plural(*some, "workspace")),
        };
        if self.dry {
            return format!("{what} would be pruned; nothing was removed");
        }
        let freed = bytes(before.total().saturating_sub(after.total()));
        format!("{what} pruned, {freed} freed")
    }
}

/// Returns what everything takes, with these names for people.
fn sizes(key: &str, sizes: &Sizes, names: [&str; 7]) -> Pairs {
    let all = [
        ("database", sizes.database),
        ("snapshots", sizes.snapshots),
        ("outputs", sizes.outputs),
        ("tool_output", sizes.tool_output),
        ("caches", sizes.caches),
        ("state", sizes.state),
        ("total", sizes.total()),
    ];
    all.into_iter().zip(names).fold(Pairs::new(key), |pairs, ((key, size), name)| {
        pairs.pair(key, name, Value::Bytes(size))
    })
}

#[cfg(test)]
mod tests {
    use openkoi_core::{event::Event, outcome::Ending};
    use openkoi_storage::tasks::TaskQuery;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{World, append, finish, outcome};

    fn pruned(
        world: &World,
        older_than: Option<u64>,
        max_size: Option<u64>,
        dry_run: bool,
    ) -> Value {
        let args = Args { older_than, max_size, dry_run, json: true };
        world.document(run(&args, &world.context()))
    }

    #[test]
    fn ages_and_sizes_are_read_with_their_units() {
        assert_eq!(age("30d"), Ok(30 * prune::DAY_MS));
        assert_eq!((age("2w"), age("3")), (Ok(14 * prune::DAY_MS), Ok(3 * prune::DAY_MS)));
        assert_eq!((size("2GB"), size("500 mb")), (Ok(2_000_000_000), Ok(500_000_000)));
        assert_eq!(size("0.5G"), Ok(500_000_000));
        for odd in ["", "d", "0d", "-1d", "1y", "x"] {
            assert!(age(odd).is_err(), "{odd:?}");
        }
        for odd in ["", "GB", "2", "-1GB", "2TB"] {
            assert!(size(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn an_old_finished_task_loses_its_run_and_stays_readable_and_others_lose_nothing() {
        let world = World::new();
        let storage = world.storage();
        let old = world.begin(&storage, "1", "5e51", "old");
        append(&storage, &old, "i1", 1, Event::IterationStarted { number: 1 });
        finish(&storage, &old, outcome(Ending::Accepted, "It is done."));
        storage.write_output(&crate::testing::session_id("5e51"), &old, "It is done.").unwrap();
        let open = world.begin(&storage, "2", "5e52", "open");
        append(&storage, &open, "i1", 1, Event::IterationStarted { number: 1 });
        let count = |task| storage.entries(task).unwrap().len();

        let dry = pruned(&world, Some(1), None, true);
        assert_eq!((&dry["tasks"], count(&old)), (&json!(1), 3));
        let done = pruned(&world, Some(1), None, false);

        assert_eq!(done["tasks"], 1);
        assert_eq!((count(&old), count(&open)), (2, 2));
        let record = storage.find_task(old.as_str()).unwrap();
        assert_eq!(record.text, "old");
        assert_eq!(storage.read_output(&record.session, &old).unwrap(), None);
        assert_eq!(storage.tasks(&TaskQuery::default()).unwrap().len(), 2);
        assert_eq!(pruned(&world, Some(1), None, false)["tasks"], 0, "a second time finds nothing");
    }

    #[test]
    fn a_task_of_the_last_days_is_not_removed_for_the_sake_of_room() {
        let world = World::new();
        let storage = world.storage();
        let task = world.begin(&storage, "1", "5e51", "new");
        let now = world.context().app.now_ms();
        append(&storage, &task, "i1", now, Event::IterationStarted { number: 1 });
        let done = Event::TaskFinished { outcome: Box::new(outcome(Ending::Accepted, "done")) };
        append(&storage, &task, "end", now, done);

        assert_eq!(pruned(&world, None, Some(0), false)["tasks"], 0);
        assert_eq!(storage.entries(&task).unwrap().len(), 3);
    }
}
