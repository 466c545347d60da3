//! What was spent and how tasks ended, as a document.

use std::collections::BTreeMap;

use jiff::{Span as Step, Timestamp, Zoned, tz::TimeZone};
use openkoi_core::document::{
    Bar, Bars, Block, Column, ColumnKind, Document, Heading, Pairs, Table, Value,
};
use openkoi_storage::{
    tasks::TaskStatus,
    usage::{SpentQuarter, Total},
};

use crate::{
    commands::{
        status::shown::{total, total_words},
        task::row::{footnote, tone},
    },
    output::money_at_most,
};

/// The days that are summed up, and those that have a bar.
const DAYS: i64 = 30;
const BARS: i64 = 14;

/// What was spent, and how tasks ended, in the last thirty days.
#[derive(Debug, Default)]
pub(super) struct Costs {
    /// What each model took.
    pub(super) spent: Vec<SpentQuarter>,
    /// How many tasks ended so.
    pub(super) outcomes: Vec<(TaskStatus, u64)>,
    /// Why money is an upper limit, if it is.
    pub(super) why: Option<String>,
}

/// The days of a place.
pub(super) struct Days {
    zone: TimeZone,
    today: Zoned,
}

impl Days {
    /// Returns the days up to now.
    pub(super) fn until(now_ms: u64, zone: &TimeZone) -> Self {
        let now = zoned(now_ms, zone);
        let today = now.start_of_day().unwrap_or(now);
        Self { zone: zone.clone(), today }
    }

    /// Returns when the day so many days ago began, in milliseconds since 1970.
    fn begin(&self, days: i64) -> u64 {
        let day = self.day(days).timestamp().as_millisecond();
        u64::try_from(day).unwrap_or_default()
    }

    /// Returns when the first of the days began that are summed up.
    pub(super) fn first(&self) -> u64 {
        self.begin(DAYS - 1)
    }

    fn day(&self, days: i64) -> Zoned {
        let before = self.today.checked_sub(Step::new().days(days));
        before.unwrap_or_else(|_| self.today.clone())
    }
}

fn zoned(at_ms: u64, zone: &TimeZone) -> Zoned {
    let time = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.unwrap_or_default().to_zoned(zone.clone())
}

impl Costs {
    /// Returns the document.
    pub(super) fn document(&self, days: &Days) -> Document {
        let sum = |from_ms: u64| {
            let since = self.spent.iter().filter(|one| one.at_ms >= from_ms);
            since.fold(Total::default(), |sum, one| added(sum, one.total))
        };
        let spans = [
            ("today", "today", 0),
            ("last_7_days", "7 days", 6),
            ("last_30_days", "30 days", DAYS - 1),
        ];
        let pairs = spans.iter().fold(Pairs::new(""), |pairs, (key, name, ago)| {
            let sum = sum(days.begin(*ago));
            pairs.for_people(*name, total_words(sum)).for_programs(*key, total(sum))
        });
        let mut document = Document::new("Costs").with(Heading::new("spent", "Spent")).with(pairs);
        if self.spent.is_empty() {
            let words = "Nothing was spent in the last 30 days. openkoi \"TASK\" runs a task, and what its models take stands here.";
            document.push(Block::paragraph(words));
        }
        document.blocks.extend(footnote(self.why.as_deref()));
        document.push(Heading::new("", "By day"));
        document.push(self.by_day(days));
        document.push(Heading::new("", "By model, 30 days"));
        document.push(self.by_model());
        document.push(Heading::new("", "Outcomes, 30 days"));
        document.push(self.outcomes());
        document
    }

    fn by_day(&self, days: &Days) -> Bars {
        let mut sums: BTreeMap<String, Total> = BTreeMap::new();
        for one in &self.spent {
            let day = zoned(one.at_ms, &days.zone).date().to_string();
            let sum = sums.entry(day).or_default();
            *sum = added(*sum, one.total);
        }
        let bar = |ago: i64| {
            let day = days.day(ago);
            let sum = sums.get(&day.date().to_string()).copied().unwrap_or_default();
            Bar {
                label: day.strftime("%a %b %e").to_string(),
                value: sum.cost_micros as f64,
                shown: money_at_most(sum.cost_micros, sum.at_most).into(),
                tone: Default::default(),
            }
        };
        Bars { key: "by_day".to_owned(), entries: (0..BARS).map(bar).collect(), full: None }
    }

