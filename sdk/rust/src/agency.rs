//! Agencies: each looks at a motion from one side before anything is done.

use std::marker::PhantomData;

pub use crate::bindings::agency::exports::openkoi::agency::agency::{
    Alternative, Assessment, Budget, Caveat, Citation, Criterion, Effect, Forecast, Ground,
    Learning, Motion, Observation, Power, Question, Span, Step, Verdict, Weight,
};

use crate::{Result, bindings::agency::exports::openkoi::agency::agency::Guest};

/// Something that takes part in a deliberation.
pub trait Agency {
    /// Looks at a motion, alone and without hearing the others.
    ///
    /// # Errors
    ///
    /// If nothing can be said: it abstains.
    fn assess(motion: &Motion) -> Result<Assessment>;
}

/// The generated trait, implemented by way of [`Agency`].
#[doc(hidden)]
pub struct Adapter<A>(PhantomData<A>);

impl<A: Agency + 'static> Guest for Adapter<A> {
    fn assess(motion: Motion) -> Result<Assessment> {
        crate::prepare();
        A::assess(&motion)
    }
}
