//! The exit codes of the program and their meaning, for programs and for `--help`.

use openkoi_core::outcome::{Ending, Trip};

/// An end of the program, with its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The work was accepted, or the command did what it was asked.
    Accepted,
    /// The run ended and the work was not accepted; also any failure without a code of its own.
    NotAccepted,
    /// The command line was not understood.
    Usage,
    /// The configuration or the home directory is at fault.
    Configuration,
    /// A credential is missing or refused.
    Credentials,
    /// The provider could not be reached or would not answer.
    Provider,
    /// A budget was used up.
    Budget,
    /// Policy or a veto refused.
    Denied,
    /// A person has to be asked and none is there.
    NeedsApproval,
    /// Further work would bring nothing.
    Stalled,
    /// The time limit is over.
    Time,
    /// Interrupted from the keyboard.
    Interrupted,
    /// Ended by a signal.
    Terminated,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 13] = [
        Self::Accepted,
        Self::NotAccepted,
        Self::Usage,
        Self::Configuration,
        Self::Credentials,
        Self::Provider,
        Self::Budget,
        Self::Denied,
        Self::NeedsApproval,
        Self::Stalled,
        Self::Time,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// Returns the exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::NotAccepted => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Credentials => 4,
            Self::Provider => 5,
            Self::Budget => 6,
            Self::Denied => 7,
            Self::NeedsApproval => 8,
            Self::Stalled => 9,
            Self::Time => 124,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Returns the word for JSON records.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotAccepted => "not_accepted",
            Self::Usage => "usage",
            Self::Configuration => "configuration",
            Self::Credentials => "credentials",
            Self::Provider => "provider",
            Self::Budget => "budget",
            Self::Denied => "denied",
            Self::NeedsApproval => "needs_approval",
            Self::Stalled => "stalled",
            Self::Time => "time",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// Returns the sentence of `--help`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Accepted => "the work was accepted, or the command did what it was asked",
            Self::NotAccepted => "the run ended and the work was not accepted, or something failed",
            Self::Usage => "the command line was not understood",
            Self::Configuration => "the configuration or the home directory is at fault",
            Self::Credentials => "no provider has a credential, or one was refused",
            Self::Provider => "the provider could not be reached or would not answer",
            Self::Budget => "the token or cost budget is used up",
            Self::Denied => "policy refused something the task needs",
            Self::NeedsApproval => "a person has to be asked; the run can be resumed",
            Self::Stalled => "further work would bring nothing",
            Self::Time => "the time limit is over",
            Self::Interrupted => "interrupted from the keyboard",
            Self::Terminated => "ended by a signal",
        }
    }

    /// Returns the exit of a program whose run ended like this.
    pub fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Accepted | Ending::Simulated => Self::Accepted,
            Ending::Vetoed { .. } => Self::Denied,
            Ending::Exhausted => Self::NotAccepted,
            Ending::Stalled { .. } => Self::Stalled,
            Ending::Tripped { trip: Trip::Budget { .. } } => Self::Budget,
            Ending::Tripped { trip: Trip::Time { .. } } => Self::Time,
            Ending::Tripped { .. } => Self::Stalled,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_endings_share_a_code_or_a_word() {
        let mut codes: Vec<_> = Exit::ALL.iter().map(|exit| (exit.code(), exit.word())).collect();
        let sorted = codes.clone();
        codes.sort_unstable();
        codes.dedup_by(|a, b| a.0 == b.0 || a.1 == b.1);

        assert_eq!(codes, sorted);
    }

    #[test]
    fn a_budget_that_is_used_up_is_told_from_other_breakers() {
        let budget = Trip::Time { limit_ms: 1 };
        let repeated = Trip::Repetition { tool: "read_file".into(), count: 5 };

        assert_eq!(Exit::of(&Ending::Tripped { trip: budget }), Exit::Time);
        assert_eq!(Exit::of(&Ending::Tripped { trip: repeated }), Exit::Stalled);
    }

    #[test]
    fn the_codes_are_those_that_scripts_rely_on() {
        let codes = Exit::ALL.map(|exit| (exit.word(), exit.code()));

        assert_eq!(
            codes,
            [
                ("accepted", 0),
                ("not_accepted", 1),
                ("usage", 2),
                ("configuration", 3),
                ("credentials", 4),
                ("provider", 5),
                ("budget", 6),
                ("denied", 7),
                ("needs_approval", 8),
                ("stalled", 9),
                ("time", 124),
                ("interrupted", 130),
                ("terminated", 143),
            ]
        );
    }

    #[test]
    fn each_ending_of_a_run_has_an_exit() {
        use openkoi_core::ledger::Shortage;
        let tripped = |trip| Ending::Tripped { trip };
        let budget = |what| tripped(Trip::Budget { what, limit: 1, spent: 1 });

        let exits = [
            Ending::Accepted,
            Ending::Exhausted,
            Ending::Stalled { reason: "x".into() },
            budget(Shortage::Tokens),
            budget(Shortage::Cost),
            tripped(Trip::Time { limit_ms: 1 }),
            tripped(Trip::Regression { detail: "x".into() }),
        ]
        .map(|ending| Exit::of(&ending));

        assert_eq!(
            exits,
            [
                Exit::Accepted,
                Exit::NotAccepted,
                Exit::Stalled,
                Exit::Budget,
                Exit::Budget,
                Exit::Time,
                Exit::Stalled,
            ]
        );
    }

    #[test]
    fn every_exit_means_something_else() {
        let mut meanings = Exit::ALL.map(Exit::meaning).to_vec();
        meanings.sort_unstable();
        meanings.dedup();

        assert_eq!(meanings.len(), Exit::ALL.len());
        assert!(meanings.iter().all(|meaning| !meaning.ends_with('.')), "{meanings:?}");
    }
}