    fn by_model(&self) -> Table {
        let mut sums: BTreeMap<&str, Total> = BTreeMap::new();
        for one in &self.spent {
            let sum = sums.entry(&one.model).or_default();
            *sum = added(*sum, one.total);
        }
        let mut sums: Vec<(&str, Total)> = sums.into_iter().collect();
        // The dearest first.
        sums.sort_by_key(|(_, sum)| std::cmp::Reverse((sum.cost_micros, sum.tokens)));
        let columns = [
            Column::new("model", "MODEL", ColumnKind::Text),
            Column::new("cost_usd", "COST", ColumnKind::Money),
            Column::new("tokens", "TOKENS", ColumnKind::Tokens),
            Column::new("turns", "TURNS", ColumnKind::Count),
        ];
        let rows = sums.into_iter().map(|(model, sum)| {
            [
                model.into(),
                Value::money_at_most(sum.cost_micros, sum.at_most),
                Value::Tokens(sum.tokens),
                Value::count(sum.turns),
            ]
        });
        Table::new("models", columns).or_else("no model was asked").rows(rows)
    }

    fn outcomes(&self) -> Block {
        if self.outcomes.is_empty() {
            return Block::paragraph("no task has ended");
        }
        let bar = |(status, number): &(TaskStatus, u64)| Bar {
            label: status.word().to_owned(),
            value: *number as f64,
            shown: Value::count(*number),
            tone: tone(*status),
        };
        let entries = self.outcomes.iter().map(bar).collect();
        Bars { key: "outcomes".to_owned(), entries, full: None }.into()
    }
}

fn added(one: Total, other: Total) -> Total {
    Total {
        turns: one.turns + other.turns,
        tokens: one.tokens.saturating_add(other.tokens),
        cost_micros: one.cost_micros.saturating_add(other.cost_micros),
        at_most: one.at_most || other.at_most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MINUTE, NOW};

    fn spent(model: &str, ago_ms: u64, cost_micros: u64) -> SpentQuarter {
        let total = Total { turns: 1, tokens: 100, cost_micros, at_most: false };
        SpentQuarter { model: model.to_owned(), at_ms: NOW - ago_ms, total }
    }

    /// Returns a document as text.
    fn shown(costs: &Costs, zone: &TimeZone) -> String {
        struct Shown(Document);
        impl crate::output::Output for Shown {
            fn document(&self) -> Document {
                self.0.clone()
            }
        }
        crate::testing::text(&Shown(costs.document(&Days::until(NOW, zone))))
    }

    #[test]
    fn a_day_begins_where_the_person_is() {
        let costs = Costs {
            // Noon, ten in the evening of the day before, and a month ago in UTC.
            spent: vec![
                spent("koi/large", 0, 100_000),
                spent("koi/small", 14 * 60 * MINUTE, 200_000),
                spent("koi/large", 29 * 24 * 60 * MINUTE, 400_000),
            ],
            outcomes: vec![(TaskStatus::Accepted, 3), (TaskStatus::Stopped, 1)],
            why: None,
        };

        let utc = shown(&costs, &TimeZone::UTC);
        assert!(utc.contains("today        $0.10 (100 tokens in 1 turns)"), "{utc}");
        assert!(utc.contains("7 days       $0.30 (200 tokens in 2 turns)"), "{utc}");
        assert!(utc.contains("30 days      $0.70"), "{utc}");
        assert!(utc.contains("Sat Feb 28  ████████████████████████  $0.20"), "{utc}");
        // The dearest model first.
        let models = utc.find("koi/large  $0.50").zip(utc.find("koi/small  $0.20"));
        assert!(models.is_some_and(|(large, small)| large < small), "{utc}");
        assert!(utc.contains("accepted  ████████████████████████  3"), "{utc}");

        let east = shown(&costs, &TimeZone::fixed(jiff::tz::offset(9)));
        assert!(east.contains("today        $0.30 (200 tokens in 2 turns)"), "{east}");
    }
}
