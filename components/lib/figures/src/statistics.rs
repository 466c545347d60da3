//! Intervals, tests of significance and calibration. Pure, and held to values that are known from elsewhere.

use openkoi_sdk::view::facts::Tally;

/// The number of standard deviations on both sides of which 95 % of a normal distribution lie.
const Z: f64 = 1.959_963_984_540_054;
/// The fewest cases that say something.
pub const FEWEST: u64 = 5;
/// Below this probability a difference is not taken for chance.
pub const SIGNIFICANT: f64 = 0.05;

/// Returns the share of cases that went well; nothing without cases.
#[must_use]
pub fn share(tally: Tally) -> Option<f64> {
    (tally.of > 0).then(|| tally.well as f64 / tally.of as f64)
}

/// Returns the bounds in which a share lies with 95 % (Wilson's score interval). Without cases it may be anything.
#[must_use]
pub fn bounds(tally: Tally) -> (f64, f64) {
    let Some(share) = share(tally) else { return (0.0, 1.0) };
    let n = tally.of as f64;
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// Returns the probability that two shares differ as much as these by chance alone (Fisher's exact test, two-sided); nothing where
/// one side has no cases.
#[must_use]
pub fn differ(one: Tally, other: Tally) -> Option<f64> {
    if one.of == 0 || other.of == 0 {
        return None;
    }
    let (all, well) = (one.of + other.of, one.well + other.well);
    let least = well.saturating_sub(other.of);
    let chance = |of_one: u64| {
        let ways = choose(one.of, of_one) + choose(other.of, well - of_one);
        (ways - choose(all, well)).exp()
    };
    let seen = chance(one.well);
    // Those that are as likely as what is seen differ from it in their last digits.
    let as_rare = (least..=well.min(one.of)).map(chance).filter(|p| *p <= seen * (1.0 + 1e-7));
    Some(as_rare.sum::<f64>().min(1.0))
}

/// Returns the logarithm of the number of ways to choose.
fn choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

fn ln_factorial(n: u64) -> f64 {
    if n < 256 {
        return (2..=n).map(|factor| (factor as f64).ln()).sum();
    }
    // Stirling's series: beyond this it is exact to the last digits.
    let n = n as f64;
    n * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI * n).ln() + 1.0 / (12.0 * n)
        - 1.0 / (360.0 * n * n * n)
}

/// Returns the probability that two samples differ as much in size as these by chance alone (the test of Mann and Whitney, by the
/// normal distribution, with ties and continuity corrected); nothing where one has fewer than [`FEWEST`].
#[must_use]
pub fn differ_in_size(one: &[f64], other: &[f64]) -> Option<f64> {
    let fewest = FEWEST as usize;
    (one.len() >= fewest && other.len() >= fewest).then(|| rank_test(one, other))
}

fn rank_test(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = one
        .iter()
        .map(|size| (*size, true))
        .chain(other.iter().map(|size| (*size, false)))
        .collect();
    all.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (mut ranks_of_one, mut ties, mut at) = (0.0, 0.0, 0);
    while at < all.len() {
        let alike = all[at..].iter().take_while(|(size, _)| *size == all[at].0).count();
        // The mean of the ranks that they share, which are counted from 1.
        let rank = at as f64 + (alike as f64 + 1.0) / 2.0;
        ranks_of_one +=
            rank * all[at..at + alike].iter().filter(|(_, is_one)| *is_one).count() as f64;
        ties += (alike as f64).powi(3) - alike as f64;
        at += alike;
    }
    let (m, n) = (one.len() as f64, other.len() as f64);
    let u = ranks_of_one - m * (m + 1.0) / 2.0;
    let total = m + n;
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let distance = ((u - m * n / 2.0).abs() - 0.5).max(0.0) / variance.sqrt();
    (2.0 * upper_tail(distance)).min(1.0)
}

/// Returns the share of a normal distribution beyond `z` standard deviations.
fn upper_tail(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// The complementary error function (Numerical Recipes' Chebyshev fit; the relative error is below 1.2e-7).
fn erfc(x: f64) -> f64 {
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.5 * size);
    let fitted = FIT.iter().rev().fold(0.0, |sum, factor| sum * t + factor);
    let value = t * (fitted - size * size).exp();
    if x >= 0.0 { value } else { 2.0 - value }
}

/// Something that was foretold: how likely it was said to be, and whether it came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// From 0 to 1.
    pub said: f64,
    /// Whether it came.
    pub came: bool,
}

/// Returns Brier's score, the mean of the squared errors (0 is perfect, and 0.25 what always saying one half gets), with its bounds
/// at 95 %; nothing with fewer than [`FEWEST`].
#[must_use]
pub fn brier(forecasts: &[Forecast]) -> Option<(f64, (f64, f64))> {
    if (forecasts.len() as u64) < FEWEST {
        return None;
    }
    let n = forecasts.len() as f64;
    let error = |one: &Forecast| (one.said - f64::from(u8::from(one.came))).powi(2);
    let mean = forecasts.iter().map(error).sum::<f64>() / n;
    let spread = forecasts.iter().map(|one| (error(one) - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = Z * (spread / n).sqrt();
    Some((mean, ((mean - half).max(0.0), (mean + half).min(1.0))))
}

/// Forecasts that said about the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// What they said in the mean.
    pub said: f64,
    /// How many of them came.
    pub came: Tally,
}

/// Returns forecasts by what they said, in tenths. Tenths without any are left out.
#[must_use]
pub fn bins(forecasts: &[Forecast]) -> Vec<Bin> {
    let mut bins = [Bin::default(); 10];
    for one in forecasts {
        // A number that is none becomes 0 here.
        let at = ((one.said * 10.0).floor() as usize).min(9);
        let bin = &mut bins[at];
        let before = bin.came.of as f64;
        bin.said = (bin.said * before + one.said) / (before + 1.0);
        bin.came.of += 1;
        bin.came.well += u64::from(one.came);
    }
    bins.into_iter().filter(|bin| bin.came.of > 0).collect()
}

/// Returns how often good work was called good, and bad work bad, where a forecast from `from` on calls it good.
#[must_use]
pub fn rates(forecasts: &[Forecast], from: f64) -> (Tally, Tally) {
    let (mut good, mut bad) = (Tally::default(), Tally::default());
    for one in forecasts {
        let calls_it_good = one.said >= from;
        let (tally, is_right) =
            if one.came { (&mut good, calls_it_good) } else { (&mut bad, !calls_it_good) };
        tally.of += 1;
        tally.well += u64::from(is_right);
    }
    (good, bad)
}

/// Returns the median; nothing of nothing.
#[must_use]
pub fn median(mut sizes: Vec<f64>) -> Option<f64> {
    sizes.sort_by(f64::total_cmp);
    let (half, last) = (sizes.len() / 2, sizes.len().checked_sub(1)?);
    Some((sizes[half] + sizes[last - half]) / 2.0)
}

#[cfg(test)]
mod tests;
