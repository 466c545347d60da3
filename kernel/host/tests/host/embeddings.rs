//! Vectors of a provider: what each request took is charged, whatever becomes of it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use openkoi_core::{
    failure::Failure,
    ledger::Charge,
    message::Role,
    port::{Charges, Embedder, Model, Purpose, Vectors},
};
use openkoi_host::kinds::provider::{
    OfferedPrice, ProviderSettings, Route, embedding::ProviderEmbedder,
};
use openkoi_testing::{Canned, World};

use crate::providers::world;

/// Keeps what is charged.
#[derive(Default)]
struct Kept(Mutex<Vec<Charge>>);

impl Charges for Kept {
    fn charge(&self, charge: Charge) {
        self.0.lock().expect("nobody panicked").push(charge);
    }
}

impl Kept {
    /// Returns tokens, millionths of a dollar, and whether that is an upper limit, of each request.
    fn all(&self) -> Vec<(u64, u64, bool)> {
        let kept = self.0.lock().expect("nobody panicked");
        let taken = kept.iter().map(|one| {
            assert_eq!((one.role.as_str(), one.usage.estimated), ("embedder", one.spent.at_most));
            (one.spent.tokens, one.spent.cost_micros, one.spent.at_most)
        });
        taken.collect()
    }
}

/// Returns a model whose million tokens of input cost ten dollars.
fn embedder(world: &mut World, charges: &Arc<Kept>) -> ProviderEmbedder {
    let price = OfferedPrice { input: 10_000_000, output: 0, cache_read: None, cache_write: None };
    let settings = ProviderSettings { price: Some(price), ..ProviderSettings::default() };
    let models = Arc::new(world.models(settings, "large"));
    let name = models.card(&Role::new(Role::EXECUTOR)).name;
    let (provider, model) = name.split_once('/').expect("a model has a provider");
    let route = Route { provider: provider.to_owned(), model: model.to_owned() };
    ProviderEmbedder::new(models, "embedder", route, Arc::clone(charges) as Arc<dyn Charges>)
}

async fn embed(embedder: &ProviderEmbedder, texts: &[&str]) -> Result<Vectors, Failure> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    embedder.embed(&texts, Purpose::Passage).await
}

#[tokio::test]
async fn a_request_is_charged_as_it_was_counted_or_else_as_it_is_estimated() {
    let (mut world, kept) = (world(), Arc::new(Kept::default()));
    let embedder = embedder(&mut world, &kept);

    world.answer(Canned::ok("1 2\n3 4\ntokens 7\n")).answer(Canned::ok("1 2\ntokens 0\n"));
    let made = embed(&embedder, &["twelve bytes", "more"]).await.expect("it answers");
    embed(&embedder, &["twelve bytes"]).await.expect("it answers");

    assert_eq!(made.vectors, [[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(kept.all(), [(7, 70, false), (5, 50, true)]);
}

#[tokio::test]
async fn vectors_that_cannot_be_used_are_paid_and_a_refusal_is_not() {
    let (mut world, kept) = (world(), Arc::new(Kept::default()));
    let embedder = embedder(&mut world, &kept);

    world.answer(Canned::ok("1 2\ntokens 3\n")).answer(Canned::status(402));
    embed(&embedder, &["one", "two"]).await.expect_err("one vector is missing");
    embed(&embedder, &["one"]).await.expect_err("there is no money");

    assert_eq!(kept.all(), [(3, 30, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_waits_for_any_more_is_charged() {
    let (mut world, kept) = (world(), Arc::new(Kept::default()));
    let embedder = embedder(&mut world, &kept);
    world.answer(Canned::status(200).wait(Duration::from_secs(9)).chunk("1 2\ntokens 3\n"));

    let waited =
        tokio::time::timeout(Duration::from_secs(2), embed(&embedder, &["twelve bytes"])).await;

    assert!(waited.is_err(), "it answers too late");
    assert_eq!(kept.all(), [(5, 50, true)]);
}
