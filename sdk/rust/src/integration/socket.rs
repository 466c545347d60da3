//! Services that talk over a socket that stays open.

use std::{cell::RefCell, marker::PhantomData};

use super::{Action, Settings, SocketEvent};
use crate::{
    Result,
    bindings::socket::exports::openkoi::integration::socket::{Guest, GuestSession},
};

/// One link to a service over a socket. It lives as long as the daemon, across connections.
pub trait Session {
    /// Begins with what the session before kept last.
    fn new(settings: Settings, kept: Option<Vec<u8>>) -> Self;

    /// Returns what to do about an event, in order.
    ///
    /// # Errors
    ///
    /// Ends the session. The host begins another one after a pause.
    fn step(&mut self, event: SocketEvent) -> Result<Vec<Action>>;
}

/// The generated traits, implemented by way of [`Session`].
pub struct SocketAdapter<S>(PhantomData<S>);

/// The generated resource.
pub struct SessionAdapter<S>(RefCell<S>);

impl<S: Session + 'static> Guest for SocketAdapter<S> {
    type Session = SessionAdapter<S>;
}

impl<S: Session + 'static> GuestSession for SessionAdapter<S> {
    fn new(settings: Settings, kept: Option<Vec<u8>>) -> Self {
        crate::prepare();
        Self(RefCell::new(S::new(settings, kept)))
    }

    fn step(&self, event: SocketEvent) -> Result<Vec<Action>> {
        self.0.borrow_mut().step(event)
    }
}
