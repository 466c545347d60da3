//! The log for developers, on stderr. Users get events and notices instead.
//!
//! What happens in a run is told by its events, which the progress lines show. So the loop's own warnings, which say
//! the same again, are not logged unless more is asked for; and libraries are heard only at the third `-v`.

use openkoi_app::settings::key::LOG_LEVELS;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
};

/// The crates whose log is for whoever uses openkoi: the beginnings of their names.
const OURS: &str = "openkoi";
/// The crate of the loop, whose news are events.
const LOOP: &str = "openkoi_core";
/// Where the calls between host and components are traced, one by one.
const CALLS: &str = "openkoi_host::bindings";
/// The number of `-v` from which everything is logged.
const EVERYTHING: u8 = 3;

/// Starts the log at the level of the settings, or a higher one with `-v`. Later calls have no
/// effect.
pub fn start(level: &str, verbose: u8) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .finish()
        .with(targets(level, verbose));
    // Another log is there already where tests share a process; it keeps its level.
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::trace!("the log has been started before");
    }
}

fn targets(level: &str, verbose: u8) -> Targets {
    let ours = filter(level, verbose);
    if verbose >= EVERYTHING {
        return Targets::new().with_default(LevelFilter::TRACE);
    }
    let of_loop = if ours > LevelFilter::WARN { ours } else { LevelFilter::ERROR.min(ours) };
    Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_target(OURS, ours)
        .with_target(LOOP, of_loop)
        .with_target(CALLS, ours.min(LevelFilter::WARN))
}

fn filter(level: &str, verbose: u8) -> LevelFilter {
    let filters = [
        LevelFilter::ERROR,
        LevelFilter::WARN,
        LevelFilter::INFO,
        LevelFilter::DEBUG,
        LevelFilter::TRACE,
    ];
    let set = LOG_LEVELS.iter().position(|word| *word == level).unwrap_or(1);
    // The first `-v` is for the details of the progress lines.
    let asked = match verbose {
        0 => set,
        1 => set.max(2),
        2 => set.max(3),
        _ => 4,
    };
    filters.get(asked).copied().unwrap_or(LevelFilter::TRACE)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_flag_only_adds_to_the_level() {
        assert_eq!(filter("warn", 0), LevelFilter::WARN);
        assert_eq!(filter("error", 1), LevelFilter::INFO);
        assert_eq!(filter("error", 2), LevelFilter::DEBUG);
        assert_eq!(filter("trace", 1), LevelFilter::TRACE);
        assert_eq!(filter("error", 3), LevelFilter::TRACE);
    }

    #[test]
    fn each_word_of_the_settings_is_a_level() {
        let levels = ["error", "warn", "info", "debug", "trace"].map(|word| filter(word, 0));

        assert_eq!(
            levels,
            [
                LevelFilter::ERROR,
                LevelFilter::WARN,
                LevelFilter::INFO,
                LevelFilter::DEBUG,
                LevelFilter::TRACE,
            ]
        );
        assert_eq!(filter("loud", 0), LevelFilter::WARN, "an unknown word is the usual level");
        assert_eq!(filter("info", u8::MAX), LevelFilter::TRACE);
    }

    #[test]
    fn libraries_and_single_calls_are_heard_only_at_the_third_flag() {
        for (target, loudest) in [
            ("reqwest::connect", Level::WARN),
            ("hyper_util::client", Level::WARN),
            ("openkoi_host::bindings::tool", Level::WARN),
            ("openkoi_app::undo", Level::DEBUG),
        ] {
            let twice = targets("warn", 2);
            assert!(twice.would_enable(target, &loudest), "{target}");
            assert!(!twice.would_enable(target, &Level::TRACE), "{target}");
            assert!(targets("warn", 3).would_enable(target, &Level::TRACE), "{target}");
        }
        assert!(!targets("warn", 2).would_enable("reqwest::connect", &Level::DEBUG));
    }

    #[test]
    fn what_the_progress_lines_tell_is_not_logged_beside_them() {
        let usual = targets("warn", 0);

        assert!(!usual.would_enable("openkoi_core::run::evaluate", &Level::WARN));
        assert!(usual.would_enable("openkoi_core::run::evaluate", &Level::ERROR));
        assert!(usual.would_enable("openkoi_storage::opener", &Level::WARN));
        assert!(targets("warn", 1).would_enable("openkoi_core::run::evaluate", &Level::WARN));
    }
}
