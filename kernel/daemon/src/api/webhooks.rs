//! Who is told of events, and what became of that.

use std::sync::Arc;

use openkoi_app::webhooks;

use super::{
    problem::Problem,
    route::{Answering, Call, Reply},
    sessions::limit,
    shared::Api,
    types::{Deliveries, Delivery, DeliveryList, Page, Webhook, Webhooks},
};

pub(crate) fn list(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let found = webhooks::states(&api.app, &api.settings)?.into_iter();
        let webhooks = found.map(|(receiver, state)| Webhook::of(receiver, &state)).collect();
        Reply::json(&Webhooks { webhooks })
    })
}

pub(crate) fn deliveries(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let asked: DeliveryList = call.query()?;
        let most = limit(Page { limit: asked.limit })?;
        let before = asked.cursor.as_deref().map(|id| api.storage.delivery(id)).transpose()?;
        let before = before.as_ref().map(|delivery| delivery.id.as_str());
        let mut found = webhooks::deliveries(&api.app, &api.settings, before, most + 1)?;
        let has_more = found.len() > most as usize;
        found.truncate(most as usize);
        let next = found.last().filter(|_| has_more).map(|delivery| delivery.id.clone());
        let deliveries = found.into_iter().map(Delivery::of).collect();
        Reply::json(&Deliveries { deliveries, next })
    })
}

pub(crate) fn delivery(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move { shown(&api, call.id()) })
}

pub(crate) fn retry(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let delivery = api.storage.delivery(call.id())?;
        if !api.storage.retry_delivery(&delivery, api.app.now_ms())? {
            let word = delivery.state.word();
            return Err(Problem::conflict(format!(
                "the delivery is {word}: only one that has failed is sent again"
            )));
        }
        shown(&api, &delivery.id)
    })
}

fn shown(api: &Api, id: &str) -> Result<Reply, Problem> {
    Reply::json(&Delivery::of(webhooks::delivery(&api.app, &api.settings, id)?))
}
