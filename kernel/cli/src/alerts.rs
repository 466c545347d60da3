//! Tells a person at the terminal that a question waits for them, or that something long has ended: by its bell, or by a notification
//! of the terminal, which shows it on the desktop.
//!
//! | terminal | how |
//! |---|---|
//! | WezTerm, Ghostty, foot, rxvt-unicode | OSC 777, which has a title and a body |
//! | iTerm2, kitty, Warp | OSC 9, which has one text |
//! | any other | the bell |
//!
//! In tmux it is the terminal around it that counts, if `allow-passthrough` lets programs speak to it. Whether a person looks at the
//! terminal is not asked of it: its answers would arrive among the keys of the question. Time tells it: who is there has answered
//! before `alerts.after_seconds`.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use openkoi_app::{
    alerts::{self, Alert},
    app::App,
    monotonic_ms, pause,
    settings::Settings,
};

use crate::{
    context::Context,
    env::{TERM, TERM_PROGRAM, TMUX},
    output::sanitise_line,
};

/// Parts of the names of terminals that understand OSC 777, and of those that understand OSC 9 alone.
const WITH_TITLE: [&str; 4] = ["wezterm", "ghostty", "foot", "rxvt-unicode"];
const WITH_TEXT: [&str; 3] = ["iterm", "kitty", "warp"];

/// A way to tell a person at a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Bell,
    Osc9,
    Osc777,
}

impl Way {
    /// Returns the way that a terminal of these names understands.
    fn of(names: &str) -> Self {
        let names = names.to_lowercase();
        let is_one = |known: &[&str]| known.iter().any(|name| names.contains(name));
        if is_one(&WITH_TITLE) {
            Self::Osc777
        } else if is_one(&WITH_TEXT) {
            Self::Osc9
        } else {
            Self::Bell
        }
    }

    /// Returns the bytes that tell of an alert.
    fn bytes(self, alert: &Alert) -> String {
        let (title, body) = (sanitise_line(&alert.title), sanitise_line(&alert.body));
        match self {
            Self::Bell => "\x07".to_owned(),
            Self::Osc9 => format!("\x1b]9;{title}: {body}\x07"),
            // What is behind the second semicolon is the body, up to the end.
            Self::Osc777 => format!("\x1b]777;notify;{title};{body}\x07"),
        }
    }
}

/// Returns bytes for the terminal around tmux.
fn through_tmux(bytes: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", bytes.replace('\x1b', "\x1b\x1b"))
}

/// Who tells the person at the terminal of one run.
pub(crate) struct Alerts {
    app: Arc<App>,
    /// The setting; nothing if nobody is to be told here.
    wanted: Option<String>,
    after: Duration,
    /// When the person was last heard of, by a clock that only goes forward.
    heard_ms: AtomicU64,
}

impl Alerts {
    /// Returns who tells the person who begins something now.
    pub(crate) fn begin(context: &Context, settings: &Settings) -> Self {
        let word = &settings.alerts.terminal;
        let is_dumb = context.app.environment().text(&TERM) == Some("dumb");
        let is_there = context.questions.is_interactive() && !is_dumb;
        let wanted = (is_there && word != "off").then(|| word.clone());
        Self {
            app: Arc::clone(&context.app),
            wanted,
            after: settings.alerts.after,
            heard_ms: AtomicU64::new(monotonic_ms()),
        }
    }

    /// Waits for the answer of a person, and tells them of the question if it stands for long.
    pub(crate) async fn while_waiting<T>(
        &self,
        alert: impl FnOnce() -> Alert,
        answer: impl Future<Output = T>,
    ) -> T {
        let mut answer = std::pin::pin!(answer);
        let answered = tokio::select! {
            answered = &mut answer => Some(answered),
            () = pause(self.after) => None,
        };
        let answered = match answered {
            Some(answered) => answered,
            None => {
                self.tell(&alert());
                answer.await
            }
        };
        self.heard_ms.store(monotonic_ms(), Ordering::Relaxed);
        answered
    }

    /// Tells of an end, if the person was last heard of long before it.
    pub(crate) fn ended(&self, alert: &Alert) {
        let alone_ms = monotonic_ms().saturating_sub(self.heard_ms.load(Ordering::Relaxed));
        if Duration::from_millis(alone_ms) >= self.after {
            self.tell(alert);
        }
    }

    fn tell(&self, alert: &Alert) {
        let Some(wanted) = &self.wanted else { return };
        if alerts::somebody_looks(&self.app) {
            return;
        }
        let bytes = self.bytes(wanted, alert);
        // Past the locks of standard error, which a question holds that waits for its answer.
        if let Err(error) = rustix::io::write(io::stderr(), bytes.as_bytes()) {
            tracing::debug!(%error, "nobody was told at the terminal");
        }
    }

    /// Returns what is written to the terminal for an alert.
    fn bytes(&self, wanted: &str, alert: &Alert) -> String {
        let environment = self.app.environment();
        let name = |variable| environment.text(variable).unwrap_or_default();
        let is_in_tmux = !name(&TMUX).is_empty();
        if wanted == "bell" {
            return Way::Bell.bytes(alert);
        }
        // tmux is asked when somebody is to be told, and not before.
        let outer = is_in_tmux.then(|| alerts::outer_terminal(&self.app)).flatten();
        if is_in_tmux && !outer.as_ref().is_some_and(|outer| outer.is_reached) {
            return Way::Bell.bytes(alert);
        }
        let way = match (wanted, &outer) {
            ("osc9", _) => Way::Osc9,
            ("osc777", _) => Way::Osc777,
            (_, Some(outer)) => Way::of(&outer.names),
            (_, None) => Way::of(&format!("{} {}", name(&TERM_PROGRAM), name(&TERM))),
        };
        match (way, outer) {
            // tmux hands a bell on by itself.
            (Way::Osc9 | Way::Osc777, Some(_)) => through_tmux(&way.bytes(alert)),
            (way, _) => way.bytes(alert),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_in_the_way_that_it_understands() {
        for (names, way) in [
            ("WezTerm xterm-256color", Way::Osc777),
            (" xterm-ghostty", Way::Osc777),
            (" foot", Way::Osc777),
            ("iTerm.app xterm-256color", Way::Osc9),
            (" xterm-kitty", Way::Osc9),
            ("Apple_Terminal xterm-256color", Way::Bell),
            (" screen", Way::Bell),
            ("", Way::Bell),
        ] {
            assert_eq!(Way::of(names), way, "{names}");
        }
    }

    #[test]
    fn words_cannot_end_a_sequence_that_they_are_in() {
        let alert = Alert { title: "a".to_owned(), body: "b\x07\x1b\\\u{9c};c".to_owned() };

        let told = Way::Osc777.bytes(&alert);

        assert_eq!(told, "\x1b]777;notify;a;b\\x07\\x1b\\\\u{9c};c\x07");
        assert_eq!(through_tmux("\x1b]9;a\x07"), "\x1bPtmux;\x1b\x1b]9;a\x07\x1b\\");
    }
}
