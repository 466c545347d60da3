//! Events for receivers outside, as Standard Webhooks has them (<https://www.standardwebhooks.com>).
//!
//! The configuration says who receives what; the storage keeps each delivery with what it tells of; here one is signed and sent, by the same
//! broker as everything else that leaves, and it is decided what follows from the answer.

pub(crate) mod error;

use std::time::Duration;

use openkoi_brokers::{
    egress::{EgressLimits, Request, Response},
    webhook_secrets::WebhookSecrets,
};
use openkoi_core::{
    hash,
    pattern::{HttpRule, is_public_address},
};
use openkoi_storage::{
    StorageError,
    webhooks::{Attempt, Delivery, Fate, WebhookEvent},
};
use serde_json::json;

use crate::{app::App, day, error::AppError, models, settings::Settings, thread};

pub use error::WebhookError;
pub use openkoi_brokers::webhook_secrets::{ROTATION_MS, ReceiverSecrets, WebhookSecret};

/// The longest time of an attempt.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are read, to say why it is a refusal.
const ANSWER_BYTES: u64 = 16 << 10;
/// The most characters of an answer that are told.
const TOLD: usize = 200;
/// How long after its first attempt a delivery is given up, in milliseconds.
pub const GIVEN_UP_MS: u64 = 86_400_000;
/// The waits between attempts, in seconds; the last one again and again.
const WAITS: [u64; 8] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400];
/// A day, in milliseconds: the time of a budget.
/// The shares of the day's budget that are told of, in percent.
const SHARES: [u64; 2] = [80, 100];

/// The settings with addresses, by the event that is sent there.
pub const SETTINGS: [(WebhookEvent, &str); 4] = [
    (WebhookEvent::TaskComplete, "on_task_complete"),
    (WebhookEvent::TaskFailed, "on_task_failed"),
    (WebhookEvent::TaskNeedsApproval, "on_task_needs_approval"),
    (WebhookEvent::BudgetWarning, "on_budget_warning"),
];

/// A receiver that the configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// What is sent there.
    pub event: WebhookEvent,
    /// The setting, without `api.webhooks.`.
    pub setting: &'static str,
    /// The address.
    pub url: String,
    /// Why nothing is sent there, if the address cannot be used.
    pub unfit: Option<String>,
}

/// Returns the receivers that the configuration names.
pub fn receivers(settings: &Settings) -> Vec<Receiver> {
    let named = SETTINGS.into_iter().filter_map(|(event, setting)| {
        let url = settings.webhooks.get(setting)?.trim();
        (!url.is_empty()).then(|| Receiver {
            event,
            setting,
            url: url.to_owned(),
            unfit: rule_for(url, &settings.route.private_hosts).err(),
        })
    });
    named.collect()
}

/// How it goes with a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverState {
    /// Nothing is wrong.
    Fit,
    /// It did not take what was sent last, and is tried again.
    Failing,
    /// It said that it is gone: nothing is sent to it.
    Gone,
    /// Its address cannot be used.
    Unfit(String),
}

impl std::fmt::Display for ReceiverState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fit => f.write_str("ok"),
            Self::Failing => f.write_str("it fails just now"),
            Self::Gone => f.write_str("it said that it is gone (410)"),
            Self::Unfit(why) => write!(f, "not used: {why}"),
        }
    }
}

/// Returns the receivers that the configuration names, with how it goes with each.
///
/// # Errors
///
/// When the storage cannot be read.
pub fn states(app: &App, settings: &Settings) -> Result<Vec<(Receiver, ReceiverState)>, AppError> {
    let storage = app.storage()?;
    let (known, waiting) = (storage.webhooks()?, storage.next_deliveries()?);
    let is_gone = |event| known.iter().any(|one| one.event == event && one.closed_ms.is_some());
    let fails = |url: &str| waiting.iter().any(|one| one.url == url && one.attempts > 0);
    let state = |receiver: &Receiver| match &receiver.unfit {
        Some(why) => ReceiverState::Unfit(why.clone()),
        None if is_gone(receiver.event) => ReceiverState::Gone,
        None if fails(&receiver.url) => ReceiverState::Failing,
        None => ReceiverState::Fit,
    };
    let all = receivers(settings).into_iter().map(|receiver| {
        let state = state(&receiver);
        (receiver, state)
    });
    Ok(all.collect())
}

/// Lets events be kept for the receivers of the configuration from now on.
///
/// # Errors
///
/// When the storage cannot be used.
pub fn sync(app: &App, settings: &Settings) -> Result<(), AppError> {
    let fit = receivers(settings).into_iter().filter(|receiver| receiver.unfit.is_none());
    let wanted: Vec<_> = fit.map(|receiver| (receiver.event, receiver.url)).collect();
    Ok(app.storage()?.set_webhooks(&wanted, app.now_ms())?)
}

