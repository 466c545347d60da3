//! What an integration is.

use std::future::Future;

use super::{Event, Identity, Outgoing, Page, Reception, Sent, Settings, machine::Link};
use crate::{Failure, Result};

/// One service where people talk.
pub trait Integration {
    /// Sends a message, in as many steps as the service needs.
    ///
    /// # Errors
    ///
    /// [`Failure::Invalid`] if the service has no way to say it; what the link answers; what the service refuses.
    fn deliver(
        link: Link,
        message: Outgoing,
        settings: Settings,
    ) -> impl Future<Output = Result<Sent>>;

    /// Asks the service what happened since `cursor`; without one, what happens from now on.
    ///
    /// # Errors
    ///
    /// [`Failure::Unsupported`] if the service calls us; what the link answers.
    fn poll(
        _link: Link,
        _cursor: Option<String>,
        _settings: Settings,
    ) -> impl Future<Output = Result<Page>> {
        async { Err(Failure::unsupported("polls")) }
    }

    /// Asks the service who we are, and changes nothing there.
    ///
    /// # Errors
    ///
    /// What the link answers; what the service refuses.
    fn check(link: Link, settings: Settings) -> impl Future<Output = Result<Identity>>;

    /// Reads an event.
    ///
    /// # Errors
    ///
    /// If it is not what the service sends.
    fn receive(event: Event, settings: &Settings) -> Result<Reception>;
}
