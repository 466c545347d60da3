//! The generated traits, implemented by way of [`Integration`]. Methods of resources take `&self`, hence the cells; the
//! host makes one call at a time.

use std::{cell::RefCell, marker::PhantomData};

use super::{
    Answer, Event, Identity, Outgoing, Page, Reception, Sent, Settings,
    machine::{Machine, Step, Wanted},
    service::Integration,
};
use crate::{
    Result,
    bindings::integration::exports::openkoi::integration::integration::{
        CheckStep, DeliveryStep, Guest, GuestCheck, GuestDelivery, GuestPoll, PollStep,
    },
};

/// The exports of an integration.
pub struct Adapter<I>(PhantomData<I>);

impl<I: Integration + 'static> Guest for Adapter<I> {
    type Delivery = Running<I, Sent>;
    type Poll = Running<I, Page>;
    type Check = Running<I, Identity>;

    fn receive(event: Event, settings: Settings) -> Result<Reception> {
        crate::prepare();
        I::receive(event, &settings)
    }
}

/// A function of an integration that waits for the service.
pub struct Running<I, T>(RefCell<Machine<T>>, PhantomData<I>);

impl<I, T> Running<I, T> {
    fn new(machine: Machine<T>) -> Self {
        Self(RefCell::new(machine), PhantomData)
    }
}

macro_rules! steps {
    ($resource:ident, $step:ident, $result:ty, ($($argument:ident: $type:ty),*), $function:ident) => {
        impl<I: Integration + 'static> $resource for Running<I, $result> {
            fn new($($argument: $type),*) -> Self {
                crate::prepare();
                Self::new(Machine::new(|link| I::$function(link, $($argument),*)))
            }

            fn next(&self, before: Option<Answer>) -> Result<$step> {
                Ok(match self.0.borrow_mut().next(before)? {
                    Step::Wanted(Wanted::Request(request)) => $step::Request(request),
                    Step::Wanted(Wanted::Wait(milliseconds)) => $step::Wait(milliseconds),
                    Step::Done(result) => $step::Done(result),
                })
            }
        }
    };
}

steps!(GuestDelivery, DeliveryStep, Sent, (message: Outgoing, settings: Settings), deliver);
steps!(GuestPoll, PollStep, Page, (cursor: Option<String>, settings: Settings), poll);
steps!(GuestCheck, CheckStep, Identity, (settings: Settings), check);
