//! A component's request with a credential of its account. It is sent again where that does no harm: after a refusal of
//! an old token, after a refusal that asks for a wait, and, if the component says that the request is repeatable, after
//! an answer that did not come.

use std::time::Duration;

use openkoi_brokers::egress::{EgressError, EgressErrorKind, Request};

use super::{
    account::{Account, AccountCredential},
    backoff::Permit,
    error::ServiceError,
    retry,
};
use crate::{
    brokers::{Brokers, HttpResponse},
    service::credential::Authorization,
};

/// A request that is ready but for its credential.
pub(crate) struct Outgoing<'a> {
    /// The account whose credential it carries.
    pub(crate) account: &'a Account,
    /// The credential.
    pub(crate) credential: &'a AccountCredential,
    /// The request.
    pub(crate) request: Request,
    /// True if it may be sent again when it is unknown whether the service took it.
    pub(crate) repeatable: bool,
    /// The longest time for all waits between attempts.
    pub(crate) patience: Duration,
}

/// Sends a request with its credential, and returns with the head of the answer.
///
/// # Errors
///
/// The reason why there is no answer. An answer that is a refusal is no error.
pub(crate) async fn send(
    brokers: &Brokers,
    outgoing: Outgoing<'_>,
) -> Result<HttpResponse, ServiceError> {
    let clock = &brokers.clock;
    let Outgoing { account, credential, request, repeatable, mut patience } = outgoing;
    let permit = Permit::of(&account.backoff, clock.monotonic_ms())?;
    let AccountCredential { credential, addresses } = credential;
    let mut authorization = credential.authorization(brokers, addresses).await?;
    let (mut attempt, mut is_renewed) = (0, false);
    loop {
        let sent = brokers.transport.send(with(&request, &authorization)).await;
        let is_refused = matches!(&sent, Ok(response) if response.status == 401);
        if is_refused && authorization.is_login() && !is_renewed {
            is_renewed = true;
            authorization = credential.renewed(brokers, &authorization, addresses).await?;
            continue;
        }
        let rests = permit.failed(is_unavailable(&sent), clock.monotonic_ms());
        let wait = (!rests)
            .then(|| again(&sent, repeatable, clock.now_ms()))
            .flatten()
            .and_then(|asked| retry::next(attempt, false, asked, chance(brokers)))
            .filter(|retry| retry.wait <= patience);
        let Some(retry) = wait else { return sent.map_err(ServiceError::Egress) };
        drop(sent);
        clock.sleep(retry.wait).await;
        patience = patience.saturating_sub(retry.wait);
        attempt += 1;
    }
}

fn with(request: &Request, authorization: &Authorization) -> Request {
    let mut request = request.clone();
    request.credentials.clone_from(&authorization.credentials);
    let headers = authorization.headers.iter();
    request.headers.extend(headers.map(|(name, value)| (name.clone(), value.clone().into_bytes())));
    request
}

/// Tells whether the service could not be reached or is out of order, other than that it refused.
fn is_unavailable(sent: &Result<HttpResponse, EgressError>) -> bool {
    match sent {
        Ok(response) => response.status >= 500,
        Err(error) => is_outage(error),
    }
}

fn is_outage(error: &EgressError) -> bool {
    match error.kind {
        EgressErrorKind::Resolve
        | EgressErrorKind::Connect
        | EgressErrorKind::Tls
        | EgressErrorKind::Timeout { .. }
        | EgressErrorKind::Interrupted => true,
        EgressErrorKind::Denied | EgressErrorKind::InvalidRequest | EgressErrorKind::TooLarge => {
            false
        }
    }
}

/// Returns the wait that the service asks for, in a request that may be sent again.
fn again(
    sent: &Result<HttpResponse, EgressError>,
    repeatable: bool,
    now_ms: u64,
) -> Option<Option<Duration>> {
    match sent {
        // It says that it did not do the work.
        Ok(response) if response.status == 429 => {
            Some(retry::retry_after(&response.headers, now_ms))
        }
        Ok(response) if repeatable && matches!(response.status, 500 | 502 | 503 | 504) => {
            Some(retry::retry_after(&response.headers, now_ms))
        }
        Ok(_) => None,
        // A certificate does not change within seconds.
        Err(error) if error.kind == EgressErrorKind::Tls => None,
        Err(error) => {
            (is_outage(error) && (repeatable || !error.request_sent)).then_some(error.retry_after)
        }
    }
}

fn chance(brokers: &Brokers) -> f64 {
    match brokers.random.bytes::<4>() {
        Ok(bytes) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        // Without randomness a wait is as long as it may be.
        Err(_) => 1.0,
    }
}
