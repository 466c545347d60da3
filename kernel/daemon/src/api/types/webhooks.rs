//! Receivers and deliveries over the wire: the documents that the command line prints as JSON.

use openkoi_app::{
    wall_clock::timestamp,
    webhooks::{Receiver, ReceiverState},
};
use openkoi_storage::webhooks::{self, DeliveryState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who is told of events.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Webhooks {
    /// The receivers that the configuration names.
    pub(crate) webhooks: Vec<Webhook>,
}

/// A receiver of an event.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Webhook {
    /// The setting, without `api.webhooks.`.
    pub(crate) setting: String,
    /// The address.
    pub(crate) url: String,
    /// How it goes with it; `ok` if nothing is wrong.
    pub(crate) state: String,
    /// The event.
    pub(crate) event: String,
}

impl Webhook {
    /// Returns a receiver as clients see it.
    pub(crate) fn of(receiver: Receiver, state: &ReceiverState) -> Self {
        Self {
            setting: receiver.setting.to_owned(),
            url: receiver.url,
            state: state.to_string(),
            event: receiver.event.word().to_owned(),
        }
    }
}

/// Which deliveries are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DeliveryList {
    /// The most that are returned; 50 if absent.
    #[schemars(range(min = 1, max = 500))]
    pub(crate) limit: Option<u32>,
    /// The cursor of a page: the id of the last delivery before it.
    pub(crate) cursor: Option<String>,
}

/// What was told, newest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Deliveries {
    /// The deliveries.
    pub(crate) deliveries: Vec<Delivery>,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// One event for one receiver.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Delivery {
    /// Its id, which the receiver sees as `webhook-id`.
    pub(crate) id: String,
    /// What it tells.
    pub(crate) event: String,
    /// The task that it tells of.
    pub(crate) task_id: Option<String>,
    /// `waiting`, `delivered` or `failed`.
    pub(crate) state: String,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// When it came about.
    pub(crate) made_at: String,
    /// Why the last attempt failed.
    pub(crate) why: Option<String>,
    /// The address that it is sent to.
    pub(crate) url: String,
    /// What the receiver answered last.
    pub(crate) status: Option<u16>,
    /// When it is tried next, while it waits.
    pub(crate) next_at: Option<String>,
    /// The JSON that is sent.
    pub(crate) body: String,
}

impl Delivery {
    /// Returns a delivery as clients see it.
    pub(crate) fn of(delivery: webhooks::Delivery) -> Self {
        let is_waiting = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.id,
            event: delivery.event.word().to_owned(),
            task_id: delivery.task.map(|task| task.as_str().to_owned()),
            state: delivery.state.word().to_owned(),
            attempts: delivery.attempts,
            made_at: timestamp(delivery.made_ms),
            why: delivery.why,
            url: delivery.url,
            status: delivery.status,
            next_at: is_waiting.then(|| timestamp(delivery.next_ms)),
            body: delivery.body,
        }
    }
}
