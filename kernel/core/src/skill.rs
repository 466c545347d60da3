//! Skills as the journal has them, and what they were seen to do for tasks.

use serde::{Deserialize, Serialize};

/// A skill that a task was given whole. The journal of the task keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SkillUse {
    /// Name of the skill.
    pub name: String,
    /// Directory of the project whose skill it is; empty: the user's own, or one that comes with the program.
    pub place: String,
    /// Beginning of the SHA-256 of its text.
    pub digest: String,
}

/// How many tasks ended with a decision, and how many of them accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tasks whose work was accepted.
    pub accepted: u64,
    /// Tasks whose work was accepted or was not.
    pub decided: u64,
}

/// The number of standard deviations on both sides of which 95 % of a normal distribution lie.
const Z: f64 = 1.959_963_984_540_054;

impl Tally {
    /// Counts a task.
    pub fn add(&mut self, accepted: bool) {
        self.accepted += u64::from(accepted);
        self.decided += 1;
    }

    /// Returns the share of accepted tasks; nothing where none was decided.
    #[must_use]
    pub fn share(self) -> Option<f64> {
        (self.decided > 0).then(|| self.accepted as f64 / self.decided as f64)
    }

    /// Returns the bounds in which the share lies with 95 % (Wilson's score interval). Without tasks it may be anything.
    #[must_use]
    pub fn bounds(self) -> (f64, f64) {
        let Some(share) = self.share() else { return (0.0, 1.0) };
        let n = self.decided as f64;
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
    }
}

/// What a skill was seen to do: how tasks ended with it and without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkillEffect {
    /// Tasks that were given it.
    pub with: Tally,
    /// Other tasks of the same time and place.
    pub without: Tally,
}

impl SkillEffect {
    /// Returns by how much the share of accepted tasks differs, -1 to 1; nothing where one side has no tasks.
    #[must_use]
    pub fn difference(self) -> Option<f64> {
        Some(self.with.share()? - self.without.share()?)
    }

    /// Returns the bounds in which the difference lies with 95 % (Newcombe's interval from two of Wilson's).
    #[must_use]
    pub fn bounds(self) -> Option<(f64, f64)> {
        let difference = self.difference()?;
        let (with, without) = (self.with.share()?, self.without.share()?);
        let ((low, high), (other_low, other_high)) = (self.with.bounds(), self.without.bounds());
        let below = ((with - low).powi(2) + (other_high - without).powi(2)).sqrt();
        let above = ((high - with).powi(2) + (without - other_low).powi(2)).sqrt();
        Some((difference - below, difference + above))
    }

    /// Returns the difference that is certain: the bound nearest to none, and 0 where none is possible. So a few tasks
    /// weigh nothing, and many weigh what they show.
    #[must_use]
    pub fn certain(self) -> f64 {
        match self.bounds() {
            Some((low, _)) if low > 0.0 => low,
            Some((_, high)) if high < 0.0 => high,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(accepted: u64, decided: u64) -> Tally {
        Tally { accepted, decided }
    }

    #[test]
    fn bounds_are_wilsons() {
        for (of, low, high) in [
            (tally(0, 0), 0.0, 1.0),
            (tally(8, 10), 0.490, 0.943),
            (tally(10, 10), 0.722, 1.0),
            (tally(0, 10), 0.0, 0.278),
            (tally(500, 1_000), 0.469, 0.531),
        ] {
            let (found_low, found_high) = of.bounds();
            assert!((found_low - low).abs() < 0.001, "{of:?}: {found_low}");
            assert!((found_high - high).abs() < 0.001, "{of:?}: {found_high}");
        }
    }

    #[test]
    fn the_difference_of_two_shares_has_newcombes_bounds() {
        // Newcombe's own first example: 56 of 70 against 48 of 80.
        let effect = SkillEffect { with: tally(56, 70), without: tally(48, 80) };

        let (low, high) = effect.bounds().unwrap();

        assert!((effect.difference().unwrap() - 0.2).abs() < 1e-9);
        assert!((low - 0.0524).abs() < 0.0005 && (high - 0.3339).abs() < 0.0005, "{low} {high}");
        assert_eq!(effect.certain(), low);
    }

    #[test]
    fn a_few_tasks_weigh_nothing_and_many_weigh_what_they_show() {
        let with = |accepted, decided| SkillEffect {
            with: tally(accepted, decided),
            without: tally(50, 100),
        };
        assert_eq!(with(0, 0).certain(), 0.0);
        assert_eq!(with(3, 3).certain(), 0.0);
        assert!(with(20, 20).certain() > 0.2);
        assert!(with(0, 20).certain() < -0.2);
        assert_eq!(SkillEffect { with: tally(9, 9), ..SkillEffect::default() }.certain(), 0.0);
    }
}
