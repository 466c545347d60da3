//! Views: what they are given and may read, and the bounds of what they show.

use openkoi_core::{
    capability::Grant,
    document::{Block, Pairs, Value as Shown},
    failure::Failure,
    grant::ComponentGrant,
};
use serde_json::{Value, json};

use crate::guests::view_world;

fn say(words: &str) -> Value {
    json!({ "say": words, "time": { "now_ms": 7, "days_ms": [] } })
}

fn pair(number: u32) -> impl Fn(&Block) -> bool {
    move |block| matches!(block, Block::Pairs(Pairs { entries, .. }) if entries[0].value == Shown::count(number))
}

#[tokio::test]
async fn a_view_reads_records_and_memory_and_is_given_what_its_manifest_asks_for() {
    let mut world = view_world();
    for (asked, shown) in [("records", 0), ("decisions", 0), ("recall", 0), ("time", 7)] {
        let document = world.render("pond", &say(asked)).await.expect("it is granted");
        assert!(document.blocks.iter().any(pair(shown)), "{asked}: {document:?}");
    }
    let missing = world.render("sea", &say("x")).await;
    assert!(matches!(missing, Err(Failure::NotFound(_))), "{missing:?}");
}

#[tokio::test]
async fn what_is_not_granted_is_refused() {
    let granted = |interface: &str| ComponentGrant {
        own: Grant { whole: [interface.to_owned()].into(), ..Grant::default() },
        ..ComponentGrant::default()
    };
    for (granted, refused) in [(granted("memory"), "records"), (granted("records"), "recall")] {
        let mut world = view_world();
        world.grant("window", granted);
        let refused = world.render("pond", &say(refused)).await;
        assert!(matches!(refused, Err(Failure::Denied { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_no_document_a_flood_a_failure_and_a_trap_cost_the_report_alone() {
    let mut world = view_world();
    let short = world.render("pond", &say("short row")).await;
    assert!(matches!(short, Err(Failure::Failed(_))), "{short:?}");
    let flood = world.render("pond", &say("flood")).await;
    assert!(matches!(flood, Err(Failure::Limited { .. } | Failure::Trapped { .. })), "{flood:?}");
    let failed = world.render("pond", &say("fail")).await;
    assert_eq!(failed, Err(Failure::NotFound("fish".to_owned())));
    let trapped = world.render("pond", &say("panic")).await;
    assert!(matches!(trapped, Err(Failure::Trapped { .. })), "{trapped:?}");
    world.render("pond", &say("on it goes")).await.expect("the next one is unharmed");
}