/// Returns the rule for requests to an address that the user configured, or why nothing is sent there.
fn rule_for(url: &str, private_hosts: &[String]) -> Result<HttpRule, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("it is no address: it begins with https://".to_owned());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("it has a user name, which is not sent".to_owned());
    }
    let rule = format!("POST {scheme}://{authority}/**").parse::<HttpRule>();
    let rule = rule.map_err(|error| format!("it is no address: {error}"))?;
    if rule.host.is_wildcard() {
        return Err("it is no address: `*` is no host".to_owned());
    }
    let host = host_of(authority);
    let is_named = private_hosts.iter().any(|name| name.eq_ignore_ascii_case(host));
    if rule.private && !is_loopback(host) && !is_named {
        return Err(format!(
            "`{host}` is an address of the local network: name it in `network.private_hosts`"
        ));
    }
    if !rule.secure && !rule.private && !is_named {
        return Err("it is not encrypted: only an address of this machine may begin with http://"
            .to_owned());
    }
    Ok(rule)
}

/// Returns the host of an authority, without port and brackets.
fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    let is_name = host == "localhost" || host.ends_with(".localhost");
    is_name
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback() && !is_public_address(address))
}

/// Returns the secrets of the receiver at an address. The first call makes one.
///
/// # Errors
///
/// When they cannot be read or kept.
pub fn secrets(app: &App, settings: &Settings, url: &str) -> Result<ReceiverSecrets, AppError> {
    let kept = WebhookSecrets::of(app.paths()?.home());
    Ok(kept.get(url, &app.secrets(settings)?).map_err(WebhookError::from)?)
}

/// Makes another secret for the receiver at an address; the one before signs for one more day.
///
/// # Errors
///
/// When it cannot be kept.
pub fn rotate(app: &App, url: &str) -> Result<ReceiverSecrets, AppError> {
    let kept = WebhookSecrets::of(app.paths()?.home());
    Ok(kept.rotate(url, app.now_ms()).map_err(WebhookError::from)?)
}

/// What a receiver said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status, if it answered.
    pub status: Option<u16>,
    /// Why it did not take the delivery; nothing if it did.
    pub why: Option<String>,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Answer {
    fn failed(why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..Self::default() }
    }
}

/// Sends a delivery once. What goes wrong is a part of the answer.
pub async fn send(app: &App, settings: &Settings, delivery: &Delivery, now_ms: u64) -> Answer {
    match exchange(app, settings, delivery, now_ms).await {
        Ok(answer) => answer,
        Err(error) => Answer::failed(error.to_string()),
    }
}

async fn exchange(
    app: &App,
    settings: &Settings,
    delivery: &Delivery,
    now_ms: u64,
) -> Result<Answer, AppError> {
    let rule = match rule_for(&delivery.url, &settings.route.private_hosts) {
        Ok(rule) => rule,
        Err(why) => return Ok(Answer::failed(why)),
    };
    let outbound = app.outbound(settings)?;
    let secrets = secrets(app, settings, &delivery.url)?;
    let body = outbound.secrets.redact_str(&delivery.body).into_bytes();
    let seconds = now_ms / 1_000;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", format!("openkoi/{}", env!("CARGO_PKG_VERSION"))),
        ("webhook-id", delivery.id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", secrets.signature(&delivery.id, seconds, &body)),
    ];
    let request = Request {
        caller: "webhooks".to_owned(),
        method: "POST".to_owned(),
        url: delivery.url.clone(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.into_bytes())).into(),
        body,
        credentials: Vec::new(),
        rules: vec![rule],
        limits: EgressLimits {
            first_byte: PATIENCE,
            idle: PATIENCE,
            total: PATIENCE,
            body_bytes: ANSWER_BYTES,
            redirects: 0,
            ..EgressLimits::standard()
        },
    };
    Ok(match outbound.egress.send(request).await {
        Ok(response) => answer_of(response).await,
        Err(error) => Answer { retry_after: error.retry_after, ..Answer::failed(error.message) },
    })
}

async fn answer_of(mut response: Response) -> Answer {
    let status = response.status;
    if (200..300).contains(&status) {
        return Answer { status: Some(status), ..Answer::default() };
    }
    let after = response.headers.iter().find(|(name, _)| name == "retry-after");
    let seconds = after.and_then(|(_, value)| std::str::from_utf8(value).ok()?.trim().parse().ok());
    let said = response.body.chunk().await.ok().flatten().unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let said: String = said.chars().filter(|c| !c.is_control()).take(TOLD).collect();
    let why =
        if said.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {said}") };
    Answer { status: Some(status), why: Some(why), retry_after: seconds.map(Duration::from_secs) }
}

