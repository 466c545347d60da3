//! The log for developers, on stderr. Users get events and notices instead.

use tracing_subscriber::filter::LevelFilter;

use openkoi_app::settings::key::LOG_LEVELS;

/// Starts the log at the level of the settings, or a higher one with `-v`. Later calls have no
/// effect.
pub fn start(level: &str, verbose: u8) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(filter(level, verbose))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .finish();
    // Another log is there already where tests share a process; it keeps its level.
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::trace!("the log has been started before");
    }
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
    let asked = match verbose {
        0 => set,
        1 => set.max(3),
        _ => 4,
    };
    filters.get(asked).copied().unwrap_or(LevelFilter::TRACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_only_adds_to_the_level() {
        assert_eq!(filter("warn", 0), LevelFilter::WARN);
        assert_eq!(filter("error", 1), LevelFilter::DEBUG);
        assert_eq!(filter("trace", 1), LevelFilter::TRACE);
        assert_eq!(filter("error", 2), LevelFilter::TRACE);
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
}
