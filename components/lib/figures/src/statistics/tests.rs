use super::*;

fn tally(well: u64, of: u64) -> Tally {
    Tally { well, of }
}

fn near(found: f64, known: f64, within: f64) {
    assert!((found - known).abs() <= within, "{found} is not {known}");
}

#[test]
fn the_interval_is_wilsons() {
    for (of, low, high) in [
        (tally(0, 0), 0.0, 1.0),
        (tally(8, 10), 0.490, 0.943),
        (tally(10, 10), 0.722, 1.0),
        (tally(0, 10), 0.0, 0.278),
        (tally(500, 1_000), 0.469, 0.531),
    ] {
        let found = bounds(of);
        near(found.0, low, 5e-4);
        near(found.1, high, 5e-4);
    }
}

#[test]
fn two_shares_are_compared_as_fisher_did() {
    // The lady tasting tea, and the example in the manual of SciPy.
    near(differ(tally(3, 4), tally(1, 4)).unwrap(), 0.485_714, 1e-6);
    near(differ(tally(8, 10), tally(1, 6)).unwrap(), 0.034_965, 1e-6);
    near(differ(tally(5, 10), tally(5, 10)).unwrap(), 1.0, 1e-9);
    assert_eq!(differ(tally(0, 0), tally(5, 10)), None);
    // Far beyond what factorials of floats can hold.
    assert!(differ(tally(9_000, 10_000), tally(8_000, 10_000)).unwrap() < 1e-50);
}

#[test]
fn two_samples_are_compared_as_mann_and_whitney_did() {
    // Ages at which men and women were diagnosed, in the manual of SciPy.
    let (men, women) = ([19.0, 22.0, 16.0, 29.0, 24.0], [20.0, 11.0, 17.0, 12.0]);
    near(rank_test(&men, &women), 0.111_347, 1e-6);
    assert_eq!(differ_in_size(&men, &women), None, "four are too few");
    let (few, many) = ([1.0; 6], [1.0; 7]);
    near(differ_in_size(&few, &many).unwrap(), 1.0, 1e-9);
    let (low, high): (Vec<f64>, Vec<f64>) =
        ((0..9).map(f64::from).collect(), (20..29).map(f64::from).collect());
    assert!(differ_in_size(&low, &high).unwrap() < 0.001);
}

#[test]
fn a_median_is_the_middle_or_between_the_two() {
    assert_eq!(median(vec![]), None);
    assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
}

#[test]
fn a_forecaster_who_is_sure_and_right_has_no_error_and_one_who_says_half_a_quarter() {
    let said = |said: f64, came: bool| Forecast { said, came };
    let right: Vec<Forecast> = (0..10).map(|at| said(f64::from(at % 2), at % 2 == 1)).collect();
    assert_eq!(brier(&right).unwrap().0, 0.0);
    let half: Vec<Forecast> = (0..10).map(|at| said(0.5, at % 2 == 1)).collect();
    near(brier(&half).unwrap().0, 0.25, 1e-12);
    assert_eq!(brier(&half[..4]), None);
}

/// Numbers from 0 to 1 that look like chance, the same in each run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    }
}

/// A history of 10 000 tasks whose work is good as often as `truth` makes of what a judge says.
fn history(seed: u64, truth: fn(f64) -> f64) -> Vec<Forecast> {
    let mut chance = Chance(seed);
    let forecast = |_| {
        let said = chance.next();
        Forecast { said, came: chance.next() < truth(said) }
    };
    (0..10_000).map(forecast).collect()
}

#[test]
fn figures_of_ten_thousand_tasks_hold_the_truth_in_their_intervals() {
    // One who is right about how sure to be, and one who is always twice as sure; with the Brier scores that follow.
    type Truth = fn(f64) -> f64;
    let forecasters: [(Truth, f64); 2] = [(|said| said, 1.0 / 6.0), (|said| said / 2.0, 0.25)];
    let (mut scores_outside, mut bins_outside) = (0, 0);
    for seed in 1..=10 {
        for (truth, expected) in forecasters {
            let forecasts = history(seed, truth);
            let (_, (low, high)) = brier(&forecasts).unwrap();
            scores_outside += usize::from(!(low..=high).contains(&expected));
            let bins = bins(&forecasts);
            assert_eq!(bins.len(), 10);
            let misses = |bin: &&Bin| {
                let (low, high) = bounds(bin.came);
                !(low..=high).contains(&truth(bin.said))
            };
            bins_outside += bins.iter().filter(misses).count();
        }
    }
    // Of intervals of 95 % one in twenty misses: 1 of 20 and 10 of 200.
    assert!(scores_outside <= 3, "{scores_outside} of 20");
    assert!((1..=20).contains(&bins_outside), "{bins_outside} of 200");
}

#[test]
fn rates_say_how_often_good_is_called_good_and_bad_bad() {
    // Who calls the work good in which it is, nine times of ten, and the other bad, seven times of ten.
    let mut chance = Chance(7);
    let forecasts: Vec<Forecast> = (0..10_000)
        .map(|_| {
            let came = chance.next() < 0.6;
            let is_right = chance.next() < if came { 0.9 } else { 0.7 };
            Forecast { said: if came == is_right { 0.9 } else { 0.3 }, came }
        })
        .collect();
    let (good, bad) = rates(&forecasts, 0.8);
    for (rate, known) in [(good, 0.9), (bad, 0.7)] {
        let (low, high) = bounds(rate);
        assert!(low <= known && known <= high, "{low} {known} {high}");
    }
    assert_eq!(good.of + bad.of, 10_000);
}