/// Returns the last deliveries as they may be shown, newest first; with the id of one, those from before it.
///
/// # Errors
///
/// When the storage cannot be read.
pub fn deliveries(
    app: &App,
    settings: &Settings,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<Delivery>, AppError> {
    let found = app.storage()?.deliveries(before, limit)?;
    without_secrets(app, settings, found)
}

/// Returns the delivery that a person means by `typed`, as it may be shown.
///
/// # Errors
///
/// When there is none, or several could be meant.
pub fn delivery(app: &App, settings: &Settings, typed: &str) -> Result<Delivery, AppError> {
    let found = app.storage()?.delivery(typed)?;
    let shown = without_secrets(app, settings, vec![found])?.pop();
    shown.ok_or_else(|| StorageError::NoSuch { what: "delivery", text: typed.to_owned() }.into())
}

/// Takes secrets out of what is kept, as they are out of what is sent.
fn without_secrets(
    app: &App,
    settings: &Settings,
    mut deliveries: Vec<Delivery>,
) -> Result<Vec<Delivery>, AppError> {
    for receiver in receivers(settings).iter().filter(|one| one.unfit.is_none()) {
        // Who has read a secret knows it.
        secrets(app, settings, &receiver.url)?;
    }
    let known = app.outbound(settings)?.secrets;
    for delivery in &mut deliveries {
        delivery.body = known.redact_str(&delivery.body);
        delivery.why = delivery.why.as_deref().map(|why| known.redact_str(why));
    }
    Ok(deliveries)
}

/// Sends an event that tells nothing to the receiver at `url`, and returns it with what became of it.
///
/// # Errors
///
/// When what became of it cannot be kept.
pub fn try_out(app: &App, settings: &Settings, url: &str) -> Result<(Delivery, Attempt), AppError> {
    let now_ms = app.now_ms();
    let trial = Delivery::trial(url, &app.new_id()?, now_ms);
    let answer =
        thread::block(async { Ok::<_, AppError>(send(app, settings, &trial, now_ms).await) })?;
    let attempt = attempt(&trial, answer, app.now_ms());
    app.storage()?.keep_trial(&trial, &attempt)?;
    Ok((trial, attempt))
}

/// Returns what follows from an answer to a delivery at `now_ms`.
pub fn attempt(delivery: &Delivery, answer: Answer, now_ms: u64) -> Attempt {
    let Answer { status, why, retry_after } = answer;
    let began_ms = delivery.first_ms.unwrap_or(now_ms);
    let fate = match status {
        _ if why.is_none() => Fate::Delivered,
        Some(410) => Fate::Closed,
        _ if now_ms.saturating_sub(began_ms) >= GIVEN_UP_MS => Fate::GivenUp,
        _ => {
            let own = wait_ms(delivery);
            let wanted =
                retry_after.map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
            // The last attempt is when a day is over.
            let end_ms = began_ms.saturating_add(GIVEN_UP_MS).max(now_ms.saturating_add(1));
            Fate::Again(now_ms.saturating_add(own.max(wanted)).min(end_ms))
        }
    };
    Attempt { at_ms: now_ms, status, why, fate }
}

/// Returns the wait after an attempt: longer each time, and never the same for two deliveries.
fn wait_ms(delivery: &Delivery) -> u64 {
    let at = usize::try_from(delivery.attempts).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    let digest = hash::of_bytes(format!("{} {}", delivery.id, delivery.attempts).as_bytes());
    let dice =
        digest.get(..4).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_default();
    // Eight tenths to twelve tenths.
    WAITS[at] * (800 + dice * 400 / 0xffff)
}

/// Returns when a delivery may be tried: at once if its time has come, or if a clock that was set back makes it far away.
pub fn is_due(delivery: &Delivery, now_ms: u64) -> bool {
    delivery.next_ms <= now_ms || delivery.next_ms > now_ms.saturating_add(2 * GIVEN_UP_MS)
}

/// Tells of the day's budget if most of it is spent, once a day for each share of it. Returns the share.
///
/// # Errors
///
/// When the storage cannot be used.
pub fn warn_of_budget(
    app: &App,
    settings: &Settings,
    now_ms: u64,
) -> Result<Option<u64>, AppError> {
    let Some(limit) = settings.daemon.day_micros.filter(|limit| *limit > 0) else {
        return Ok(None);
    };
    let storage = app.storage()?;
    let played = models::playing(app, settings)?;
    let today = day::began_ms(now_ms);
    let spent = storage.spent_since(today, &played)?.cost_micros;
    let percent = spent.saturating_mul(100) / limit;
    let reached = SHARES.into_iter().rfind(|share| percent >= *share);
    if let Some(share) = reached {
        let data = json!({
            "current_cost": spent as f64 / 1e6,
            "budget_limit": limit as f64 / 1e6,
            "percentage_used": percent,
            "threshold": share,
        });
        let key = format!("{today}-{share}");
        storage.tell(WebhookEvent::BudgetWarning, &key, now_ms, &data)?;
    }
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use openkoi_storage::webhooks::DeliveryState;

    use super::*;

    #[test]
    fn an_address_is_fit_if_it_is_encrypted_or_of_this_machine_and_named_if_it_is_of_the_local_network()
     {
        let named = ["10.0.0.7".to_owned(), "hooks.lan".to_owned()];
        for (url, expected) in [
            ("https://example.com/hooks/complete?a=b", Ok(())),
            ("https://example.com:8443", Ok(())),
            ("http://127.0.0.1:8080/x", Ok(())),
            ("http://localhost:8080/x", Ok(())),
            ("http://[::1]:8080/x", Ok(())),
            ("http://10.0.0.7/x", Ok(())),
            ("http://hooks.lan/x", Ok(())),
            ("http://example.com/x", Err("not encrypted")),
            ("https://10.0.0.8/x", Err("`network.private_hosts`")),
            ("http://169.254.169.254/x", Err("`network.private_hosts`")),
            ("https://me@example.com/x", Err("user name")),
            ("ftp://example.com/x", Err("no address")),
            ("https://*/x", Err("no address")),
            ("example.com/x", Err("no address")),
            ("https://", Err("no address")),
        ] {
            match (rule_for(url, &named), expected) {
                (Ok(_), Ok(())) => {}
                (Err(why), Err(part)) if why.contains(part) => {}
                (found, _) => panic!("{url}: {found:?}"),
            }
        }
    }

    fn delivery(attempts: u32, first_ms: Option<u64>) -> Delivery {
        Delivery {
            id: "msg_1".to_owned(),
            event: WebhookEvent::TaskComplete,
            url: "https://hooks.test/".to_owned(),
            task: None,
            body: "{}".to_owned(),
            made_ms: 0,
            state: DeliveryState::Waiting,
            attempts,
            first_ms,
            next_ms: 0,
            tried_ms: None,
            status: None,
            why: None,
        }
    }

    fn answer(status: u16, retry_after: Option<u64>) -> Answer {
        let why = (status >= 300).then(|| "no".to_owned());
        Answer { status: Some(status), why, retry_after: retry_after.map(Duration::from_secs) }
    }

    #[test]
    fn a_delivery_is_tried_for_a_day_less_and_less_often() {
        let (mut now, mut attempts, mut waits) = (1_000_000, 0, Vec::new());
        let began = now;
        loop {
            let first = (attempts > 0).then_some(began);
            match attempt(&delivery(attempts, first), answer(500, None), now).fate {
                Fate::Again(next) => {
                    waits.push(next - now);
                    now = next;
                }
                fate => {
                    assert_eq!(fate, Fate::GivenUp);
                    break;
                }
            }
            attempts += 1;
        }
        assert_eq!(now - began, GIVEN_UP_MS);
        assert!((12..16).contains(&attempts), "{attempts}");
        for (wait, base) in waits.iter().zip(WAITS) {
            assert!((base * 800..=base * 1_200).contains(wait), "{wait} of {base}");
        }
    }

    #[test]
    fn an_answer_decides_what_follows() {
        let fate = |answer| attempt(&delivery(0, None), answer, 5_000).fate;
        assert_eq!(fate(answer(204, None)), Fate::Delivered);
        assert_eq!(fate(answer(410, None)), Fate::Closed);
        assert_eq!(fate(answer(429, Some(3_600))), Fate::Again(3_605_000));
        assert_eq!(fate(answer(503, Some(u64::MAX))), Fate::Again(5_000 + GIVEN_UP_MS));
        assert!(matches!(fate(answer(301, None)), Fate::Again(_)));
        assert!(matches!(fate(Answer::failed("no route")), Fate::Again(_)));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_up_no_delivery() {
        let at = |next_ms, now_ms| is_due(&Delivery { next_ms, ..delivery(1, Some(1)) }, now_ms);
        assert!(at(5, 5) && at(900 * GIVEN_UP_MS, 5));
        assert!(!at(6, 5));
    }
}
