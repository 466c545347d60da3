//! Why a sum of money may be too high, found in the facts of a run.

use std::collections::BTreeSet;

use crate::{event::Event, ledger::Price, ledger::Reservation, model::ModelCard};

/// Reasons for which the cost of a run is an upper limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// True once the models of the run are known: whoever did not hear of them gives no reason.
    knows_models: bool,
    /// Models whose price nobody knows.
    unpriced: BTreeSet<String>,
    /// Those of them that answered.
    counted: BTreeSet<String>,
    /// True if lengths stand for tokens that nobody told.
    estimated: bool,
}

impl Doubts {
    /// Takes in the next fact of the run.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::TaskStarted { models, .. } => self.know(models.iter().map(|(_, card)| card)),
            Event::ModelsResolved { models, .. } => self.know(models.iter()),
            Event::TurnFinished { model, spent, .. } | Event::TurnFailed { model, spent, .. } => {
                self.count(model, *spent);
            }
            Event::TurnLost { reserved } => self.estimated |= reserved.at_most,
            _ => {}
        }
    }

    fn know<'a>(&mut self, cards: impl Iterator<Item = &'a ModelCard>) {
        self.knows_models = true;
        let unpriced = cards.filter(|card| card.price.is_none());
        self.unpriced.extend(unpriced.map(|card| card.name.clone()));
    }

    fn count(&mut self, model: &str, spent: Reservation) {
        if spent.at_most {
            self.doubt(model);
        }
    }

    /// Takes in that a turn of this model may have cost less than was counted.
    pub fn doubt(&mut self, model: &str) {
        if self.unpriced.contains(model) {
            self.counted.insert(model.to_owned());
        } else {
            self.estimated = true;
        }
    }

    /// Takes in that a request that belongs to no task may have cost less than was counted, for its tokens or for its price.
    pub fn charged(&mut self, model: &str, is_unpriced: bool) {
        if is_unpriced {
            self.counted.insert(model.to_owned());
        } else {
            (self.estimated, self.knows_models) = (true, true);
        }
    }

    /// Returns the reasons in one sentence, or `None` if the cost is exact.
    pub fn reason(&self) -> Option<String> {
        let Some(first) = self.counted.first() else {
            let guessed = "some tokens are estimated, because nobody told how many there were";
            return (self.estimated && self.knows_models).then(|| guessed.to_owned());
        };
        let names: Vec<&str> = self.counted.iter().map(String::as_str).collect();
        let provider = first.split('/').next().unwrap_or(first);
        let Price { input, output, .. } = Price::CEILING;
        Some(format!(
            "no price known for {}, counted at ${input}/${output} a million; set providers.{provider}.price",
            names.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PriceSource;

    fn lost(at_most: bool) -> Event {
        Event::TurnLost { reserved: Reservation { tokens: 1, cost_micros: 1, at_most } }
    }

    #[test]
    fn the_reason_names_the_model_that_was_counted_at_the_ceiling() {
        let card = ModelCard {
            name: "koi/koi-large".to_owned(),
            context: 1,
            output: 1,
            price: None,
            price_source: PriceSource::Ceiling,
        };
        let mut doubts = Doubts::default();
        doubts.take(&Event::ModelsResolved { role: "executor".to_owned(), models: vec![card] });
        doubts.take(&lost(false));
        assert_eq!(doubts.reason(), None);
        doubts.take(&lost(true));
        assert!(doubts.reason().unwrap().starts_with("some tokens are estimated"));

        doubts.count("koi/koi-large", Reservation { tokens: 1, cost_micros: 1, at_most: true });

        assert_eq!(
            doubts.reason().unwrap(),
            "no price known for koi/koi-large, counted at $30/$180 a million; set providers.koi.price"
        );
    }
}
