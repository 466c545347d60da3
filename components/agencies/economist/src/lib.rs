//! Economist: what it will take, by the ledger of earlier tasks. It asks no model: what no task has shown, nobody knows.

use openkoi_agency_counsel::{caveat, computed, said, verdict, with_caveats};
use openkoi_sdk::{
    Result,
    agency::{Agency, Assessment, Ground, Motion, Verdict},
    export_agency,
};

/// The name, by which observations are its own.
const NAME: &str = "economist";

struct Economist;

impl Agency for Economist {
    fn assess(motion: &Motion) -> Result<Assessment> {
        Ok(assessed(motion))
    }
}

fn assessed(motion: &Motion) -> Assessment {
    let seen = computed(motion, NAME);
    let forecast = &motion.forecast;
    let confidence = match (forecast.ground, forecast.samples) {
        (Ground::Alike, samples) if samples >= 10 => 0.9,
        (Ground::Alike, _) => 0.7,
        _ => 0.4,
    };
    if let Some(verdict) = verdict(&seen) {
        let caveats: Vec<_> = seen.iter().take(5).map(|one| caveat(one)).collect();
        let reason = caveats.first().map_or("", |first| first.text.as_str()).to_owned();
        return with_caveats(said(motion, verdict, confidence, &reason), caveats);
    }
    let Some(cost) = forecast.cost_micros else {
        return said(motion, Verdict::Abstain, 0.0, "no earlier task says what this takes");
    };
    let basis = match forecast.ground {
        Ground::Alike => "tasks like it",
        _ => "of the last tasks here",
    };
    let left = motion.budget.cost_micros as f64 / 1e6;
    let reason = format!(
        "{} {basis} took ${:.2} to ${:.2}, and ${left:.2} is left",
        forecast.samples,
        cost.low / 1e6,
        cost.high / 1e6,
    );
    said(motion, Verdict::Approve, confidence, &reason)
}

export_agency!(Economist);

#[cfg(test)]
mod tests {
    use openkoi_agency_counsel::testing::motion;
    use openkoi_sdk::agency::{Citation, Forecast, Observation, Span, Weight};

    use super::*;

    #[test]
    fn without_earlier_tasks_there_is_nothing_to_go_by() {
        assert_eq!(assessed(&motion("fix it", &[])).verdict, Verdict::Abstain);
    }

    #[test]
    fn what_alike_tasks_took_is_said_and_what_is_computed_decides() {
        let base = motion("fix it", &[]);
        let cost_micros = Some(Span { low: 1e5, mid: 2e5, high: 3e5 });
        let forecast =
            Forecast { samples: 12, ground: Ground::Alike, cost_micros, ..base.forecast.clone() };
        let cheap = Motion { forecast, ..base };
        let said = assessed(&cheap);
        assert_eq!((said.verdict, said.confidence), (Verdict::Approve, 0.9));
        assert_eq!(said.reason, "12 tasks like it took $0.10 to $0.30, and $5.00 is left");

        let dear = Observation {
            agency: NAME.to_owned(),
            weight: Weight::Veto,
            text: "too dear".to_owned(),
            citation: Citation::Figure("cost".to_owned()),
            lifted_by: String::new(),
        };
        let said = assessed(&Motion { observations: vec![dear], ..cheap });
        assert_eq!(said.verdict, Verdict::Veto);
        assert_eq!(said.caveats[0].citations, [Citation::Figure("cost".to_owned())]);
    }
}
